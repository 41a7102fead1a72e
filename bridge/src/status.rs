//! Tells where a lane and a transfer stand, and what they wait for.

use alloy_primitives::Address;

use crate::ids::{BlockNumber, Count, Nonce};
use crate::lane_head::LanePosition;

/// Why a relayer signs nothing, or nothing below a count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// The destination holds a history that is not the source's.
    DestinationDiverged,
    /// Peers are asked what this relayer attested before it lost its store.
    Recovering,
    /// The destination's relayer set is not read yet.
    RelayerSetUnknown,
    /// This relayer's key is not in the destination's relayer set.
    NotAMember,
    /// The destination bridge is paused.
    Paused,
    /// A head attested here is no longer on the source chain.
    Reorganised {
        /// Nothing up to this count is signed.
        up_to: Count,
    },
}

/// One relayer's view of one lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneStatus {
    /// Final requests of the source, linked.
    pub linked: LanePosition,
    /// The last final source block read.
    pub linked_block: BlockNumber,
    /// The destination in its newest block.
    pub newest: LanePosition,
    /// The destination in its newest final block.
    pub settled: LanePosition,
    /// Requests under a complete certificate.
    pub certified: Count,
    /// The highest checkpoint that this relayer attested.
    pub attested: Option<Count>,
    /// Who has attested the checkpoint that is due.
    pub waiting_signers: Vec<Address>,
    /// Attestations that make a certificate.
    pub threshold: u8,
    /// Members of the relayer set.
    pub members: Vec<Address>,
    /// The epoch of the relayer set; 0 if it is not known yet.
    pub epoch: u64,
    /// This relayer's turn to submit; 0 is first.
    pub rank: Option<u32>,
    /// The counts between which this relayer's batches are on their way.
    pub submitting: Option<(Count, Count)>,
    /// Number of those batches, at most [`RUNS_MAX`](crate::machine::RUNS_MAX).
    pub in_flight: usize,
    /// Attestations posted on chain because peers did not answer.
    pub posted: usize,
    /// Requests held in memory.
    pub window: usize,
    /// Why nothing is signed now.
    pub hold: Option<Hold>,
}

/// How far a transfer has come that the destination has not settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// In a source block that may still be taken back.
    Observed,
    /// In a final source block, linked into the lane head; waits for attestations.
    Final,
    /// Under a complete certificate; waits for a batch.
    Certified,
    /// In a batch of this relayer that is on its way.
    Submitted,
}

impl LaneStatus {
    /// The stage of a linked request that the destination has not settled.
    #[must_use]
    pub fn stage_of(&self, nonce: Nonce) -> Stage {
        let count = nonce.count_after();
        if count > self.linked.count {
            return Stage::Observed;
        }
        if self.submitting.is_some_and(|(first, end)| first < count && count <= end) {
            return Stage::Submitted;
        }
        if count <= self.certified { Stage::Certified } else { Stage::Final }
    }
}
