// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IBridge} from "../src/interfaces/IBridge.sol";
import {IGoverned} from "../src/interfaces/IGoverned.sol";
import {IVault} from "../src/interfaces/IVault.sol";
import {AssetKind, Custody, Direction, Fee, Limits} from "../src/types/Types.sol";
import {IOwned} from "./support/IOwned.sol";
import {TimelockedTest} from "./support/Timelocked.sol";
import {vm} from "./support/Vm.sol";
import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";

/// @title A timelock as owner: loosening waits and may be struck, tightening does not wait
contract GovernanceTest is TimelockedTest {
    function setUp() public override {
        super.setUp();
        Limits memory limits = _unlimited();
        limits.max = 4;
        _limit(mainVault, address(gold), Direction.Incoming, limits);
        _handOverOwnership();
    }

    // ---- the owner's acts wait --------------------------------------------------------------------------------

    function test_every_loosening_waits() public {
        (address[] memory targets, bytes[] memory calls) = _loosenings();
        for (uint256 i = 0; i < calls.length; ++i) {
            _schedule(targets[i], calls[i]);
        }
        vm.prank(GUARDIAN);
        main.pause();
        _wait(MIN_DELAY - 1);
        for (uint256 i = 0; i < calls.length; ++i) {
            _refuseExecution(targets[i], calls[i]);
        }
        _wait(1);
        for (uint256 i = 0; i < calls.length; ++i) {
            _execute(targets[i], calls[i]);
            _refuseExecution(targets[i], calls[i]);
        }
        vm.assertEq(mainVault.limits(address(gold), Direction.Incoming).max, 5);
        vm.assertEq(mainVault.tokenConfig(address(gold)).counterpart, BOB, "registered");
        vm.assertEq(mainVault.fee(address(gold)).flat, 7);
        vm.assertEq(mainVault.feeReceiver(), BOB, "fee receiver");
        (,,, uint64 pausedUntil) = main.positions();
        vm.assertEq(pausedUntil, 0);
        vm.assertEq(main.guardian(), BOB, "guardian");
        (address[] memory waiting,, uint64 appliesAt) = main.scheduledRelayerSet();
        vm.assertEq(waiting, members, "a set waits");
        vm.assertEq(appliesAt, _now() + 2 days);
    }

    /// Nobody has a way around the wait: neither who proposes nor who executes, nor the first owner.
    function test_nobody_loosens_past_the_timelock() public {
        (address[] memory targets, bytes[] memory calls) = _loosenings();
        address[4] memory others = [PROPOSER, OWNER, GUARDIAN, MALLORY];
        for (uint256 i = 0; i < calls.length; ++i) {
            for (uint256 j = 0; j < others.length; ++j) {
                vm.prank(others[j]);
                (bool done, bytes memory answer) = targets[i].call(calls[i]);
                vm.assertTrue(!done, "refused");
                bytes4 fault = bytes4(answer);
                bool typed = fault == Ownable.OwnableUnauthorizedAccount.selector
                    || fault == IGoverned.Governed_CallerRefused.selector
                    || fault == IVault.Vault_LimitsLoosened.selector;
                vm.assertTrue(typed, "typed");
            }
        }
        vm.prank(PROPOSER);
        vm.expectRevert(
            abi.encodeWithSelector(TimelockController.TimelockInsufficientDelay.selector, MIN_DELAY - 1, MIN_DELAY)
        );
        timelock.schedule(targets[0], 0, calls[0], 0, 0, MIN_DELAY - 1);
        vm.prank(MALLORY);
        vm.expectRevert();
        timelock.schedule(targets[0], 0, calls[0], 0, 0, MIN_DELAY);
    }

    function test_the_guardian_strikes_what_waits() public {
        (address[] memory targets, bytes[] memory calls) = _loosenings();
        for (uint256 i = 0; i < calls.length; ++i) {
            bytes32 id = _schedule(targets[i], calls[i]);
            vm.prank(MALLORY);
            vm.expectRevert();
            timelock.cancel(id);
            vm.prank(GUARDIAN);
            timelock.cancel(id);
        }
        _wait(365 days);
        for (uint256 i = 0; i < calls.length; ++i) {
            _refuseExecution(targets[i], calls[i]);
        }
        vm.assertEq(mainVault.limits(address(gold), Direction.Incoming).max, 4);
        vm.assertEq(main.guardian(), GUARDIAN, "stays");
    }

    /// The guardian proposes nothing: striking is all that the role gives.
    function test_the_guardian_proposes_nothing() public {
        vm.prank(GUARDIAN);
        vm.expectRevert();
        timelock.schedule(address(main), 0, abi.encodeCall(IBridge.unpause, ()), 0, 0, MIN_DELAY);
    }

    // ---- the guardian's do not --------------------------------------------------------------------------------

    function test_tightening_waits_for_nobody() public {
        Limits memory limits = mainVault.limits(address(gold), Direction.Incoming);
        limits.capacity = 100;
        vm.startPrank(GUARDIAN);
        main.pause();
        main.revokeRelayer(members[0]);
        mainVault.setTokenEnabled(address(gold), false);
        mainVault.setLimits(address(gold), Direction.Incoming, limits);
        vm.stopPrank();
        vm.assertEq(mainVault.available(address(gold), Direction.Incoming), 100);
    }

    /// Two waits follow each other, and the guardian may strike in either.
    function test_a_relayer_set_waits_twice() public {
        bytes memory call = abi.encodeCall(IBridge.scheduleRelayerSet, (members, 2));
        _enact(address(main), call);
        vm.expectRevert(abi.encodeWithSelector(IBridge.Bridge_TooEarly.selector, _now(), _now() + 2 days));
        main.applyRelayerSet();
        vm.prank(GUARDIAN);
        main.vetoRelayerSet();
        _wait(2 days);
        vm.expectRevert(IBridge.Bridge_NothingScheduled.selector);
        main.applyRelayerSet();
    }

    // ---- ownership --------------------------------------------------------------------------------------------

    function test_a_timelock_hands_over_in_two_steps() public {
        address[2] memory owned = [address(main), address(mainVault)];
        for (uint256 i = 0; i < 2; ++i) {
            _enact(owned[i], abi.encodeCall(IOwned.transferOwnership, (BOB)));
            vm.assertEq(IOwned(owned[i]).owner(), address(timelock), "not yet");
            vm.assertEq(IOwned(owned[i]).pendingOwner(), BOB, "offered");
            // Offered to the wrong one, it is offered anew.
            _enact(owned[i], abi.encodeCall(IOwned.transferOwnership, (ALICE)));
            vm.prank(BOB);
            vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, BOB));
            IOwned(owned[i]).acceptOwnership();
            vm.prank(ALICE);
            IOwned(owned[i]).acceptOwnership();
            vm.assertEq(IOwned(owned[i]).owner(), ALICE, "accepted");
            bytes memory call = abi.encodeCall(IGoverned.setGuardian, (BOB));
            _schedule(owned[i], call);
            _wait(MIN_DELAY);
            vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, timelock));
            timelock.execute(owned[i], 0, call, 0, 0);
        }
    }

    function test_a_timelock_does_not_give_its_contracts_up() public {
        bytes memory call = abi.encodeCall(IOwned.renounceOwnership, ());
        _schedule(address(mainVault), call);
        _wait(MIN_DELAY);
        vm.expectRevert(IGoverned.Governed_OwnerRequired.selector);
        timelock.execute(address(mainVault), 0, call, 0, 0);
    }

    // ---- helpers ----------------------------------------------------------------------------------------------

    function _loosenings() private view returns (address[] memory targets, bytes[] memory calls) {
        Limits memory limits = _unlimited();
        limits.max = 5;
        (targets, calls) = (new address[](8), new bytes[](8));
        for (uint256 i = 0; i < 5; ++i) {
            targets[i] = address(mainVault);
        }
        calls[0] = abi.encodeCall(IVault.registerToken, (address(gold), _config(BOB, AssetKind.ERC20, Custody.Lock)));
        calls[1] = abi.encodeCall(IVault.setLimits, (address(gold), Direction.Incoming, limits));
        calls[2] = abi.encodeCall(IVault.setTokenEnabled, (address(gold), true));
        calls[3] = abi.encodeCall(IVault.setFee, (address(gold), Fee(7, 0)));
        calls[4] = abi.encodeCall(IVault.setFeeReceiver, (BOB));
        targets[5] = targets[6] = targets[7] = address(main);
        calls[5] = abi.encodeCall(IBridge.unpause, ());
        calls[6] = abi.encodeCall(IGoverned.setGuardian, (BOB));
        calls[7] = abi.encodeCall(IBridge.scheduleRelayerSet, (members, 2));
    }

    function _refuseExecution(address target, bytes memory call) private {
        bytes32 ready = bytes32(uint256(1) << uint8(TimelockController.OperationState.Ready));
        bytes memory refused = abi.encodeWithSelector(
            TimelockController.TimelockUnexpectedOperationState.selector, _idOf(target, call), ready
        );
        vm.expectRevert(refused);
        timelock.execute(target, 0, call, 0, 0);
    }
}
