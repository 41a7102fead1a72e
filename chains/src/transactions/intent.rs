//! An intent, a contract call that a caller wants mined, and its outcome.

use alloy::primitives::{Address, B256, Bytes};
use tokio::time::Instant;
use twinspan_bridge::ids::BlockNumber;

use crate::evm::calls::Call;

/// Names an intent. Given by the caller and deterministic, so that asking twice is asking once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IntentId(pub B256);

impl std::fmt::Display for IntentId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// A contract call that shall be mined once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// Its name.
    pub id: IntentId,
    /// The contract.
    pub to: Address,
    /// Call data.
    pub input: Bytes,
    /// Gas that it may use.
    pub gas_limit: u64,
    /// Its purpose, for people: in logs and lists.
    pub label: String,
    /// When its cause became known, for the latency in the metrics. Not stored: a restart does not count.
    pub since: Option<Instant>,
}

impl Intent {
    /// The intent to make `call`.
    #[must_use]
    pub fn new(id: IntentId, call: Call, label: impl Into<String>) -> Self {
        let Call { to, input, gas_limit } = call;
        Self { id, to, input, gas_limit, label: label.into(), since: None }
    }
}

/// How an intent ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Executed.
    Mined {
        /// The transaction.
        transaction: B256,
        /// The block that holds it.
        block: BlockNumber,
        /// Gas used.
        gas_used: u64,
    },
    /// Included, but the contract refused.
    Reverted {
        /// The transaction.
        transaction: B256,
        /// The block that holds it.
        block: BlockNumber,
        /// Gas used.
        gas_used: u64,
        /// The contract's reason, from the call repeated at that block. May be empty.
        data: Bytes,
    },
    /// Never executed and never will be.
    Abandoned {
        /// Why.
        reason: String,
    },
}

impl Outcome {
    /// The outcome's name among the closed set of metric labels.
    #[must_use]
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Mined { .. } => "mined",
            Self::Reverted { .. } => "reverted",
            Self::Abandoned { .. } => "abandoned",
        }
    }
}

/// The end of an intent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// Which one.
    pub id: IntentId,
    /// The contract that it called: whose business it was.
    pub to: Address,
    /// How it ended.
    pub outcome: Outcome,
}
