//! What a relayer says of itself: the state of its lanes, chains and peers.

use alloy::primitives::Address;
use serde::{Deserialize, Serialize};
use twinspan_bridge::abstain::Reason;
use twinspan_bridge::ids::{Count, Lane};
use twinspan_bridge::lifecycle::LaneStatus;
use twinspan_bridge::side::Direction;

/// A bridge pair.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct PairReport {
    /// Its name in the configuration.
    pub name: String,
    /// Its two lanes: main to service, service to main.
    pub lanes: [LaneReport; 2],
}

/// One lane.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct LaneReport {
    /// Its name: `<pair>/<source chain>→<destination chain>`.
    pub name: String,
    /// Its two ends.
    pub lane: Option<Lane>,
    /// Requests in the newest source block, final or not.
    pub requested: Count,
    /// How long the oldest request that is final and not handed over has waited here, in seconds.
    pub pending_seconds: f64,
    /// The latest alarms, oldest first.
    pub alarms: Vec<String>,
    /// The state machine's own account.
    pub status: Option<LaneStatus>,
    /// Why this relayer attests nothing now.
    #[serde(default)]
    pub abstains: Option<Reason>,
    /// The members that attest nothing now, this one included, by their own word.
    #[serde(default)]
    pub abstentions: Vec<Abstaining>,
}

/// A member that attests nothing now, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Abstaining {
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
    pub const fn lane(&self, direction: Direction) -> &LaneReport {
        match direction {
            Direction::ToService => &self.lanes[0],
            Direction::ToMain => &self.lanes[1],
        }
    }
}

impl LaneReport {
    /// One word for people: `ok`, `waiting`, `halted` or the like, and what to do if anything.
    #[must_use]
    pub fn verdict(&self) -> (&'static str, String) {
        use twinspan_bridge::lifecycle::Abstention;
        let Some(status) = &self.status else { return ("starting", "reading the chains".into()) };
        let behind = status.linked.count.since(status.newest.count);
        match status.abstains {
            Some(Abstention::DestinationDiverged) => {
                ("halted", "the two chains disagree on the lane's history: recover it".into())
            }
            Some(Abstention::Recovering) => ("recovering", "asking peers what we signed".into()),
            Some(Abstention::RelayerSetUnknown) => {
                ("starting", "reading the destination's relayer set".into())
            }
            Some(Abstention::NotAMember) => (
                "observing",
                "our key is not in the relayer set: ask the bridge's owner to add it".into(),
            ),
            Some(Abstention::Paused) => ("paused", "the destination bridge is paused".into()),
            Some(Abstention::Reorganised { up_to }) => (
                "abstaining",
                format!("the source chain was reorganised: we sign nothing up to count {up_to}"),
            ),
            None if let Some(reason) = self.abstains => ("abstaining", reason.label().into()),
            None if behind == 0 => ("ok", String::new()),
            None if status.certified > status.newest.count => {
                ("delivering", format!("{behind} requests; waiting for the submitter's batch"))
            }
            None => (
                "certifying",
                format!(
                    "{behind} requests; {} of {} attestations",
                    status.waiting_signers.len(),
                    status.threshold
                ),
            ),
        }
    }
}
