// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IBridge} from "../src/interfaces/IBridge.sol";
import {IGoverned} from "../src/interfaces/IGoverned.sol";
import {Certificate, LanePosition, Request, Signature} from "../src/types/Types.sol";
import {IOwned} from "./support/IOwned.sol";
import {PairTest} from "./support/PairTest.sol";
import {Vm, vm} from "./support/Vm.sol";
import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";

/// @title Who may set what of a bridge, and within which bounds
contract AdminTest is PairTest {
    // ---- roles ------------------------------------------------------------------------------------------------

    function test_only_the_owner_loosens() public {
        address[3] memory others = [GUARDIAN, MALLORY, members[0]];
        LanePosition memory position = _incoming(main);
        for (uint256 i = 0; i < others.length; ++i) {
            bytes memory refused = abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, others[i]);
            vm.startPrank(others[i]);
            vm.expectRevert(refused);
            main.unpause();
            vm.expectRevert(refused);
            main.setGuardian(others[i]);
            vm.expectRevert(refused);
            main.scheduleRelayerSet(members, 3);
            vm.expectRevert(refused);
            main.transferOwnership(others[i]);
            vm.expectRevert(refused);
            main.freeParked(0);
            vm.expectRevert(refused);
            main.recoverLane(position, 1, new Signature[](0));
            vm.stopPrank();
        }
    }

    function test_strangers_tighten_nothing_either() public {
        Request memory request = _sendGold(BOB, 1);
        address[2] memory others = [MALLORY, members[0]];
        for (uint256 i = 0; i < others.length; ++i) {
            bytes memory refused = abi.encodeWithSelector(IGoverned.Governed_CallerRefused.selector, others[i]);
            vm.startPrank(others[i]);
            vm.expectRevert(refused);
            main.pause();
            vm.expectRevert(refused);
            main.vetoRelayerSet();
            vm.expectRevert(refused);
            main.revokeRelayer(members[0]);
            vm.expectRevert(refused);
            main.holdParked(request);
            vm.stopPrank();
        }
    }

    function test_ownership_moves_in_two_steps_and_never_to_nobody() public {
        IOwned[2] memory both = [IOwned(address(main)), IOwned(address(mainVault))];
        for (uint256 i = 0; i < 2; ++i) {
            vm.startPrank(OWNER);
            vm.expectRevert(IGoverned.Governed_OwnerRequired.selector);
            both[i].renounceOwnership();
            both[i].transferOwnership(BOB);
            vm.stopPrank();
            vm.assertEq(both[i].owner(), OWNER, "not yet");
            vm.prank(MALLORY);
            vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, MALLORY));
            both[i].acceptOwnership();
            vm.prank(BOB);
            both[i].acceptOwnership();
            vm.assertEq(both[i].owner(), BOB, "accepted");
            vm.prank(OWNER);
            vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, OWNER));
            both[i].setGuardian(OWNER);
        }
    }

    function test_the_guardian_changes_but_is_never_nobody() public {
        IOwned[2] memory both = [IOwned(address(main)), IOwned(address(mainVault))];
        for (uint256 i = 0; i < 2; ++i) {
            vm.startPrank(OWNER);
            vm.expectRevert(IGoverned.Governed_AddressZero.selector);
            both[i].setGuardian(address(0));
            both[i].setGuardian(BOB);
            vm.stopPrank();
            vm.assertEq(both[i].guardian(), BOB, "the new one");
        }
        bytes memory refused = abi.encodeWithSelector(IGoverned.Governed_CallerRefused.selector, GUARDIAN);
        vm.startPrank(GUARDIAN);
        vm.expectRevert(refused);
        main.pause();
        vm.expectRevert(refused);
        mainVault.setTokenEnabled(address(gold), false);
        vm.stopPrank();
        vm.startPrank(BOB);
        main.pause();
        mainVault.setTokenEnabled(address(gold), false);
        vm.stopPrank();
    }

    /// Who watches the bridge learns every setting from its events.
    function test_every_change_is_told() public {
        vm.recordLogs();
        vm.startPrank(OWNER);
        main.pause();
        main.unpause();
        main.scheduleRelayerSet(members, 2);
        main.vetoRelayerSet();
        main.scheduleRelayerSet(members, 2);
        vm.warp(START + 2 days);
        main.applyRelayerSet();
        main.revokeRelayer(members[1]);
        vm.stopPrank();
        Vm.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs.length, 7);
        _assertLog(logs[0], IBridge.Paused.selector, abi.encode(START + 3 days));
        vm.assertEq(logs[0].topics[1], bytes32(uint256(uint160(OWNER))), "by whom");
        _assertLog(logs[1], IBridge.Unpaused.selector, "");
        _assertLog(logs[2], IBridge.RelayerSetScheduled.selector, abi.encode(members, 2, START + 2 days));
        _assertLog(logs[3], IBridge.RelayerSetVetoed.selector, "");
        _assertLog(logs[5], IBridge.RelayerSetChanged.selector, abi.encode(members, 2));
        vm.assertEq(logs[5].topics[1], bytes32(uint256(2)), "epoch");
        _assertLog(logs[6], IBridge.RelayerRevoked.selector, "");
        vm.assertEq(logs[6].topics[1], bytes32(uint256(2)), "of the epoch");
        vm.assertEq(logs[6].topics[2], bytes32(uint256(uint160(members[1]))), "whose");
    }

    function _assertLog(Vm.Log memory log, bytes32 topic, bytes memory data) private pure {
        vm.assertEq(log.topics[0], topic, "event");
        vm.assertEq(keccak256(log.data), keccak256(data), "what");
    }

    // ---- pause ------------------------------------------------------------------------------------------------

    function test_a_pause_expires_unless_the_owner_renews_it() public {
        vm.prank(GUARDIAN);
        main.pause();
        vm.warp(START + 3 days - 1);
        bytes memory paused = abi.encodeWithSelector(IBridge.Bridge_Paused.selector, START + 3 days);
        vm.prank(GUARDIAN);
        vm.expectRevert(paused);
        main.pause();
        vm.prank(OWNER);
        main.pause();
        (,,, uint64 until) = main.positions();
        vm.assertEq(until, START + 6 days - 1);
        vm.warp(until);
        _sendGold(BOB, 1);
    }

    function test_the_owner_ends_a_pause() public {
        vm.prank(GUARDIAN);
        main.pause();
        vm.prank(OWNER);
        main.unpause();
        _sendGold(BOB, 1);
    }

    /// A bridge's pause stops requests, which its vault takes, and handovers of its own; the other end's go on.
    function test_a_pause_stops_both_lanes_of_this_end_only() public {
        _deliver(service, _sendGold(BOB, 5));
        Request memory back = _sendBack(goldThere, BOB, ALICE, 1);
        vm.prank(GUARDIAN);
        main.pause();
        bytes memory paused = abi.encodeWithSelector(IBridge.Bridge_Paused.selector, START + 3 days);
        gold.mint(ALICE, 1);
        vm.startPrank(ALICE);
        gold.approve(address(mainVault), 1);
        vm.expectRevert(paused);
        mainVault.requestERC20(address(gold), BOB, 1, 0, "");
        vm.stopPrank();
        Certificate memory certificate = _certify(main, _one(back), _none(), THRESHOLD);
        vm.expectRevert(paused);
        main.deliver(_one(back), _noPayloads(), _none(), certificate);
        _sendBack(goldThere, BOB, ALICE, 1);
    }

    // ---- relayer sets -----------------------------------------------------------------------------------------

    function test_a_relayer_set_waits_and_begins_an_epoch() public {
        address[] memory next = _replaced(members, 3, address(0x1234));
        vm.prank(OWNER);
        main.scheduleRelayerSet(next, 2);
        (address[] memory waiting, uint8 threshold, uint64 appliesAt) = main.scheduledRelayerSet();
        vm.assertEq(waiting, next, "waiting");
        vm.assertEq(threshold, 2);
        vm.assertEq(appliesAt, START + 2 days);

        vm.warp(START + 2 days - 1);
        vm.expectRevert(abi.encodeWithSelector(IBridge.Bridge_TooEarly.selector, START + 2 days - 1, START + 2 days));
        main.applyRelayerSet();
        vm.warp(START + 2 days);
        vm.prank(MALLORY);
        main.applyRelayerSet();
        (uint64 epoch, uint8 inForce, address[] memory live) = main.relayerSet();
        vm.assertEq(epoch, 2);
        vm.assertEq(inForce, 2);
        vm.assertEq(live, next, "in force");
        vm.expectRevert(IBridge.Bridge_NothingScheduled.selector);
        main.applyRelayerSet();
    }

    function test_the_guardian_vetoes_a_relayer_set() public {
        vm.prank(OWNER);
        main.scheduleRelayerSet(members, 2);
        vm.prank(GUARDIAN);
        main.vetoRelayerSet();
        vm.warp(START + 2 days);
        vm.expectRevert(IBridge.Bridge_NothingScheduled.selector);
        main.applyRelayerSet();
        vm.prank(GUARDIAN);
        vm.expectRevert(IBridge.Bridge_NothingScheduled.selector);
        main.vetoRelayerSet();
    }

    /// Scheduling again starts the wait again.
    function test_a_second_schedule_waits_from_its_own_start() public {
        vm.prank(OWNER);
        main.scheduleRelayerSet(members, 2);
        vm.warp(START + 2 days);
        vm.prank(OWNER);
        main.scheduleRelayerSet(members, 1);
        vm.expectRevert(abi.encodeWithSelector(IBridge.Bridge_TooEarly.selector, START + 2 days, START + 4 days));
        main.applyRelayerSet();
    }

    function test_one_change_touches_a_third_of_the_members_or_one() public {
        address[] memory two = _replaced(_replaced(members, 0, address(1)), 1, address(2));
        vm.startPrank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(IBridge.Bridge_ChurnTooLarge.selector, 2, 1));
        main.scheduleRelayerSet(two, 3);
        // Two gone, none come.
        address[] memory fewer = new address[](2);
        (fewer[0], fewer[1]) = (members[0], members[1]);
        vm.expectRevert(abi.encodeWithSelector(IBridge.Bridge_ChurnTooLarge.selector, 2, 1));
        main.scheduleRelayerSet(fewer, 2);
        // None gone, two come.
        address[] memory more = new address[](6);
        for (uint256 i = 0; i < 4; ++i) {
            more[i] = members[i];
        }
        (more[4], more[5]) = (address(1), address(2));
        vm.expectRevert(abi.encodeWithSelector(IBridge.Bridge_ChurnTooLarge.selector, 2, 1));
        main.scheduleRelayerSet(more, 3);
        vm.stopPrank();
    }

    function test_a_schedule_keeps_the_bounds() public {
        vm.startPrank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(IBridge.Bridge_ThresholdInvalid.selector, 0, 4));
        main.scheduleRelayerSet(members, 0);
        vm.expectRevert(abi.encodeWithSelector(IBridge.Bridge_ThresholdInvalid.selector, 5, 4));
        main.scheduleRelayerSet(members, 5);
        address[] memory wrong = _replaced(members, 1, members[0]);
        vm.expectRevert(abi.encodeWithSelector(IBridge.Bridge_MemberDuplicate.selector, members[0]));
        main.scheduleRelayerSet(wrong, 2);
        wrong = _replaced(members, 1, address(0));
        vm.expectRevert(IGoverned.Governed_AddressZero.selector);
        main.scheduleRelayerSet(wrong, 2);
        vm.stopPrank();
    }

    /// A key revoked while its set waits does not come back with it, nor ever.
    function test_a_revoked_key_never_comes_back() public {
        vm.prank(OWNER);
        main.scheduleRelayerSet(members, 3);
        vm.prank(GUARDIAN);
        main.revokeRelayer(members[0]);
        vm.warp(START + 2 days);
        bytes memory revoked = abi.encodeWithSelector(IBridge.Bridge_MemberRevoked.selector, members[0]);
        vm.expectRevert(revoked);
        main.applyRelayerSet();
        vm.prank(OWNER);
        vm.expectRevert(revoked);
        main.scheduleRelayerSet(members, 3);
        vm.prank(GUARDIAN);
        vm.expectRevert(revoked);
        main.revokeRelayer(members[0]);
        // Its place is given to another: nobody else goes, one comes.
        address[] memory next = _replaced(members, 0, address(0x1234));
        vm.prank(OWNER);
        main.scheduleRelayerSet(next, 3);
        vm.warp(START + 4 days);
        main.applyRelayerSet();
        (,, address[] memory live) = main.relayerSet();
        vm.assertEq(live, next, "in force");
    }

    function test_the_first_member_is_revoked_like_any_other() public {
        vm.prank(GUARDIAN);
        main.revokeRelayer(members[0]);
        (,, address[] memory live) = main.relayerSet();
        vm.assertEq(live.length, members.length - 1, "live");
        vm.assertEq(live[0], members[1], "the first of the rest");
    }

    /// A key may be revoked before it ever becomes a member.
    function test_a_key_is_revoked_before_it_is_a_members() public {
        vm.startPrank(GUARDIAN);
        main.revokeRelayer(address(0x1234));
        vm.expectRevert(IGoverned.Governed_AddressZero.selector);
        main.revokeRelayer(address(0));
        vm.stopPrank();
        (,, address[] memory live) = main.relayerSet();
        vm.assertEq(live, members, "nobody else goes");
        address[] memory next = _replaced(members, 0, address(0x1234));
        vm.prank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(IBridge.Bridge_MemberRevoked.selector, address(0x1234)));
        main.scheduleRelayerSet(next, 3);
    }

    /// Nothing in flight is lost across epochs.
    function test_requests_in_flight_are_handed_over_under_the_next_epoch() public {
        Request memory request = _sendGold(BOB, 10);
        vm.prank(OWNER);
        service.scheduleRelayerSet(members, 4);
        vm.warp(START + 2 days);
        service.applyRelayerSet();
        Request[] memory requests = _one(request);
        vm.assertEq(_certify(service, requests, _none(), 4).epoch, 2);
        _at(service).deliver(requests, _noPayloads(), _none(), _certify(service, requests, _none(), 4));
        vm.assertEq(goldThere.balanceOf(BOB), 10);
    }

    function _replaced(address[] memory from, uint256 place, address by) private pure returns (address[] memory to) {
        to = new address[](from.length);
        for (uint256 i = 0; i < from.length; ++i) {
            to[i] = i == place ? by : from[i];
        }
    }
}
