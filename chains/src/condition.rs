//! Tells apart a chain that makes no blocks, endpoints that lag, and endpoints that are gone: each asks something else
//! of an operator, and none makes us ask the nodes more often.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::chain::EvmChain;

/// Poll intervals without any answer after which a chain counts as unreachable, and the least time for it.
const SILENT_INTERVALS: u32 = 5;
const SILENT_MIN: Duration = Duration::from_secs(10);

/// What a chain is like from here.
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

/// What an endpoint is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndpointState {
    /// It answers, and what it says fits.
    Up,
    /// Another one, asked a second later, answered first: asked after the others for a while.
    Slow,
    /// Its newest block is behind that of the others: asked last, and for no logs while another one answers.
    Lagging,
    /// It served something untrue: asked last for a while.
    Distrusted,
    /// It failed again and again: left alone, and looked at now and then.
    Dead,
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

impl EndpointState {
    /// Every state, for metrics.
    pub const ALL: [Self; 5] = [Self::Up, Self::Slow, Self::Lagging, Self::Distrusted, Self::Dead];

    /// Its name in logs and metrics.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Slow => "slow",
            Self::Lagging => "lagging",
            Self::Distrusted => "distrusted",
            Self::Dead => "dead",
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
    /// Who runs it.
    pub provider: String,
    /// What it is like.
    pub state: EndpointState,
}

impl Condition {
    /// What an operator is to do about it; empty where there is nothing.
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

/// When a chain last answered, and last had a new head.
#[derive(Debug, Default)]
pub(crate) struct Pulse(Mutex<Option<(Instant, Instant)>>);

impl Pulse {
    /// A node answered what the newest block is.
    pub(crate) fn answered(&self) {
        let now = Instant::now();
        let mut pulse = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *pulse = Some((now, pulse.map_or(now, |(_, advanced)| advanced)));
    }

    /// There is a new head.
    pub(crate) fn advanced(&self) {
        let now = Instant::now();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, now));
    }

    /// For how long there was no answer, and no new head.
    fn ages(&self) -> Option<(Duration, Duration)> {
        let pulse = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pulse.map(|(answered, advanced)| (answered.elapsed(), advanced.elapsed()))
    }
}

/// See [`EvmChain::condition`].
pub(crate) fn condition(chain: &EvmChain) -> Condition {
    let config = chain.config();
    let silent_after = (config.poll_interval * SILENT_INTERVALS).max(SILENT_MIN);
    let ages = chain.pulse().ages();
    let state = match ages {
        None => ChainState::Starting,
        Some((silent, _)) if silent > silent_after => ChainState::Unreachable,
        Some((_, still)) if still > config.stall_after => ChainState::Halted,
        Some(_) => ChainState::Live,
    };
    let endpoints = chain.endpoints().iter().map(|endpoint| EndpointReport {
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
