// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IVault} from "../src/interfaces/IVault.sol";
import {BridgeToken} from "../src/tokens/BridgeToken.sol";
import {AssetKind, LanePosition} from "../src/types/Types.sol";
import {AssetTest} from "./support/AssetTest.sol";
import {FeeHookToken} from "./support/HostileAssets.sol";
import {HostileToken} from "./support/HostileTokens.sol";
import {vm} from "./support/Vm.sol";
import {IERC1363Receiver} from "@openzeppelin/contracts/interfaces/IERC1363Receiver.sol";
import {IERC1155Receiver} from "@openzeppelin/contracts/token/ERC1155/IERC1155Receiver.sol";
import {IERC721Receiver} from "@openzeppelin/contracts/token/ERC721/IERC721Receiver.sol";

/// @title Requests by one transfer: the vault believes only what has arrived
contract HooksTest is AssetTest {
    IERC1363Receiver private hook1363;
    IERC721Receiver private hook721;
    IERC1155Receiver private hook1155;

    function setUp() public override {
        super.setUp();
        hook1363 = IERC1363Receiver(address(mainVault));
        hook721 = IERC721Receiver(address(mainVault));
        hook1155 = IERC1155Receiver(address(mainVault));
        silver.mint(ALICE, 1e30);
    }

    // ---- ERC-1363 ---------------------------------------------------------------------------------------------

    function test_one_transfer_sends_a_token_both_ways() public {
        _transfer(100, abi.encodePacked(BOB, uint256(100), "hello"));
        Sent memory sent = _carryOne(service);
        vm.assertEq(sent.request.sender, ALICE, "who sent it");
        vm.assertEq(keccak256(_parts(sent).data), keccak256("hello"), "data");
        vm.assertEq(silverThere.balanceOf(BOB), 100);
        _at(service);
        vm.prank(BOB);
        silverThere.transferAndCall(address(serviceVault), 40, abi.encodePacked(ALICE, uint256(40)));
        vm.assertEq(silverThere.totalSupply(), 60, "burned");
        uint256 before = silver.balanceOf(ALICE);
        sent = _carryOne(main);
        vm.assertEq(sent.payload.length, 0, "without data there is no payload");
        vm.assertEq(silver.balanceOf(ALICE) - before, 40);
        _assertSilver(60, 0);
    }

    function test_one_transfer_by_an_operator_is_its_holders_request() public {
        vm.prank(ALICE);
        silver.approve(MALLORY, 100);
        _at(main);
        vm.prank(MALLORY);
        silver.transferFromAndCall(ALICE, address(mainVault), 100, abi.encodePacked(BOB, uint256(90)));
        Sent memory sent = _carryOne(service);
        vm.assertEq(sent.request.sender, ALICE);
        vm.assertEq(silver.balanceOf(MALLORY), 0, "the rest is the holder's");
    }

    function testFuzz_what_is_left_over_comes_back(uint96 amount, uint64 rest, uint64 flat, uint16 rate) public {
        _setFee(mainVault, address(silver), flat, rate = rate % 10_001);
        uint256 asked = _bound(amount, 1, 1e27);
        uint256 fee = mainVault.quote(address(silver), asked).fee;
        uint256 before = silver.balanceOf(ALICE);
        _transfer(asked + fee + rest, abi.encodePacked(BOB, asked));
        vm.assertEq(before - silver.balanceOf(ALICE), asked + fee, "the rest");
        _assertSilver(asked, fee);
        if (fee == 0) return;
        bytes memory unpaid = abi.encodeWithSelector(IVault.Vault_FeeAboveLimit.selector, fee, fee - 1);
        _refuse(asked + fee - 1, abi.encodePacked(BOB, asked), unpaid);
    }

    function test_refuses_more_than_came() public {
        bytes4 mismatch = IVault.Vault_ReceivedMismatch.selector;
        _refuse(99, abi.encodePacked(BOB, uint256(100)), abi.encodeWithSelector(mismatch, 99, 100));
        _refuse(99, abi.encodePacked(BOB, NO_LIMIT), abi.encodeWithSelector(mismatch, 99, NO_LIMIT));
    }

    function test_refuses_data_that_says_too_little() public {
        bytes4 invalid = IVault.Vault_HookDataInvalid.selector;
        bytes memory short = new bytes(51);
        _refuse(100, "", abi.encodeWithSelector(invalid, 0, 52));
        _refuse(100, short, abi.encodeWithSelector(invalid, 51, 52));
        art.mint(ALICE, 1, "u");
        items.mint(ALICE, 1, 5);
        vm.startPrank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(invalid, 19, 20));
        art.safeTransferFrom(ALICE, address(mainVault), 1, new bytes(19));
        vm.expectRevert(abi.encodeWithSelector(invalid, 19, 20));
        items.safeTransferFrom(ALICE, address(mainVault), 1, 5, new bytes(19));
        vm.expectRevert(abi.encodeWithSelector(invalid, 0, 20));
        items.safeBatchTransferFrom(ALICE, address(mainVault), _of(1), _of(5), "");
        vm.stopPrank();
    }

    /// What a plain transfer brought belongs to nobody: no hook makes a request of it.
    function test_stray_tokens_are_nobodys() public {
        vm.prank(ALICE);
        silver.transfer(address(mainVault), 50);
        _transfer(100, abi.encodePacked(BOB, uint256(100)));
        _assertStray(100, 50);
        _refuse(
            100,
            abi.encodePacked(BOB, uint256(150)),
            abi.encodeWithSelector(IVault.Vault_ReceivedMismatch.selector, 100, 150)
        );
        vm.prank(ALICE);
        silver.approve(address(mainVault), 10);
        _at(main);
        vm.prank(ALICE);
        mainVault.requestERC20(address(silver), BOB, 10, 0, "");
        _assertStray(110, 50);
    }

    // ---- fee on transfer ----------------------------------------------------------------------------------------

    /// The token says that 1,000 came; 990 did. Whatever is asked for, more than came is never booked nor sent back.
    function test_a_fee_on_transfer_is_refused_through_a_hook() public {
        FeeHookToken token = _feeToken();
        bytes4 mismatch = IVault.Vault_ReceivedMismatch.selector;
        uint256[4] memory asked = [uint256(1000), 990, 900, 1];
        for (uint256 i = 0; i < asked.length; ++i) {
            _at(main);
            vm.prank(ALICE);
            vm.expectRevert(abi.encodeWithSelector(mismatch, 990, 1000));
            token.transferAndCall(address(mainVault), 1000, abi.encodePacked(BOB, asked[i]));
        }
        vm.assertEq(_custody(main, address(token)), 0);
    }

    /// Nor does what others have in custody or paid as fees fill the gap.
    function test_a_fee_on_transfer_takes_nothing_from_others() public {
        FeeHookToken token = _feeToken();
        _setFee(mainVault, address(token), 1, 0);
        // A transfer too small for the token's own fee.
        _at(main);
        vm.prank(ALICE);
        token.transferAndCall(address(mainVault), 99, abi.encodePacked(BOB, uint256(98)));
        vm.assertEq(_custody(main, address(token)), 98);
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(IVault.Vault_ReceivedMismatch.selector, 990, 1000));
        token.transferAndCall(address(mainVault), 1000, abi.encodePacked(BOB, uint256(999)));
        vm.assertEq(token.balanceOf(address(mainVault)), 99, "S5");
    }

    // ---- NFTs -------------------------------------------------------------------------------------------------

    function test_one_step_pays_no_coin_so_a_fee_is_unpaid() public {
        _setFee(mainVault, address(art), 7, 0);
        _setFee(mainVault, address(items), 8, 0);
        art.mint(ALICE, 1, "u");
        items.mint(ALICE, 1, 5);
        bytes4 above = IVault.Vault_FeeAboveLimit.selector;
        vm.startPrank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(above, 7, 0));
        art.safeTransferFrom(ALICE, address(mainVault), 1, abi.encodePacked(BOB));
        vm.expectRevert(abi.encodeWithSelector(above, 8, 0));
        items.safeTransferFrom(ALICE, address(mainVault), 1, 5, abi.encodePacked(BOB));
        vm.stopPrank();
        vm.assertEq(art.ownerOf(1), ALICE);
    }

    function test_a_hook_hands_on_data() public {
        art.mint(ALICE, 1, "u");
        _at(main);
        vm.prank(ALICE);
        art.safeTransferFrom(ALICE, address(mainVault), 1, abi.encodePacked(BOB, "hello"));
        vm.assertEq(keccak256(_parts(_theSent(main)).data), keccak256("hello"), "data");
    }

    // ---- forged callers ---------------------------------------------------------------------------------------

    function test_strangers_call_no_hook() public {
        bytes memory stranger = abi.encodeWithSelector(IVault.Vault_TokenUnregistered.selector, MALLORY);
        bytes memory to = abi.encodePacked(BOB, uint256(1));
        uint256[] memory one = _of(1);
        vm.startPrank(MALLORY);
        vm.expectRevert(stranger);
        hook1363.onTransferReceived(MALLORY, MALLORY, 1, to);
        vm.expectRevert(stranger);
        hook721.onERC721Received(MALLORY, MALLORY, 1, to);
        vm.expectRevert(stranger);
        hook1155.onERC1155Received(MALLORY, MALLORY, 1, 1, to);
        vm.expectRevert(stranger);
        hook1155.onERC1155BatchReceived(MALLORY, MALLORY, one, one, to);
        vm.stopPrank();
        _assertNothingAsked();
    }

    /// Who says that the vault itself fetched something changes nothing by it.
    function test_a_forged_operator_asks_for_nothing() public {
        address[2] memory callers = [MALLORY, address(items)];
        uint256[] memory one = _of(1);
        for (uint256 i = 0; i < callers.length; ++i) {
            vm.startPrank(callers[i]);
            hook1155.onERC1155Received(address(mainVault), ALICE, 1, 1, abi.encodePacked(BOB));
            hook1155.onERC1155BatchReceived(address(mainVault), ALICE, one, one, abi.encodePacked(BOB));
            vm.stopPrank();
        }
        _assertNothingAsked();
    }

    function test_a_token_calls_the_hook_of_its_own_kind() public {
        bytes4 mismatch = IVault.Vault_KindMismatch.selector;
        bytes memory to = abi.encodePacked(BOB, uint256(1));
        vm.prank(address(silver));
        vm.expectRevert(abi.encodeWithSelector(mismatch, AssetKind.ERC721, AssetKind.ERC20));
        hook721.onERC721Received(ALICE, ALICE, 1, to);
        vm.prank(address(art));
        vm.expectRevert(abi.encodeWithSelector(mismatch, AssetKind.ERC1155, AssetKind.ERC721));
        hook1155.onERC1155Received(ALICE, ALICE, 1, 1, to);
        vm.prank(address(items));
        vm.expectRevert(abi.encodeWithSelector(mismatch, AssetKind.ERC20, AssetKind.ERC1155));
        hook1363.onTransferReceived(ALICE, ALICE, 1, to);
    }

    /// A token that only claims to have moved something: what is in custody for others does not count.
    function test_claims_of_tokens_are_measured() public {
        _transfer(100, abi.encodePacked(BOB, uint256(100)));
        _theSent(main);
        _sendItems(BOB, _of(1), _of(5));
        bytes4 mismatch = IVault.Vault_ReceivedMismatch.selector;
        vm.prank(address(silver));
        vm.expectRevert(abi.encodeWithSelector(mismatch, 0, 100));
        hook1363.onTransferReceived(MALLORY, MALLORY, 100, abi.encodePacked(BOB, uint256(100)));
        vm.prank(address(items));
        vm.expectRevert(abi.encodeWithSelector(mismatch, 0, 5));
        hook1155.onERC1155Received(MALLORY, MALLORY, 1, 5, abi.encodePacked(BOB));
        art.mint(ALICE, 1, "u");
        vm.prank(address(art));
        vm.expectRevert(abi.encodeWithSelector(mismatch, 0, 1));
        hook721.onERC721Received(MALLORY, MALLORY, 1, abi.encodePacked(BOB));
    }

    /// While the vault takes one thing, another that arrives is refused.
    function test_no_hook_is_taken_during_a_request() public {
        HostileToken token = new HostileToken();
        BridgeToken there = new BridgeToken(address(serviceVault), "There", "THR", 18, NO_LIMIT);
        _pair(address(token), AssetKind.ERC20, address(there), AssetKind.ERC20);
        token.mint(ALICE, 10);
        silver.mint(address(token), 10);
        bytes memory once = abi.encodeWithSignature(
            "transferAndCall(address,uint256,bytes)", mainVault, 10, abi.encodePacked(BOB, uint256(10))
        );
        token.setReentry(address(silver), once);
        vm.prank(ALICE);
        token.approve(address(mainVault), 10);
        _at(main);
        vm.prank(ALICE);
        mainVault.requestERC20(address(token), BOB, 10, 0, "");
        vm.assertTrue(!token.reentered(), "the guard held");
        _theSent(main);
        vm.prank(address(token));
        (bool ok,) = address(silver).call(once);
        vm.assertTrue(ok, "taken on its own");
    }

    function test_the_vault_says_which_hooks_it_has() public view {
        bytes4[4] memory ids = [
            type(IERC1363Receiver).interfaceId,
            type(IERC721Receiver).interfaceId,
            type(IERC1155Receiver).interfaceId,
            bytes4(0x01ffc9a7)
        ];
        for (uint256 i = 0; i < ids.length; ++i) {
            vm.assertTrue(IERC1155Receiver(address(mainVault)).supportsInterface(ids[i]), "announced");
        }
        vm.assertTrue(!IERC1155Receiver(address(mainVault)).supportsInterface(0xffffffff), "nothing else");
    }

    // ---- helpers ----------------------------------------------------------------------------------------------

    function _transfer(uint256 value, bytes memory data) private {
        _at(main);
        vm.prank(ALICE);
        silver.transferAndCall(address(mainVault), value, data);
    }

    function _refuse(uint256 value, bytes memory data, bytes memory fault) private {
        LanePosition memory before = _outgoing(main);
        uint256 held = silver.balanceOf(address(mainVault));
        _at(main);
        vm.prank(ALICE);
        vm.expectRevert(fault);
        silver.transferAndCall(address(mainVault), value, data);
        vm.assertEq(_outgoing(main).head, before.head, "head stays");
        vm.assertEq(silver.balanceOf(address(mainVault)), held);
    }

    function _feeToken() private returns (FeeHookToken token) {
        token = new FeeHookToken();
        BridgeToken there = new BridgeToken(address(serviceVault), "There", "THR", 18, NO_LIMIT);
        _pair(address(token), AssetKind.ERC20, address(there), AssetKind.ERC20);
        token.mint(ALICE, 10_000);
    }

    function _assertSilver(uint256 custody, uint256 fees) private view {
        vm.assertEq(_custody(main, address(silver)), custody, "custody");
        vm.assertEq(mainVault.feesHeld(address(silver)), fees, "fees");
        vm.assertEq(silver.balanceOf(address(mainVault)), custody + fees, "S5");
    }

    function _assertStray(uint256 custody, uint256 stray) private view {
        vm.assertEq(_custody(main, address(silver)), custody, "custody");
        vm.assertEq(silver.balanceOf(address(mainVault)), custody + stray, "held");
    }

    function _assertNothingAsked() private view {
        vm.assertEq(_outgoing(main).count, 0, "no request");
    }
}
