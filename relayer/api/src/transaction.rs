//! A relayer's own transactions, as the operator's socket tells them.

use alloy_primitives::{Address, B256, Bytes};
use serde::{Deserialize, Serialize};

use crate::text;

/// A transaction that waits to be in a block: an element of `GET /v1/transactions`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// The chain's name.
    pub chain: String,
    /// The account that sends it.
    pub account: Address,
    /// Its account nonce.
    pub nonce: u64,
    /// Its purpose, for people.
    pub label: String,
    /// The newest signed transaction.
    pub transaction: Option<B256>,
    /// The offer of that one.
    pub fees: Option<Fees>,
    /// Signed transactions with this account nonce.
    pub siblings: u64,
    /// When it was accepted.
    pub created_at: u64,
    /// Why it is not in a block yet, as far as known.
    pub waits_for: Option<String>,
}

/// The offer of a signed transaction, in wei per gas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Fees {
    /// An EIP-1559 transaction.
    Dynamic {
        /// Most that it pays.
        #[serde(with = "text")]
        max_fee: u128,
        /// Of that, at most this to the block's maker.
        #[serde(with = "text")]
        tip: u128,
    },
    /// A legacy transaction. Price 0 on chains without fees.
    Legacy {
        /// The price.
        #[serde(with = "text")]
        gas_price: u128,
    },
}

/// All that is kept of one account nonce: `GET /v1/transactions/{chain}/{nonce}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    /// Position among the account's transactions.
    pub nonce: u64,
    /// Its purpose; `null`: it only fills a gap, so that later ones can be mined.
    pub intent: Option<Intent>,
    /// Every signed transaction with this account nonce, oldest first. At most one is ever mined.
    pub siblings: Vec<Sibling>,
    /// How far it has come.
    pub state: State,
    /// Why the intent is given up, once it is; its last sibling then fills the account nonce.
    pub given_up: Option<String>,
    /// When it was accepted.
    pub created_at: u64,
}

/// A contract call that shall be mined once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Its id.
    pub id: B256,
    /// The contract.
    pub to: Address,
    /// Call data.
    pub input: Bytes,
    /// Gas that it may use.
    pub gas_limit: u64,
    /// Its purpose, for people.
    pub label: String,
}

/// A signed transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sibling {
    /// The signed bytes (EIP-2718), as they are broadcast.
    pub raw: Bytes,
    /// The transaction's hash.
    pub hash: B256,
    /// Its offer.
    pub fees: Fees,
    /// Whether it does nothing but use up the account nonce (a transfer of 0 to itself).
    pub fills: bool,
}

/// How far a transaction has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum State {
    /// Not in a block yet.
    Pending,
    /// In a block that may still be taken back.
    Included {
        /// The block.
        block: u64,
        /// Its hash.
        block_hash: B256,
        /// How it went.
        outcome: Outcome,
    },
    /// In a final block.
    Settled {
        /// How it went.
        outcome: Outcome,
    },
    /// Will never be in a block.
    Abandoned {
        /// Why.
        reason: String,
    },
}

impl State {
    /// For people.
    #[must_use]
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Included { outcome, .. } | Self::Settled { outcome } => outcome.label(),
            Self::Abandoned { .. } => "abandoned",
        }
    }
}

/// How an intent ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Outcome {
    /// Executed.
    Mined {
        /// The transaction.
        transaction: B256,
        /// The block that holds it.
        block: u64,
        /// Gas used.
        gas_used: u64,
    },
    /// Included, but the contract refused.
    Reverted {
        /// The transaction.
        transaction: B256,
        /// The block that holds it.
        block: u64,
        /// Gas used.
        gas_used: u64,
        /// The contract's reason, as it is encoded. May be empty.
        data: Bytes,
    },
    /// Never executed and never will be.
    Abandoned {
        /// Why.
        reason: String,
    },
}

impl Outcome {
    /// For people.
    #[must_use]
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Mined { .. } => "mined",
            Self::Reverted { .. } => "reverted",
            Self::Abandoned { .. } => "abandoned",
        }
    }
}
