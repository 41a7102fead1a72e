//! The state of pairs and lanes, as their engines publish it inside the process.

use alloy::primitives::Address;
use twinspan_bridge::abstain::Reason;
use twinspan_bridge::ids::{Count, Lane};
use twinspan_bridge::side::Direction;
use twinspan_bridge::status::LaneStatus;

/// A bridge pair.
#[derive(Clone, Debug, Default)]
pub(crate) struct PairReport {
    /// Its name in the configuration.
    pub name: String,
    /// Its two lanes: main to service, service to main.
    pub lanes: [LaneReport; 2],
}

/// One lane.
#[derive(Clone, Debug, Default)]
pub(crate) struct LaneReport {
    /// Its name: `<pair>/<source chain>→<destination chain>`.
    pub name: String,
    /// Its two ends.
    pub lane: Option<Lane>,
    /// Requests in the newest source block, final or not.
    pub requested: Count,
    /// Whether the source's newest block was looked at since the start.
    pub source_seen: bool,
    /// How long the oldest request that is final and not handed over has waited here, in seconds.
    pub pending_seconds: f64,
    /// The latest alarms, oldest first.
    pub alarms: Vec<String>,
    /// The state machine's own account.
    pub status: Option<LaneStatus>,
    /// Why this relayer attests nothing now.
    pub abstains: Option<Reason>,
    /// The members that attest nothing now, this one included, by their own word.
    pub abstentions: Vec<Abstaining>,
}

/// A member that attests nothing now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Abstaining {
    /// Which relayer.
    pub relayer: Address,
    /// Why.
    pub reason: Reason,
    /// Where the destination stood then.
    pub count: Count,
}

impl PairReport {
    /// One of its lanes.
    #[must_use]
    pub(crate) const fn lane(&self, direction: Direction) -> &LaneReport {
        match direction {
            Direction::ToService => &self.lanes[0],
            Direction::ToMain => &self.lanes[1],
        }
    }
}
