//! The acts of one bridge contract in a run of blocks, as read from its chain.

use alloy_primitives::{Address, B256, U256};

use crate::attest::Attestation;
use crate::ids::{BlockNumber, BlockRef, BlockStamp, Count, Epoch, Nonce};
use crate::lane_head::LanePosition;
use crate::request::SourcedRequest;

/// A bridge contract's own account of itself at one block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BridgeState {
    /// The lane whose source it is.
    pub outgoing: LanePosition,
    /// The lane whose destination it is.
    pub incoming: LanePosition,
    /// The relayer set in force for the incoming lane.
    pub epoch: Epoch,
    /// The bridge is paused until this time, in seconds of Unix time. 0: not paused.
    pub paused_until: u64,
}

/// Where the two lanes of a bridge contract stood after a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Milestone {
    /// The block.
    pub block: BlockNumber,
    /// The lane whose source the bridge is.
    pub outgoing: LanePosition,
    /// The lane whose destination it is.
    pub incoming: LanePosition,
}

/// Everything that one bridge contract did in the blocks `(after, to]`, and its state after `to`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BridgeRead {
    /// The last block read before.
    pub after: BlockNumber,
    /// The last block of this read.
    pub to: BlockRef,
    /// Requests made, by nonce.
    pub requests: Vec<SourcedRequest>,
    /// Handovers and what became of parked ones, in the order of the chain.
    pub settlements: Vec<Settlement>,
    /// Attestations recorded on chain, in the order of the chain. Not verified.
    pub recorded: Vec<Attestation>,
    /// Whether the relayer set changed, or a member of it was revoked.
    pub relayers_changed: bool,
    /// The contract's state after `to`.
    pub state: BridgeState,
}

/// One event of the incoming lane, and where it happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// The event.
    pub event: SettlementEvent,
    /// The block that holds it.
    pub block: BlockNumber,
    /// That block's hash and time.
    pub stamp: BlockStamp,
    /// The transaction that did it.
    pub transaction: B256,
}

/// The fate of a handover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettlementEvent {
    /// The lane moved on by a batch.
    BatchDelivered {
        /// The batch's first request.
        first: Nonce,
        /// The lane's count after it.
        count: Count,
        /// The lane's head after it.
        head: B256,
        /// Who sent it.
        submitter: Address,
    },
    /// The request was paid.
    HandedOver {
        /// Which one.
        nonce: Nonce,
        /// Who was paid.
        recipient: Address,
        /// How much, in lane units.
        amount: U256,
    },
    /// The request's payout is owed.
    Parked {
        /// Which one.
        nonce: Nonce,
        /// The hash it was parked under.
        request_hash: B256,
        /// Why.
        reason: ParkReason,
        /// Unix time in seconds from which it can be released, by the limits of that moment. Zero: time does not help.
        /// [`u64::MAX`]: those limits never let it pass.
        earliest: u64,
    },
    /// A parked request was paid after all.
    Released {
        /// Which one.
        nonce: Nonce,
        /// Who was paid.
        recipient: Address,
    },
    /// A parked request was sent back.
    Returned {
        /// Which one.
        nonce: Nonce,
        /// The request of the opposite lane that carries it home.
        return_nonce: Nonce,
    },
}

/// Why a handover was parked, with the numbers of `Types.sol`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
    /// The reason that `raw` stands for; the zero value and unknown numbers stand for none.
    #[must_use]
    pub const fn from_u8(raw: u8) -> Option<Self> {
        match raw {
            1 => Some(Self::TokenUnavailable),
            2 => Some(Self::LiquidityShort),
            3 => Some(Self::RateLimited),
            4 => Some(Self::Delayed),
            5 => Some(Self::PayoutFailed),
            6 => Some(Self::OutOfBounds),
            7 => Some(Self::DataRefused),
            _ => None,
        }
    }
}
