// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// What a request moves. A closed list: the zero value is refused everywhere.
enum AssetKind {
    None,
    Native,
    ERC20
}

/// How this side of the pair holds a token. The zero value means "not registered".
enum Custody {
    None,
    /// The token is at home here: requests lock it, handovers unlock it.
    Lock,
    /// The token represents one that is at home on the other side: requests burn it, handovers mint it.
    Mint
}

/// Why a handover was parked instead of paid.
enum ParkReason {
    None,
    /// The token is not registered here, is disabled, or its counterpart is not the request's token.
    TokenUnavailable,
    /// The bridge holds less of the token than the handover pays.
    LiquidityShort,
    /// The token's rate limit is spent.
    RateLimited,
    /// The amount is large enough to be delayed.
    Delayed,
    /// The token or the recipient refused the payout.
    PayoutFailed
}

/// A value-transfer request, as the source bridge linked it into its lane head.
struct Request {
    /// Position in the lane: 0, 1, 2, … without gaps.
    uint64 nonce;
    AssetKind kind;
    /// Who asked, on the source chain.
    address sender;
    /// Who is paid, on the destination chain.
    address recipient;
    /// The asset on the source chain (ERC-7528 address for the native coin).
    address token;
    /// The asset on the destination chain (ERC-7528 address for the native coin).
    address counterpartToken;
    /// In the asset's smallest unit.
    uint256 amount;
}

/// How far one direction of the pair has come: the first `count` requests hash to `head`.
struct LanePosition {
    uint64 count;
    bytes32 head;
}

/// An attestation's signature in the compact form of EIP-2098.
struct Signature {
    bytes32 r;
    bytes32 vs;
}

/// At least `threshold` attestations of one checkpoint by distinct members of one epoch.
struct Certificate {
    uint64 epoch;
    uint64 count;
    bytes32 head;
    /// Ordered by strictly ascending signer. Attestations recorded on this chain are added to these.
    Signature[] signatures;
}

/// What a bridge knows of a token. Amounts in the token's smallest unit.
struct TokenConfig {
    /// The asset on the other chain.
    address counterpart;
    AssetKind kind;
    Custody custody;
    bool enabled;
    /// Bounds of one request.
    uint128 minAmount;
    uint128 maxAmount;
    /// Token bucket of handovers: most it holds, and what flows in every second.
    uint128 bucketCapacity;
    uint128 bucketRefill;
    /// A handover of this amount or more is delayed for `largeDelay` of the bridge.
    uint128 delayedFrom;
}

/// Conservation figures of a token, in its smallest unit.
struct TokenFigures {
    /// `Lock`: held for requests of this side. `Mint`: outstanding supply that this bridge minted.
    uint256 custody;
    /// Owed to parked handovers.
    uint256 parked;
}

/// A handover whose place in the lane is final but whose payout is still owed.
struct ParkedHandover {
    bytes32 requestHash;
    uint64 parkedAt;
    uint64 releasableAt;
    ParkReason reason;
}

/// The bridge's waiting times, in seconds; fixed at construction.
struct Timing {
    /// From parking until anyone, not only the recipient, may send a handover back.
    uint64 returnDelay;
    /// From scheduling a relayer set until it may be applied.
    uint64 rotationDelay;
    /// How long a large handover waits.
    uint64 largeDelay;
    /// How long a pause lasts unless it is renewed.
    uint64 pausePeriod;
}

// The native coin's stand-in address, by ERC-7528.
address constant NATIVE_COIN = 0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE;
