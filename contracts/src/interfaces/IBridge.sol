// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {
    AssetKind,
    Certificate,
    Custody,
    LanePosition,
    ParkReason,
    ParkedHandover,
    Request,
    Signature,
    Timing,
    TokenConfig,
    TokenFigures
} from "../types/Types.sol";

/// @title One end of a bridge pair: takes requests for the other chain and hands over those of the other chain
/// @notice Times are Unix seconds; amounts are in the token's smallest unit. Errors with two values give what was
/// got first and what was wanted (or the bound it broke) second.
interface IBridge {
    // ---- errors: requests -------------------------------------------------------------------------------------

    /// The bridge takes and hands over nothing until `until`.
    error Bridge_Paused(uint64 until);
    /// The token was never registered here.
    error Bridge_TokenUnregistered(address token);
    /// The token is registered but switched off.
    error Bridge_TokenDisabled(address token);
    /// The coin was requested as a token, or a token as the coin.
    error Bridge_KindMismatch(AssetKind got, AssetKind want);
    /// A request moves something or is refused.
    error Bridge_AmountZero();
    /// Under the least amount of one request.
    error Bridge_AmountBelowMin(uint256 got, uint256 min);
    /// Over the greatest amount of one request.
    error Bridge_AmountAboveMax(uint256 got, uint256 max);
    /// Zero, a bridge, or the token contract itself: value paid there would be lost.
    error Bridge_RecipientRefused(address recipient);
    /// The token moved another amount than stated (fee on transfer, rebasing).
    error Bridge_ReceivedMismatch(uint256 got, uint256 want);
    /// More was to be burned than this bridge ever minted.
    error Bridge_SupplyShort(uint256 got, uint256 want);

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
    /// A request that no bridge of this code can have linked.
    error Bridge_RequestMalformed(uint64 nonce);
    /// The token did not say that it paid.
    error Bridge_PayoutRefused(address token);
    /// Less gas is left than a payout with its full allowance needs. The whole batch is undone.
    error Bridge_GasShort(uint256 got, uint256 want);
    /// Nothing is parked at this nonce: never parked, released, or returned.
    error Bridge_NotParked(uint64 nonce);
    /// The request is not the one that was parked.
    error Bridge_RequestMismatch(bytes32 got, bytes32 want);
    /// The time has not come.
    error Bridge_TooEarly(uint64 got, uint64 want);
    /// The handover still cannot be paid.
    error Bridge_ReleaseRefused(ParkReason reason);

    // ---- errors: administration -------------------------------------------------------------------------------

    /// The caller has not the role that this takes.
    error Bridge_CallerRefused(address caller);
    /// An address that must be set is zero.
    error Bridge_AddressZero();
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
    /// There is no contract at a token's address.
    error Bridge_TokenCodeMissing(address token);
    /// The token, its kind and its custody do not fit together.
    error Bridge_TokenInvalid(address token);
    /// The token has value in custody or parked, so what it is and where it leads stays.
    error Bridge_TokenInUse(uint256 custody, uint256 parked);
    /// The least amount lies above the greatest.
    error Bridge_LimitsInvalid(uint256 min, uint256 max);
    /// The bridge always has an owner.
    error Bridge_OwnerRequired();

    // ---- events -----------------------------------------------------------------------------------------------

    /// A request took the next place of the outgoing lane. Carries every hashed field and the lane head after it.
    event ValueTransferRequested(
        uint64 indexed nonce,
        address indexed sender,
        address indexed recipient,
        AssetKind kind,
        address token,
        address counterpartToken,
        uint256 amount,
        bytes32 head
    );

    /// A batch moved the incoming lane to `count` requests, which hash to `head`.
    event BatchDelivered(uint64 indexed firstNonce, uint64 count, bytes32 head, address indexed submitter);
    /// The request at `nonce` of the incoming lane was paid.
    event HandedOver(uint64 indexed nonce, address indexed recipient, address indexed token, uint256 amount);
    /// The request at `nonce` keeps its place; its payout is owed from `releasableAt` (seconds, Unix time).
    event HandoverParked(
        uint64 indexed nonce, address indexed recipient, bytes32 requestHash, ParkReason reason, uint64 releasableAt
    );
    /// A parked handover was paid.
    event HandoverReleased(uint64 indexed nonce, address indexed recipient);
    /// A parked handover was sent back as request `returnNonce` of the outgoing lane.
    event HandoverReturned(uint64 indexed nonce, uint64 indexed returnNonce);

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

