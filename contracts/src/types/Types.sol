// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// An amount in lane units, which both sides of a pair count alike; `LaneUnits` converts. It compares as a number does.
/// A sum is made of unwrapped amounts, beside the bound that keeps it from overflowing.
type LaneAmount is uint256;

using {equal as ==, less as <, lessOrEqual as <=, greater as >, greaterOrEqual as >=} for LaneAmount global;

function equal(LaneAmount a, LaneAmount b) pure returns (bool) {
    return LaneAmount.unwrap(a) == LaneAmount.unwrap(b);
}

function less(LaneAmount a, LaneAmount b) pure returns (bool) {
    return LaneAmount.unwrap(a) < LaneAmount.unwrap(b);
}

function lessOrEqual(LaneAmount a, LaneAmount b) pure returns (bool) {
    return LaneAmount.unwrap(a) <= LaneAmount.unwrap(b);
}

function greater(LaneAmount a, LaneAmount b) pure returns (bool) {
    return LaneAmount.unwrap(a) > LaneAmount.unwrap(b);
}

function greaterOrEqual(LaneAmount a, LaneAmount b) pure returns (bool) {
    return LaneAmount.unwrap(a) >= LaneAmount.unwrap(b);
}

/// The kind of asset that a request moves. A closed list: the zero value is refused everywhere.
enum AssetKind {
    None,
    Native,
    ERC20,
    ERC721,
    ERC1155
}

/// How this side of the pair holds a token. The zero value means "not registered".
enum Custody {
    None,
    /// The token is at home here: requests lock it, handovers unlock it.
    Lock,
    /// The token represents one that is at home on the other side: requests burn it, handovers mint it.
    Mint
}

/// Which of a side's two lanes a limit is for.
enum Direction {
    /// Requests made here.
    Outgoing,
    /// Handovers paid here.
    Incoming
}

/// Why a handover was parked instead of paid.
enum ParkReason {
    None,
    /// The token is not registered here, is disabled, or its counterpart is not the request's token.
    TokenUnavailable,
    /// The vault holds less of the token than the handover pays.
    LiquidityShort,
    /// The token's rate limit is spent.
    RateLimited,
    /// The amount is large enough to be delayed.
    Delayed,
    /// The token or the recipient refused the payout.
    PayoutFailed,
    /// The amount lies outside what one handover of the token may move here.
    OutOfBounds,
    /// The recipient receives handovers and refused this one's data.
    DataRefused
}

/// The role of a bridge at its vault.
enum Generation {
    None,
    /// Takes requests and pays.
    Serving,
    /// Pays, releases and returns what it took; takes no requests.
    Draining,
    /// Moves nothing any more.
    Retired
}

/// A value-transfer request, as the source bridge linked it into its lane head. Static, so that its calldata is its
/// encoding; its payload holds the parts that have no fixed length.
struct Request {
    /// Position in the lane: 0, 1, 2, … without gaps.
    uint64 nonce;
    AssetKind kind;
    /// The account that asked, on the source chain.
    address sender;
    /// The account that is paid, on the destination chain.
    address recipient;
    /// The asset on the source chain (ERC-7528 address for the native coin).
    address token;
    /// The asset on the destination chain (ERC-7528 address for the native coin).
    address counterpartToken;
    /// Of NFTs: how many, over all ids.
    LaneAmount amount;
    /// keccak256 of the encoded `Payload`; zero when there is none.
    bytes32 payloadHash;
}

/// The parts of a request beside the amount, as `abi.encode(Payload)`.
struct Payload {
    /// ERC-721: the one id. ERC-1155: each id. Others: none.
    uint256[] ids;
    /// ERC-1155: the amount of each id. Others: none.
    uint256[] amounts;
    /// ERC-721: what `tokenURI` said on the source.
    string uri;
    /// Given to a recipient that receives handovers (see `IHandoverReceiver`).
    bytes data;
}

/// An order of a caller to a vault. One type for every kind of asset.
struct Order {
    /// The asset here (ERC-7528 address for the native coin).
    address token;
    /// The account that is paid on the other chain.
    address recipient;
    /// In the token's smallest unit here. NFTs: zero, their ids and amounts say it.
    uint256 amount;
    /// ERC-721: the one id. ERC-1155: each id.
    uint256[] ids;
    /// ERC-1155: the amount of each id.
    uint256[] amounts;
    /// The most that the caller pays as fee, in the fee's token.
    uint256 feeLimit;
    /// For the recipient. At most `DATA_MAX` bytes.
    bytes data;
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

/// The registration of a token at a vault. One slot.
struct TokenConfig {
    /// The asset on the other chain.
    address counterpart;
    AssetKind kind;
    Custody custody;
    bool enabled;
    /// One lane unit is 10^unitDecimals of the token's smallest unit here: this side's decimals less the smaller of
    /// both sides' decimals. So the two sides convert without remainder, or the request is refused.
    uint8 unitDecimals;
}

/// The limits of one direction, in the token's smallest unit here. `type(uint256).max` is no limit.
struct Limits {
    /// Bounds of one transfer.
    uint256 min;
    uint256 max;
    /// Token bucket: the most it holds, and the seconds in which it fills from nothing.
    uint256 capacity;
    uint32 period;
    /// From this amount on a handover waits for `largeDelay`. Incoming only.
    uint256 delayedFrom;
    /// Share of the capacity, in 1/10,000, that only small transfers may take.
    uint16 reserved;
    /// Up to this share of the capacity, in 1/10,000, a transfer is small.
    uint16 small;
}

/// A fee in the token itself, in its smallest unit: `flat + amount × rate / 10,000`, rounded up. NFTs: `flat` of the
/// native coin each request.
struct Fee {
    uint128 flat;
    uint16 rate;
}

/// The fee and the limits that a transfer of an amount would meet now.
struct Quote {
    /// The amount that the request pays on top, in the fee's token.
    uint256 fee;
    /// The native coin for an NFT, else the token itself.
    address feeToken;
    /// The amount that the request would carry.
    LaneAmount laneAmount;
    /// When the bucket of requests has room for it; the far future when never by these limits.
    uint64 earliest;
}

/// A handover whose place in the lane is final but whose payout is still owed. One slot.
struct ParkedHandover {
    /// Zero when nothing is parked.
    uint64 parkedAt;
    ParkReason reason;
    /// A guardian holds it until the owner frees it.
    bool held;
}

/// The bridge's waiting times, in seconds; fixed at construction.
struct Timing {
    /// From parking until anyone, not only the recipient, may send a handover back.
    uint64 returnDelay;
    /// From scheduling a relayer set until it may be applied.
    uint64 rotationDelay;
    /// How long a pause lasts unless it is renewed.
    uint64 pausePeriod;
}

// The native coin's stand-in address, by ERC-7528.
address constant NATIVE_COIN = 0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE;
