// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Certificate, LanePosition, Request} from "../../src/types/Types.sol";
import {vm} from "../../test/support/Vm.sol";
import {svm} from "./Svm.sol";
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

    /// Each request that names a payload comes with exactly that one, and no payload comes beside them.
    function check_payloads_are_those_that_the_requests_name() public {
        Request[] memory requests = _anyRequests(svm.createBool("two") ? 2 : 1, "request");
        bytes[] memory payloads = new bytes[](1);
        payloads[0] = abi.encode(svm.createBytes32("payload"));
        vm.assume(_deliver(requests, payloads, _anyTail(0), _anyCertificate(2, "certificate")));
        uint256 named = 0;
        for (uint256 i = 0; i < requests.length; ++i) {
            if (requests[i].payloadHash == 0) continue;
            assert(requests[i].payloadHash == keccak256(payloads[0]));
            ++named;
        }
        assert(named == 1);
    }

    /// Nobody but the vault links a request: an event of the bridge's is a request that was taken.
    function check_only_the_vault_links_requests() public {
        address caller = svm.createAddress("caller");
        vm.assume(caller != address(vault));
        LanePosition memory outgoing = _outgoing();
        Request memory request = _anyRequest("request");
        vm.prank(caller);
        (bool done,) = address(bridge).call(abi.encodeCall(bridge.link, (request, "")));
        assert(!done && _outgoing().count == outgoing.count && _outgoing().head == outgoing.head);
    }
}