    /// A token was registered, or registered anew.
    event TokenRegistered(address indexed token, TokenConfig config);
    /// A token's bounds, rate or delay changed.
    event TokenLimitsChanged(address indexed token, TokenConfig config);
    /// A token was switched on or off.
    event TokenEnabled(address indexed token, bool enabled);
    /// Value stands still until `until`.
    event Paused(uint64 until, address indexed by);
    /// The pause ended early.
    event Unpaused(address indexed by);
    /// The guardian changed.
    event GuardianChanged(address indexed guardian);

    // ---- requests ---------------------------------------------------------------------------------------------

    /// Sends `msg.value` of the native coin to `recipient` on the other chain.
    function requestNative(address recipient) external payable returns (uint64 nonce);
    /// Sends `amount` of `token`, which the caller has approved to this bridge, to `recipient` on the other chain.
    function requestERC20(address token, address recipient, uint256 amount) external returns (uint64 nonce);

    // ---- handovers --------------------------------------------------------------------------------------------

    /// Hands over the next requests of the incoming lane. `tail`: request hashes from the batch's end to
    /// `certificate.count`. Anyone who holds a certificate may call it.
    function deliver(Request[] calldata requests, bytes32[] calldata tail, Certificate calldata certificate) external;
    /// Records a member's attestation of a checkpoint of the incoming lane. Anyone may post it.
    function attest(uint64 epoch, uint64 count, bytes32 head, Signature calldata signature) external;
    /// Pays a parked handover whose reason has passed. Anyone may call it.
    function releaseParked(Request calldata request) external;
    /// Sends a parked handover back. The recipient at once, anyone after `returnDelay`. The return request's kind is
    /// that of this side's token where it is registered, else the parked request's own.
    function returnParked(Request calldata request) external returns (uint64 returnNonce);

    /// The frame of one token payout, for the bridge alone: a token that moves something and yet does not return true
    /// has its move undone, so that what is parked was not paid.
    function payToken(address token, address recipient, uint256 amount, bool mints) external;

    // ---- administration: owner --------------------------------------------------------------------------------

    /// Registers `token`, or changes everything about it while none of it is in custody or parked.
    function registerToken(address token, TokenConfig calldata config) external;
    /// Sets the bounds of one request, the rate of handovers and the delay of large ones. Zero accepts nothing;
    /// `type(uint128).max` is no limit.
    function setTokenLimits(
        address token,
        uint128 minAmount,
        uint128 maxAmount,
        uint128 bucketCapacity,
        uint128 bucketRefill,
        uint128 delayedFrom
    ) external;
    /// Switches a token on or off. The guardian may only switch off.
    function setTokenEnabled(address token, bool enabled) external;
    /// Ends a pause early.
    function unpause() external;
    /// Appoints a guardian.
    function setGuardian(address guardian) external;
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
    /// Who may pause, veto and revoke.
    function guardian() external view returns (address);
    /// The waiting times.
    function timing() external view returns (Timing memory);
    /// What the bridge knows of a token; all zero when it knows nothing.
    function tokenConfig(address token) external view returns (TokenConfig memory);
    /// A token's conservation figures.
    function tokenFigures(address token) external view returns (TokenFigures memory);
    /// How much of a token may be handed over right now.
    function tokenAllowance(address token) external view returns (uint256);
    /// The parked handover at `nonce`; all zero when there is none.
    function parkedHandover(uint64 nonce) external view returns (ParkedHandover memory);
    /// Members, by position in the epoch's list, whose attestations of `digest` are recorded: bit i for member i.
    function recordedAttestations(bytes32 digest) external view returns (uint64 bitmap);
    /// The EIP-712 digest that members sign.
    function checkpointDigest(uint64 epoch, uint64 count, bytes32 head) external view returns (bytes32);
    /// The hash that a request adds to its lane.
    function requestHash(Request calldata request) external pure returns (bytes32);
}
