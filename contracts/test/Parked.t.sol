// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IBridge} from "../src/interfaces/IBridge.sol";
import {
    AssetKind,
    Custody,
    Direction,
    LaneAmount,
    Limits,
    NATIVE_COIN,
    ParkReason,
    Payload,
    Request
} from "../src/types/Types.sol";
import {DataReceiver} from "./support/DataReceiver.sol";
import {EveryAssetTest} from "./support/EveryAsset.sol";
import {HostileRecipient} from "./support/HostileRecipient.sol";
import {TestToken} from "./support/TestToken.sol";
import {Vm, vm} from "./support/Vm.sol";

/// @title S4: every parked handover ends as released xor returned, once
contract ParkedTest is EveryAssetTest {
    HostileRecipient private hostile;

    function setUp() public override {
        super.setUp();
        hostile = new HostileRecipient();
        _deliver(service, _sendCoin(BOB, 100 ether));
    }

    // ---- release ----------------------------------------------------------------------------------------------

    function test_is_released_when_its_reason_has_passed() public {
        Request memory request = _parkCoin(2 ether);
        _refuseRelease(request, _stillRefused(ParkReason.PayoutFailed, 0));
        hostile.setMood(HostileRecipient.Mood.Plain);
        vm.recordLogs();
        vm.prank(MALLORY);
        main.releaseParked(request, "");
        Vm.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs[logs.length - 1].topics[0], IBridge.HandoverReleased.selector, "event");
        vm.assertEq(logs[logs.length - 1].topics[2], bytes32(uint256(uint160(address(hostile)))), "recipient");
        vm.assertEq(address(hostile).balance, 2 ether);
        vm.assertEq(_parked(main, NATIVE_COIN), 0);
        vm.assertEq(_custody(main, NATIVE_COIN), 98 ether);
        _refuseRelease(request, _notParked(request));
        _refuseReturn(request, address(hostile), _notParked(request));
        vm.assertEq(address(hostile).balance, 2 ether);
    }

    function test_a_refused_release_leaves_it_parked() public {
        Request memory request = _parkCoin(2 ether);
        uint64 parkedAt = main.parkedHandover(main.requestHash(request)).parkedAt;
        vm.warp(START + 1 hours);
        _refuseRelease(request, _stillRefused(ParkReason.PayoutFailed, 0));
        _assertParked(main, request, ParkReason.PayoutFailed);
        vm.assertEq(_parked(main, NATIVE_COIN), 2 ether);
        vm.assertEq(main.parkedHandover(main.requestHash(request)).parkedAt, parkedAt);
    }

    function testFuzz_refuses_another_request_than_was_parked(uint8 field, uint128 by) public {
        Request memory request = _parkCoin(2 ether);
        hostile.setMood(HostileRecipient.Mood.Plain);
        uint160 other = uint160(uint256(by) + 1);
        if (field % 8 == 0) request.kind = AssetKind.Native;
        if (field % 8 == 1) request.sender = address(uint160(request.sender) ^ other);
        if (field % 8 == 2) request.recipient = address(uint160(request.recipient) ^ other);
        if (field % 8 == 3) request.token = address(uint160(request.token) ^ other);
        if (field % 8 == 4) request.counterpartToken = address(uint160(request.counterpartToken) ^ other);
        if (field % 8 == 5) request.amount = LaneAmount.wrap(LaneAmount.unwrap(request.amount) ^ (uint256(by) + 1));
        if (field % 8 == 6) request.payloadHash = bytes32(uint256(other));
        if (field % 8 == 7) request.nonce = uint64(by) == request.nonce ? 77 : uint64(by);
        _refuseRelease(request, _notParked(request));
        vm.warp(START + 30 days);
        _refuseReturn(request, MALLORY, _notParked(request));
        _refuseReturn(request, request.recipient, _notParked(request));
    }

    /// An NFT is released and returned with the payload that it came with, and with no other.
    function test_refuses_another_payload_than_was_parked() public {
        (Request memory request, bytes memory payload) = _parkArt(address(hostile), 42);
        bytes memory other = abi.encode(Payload(_ids(43), new uint256[](0), "ipfs://art/42", ""));
        bytes memory mismatch =
            abi.encodeWithSelector(IBridge.Bridge_PayloadMismatch.selector, keccak256(other), keccak256(payload));
        vm.expectRevert(mismatch);
        service.releaseParked(request, other);
        vm.prank(address(hostile));
        vm.expectRevert(mismatch);
        service.returnParked(request, other);
        vm.prank(address(hostile));
        vm.expectRevert(abi.encodeWithSelector(IBridge.Bridge_PayloadMismatch.selector, bytes32(0), keccak256(payload)));
        service.returnParked(request, "");
        _assertParked(service, request, ParkReason.PayoutFailed);
    }

    function test_a_release_obeys_the_rate_limit() public {
        _limit(mainVault, NATIVE_COIN, Direction.Incoming, Limits(1, NO_LIMIT, 3 ether, 3, NO_LIMIT, 0, 0));
        Request memory request = _parkCoin(2 ether);
        _deliver(main, _sendBack(coinThere, BOB, ALICE, 3 ether));
        hostile.setMood(HostileRecipient.Mood.Plain);
        _refuseRelease(request, _stillRefused(ParkReason.RateLimited, START + 2));
        vm.warp(START + 1);
        _refuseRelease(request, _stillRefused(ParkReason.RateLimited, START + 2));
        vm.warp(START + 2);
        main.releaseParked(request, "");
        vm.assertEq(address(hostile).balance, 2 ether);
        vm.assertEq(mainVault.available(NATIVE_COIN, Direction.Incoming), 0);
    }

    function test_refuses_release_and_return_while_paused() public {
        Request memory request = _parkCoin(2 ether);
        hostile.setMood(HostileRecipient.Mood.Plain);
        vm.prank(GUARDIAN);
        main.pause();
        bytes memory paused = abi.encodeWithSelector(IBridge.Bridge_Paused.selector, START + 3 days);
        _refuseRelease(request, paused);
        _refuseReturn(request, address(hostile), paused);
        vm.prank(address(hostile));
        vm.expectRevert(paused);
        main.releaseParkedTo(request, "", ALICE, 0, "");
    }

    // ---- return -----------------------------------------------------------------------------------------------

    function test_the_recipient_returns_it_at_once() public {
        Request memory request = _parkCoin(2 ether);
        vm.recordLogs();
        vm.prank(address(hostile));
        uint64 nonce = _at(main).returnParked(request, "");
        Vm.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs[0].topics[0], IBridge.ValueTransferRequested.selector, "linked");
        vm.assertEq(logs[1].topics[0], IBridge.HandoverReturned.selector, "returned");
        vm.assertEq(logs[1].topics[1], bytes32(uint256(request.nonce)), "which");
        vm.assertEq(logs[1].topics[2], bytes32(uint256(nonce)), "by which");
        vm.assertEq(_parked(main, NATIVE_COIN), 0);
        vm.assertEq(_custody(main, NATIVE_COIN), 100 ether);

        // The original sender gets back what was burned.
        Request memory back = _returnOf(request, nonce, AssetKind.Native, "");
        vm.assertEq(coinThere.balanceOf(BOB), 98 ether);
        _deliver(service, back);
        vm.assertEq(coinThere.balanceOf(BOB), 100 ether);
        vm.assertEq(_custody(service, address(coinThere)), 100 ether);
        vm.assertEq(_incoming(service).head, _outgoing(main).head, "the return is in the lane");

        hostile.setMood(HostileRecipient.Mood.Plain);
        _refuseRelease(request, _notParked(request));
        _refuseReturn(request, address(hostile), _notParked(request));
    }

    function test_anyone_returns_it_after_the_delay() public {
        Request memory request = _parkCoin(2 ether);
        vm.warp(START + 1 days - 1);
        bytes memory early =
            abi.encodeWithSelector(IBridge.Bridge_TooEarly.selector, START + 1 days - 1, START + 1 days);
        _refuseReturn(request, MALLORY, early);
        _refuseReturn(request, BOB, early);
        vm.warp(START + 1 days);
        vm.prank(MALLORY);
        _at(main).returnParked(request, "");
        _assertNotParked(main, request);
    }

    /// A token that this side never knew goes back as what it came as.
    function test_an_unknown_token_goes_back() public {
        TestToken lead = new TestToken("Lead", "PB", 18);
        _register(mainVault, address(lead), _config(address(0x1EAD), AssetKind.ERC20, Custody.Lock));
        lead.mint(ALICE, 50);
        vm.startPrank(ALICE);
        lead.approve(address(mainVault), 50);
        _at(main);
        uint64 nonce = mainVault.requestERC20(address(lead), BOB, 50, 0, "");
        vm.stopPrank();
        Request memory request =
            Request(nonce, AssetKind.ERC20, ALICE, BOB, address(lead), address(0x1EAD), LaneAmount.wrap(50), 0);
        _deliver(service, request);
        _assertParked(service, request, ParkReason.TokenUnavailable);
        vm.prank(BOB);
        uint64 returnNonce = _at(service).returnParked(request, "");
        _deliver(main, _returnOf(request, returnNonce, AssetKind.ERC20, ""));
        vm.assertEq(lead.balanceOf(ALICE), 50);
        vm.assertEq(_custody(main, address(lead)), 0);
    }

    /// A parked handover on the minting side mints nothing until it is released.
    function test_a_parked_mint_is_released_or_returned_whole() public {
        vm.prank(GUARDIAN);
        serviceVault.setTokenEnabled(address(goldThere), false);
        Request memory one = _sendGold(BOB, 10);
        Request memory two = _sendGold(BOB, 20);
        _deliver(service, one);
        _deliver(service, two);
        vm.assertEq(goldThere.totalSupply(), 0);
        vm.assertEq(_parked(service, address(goldThere)), 30);
        vm.prank(BOB);
        uint64 nonce = _at(service).returnParked(two, "");
        vm.prank(OWNER);
        serviceVault.setTokenEnabled(address(goldThere), true);
        service.releaseParked(one, "");
        vm.assertEq(goldThere.balanceOf(BOB), 10);
        vm.assertEq(_parked(service, address(goldThere)), 0);
        _deliver(main, _returnOf(two, nonce, AssetKind.ERC20, ""));
        vm.assertEq(gold.balanceOf(ALICE), 20);
        vm.assertEq(_custody(main, address(gold)), 10);
    }

    // ---- return of what has a payload -------------------------------------------------------------------------

    /// The NFT goes home with its id and its URI, which its own contract keeps anyway.
    function test_a_parked_nft_goes_home() public {
        (Request memory request, bytes memory payload) = _parkArt(address(hostile), 42);
        vm.prank(address(hostile));
        uint64 nonce = service.returnParked(request, payload);
        _deliverWith(main, _returnOf(request, nonce, AssetKind.ERC721, payload), payload);
        vm.assertEq(art.ownerOf(42), ALICE, "home");
        vm.assertEq(LaneAmount.unwrap(mainVault.custodyOfId(address(art), 42)), 0);
        vm.assertEq(_custody(main, address(art)), 0);
        vm.assertEq(_custody(service, address(artThere)), 0);
        vm.expectRevert(_notParked(request));
        service.releaseParked(request, payload);
    }

    /// All ids of one request go home as one request.
    function test_a_parked_multi_token_goes_home() public {
        (Request memory request, bytes memory payload) = _sendItems(address(hostile), 100, 3, 10, "");
        _deliverWith(service, request, payload);
        _assertParked(service, request, ParkReason.PayoutFailed);
        vm.prank(address(hostile));
        uint64 nonce = service.returnParked(request, payload);
        _deliverWith(main, _returnOf(request, nonce, AssetKind.ERC1155, payload), payload);
        for (uint256 id = 100; id < 103; ++id) {
            vm.assertEq(items.balanceOf(ALICE, id), 10);
            vm.assertEq(LaneAmount.unwrap(mainVault.custodyOfId(address(items), id)), 0);
        }
        vm.assertEq(_custody(main, address(items)), 0);
    }

    /// Data was meant for the recipient: of gold that goes home nothing but the amount is left.
    function test_gold_with_data_goes_home_without_it() public {
        (Request memory request, bytes memory payload, DataReceiver receiver) = _parkData();
        vm.prank(address(receiver));
        uint64 nonce = service.returnParked(request, payload);
        _deliver(main, _returnOf(request, nonce, AssetKind.ERC20, ""));
        vm.assertEq(gold.balanceOf(ALICE), 9);
        vm.assertEq(_incoming(main).head, _outgoing(service).head, "this is what was linked");
    }

    /// An NFT that was sent with data goes home with its id and without the data.
    function test_an_nft_with_data_goes_home_without_it() public {
        DataReceiver receiver = new DataReceiver();
        receiver.setMood(DataReceiver.Mood.AnswerWrong);
        (Request memory request, bytes memory payload) = _sendArt(address(receiver), 42, "hello");
        _deliverWith(service, request, payload);
        _assertParked(service, request, ParkReason.DataRefused);
        vm.assertEq(artThere.balanceOf(address(receiver)), 0);
        vm.warp(START + 1 days);
        vm.prank(MALLORY);
        uint64 nonce = service.returnParked(request, payload);
        bytes memory back = abi.encode(Payload(_ids(42), new uint256[](0), "ipfs://art/42", ""));
        _deliverWith(main, _returnOf(request, nonce, AssetKind.ERC721, back), back);
        vm.assertEq(art.ownerOf(42), ALICE, "home");
        vm.assertEq(_incoming(main).head, _outgoing(service).head, "this is what was linked");
    }

    /// Data that was refused is taken later, with the assets, once.
    function test_refused_data_is_released_when_it_is_taken() public {
        (Request memory request, bytes memory payload, DataReceiver receiver) = _parkData();
        vm.expectRevert(_stillRefused(ParkReason.DataRefused, 0));
        service.releaseParked(request, payload);
        receiver.setMood(DataReceiver.Mood.Accept);
        service.releaseParked(request, payload);
        vm.assertEq(goldThere.balanceOf(address(receiver)), 9);
        vm.assertEq(receiver.calls(), 1);
        vm.prank(address(receiver));
        vm.expectRevert(_notParked(request));
        service.returnParked(request, payload);
    }

    // ---- helpers ----------------------------------------------------------------------------------------------

    function _parkCoin(uint256 amount) private returns (Request memory request) {
        hostile.setMood(HostileRecipient.Mood.Revert);
        request = _sendBack(coinThere, BOB, address(hostile), amount);
        _deliver(main, request);
        _assertParked(main, request, ParkReason.PayoutFailed);
    }

    function _parkArt(address recipient, uint256 id) private returns (Request memory request, bytes memory payload) {
        (request, payload) = _sendArt(recipient, id, "");
        _deliverWith(service, request, payload);
        _assertParked(service, request, ParkReason.PayoutFailed);
    }

    function _parkData() private returns (Request memory request, bytes memory payload, DataReceiver receiver) {
        receiver = new DataReceiver();
        receiver.setMood(DataReceiver.Mood.AnswerWrong);
        (request, payload) = _sendGoldWith(address(receiver), 9, "hello");
        _deliverWith(service, request, payload);
        _assertParked(service, request, ParkReason.DataRefused);
        vm.assertEq(goldThere.balanceOf(address(receiver)), 0);
    }

    function _stillRefused(ParkReason reason, uint64 earliest) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IBridge.Bridge_ReleaseRefused.selector, reason, earliest);
    }

    function _notParked(Request memory request) private view returns (bytes memory) {
        return abi.encodeWithSelector(IBridge.Bridge_NotParked.selector, main.requestHash(request));
    }
}
