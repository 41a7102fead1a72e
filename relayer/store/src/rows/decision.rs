//! A human's decision about a lane, with the evidence.

use serde::{Deserialize, Serialize};
use twinspan_bridge::attest::Attestation;
use twinspan_bridge::io::Conflict;

use super::Row;
use super::attestation::DiskEvidence;
use super::lane::DiskConflict;

/// A human's decision about a lane, with the evidence: kept for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecisionRow {
    /// When, in milliseconds of Unix time.
    pub at: u64,
    /// Why, in the human's words.
    pub reason: String,
    /// The conflict that the lane abstained for.
    pub conflict: Conflict,
    /// Our attestations of the history that is gone, which bind no longer.
    pub voided: Vec<Attestation>,
}

/// A [`DecisionRow`] on disk.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DiskDecision {
    at: u64,
    reason: String,
    conflict: DiskConflict,
    voided: Vec<DiskEvidence>,
}

impl Row for DiskDecision {
    const TABLE: &'static str = "decisions";
}

impl From<&DecisionRow> for DiskDecision {
    fn from(row: &DecisionRow) -> Self {
        let DecisionRow { at, reason, conflict, voided } = row;
        Self {
            at: *at,
            reason: reason.clone(),
            conflict: (*conflict).into(),
            voided: voided.iter().copied().map(DiskEvidence::from).collect(),
        }
    }
}

impl From<DiskDecision> for DecisionRow {
    fn from(row: DiskDecision) -> Self {
        let DiskDecision { at, reason, conflict, voided } = row;
        let voided = voided.into_iter().map(Attestation::from).collect();
        Self { at, reason, conflict: conflict.into(), voided }
    }
}
