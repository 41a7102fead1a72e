//! Every lane of this relayer: where its messages go, and what is known of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use twinspan_bridge::abstain::Reason;
use twinspan_bridge::ids::{Lane, LaneId};
use twinspan_bridge::side::Direction;
use twinspan_bridge::status::LaneStatus;
use twinspan_chains::EvmChain;
use twinspan_chains::condition::ChainState;

use crate::engine::Message;
use crate::peers::abstentions::Abstentions;
use crate::status::{LaneReport, PairReport};

/// One lane: the way to its engine, and what is known of it.
#[derive(Clone, Debug)]
pub(crate) struct LaneEntry {
    /// The lane.
    pub lane: Lane,
    /// Which lane of its pair.
    pub direction: Direction,
    /// Its engine.
    pub engine: mpsc::Sender<Message>,
    /// The engine's report on its pair.
    pub report: watch::Receiver<PairReport>,
    /// The source chain.
    pub source: EvmChain,
    /// Why the source cannot be read now.
    pub trouble: watch::Receiver<Option<Reason>>,
    /// Who abstains, us included.
    pub abstentions: Arc<Abstentions>,
}

impl LaneEntry {
    /// The lane's state as last published.
    #[must_use]
    pub(crate) fn status(&self) -> Option<LaneStatus> {
        self.report.borrow().lane(self.direction).status.clone()
    }

    /// The engine's report on it, with the members that abstain.
    #[must_use]
    pub(crate) fn report(&self) -> LaneReport {
        let mut report = self.report.borrow().lane(self.direction).clone();
        report.abstains = self.abstains();
        report.abstentions = self.abstentions.current();
        report
    }

    /// Its name in logs and metrics.
    #[must_use]
    pub(crate) fn name(&self) -> String {
        self.report.borrow().lane(self.direction).name.clone()
    }

    /// Why this relayer attests nothing here now.
    #[must_use]
    pub(crate) fn abstains(&self) -> Option<Reason> {
        let by_state = self.status().and_then(|status| status.hold?.reason());
        let stale = || match self.source.condition().state {
            ChainState::Halted | ChainState::Unreachable => Some(Reason::SourceStale),
            ChainState::Starting | ChainState::Live => None,
        };
        by_state.or_else(|| *self.trouble.borrow()).or_else(stale)
    }
}

/// Every lane of this relayer, by id.
pub(crate) type Directory = BTreeMap<LaneId, LaneEntry>;
