// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Certificate, LanePosition, Request} from "../../src/types/Types.sol";
import {vm} from "../../test/support/Vm.sol";
import {SymbolicBridge} from "./SymbolicBridge.sol";

/// @title Each place of a lane once, in order, without gaps
contract LaneProofs is SymbolicBridge {
    /// S1: after a batch, no input whatever is delivered from the same position again.
    function check_no_second_delivery_from_a_position() public {
        LanePosition memory before = _anyIncoming();
        vm.assume(_deliver(_anyRequests(1, "first"), _anyTail(0), _anyCertificate(2, "first")));
        Request[] memory again = _anyRequests(1, "second");
        vm.assume(again[0].nonce <= before.count);
        assert(!_deliver(again, _anyTail(0), _anyCertificate(2, "second")));
    }

    /// S3: a batch moves the lane by exactly its requests, which carry the next nonces in order and hash forward to
    /// the new head; a tail moves it by nothing. The outgoing lane stands still.
    function check_delivery_moves_the_lane_by_its_requests() public {
        _moves(1, 0);
    }

    /// The same with a tail.
    function check_a_tail_does_not_move_the_lane() public {
        _moves(1, 1);
    }

    /// The same with two requests.
    function check_two_requests_move_the_lane_by_two() public {
        _moves(2, 0);
    }

    function _moves(uint256 length, uint256 tailLength) private {
        LanePosition memory before = _anyIncoming();
        LanePosition memory outgoing = _outgoing();
        Request[] memory requests = _anyRequests(length, "request");
        bytes32[] memory tail = _anyTail(tailLength);
        Certificate memory certificate = _anyCertificate(2, "certificate");
        vm.assume(_deliver(requests, tail, certificate));

        for (uint256 i = 0; i < length; ++i) {
            assert(requests[i].nonce == before.count + i);
        }
        LanePosition memory then = _incoming();
        assert(then.count == before.count + length);
        assert(then.head == _headAfter(before.head, requests, _anyTail(0)));
        assert(_outgoing().count == outgoing.count && _outgoing().head == outgoing.head);
    }

    /// A batch of nothing does nothing.
    function check_an_empty_batch_is_refused() public {
        _anyIncoming();
        assert(!_deliver(_anyRequests(0, "request"), _anyTail(1), _anyCertificate(2, "certificate")));
    }
}
