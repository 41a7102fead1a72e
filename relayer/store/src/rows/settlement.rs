//! The end of a request on the destination: paid, parked, released or returned.

use alloy_primitives::{Address, B256, U256};
use serde::{Deserialize, Serialize};
use twinspan_bridge::ids::{BlockNumber, Nonce};
use twinspan_bridge::observe::ParkReason;

use super::Row;

/// The end of a request on the destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SettlementRow {
    /// Paid or parked.
    pub fate: Fate,
    /// The block that settled its place.
    pub block: BlockNumber,
    /// That block's hash. `None`: not known.
    pub block_hash: Option<B256>,
    /// That block's time, in seconds of Unix time. `None`: not known.
    pub block_time: Option<u64>,
    /// The transaction that settled its place.
    pub transaction: B256,
    /// The end of a parked one. `None`: it is still owed, or was never parked.
    pub resolution: Option<Resolution>,
}

/// How a request's place was settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Paid.
    HandedOver {
        /// How much, in lane units.
        amount: U256,
    },
    /// Owed.
    Parked {
        /// Why.
        reason: ParkReason,
        /// Unix time in seconds from which it can be released, by the limits of that moment. Zero: time does not help.
        /// [`u64::MAX`]: those limits never let it pass.
        earliest: u64,
    },
}

/// The end of a parked handover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resolution {
    /// The request of the opposite lane that carries it home; `None`: it was paid.
    pub returned_as: Option<Nonce>,
    /// Who was paid. `None`: not known, or it was returned.
    pub released_to: Option<Address>,
    /// The block that ended it. `None`: not known.
    pub block: Option<BlockNumber>,
    /// That block's hash. `None`: not known.
    pub block_hash: Option<B256>,
    /// That block's time, in seconds of Unix time. `None`: not known.
    pub block_time: Option<u64>,
    /// The transaction that did it.
    pub transaction: B256,
}

/// A [`SettlementRow`] on disk; lane and nonce are in the key.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DiskSettlement {
    pub(crate) fate: DiskFate,
    pub(crate) block: u64,
    pub(crate) block_hash: Option<B256>,
    pub(crate) block_time: Option<u64>,
    pub(crate) transaction: B256,
    pub(crate) resolution: Option<DiskResolution>,
}

impl Row for DiskSettlement {
    const TABLE: &'static str = "settlements";
}

/// Whose return a request of the reverse lane is; the lane and the return's nonce are in the key.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DiskReturn {
    pub(crate) of: u64,
}

impl Row for DiskReturn {
    const TABLE: &'static str = "returns";
}

/// A [`Fate`] on disk.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum DiskFate {
    HandedOver { amount: U256 },
    Parked { reason: DiskParkReason, earliest: u64 },
}

/// A [`ParkReason`] on disk: its place here is its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum DiskParkReason {
    TokenUnavailable,
    LiquidityShort,
    RateLimited,
    Delayed,
    PayoutFailed,
    OutOfBounds,
    DataRefused,
}

/// A [`Resolution`] on disk.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DiskResolution {
    pub(crate) returned_as: Option<u64>,
    pub(crate) released_to: Option<Address>,
    pub(crate) block: Option<u64>,
    pub(crate) block_hash: Option<B256>,
    pub(crate) block_time: Option<u64>,
    pub(crate) transaction: B256,
}

impl From<SettlementRow> for DiskSettlement {
    fn from(row: SettlementRow) -> Self {
        let SettlementRow { fate, block, block_hash, block_time, transaction, resolution } = row;
        Self {
            fate: fate.into(),
            block: block.get(),
            block_hash,
            block_time,
            transaction,
            resolution: resolution.map(DiskResolution::from),
        }
    }
}

impl From<DiskSettlement> for SettlementRow {
    fn from(row: DiskSettlement) -> Self {
        let DiskSettlement { fate, block, block_hash, block_time, transaction, resolution } = row;
        Self {
            fate: fate.into(),
            block: BlockNumber::new(block),
            block_hash,
            block_time,
            transaction,
            resolution: resolution.map(Resolution::from),
        }
    }
}

impl From<Fate> for DiskFate {
    fn from(fate: Fate) -> Self {
        match fate {
            Fate::HandedOver { amount } => Self::HandedOver { amount },
            Fate::Parked { reason, earliest } => Self::Parked { reason: reason.into(), earliest },
        }
    }
}

impl From<DiskFate> for Fate {
    fn from(fate: DiskFate) -> Self {
        match fate {
            DiskFate::HandedOver { amount } => Self::HandedOver { amount },
            DiskFate::Parked { reason, earliest } => {
                Self::Parked { reason: reason.into(), earliest }
            }
        }
    }
}

impl From<Resolution> for DiskResolution {
    fn from(resolution: Resolution) -> Self {
        let Resolution { returned_as, released_to, block, block_hash, block_time, transaction } =
            resolution;
        Self {
            returned_as: returned_as.map(Nonce::get),
            released_to,
            block: block.map(BlockNumber::get),
            block_hash,
            block_time,
            transaction,
        }
    }
}

impl From<DiskResolution> for Resolution {
    fn from(resolution: DiskResolution) -> Self {
        let DiskResolution { returned_as, released_to, block, block_hash, block_time, transaction } =
            resolution;
        Self {
            returned_as: returned_as.map(Nonce::new),
            released_to,
            block: block.map(BlockNumber::new),
            block_hash,
            block_time,
            transaction,
        }
    }
}

impl From<ParkReason> for DiskParkReason {
    fn from(reason: ParkReason) -> Self {
        match reason {
            ParkReason::TokenUnavailable => Self::TokenUnavailable,
            ParkReason::LiquidityShort => Self::LiquidityShort,
            ParkReason::RateLimited => Self::RateLimited,
            ParkReason::Delayed => Self::Delayed,
            ParkReason::PayoutFailed => Self::PayoutFailed,
            ParkReason::OutOfBounds => Self::OutOfBounds,
            ParkReason::DataRefused => Self::DataRefused,
        }
    }
}

impl From<DiskParkReason> for ParkReason {
    fn from(reason: DiskParkReason) -> Self {
        match reason {
            DiskParkReason::TokenUnavailable => Self::TokenUnavailable,
            DiskParkReason::LiquidityShort => Self::LiquidityShort,
            DiskParkReason::RateLimited => Self::RateLimited,
            DiskParkReason::Delayed => Self::Delayed,
            DiskParkReason::PayoutFailed => Self::PayoutFailed,
            DiskParkReason::OutOfBounds => Self::OutOfBounds,
            DiskParkReason::DataRefused => Self::DataRefused,
        }
    }
}
