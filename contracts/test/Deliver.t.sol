// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IBridge} from "../src/interfaces/IBridge.sol";
import {LaneHead} from "../src/libraries/LaneHead.sol";
import {
    AssetKind,
    Certificate,
    LaneAmount,
    LanePosition,
    NATIVE_COIN,
    ParkReason,
    Request,
    Signature
} from "../src/types/Types.sol";
import {IOwnedBridge} from "./support/IOwned.sol";
import {PairTest} from "./support/PairTest.sol";
import {Vm, vm} from "./support/Vm.sol";

/// @title What a batch must be to move the incoming lane
contract DeliverTest is PairTest {
    function test_a_batch_is_paid_in_order_and_moves_the_lane() public {
        Request[] memory requests = _fiveRequests();
        Certificate memory certificate = _certify(service, requests, _none(), THRESHOLD);
        vm.recordLogs();
        vm.prank(MALLORY);
        _deliverAs(requests, _none(), certificate);

        Vm.Log[] memory logs = vm.getRecordedLogs();
        uint64 next = 0;
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] != IBridge.HandedOver.selector) continue;
            vm.assertEq(uint256(logs[i].topics[1]), next++);
        }
        vm.assertEq(next, 5);
        Vm.Log memory last = logs[logs.length - 1];
        vm.assertEq(last.topics[0], IBridge.BatchDelivered.selector, "the batch's event is the last");
        vm.assertEq(last.topics[1], bytes32(0), "first nonce");
        vm.assertEq(last.topics[2], bytes32(uint256(uint160(MALLORY))), "anyone may submit");
        vm.assertEq(keccak256(last.data), keccak256(abi.encode(uint64(5), certificate.head)), "count and head");
        vm.assertEq(goldThere.balanceOf(BOB), 1 + 2 + 3 + 4 + 5);
    }

    /// The certificate reaches further than the batch: the lane stops at the batch's end.
    function test_a_tail_lets_a_batch_end_anywhere() public {
        Request[] memory requests = _fiveRequests();
        for (uint256 done = 0; done < 5; ++done) {
            (Request[] memory batch, bytes32[] memory tail) = _split(requests, done, done + 1);
            Certificate memory certificate = _certify(service, batch, tail, THRESHOLD);
            vm.assertEq(certificate.count, 5);
            _deliverAs(batch, tail, certificate);
            vm.assertEq(_incoming(service).count, done + 1);
        }
        vm.assertEq(_incoming(service).head, _outgoing(main).head, "the whole lane");
        vm.assertEq(goldThere.balanceOf(BOB), 15);
    }

    function testFuzz_any_partition_ends_at_the_same_head(uint256 seed) public {
        Request[] memory requests = _fiveRequests();
        uint256 done = 0;
        while (done < 5) {
            uint256 end = done + 1 + seed % (5 - done);
            uint256 certified = end + (seed >> 8) % (6 - end);
            seed = uint256(keccak256(abi.encode(seed)));
            Request[] memory upTo = new Request[](certified);
            for (uint256 i = 0; i < certified; ++i) {
                upTo[i] = requests[i];
            }
            (Request[] memory batch, bytes32[] memory tail) = _split(upTo, done, end);
            _deliverAs(batch, tail, _certify(service, batch, tail, THRESHOLD));
            done = end;
        }
        vm.assertEq(_incoming(service).head, _outgoing(main).head, "head");
        vm.assertEq(goldThere.balanceOf(BOB), 15);
    }

    // ---- refusals ---------------------------------------------------------------------------------------------

    function test_refuses_while_paused() public {
        Request[] memory requests = _one(_sendGold(BOB, 1));
        vm.prank(GUARDIAN);
        service.pause();
        _refuse(requests, _none(), _certify(service, requests, _none(), 3), _paused());
        vm.warp(START + 3 days);
        _deliver(service, requests);
    }

    function test_refuses_an_empty_batch() public {
        Request[] memory empty = new Request[](0);
        bytes memory refused = abi.encodeWithSelector(IBridge.Bridge_BatchEmpty.selector);
        _refuse(empty, _none(), _certify(service, empty, _none(), 3), refused);
    }

    /// S1: what was handed over is not handed over again, by the same certificate or another.
    function test_refuses_a_replay() public {
        Request[] memory requests = _fiveRequests();
        Certificate memory certificate = _certify(service, requests, _none(), THRESHOLD);
        _deliverAs(requests, _none(), certificate);
        bytes memory stale = abi.encodeWithSelector(IBridge.Bridge_NonceMismatch.selector, 0, 5);
        _refuse(requests, _none(), certificate, stale);
        // A suffix of it, too.
        (Request[] memory batch,) = _split(requests, 4, 5);
        _refuse(batch, _none(), certificate, abi.encodeWithSelector(IBridge.Bridge_NonceMismatch.selector, 4, 5));
    }

    /// The nonce is judged before any signature: losing a race costs little.
    function test_a_stale_batch_is_refused_before_signatures() public {
        Request[] memory requests = _fiveRequests();
        _deliver(service, requests);
        Certificate memory garbage = Certificate(1, 5, bytes32(0), new Signature[](40));
        bytes memory stale = abi.encodeWithSelector(IBridge.Bridge_NonceMismatch.selector, 0, 5);
        uint256 before = gasleft();
        _refuse(requests, _none(), garbage, stale);
        vm.assertLe(before - gasleft(), 150_000, "cheap");
    }

    /// S3: no gaps, no other order.
    function test_refuses_gaps_and_other_orders() public {
        Request[] memory requests = _fiveRequests();
        (Request[] memory early,) = _split(requests, 1, 5);
        bytes memory gap = abi.encodeWithSelector(IBridge.Bridge_NonceMismatch.selector, 1, 0);
        _refuse(early, _none(), _certify(service, early, _none(), 3), gap);

        (requests[1], requests[2]) = (requests[2], requests[1]);
        bytes memory order = abi.encodeWithSelector(IBridge.Bridge_NonceMismatch.selector, 2, 1);
        _refuse(requests, _none(), _certify(service, requests, _none(), 3), order);

        requests[1] = requests[0];
        bytes memory twice = abi.encodeWithSelector(IBridge.Bridge_NonceMismatch.selector, 0, 1);
        _refuse(requests, _none(), _certify(service, requests, _none(), 3), twice);
    }

    /// S2: one changed field, and the requests do not hash to what was certified.
    function testFuzz_refuses_a_request_with_one_field_changed(uint8 field, uint8 which, uint128 by) public {
        Request[] memory requests = _fiveRequests();
        Certificate memory certificate = _certify(service, requests, _none(), THRESHOLD);
        Request memory changed = requests[which % 5];
        uint160 other = uint160(uint256(by) + 1);
        if (field % 7 == 0) changed.kind = AssetKind.Native;
        if (field % 7 == 1) changed.sender = address(uint160(changed.sender) ^ other);
        if (field % 7 == 2) changed.recipient = address(uint160(changed.recipient) ^ other);
        if (field % 7 == 3) changed.token = address(uint160(changed.token) ^ other);
        if (field % 7 == 4) changed.counterpartToken = address(uint160(changed.counterpartToken) ^ other);
        if (field % 7 == 5) changed.amount = LaneAmount.wrap(by == 0 ? 77 : LaneAmount.unwrap(changed.amount) ^ by);
        if (field % 7 == 6) changed.payloadHash = bytes32(uint256(other));
        bytes32 got = _headAfter(service, requests, _none());
        _refuse(requests, _none(), certificate, _headMismatch(certificate.head, got));
    }

    function test_refuses_a_certificate_of_another_head_or_count() public {
        Request[] memory requests = _fiveRequests();
        bytes32 head = _headAfter(service, requests, _none());
        Certificate memory certificate = _certifyHead(service, 5, keccak256("other"), THRESHOLD);
        _refuse(requests, _none(), certificate, _headMismatch(keccak256("other"), head));
        certificate = _certifyHead(service, 6, head, THRESHOLD);
        _refuse(requests, _none(), certificate, abi.encodeWithSelector(IBridge.Bridge_CountMismatch.selector, 6, 5));
        // A signed count that is claimed to be another: the digest differs, so do the signers.
        certificate.count = 5;
        _refuse(requests, _none(), certificate, "");
    }

    function test_refuses_a_tail_that_is_cut_padded_or_forged() public {
        Request[] memory requests = _fiveRequests();
        (Request[] memory batch, bytes32[] memory tail) = _split(requests, 0, 2);
        Certificate memory certificate = _certify(service, batch, tail, THRESHOLD);
        _refuse(batch, _none(), certificate, abi.encodeWithSelector(IBridge.Bridge_CountMismatch.selector, 5, 2));
        bytes32[] memory longer = new bytes32[](4);
        (longer[0], longer[1], longer[2]) = (tail[0], tail[1], tail[2]);
        _refuse(batch, longer, certificate, abi.encodeWithSelector(IBridge.Bridge_CountMismatch.selector, 5, 6));
        tail[1] = keccak256("forged");
        _refuse(batch, tail, certificate, _headMismatch(certificate.head, _headAfter(service, batch, tail)));
    }

    /// More than any bridge can take was linked by none. Even a quorum cannot have it paid.
    function test_what_no_bridge_can_have_linked_is_never_paid() public {
        Request memory request = _sendGold(BOB, 1);
        uint256[3] memory amounts = [uint256(type(uint112).max) + 1, uint256(1) << 255, type(uint256).max];
        for (uint256 i = 0; i < amounts.length; ++i) {
            (request.nonce, request.amount) = (uint64(i), LaneAmount.wrap(amounts[i]));
            _deliver(service, request);
            _assertParked(service, request, ParkReason.OutOfBounds);
        }
        vm.assertEq(goldThere.totalSupply(), 0);
    }

    /// What is paid, this side's own register says: a kind that a lying quorum names changes nothing.
    function test_the_kind_that_a_request_names_decides_nothing_here() public {
        Request memory request = _sendGold(BOB, 7);
        request.kind = AssetKind.Native;
        vm.deal(address(serviceVault), 7);
        _deliver(service, request);
        vm.assertEq(goldThere.balanceOf(BOB), 7);
        vm.assertEq(BOB.balance, 0);
        request = _sendGold(BOB, 7);
        request.kind = AssetKind.None;
        _deliver(service, request);
        vm.assertEq(goldThere.balanceOf(BOB), 14);
    }

    /// Dirty upper bits make another hash: the words are hashed as they stand, and never pass as clean ones.
    function test_refuses_calldata_with_dirty_upper_bits() public {
        Request[] memory requests = _one(_sendGold(BOB, 1));
        Certificate memory certificate = _certify(service, requests, _none(), THRESHOLD);
        bytes memory call = abi.encodeCall(IBridge.deliver, (requests, _noPayloads(), _none(), certificate));
        // Selector 4, four offsets, the array's length, then nonce and kind: the sender's word is at 228.
        _at(service);
        (bool clean,) = address(service).call(call);
        vm.assertTrue(clean, "clean");
        requests = _one(_sendGold(BOB, 1));
        certificate = _certify(service, requests, _none(), THRESHOLD);
        call = abi.encodeCall(IBridge.deliver, (requests, _noPayloads(), _none(), certificate));
        call[228] = 0x01;
        _at(service);
        (bool dirty,) = address(service).call(call);
        vm.assertTrue(!dirty, "dirty");
    }

    /// Too little gas for a payout's full allowance has a name of its own, so that a submitter knows what to change.
    function test_refuses_a_batch_that_is_short_of_gas() public {
        Request[] memory requests = _one(_sendGold(BOB, 1));
        Certificate memory certificate = _certify(service, requests, _none(), THRESHOLD);
        bytes memory call = abi.encodeCall(IBridge.deliver, (requests, _noPayloads(), _none(), certificate));
        _at(service);
        (bool done, bytes memory answer) = address(service).call{gas: 300_000}(call);
        vm.assertTrue(!done, "refused");
        vm.assertEq(bytes4(answer), IBridge.Bridge_GasShort.selector, "by name");
        uint256 needed;
        assembly ("memory-safe") {
            needed := mload(add(answer, 68))
        }
        // The payout's allowance as 63/64 of what is left (EIP-150), a call, and what parking takes.
        uint256 payout = 160_000;
        vm.assertEq(needed, payout + payout / 63 + 1 + 10_000 + 100_000, "how much");
        vm.assertEq(_incoming(service).count, 0);
        (done,) = address(service).call{gas: 450_000}(call);
        vm.assertTrue(done, "enough");
        vm.assertEq(goldThere.balanceOf(BOB), 1);
    }

    /// A vault that is no contract would seem to pay: it answers nothing, and nothing moves.
    function test_refuses_all_when_there_is_no_vault() public {
        vm.chainId(SERVICE);
        IOwnedBridge orphan =
            _deployBridge(OWNER, GUARDIAN, address(0x7A17), MAIN, address(main), members, THRESHOLD, _timing());
        Request[] memory requests = _one(_sendGold(BOB, 1));
        Certificate memory certificate = _certify(orphan, requests, _none(), THRESHOLD);
        vm.expectRevert(abi.encodeWithSelector(IBridge.Bridge_VaultInvalid.selector, address(0x7A17)));
        orphan.deliver(requests, _noPayloads(), _none(), certificate);
        vm.assertEq(_incoming(orphan).count, 0);
    }

    // ---- payouts by this side's own register ------------------------------------------------------------------

    function test_parks_what_is_unknown_here_without_holding_up_the_rest() public {
        vm.prank(GUARDIAN);
        serviceVault.setTokenEnabled(address(goldThere), false);
        Request[] memory requests = new Request[](3);
        requests[0] = _sendCoin(BOB, 5);
        requests[1] = _sendGold(BOB, 7);
        requests[2] = _sendCoin(BOB, 9);
        _deliver(service, requests);
        vm.assertEq(coinThere.balanceOf(BOB), 14);
        vm.assertEq(goldThere.balanceOf(BOB), 0);
        vm.assertEq(_parked(service, address(goldThere)), 7);
        _assertParked(service, requests[1], ParkReason.TokenUnavailable);
    }

    /// The source names its token; a destination that knows another counterpart does not pay.
    function test_parks_a_token_whose_counterpart_is_another() public {
        Request memory request = _sendGold(BOB, 7);
        request.token = address(0xF00D);
        _deliver(service, request);
        _assertParked(service, request, ParkReason.TokenUnavailable);
        vm.assertEq(goldThere.totalSupply(), 0);
    }

    function test_parks_when_custody_is_short_even_if_the_balance_is_not() public {
        // A gift to the vault is nobody's liquidity.
        gold.mint(address(mainVault), 1000);
        Request memory request =
            Request(0, AssetKind.ERC20, BOB, ALICE, address(goldThere), address(gold), LaneAmount.wrap(1000), 0);
        _deliver(main, request);
        _assertParked(main, request, ParkReason.LiquidityShort);
        vm.assertEq(gold.balanceOf(ALICE), 0);
    }

    function test_coin_is_paid_out_of_custody() public {
        _deliver(service, _sendCoin(BOB, 5 ether));
        uint256 before = BOB.balance;
        _deliver(main, _sendBack(coinThere, BOB, BOB, 2 ether));
        vm.assertEq(BOB.balance - before, 2 ether);
        vm.assertEq(_custody(main, NATIVE_COIN), 3 ether);
        vm.assertEq(address(mainVault).balance, 3 ether);
    }

    // ---- helpers ----------------------------------------------------------------------------------------------

    function _fiveRequests() private returns (Request[] memory requests) {
        requests = new Request[](5);
        for (uint256 i = 0; i < 5; ++i) {
            requests[i] = _sendGold(BOB, 1 + i);
        }
    }

    /// `requests[from..to]`, and the hashes of what follows.
    function _split(Request[] memory requests, uint256 from, uint256 to)
        private
        pure
        returns (Request[] memory batch, bytes32[] memory tail)
    {
        batch = new Request[](to - from);
        for (uint256 i = from; i < to; ++i) {
            batch[i - from] = requests[i];
        }
        tail = new bytes32[](requests.length - to);
        for (uint256 i = to; i < requests.length; ++i) {
            tail[i - to] = LaneHead.hash(requests[i]);
        }
    }

    function _deliverAs(Request[] memory requests, bytes32[] memory tail, Certificate memory certificate) private {
        service.deliver(requests, _noPayloads(), tail, certificate);
    }

    /// Expects a refusal that moves and pays nothing. Empty data: any.
    function _refuse(
        Request[] memory requests,
        bytes32[] memory tail,
        Certificate memory certificate,
        bytes memory data
    ) private {
        LanePosition memory before = _incoming(service);
        uint256 supply = goldThere.totalSupply();
        _at(service);
        if (data.length == 0) vm.expectRevert();
        else vm.expectRevert(data);
        service.deliver(requests, _noPayloads(), tail, certificate);
        vm.assertEq(_incoming(service).count, before.count, "count stays");
        vm.assertEq(_incoming(service).head, before.head, "head stays");
        vm.assertEq(goldThere.totalSupply(), supply, "nothing is paid");
    }

    function _paused() private pure returns (bytes memory) {
        return abi.encodeWithSelector(IBridge.Bridge_Paused.selector, START + 3 days);
    }

    function _headMismatch(bytes32 got, bytes32 want) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IBridge.Bridge_HeadMismatch.selector, got, want);
    }
}
