// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IBridge} from "../src/interfaces/IBridge.sol";
import {IVault} from "../src/interfaces/IVault.sol";
import {AssetKind, Certificate, Custody, Order, ParkReason, Request} from "../src/types/Types.sol";
import {AnyToken} from "./support/AnyToken.sol";
import {AssetTest} from "./support/AssetTest.sol";
import {DataReceiver} from "./support/DataReceiver.sol";
import {IOwnedBridge} from "./support/IOwned.sol";
import {vm} from "./support/Vm.sol";

/// @title Data for the recipient: with the assets, once, or nothing of either
contract DataTest is AssetTest {
    bytes private constant HELLO = "hello";

    DataReceiver private receiver;

    function setUp() public override {
        super.setUp();
        receiver = new DataReceiver();
        gold.mint(ALICE, 1e30);
        vm.deal(ALICE, 1e30);
        vm.startPrank(ALICE);
        gold.approve(address(mainVault), NO_LIMIT);
        art.setApprovalForAll(address(mainVault), true);
        items.setApprovalForAll(address(mainVault), true);
        vm.stopPrank();
    }

    // ---- who is called ----------------------------------------------------------------------------------------

    function test_a_receiver_of_tokens_is_told_after_it_was_paid() public {
        Sent memory sent = _sendGoldWith(address(receiver), 100, HELLO);
        _carry(service, _list(sent));
        _assertTold(service, sent, 100);
        vm.assertEq(receiver.held(), 100, "already paid");
        vm.assertEq(keccak256(_parts(sent).data), keccak256(HELLO), "data");
        vm.assertEq(_custody(service, address(goldThere)), 100);
    }

    function test_a_receiver_of_coin_is_told_after_it_was_paid() public {
        _at(main);
        vm.prank(ALICE);
        mainVault.requestNative{value: 50}(BOB, 50, "");
        _carry(service);
        vm.prank(BOB);
        coinThere.approve(address(serviceVault), 50);
        _at(service);
        vm.prank(BOB);
        serviceVault.requestERC20(address(coinThere), address(receiver), 20, 0, HELLO);
        Sent memory sent = _carryOne(main);
        _assertTold(main, sent, 20);
        vm.assertEq(receiver.held(), 20, "already paid");
    }

    /// forge-config: default.isolate = true
    function test_a_receiver_of_nfts_is_told() public {
        art.mint(ALICE, 7, "u");
        items.mint(ALICE, 3, 10);
        _at(main);
        vm.prank(ALICE);
        mainVault.requestERC721(address(art), address(receiver), 7, HELLO);
        Sent memory sent = _carryOne(service);
        _assertTold(service, sent, 1);
        vm.assertEq(artThere.ownerOf(7), address(receiver));
        _at(main);
        vm.prank(ALICE);
        mainVault.requestERC1155(address(items), address(receiver), _of(3), _of(10), HELLO);
        sent = _carryOne(service);
        vm.assertEq(receiver.calls(), 2);
        vm.assertEq(receiver.localAmount(), 10, "how many");
        vm.assertEq(itemsThere.balanceOf(address(receiver), 3), 10);
    }

    function test_without_data_a_receiver_is_not_called() public {
        _carry(service, _list(_sendGoldWith(address(receiver), 100, "")));
        vm.assertEq(receiver.calls(), 0);
        vm.assertEq(goldThere.balanceOf(address(receiver)), 100);
        art.mint(ALICE, 7, "u");
        _at(main);
        vm.prank(ALICE);
        mainVault.requestERC721(address(art), address(receiver), 7, "");
        _carryOne(service);
        vm.assertEq(receiver.calls(), 0, "ids alone are no data");
        vm.assertEq(artThere.ownerOf(7), address(receiver));
    }

    function test_a_single_byte_is_data() public {
        Sent memory sent = _sendGoldWith(address(receiver), 100, hex"07");
        _carry(service, _list(sent));
        _assertTold(service, sent, 100);
        vm.assertEq(receiver.calls(), 1);
    }

    function test_who_announces_nothing_is_paid_without_a_call() public {
        _carry(service, _list(_sendGoldWith(BOB, 100, HELLO)));
        vm.assertEq(goldThere.balanceOf(BOB), 100, "an account");
        _carry(service, _list(_sendGoldWith(address(items), 100, HELLO)));
        vm.assertEq(goldThere.balanceOf(address(items)), 100, "another contract");
        DataReceiver.Mood[3] memory moods =
            [DataReceiver.Mood.Silent, DataReceiver.Mood.SayYes, DataReceiver.Mood.BurnProbe];
        for (uint256 i = 0; i < moods.length; ++i) {
            receiver.setMood(moods[i]);
            _carry(service, _list(_sendGoldWith(address(receiver), 100, HELLO)));
            vm.assertEq(goldThere.balanceOf(address(receiver)), 100 * (i + 1), "no receiver");
        }
        vm.assertEq(receiver.calls(), 0);
    }

    // ---- who refuses ------------------------------------------------------------------------------------------

    function test_who_refuses_the_data_is_paid_nothing() public {
        DataReceiver.Mood[6] memory moods = [
            DataReceiver.Mood.Revert,
            DataReceiver.Mood.RevertWithAnswer,
            DataReceiver.Mood.AnswerWrong,
            DataReceiver.Mood.AnswerNothing,
            DataReceiver.Mood.BurnGas,
            DataReceiver.Mood.Bomb
        ];
        for (uint256 i = 0; i < moods.length; ++i) {
            receiver.setMood(moods[i]);
            Sent[] memory sent = new Sent[](2);
            sent[0] = _sendGoldWith(address(receiver), 100, HELLO);
            sent[1] = _sendGoldWith(BOB, 1, "");
            _carry(service, sent);
            _assertParked(service, sent[0], ParkReason.DataRefused);
            vm.assertEq(goldThere.balanceOf(address(receiver)), 0, "nothing paid");
            vm.assertEq(goldThere.balanceOf(BOB), i + 1, "the batch went on");
            vm.assertEq(_custody(service, address(goldThere)), i + 1, "nothing minted");
            vm.assertEq(_parked(service, address(goldThere)), 100 * (i + 1));
        }
        vm.assertEq(receiver.calls(), 0);
    }

    function test_refused_data_is_tried_again_with_the_assets() public {
        receiver.setMood(DataReceiver.Mood.Revert);
        Sent memory sent = _sendGoldWith(address(receiver), 100, HELLO);
        _carry(service, _list(sent));
        vm.expectRevert(abi.encodeWithSelector(IBridge.Bridge_ReleaseRefused.selector, ParkReason.DataRefused, 0));
        service.releaseParked(sent.request, sent.payload);
        receiver.setMood(DataReceiver.Mood.Accept);
        service.releaseParked(sent.request, sent.payload);
        _assertTold(service, sent, 100);
        vm.expectRevert(abi.encodeWithSelector(IBridge.Bridge_NotParked.selector, service.requestHash(sent.request)));
        service.releaseParked(sent.request, sent.payload);
        vm.assertEq(receiver.calls(), 1, "once");
    }

    function test_other_data_than_was_sent_is_not_taken() public {
        receiver.setMood(DataReceiver.Mood.Revert);
        Sent memory sent = _sendGoldWith(address(receiver), 100, HELLO);
        bytes memory other = bytes.concat(sent.payload, bytes32(0));
        Certificate memory certificate = _certify(service, _one(sent.request), _none(), THRESHOLD);
        bytes[] memory payloads = new bytes[](1);
        payloads[0] = other;
        bytes memory mismatch =
            abi.encodeWithSelector(IBridge.Bridge_PayloadMismatch.selector, keccak256(other), sent.request.payloadHash);
        _at(service);
        vm.expectRevert(mismatch);
        service.deliver(_one(sent.request), payloads, _none(), certificate);
        _carry(service, _list(sent));
        vm.expectRevert(mismatch);
        service.releaseParked(sent.request, other);
        vm.expectRevert(
            abi.encodeWithSelector(IBridge.Bridge_PayloadMismatch.selector, bytes32(0), sent.request.payloadHash)
        );
        service.releaseParked(sent.request, "");
    }

    /// Data was meant for the recipient: what goes back carries none.
    function test_what_goes_back_carries_no_data() public {
        receiver.setMood(DataReceiver.Mood.Revert);
        Sent memory plain = _sendGoldWith(address(receiver), 100, HELLO);
        art.mint(ALICE, 7, "u");
        _at(main);
        vm.prank(ALICE);
        mainVault.requestERC721(address(art), address(receiver), 7, HELLO);
        Sent memory piece = _theSent(main);
        Sent[] memory sent = new Sent[](2);
        (sent[0], sent[1]) = (plain, piece);
        _carry(service, sent);
        vm.startPrank(address(receiver));
        service.returnParked(plain.request, plain.payload);
        service.returnParked(piece.request, piece.payload);
        vm.stopPrank();
        sent = _carry(main);
        vm.assertEq(sent[0].payload.length, 0, "nothing left to carry");
        vm.assertEq(_parts(sent[1]).data.length, 0, "no data");
        vm.assertEq(_parts(sent[1]).ids[0], 7, "but the id");
        vm.assertEq(art.ownerOf(7), ALICE);
        vm.assertEq(gold.balanceOf(ALICE), 1e30);
    }

    function test_a_release_to_another_tells_the_other() public {
        receiver.setMood(DataReceiver.Mood.Revert);
        Sent memory sent = _sendGoldWith(address(receiver), 100, HELLO);
        _carry(service, _list(sent));
        DataReceiver other = new DataReceiver();
        vm.prank(address(receiver));
        service.releaseParkedTo(sent.request, sent.payload, address(other), 0, "");
        vm.assertEq(other.calls(), 1);
        vm.assertEq(goldThere.balanceOf(address(other)), 100);
        vm.assertEq(receiver.calls(), 0);
    }

    // ---- length -----------------------------------------------------------------------------------------------

    /// From cold slots, as in a transaction of its own.
    /// forge-config: default.isolate = true
    function test_the_longest_data_arrives() public {
        Sent memory sent = _sendGoldWith(address(receiver), 100, new bytes(1024));
        _carry(service, _list(sent));
        _assertTold(service, sent, 100);
    }

    function test_longer_data_is_refused_on_every_way() public {
        bytes memory long = new bytes(1025);
        art.mint(ALICE, 7, "u");
        silver.mint(ALICE, 10);
        Order[] memory orders = new Order[](1);
        orders[0] = _order(address(gold), BOB, 1);
        orders[0].data = long;
        bytes memory refused = abi.encodeWithSelector(IVault.Vault_DataTooLong.selector, 1025, 1024);
        vm.startPrank(ALICE);
        vm.expectRevert(refused);
        mainVault.requestNative{value: 1}(BOB, 1, long);
        vm.expectRevert(refused);
        mainVault.requestERC20(address(gold), BOB, 1, 0, long);
        vm.expectRevert(refused);
        mainVault.requestERC721(address(art), BOB, 7, long);
        vm.expectRevert(refused);
        mainVault.requestBulk(orders);
        vm.expectRevert(refused);
        art.safeTransferFrom(ALICE, address(mainVault), 7, abi.encodePacked(BOB, long));
        vm.expectRevert(refused);
        silver.transferAndCall(address(mainVault), 10, abi.encodePacked(BOB, uint256(10), long));
        vm.stopPrank();
        vm.assertEq(_outgoing(main).count, 0);
    }

    // ---- re-entry and gas -------------------------------------------------------------------------------------

    function test_a_reentering_receiver_gets_its_handover_and_nothing_else() public {
        receiver.setMood(DataReceiver.Mood.Revert);
        Sent memory parked = _sendGoldWith(address(receiver), 100, HELLO);
        _carry(service, _list(parked));
        vm.prank(address(receiver));
        goldThere.approve(address(serviceVault), NO_LIMIT);
        bytes[4] memory calls = [
            abi.encodeCall(IBridge.returnParked, (parked.request, parked.payload)),
            abi.encodeCall(IBridge.releaseParkedTo, (parked.request, parked.payload, MALLORY, 0, "")),
            abi.encodeCall(IVault.requestERC20, (address(goldThere), ALICE, 1, 0, "")),
            abi.encodeCall(IBridge.releaseParked, (parked.request, parked.payload))
        ];
        for (uint256 i = 0; i < calls.length; ++i) {
            receiver.setReentry(i == 2 ? address(serviceVault) : address(service), calls[i]);
            _carry(service, _list(_sendGoldWith(address(receiver), 10, new bytes(512))));
            vm.assertTrue(!receiver.reentered(), "the guard held");
            vm.assertEq(receiver.calls(), i + 1, "told");
            vm.assertEq(goldThere.balanceOf(address(receiver)), 10 * (i + 1), "paid");
        }
        _assertParked(service, parked, ParkReason.DataRefused);
        vm.assertEq(_custody(service, address(goldThere)), 40);
    }

    /// However much gas a submitter gives: a receiver that a full allowance satisfies is paid and told, or the whole
    /// batch reverts.
    function test_starving_withholds_no_data() public {
        Sent memory sent = _sendGoldWith(address(receiver), 100, HELLO);
        (Request[] memory requests, bytes[] memory payloads) = _split(_list(sent));
        Certificate memory certificate = _certify(service, requests, _none(), THRESHOLD);
        _at(service);
        uint256 taken = 0;
        for (uint256 gasLimit = 100_000; gasLimit < 1_000_000; gasLimit += 10_000) {
            uint256 state = vm.snapshotState();
            try service.deliver{gas: gasLimit}(requests, payloads, _none(), certificate) {
                vm.assertEq(receiver.calls(), 1, "told");
                ++taken;
            } catch {}
            vm.assertEq(_parked(service, address(goldThere)), 0, "nobody is parked");
            vm.revertToState(state);
        }
        vm.assertGe(taken, 10, "enough gas is enough");
    }

    /// However little gas a token leaves: what comes to a receiver never comes without its data.
    function test_a_token_that_burns_gas_withholds_no_data() public {
        AnyToken token = new AnyToken();
        _register(mainVault, address(token), _config(address(goldThere), AssetKind.ERC20, Custody.Lock));
        token.mint(ALICE, 100);
        vm.prank(ALICE);
        token.approve(address(mainVault), 100);
        _at(main);
        vm.prank(ALICE);
        mainVault.requestERC20(address(token), BOB, 100, 0, HELLO);
        Sent memory sent = _theSent(main);
        Request memory home = sent.request;
        (home.recipient, home.token, home.counterpartToken) = (address(receiver), address(goldThere), address(token));
        receiver.setMood(DataReceiver.Mood.CostlyProbe);
        uint256 told = 0;
        for (uint256 leaves = 0; leaves < 400_000; leaves += leaves < 60_000 ? 1_000 : 20_000) {
            uint256 state = vm.snapshotState();
            token.setLeaves(leaves);
            _carry(main, _list(sent));
            bool paid = token.balances(address(receiver)) > 0;
            vm.assertTrue(paid == (receiver.calls() == 1), "with its data or not at all");
            vm.assertEq(_parked(main, address(token)), paid ? 0 : 100, "else owed");
            if (paid) ++told;
            vm.revertToState(state);
        }
        vm.assertGe(told, 1, "enough gas is enough");
    }

    // ---- helpers ----------------------------------------------------------------------------------------------

    function _sendGoldWith(address recipient, uint256 amount, bytes memory data) private returns (Sent memory) {
        _at(main);
        vm.prank(ALICE);
        mainVault.requestERC20(address(gold), recipient, amount, 0, data);
        return _theSent(main);
    }

    function _assertTold(IOwnedBridge by, Sent memory sent, uint256 local) private view {
        vm.assertEq(receiver.calls(), 1, "exactly once");
        vm.assertEq(receiver.caller(), address(_vaultOf(by)), "by the vault");
        vm.assertEq(receiver.sourceChainId(), by.counterpartChainId(), "source chain");
        vm.assertEq(receiver.localAmount(), local, "local amount");
        vm.assertEq(receiver.told(), keccak256(abi.encode(sent.request, _parts(sent))), "request and payload");
    }
}
