// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Direction, Limits, NATIVE_COIN} from "../../src/types/Types.sol";
import {vm} from "../../test/support/Vm.sol";
import {svm} from "./Svm.sol";
import {SymbolicBridge} from "./SymbolicBridge.sol";

/// @title What limits say, and who says it
contract LimitsProofs is SymbolicBridge {
    /// Powers of two, so that the prover shifts where the vault divides.
    uint32 private constant PERIOD = 1 << 16;
    uint64 private constant LATER = 1 << 8;

    /// New limits give no fresh bucket: one that was drawn on holds what has flowed in since, at the most, and never
    /// more than its capacity.
    function check_a_bucket_refills_by_time_only() public {
        _registerCoin(1 << 100);
        Limits memory limits = _unlimited();
        limits.period = PERIOD;
        limits.capacity = 1 << 64;
        _limitCoin(limits);
        vm.prank(address(bridge));
        _transferOut(NATIVE_COIN, _anyUnits("paid"), BOB, COIN_THERE);
        uint256 before = vault.available(NATIVE_COIN, Direction.Incoming);
        assert(before <= limits.capacity);

        limits.capacity = _anyUnits("new capacity");
        vm.assume(limits.capacity < UNITS_MAX);
        _limitCoin(limits);
        assert(vault.available(NATIVE_COIN, Direction.Incoming) <= before);
        vm.warp(START + LATER);
        uint256 then = vault.available(NATIVE_COIN, Direction.Incoming);
        assert(then <= limits.capacity && then <= before + limits.capacity * LATER / PERIOD);
    }

    /// Whatever limits stand, none at all or any, the guardian sets only such as are tighter in each respect.
    function check_the_guardian_only_tightens_limits() public {
        _registerCoin(0);
        Limits memory from = _unlimited();
        if (svm.createBool("limited")) {
            from = _anyLimits("from");
            _limitCoin(from);
        }
        Limits memory to = _anyLimits("to");
        vm.prank(GUARDIAN);
        vault.setLimits(NATIVE_COIN, Direction.Incoming, to);
        assert(to.min >= from.min && to.max <= from.max);
        assert(to.capacity <= from.capacity && to.period >= from.period);
        assert(to.delayedFrom <= from.delayedFrom);
        assert(to.reserved >= from.reserved && to.small <= from.small);
    }

    /// A request passes only within the bounds and the bucket of its own direction.
    function check_requests_stay_within_their_limits() public {
        _registerCoin(0);
        Limits memory limits = _unlimited();
        (limits.min, limits.max) = (_anyUnits("min"), _anyUnits("max"));
        limits.capacity = _anyUnits("capacity");
        vm.prank(OWNER);
        vault.setLimits(NATIVE_COIN, Direction.Outgoing, limits);
        uint256 amount = svm.createUint256("amount");
        vm.deal(address(this), amount);
        vault.requestNative{value: amount}(BOB, amount, "");
        assert(amount >= limits.min && amount <= limits.max);
        assert(limits.capacity == UNITS_MAX || amount <= limits.capacity);
    }

    function _anyLimits(string memory name) private returns (Limits memory) {
        return Limits({
            min: _anyUnits(name),
            max: _anyUnits(name),
            capacity: _anyUnits(name),
            period: uint32(svm.createUint(32, name)),
            delayedFrom: _anyUnits(name),
            reserved: uint16(svm.createUint(16, name)),
            small: uint16(svm.createUint(16, name))
        });
    }
}
