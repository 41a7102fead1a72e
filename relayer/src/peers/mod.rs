//! Talks to the other relayers. Whatever they say is input from a stranger: each attestation carries
//! its own authority in its signature.

pub mod client;
pub mod server;
pub mod wire;

use std::collections::BTreeMap;

use tokio::sync::{mpsc, watch};
use twinspan_bridge::ids::{Lane, LaneId};
use twinspan_bridge::lifecycle::LaneStatus;

use crate::engine::Message;
use crate::status::PairReport;

/// Where a lane's attestations go and what is known of it.
#[derive(Clone, Debug)]
pub struct LaneEntry {
    /// The lane.
    pub lane: Lane,
    /// Its place in the pair.
    pub index: usize,
    /// Its engine.
    pub engine: mpsc::Sender<Message>,
    /// What the engine says of its pair.
    pub report: watch::Receiver<PairReport>,
}

impl LaneEntry {
    /// The lane's state as last published.
    #[must_use]
    pub fn status(&self) -> Option<LaneStatus> {
        self.report.borrow().lanes[self.index].status.clone()
    }
}

/// Every lane of this relayer, by id.
pub type Directory = BTreeMap<LaneId, LaneEntry>;
