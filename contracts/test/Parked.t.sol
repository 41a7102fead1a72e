// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IBridge} from "../src/interfaces/IBridge.sol";
import {AssetKind, Custody, NATIVE_COIN, ParkReason, ParkedHandover, Request} from "../src/types/Types.sol";
import {HostileRecipient} from "./support/HostileRecipient.sol";
import {PairTest} from "./support/PairTest.sol";
import {TestToken} from "./support/TestToken.sol";
import {Vm, vm} from "./support/Vm.sol";

/// @title S4: every parked handover ends as released xor returned, once
contract ParkedTest is PairTest {
    HostileRecipient private hostile;

    function setUp() public override {
        super.setUp();
        hostile = new HostileRecipient();
        _deliver(service, _sendCoin(BOB, 100 ether));
    }

    // ---- release ----------------------------------------------------------------------------------------------

    function test_is_released_when_its_reason_has_passed() public {
        Request memory request = _parkCoin(2 ether);
        _refuseRelease(request, _stillRefused(ParkReason.PayoutFailed));
        hostile.setMood(HostileRecipient.Mood.Plain);
        vm.recordLogs();
        vm.prank(MALLORY);
        main.releaseParked(request);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs[logs.length - 1].topics[0], IBridge.HandoverReleased.selector, "event");
        vm.assertEq(address(hostile).balance, 2 ether);
        vm.assertEq(_parked(main, NATIVE_COIN), 0);
        vm.assertEq(_custody(main, NATIVE_COIN), 98 ether);
        _refuseRelease(request, _notParked(request.nonce));
        _refuseReturn(request, BOB, _notParked(request.nonce));
        vm.assertEq(address(hostile).balance, 2 ether);
    }

    function test_a_refused_release_leaves_it_parked() public {
        Request memory request = _parkCoin(2 ether);
        _refuseRelease(request, _stillRefused(ParkReason.PayoutFailed));
        _assertParked(main, request, ParkReason.PayoutFailed);
        vm.assertEq(_parked(main, NATIVE_COIN), 2 ether);
    }

    function testFuzz_refuses_another_request_than_was_parked(uint8 field, uint128 by) public {
        Request memory request = _parkCoin(2 ether);
        hostile.setMood(HostileRecipient.Mood.Plain);
        bytes32 parked = main.requestHash(request);
        uint160 other = uint160(uint256(by) + 1);
        if (field % 6 == 0) request.kind = AssetKind.Native;
        if (field % 6 == 1) request.sender = address(uint160(request.sender) ^ other);
        if (field % 6 == 2) request.recipient = address(uint160(request.recipient) ^ other);
        if (field % 6 == 3) request.token = address(uint160(request.token) ^ other);
        if (field % 6 == 4) request.counterpartToken = address(uint160(request.counterpartToken) ^ other);
        if (field % 6 == 5) request.amount ^= uint256(by) + 1;
        bytes memory mismatch =
            abi.encodeWithSelector(IBridge.Bridge_RequestMismatch.selector, main.requestHash(request), parked);
        _refuseRelease(request, mismatch);
        vm.warp(START + 30 days);
        _refuseReturn(request, MALLORY, mismatch);
        _refuseReturn(request, request.recipient, mismatch);
    }

    function test_a_release_obeys_the_rate_limit() public {
        vm.prank(OWNER);
        main.setTokenLimits(NATIVE_COIN, 1, NO_LIMIT, 3 ether, 1 ether, NO_LIMIT);
        Request memory request = _parkCoin(2 ether);
        _deliver(main, _sendBack(coinThere, BOB, ALICE, 3 ether));
        hostile.setMood(HostileRecipient.Mood.Plain);
        _refuseRelease(request, _stillRefused(ParkReason.RateLimited));
        vm.warp(START + 1);
        _refuseRelease(request, _stillRefused(ParkReason.RateLimited));
        vm.warp(START + 2);
        main.releaseParked(request);
        vm.assertEq(address(hostile).balance, 2 ether);
        vm.assertEq(main.tokenAllowance(NATIVE_COIN), 0);
    }

    function test_refuses_release_and_return_while_paused() public {
        Request memory request = _parkCoin(2 ether);
        hostile.setMood(HostileRecipient.Mood.Plain);
        vm.prank(GUARDIAN);
        main.pause();
        bytes memory paused = abi.encodeWithSelector(IBridge.Bridge_Paused.selector, START + 3 days);
        _refuseRelease(request, paused);
        _refuseReturn(request, address(hostile), paused);
    }

    // ---- delay ------------------------------------------------------------------------------------------------

    function test_a_large_handover_waits() public {
        vm.prank(OWNER);
        main.setTokenLimits(NATIVE_COIN, 1, NO_LIMIT, NO_LIMIT, 0, 5 ether);
        Request memory below = _sendBack(coinThere, BOB, ALICE, 5 ether - 1);
        _deliver(main, below);
        _assertNotParked(main, below.nonce);
        Request memory request = _sendBack(coinThere, BOB, ALICE, 5 ether);
        _deliver(main, request);
        _assertParked(main, request, ParkReason.Delayed);
        vm.assertEq(main.parkedHandover(request.nonce).releasableAt, START + 6 hours);

        vm.warp(START + 6 hours - 1);
        _refuseRelease(
            request, abi.encodeWithSelector(IBridge.Bridge_TooEarly.selector, START + 6 hours - 1, START + 6 hours)
        );
        vm.warp(START + 6 hours);
        uint256 before = ALICE.balance;
        main.releaseParked(request);
        vm.assertEq(ALICE.balance - before, 5 ether);
    }

    /// Another reason does not spare a large one its delay.
    function test_a_large_handover_waits_whatever_it_was_parked_for() public {
        vm.startPrank(OWNER);
        main.setTokenLimits(NATIVE_COIN, 1, NO_LIMIT, NO_LIMIT, 0, 5 ether);
        main.setTokenEnabled(NATIVE_COIN, false);
        vm.stopPrank();
        Request memory request = _sendBack(coinThere, BOB, ALICE, 5 ether);
        _deliver(main, request);
        _assertParked(main, request, ParkReason.TokenUnavailable);
        vm.prank(OWNER);
        main.setTokenEnabled(NATIVE_COIN, true);
        _refuseRelease(request, abi.encodeWithSelector(IBridge.Bridge_TooEarly.selector, START, START + 6 hours));
        vm.warp(START + 6 hours);
        main.releaseParked(request);
    }

    function test_a_token_without_limits_set_delays_everything() public {
        TestToken lead = new TestToken("Lead", "PB", 18);
        Request memory request = Request(0, AssetKind.ERC20, BOB, ALICE, address(1), address(lead), 1);
        _deliver(main, request);
        ParkedHandover memory entry = main.parkedHandover(0);
        vm.assertEq(uint256(entry.reason), uint256(ParkReason.TokenUnavailable));
        vm.assertEq(entry.releasableAt, START + 6 hours);
    }

    // ---- return -----------------------------------------------------------------------------------------------

    function test_the_recipient_returns_it_at_once() public {
        Request memory request = _parkCoin(2 ether);
        vm.recordLogs();
        vm.prank(address(hostile));
        uint64 nonce = _at(main).returnParked(request);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs[0].topics[0], IBridge.ValueTransferRequested.selector, "linked");
        vm.assertEq(logs[1].topics[0], IBridge.HandoverReturned.selector, "returned");
        vm.assertEq(_parked(main, NATIVE_COIN), 0);
        vm.assertEq(_custody(main, NATIVE_COIN), 100 ether);

        // The original sender gets back what was burned.
        Request memory back =
            Request(nonce, AssetKind.Native, address(hostile), BOB, NATIVE_COIN, address(coinThere), 2 ether);
        vm.assertEq(coinThere.balanceOf(BOB), 98 ether);
        _deliver(service, back);
        vm.assertEq(coinThere.balanceOf(BOB), 100 ether);
        vm.assertEq(_custody(service, address(coinThere)), 100 ether);
        vm.assertEq(_incoming(service).head, _outgoing(main).head, "the return is in the lane");

        hostile.setMood(HostileRecipient.Mood.Plain);
        _refuseRelease(request, _notParked(request.nonce));
        _refuseReturn(request, address(hostile), _notParked(request.nonce));
    }

    function test_anyone_returns_it_after_the_delay() public {
        Request memory request = _parkCoin(2 ether);
        vm.warp(START + 1 days - 1);
        _refuseReturn(
            request,
            MALLORY,
            abi.encodeWithSelector(IBridge.Bridge_TooEarly.selector, START + 1 days - 1, START + 1 days)
        );
        _refuseReturn(
            request, BOB, abi.encodeWithSelector(IBridge.Bridge_TooEarly.selector, START + 1 days - 1, START + 1 days)
        );
        vm.warp(START + 1 days);
        vm.prank(MALLORY);
        _at(main).returnParked(request);
        _assertNotParked(main, request.nonce);
    }

    /// A token that this side never knew goes back as what it came as.
    function test_an_unknown_token_goes_back() public {
        TestToken lead = new TestToken("Lead", "PB", 18);
        vm.prank(OWNER);
        main.registerToken(address(lead), _config(address(0x1EAD), AssetKind.ERC20, Custody.Lock));
        lead.mint(ALICE, 50);
        vm.prank(ALICE);
        lead.approve(address(main), 50);
        vm.prank(ALICE);
        uint64 nonce = _at(main).requestERC20(address(lead), BOB, 50);
        Request memory request = Request(nonce, AssetKind.ERC20, ALICE, BOB, address(lead), address(0x1EAD), 50);
        _deliver(service, request);
        _assertParked(service, request, ParkReason.TokenUnavailable);
        vm.prank(BOB);
        uint64 returnNonce = _at(service).returnParked(request);
        _deliver(main, Request(returnNonce, AssetKind.ERC20, BOB, ALICE, address(0x1EAD), address(lead), 50));
        vm.assertEq(lead.balanceOf(ALICE), 50);
        vm.assertEq(_custody(main, address(lead)), 0);
    }

    /// A parked handover on the minting side mints nothing until it is released.
    function test_a_parked_mint_is_released_or_returned_whole() public {
        vm.prank(GUARDIAN);
        service.setTokenEnabled(address(goldThere), false);
        Request memory one = _sendGold(BOB, 10);
        Request memory two = _sendGold(BOB, 20);
        _deliver(service, one);
        _deliver(service, two);
        vm.assertEq(goldThere.totalSupply(), 0);
        vm.prank(BOB);
        uint64 nonce = _at(service).returnParked(two);
        vm.prank(OWNER);
        service.setTokenEnabled(address(goldThere), true);
        service.releaseParked(one);
        vm.assertEq(goldThere.balanceOf(BOB), 10);
        _deliver(main, Request(nonce, AssetKind.ERC20, BOB, ALICE, address(goldThere), address(gold), 20));
        vm.assertEq(gold.balanceOf(ALICE), 20);
        vm.assertEq(_custody(main, address(gold)), 10);
    }

    // ---- helpers ----------------------------------------------------------------------------------------------

    function _parkCoin(uint256 amount) private returns (Request memory request) {
        hostile.setMood(HostileRecipient.Mood.Revert);
        request = _sendBack(coinThere, BOB, address(hostile), amount);
        _deliver(main, request);
        _assertParked(main, request, ParkReason.PayoutFailed);
    }

    function _stillRefused(ParkReason reason) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IBridge.Bridge_ReleaseRefused.selector, reason);
    }

    function _notParked(uint64 nonce) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IBridge.Bridge_NotParked.selector, nonce);
    }

    function _refuseRelease(Request memory request, bytes memory data) private {
        _at(main);
        vm.expectRevert(data);
        main.releaseParked(request);
    }

    function _refuseReturn(Request memory request, address caller, bytes memory data) private {
        uint64 before = _outgoing(main).count;
        _at(main);
        vm.prank(caller);
        vm.expectRevert(data);
        main.returnParked(request);
        vm.assertEq(_outgoing(main).count, before);
    }
}
