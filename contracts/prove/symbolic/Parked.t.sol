// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {LaneHead} from "../../src/libraries/LaneHead.sol";
import {
    AssetKind,
    Direction,
    LaneAmount,
    LanePosition,
    Limits,
    NATIVE_COIN,
    ParkReason,
    Request
} from "../../src/types/Types.sol";
import {vm} from "../../test/support/Vm.sol";
import {svm} from "./Svm.sol";
import {SymbolicBridge} from "./SymbolicBridge.sol";

/// @title What is parked ends once
contract ParkedProofs is SymbolicBridge {
    /// S4: of a parked handover, whatever it is, one release or one return passes; after it no call of either does for
    /// the same nonce, with any content.
    function check_released_xor_returned() public {
        Request memory parked = _park(2);
        bool released = svm.createBool("release first");
        vm.assume(released ? _release(parked) : _return(parked));

        Request memory again = _anyCoinRequest("again");
        vm.assume(again.nonce == parked.nonce);
        assert(!(svm.createBool("release then") ? _release(again) : _return(again)));
    }

    /// A release or a return takes the very request that was parked, and pays or links nothing else.
    function check_only_the_parked_request_is_released_or_returned() public {
        Request memory parked = _park(1);
        Request memory other = _anyCoinRequest("other");
        other.recipient = svm.createAddress("recipient");
        vm.assume(keccak256(abi.encode(other)) != keccak256(abi.encode(parked)));
        assert(!(svm.createBool("release") ? _release(other) : _return(other)));
    }

    /// Released: the vault pays the amount and nothing is linked. Returned: it pays nothing, and the one request that
    /// is linked sends the same amount back to who sent it.
    function check_a_release_pays_and_a_return_links() public {
        Request memory parked = _park(1);
        uint256 held = address(vault).balance;
        LanePosition memory outgoing = _outgoing();
        bool release = svm.createBool("release");
        vm.assume(release ? _release(parked) : _return(parked));
        assert(held - address(vault).balance == (release ? LaneAmount.unwrap(parked.amount) : 0));
        assert(LaneAmount.unwrap(vault.custodyOf(NATIVE_COIN)) == address(vault).balance);
        assert(LaneAmount.unwrap(bridge.parkedAmount(NATIVE_COIN)) == 0);
        if (release) {
            assert(_outgoing().count == outgoing.count && _outgoing().head == outgoing.head);
            return;
        }
        Request memory back = Request({
            nonce: outgoing.count,
            kind: AssetKind.Native,
            sender: parked.recipient,
            recipient: parked.sender,
            token: parked.counterpartToken,
            counterpartToken: parked.token,
            amount: parked.amount,
            payloadHash: 0
        });
        assert(_outgoing().count == outgoing.count + 1);
        assert(_outgoing().head == LaneHead.link(outgoing.head, LaneHead.hash(back)));
    }

    /// What a guardian holds is neither released nor returned, by anyone, at any time.
    function check_a_held_handover_goes_nowhere() public {
        Request memory parked = _parkLarge();
        vm.prank(svm.createBool("by the owner") ? OWNER : GUARDIAN);
        bridge.holdParked(parked);
        vm.warp(_laterTime());
        bool byBob = svm.createBool("by the recipient");
        vm.startPrank(byBob ? BOB : svm.createAddress("caller"));
        uint256 act = svm.createUint(8, "act");
        if (act == 0) assert(!_release(parked));
        else if (act == 1) assert(!_return(parked));
        else assert(!_releaseTo(parked, svm.createAddress("to"), NO_LIMIT, _anySignatureBytes()));
    }

    /// What waits because it is large goes neither way before its time, whoever asks and whatever is tightened
    /// meanwhile.
    function check_a_delayed_handover_goes_neither_way_early() public {
        Request memory parked = _parkLarge();
        vm.prank(GUARDIAN);
        if (svm.createBool("switched off")) vault.setTokenEnabled(NATIVE_COIN, false);
        else vault.setLimits(NATIVE_COIN, Direction.Incoming, _tightened());
        vm.warp(_laterTime());
        vm.startPrank(svm.createBool("by the recipient") ? BOB : svm.createAddress("caller"));
        uint256 act = svm.createUint(8, "act");
        bool done;
        if (act == 0) done = _release(parked);
        else if (act == 1) done = _return(parked);
        else done = _releaseTo(parked, svm.createAddress("to"), NO_LIMIT, _anySignatureBytes());
        assert(!done || block.timestamp >= START + LARGE_DELAY);
    }

    /// A release goes elsewhere than to the recipient only by the recipient's own call, or with its signature over
    /// exactly this request, this address and a deadline that has not passed.
    function check_only_the_recipient_redirects_a_release() public {
        Request memory parked = _park(1);
        address caller = svm.createAddress("caller");
        address to = svm.createAddress("to");
        uint256 deadline = svm.createUint256("deadline");
        bytes32 r = svm.createBytes32("r");
        bytes32 s = svm.createBytes32("s");
        uint8 v = uint8(svm.createUint(8, "v"));
        vm.prank(caller);
        if (!_releaseTo(parked, to, deadline, abi.encodePacked(r, s, v))) return;
        if (caller == BOB) return;
        bytes32 digest = _releaseDigest(LaneHead.hash(parked), to, deadline);
        assert(ecrecover(digest, v, r, s) == BOB && uint256(s) <= S_MAX);
        assert(block.timestamp <= deadline);
    }

    /// Nobody but the recipient sends a handover back before the return delay has passed.
    function check_a_stranger_returns_nothing_early() public {
        Request memory parked = _park(1);
        vm.warp(_laterTime());
        address caller = svm.createAddress("caller");
        vm.prank(caller);
        vm.assume(_return(parked));
        assert(caller == BOB || block.timestamp >= START + 1 days);
    }

    /// The first of `length` requests that this bridge parked for want of coin, which has come since. Its wait for a
    /// return is over. What is owed to the others must not pay it twice.
    function _park(uint256 length) private returns (Request memory) {
        _registerCoin(0);
        Request[] memory requests = _anyRequests(length, "parked");
        for (uint256 i = 0; i < length; ++i) {
            requests[i].amount = LaneAmount.wrap(1 + svm.createUint(96, "amount"));
        }
        _deliverAny(requests);
        vm.assume(bridge.parkedHandover(LaneHead.hash(requests[0])).parkedAt != 0);
        _lockCoin(1 << 100);
        vm.warp(START + 1 days);
        return requests[0];
    }

    /// A request that was parked because it is large.
    function _parkLarge() private returns (Request memory) {
        _registerCoin(1 << 100);
        Limits memory limits = _unlimited();
        limits.delayedFrom = 1000;
        _limitCoin(limits);
        Request[] memory requests = _anyRequests(1, "parked");
        _deliverAny(requests);
        vm.assume(bridge.parkedHandover(LaneHead.hash(requests[0])).reason == ParkReason.Delayed);
        return requests[0];
    }

    /// Bounds that leave out what is parked.
    function _tightened() private pure returns (Limits memory limits) {
        limits = _unlimited();
        (limits.max, limits.delayedFrom) = (999, 1000);
    }

    /// Any time within half a year.
    function _laterTime() private returns (uint64) {
        return START + uint64(svm.createUint(24, "later"));
    }

    function _anySignatureBytes() private returns (bytes memory) {
        return abi.encodePacked(svm.createBytes32("r"), svm.createBytes32("s"), uint8(svm.createUint(8, "v")));
    }
}
