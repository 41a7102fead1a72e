// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {
    AssetKind,
    Certificate,
    LaneAmount,
    LanePosition,
    ParkReason,
    ParkedHandover,
    Request,
    Signature,
    Timing
} from "../types/Types.sol";

/// @title One end of a bridge pair: takes requests for the other chain and hands over those of the other chain
/// @notice Times are Unix seconds; amounts are in lane units. Errors with two values give what was got first and what
/// was wanted (or the bound it broke) second.
interface IBridge {
    // ---- errors: requests -------------------------------------------------------------------------------------

    /// The bridge takes and hands over nothing until `until`.
    error Bridge_Paused(uint64 until);
    /// Zero, the other bridge, or the token contract itself: value paid there would be lost.
    error Bridge_RecipientRefused(address recipient);

    // ---- errors: handovers ------------------------------------------------------------------------------------

    /// A batch holds one request at the least.
    error Bridge_BatchEmpty();
    /// The batch is stale, early, or has a gap.
    error Bridge_NonceMismatch(uint64 got, uint64 want);
    /// The certificate's count is not the batch's end plus the tail.
    error Bridge_CountMismatch(uint256 got, uint256 want);
    /// The requests and the tail do not hash to the certificate's head.
    error Bridge_HeadMismatch(bytes32 got, bytes32 want);
    /// Attestations of another epoch than the one in force.
    error Bridge_EpochMismatch(uint64 got, uint64 want);
    /// The signature at `index` is malformed, has a high s, or recovers to nobody.
    error Bridge_SignatureInvalid(uint256 index);
    /// A signer does not come strictly after the one before it.
    error Bridge_SignersUnordered(address signer, address previous);
    /// The signer is not a member of the epoch, or was revoked.
    error Bridge_SignerRefused(address signer);
    /// Fewer distinct members attest than the threshold asks for.
    error Bridge_ThresholdShort(uint256 got, uint256 want);
    /// No relayer set is in force.
    error Bridge_RelayerSetUnset();
    /// The checkpoint lies at or below what was already handed over.
    error Bridge_CheckpointPassed(uint64 got, uint64 reached);
    /// This member's attestation of this checkpoint is already recorded.
    error Bridge_AttestationKnown(address signer);
    /// More or fewer payloads than the requests name.
    error Bridge_PayloadsMismatch(uint256 got, uint256 want);
    /// The payload is not the one that the request names.
    error Bridge_PayloadMismatch(bytes32 got, bytes32 want);
    /// The vault did not answer as a vault does.
    error Bridge_VaultInvalid(address vault);
    /// Less gas is left than a payout with its full allowance needs. The whole batch is undone.
    error Bridge_GasShort(uint256 got, uint256 want);
    /// Nothing is parked under this request hash: never parked, released, returned, or another request.
    error Bridge_NotParked(bytes32 requestHash);
    /// A guardian holds it; the owner frees it.
    error Bridge_HandoverHeld(bytes32 requestHash);
    /// Only what waits because it is large can be held.
    error Bridge_NotDelayed(bytes32 requestHash);
    /// The time has not come.
    error Bridge_TooEarly(uint64 got, uint64 want);
    /// The handover still cannot be paid. The limits in force let it from `earliest` on (zero: not a matter of time).
    error Bridge_ReleaseRefused(ParkReason reason, uint64 earliest);
    /// The recipient's signature has expired.
    error Bridge_Expired(uint64 got, uint256 deadline);
    /// The recipient did not sign this release.
    error Bridge_RecipientSignatureInvalid(address recipient);

    // ---- errors: administration -------------------------------------------------------------------------------

    /// The counterpart chain is zero or this very chain.
    error Bridge_ChainIdInvalid(uint256 got);
    /// A waiting time above the bound, or a pause of no length.
    error Bridge_TimingInvalid(uint64 got, uint64 max);
    /// Zero, or more than there are members.
    error Bridge_ThresholdInvalid(uint256 got, uint256 members);
    /// More members than the bound.
    error Bridge_MembersTooMany(uint256 got, uint256 max);
    /// The member is listed twice.
    error Bridge_MemberDuplicate(address member);
    /// The key was revoked and never comes back.
    error Bridge_MemberRevoked(address member);
    /// More members would come or go than one change may.
    error Bridge_ChurnTooLarge(uint256 got, uint256 max);
    /// No relayer set is scheduled.
    error Bridge_NothingScheduled();
    /// A lane is recovered only while the bridge is paused.
    error Bridge_NotPaused();

