// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {
    Certificate,
    Direction,
    LaneAmount,
    LanePosition,
    NATIVE_COIN,
    Request,
    Signature
} from "../../src/types/Types.sol";
import {IOwnedBridge, IOwnedVault} from "../../test/support/IOwned.sol";
import {vm} from "../../test/support/Vm.sol";
import {proverVm, svm} from "./Svm.sol";
import {SymbolicBridge} from "./SymbolicBridge.sol";

/// @title Who must have signed before anything happens
contract QuorumProofs is SymbolicBridge {
    /// A batch passes only with `THRESHOLD` distinct members of the epoch in force, each over exactly the digest of
    /// this lane, this epoch, and the head that the batch and its tail hash to.
    function check_quorum_of_two_signatures() public {
        _quorum(2, 0);
    }

    /// The same with a spare signature: no repetition, and no stranger, makes up for a member.
    function check_quorum_of_three_signatures() public {
        _quorum(3, 0);
    }

    /// The same where the certificate reaches beyond the batch.
    function check_quorum_over_a_tail() public {
        _quorum(2, 1);
    }

    function _quorum(uint256 signatures, uint256 tailLength) private {
        LanePosition memory before = _anyIncoming();
        Request[] memory requests = _anyRequests(1, "request");
        bytes32[] memory tail = _anyTail(tailLength);
        Certificate memory certificate = _anyCertificate(signatures, "certificate");
        if (!_deliver(requests, tail, certificate)) return;

        bytes32 head = _headAfter(before.head, requests, tail);
        bytes32 digest = _digest(1, before.count + 1 + uint64(tailLength), head);
        assert(_distinctMembers(digest, certificate.signatures) >= THRESHOLD);
    }

    /// Fewer signatures than the threshold never pass, whatever they are, when none was recorded.
    function check_too_few_signatures_never_pass() public {
        _anyIncoming();
        Certificate memory certificate = _anyCertificate(svm.createBool("one") ? 1 : 0, "certificate");
        assert(!_deliver(_anyRequests(1, "request"), _anyTail(0), certificate));
    }

    /// Attestations recorded before count once for each member, beside those of the certificate.
    function check_recorded_attestations_count_once() public {
        LanePosition memory before = _anyIncoming();
        Request[] memory requests = _anyRequests(1, "request");
        Certificate memory certificate = _anyCertificate(1, "certificate");
        bytes32 head = _headAfter(before.head, requests, _anyTail(0));
        Signature memory recorded = _anySignature("recorded");
        vm.assume(_attest(_anyU64("epoch"), _anyU64("attested count"), svm.createBytes32("attested head"), recorded));
        if (!_deliver(requests, _anyTail(0), certificate)) return;

        bytes32 digest = _digest(1, before.count + 1, head);
        Signature[] memory both = new Signature[](2);
        both[0] = certificate.signatures[0];
        both[1] = recorded;
        assert(_distinctMembers(digest, both) >= THRESHOLD);
    }

    /// Of a signature and its mirror image, only the one of low s counts.
    function check_high_s_is_refused() public {
        _anyIncoming();
        if (svm.createBool("attest")) {
            Signature memory signature = _anySignature("attestation");
            vm.assume(_isHighS(signature));
            assert(!_attest(_anyU64("epoch"), _anyU64("count"), svm.createBytes32("head"), signature));
            return;
        }
        Certificate memory certificate = _anyCertificate(2, "certificate");
        vm.assume(_isHighS(certificate.signatures[0]) || _isHighS(certificate.signatures[1]));
        assert(!_deliver(_anyRequests(1, "request"), _anyTail(0), certificate));
    }

    /// Whatever epoch, live members and threshold the bridge holds: a batch or an attestation of another epoch than the
    /// one in force, or of epoch 0, does nothing, and neither does any batch without a threshold.
    function check_other_epochs_and_unset_sets_are_refused() public {
        uint64 current = _anyU64("current");
        uint256 live = svm.createUint(64, "live") & 7;
        uint256 threshold = svm.createUint(8, "threshold");
        proverVm.store(
            address(bridge), bytes32(SLOT_RELAYERS), bytes32(uint256(current) | (live << 64) | (threshold << 128))
        );
        _anyIncoming();
        if (svm.createBool("deliver")) {
            Certificate memory certificate = _anyCertificate(2, "certificate");
            vm.assume(_deliver(_anyRequests(1, "request"), _anyTail(0), certificate));
            assert(certificate.epoch == current && current != 0 && threshold != 0);
            return;
        }
        uint64 epoch = _anyU64("epoch");
        if (_attest(epoch, _anyU64("count"), svm.createBytes32("head"), _anySignature("attestation"))) {
            assert(epoch == current && current != 0);
        }
    }

    /// Zero storage, as behind a proxy that nobody initialised, lets nothing in and nothing out.
    function check_zero_storage_authorises_nothing() public {
        address blank = address(0xB1A4C);
        vm.etch(blank, address(bridge).code);
        bridge = IOwnedBridge(blank);
        address caller = svm.createAddress("caller");
        vm.assume(caller != address(0) && caller != address(vault));
        Request[] memory requests = new Request[](1);
        requests[0] = _anyRequest("request");
        uint256 act = svm.createUint(8, "act");
        vm.startPrank(caller);
        bool done;
        if (act == 0) done = _deliver(requests, _anyTail(0), _anyCertificate(0, "certificate"));
        else if (act == 1) done = _deliver(requests, _anyTail(1), _anyCertificate(1, "certificate"));
        else if (act == 2) done = _attest(_anyU64("epoch"), _anyU64("count"), bytes32(0), _anySignature("attestation"));
        else if (act == 3) done = _release(requests[0]);
        else if (act == 4) done = _return(requests[0]);
        else if (act == 5) done = _recover(_incoming(), _anyU64("epoch"), new Signature[](0));
        else (done,) = blank.call(abi.encodeCall(bridge.link, (requests[0], "")));
        assert(!done);
    }

    /// The same of a vault, though it holds coin.
    function check_a_vault_of_zero_storage_moves_nothing() public {
        address blank = address(0xB1A4C);
        vm.etch(blank, address(vault).code);
        vault = IOwnedVault(blank);
        vm.deal(blank, 1 ether);
        address caller = svm.createAddress("caller");
        vm.assume(caller != address(0) && caller != blank);
        vm.deal(caller, 1 ether);
        uint256 act = svm.createUint(8, "act");
        uint256 amount = svm.createUint256("amount");
        address token = svm.createAddress("token");
        bytes memory call;
        if (act == 0) call = abi.encodeCall(vault.requestNative, (BOB, amount, ""));
        else if (act == 1) call = abi.encodeCall(vault.requestERC20, (token, BOB, amount, amount, ""));
        else if (act == 2) call = abi.encodeCall(vault.transferOut, (token, LaneAmount.wrap(amount), caller, 0, token));
        else if (act == 3) call = abi.encodeCall(vault.serve, (token));
        else if (act == 4) call = abi.encodeCall(vault.setLimits, (token, Direction.Incoming, _unlimited()));
        else call = abi.encodeCall(vault.registerToken, (token, vault.tokenConfig(NATIVE_COIN)));
        vm.prank(caller);
        (bool done,) = blank.call{value: act == 0 ? 1 : 0}(call);
        assert(!done && blank.balance == 1 ether);
    }

    /// An attestation is recorded only for a member that is not revoked, over exactly this digest, and sets that
    /// member's bit alone.
    function check_attest_needs_a_live_member() public {
        _anyIncoming();
        address revoked = svm.createAddress("revoked");
        vm.prank(GUARDIAN);
        bridge.revokeRelayer(revoked);
        uint64 epoch = _anyU64("epoch");
        uint64 count = _anyU64("count");
        bytes32 head = svm.createBytes32("head");
        Signature memory signature = _anySignature("attestation");
        if (!_attest(epoch, count, head, signature)) return;

        bytes32 digest = _digest(1, count, head);
        address signer = _signer(digest, signature);
        assert(epoch == 1 && signer != revoked && _isMember(signer));
        uint64 recorded = bridge.recordedAttestations(digest);
        for (uint256 i = 0; i < members.length; ++i) {
            if (members[i] == signer) assert(recorded == uint64(1 << i));
        }
    }
}
