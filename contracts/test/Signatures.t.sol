// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IBridge} from "../src/interfaces/IBridge.sol";
import {IGoverned} from "../src/interfaces/IGoverned.sol";
import {Certificate, Request, Signature} from "../src/types/Types.sol";
import {IOwnedBridge} from "./support/IOwned.sol";
import {PairTest} from "./support/PairTest.sol";
import {Vm, vm} from "./support/Vm.sol";

/// @title Whose signatures count, one subtlety a test
contract SignaturesTest is PairTest {
    uint256 private constant ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;

    Request[] private _batch;

    function setUp() public override {
        super.setUp();
        _batch.push(_sendGold(BOB, 100));
    }

    function test_the_threshold_suffices() public {
        _accept(_certify(service, _batch, _none(), THRESHOLD));
    }

    function test_more_than_the_threshold_is_fine() public {
        _accept(_certify(service, _batch, _none(), 4));
    }

    function test_refuses_one_short_of_the_threshold() public {
        for (uint256 signers = 0; signers < THRESHOLD; ++signers) {
            bytes memory short =
                abi.encodeWithSelector(IBridge.Bridge_ThresholdShort.selector, signers, uint256(THRESHOLD));
            _refuse(_certify(service, _batch, _none(), signers), short);
        }
    }

    function test_refuses_a_duplicate_signer() public {
        Certificate memory certificate = _certify(service, _batch, _none(), THRESHOLD);
        certificate.signatures[2] = certificate.signatures[1];
        _refuse(certificate, abi.encodeWithSelector(IBridge.Bridge_SignersUnordered.selector, members[1], members[1]));
    }

    function test_refuses_signers_out_of_order() public {
        Certificate memory certificate = _certify(service, _batch, _none(), THRESHOLD);
        (certificate.signatures[0], certificate.signatures[1]) = (certificate.signatures[1], certificate.signatures[0]);
        _refuse(certificate, abi.encodeWithSelector(IBridge.Bridge_SignersUnordered.selector, members[0], members[1]));
    }

    /// The same signature in its other form would let one signer count twice where signers are not compared.
    /// A compact signature has no room for a high s: its top bit is the parity, so s is read as another number.
    function test_refuses_a_high_s() public {
        Certificate memory certificate = _certify(service, _batch, _none(), THRESHOLD);
        uint256 vs = uint256(certificate.signatures[0].vs);
        uint256 s = vs & (type(uint256).max >> 1);
        uint256 parity = vs >> 255;
        uint256 high = ORDER - s;
        // The high s without its parity bit, and with it.
        certificate.signatures[0].vs = bytes32(high);
        _refuse(certificate, "");
        certificate.signatures[0].vs = bytes32(((parity ^ 1) << 255) | (high & (type(uint256).max >> 1)));
        _refuse(certificate, "");
        // An s of 255 bits that lies above half the order is refused as such.
        certificate.signatures[0].vs = bytes32((parity << 255) | (type(uint256).max >> 1));
        _refuse(certificate, abi.encodeWithSelector(IBridge.Bridge_SignatureInvalid.selector, 0));
    }

    function test_refuses_a_signature_that_recovers_to_nobody() public {
        Certificate memory certificate = _certify(service, _batch, _none(), THRESHOLD);
        certificate.signatures[0] = Signature(bytes32(0), bytes32(0));
        _refuse(certificate, abi.encodeWithSelector(IBridge.Bridge_SignatureInvalid.selector, 0));
        // r past the curve's order.
        certificate.signatures[0] = Signature(bytes32(type(uint256).max), bytes32(uint256(1)));
        _refuse(certificate, abi.encodeWithSelector(IBridge.Bridge_SignatureInvalid.selector, 0));
    }

    function test_refuses_a_non_member() public {
        bytes32 digest = _digest(service, 1);
        uint256 stranger = uint256(keccak256("stranger"));
        Certificate memory certificate = _certify(service, _batch, _none(), 1);
        certificate.signatures[0] = _sign(stranger, digest);
        _refuse(certificate, abi.encodeWithSelector(IBridge.Bridge_SignerRefused.selector, vm.addr(stranger)));
    }

    /// Strangers beside a quorum: the certificate is refused as a whole, so that it has one form only.
    function testFuzz_refuses_a_stranger_beside_a_quorum(uint256 key) public {
        key = _bound(key, 1, ORDER - 1);
        address stranger = vm.addr(key);
        for (uint256 i = 0; i < 4; ++i) {
            vm.assume(stranger != members[i]);
        }
        Certificate memory certificate = _certify(service, _batch, _none(), 4);
        uint256 place = 0;
        while (place < 3 && members[place] < stranger) ++place;
        certificate.signatures[place] = _sign(key, _digest(service, 1));
        _refuse(certificate, "");
    }

    function test_refuses_another_chain() public {
        // Signed for the same bridge address on a chain of another id.
        vm.chainId(SERVICE + 1);
        bytes32 digest = service.checkpointDigest(1, 1, _headAfter(service, _batch, _none()));
        vm.assertTrue(digest != _digest(service, 1), "the chain is in the digest");
        _refuseSignedOver(digest);
    }

    /// After a fork under a new chain id, the old chain's certificates do not count: the id is not cached.
    function test_a_fork_under_another_chain_id_takes_no_old_certificate() public {
        Certificate memory certificate = _certify(service, _batch, _none(), THRESHOLD);
        vm.chainId(SERVICE + 1);
        vm.expectRevert();
        service.deliver(_batch, _noPayloads(), _none(), certificate);
        _accept(certificate);
    }

    function test_refuses_another_bridge() public {
        vm.chainId(SERVICE);
        IOwnedBridge twin =
            _deployBridge(OWNER, GUARDIAN, address(serviceVault), MAIN, address(main), members, THRESHOLD, _timing());
        bytes32 digest = twin.checkpointDigest(1, 1, _headAfter(service, _batch, _none()));
        vm.assertTrue(digest != _digest(service, 1), "the bridge is in the digest");
        _refuseSignedOver(digest);
    }

    function test_refuses_another_source() public {
        vm.chainId(SERVICE);
        bytes32 head = _headAfter(service, _batch, _none());
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Twinspan"),
                keccak256("1"),
                SERVICE,
                service
            )
        );
        bytes32 typehash =
            keccak256("Checkpoint(uint256 sourceChainId,address sourceBridge,uint64 epoch,uint64 count,bytes32 head)");
        bytes32 right = keccak256(
            abi.encodePacked(hex"1901", domain, keccak256(abi.encode(typehash, MAIN, main, uint64(1), uint64(1), head)))
        );
        vm.assertEq(right, _digest(service, 1), "the digest as the protocol defines it");
        bytes32 wrong = keccak256(
            abi.encodePacked(
                hex"1901", domain, keccak256(abi.encode(typehash, MAIN + 1, main, uint64(1), uint64(1), head))
            )
        );
        _refuseSignedOver(wrong);
    }

    function test_refuses_an_old_epoch_and_one_to_come() public {
        Certificate memory old = _certify(service, _batch, _none(), THRESHOLD);
        Certificate memory early = _certify(service, _batch, _none(), THRESHOLD);
        early.epoch = 2;
        _refuse(early, abi.encodeWithSelector(IBridge.Bridge_EpochMismatch.selector, 2, 1));
        Certificate memory zero = _certify(service, _batch, _none(), THRESHOLD);
        zero.epoch = 0;
        _refuse(zero, abi.encodeWithSelector(IBridge.Bridge_EpochMismatch.selector, 0, 1));

        vm.prank(OWNER);
        service.scheduleRelayerSet(members, THRESHOLD);
        vm.warp(START + 2 days);
        service.applyRelayerSet();
        _refuse(old, abi.encodeWithSelector(IBridge.Bridge_EpochMismatch.selector, 1, 2));
        // The number alone does not renew what was signed for the old epoch.
        old.epoch = 2;
        _refuse(old, "");
        _accept(_certify(service, _batch, _none(), THRESHOLD));
    }

    function test_refuses_a_revoked_member() public {
        Certificate memory certificate = _certify(service, _batch, _none(), THRESHOLD);
        vm.prank(GUARDIAN);
        service.revokeRelayer(members[1]);
        _refuse(certificate, abi.encodeWithSelector(IBridge.Bridge_SignerRefused.selector, members[1]));
        // The other three still reach the threshold, which stays.
        certificate.signatures[1] = _sign(keys[2], _digest(service, 1));
        certificate.signatures[2] = _sign(keys[3], _digest(service, 1));
        _accept(certificate);
    }

    function test_revocations_never_lower_the_threshold() public {
        vm.prank(GUARDIAN);
        service.revokeRelayer(members[2]);
        vm.prank(GUARDIAN);
        service.revokeRelayer(members[3]);
        (, uint8 threshold, address[] memory live) = service.relayerSet();
        vm.assertEq(threshold, THRESHOLD);
        vm.assertEq(live.length, 2);
        _refuse(
            _certify(service, _batch, _none(), 2),
            abi.encodeWithSelector(IBridge.Bridge_ThresholdShort.selector, 2, uint256(THRESHOLD))
        );
    }

    function test_one_signature_suffices_where_one_is_the_threshold() public {
        vm.prank(OWNER);
        service.scheduleRelayerSet(members, 1);
        vm.warp(START + 2 days);
        service.applyRelayerSet();
        _refuse(
            _certify(service, _batch, _none(), 0), abi.encodeWithSelector(IBridge.Bridge_ThresholdShort.selector, 0, 1)
        );
        _accept(_certify(service, _batch, _none(), 1));
    }

    /// Storage that nobody ever wrote authorises nothing, even for its own zero epoch.
    function test_unset_storage_authorises_nothing() public {
        vm.chainId(SERVICE);
        IOwnedBridge blank = IOwnedBridge(address(0xB1A));
        vm.etch(address(blank), address(service).code);
        Certificate memory certificate = Certificate(0, 1, bytes32(0), new Signature[](0));
        Request[] memory requests = _batch;
        certificate.head = _headAfter(blank, requests, _none());
        vm.expectRevert(IBridge.Bridge_RelayerSetUnset.selector);
        blank.deliver(requests, _noPayloads(), _none(), certificate);
        vm.expectRevert(IBridge.Bridge_RelayerSetUnset.selector);
        blank.attest(0, 1, certificate.head, Signature(bytes32(0), bytes32(0)));
        bytes memory notParked =
            abi.encodeWithSelector(IBridge.Bridge_NotParked.selector, blank.requestHash(requests[0]));
        vm.expectRevert(notParked);
        blank.releaseParked(requests[0], "");
        vm.expectRevert(notParked);
        blank.returnParked(requests[0], "");
        vm.expectRevert(abi.encodeWithSelector(IGoverned.Governed_CallerRefused.selector, address(this)));
        blank.holdParked(requests[0]);
        vm.expectRevert(IBridge.Bridge_NothingScheduled.selector);
        blank.applyRelayerSet();
    }

    // ---- attestations on chain --------------------------------------------------------------------------------

    function test_recorded_attestations_count_with_signatures() public {
        bytes32 head = _headAfter(service, _batch, _none());
        bytes32 digest = _digest(service, 1);
        Signature memory signature = _sign(keys[3], digest);
        vm.recordLogs();
        service.attest(1, 1, head, signature);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs[0].topics[0], IBridge.AttestationRecorded.selector, "event");
        vm.assertEq(logs[0].topics[3], bytes32(uint256(uint160(members[3]))), "signer");
        vm.assertEq(keccak256(logs[0].data), keccak256(abi.encode(head, signature)), "enough to use it elsewhere");
        vm.assertEq(service.recordedAttestations(digest), 8);
        _accept(_certify(service, _batch, _none(), 2));
    }

    function test_recorded_attestations_alone_suffice() public {
        _record(0);
        _record(1);
        _refuse(
            _certify(service, _batch, _none(), 0),
            abi.encodeWithSelector(IBridge.Bridge_ThresholdShort.selector, 2, uint256(THRESHOLD))
        );
        _record(2);
        _accept(_certify(service, _batch, _none(), 0));
    }

    function test_a_member_counts_once_whether_recorded_or_signed() public {
        _record(0);
        _record(1);
        _refuse(
            _certify(service, _batch, _none(), 2),
            abi.encodeWithSelector(IBridge.Bridge_ThresholdShort.selector, 2, uint256(THRESHOLD))
        );
    }

    function test_recorded_attestations_of_a_revoked_member_stop_counting() public {
        _record(0);
        _record(1);
        _record(2);
        vm.prank(GUARDIAN);
        service.revokeRelayer(members[1]);
        _refuse(
            _certify(service, _batch, _none(), 0),
            abi.encodeWithSelector(IBridge.Bridge_ThresholdShort.selector, 2, uint256(THRESHOLD))
        );
    }

    function test_attest_refuses_what_could_never_count() public {
        bytes32 head = _headAfter(service, _batch, _none());
        bytes32 digest = _digest(service, 1);
        vm.chainId(SERVICE);
        Signature memory stranger = _sign(uint256(keccak256("stranger")), digest);
        vm.expectRevert(
            abi.encodeWithSelector(IBridge.Bridge_SignerRefused.selector, vm.addr(uint256(keccak256("stranger"))))
        );
        service.attest(1, 1, head, stranger);

        vm.expectRevert(abi.encodeWithSelector(IBridge.Bridge_SignatureInvalid.selector, 0));
        service.attest(1, 1, head, Signature(bytes32(0), bytes32(0)));

        Signature memory own = _sign(keys[0], digest);
        vm.expectRevert(abi.encodeWithSelector(IBridge.Bridge_EpochMismatch.selector, 2, 1));
        service.attest(2, 1, head, own);

        service.attest(1, 1, head, own);
        vm.expectRevert(abi.encodeWithSelector(IBridge.Bridge_AttestationKnown.selector, members[0]));
        service.attest(1, 1, head, own);

        _accept(_certify(service, _batch, _none(), THRESHOLD));
        Signature memory late = _sign(keys[1], digest);
        vm.expectRevert(abi.encodeWithSelector(IBridge.Bridge_CheckpointPassed.selector, 1, 1));
        service.attest(1, 1, head, late);
    }

    // ---- helpers ----------------------------------------------------------------------------------------------

    function _record(uint256 member) private {
        Signature memory signature = _sign(keys[member], _digest(service, 1));
        _at(service).attest(1, 1, _headAfter(service, _batch, _none()), signature);
    }

    function _digest(IOwnedBridge bridge, uint64 count) private returns (bytes32) {
        (uint64 epoch,,) = bridge.relayerSet();
        return _at(bridge).checkpointDigest(epoch, count, _headAfter(bridge, _batch, _none()));
    }

    function _refuseSignedOver(bytes32 digest) private {
        Certificate memory certificate = _certify(service, _batch, _none(), THRESHOLD);
        for (uint256 i = 0; i < THRESHOLD; ++i) {
            certificate.signatures[i] = _sign(keys[i], digest);
        }
        _refuse(certificate, "");
    }

    function _accept(Certificate memory certificate) private {
        _at(service).deliver(_batch, _noPayloads(), _none(), certificate);
        vm.assertEq(goldThere.balanceOf(BOB), 100);
    }

    function _refuse(Certificate memory certificate, bytes memory data) private {
        _at(service);
        Request[] memory requests = _batch;
        if (data.length == 0) vm.expectRevert();
        else vm.expectRevert(data);
        service.deliver(requests, _noPayloads(), _none(), certificate);
        vm.assertEq(goldThere.balanceOf(BOB), 0);
    }
}