    // ---- events -----------------------------------------------------------------------------------------------

    /// A request took the next place of the outgoing lane. Carries every hashed field and the lane head after it.
    event ValueTransferRequested(
        uint64 indexed nonce,
        address indexed sender,
        address indexed recipient,
        AssetKind kind,
        address token,
        address counterpartToken,
        LaneAmount amount,
        bytes payload,
        bytes32 head
    );

    /// A batch moved the incoming lane to `count` requests, which hash to `head`.
    event BatchDelivered(uint64 indexed firstNonce, uint64 count, bytes32 head, address indexed submitter);
    /// The request at `nonce` of the incoming lane was paid: `amount` lane units. Its request and the token's own event
    /// name the token.
    event HandedOver(uint64 indexed nonce, address indexed recipient, LaneAmount amount);
    /// The request at `nonce` keeps its place; its payout is owed. The limits in force let it be released from
    /// `earliest` on. That is in Unix seconds; zero: not a matter of time; all ones: not by these limits.
    event HandoverParked(
        uint64 indexed nonce,
        address indexed recipient,
        bytes32 indexed requestHash,
        ParkReason reason,
        uint64 earliest,
        Request request
    );
    /// A parked handover was paid to `recipient`.
    event HandoverReleased(uint64 indexed nonce, address indexed recipient, LaneAmount amount);
    /// A parked handover was sent back as request `returnNonce` of the outgoing lane.
    event HandoverReturned(uint64 indexed nonce, uint64 indexed returnNonce);
    /// A parked handover is held, or free again.
    event HandoverHeld(bytes32 indexed requestHash, bool held);
    /// After a reorganisation past finality the incoming lane goes on from another position.
    event LaneRecovered(uint64 fromCount, bytes32 fromHead, uint64 count, bytes32 head);

    /// A member's attestation was recorded here, for relayers that cannot reach each other.
    event AttestationRecorded(
        uint64 indexed epoch, uint64 indexed count, address indexed signer, bytes32 head, Signature signature
    );

    /// A relayer set waits to be applied, from `appliesAt` on.
    event RelayerSetScheduled(address[] members, uint8 threshold, uint64 appliesAt);
    /// The scheduled relayer set was struck.
    event RelayerSetVetoed();
    /// A relayer set came into force.
    event RelayerSetChanged(uint64 indexed epoch, address[] members, uint8 threshold);
    /// A key lost its say, for good. The threshold stays.
    event RelayerRevoked(uint64 indexed epoch, address indexed member);

    /// Value stands still until `until`.
    event Paused(uint64 until, address indexed by);
    /// The pause ended early.
    event Unpaused(address indexed by);

    // ---- requests ---------------------------------------------------------------------------------------------

    /// Links a request of the vault's, which took its value, into the outgoing lane. Only the vault.
    function link(Request memory request, bytes calldata payload) external returns (uint64 nonce);

    // ---- handovers --------------------------------------------------------------------------------------------

