//! A chain as a relayer sees it: its endpoints, and the accounts that submit there.

use alloy_primitives::{Address, U256};
use serde::{Deserialize, Serialize};

use crate::text;

/// One chain as a relayer sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chain {
    /// Its name in the configuration.
    pub name: String,
    /// Its id.
    #[serde(with = "text")]
    pub chain_id: u64,
    /// The ground of its reads: `proof`, `quorum` or `single`, with the providers that must agree.
    pub truth: String,
    /// Its condition and that of its endpoints.
    pub condition: Condition,
    /// The newest block seen.
    pub head: Option<u64>,
    /// When that block was made.
    pub head_timestamp: Option<u64>,
    /// The accounts that submit there.
    pub accounts: Vec<Account>,
    /// JSON-RPC calls made so far.
    pub rpc_calls: u64,
}

/// The condition of a chain and its endpoints now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// The chain.
    pub state: ChainState,
    /// For how long it has had no new block, in seconds.
    pub still_seconds: u64,
    /// Its endpoints, in the order of the configuration.
    pub endpoints: Vec<Endpoint>,
    /// The advice to an operator; empty where there is nothing.
    pub advice: String,
}

/// The state of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChainState {
    /// Not looked at yet.
    Starting,
    /// Blocks come.
    Live,
    /// Nodes answer, and have had no new block for long.
    Halted,
    /// No endpoint answers.
    Unreachable,
    /// Another one, of a newer relayer. Never sent.
    #[serde(other)]
    Unknown,
}

impl ChainState {
    /// Every state that is sent.
    pub const ALL: [Self; 4] = [Self::Starting, Self::Live, Self::Halted, Self::Unreachable];

    /// For people.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Live => "live",
            Self::Halted => "halted",
            Self::Unreachable => "unreachable",
            Self::Unknown => "unknown",
        }
    }
}

/// One endpoint of a chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Its name.
    pub label: String,
    /// Its operator.
    pub provider: String,
    /// Its state.
    pub state: EndpointState,
}

/// The state of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndpointState {
    /// It answers, and what it says fits.
    Up,
    /// Another one, asked a second later, answered first.
    Slow,
    /// Its newest block is behind that of the others.
    Lagging,
    /// It served something untrue.
    Distrusted,
    /// It failed again and again.
    Dead,
    /// Another one, of a newer relayer. Never sent.
    #[serde(other)]
    Unknown,
}

impl EndpointState {
    /// Every state that is sent.
    pub const ALL: [Self; 5] = [Self::Up, Self::Slow, Self::Lagging, Self::Distrusted, Self::Dead];
}

/// An account that submits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its address.
    pub address: Address,
    /// How many of its transactions are under way.
    pub pending_transactions: u64,
    /// How long the oldest of them has been under way, in seconds.
    pub oldest_transaction_seconds: Option<u64>,
    /// Its balance in wei, when it was last looked at.
    #[serde(with = "text::option")]
    pub balance: Option<U256>,
    /// How long that lasts at the rate of the last hour, in seconds; none while nothing is spent.
    pub runway_seconds: Option<u64>,
}
