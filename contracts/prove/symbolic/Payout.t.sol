// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {NATIVE_COIN, Request} from "../../src/types/Types.sol";
import {TestToken} from "../../test/support/TestToken.sol";
import {vm} from "../../test/support/Vm.sol";
import {svm} from "./Svm.sol";
import {SymbolicBridge} from "./SymbolicBridge.sol";

/// @title What leaves the bridge
contract PayoutProofs is SymbolicBridge {
    uint256 private constant HELD = 1 << 120;

    /// S7: a batch of one or two requests never pays more than the bucket holds.
    function check_a_batch_never_pays_above_its_bucket() public {
        _registerCoin(HELD);
        vm.prank(OWNER);
        bridge.setTokenLimits(NATIVE_COIN, 1, NO_LIMIT, _anyU128("capacity"), 0, NO_LIMIT);
        uint256 allowance = bridge.tokenAllowance(NATIVE_COIN);
        uint256 before = address(bridge).balance;
        vm.assume(_deliver(_anyRequests(2, "request"), _anyTail(0), _anyCertificate(2, "certificate")));
        assert(before - address(bridge).balance <= allowance);
    }

    /// New limits give no fresh bucket: one that was emptied holds what has flowed in since, at the most.
    function check_a_bucket_refills_by_time_only() public {
        uint128 capacity = _anyU128("capacity");
        uint128 refill = uint128(svm.createUint(64, "refill"));
        _registerCoin(capacity, refill, NO_LIMIT);
        vm.assume(capacity != NO_LIMIT);
        uint256 before = bridge.tokenAllowance(NATIVE_COIN);
        vm.prank(OWNER);
        bridge.setTokenLimits(NATIVE_COIN, 1, NO_LIMIT, _anyU128("new capacity"), refill, NO_LIMIT);
        vm.assume(bridge.tokenConfig(NATIVE_COIN).bucketCapacity != NO_LIMIT);
        assert(bridge.tokenAllowance(NATIVE_COIN) <= before);
        vm.warp(START + 60);
        assert(bridge.tokenAllowance(NATIVE_COIN) <= before + 60 * uint256(refill));
    }

    /// A batch never pays an amount that is to be delayed; a release never before the delay has passed.
    function check_large_amounts_wait() public {
        _registerCoin(HELD);
        uint128 delayedFrom = _anyU128("delayed from");
        vm.prank(OWNER);
        bridge.setTokenLimits(NATIVE_COIN, 1, NO_LIMIT, NO_LIMIT, 0, delayedFrom);
        Request[] memory requests = _anyRequests(1, "request");
        vm.assume(requests[0].amount >= delayedFrom && requests[0].amount != 0);
        uint256 before = address(bridge).balance;
        vm.assume(_deliver(requests, _anyTail(0), _anyCertificate(2, "certificate")));
        assert(address(bridge).balance == before);
        vm.warp(START + 6 hours - 1);
        assert(!_release(requests[0]));
    }

    /// The frame of a token payout is the bridge's own: nobody else gets a token moved by it.
    function check_only_the_bridge_pays_tokens() public {
        TestToken gold = new TestToken("Gold", "GLD", 18);
        gold.mint(address(bridge), HELD);
        address caller = svm.createAddress("caller");
        vm.assume(caller != address(bridge));
        address to = svm.createAddress("to");
        bytes memory call =
            abi.encodeCall(bridge.payToken, (address(gold), to, svm.createUint256("amount"), svm.createBool("mints")));
        vm.prank(caller);
        (bool done,) = address(bridge).call(call);
        assert(!done && gold.balanceOf(address(bridge)) == HELD);
    }

    /// A request takes custody of exactly its amount and one place of the outgoing lane, and none of the incoming one.
    function check_a_request_locks_its_amount_and_takes_one_place() public {
        _registerCoin(1);
        uint256 value = svm.createUint(128, "value");
        vm.deal(address(this), value);
        uint256 custody = bridge.tokenFigures(NATIVE_COIN).custody;
        uint64 count = _outgoing().count;
        bytes32 head = _incoming().head;
        (bool done,) =
            address(bridge).call{value: value}(abi.encodeCall(bridge.requestNative, (svm.createAddress("recipient"))));
        vm.assume(done);
        assert(value != 0 && bridge.tokenFigures(NATIVE_COIN).custody == custody + value);
        assert(address(bridge).balance == custody + value);
        assert(_outgoing().count == count + 1 && _incoming().count == 0 && _incoming().head == head);
    }

    function _anyU128(string memory name) private returns (uint128) {
        return uint128(svm.createUint(128, name));
    }
}