    /// Hands over the next requests of the incoming lane. `payloads`: of the requests that have one, in order. `tail`:
    /// request hashes from the batch's end to `certificate.count`. Anyone who holds a certificate may call it.
    function deliver(
        Request[] calldata requests,
        bytes[] calldata payloads,
        bytes32[] calldata tail,
        Certificate calldata certificate
    ) external;
    /// Records a member's attestation of a checkpoint of the incoming lane. Anyone may post it.
    function attest(uint64 epoch, uint64 count, bytes32 head, Signature calldata signature) external;
    /// Pays a parked handover whose reason has passed. Anyone may call it.
    function releaseParked(Request calldata request, bytes calldata payload) external;
    /// The same, to another address. By the recipient, or with the recipient's signature (EOA or ERC-1271) of
    /// `releaseDigest`, good until `deadline` (Unix seconds); the recipient's own call needs none.
    function releaseParkedTo(
        Request calldata request,
        bytes calldata payload,
        address to,
        uint256 deadline,
        bytes calldata signature
    ) external;
    /// Sends a parked handover back, without its data. The recipient may at once, anyone after `returnDelay`. A large
    /// one nobody may before its delay has passed, whatever else it was parked for. The return request's kind is that
    /// of this side's token where it is registered, else the parked request's own.
    function returnParked(Request calldata request, bytes calldata payload) external returns (uint64 returnNonce);

    // ---- administration: owner --------------------------------------------------------------------------------

    /// Ends a pause early.
    function unpause() external;
    /// Lets a held handover go its way again.
    function freeParked(bytes32 requestHash) external;
    /// Sets the incoming lane's position anew, while paused. The epoch in force has signed `recoveryDigest` of the
    /// position where the lane stands and of the one where it goes on.
    function recoverLane(LanePosition calldata to, uint64 epoch, Signature[] calldata signatures) external;
    /// Schedules a relayer set. It may change a third of the members (one at the least) and replaces any set
    /// scheduled before.
    function scheduleRelayerSet(address[] calldata members, uint8 threshold) external;

    // ---- administration: guardian -----------------------------------------------------------------------------

    /// Stops requests and handovers for `pausePeriod`. The owner may renew a running pause, the guardian may not.
    function pause() external;
    /// Strikes the scheduled relayer set.
    function vetoRelayerSet() external;
    /// Takes a key's say away, at once and for good. Never lowers the threshold. The owner may too.
    function revokeRelayer(address member) external;

    /// Holds a parked handover that still waits because it is large: neither released nor returned.
    function holdParked(Request calldata request) external;

    // ---- administration: anyone -------------------------------------------------------------------------------

    /// Puts the scheduled relayer set in force under the next epoch, once `rotationDelay` has passed.
    function applyRelayerSet() external;

    // ---- views ------------------------------------------------------------------------------------------------

    /// Both lane positions and the epoch and pause in force: what a relayer reads at each block, in one call.
    function positions()
        external
        view
        returns (LanePosition memory outgoing, LanePosition memory incoming, uint64 epoch, uint64 pausedUntil);
    /// The relayer set in force, without revoked members.
    function relayerSet() external view returns (uint64 epoch, uint8 threshold, address[] memory members);
    /// The relayer set that waits; no members when none does.
    function scheduledRelayerSet() external view returns (address[] memory members, uint8 threshold, uint64 appliesAt);
    /// The other chain's EIP-155 id.
    function counterpartChainId() external view returns (uint256);
    /// The bridge at the other end.
    function counterpartBridge() external view returns (address);
    /// Where the value is.
    function vault() external view returns (address);
    /// The waiting times.
    function timing() external view returns (Timing memory);
    /// The amount of a token that is owed to parked handovers.
    function parkedAmount(address token) external view returns (LaneAmount);
    /// The parked handover with this request hash; all zero when there is none.
    function parkedHandover(bytes32 requestHash) external view returns (ParkedHandover memory);
    /// Members, by position in the epoch's list, whose attestations of `digest` are recorded: bit i for member i.
    function recordedAttestations(bytes32 digest) external view returns (uint64 bitmap);
    /// The EIP-712 digest that members sign.
    function checkpointDigest(uint64 epoch, uint64 count, bytes32 head) external view returns (bytes32);
    /// The EIP-712 digest that members sign to recover the incoming lane.
    function recoveryDigest(uint64 epoch, LanePosition memory from, LanePosition memory to)
        external
        view
        returns (bytes32);
    /// The EIP-712 digest that a recipient signs to have a parked handover paid to another address.
    function releaseDigest(bytes32 requestHash, address to, uint256 deadline) external view returns (bytes32);
    /// The hash that a request adds to its lane.
    function requestHash(Request calldata request) external pure returns (bytes32);
}
