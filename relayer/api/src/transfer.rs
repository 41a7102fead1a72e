//! Where a transfer stands, its remaining waits, and who vouched for it.

use alloy_primitives::{Address, B256, Bytes, U256};
use serde::{Deserialize, Serialize};
use twinspan_bridge::ids::TransferId;

use crate::text;

/// `GET /v1/transfers?transaction=0x…`: the transfers that a source transaction asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfers {
    /// Those that are known, at most 256.
    pub transfers: Vec<Transfer>,
    /// Up to which blocks the relayer has read each source chain: a transaction in a later one is not known yet.
    pub as_of: Vec<AsOf>,
}

/// `GET /v1/transfers/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// The name that every relayer answers to: `<source chain id>-<source bridge>-<nonce>`.
    #[serde(with = "text")]
    pub id: TransferId,
    /// How far it has come.
    pub stage: Stage,
    /// The wait that it is in, for people; empty once it has ended.
    pub waits_for: String,
    /// The request.
    pub request: Option<Request>,
    /// The hash of the request, as both contracts compute it.
    pub request_hash: Option<B256>,
    /// The lane head after the request, to which everything before it hashes.
    pub head: Option<B256>,
    /// Where it was asked.
    pub source: Option<Place>,
    /// Where its place in the lane was settled.
    pub destination: Option<Place>,
    /// The confirmations of its source block, until that is final.
    pub confirmations: Option<Confirmations>,
    /// The attestations that this relayer has: not necessarily those that paid it, which are in `certificate`.
    pub attestations: Option<Attestations>,
    /// The certificate under which its place was settled.
    pub certificate: Option<Certificate>,
    /// For one that is or was parked.
    pub parked: Option<Parked>,
    /// For one that carries a parked transfer home: that one.
    #[serde(with = "text::option")]
    pub return_of: Option<TransferId>,
    /// Up to which block the relayer has read the source chain.
    pub as_of: Option<AsOf>,
}

/// How far a transfer has come.
///
/// It goes on in this order and never back, unless a reorganisation takes it back. Handed over, parked, released and
/// returned are told of final blocks alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// In a source block that may still be taken back.
    Observed,
    /// In a final source block, linked into the lane head; waits for attestations.
    Final,
    /// Under a complete certificate; waits for a batch.
    Certified,
    /// In a batch of this relayer that is on its way, or in anybody's whose block is not final yet.
    Submitted,
    /// Paid.
    HandedOver,
    /// Its place is final, its payout is owed.
    Parked,
    /// Parked, then paid.
    Released,
    /// Parked, then sent back.
    Returned,
}

impl Stage {
    /// Every stage.
    pub const ALL: [Self; 8] = [
        Self::Observed,
        Self::Final,
        Self::Certified,
        Self::Submitted,
        Self::HandedOver,
        Self::Parked,
        Self::Released,
        Self::Returned,
    ];

    /// Whether its place in the lane is settled for good.
    #[must_use]
    pub const fn is_settled(self) -> bool {
        matches!(self, Self::HandedOver | Self::Parked | Self::Released | Self::Returned)
    }
}

impl std::fmt::Display for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Observed => "observed",
            Self::Final => "final",
            Self::Certified => "certified",
            Self::Submitted => "submitted",
            Self::HandedOver => "handed over",
            Self::Parked => "parked",
            Self::Released => "released",
            Self::Returned => "returned",
        })
    }
}

/// The request: every hashed field of `ValueTransferRequested`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Position in the lane.
    pub nonce: u64,
    /// The kind of asset that moves.
    pub kind: AssetKind,
    /// The sender, on the source chain.
    pub sender: Address,
    /// The one that is paid, on the destination chain.
    pub recipient: Address,
    /// The asset on the source chain; `0xeeee…` for the coin (ERC-7528).
    pub token: Address,
    /// The asset on the destination chain; `0xeeee…` for the coin.
    pub counterpart_token: Address,
    /// The amount that is hashed, in lane units: the asset's smallest unit, unless the two sides have different
    /// decimals. For NFTs, the number over all ids.
    #[serde(with = "text")]
    pub amount_units: U256,
    /// The amount in whole tokens on the source chain, such as `1.5`.
    pub amount: Option<String>,
    /// The decimals of the token on the source chain.
    pub decimals: Option<u8>,
    /// The ids of NFTs; empty for other kinds.
    #[serde(with = "text::list")]
    pub ids: Vec<U256>,
    /// How many of each id, for an ERC-1155.
    #[serde(with = "text::list")]
    pub amounts: Vec<U256>,
    /// The token URI of an ERC-721, if it has one.
    pub uri: Option<String>,
    /// Data for the recipient.
    pub data: Bytes,
    /// All of that as it is hashed: `abi.encode(Payload)`, or empty.
    pub payload: Bytes,
}

