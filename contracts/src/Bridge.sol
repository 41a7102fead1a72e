// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {BridgeAdmin} from "./BridgeAdmin.sol";
import {IBridge} from "./interfaces/IBridge.sol";
import {IVault} from "./interfaces/IVault.sol";
import {Attested} from "./libraries/Attested.sol";
import {LaneHead} from "./libraries/LaneHead.sol";
import {LimitedCall} from "./libraries/LimitedCall.sol";
import {Quorum} from "./libraries/Quorum.sol";
import {RelayerSets} from "./libraries/RelayerSets.sol";
import {
    AssetKind,
    Certificate,
    LaneAmount,
    LanePosition,
    ParkReason,
    ParkedHandover,
    Payload,
    Request,
    Signature,
    Timing
} from "./types/Types.sol";
import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

/// @title One end of a bridge pair: both its lanes, and what is parked
/// @dev Holds no value; its vault does. Invariants, with fewer than `threshold` corrupt relayers:
///
///      S1 at most one handover for each nonce of the incoming lane;
///      S3 handovers happen in nonce order without gaps;
///      S4 a parked handover ends as released xor returned, once.
///
///      The vault is told to pay in `_tryPay` only, which `deliver` (certificate) and the releases (parked by a
///      certificate) reach. Storage: lane positions at slots 0–3 (see `LaneStorage`), then owner, guardian, relayers.
contract Bridge is BridgeAdmin, EIP712, ReentrancyGuard {
    using LaneHead for bytes32;
    using Quorum for RelayerSets.Sets;

    /// Gas of one payout: the vault's own books and a token's transfer. It leaves room for proxied tokens, voting
    /// checkpoints and smart accounts. A hostile recipient burns less of it than a batch can spare.
    uint256 public constant PAYOUT_GAS = 160_000;
    /// The same for each byte of payload: the storing of its words, and the recipient's own doing.
    uint256 public constant PAYLOAD_GAS = 900;
    /// The call's own cost before the callee starts (EIP-2929), and the copying of its arguments.
    uint256 private constant CALL_GAS = 10_000;
    /// For parking one handover after its payout failed: two new slots, an event, the batch's own end.
    uint256 private constant PARK_GAS = 100_000;

    /// @inheritdoc IBridge
    uint256 public immutable counterpartChainId;
    /// @inheritdoc IBridge
    address public immutable counterpartBridge;

    constructor(
        address owner_,
        address guardian_,
        address vault_,
        uint256 counterpartChainId_,
        address counterpartBridge_,
        address[] memory members,
        uint8 threshold,
        Timing memory timing_
    ) BridgeAdmin(owner_, guardian_, vault_, members, threshold, timing_) EIP712("Twinspan", "1") {
        if (counterpartChainId_ == 0 || counterpartChainId_ == block.chainid) {
            revert Bridge_ChainIdInvalid(counterpartChainId_);
        }
        if (counterpartBridge_ == address(0)) revert Governed_AddressZero();
        counterpartChainId = counterpartChainId_;
        counterpartBridge = counterpartBridge_;
        _outgoing.head = LaneHead.origin(block.chainid, address(this), counterpartChainId_, counterpartBridge_);
        _incoming.head = LaneHead.origin(counterpartChainId_, counterpartBridge_, block.chainid, address(this));
    }

    // ---- requests ---------------------------------------------------------------------------------------------

    /// @inheritdoc IBridge
    function link(Request memory request, bytes calldata payload) external nonReentrant returns (uint64 nonce) {
        if (msg.sender != vault) revert Governed_CallerRefused(msg.sender);
        _requireNotPaused();
        address recipient = request.recipient;
        bool lost = recipient == address(0) || recipient == counterpartBridge || recipient == request.counterpartToken;
        if (lost) revert Bridge_RecipientRefused(recipient);
        return _link(request, payload);
    }

    /// @dev The one way into the outgoing lane. Gives the request its place.
    function _link(Request memory request, bytes memory payload) private returns (uint64 nonce) {
        nonce = _outgoing.count;
        request.nonce = nonce;
        bytes32 head = _outgoing.head.link(LaneHead.hash(request));
        _outgoing = LanePosition({count: nonce + 1, head: head});
        emit ValueTransferRequested(
            nonce,
            request.sender,
            request.recipient,
            request.kind,
            request.token,
            request.counterpartToken,
            request.amount,
            payload,
            head
        );
    }

    // ---- handovers --------------------------------------------------------------------------------------------

    /// @inheritdoc IBridge
    function deliver(
        Request[] calldata requests,
        bytes[] calldata payloads,
        bytes32[] calldata tail,
        Certificate calldata certificate
    ) external {
        // Before the guard and any signature: a batch that lost the race costs its submitter little.
        _requireNotPaused();
        if (requests.length == 0) revert Bridge_BatchEmpty();
        uint64 first = _incoming.count;
        if (requests[0].nonce != first) revert Bridge_NonceMismatch(requests[0].nonce, first);
        _deliver(requests, payloads, tail, certificate, first);
    }

    function _deliver(
        Request[] calldata requests,
        bytes[] calldata payloads,
        bytes32[] calldata tail,
        Certificate calldata certificate,
        uint64 first
    ) private nonReentrant {
        uint64 count = first + uint64(requests.length);
        bytes32 head = _hashForward(requests, first);
        _requireCertified(certificate, uint256(count) + tail.length, head.linkAll(tail));

        (_incoming.count, _incoming.head) = (count, head);
        uint256 next = 0;
        bool again = first < _incoming.recoveredFrom;
        for (uint256 i = 0; i < requests.length; ++i) {
            Request calldata request = requests[i];
            bytes calldata payload = msg.data[0:0];
            if (request.payloadHash != 0) {
                if (next == payloads.length) revert Bridge_PayloadsMismatch(payloads.length, next + 1);
                payload = payloads[next++];
            }
            _handOver(request, payload, again);
        }
        if (next != payloads.length) revert Bridge_PayloadsMismatch(payloads.length, next);
        emit BatchDelivered(first, count, head, msg.sender);
    }

    function _hashForward(Request[] calldata requests, uint64 nonce) private view returns (bytes32 head) {
        head = _incoming.head;
        for (uint256 i = 0; i < requests.length; ++i) {
            Request calldata request = requests[i];
            if (request.nonce != nonce) revert Bridge_NonceMismatch(request.nonce, nonce);
            head = head.link(LaneHead.hashCalldata(request));
            // Nobody makes 2^64 requests.
            unchecked {
                ++nonce;
            }
        }
    }

    /// @dev The one authorisation gate.
    function _requireCertified(Certificate calldata certificate, uint256 count, bytes32 head) private view {
        if (certificate.count != count) revert Bridge_CountMismatch(certificate.count, count);
        if (certificate.head != head) revert Bridge_HeadMismatch(certificate.head, head);
        bytes32 digest = checkpointDigest(certificate.epoch, certificate.count, head);
        _relayers.requireQuorum(digest, certificate.epoch, certificate.signatures);
    }

    /// @dev `again`: since a recovery the request may be parked already; then it stays so, and is not paid as well.
    function _handOver(Request calldata request, bytes calldata payload, bool again) private {
        if (again) {
            ParkReason parkedFor = _parked[LaneHead.hashCalldata(request)].reason;
            if (parkedFor != ParkReason.None) return _park(request, parkedFor, 0);
        }
        address recipient = request.recipient;
        (ParkReason reason, uint64 earliest) = _tryPay(request, payload, recipient, uint64(block.timestamp));
        if (reason != ParkReason.None) return _park(request, reason, earliest);
        emit HandedOver(request.nonce, recipient, request.amount);
    }

    function _park(Request calldata request, ParkReason reason, uint64 earliest) private {
        bytes32 parkedHash = LaneHead.hashCalldata(request);
        // A request replayed after a lane recovery keeps its original parking time: it is owed once.
        if (_parked[parkedHash].parkedAt == 0) {
            _parked[parkedHash] = ParkedHandover({parkedAt: uint64(block.timestamp), reason: reason, held: false});
            // A figure for observers only: a forged amount must not stop the lane here.
            unchecked {
                _parkedAmount[request.counterpartToken] += LaneAmount.unwrap(request.amount);
            }
        }
        emit HandoverParked(request.nonce, request.recipient, parkedHash, reason, earliest, request);
    }

    /// @dev A payout with its full allowance of gas, in a frame of its own, or none. The vault answers with a reason
    /// when it changed nothing, and reverts to undo a payout that began.
    function _tryPay(Request calldata request, bytes calldata payload, address recipient, uint64 parkedAt)
        private
        returns (ParkReason reason, uint64 earliest)
    {
        _requirePayload(request, payload);
        uint256 allowance;
        uint256 needed;
        // The transaction's own size bounds the payload's.
        unchecked {
            allowance = PAYOUT_GAS + payload.length * PAYLOAD_GAS;
            // A call gets at most 63/64 of what is left (EIP-150).
            needed = allowance + allowance / 63 + 1 + CALL_GAS + PARK_GAS;
        }
        if (gasleft() < needed) revert Bridge_GasShort(gasleft(), needed);
        bytes memory call = payload.length == 0
            ? abi.encodeCall(
                IVault.transferOut, (request.counterpartToken, request.amount, recipient, parkedAt, request.token)
            )
            : abi.encodeCall(IVault.transferOutWith, (request, payload, recipient, parkedAt));
        (bool success, uint256 size, bytes32 first, bytes32 second) = LimitedCall.tryCall(vault, 0, allowance, call);
        if (!success) return (_reasonOf(bytes4(first)), 0);
        // A vault without code would answer nothing.
        if (size < 64) revert Bridge_VaultInvalid(vault);
        return (ParkReason(uint8(uint256(first))), uint64(uint256(second)));
    }

    function _requirePayload(Request calldata request, bytes calldata payload) private pure {
        bytes32 got = payload.length == 0 ? bytes32(0) : keccak256(payload);
        if (got != request.payloadHash) revert Bridge_PayloadMismatch(got, request.payloadHash);
    }

    function _reasonOf(bytes4 fault) private pure returns (ParkReason) {
        if (fault == IVault.Vault_SupplyShort.selector) return ParkReason.LiquidityShort;
        if (fault == IVault.Vault_DataRefused.selector) return ParkReason.DataRefused;
        return ParkReason.PayoutFailed;
    }

    // ---- what is parked ---------------------------------------------------------------------------------------

    /// @inheritdoc IBridge
    function releaseParked(Request calldata request, bytes calldata payload) external {
        _release(request, payload, request.recipient);
    }

    /// @inheritdoc IBridge
    function releaseParkedTo(
        Request calldata request,
        bytes calldata payload,
        address to,
        uint256 deadline,
        bytes calldata signature
    ) external {
        if (msg.sender != request.recipient) {
            if (block.timestamp > deadline) revert Bridge_Expired(uint64(block.timestamp), deadline);
            bytes32 digest = releaseDigest(LaneHead.hashCalldata(request), to, deadline);
            if (!_signed(request.recipient, digest, signature)) {
                revert Bridge_RecipientSignatureInvalid(request.recipient);
            }
        }
        _release(request, payload, to);
    }

    /// @dev An account without code signs with its key, a contract by ERC-1271.
    function _signed(address account, bytes32 digest, bytes calldata signature) private view returns (bool) {
        if (account.code.length > 0) {
            return IERC1271(account).isValidSignature(digest, signature) == IERC1271.isValidSignature.selector;
        }
        (address signer, ECDSA.RecoverError fault,) = ECDSA.tryRecover(digest, signature);
        return fault == ECDSA.RecoverError.NoError && signer == account;
    }

    function _release(Request calldata request, bytes calldata payload, address to) private nonReentrant {
        ParkedHandover memory entry = _unpark(request);
        (ParkReason reason, uint64 earliest) = _tryPay(request, payload, to, entry.parkedAt);
        if (reason != ParkReason.None) revert Bridge_ReleaseRefused(reason, earliest);
        emit HandoverReleased(request.nonce, to, request.amount);
    }

    /// @inheritdoc IBridge
    function returnParked(Request calldata request, bytes calldata payload)
        external
        nonReentrant
        returns (uint64 returnNonce)
    {
        ParkedHandover memory entry = _unpark(request);
        if (msg.sender != request.recipient) _requireReached(entry.parkedAt + timing().returnDelay);
        // A large handover goes neither way before its delay has passed: the guardian may still hold it.
        (ParkReason reason, uint64 due) =
            IVault(vault).wouldPass(request.counterpartToken, request.amount, entry.parkedAt);
        if (reason == ParkReason.Delayed) _requireReached(due);
        _requirePayload(request, payload);
        bytes memory back = _withoutData(payload);
        AssetKind kind = IVault(vault).tokenConfig(request.counterpartToken).kind;
        returnNonce = _link(
            Request({
                nonce: 0,
                kind: kind == AssetKind.None ? request.kind : kind,
                sender: request.recipient,
                recipient: request.sender,
                token: request.counterpartToken,
                counterpartToken: request.token,
                amount: request.amount,
                payloadHash: LaneHead.payloadHash(back)
            }),
            back
        );
        emit HandoverReturned(request.nonce, returnNonce);
    }

    /// @dev Data was meant for the recipient, not for who gets the assets back.
    function _withoutData(bytes calldata payload) private pure returns (bytes memory) {
        if (payload.length == 0) return "";
        Payload memory parts = abi.decode(payload, (Payload));
        if (parts.ids.length == 0) return "";
        parts.data = "";
        return abi.encode(parts);
    }

    /// @dev Consumes the parked entry, so that a handover is released xor returned, once.
    function _unpark(Request calldata request) private returns (ParkedHandover memory entry) {
        _requireNotPaused();
        bytes32 parkedHash = LaneHead.hashCalldata(request);
        entry = _entry(parkedHash);
        if (entry.held) revert Bridge_HandoverHeld(parkedHash);
        delete _parked[parkedHash];
        unchecked {
            _parkedAmount[request.counterpartToken] -= LaneAmount.unwrap(request.amount);
        }
    }

    function _requireReached(uint64 time) private view {
        if (block.timestamp < time) revert Bridge_TooEarly(uint64(block.timestamp), time);
    }

    // ---- attestations and recovery ----------------------------------------------------------------------------

    /// @inheritdoc IBridge
    function attest(uint64 epoch, uint64 count, bytes32 head, Signature calldata signature) external {
        if (count <= _incoming.count) revert Bridge_CheckpointPassed(count, _incoming.count);
        address signer = _relayers.record(checkpointDigest(epoch, count, head), epoch, signature);
        emit AttestationRecorded(epoch, count, signer, head, signature);
    }

    /// @inheritdoc IBridge
    function recoverLane(LanePosition calldata to, uint64 epoch, Signature[] calldata signatures) external onlyOwner {
        if (block.timestamp >= _incoming.pausedUntil) revert Bridge_NotPaused();
        LanePosition memory from = LanePosition(_incoming.count, _incoming.head);
        _relayers.requireQuorum(recoveryDigest(epoch, from, to), epoch, signatures);
        if (from.count > _incoming.recoveredFrom) _incoming.recoveredFrom = from.count;
        (_incoming.count, _incoming.head) = (to.count, to.head);
        emit LaneRecovered(from.count, from.head, to.count, to.head);
    }

    /// @inheritdoc IBridge
    function checkpointDigest(uint64 epoch, uint64 count, bytes32 head) public view returns (bytes32) {
        return _hashTypedDataV4(Attested.checkpoint(counterpartChainId, counterpartBridge, epoch, count, head));
    }

    /// @inheritdoc IBridge
    function recoveryDigest(uint64 epoch, LanePosition memory from, LanePosition memory to)
        public
        view
        returns (bytes32)
    {
        return _hashTypedDataV4(Attested.recovery(counterpartChainId, counterpartBridge, epoch, from, to));
    }

    /// @inheritdoc IBridge
    function releaseDigest(bytes32 parkedHash, address to, uint256 deadline) public view returns (bytes32) {
        return _hashTypedDataV4(Attested.releaseTo(parkedHash, to, deadline));
    }

    /// @inheritdoc IBridge
    function requestHash(Request calldata request) external pure returns (bytes32) {
        return LaneHead.hashCalldata(request);
    }
}
