// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {
    Direction,
    Generation,
    LaneAmount,
    LanePosition,
    Limits,
    NATIVE_COIN,
    ParkReason,
    Payload,
    Request
} from "../../src/types/Types.sol";
import {vm} from "../../test/support/Vm.sol";
import {svm} from "./Svm.sol";
import {SymbolicBridge} from "./SymbolicBridge.sol";

/// @title A later generation of the bridge
contract NextBridge {
    address public immutable vault;

    constructor(address vault_) {
        vault = vault_;
    }
}

/// @title What leaves the vault
contract PayoutProofs is SymbolicBridge {
    uint256 private constant HELD = 1 << 100;

    /// S7: a batch of two requests never pays more than its bucket holds, at whatever level that stands.
    function check_a_batch_never_pays_above_its_bucket() public {
        _registerCoin(HELD);
        Limits memory limits = _unlimited();
        // Powers of two, so that the prover shifts where the vault multiplies and divides.
        (limits.capacity, limits.period) = (1 << 64, 1 << 16);
        _limitCoin(limits);
        vm.prank(address(bridge));
        _transferOut(NATIVE_COIN, _anyUnits("paid"), BOB, COIN_THERE);
        uint256 available = vault.available(NATIVE_COIN, Direction.Incoming);
        uint256 before = address(vault).balance;
        _deliverAny(_anyRequests(2, "request"));
        assert(before - address(vault).balance <= available);
    }

    /// S7: nothing is paid by delivery that is under the least or over the greatest amount.
    function check_payouts_stay_within_their_bounds() public {
        _registerCoin(HELD);
        Limits memory limits = _unlimited();
        (limits.min, limits.max) = (_anyUnits("min"), _anyUnits("max"));
        _limitCoin(limits);
        Request[] memory requests = _anyRequests(1, "request");
        uint256 before = address(vault).balance;
        _deliverAny(requests);
        uint256 paid = before - address(vault).balance;
        assert(paid == 0 || (paid == LaneAmount.unwrap(requests[0].amount) && paid >= limits.min && paid <= limits.max));
    }

    /// S7: what is not small leaves the reserve in the bucket.
    function check_a_large_payout_leaves_the_reserve() public {
        uint256 capacity = 10_000;
        _registerCoin(HELD);
        Limits memory limits = _unlimited();
        limits.capacity = capacity;
        limits.reserved = uint16(svm.createUint(16, "reserved"));
        limits.small = uint16(svm.createUint(16, "small"));
        _limitCoin(limits);
        Request[] memory requests = _anyRequests(1, "request");
        uint256 before = address(vault).balance;
        _deliverAny(requests);
        uint256 paid = before - address(vault).balance;
        // The capacity is such that a share of it is the share itself.
        assert(paid <= limits.small || paid + limits.reserved <= capacity);
    }

    /// A batch never pays an amount that is to be delayed; a release never before the delay has passed.
    function check_large_amounts_wait() public {
        _registerCoin(HELD);
        Limits memory limits = _unlimited();
        limits.delayedFrom = _anyUnits("delayed from");
        _limitCoin(limits);
        Request[] memory requests = _anyRequests(1, "request");
        vm.assume(
            LaneAmount.unwrap(requests[0].amount) >= limits.delayedFrom && LaneAmount.unwrap(requests[0].amount) != 0
        );
        uint256 before = address(vault).balance;
        _deliverAny(requests);
        assert(address(vault).balance == before);
        vm.warp(START + LARGE_DELAY - 1);
        assert(!_release(requests[0]));
    }

    /// Only a bridge that serves or drains makes the vault pay; one that was retired, or never served, does not.
    function check_only_a_serving_or_draining_bridge_pays() public {
        _registerCoin(HELD);
        address next = address(new NextBridge(address(vault)));
        bool served = svm.createBool("served");
        bool retired = served && svm.createBool("retired");
        vm.startPrank(OWNER);
        if (served) vault.serve(next);
        if (retired) vault.retire(address(bridge));
        vm.stopPrank();

        address caller = svm.createAddress("caller");
        uint256 before = address(vault).balance;
        uint256 amount = _anyUnits("amount");
        bytes memory call =
            abi.encodeCall(vault.transferOut, (NATIVE_COIN, LaneAmount.wrap(amount), BOB, START, COIN_THERE));
        if (svm.createBool("with payload")) {
            Payload memory parts;
            parts.data = hex"01";
            Request memory request;
            (request.token, request.counterpartToken, request.amount) =
            (COIN_THERE, NATIVE_COIN, LaneAmount.wrap(amount));
            call = abi.encodeCall(vault.transferOutWith, (request, abi.encode(parts), BOB, START));
        }
        vm.prank(caller);
        (bool done,) = address(vault).call(call);
        bool serves = caller == (served ? next : address(bridge));
        bool drains = served && !retired && caller == address(bridge);
        assert(serves || drains || (!done && address(vault).balance == before));
        assert(vault.generationOf(next) == (served ? Generation.Serving : Generation.None));
    }

    /// A payout pays the token that stands for the request's own, and no other.
    function check_a_payout_is_of_the_tokens_counterpart() public {
        _registerCoin(HELD);
        address counterpart = svm.createAddress("counterpart");
        uint256 before = address(vault).balance;
        vm.prank(address(bridge));
        (bool done, ParkReason reason) = _transferOut(NATIVE_COIN, svm.createUint256("amount"), BOB, counterpart);
        if (done && reason == ParkReason.None) assert(counterpart == COIN_THERE);
        else assert(address(vault).balance == before);
    }

    /// A request takes custody of exactly its amount and one place of the outgoing lane, and none of the incoming one.
    function check_a_request_locks_its_amount_and_takes_one_place() public {
        _registerCoin(1);
        uint256 amount = svm.createUint256("amount");
        uint256 value = svm.createUint(128, "value");
        vm.deal(address(this), value);
        uint256 custody = LaneAmount.unwrap(vault.custodyOf(NATIVE_COIN));
        uint64 count = _outgoing().count;
        LanePosition memory incoming = _incoming();
        (bool done,) = address(vault).call{value: value}(
            abi.encodeCall(vault.requestNative, (svm.createAddress("recipient"), amount, ""))
        );
        vm.assume(done);
        assert(amount != 0 && amount <= value && LaneAmount.unwrap(vault.custodyOf(NATIVE_COIN)) == custody + amount);
        assert(address(vault).balance == custody + amount && address(this).balance == value - amount);
        assert(_outgoing().count == count + 1);
        assert(_incoming().count == incoming.count && _incoming().head == incoming.head);
    }
}
