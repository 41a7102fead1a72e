//! The disk, which survives a relayer's crash.

use twinspan_bridge::attest::{Attestation, Verified};
use twinspan_bridge::ids::{BlockNumber, Count};
use twinspan_bridge::io::{Conflict, Record};
use twinspan_bridge::lane_head::{LanePosition, LinkedRequest};
use twinspan_bridge::machine::Snapshot;
use twinspan_bridge::schedule::Term;

use super::lane;

/// The content of a relayer's store: the only thing that survives a crash.
#[derive(Clone)]
pub struct Disk {
    pub linked: LanePosition,
    pub block: u64,
    pub term: Option<Term>,
    pub settled: LanePosition,
    pub requests: Vec<LinkedRequest>,
    pub attestations: Vec<Attestation>,
    pub conflict: Option<Conflict>,
}

impl Disk {
    pub fn empty() -> Self {
        let start = LanePosition::start(&lane());
        Self {
            linked: start,
            block: 0,
            term: None,
            settled: start,
            requests: vec![],
            attestations: vec![],
            conflict: None,
        }
    }

    pub fn snapshot(&self) -> Snapshot {
        let above = |count: Count| count > self.settled.count;
        Snapshot {
            linked: self.linked,
            linked_block: BlockNumber::new(self.block),
            term: self.term,
            settled: self.settled,
            requests: self.requests.iter().filter(|r| above(r.after.count)).cloned().collect(),
            attestations: self
                .attestations
                .iter()
                .filter(|a| above(a.checkpoint.count()))
                .map(|a| a.verify().expect("only verified attestations are stored"))
                .collect::<Vec<Verified>>(),
            conflict: self.conflict,
        }
    }

    pub fn apply(&mut self, record: &Record) {
        match record {
            Record::Attestation(attestation) => self.attestations.push(*attestation),
            Record::Conflict(conflict) => self.conflict = *conflict,
            Record::Voided(voided) => self.attestations.retain(|kept| !voided.contains(kept)),
        }
    }
}
