// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IBridge} from "../src/interfaces/IBridge.sol";
import {IGoverned} from "../src/interfaces/IGoverned.sol";
import {Direction, Limits, NATIVE_COIN, ParkReason, Request} from "../src/types/Types.sol";
import {PairTest} from "./support/PairTest.sol";
import {Vm, vm} from "./support/Vm.sol";
import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";

/// @title A large handover waits, whatever else happens to it, and a guardian may hold it while it does
contract DelayedTest is PairTest {
    uint64 private constant DUE = START + LARGE_DELAY;

    function setUp() public override {
        super.setUp();
        _deliver(service, _sendCoin(BOB, 100 ether));
        _limit(mainVault, NATIVE_COIN, Direction.Incoming, _delayedFrom(5 ether));
    }

    // ---- the delay --------------------------------------------------------------------------------------------

    function test_a_large_handover_waits() public {
        Request memory below = _sendBack(coinThere, BOB, ALICE, 5 ether - 1);
        _deliver(main, below);
        _assertNotParked(main, below);
        Request memory request = _parkLarge();
        vm.warp(DUE - 1);
        _refuseRelease(request, _stillRefused(ParkReason.Delayed, DUE));
        vm.warp(DUE);
        uint256 before = ALICE.balance;
        main.releaseParked(request, "");
        vm.assertEq(ALICE.balance - before, 5 ether);
    }

    /// Nobody sends it back before its time either, its recipient included: who forged it would have it out so.
    function test_a_large_handover_is_not_returned_before_its_time() public {
        Request memory request = _parkLarge();
        vm.warp(DUE - 1);
        bytes memory early = abi.encodeWithSelector(IBridge.Bridge_TooEarly.selector, DUE - 1, DUE);
        _refuseReturn(request, ALICE, early);
        vm.warp(DUE);
        vm.prank(ALICE);
        main.returnParked(request, "");
        _assertNotParked(main, request);
    }

    /// Another reason does not spare a large one its delay.
    function test_a_large_handover_waits_whatever_it_was_parked_for() public {
        vm.prank(GUARDIAN);
        mainVault.setTokenEnabled(NATIVE_COIN, false);
        Request memory request = _sendBack(coinThere, BOB, ALICE, 5 ether);
        _deliver(main, request);
        _assertParked(main, request, ParkReason.TokenUnavailable);
        vm.prank(OWNER);
        mainVault.setTokenEnabled(NATIVE_COIN, true);
        _refuseRelease(request, _stillRefused(ParkReason.Delayed, DUE));
        vm.warp(DUE);
        main.releaseParked(request, "");
    }

    /// The delay runs from when it was parked, under the limits in force when it is asked for.
    function test_a_small_handover_waits_when_the_limits_make_it_large() public {
        vm.prank(GUARDIAN);
        mainVault.setTokenEnabled(NATIVE_COIN, false);
        Request memory request = _sendBack(coinThere, BOB, ALICE, 2 ether);
        _deliver(main, request);
        vm.prank(OWNER);
        mainVault.setTokenEnabled(NATIVE_COIN, true);
        vm.warp(START + 1 hours);
        vm.prank(GUARDIAN);
        mainVault.setLimits(NATIVE_COIN, Direction.Incoming, _delayedFrom(2 ether));
        _refuseRelease(request, _stillRefused(ParkReason.Delayed, DUE));
        vm.warp(DUE);
        main.releaseParked(request, "");
    }

    /// What a guardian tightens in alarm never opens the way back for what the alarm is about.
    function test_switching_the_token_off_opens_no_way_back() public {
        Request memory request = _parkLarge();
        vm.prank(GUARDIAN);
        mainVault.setTokenEnabled(NATIVE_COIN, false);
        _staysUntilDue(request);
    }

    function test_tighter_bounds_open_no_way_back() public {
        Request memory request = _parkLarge();
        Limits memory limits = _delayedFrom(1 ether);
        limits.max = 4 ether;
        vm.prank(GUARDIAN);
        mainVault.setLimits(NATIVE_COIN, Direction.Incoming, limits);
        _staysUntilDue(request);
    }

    function test_a_spent_bucket_opens_no_way_back() public {
        Request memory request = _parkLarge();
        Limits memory limits = _delayedFrom(5 ether);
        limits.capacity = 1 ether;
        vm.prank(GUARDIAN);
        mainVault.setLimits(NATIVE_COIN, Direction.Incoming, limits);
        _staysUntilDue(request);
    }

    function _staysUntilDue(Request memory request) private {
        bytes memory early = abi.encodeWithSelector(IBridge.Bridge_TooEarly.selector, START, DUE);
        _refuseReturn(request, ALICE, early);
        // And it can still be held.
        vm.prank(GUARDIAN);
        main.holdParked(request);
        vm.warp(DUE + 30 days);
        _refuseReturn(request, ALICE, _held(request));
        bytes32 parked = main.requestHash(request);
        vm.prank(OWNER);
        main.freeParked(parked);
        vm.prank(ALICE);
        main.returnParked(request, "");
    }

    // ---- hold and free ----------------------------------------------------------------------------------------

    function test_a_held_handover_is_neither_released_nor_returned() public {
        Request memory request = _parkLarge();
        bytes32 parked = main.requestHash(request);
        vm.recordLogs();
        vm.prank(GUARDIAN);
        main.holdParked(request);
        _assertHeldLog(parked, true);
        vm.assertTrue(main.parkedHandover(parked).held, "held");
        vm.warp(DUE + 30 days);
        _refuseRelease(request, _held(request));
        _refuseReturn(request, ALICE, _held(request));
        _refuseReturn(request, OWNER, _held(request));
        bytes memory held = _held(request);
        vm.prank(ALICE);
        vm.expectRevert(held);
        main.releaseParkedTo(request, "", BOB, 0, "");

        vm.recordLogs();
        vm.prank(OWNER);
        main.freeParked(parked);
        _assertHeldLog(parked, false);
        main.releaseParked(request, "");
        _refuseReturn(request, ALICE, _notParked(request));
    }

    function test_only_the_owner_frees() public {
        Request memory request = _parkLarge();
        vm.prank(GUARDIAN);
        main.holdParked(request);
        bytes32 parked = main.requestHash(request);
        address[3] memory others = [GUARDIAN, ALICE, MALLORY];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.prank(others[i]);
            vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, others[i]));
            main.freeParked(parked);
        }
        vm.prank(OWNER);
        vm.expectRevert(_notParked(bytes32(uint256(1))));
        main.freeParked(bytes32(uint256(1)));
    }

    function test_only_guardian_and_owner_hold() public {
        Request memory request = _parkLarge();
        address[3] memory others = [ALICE, BOB, MALLORY];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.prank(others[i]);
            vm.expectRevert(abi.encodeWithSelector(IGoverned.Governed_CallerRefused.selector, others[i]));
            main.holdParked(request);
        }
        vm.prank(OWNER);
        main.holdParked(request);
        vm.assertTrue(main.parkedHandover(main.requestHash(request)).held, "held");
    }

    /// Freed early it still waits: freeing is no shortcut.
    function test_a_freed_handover_keeps_its_delay() public {
        Request memory request = _parkLarge();
        vm.prank(GUARDIAN);
        main.holdParked(request);
        bytes32 parked = main.requestHash(request);
        vm.prank(OWNER);
        main.freeParked(parked);
        _refuseRelease(request, _stillRefused(ParkReason.Delayed, DUE));
        // And the guardian may hold it again.
        vm.prank(GUARDIAN);
        main.holdParked(request);
        vm.warp(DUE);
        _refuseRelease(request, _held(request));
    }

    /// The guardian's say ends with the delay, and covers large ones only: else it could freeze anyone's money.
    function test_only_what_waits_because_it_is_large_is_held() public {
        Request memory request = _parkLarge();
        vm.warp(DUE);
        _refuseHold(request, abi.encodeWithSelector(IBridge.Bridge_NotDelayed.selector, main.requestHash(request)));
        main.releaseParked(request, "");
        _refuseHold(request, _notParked(request));

        vm.prank(GUARDIAN);
        mainVault.setTokenEnabled(NATIVE_COIN, false);
        request = _sendBack(coinThere, BOB, ALICE, 1 ether);
        _deliver(main, request);
        _refuseHold(request, abi.encodeWithSelector(IBridge.Bridge_NotDelayed.selector, main.requestHash(request)));
    }

    /// A hold holds one handover, not its token.
    function test_others_of_the_token_go_their_way() public {
        Request memory request = _parkLarge();
        Request memory other = _sendBack(coinThere, BOB, ALICE, 6 ether);
        _deliver(main, other);
        vm.prank(GUARDIAN);
        main.holdParked(request);
        vm.warp(DUE);
        main.releaseParked(other, "");
        Request memory small = _sendBack(coinThere, BOB, ALICE, 1 ether);
        _deliver(main, small);
        _assertNotParked(main, small);
    }

    // ---- helpers ----------------------------------------------------------------------------------------------

    function _delayedFrom(uint256 amount) private pure returns (Limits memory limits) {
        limits = _unlimited();
        limits.delayedFrom = amount;
    }

    function _parkLarge() private returns (Request memory request) {
        request = _sendBack(coinThere, BOB, ALICE, 5 ether);
        _deliver(main, request);
        _assertParked(main, request, ParkReason.Delayed);
    }

    function _assertHeldLog(bytes32 parked, bool held) private {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs.length, 1);
        vm.assertEq(logs[0].topics[0], IBridge.HandoverHeld.selector, "event");
        vm.assertEq(logs[0].topics[1], parked, "which");
        vm.assertEq(keccak256(logs[0].data), keccak256(abi.encode(held)), "how");
    }

    function _stillRefused(ParkReason reason, uint64 earliest) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IBridge.Bridge_ReleaseRefused.selector, reason, earliest);
    }

    function _held(Request memory request) private view returns (bytes memory) {
        return abi.encodeWithSelector(IBridge.Bridge_HandoverHeld.selector, main.requestHash(request));
    }

    function _notParked(Request memory request) private view returns (bytes memory) {
        return _notParked(main.requestHash(request));
    }

    function _notParked(bytes32 requestHash) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IBridge.Bridge_NotParked.selector, requestHash);
    }

    function _refuseHold(Request memory request, bytes memory data) private {
        vm.prank(GUARDIAN);
        vm.expectRevert(data);
        main.holdParked(request);
    }
}
