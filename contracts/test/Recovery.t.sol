// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IBridge} from "../src/interfaces/IBridge.sol";
import {LaneHead} from "../src/libraries/LaneHead.sol";
import {Certificate, LaneAmount, LanePosition, ParkReason, Request, Signature} from "../src/types/Types.sol";
import {PairTest} from "./support/PairTest.sol";
import {Vm, vm} from "./support/Vm.sol";
import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";

/// @title The incoming lane's position set anew, after a reorganisation past finality
contract RecoveryTest is PairTest {
    LanePosition private _from;
    LanePosition private _to;

    /// Service has handed over a request that main has forgotten: the branch it sees now has others.
    function setUp() public override {
        super.setUp();
        _deliver(service, _sendGold(BOB, 5));
        _from = _incoming(service);
        _to = LanePosition(9, keccak256("the branch that main is on now"));
    }

    function test_the_owner_recovers_a_paused_lane_with_a_quorum() public {
        _pause();
        vm.recordLogs();
        _recover(_to, 1, _signed(_from, _to, 1, THRESHOLD));
        Vm.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs[0].topics[0], IBridge.LaneRecovered.selector, "event");
        vm.assertEq(keccak256(logs[0].data), keccak256(abi.encode(_from, _to)), "from where to where");
        vm.assertEq(_incoming(service).count, 9);
        vm.assertEq(_incoming(service).head, _to.head, "head");
        vm.assertEq(_outgoing(service).count, 0, "the other lane stays");
        (,,, uint64 pausedUntil) = service.positions();
        vm.assertEq(pausedUntil, START + 3 days, "the pause goes on");
    }

    /// The lane goes on from where it was set.
    function test_deliveries_go_on_from_the_new_position() public {
        _pause();
        _recover(_to, 1, _signed(_from, _to, 1, THRESHOLD));
        vm.prank(OWNER);
        service.unpause();
        Request memory request = _sendGold(BOB, 3);
        request.nonce = 9;
        _deliver(service, request);
        vm.assertEq(goldThere.balanceOf(BOB), 8);
        vm.assertEq(_incoming(service).count, 10);
    }

    /// A lane set back may bring a request that is parked already: it is owed once.
    function test_what_is_parked_and_comes_again_is_owed_once() public {
        Request memory request = _sendGold(address(serviceVault), 3);
        LanePosition memory before = _incoming(service);
        _deliver(service, request);
        uint64 parkedAt = service.parkedHandover(LaneHead.hash(request)).parkedAt;
        vm.warp(START + 100);
        _pause();
        LanePosition memory here = _incoming(service);
        _recover(before, 1, _signed(here, before, 1, THRESHOLD));
        vm.prank(OWNER);
        service.unpause();
        _deliver(service, request);
        vm.assertEq(service.parkedHandover(LaneHead.hash(request)).parkedAt, parkedAt, "waits as it did");
        vm.assertEq(LaneAmount.unwrap(service.parkedAmount(address(goldThere))), 3, "owed once");
        vm.prank(address(serviceVault));
        service.returnParked(request, "");
        vm.assertEq(LaneAmount.unwrap(service.parkedAmount(address(goldThere))), 0, "nothing is owed any more");
    }

    /// The same, when it could be paid by then: it is not paid beside its parked entry.
    function test_what_is_parked_and_comes_again_is_paid_once() public {
        Request memory request = _parkedAndSetBack();
        vm.prank(OWNER);
        service.unpause();
        uint256 held = goldThere.balanceOf(BOB);
        vm.expectEmit(address(service));
        emit IBridge.HandoverParked(request.nonce, BOB, LaneHead.hash(request), ParkReason.TokenUnavailable, 0, request);
        _deliver(service, request);
        vm.assertEq(goldThere.balanceOf(BOB), held, "it waits for its release");
        _assertParked(service, request, ParkReason.TokenUnavailable);
        service.releaseParked(request, "");
        vm.assertEq(goldThere.balanceOf(BOB), held + 3, "paid once");
        _assertNotParked(service, request);
    }

    /// Set back twice, the lane still knows how far it once was.
    function test_what_is_parked_and_comes_again_after_a_second_recovery_is_paid_once() public {
        Request memory request = _parkedAndSetBack();
        LanePosition memory before = _incoming(service);
        _recover(before, 1, _signed(before, before, 1, THRESHOLD));
        vm.prank(OWNER);
        service.unpause();
        uint256 held = goldThere.balanceOf(BOB);
        _deliver(service, request);
        vm.assertEq(goldThere.balanceOf(BOB), held, "it waits for its release");
        _assertParked(service, request, ParkReason.TokenUnavailable);
    }

    /// In a place that was taken before the lane was set back, another request is paid as any.
    function test_what_comes_in_the_place_of_a_lost_one_is_paid() public {
        LanePosition memory before = _incoming(service);
        _deliver(service, _sendGold(BOB, 3));
        _pause();
        LanePosition memory here = _incoming(service);
        _recover(before, 1, _signed(here, before, 1, THRESHOLD));
        vm.prank(OWNER);
        service.unpause();
        Request memory other = _sendGold(BOB, 4);
        other.nonce = before.count;
        uint256 held = goldThere.balanceOf(BOB);
        _deliver(service, other);
        vm.assertEq(goldThere.balanceOf(BOB), held + 4, "paid");
        _assertNotParked(service, other);
    }

    /// A request that was parked, could be paid by now, and comes again: the lane is set back to before it.
    function _parkedAndSetBack() private returns (Request memory request) {
        request = _sendGold(BOB, 3);
        LanePosition memory before = _incoming(service);
        vm.prank(GUARDIAN);
        serviceVault.setTokenEnabled(address(goldThere), false);
        _deliver(service, request);
        vm.prank(OWNER);
        serviceVault.setTokenEnabled(address(goldThere), true);
        _pause();
        LanePosition memory here = _incoming(service);
        _recover(before, 1, _signed(here, before, 1, THRESHOLD));
    }

    function test_nobody_but_the_owner_recovers() public {
        _pause();
        Signature[] memory signatures = _signed(_from, _to, 1, 4);
        address[3] memory others = [GUARDIAN, MALLORY, members[0]];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.prank(others[i]);
            vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, others[i]));
            service.recoverLane(_to, 1, signatures);
        }
    }

    function test_a_lane_that_is_not_paused_is_not_recovered() public {
        Signature[] memory signatures = _signed(_from, _to, 1, 4);
        bytes memory notPaused = abi.encodeWithSelector(IBridge.Bridge_NotPaused.selector);
        _refuse(_to, 1, signatures, notPaused);
        _pause();
        vm.warp(START + 3 days);
        _refuse(_to, 1, signatures, notPaused);
        vm.warp(START + 3 days - 1);
        _recover(_to, 1, signatures);
    }

    function test_the_owner_alone_recovers_nothing() public {
        _pause();
        for (uint256 signers = 0; signers < THRESHOLD; ++signers) {
            bytes memory short = abi.encodeWithSelector(IBridge.Bridge_ThresholdShort.selector, signers, 3);
            _refuse(_to, 1, _signed(_from, _to, 1, signers), short);
        }
        Signature[] memory twice = _signed(_from, _to, 1, THRESHOLD);
        twice[2] = twice[1];
        _refuse(_to, 1, twice, abi.encodeWithSelector(IBridge.Bridge_SignersUnordered.selector, members[1], members[1]));
    }

    /// Signed is one way from one place: any other count, head or start is another digest.
    function test_a_quorum_counts_for_exactly_what_it_signed() public {
        _pause();
        Signature[] memory signatures = _signed(_from, _to, 1, THRESHOLD);
        _refuse(LanePosition(_to.count + 1, _to.head), 1, signatures, "");
        _refuse(LanePosition(_to.count, keccak256("another")), 1, signatures, "");
        LanePosition memory elsewhere = LanePosition(_from.count + 1, _from.head);
        _refuse(_to, 1, _signed(elsewhere, _to, 1, THRESHOLD), "");
        elsewhere = LanePosition(_from.count, keccak256("another"));
        _refuse(_to, 1, _signed(elsewhere, _to, 1, THRESHOLD), "");
        elsewhere = _incoming(main);
        _refuse(_to, 1, _signed(elsewhere, _to, 1, THRESHOLD), "");
    }

    function test_only_the_epoch_in_force_recovers() public {
        _pause();
        Signature[] memory signatures = _signed(_from, _to, 2, THRESHOLD);
        _refuse(_to, 2, signatures, abi.encodeWithSelector(IBridge.Bridge_EpochMismatch.selector, 2, 1));
        _refuse(_to, 1, signatures, "");
        vm.prank(OWNER);
        service.scheduleRelayerSet(members, THRESHOLD);
        vm.warp(START + 2 days);
        service.applyRelayerSet();
        Signature[] memory old = _signed(_from, _to, 1, THRESHOLD);
        _refuse(_to, 1, old, abi.encodeWithSelector(IBridge.Bridge_EpochMismatch.selector, 1, 2));
        _refuse(_to, 2, old, "");
        _recover(_to, 2, signatures);
    }

    function test_a_recovery_for_the_other_end_is_none() public {
        _pause();
        _at(main);
        bytes32 digest = main.recoveryDigest(1, _from, _to);
        _refuse(_to, 1, _signedOver(digest, THRESHOLD), "");
        vm.chainId(SERVICE + 1);
        digest = service.recoveryDigest(1, _from, _to);
        _refuse(_to, 1, _signedOver(digest, THRESHOLD), "");
    }

    function test_a_recovery_is_not_replayed() public {
        _pause();
        Signature[] memory signatures = _signed(_from, _to, 1, THRESHOLD);
        _recover(_to, 1, signatures);
        _refuse(_to, 1, signatures, "");
        // Nor after the lane went on.
        vm.prank(OWNER);
        service.unpause();
        Request memory request = _sendGold(BOB, 3);
        request.nonce = 9;
        _deliver(service, request);
        _pause();
        _refuse(_to, 1, signatures, "");
    }

    // ---- two kinds of signature -------------------------------------------------------------------------------

    function test_checkpoint_signatures_recover_nothing() public {
        _pause();
        _at(service);
        _refuse(_to, 1, _signedOver(service.checkpointDigest(1, _to.count, _to.head), THRESHOLD), "");
        // Nor when they are recorded here.
        bytes32 digest = service.checkpointDigest(1, _to.count, _to.head);
        for (uint256 i = 0; i < THRESHOLD; ++i) {
            service.attest(1, _to.count, _to.head, _sign(keys[i], digest));
        }
        bytes memory short = abi.encodeWithSelector(IBridge.Bridge_ThresholdShort.selector, 0, 3);
        _refuse(_to, 1, new Signature[](0), short);
    }

    function test_recovery_signatures_deliver_nothing() public {
        Request[] memory requests = _one(_sendGold(BOB, 3));
        LanePosition memory to = LanePosition(2, _headAfter(service, requests, _none()));
        Certificate memory certificate = Certificate(1, 2, to.head, _signed(_from, to, 1, THRESHOLD));
        vm.expectRevert();
        service.deliver(requests, _noPayloads(), _none(), certificate);
        vm.assertEq(_incoming(service).count, 1);
        Signature memory signature = certificate.signatures[0];
        vm.expectRevert();
        service.attest(1, 2, to.head, signature);
        vm.assertEq(service.recordedAttestations(service.recoveryDigest(1, _from, to)), 0);
    }

    function test_the_recovery_digest_is_what_the_protocol_defines() public {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Twinspan"),
                keccak256("1"),
                SERVICE,
                service
            )
        );
        bytes32 typehash = keccak256(
            "LaneRecovery(uint256 sourceChainId,address sourceBridge,uint64 epoch,uint64 fromCount,bytes32 fromHead,uint64 count,bytes32 head)"
        );
        bytes32 content =
            keccak256(abi.encode(typehash, MAIN, main, uint64(1), _from.count, _from.head, _to.count, _to.head));
        bytes32 want = keccak256(abi.encodePacked(hex"1901", domain, content));
        vm.assertEq(_at(service).recoveryDigest(1, _from, _to), want, "digest");
    }

    // ---- helpers ----------------------------------------------------------------------------------------------

    function _pause() private {
        vm.prank(GUARDIAN);
        service.pause();
    }

    function _signed(LanePosition memory from, LanePosition memory to, uint64 epoch, uint256 signers)
        private
        returns (Signature[] memory)
    {
        return _signedOver(_at(service).recoveryDigest(epoch, from, to), signers);
    }

    function _signedOver(bytes32 digest, uint256 signers) private view returns (Signature[] memory signatures) {
        signatures = new Signature[](signers);
        for (uint256 i = 0; i < signers; ++i) {
            signatures[i] = _sign(keys[i], digest);
        }
    }

    function _recover(LanePosition memory to, uint64 epoch, Signature[] memory signatures) private {
        _at(service);
        vm.prank(OWNER);
        service.recoverLane(to, epoch, signatures);
        vm.assertEq(_incoming(service).head, to.head, "recovered");
    }

    /// Empty data: any refusal.
    function _refuse(LanePosition memory to, uint64 epoch, Signature[] memory signatures, bytes memory data) private {
        LanePosition memory before = _incoming(service);
        _at(service);
        vm.prank(OWNER);
        if (data.length == 0) vm.expectRevert();
        else vm.expectRevert(data);
        service.recoverLane(to, epoch, signatures);
        vm.assertEq(_incoming(service).count, before.count, "count stays");
        vm.assertEq(_incoming(service).head, before.head, "head stays");
    }
}