/// The kind of asset that a request moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AssetKind {
    /// The chain's own coin.
    Native,
    /// A fungible token (ERC-20).
    Erc20,
    /// A non-fungible token (ERC-721).
    Erc721,
    /// A multi-token (ERC-1155): amounts of one id, or of several.
    Erc1155,
}

impl AssetKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Native, Self::Erc20, Self::Erc721, Self::Erc1155];
}

/// A transaction in its block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The chain.
    #[serde(with = "text")]
    pub chain_id: u64,
    /// The block.
    pub block: u64,
    /// Its hash.
    pub block_hash: Option<B256>,
    /// When it was made.
    pub time: Option<u64>,
    /// The transaction.
    pub transaction: B256,
    /// The account that sent it.
    pub submitter: Option<Address>,
}

/// Blocks on top of a source block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmations {
    /// Those that are there.
    pub had: u64,
    /// Those that make it final, where the chain's finality is a number of blocks.
    pub wanted: Option<u64>,
}

/// The attestations of a checkpoint that covers a transfer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attestations {
    /// The checkpoint's count.
    pub count: u64,
    /// The members that attested it.
    pub signers: Vec<Address>,
}

/// The certificate of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// The relayer set that it is of.
    pub epoch: u64,
    /// Requests covered.
    pub count: u64,
    /// The lane head after them.
    pub head: B256,
    /// Whose signatures it holds.
    pub signers: Vec<Address>,
}

/// A parked handover.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parked {
    /// Why.
    pub reason: ParkReason,
    /// Unix time in seconds from which it can be released, by the limits of that moment; none where time does not help.
    pub earliest: Option<u64>,
    /// How it ended.
    pub ended: Option<Ended>,
}

/// How a parked handover ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// The chain.
    #[serde(with = "text")]
    pub chain_id: u64,
    /// The block.
    pub block: Option<u64>,
    /// The transaction that released or returned it.
    pub transaction: B256,
    /// For one that was returned: the transfer that carries it home.
    #[serde(with = "text::option")]
    pub returned_as: Option<TransferId>,
    /// For one that was released: the account that was paid.
    pub released_to: Option<Address>,
}

/// Why a handover was parked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParkReason {
    /// The token is unknown or disabled on the destination.
    TokenUnavailable,
    /// The destination vault holds too little of it.
    LiquidityShort,
    /// The token's rate limit is spent.
    RateLimited,
    /// The amount is large enough to be delayed.
    Delayed,
    /// The token or the recipient refused the payout.
    PayoutFailed,
    /// The amount lies outside what one handover may move on the destination.
    OutOfBounds,
    /// The recipient receives handovers and refused this one's data.
    DataRefused,
}

impl ParkReason {
    /// Every reason.
    pub const ALL: [Self; 7] = [
        Self::TokenUnavailable,
        Self::LiquidityShort,
        Self::RateLimited,
        Self::Delayed,
        Self::PayoutFailed,
        Self::OutOfBounds,
        Self::DataRefused,
    ];

    /// The wait that it means, for people.
    #[must_use]
    pub const fn waits_for(self) -> &'static str {
        match self {
            Self::TokenUnavailable => "the token to be registered and switched on there",
            Self::LiquidityShort => "the vault there to hold enough of it",
            Self::RateLimited => "room in the token's rate limit",
            Self::Delayed => "the delay of large handovers",
            Self::OutOfBounds => "other bounds of the token there",
            Self::PayoutFailed => {
                "token and recipient to accept it, or another address (releaseParkedTo)"
            }
            Self::DataRefused => "the recipient to accept its data",
        }
    }
}

/// Up to which block of a chain a relayer has read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AsOf {
    /// The chain.
    #[serde(with = "text")]
    pub chain_id: u64,
    /// The last block read.
    pub block: u64,
}
