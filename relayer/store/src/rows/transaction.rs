//! A transaction of an account: enough to go on after a restart with the same bytes.
//!
//! This crate does not know who sends transactions: whoever does converts from and to these types, which are the rows
//! themselves. Their names in JSON are those of schema 2.

use alloy_primitives::{Address, B256, Bytes};
use serde::{Deserialize, Serialize};
use twinspan_bridge::ids::ChainId;

use super::Row;

/// An account on a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Account {
    /// The chain.
    pub chain_id: ChainId,
    /// The account.
    pub address: Address,
}

/// Everything about one account nonce; chain and account are in the key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransactionRow {
    /// Position among the account's transactions; also in the key.
    pub nonce: u64,
    /// The call that it is to make. `None`: it only fills a gap.
    pub intent: Option<IntentRow>,
    /// Every signed transaction with this account nonce, oldest first.
    pub siblings: Vec<SiblingRow>,
    /// How far it has come.
    pub state: StateRow,
    /// Why the intent is given up, once it is.
    pub given_up: Option<String>,
    /// When it was accepted, in seconds of Unix time.
    pub created_at: u64,
}

impl Row for TransactionRow {
    const TABLE: &'static str = "transactions";
}

/// A contract call that shall be mined once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntentRow {
    /// Its name.
    pub id: B256,
    /// The contract.
    pub to: Address,
    /// Call data.
    pub input: Bytes,
    /// Gas that it may use.
    pub gas_limit: u64,
    /// Its description, for people.
    pub label: String,
}

/// A signed transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiblingRow {
    /// The signed bytes (EIP-2718), as they are broadcast.
    pub raw: Bytes,
    /// The transaction's hash.
    pub hash: B256,
    /// Its offer for gas.
    pub fees: FeesRow,
    /// Whether it does nothing but use up the account nonce.
    pub fills: bool,
}

/// The offer of a signed transaction, in wei per gas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeesRow {
    /// An EIP-1559 transaction.
    Dynamic {
        /// Most that it pays.
        max_fee: u128,
        /// Of that, at most this to the block's maker.
        tip: u128,
    },
    /// A legacy transaction.
    Legacy {
        /// Its price.
        gas_price: u128,
    },
}

/// How far a transaction has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StateRow {
    /// Not in a block yet.
    Pending,
    /// In a block that may still be taken back.
    Included {
        /// That block.
        block: BlockRow,
        /// Its outcome.
        outcome: OutcomeRow,
    },
    /// In a final block.
    Settled {
        /// Its outcome.
        outcome: OutcomeRow,
    },
    /// Will never be in a block.
    Abandoned {
        /// Why.
        reason: String,
    },
}

/// A block by number and hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockRow {
    /// Height.
    pub number: u64,
    /// Hash of the header.
    pub hash: B256,
}

/// How an intent ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeRow {
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
        /// The contract's revert data. May be empty.
        data: Bytes,
    },
    /// Never executed and never will be.
    Abandoned {
        /// Why.
        reason: String,
    },
}
