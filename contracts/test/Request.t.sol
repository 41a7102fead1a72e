// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IBridge} from "../src/interfaces/IBridge.sol";
import {IGoverned} from "../src/interfaces/IGoverned.sol";
import {IVault} from "../src/interfaces/IVault.sol";
import {IVaultMinted} from "../src/interfaces/IVaultMinted.sol";
import {LaneHead} from "../src/libraries/LaneHead.sol";
import {BridgeToken} from "../src/tokens/BridgeToken.sol";
import {AssetKind, Direction, LaneAmount, LanePosition, Limits, NATIVE_COIN, Request} from "../src/types/Types.sol";
import {HostileToken, SilentToken} from "./support/HostileTokens.sol";
import {IOwnedVault} from "./support/IOwned.sol";
import {PairTest} from "./support/PairTest.sol";
import {TestToken} from "./support/TestToken.sol";
import {Vm, vm} from "./support/Vm.sol";

/// @title What a vault takes, and what it refuses before anything changes
contract RequestTest is PairTest {
    function test_coin_is_locked_and_linked() public {
        bytes32 before = _outgoing(main).head;
        vm.recordLogs();
        Request memory request = _sendCoin(BOB, 3 ether);
        Vm.Log[] memory logs = vm.getRecordedLogs();

        bytes32 head = keccak256(abi.encodePacked(before, LaneHead.hash(request)));
        vm.assertEq(_outgoing(main).head, head, "head");
        vm.assertEq(_outgoing(main).count, 1, "count");
        vm.assertEq(_custody(main, NATIVE_COIN), 3 ether, "custody");
        vm.assertEq(address(mainVault).balance, 3 ether, "balance");
        vm.assertEq(address(main).balance, 0, "the bridge holds nothing");
        vm.assertEq(logs.length, 1);
        vm.assertEq(logs[0].emitter, address(main), "emitter");
        vm.assertEq(logs[0].topics[0], IBridge.ValueTransferRequested.selector, "event");
        vm.assertEq(logs[0].topics[1], bytes32(0), "nonce");
        vm.assertEq(logs[0].topics[2], bytes32(uint256(uint160(ALICE))), "sender");
        vm.assertEq(logs[0].topics[3], bytes32(uint256(uint160(BOB))), "recipient");
        vm.assertEq(
            keccak256(logs[0].data),
            keccak256(abi.encode(AssetKind.Native, NATIVE_COIN, coinThere, uint256(3 ether), "", head)),
            "every hashed field and the head"
        );
    }

    function test_token_is_locked_at_home_and_burned_away() public {
        Request memory there = _sendGold(BOB, 100);
        vm.assertEq(gold.balanceOf(address(mainVault)), 100, "locked");
        vm.assertEq(_custody(main, address(gold)), 100, "custody");
        _deliver(service, there);
        vm.assertEq(goldThere.balanceOf(BOB), 100, "minted");

        Request memory back = _sendBack(goldThere, BOB, ALICE, 40);
        vm.assertEq(goldThere.totalSupply(), 60, "burned");
        vm.assertEq(_custody(service, address(goldThere)), 60, "outstanding");
        _deliver(main, back);
        vm.assertEq(gold.balanceOf(ALICE), 40, "unlocked");
        vm.assertEq(_custody(main, address(gold)), 60, "still locked");
    }

    function test_nonces_have_no_gaps() public {
        for (uint64 i = 0; i < 5; ++i) {
            Request memory request = i % 2 == 0 ? _sendGold(BOB, 1) : _sendCoin(BOB, 1);
            vm.assertEq(request.nonce, i);
        }
    }

    function test_coin_beyond_the_amount_comes_back() public {
        vm.deal(ALICE, 10);
        _at(main);
        vm.prank(ALICE);
        mainVault.requestNative{value: 10}(BOB, 7, "");
        vm.assertEq(ALICE.balance, 3, "the rest");
        vm.assertEq(address(mainVault).balance, 7, "the amount");
    }

    // ---- refusals ---------------------------------------------------------------------------------------------

    function test_refuses_an_unregistered_token() public {
        TestToken lead = new TestToken("Lead", "PB", 18);
        _refuse(address(lead), BOB, 1, abi.encodeWithSelector(IVault.Vault_TokenUnregistered.selector, lead));
        _refuse(address(0), BOB, 1, abi.encodeWithSelector(IVault.Vault_TokenUnregistered.selector, address(0)));
    }

    function test_refuses_a_disabled_token() public {
        vm.prank(GUARDIAN);
        mainVault.setTokenEnabled(address(gold), false);
        _refuse(address(gold), BOB, 1, abi.encodeWithSelector(IVault.Vault_TokenDisabled.selector, gold));
    }

    function test_refuses_the_coin_as_a_token_and_a_token_as_another_kind() public {
        bytes4 mismatch = IVault.Vault_KindMismatch.selector;
        _refuse(NATIVE_COIN, BOB, 1, abi.encodeWithSelector(mismatch, AssetKind.ERC20, AssetKind.Native));
        vm.expectRevert(abi.encodeWithSelector(mismatch, AssetKind.ERC721, AssetKind.ERC20));
        mainVault.requestERC721(address(gold), BOB, 1, "");
        vm.expectRevert(abi.encodeWithSelector(mismatch, AssetKind.ERC1155, AssetKind.ERC20));
        mainVault.requestERC1155(address(gold), BOB, new uint256[](1), new uint256[](1), "");
    }

    function test_refuses_amounts_of_nothing_and_out_of_bounds() public {
        _bounds(10, 20);
        _refuse(address(gold), BOB, 0, abi.encodeWithSelector(IVault.Vault_AmountZero.selector));
        _refuse(address(gold), BOB, 9, abi.encodeWithSelector(IVault.Vault_AmountBelowMin.selector, 9, 10));
        _refuse(address(gold), BOB, 21, abi.encodeWithSelector(IVault.Vault_AmountAboveMax.selector, 21, 20));
        _sendGold(BOB, 10);
        _sendGold(BOB, 20);
        vm.prank(ALICE);
        vm.expectRevert(IVault.Vault_AmountZero.selector);
        mainVault.requestNative{value: 0}(BOB, 0, "");
    }

    function test_refuses_zero_even_where_the_least_is_zero() public {
        _bounds(0, 20);
        _refuse(address(gold), BOB, 0, abi.encodeWithSelector(IVault.Vault_AmountZero.selector));
    }

    function test_refuses_more_than_112_bits() public {
        uint256 most = type(uint112).max;
        _refuse(
            address(gold), BOB, most + 1, abi.encodeWithSelector(IVault.Vault_AmountAboveMax.selector, most + 1, most)
        );
    }

    /// Many requests together cannot pass what the books can count either.
    function test_refuses_what_custody_cannot_count() public {
        _sendGold(BOB, type(uint112).max);
        bytes4 above = IVault.Vault_AmountAboveMax.selector;
        _at(main);
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(above, uint256(type(uint112).max) + 1, type(uint112).max));
        mainVault.requestERC20(address(gold), BOB, 1, 0, "");
    }

    function test_refuses_recipients_that_would_lose_the_value() public {
        address[3] memory lost = [address(0), address(service), address(goldThere)];
        for (uint256 i = 0; i < lost.length; ++i) {
            bytes memory refused = abi.encodeWithSelector(IBridge.Bridge_RecipientRefused.selector, lost[i]);
            _refuse(address(gold), lost[i], 1, refused);
        }
        vm.deal(ALICE, 1);
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(IBridge.Bridge_RecipientRefused.selector, service));
        mainVault.requestNative{value: 1}(address(service), 1, "");
    }

    function test_refuses_while_paused() public {
        vm.prank(GUARDIAN);
        main.pause();
        bytes memory paused = abi.encodeWithSelector(IBridge.Bridge_Paused.selector, START + 3 days);
        _refuse(address(gold), BOB, 1, paused);
        vm.deal(ALICE, 1);
        vm.prank(ALICE);
        vm.expectRevert(paused);
        mainVault.requestNative{value: 1}(BOB, 1, "");
    }

    function test_refuses_while_no_bridge_serves() public {
        IOwnedVault idle = _deployVault(OWNER, GUARDIAN, LARGE_DELAY);
        _register(idle, address(gold), mainVault.tokenConfig(address(gold)));
        gold.mint(ALICE, 1);
        vm.prank(ALICE);
        gold.approve(address(idle), 1);
        vm.prank(ALICE);
        vm.expectRevert(IVault.Vault_NoBridge.selector);
        idle.requestERC20(address(gold), BOB, 1, 0, "");
    }

    function test_refuses_coin_that_comes_without_a_request() public {
        vm.deal(ALICE, 2);
        vm.prank(ALICE);
        (bool ok,) = address(mainVault).call{value: 1}("");
        vm.assertTrue(!ok, "no plain coin");
        vm.prank(ALICE);
        (ok,) = address(main).call{value: 1}("");
        vm.assertTrue(!ok, "nor in the bridge");
    }

    function test_refuses_too_little_coin() public {
        vm.deal(ALICE, 10);
        _at(main);
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(IVault.Vault_CoinShort.selector, 9, 10));
        mainVault.requestNative{value: 9}(BOB, 10, "");
    }

    function test_burning_spends_the_allowance() public {
        _deliver(service, _sendGold(BOB, 10));
        vm.prank(BOB);
        vm.expectRevert();
        _at(service);
        serviceVault.requestERC20(address(goldThere), ALICE, 10, 0, "");
        vm.prank(BOB);
        goldThere.approve(address(serviceVault), 9);
        vm.prank(BOB);
        vm.expectRevert();
        serviceVault.requestERC20(address(goldThere), ALICE, 10, 0, "");
    }

    function test_only_the_vault_mints_and_nobody_burns_what_is_anothers() public {
        bytes4 refused = IVaultMinted.Token_CallerRefused.selector;
        address[2] memory callers = [OWNER, address(service)];
        for (uint256 i = 0; i < callers.length; ++i) {
            vm.prank(callers[i]);
            vm.expectRevert(abi.encodeWithSelector(refused, callers[i], serviceVault));
            goldThere.mint(callers[i], 1);
        }
        _deliver(service, _sendGold(BOB, 1));
        vm.prank(OWNER);
        vm.expectRevert();
        goldThere.burn(1);
        vm.assertEq(goldThere.balanceOf(BOB), 1, "untouched");
    }

    function test_only_the_vault_links_requests() public {
        Request memory request =
            Request(0, AssetKind.ERC20, ALICE, BOB, address(gold), address(goldThere), LaneAmount.wrap(1), 0);
        address[4] memory callers = [OWNER, GUARDIAN, MALLORY, address(serviceVault)];
        _at(main);
        for (uint256 i = 0; i < callers.length; ++i) {
            vm.prank(callers[i]);
            vm.expectRevert(abi.encodeWithSelector(IGoverned.Governed_CallerRefused.selector, callers[i]));
            main.link(request, "");
        }
    }

    // ---- hostile tokens ---------------------------------------------------------------------------------------

    function test_takes_a_token_without_return_value() public {
        SilentToken silent = new SilentToken();
        _list(address(silent));
        silent.mint(ALICE, 5);
        vm.prank(ALICE);
        silent.approve(address(mainVault), 5);
        _at(main);
        vm.prank(ALICE);
        mainVault.requestERC20(address(silent), BOB, 5, 0, "");
        vm.assertEq(_custody(main, address(silent)), 5, "custody");
    }

    function test_refuses_a_fee_on_transfer() public {
        HostileToken token = _hostile();
        token.setMood(HostileToken.Mood.TakeFee);
        _refuse(address(token), BOB, 1000, abi.encodeWithSelector(IVault.Vault_ReceivedMismatch.selector, 990, 1000));
    }

    function test_refuses_a_token_that_returns_false_or_reverts() public {
        HostileToken token = _hostile();
        token.setMood(HostileToken.Mood.ReturnFalse);
        _refuse(address(token), BOB, 1000, "");
        token.setMood(HostileToken.Mood.Revert);
        _refuse(address(token), BOB, 1000, "");
    }

    function test_a_token_cannot_reenter_while_it_is_taken() public {
        HostileToken token = _hostile();
        token.setReentry(
            address(mainVault), abi.encodeCall(IVault.requestERC20, (address(token), BOB, uint256(1), 0, ""))
        );
        _at(main);
        vm.prank(ALICE);
        mainVault.requestERC20(address(token), BOB, 1000, 0, "");
        vm.assertTrue(!token.reentered(), "the guard held");
        vm.assertEq(_outgoing(main).count, 1, "one request");
    }

    function _hostile() private returns (HostileToken token) {
        token = new HostileToken();
        _list(address(token));
        token.mint(ALICE, 10_000);
        vm.prank(ALICE);
        token.approve(address(mainVault), 10_000);
        // What it needs to ask for a transfer of its own.
        token.mint(address(token), 10);
        vm.prank(address(token));
        token.approve(address(mainVault), 10);
    }

    function _list(address token) private {
        address there = address(new BridgeToken(address(serviceVault), "There", "THR", 18, NO_LIMIT));
        _pair(token, AssetKind.ERC20, there, AssetKind.ERC20);
    }

    function _bounds(uint256 min, uint256 max) private {
        Limits memory limits = _unlimited();
        (limits.min, limits.max) = (min, max);
        _limit(mainVault, address(gold), Direction.Outgoing, limits);
    }

    /// Expects a refusal that changes nothing. Empty data: any.
    function _refuse(address token, address recipient, uint256 amount, bytes memory data) private {
        LanePosition memory before = _outgoing(main);
        gold.mint(ALICE, amount);
        vm.prank(ALICE);
        gold.approve(address(mainVault), amount);
        _at(main);
        if (data.length == 0) vm.expectRevert();
        else vm.expectRevert(data);
        vm.prank(ALICE);
        mainVault.requestERC20(token, recipient, amount, 0, "");
        vm.assertEq(_outgoing(main).count, before.count, "count stays");
        vm.assertEq(_outgoing(main).head, before.head, "head stays");
        vm.assertEq(_custody(main, token), 0);
        vm.assertEq(mainVault.feesHeld(token), 0);
    }
}
