// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IBridge} from "../src/interfaces/IBridge.sol";
import {BridgeToken} from "../src/tokens/BridgeToken.sol";
import {AssetKind, Custody, NATIVE_COIN, Request, TokenConfig} from "../src/types/Types.sol";
import {PairTest} from "./support/PairTest.sol";
import {TestToken} from "./support/TestToken.sol";
import {vm} from "./support/Vm.sol";
import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";

/// @title Who may set what, and within which bounds
contract AdminTest is PairTest {
    // ---- roles ------------------------------------------------------------------------------------------------

    function test_only_the_owner_loosens() public {
        address[3] memory others = [GUARDIAN, MALLORY, members[0]];
        for (uint256 i = 0; i < others.length; ++i) {
            bytes memory refused = abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, others[i]);
            vm.startPrank(others[i]);
            vm.expectRevert(refused);
            main.registerToken(address(gold), _config(BOB, AssetKind.ERC20, Custody.Lock));
            vm.expectRevert(refused);
            main.setTokenLimits(address(gold), 0, 0, 0, 0, 0);
            vm.expectRevert(refused);
            main.unpause();
            vm.expectRevert(refused);
            main.setGuardian(others[i]);
            vm.expectRevert(refused);
            main.scheduleRelayerSet(members, 3);
            vm.expectRevert(refused);
            main.transferOwnership(others[i]);
            vm.expectRevert(abi.encodeWithSelector(IBridge.Bridge_CallerRefused.selector, others[i]));
            main.setTokenEnabled(address(gold), true);
            vm.stopPrank();
        }
    }

    function test_strangers_tighten_nothing_either() public {
        bytes memory refused = abi.encodeWithSelector(IBridge.Bridge_CallerRefused.selector, MALLORY);
        vm.startPrank(MALLORY);
        vm.expectRevert(refused);
        main.setTokenEnabled(address(gold), false);
        vm.expectRevert(refused);
        main.pause();
        vm.expectRevert(refused);
        main.vetoRelayerSet();
        vm.expectRevert(refused);
        main.revokeRelayer(members[0]);
        vm.stopPrank();
    }

    function test_ownership_moves_in_two_steps_and_never_to_nobody() public {
        vm.startPrank(OWNER);
        vm.expectRevert(IBridge.Bridge_OwnerRequired.selector);
        main.renounceOwnership();
        main.transferOwnership(BOB);
        vm.stopPrank();
        vm.assertEq(main.owner(), OWNER, "not yet");
        vm.prank(BOB);
        main.acceptOwnership();
        vm.assertEq(main.owner(), BOB, "accepted");
    }

    function test_the_guardian_changes_but_is_never_nobody() public {
        vm.startPrank(OWNER);
        vm.expectRevert(IBridge.Bridge_AddressZero.selector);
        main.setGuardian(address(0));
        main.setGuardian(BOB);
        vm.stopPrank();
        vm.prank(GUARDIAN);
        vm.expectRevert(abi.encodeWithSelector(IBridge.Bridge_CallerRefused.selector, GUARDIAN));
        main.pause();
        vm.prank(BOB);
        main.pause();
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

    // ---- tokens -----------------------------------------------------------------------------------------------

    function test_registration_refuses_what_does_not_fit() public {
        TestToken token = new TestToken("T", "T", 18);
        bytes4 invalid = IBridge.Bridge_TokenInvalid.selector;
        bytes4 zero = IBridge.Bridge_AddressZero.selector;
        _refuse(address(0), _config(BOB, AssetKind.ERC20, Custody.Lock), abi.encodeWithSelector(zero));
        _refuse(address(token), _config(address(0), AssetKind.ERC20, Custody.Lock), abi.encodeWithSelector(zero));
        _refuse(address(token), _config(BOB, AssetKind.None, Custody.Lock), abi.encodeWithSelector(invalid, token));
        _refuse(address(token), _config(BOB, AssetKind.ERC20, Custody.None), abi.encodeWithSelector(invalid, token));
        _refuse(address(token), _config(BOB, AssetKind.Native, Custody.Lock), abi.encodeWithSelector(invalid, token));
        _refuse(NATIVE_COIN, _config(BOB, AssetKind.ERC20, Custody.Lock), abi.encodeWithSelector(invalid, NATIVE_COIN));
        _refuse(NATIVE_COIN, _config(BOB, AssetKind.Native, Custody.Mint), abi.encodeWithSelector(invalid, NATIVE_COIN));
        _refuse(
            ALICE,
            _config(BOB, AssetKind.ERC20, Custody.Lock),
            abi.encodeWithSelector(IBridge.Bridge_TokenCodeMissing.selector, ALICE)
        );
        TokenConfig memory config = _config(BOB, AssetKind.ERC20, Custody.Lock);
        (config.minAmount, config.maxAmount) = (2, 1);
        _refuse(address(token), config, abi.encodeWithSelector(IBridge.Bridge_LimitsInvalid.selector, 2, 1));
        _refuse(
            address(main), _config(BOB, AssetKind.ERC20, Custody.Lock), abi.encodeWithSelector(invalid, address(main))
        );
        // A token that another bridge mints.
        BridgeToken other = new BridgeToken(BOB, "T", "T", 18, 1);
        _refuse(address(other), _config(BOB, AssetKind.ERC20, Custody.Mint), abi.encodeWithSelector(invalid, other));
    }

    function test_a_token_in_use_stays_what_it_is() public {
        _sendGold(BOB, 10);
        bytes memory inUse = abi.encodeWithSelector(IBridge.Bridge_TokenInUse.selector, 10, 0);
        _refuse(address(gold), _config(BOB, AssetKind.ERC20, Custody.Lock), inUse);
        // The same in other bounds is fine.
        TokenConfig memory config = _config(address(goldThere), AssetKind.ERC20, Custody.Lock);
        config.maxAmount = 5;
        vm.prank(OWNER);
        main.registerToken(address(gold), config);
        vm.assertEq(main.tokenConfig(address(gold)).maxAmount, 5);
    }

    function test_a_token_with_parked_value_stays_what_it_is() public {
        vm.prank(GUARDIAN);
        service.setTokenEnabled(address(goldThere), false);
        _deliver(service, _sendGold(BOB, 10));
        vm.prank(OWNER);
        vm.expectRevert(abi.encodeWithSelector(IBridge.Bridge_TokenInUse.selector, 0, 10));
        service.registerToken(address(goldThere), _config(BOB, AssetKind.ERC20, Custody.Mint));
    }

    function test_an_idle_token_may_change() public {
        vm.prank(OWNER);
        main.registerToken(address(gold), _config(BOB, AssetKind.ERC20, Custody.Lock));
        vm.assertEq(main.tokenConfig(address(gold)).counterpart, BOB, "counterpart");
    }

    function test_settings_of_an_unregistered_token_are_refused() public {
        bytes memory unregistered = abi.encodeWithSelector(IBridge.Bridge_TokenUnregistered.selector, BOB);
        vm.startPrank(OWNER);
        vm.expectRevert(unregistered);
        main.setTokenEnabled(BOB, true);
        vm.expectRevert(unregistered);
        main.setTokenLimits(BOB, 1, 1, 1, 1, 1);
        vm.stopPrank();
    }

    /// New limits give no fresh bucket: what was spent stays spent.
    function test_new_limits_do_not_refill_the_bucket() public {
        _deliver(service, _sendGold(BOB, 100));
        vm.prank(OWNER);
        main.setTokenLimits(address(gold), 1, NO_LIMIT, 50, 0, NO_LIMIT);
        _deliver(main, _sendBack(goldThere, BOB, ALICE, 50));
        vm.assertEq(main.tokenAllowance(address(gold)), 0);
        vm.prank(OWNER);
        main.setTokenLimits(address(gold), 1, NO_LIMIT, 1000, 1, NO_LIMIT);
        vm.assertEq(main.tokenAllowance(address(gold)), 0);
        vm.warp(START + 7);
        vm.assertEq(main.tokenAllowance(address(gold)), 7);
        // Nor does registering it anew.
        TokenConfig memory config = _config(address(goldThere), AssetKind.ERC20, Custody.Lock);
        config.bucketCapacity = 2000;
        vm.prank(OWNER);
        main.registerToken(address(gold), config);
        vm.assertEq(main.tokenAllowance(address(gold)), 7);
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
        vm.expectRevert(IBridge.Bridge_AddressZero.selector);
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

    /// Nothing in flight is lost across epochs.
    function test_requests_in_flight_are_handed_over_under_the_next_epoch() public {
        Request memory request = _sendGold(BOB, 10);
        vm.prank(OWNER);
        service.scheduleRelayerSet(members, 4);
        vm.warp(START + 2 days);
        service.applyRelayerSet();
        Request[] memory requests = _one(request);
        vm.assertEq(_certify(service, requests, _none(), 4).epoch, 2);
        _at(service).deliver(requests, _none(), _certify(service, requests, _none(), 4));
        vm.assertEq(goldThere.balanceOf(BOB), 10);
    }

    function _refuse(address token, TokenConfig memory config, bytes memory data) private {
        vm.prank(OWNER);
        vm.expectRevert(data);
        main.registerToken(token, config);
    }

    function _replaced(address[] memory from, uint256 place, address by) private pure returns (address[] memory to) {
        to = new address[](from.length);
        for (uint256 i = 0; i < from.length; ++i) {
            to[i] = i == place ? by : from[i];
        }
    }
}
