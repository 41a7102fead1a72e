//! How far a lane has come on this relayer.

use alloy_primitives::B256;
use serde::{Deserialize, Serialize};
use twinspan_bridge::ids::{BlockNumber, Count, Epoch};
use twinspan_bridge::io::Conflict;
use twinspan_bridge::lane_head::LanePosition;
use twinspan_bridge::schedule::Term;

use super::Row;

/// How far a lane has come on this relayer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneRow {
    /// The source, linked.
    pub linked: LanePosition,
    /// The last source block read: the cursor of the source's chain.
    pub linked_block: BlockNumber,
    /// The submitters' term of that block.
    pub term: Option<Term>,
    /// The destination, settled.
    pub settled: LanePosition,
    /// The conflict that the lane abstains for.
    pub conflict: Option<Conflict>,
}

/// A [`LaneRow`] on disk.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DiskLane {
    linked: DiskPosition,
    linked_block: u64,
    term: Option<DiskTerm>,
    settled: DiskPosition,
    conflict: Option<DiskConflict>,
}

impl Row for DiskLane {
    const TABLE: &'static str = "lanes";
}

/// A [`LanePosition`] on disk.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DiskPosition {
    pub(crate) count: u64,
    pub(crate) head: B256,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct DiskTerm {
    start: u64,
    start_hash: B256,
}

/// A [`Conflict`] on disk.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct DiskConflict {
    epoch: u64,
    highest_attested: u64,
    linked: DiskPosition,
    contract: DiskPosition,
}

impl From<LaneRow> for DiskLane {
    fn from(row: LaneRow) -> Self {
        let LaneRow { linked, linked_block, term, settled, conflict } = row;
        Self {
            linked: linked.into(),
            linked_block: linked_block.get(),
            term: term.map(DiskTerm::from),
            settled: settled.into(),
            conflict: conflict.map(DiskConflict::from),
        }
    }
}

impl From<DiskLane> for LaneRow {
    fn from(row: DiskLane) -> Self {
        let DiskLane { linked, linked_block, term, settled, conflict } = row;
        Self {
            linked: linked.into(),
            linked_block: BlockNumber::new(linked_block),
            term: term.map(Term::from),
            settled: settled.into(),
            conflict: conflict.map(Conflict::from),
        }
    }
}

impl From<LanePosition> for DiskPosition {
    fn from(LanePosition { count, head }: LanePosition) -> Self {
        Self { count: count.get(), head }
    }
}

impl From<DiskPosition> for LanePosition {
    fn from(DiskPosition { count, head }: DiskPosition) -> Self {
        Self { count: Count::new(count), head }
    }
}

impl From<Term> for DiskTerm {
    fn from(Term { start, start_hash }: Term) -> Self {
        Self { start: start.get(), start_hash }
    }
}

impl From<DiskTerm> for Term {
    fn from(DiskTerm { start, start_hash }: DiskTerm) -> Self {
        Self { start: BlockNumber::new(start), start_hash }
    }
}

impl From<Conflict> for DiskConflict {
    fn from(conflict: Conflict) -> Self {
        let Conflict { epoch, highest_attested, linked, contract } = conflict;
        Self {
            epoch: epoch.get(),
            highest_attested: highest_attested.get(),
            linked: linked.into(),
            contract: contract.into(),
        }
    }
}

impl From<DiskConflict> for Conflict {
    fn from(conflict: DiskConflict) -> Self {
        let DiskConflict { epoch, highest_attested, linked, contract } = conflict;
        Self {
            epoch: Epoch::new(epoch),
            highest_attested: Count::new(highest_attested),
            linked: linked.into(),
            contract: contract.into(),
        }
    }
}
