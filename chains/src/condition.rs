//! Tells apart a chain that makes no blocks, endpoints that lag, and endpoints that are gone. Each asks something else
//! of an operator. None makes us ask the nodes more often.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::chain::EvmChain;
pub use crate::rpc::endpoint::EndpointState;

/// Poll intervals without any answer after which a chain counts as unreachable, and the least time for it.
const SILENT_INTERVALS: u32 = 5;
const SILENT_MIN: Duration = Duration::from_secs(10);

/// A chain's state as seen from here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChainState {
    /// Not looked at yet.
    #[default]
    Starting,
    /// Blocks come.
    Live,
    /// Nodes answer, and have had no new block for long. Nothing to do here: it goes on with the chain.
    Halted,
    /// No endpoint answers.
    Unreachable,
}

impl ChainState {
    /// Every state, for metrics.
    pub const ALL: [Self; 4] = [Self::Starting, Self::Live, Self::Halted, Self::Unreachable];

    /// Its name in logs and metrics.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Live => "live",
            Self::Halted => "halted",
            Self::Unreachable => "unreachable",
        }
    }
}

/// A chain and its endpoints as they are now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// The chain.
    pub state: ChainState,
    /// For how long it has had no new block, in seconds.
    pub still_seconds: u64,
    /// Its endpoints, in the order of the configuration.
    pub endpoints: Vec<EndpointReport>,
}

/// One endpoint as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointReport {
    /// Its name.
    pub label: String,
    /// Its operator.
    pub provider: String,
    /// Its state.
    pub state: EndpointState,
}

impl Condition {
    /// Advice for an operator; empty where there is nothing to do.
    #[must_use]
    pub fn advice(&self) -> String {
        match self.state {
            ChainState::Starting | ChainState::Live => {}
            ChainState::Halted => {
                return format!(
                    "no new block for {} s: ask the chain's operators",
                    self.still_seconds
                );
            }
            ChainState::Unreachable => {
                return "no endpoint answers: check the nodes, or name others".to_owned();
            }
        }
        let names = |state: EndpointState| {
            let of = self.endpoints.iter().filter(|endpoint| endpoint.state == state);
            let labels: Vec<&str> = of.map(|endpoint| endpoint.label.as_str()).collect();
            (!labels.is_empty()).then(|| format!("{} {}", labels.join(", "), state.label()))
        };
        let unwell = EndpointState::ALL[1..].iter().filter_map(|state| names(*state));
        unwell.collect::<Vec<_>>().join("; ")
    }
}

impl EvmChain {
    /// The state of the chain and its endpoints now. Costs no call; says nothing before heads are watched.
    #[must_use]
    pub fn condition(&self) -> Condition {
        let config = self.config();
        let silent_after = config.poll_interval.saturating_mul(SILENT_INTERVALS).max(SILENT_MIN);
        let ages = self.pulse().ages();
        let state = match ages {
            None => ChainState::Starting,
            Some((silent, _)) if silent > silent_after => ChainState::Unreachable,
            Some((_, still)) if still > config.stall_after => ChainState::Halted,
            Some(_) => ChainState::Live,
        };
        let endpoints = self.endpoints().iter().map(|endpoint| EndpointReport {
            label: endpoint.label().to_owned(),
            provider: endpoint.provider().to_owned(),
            state: endpoint.state(),
        });
        Condition {
            state,
            still_seconds: ages.map_or(0, |(_, still)| still.as_secs()),
            endpoints: endpoints.collect(),
        }
    }
}
