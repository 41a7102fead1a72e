//! The stored form of a transaction: enough to go on after a restart with the same bytes.

use alloy::primitives::{Address, B256, Bytes};
use twinspan_bridge::ids::{AccountNonce, BlockRef, ChainId};

use super::intent::{Intent, Outcome};
use crate::evm::fees::Fees;

/// An account on a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountKey {
    /// The chain.
    pub chain_id: ChainId,
    /// The account.
    pub address: Address,
}

/// Everything about one account nonce.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTransaction {
    /// Position among the account's transactions; with the [`AccountKey`] its key in the store.
    pub nonce: AccountNonce,
    /// Its purpose. `None`: it only fills a gap, so that later ones can be mined.
    pub intent: Option<Intent>,
    /// Every signed transaction with this account nonce, oldest first. At most one is ever mined.
    pub siblings: Vec<Sibling>,
    /// How far it has come.
    pub state: TransactionState,
    /// Why the intent is given up, once it is; its last sibling then fills the account nonce.
    pub given_up: Option<String>,
    /// When it was accepted, in seconds of Unix time.
    pub created_at: u64,
}

/// A signed transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sibling {
    /// The signed bytes (EIP-2718), as they are broadcast.
    pub raw: Bytes,
    /// The transaction's hash.
    pub hash: B256,
    /// Its offer for gas.
    pub fees: Fees,
    /// Whether it does nothing but use up the account nonce (a transfer of 0 to ourselves).
    pub fills: bool,
}

/// How far a transaction has come.
///
/// Edges: pending → included (first receipt). Included → pending (taken back by a reorganisation). Included → settled
/// (its block is final). Pending → abandoned (its account nonce is used up by a foreign transaction, or by our own
/// filler).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransactionState {
    /// Not in a block yet.
    Pending,
    /// In a block that may still be taken back.
    Included {
        /// That block.
        block: BlockRef,
        /// The outcome to report.
        outcome: Outcome,
    },
    /// In a final block.
    Settled {
        /// The outcome that was reported.
        outcome: Outcome,
    },
    /// Will never be in a block. Removed from the store once it is reported.
    Abandoned {
        /// Why.
        reason: String,
    },
}

impl StoredTransaction {
    /// The sibling that is broadcast: the newest.
    #[must_use]
    pub fn newest(&self) -> Option<&Sibling> {
        self.siblings.last()
    }

    /// Whether it still waits to be in a block.
    #[must_use]
    pub const fn is_pending(&self) -> bool {
        matches!(self.state, TransactionState::Pending)
    }

    /// The outcome that was, or is to be, reported.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        match &self.state {
            TransactionState::Pending => None,
            TransactionState::Included { outcome, .. } | TransactionState::Settled { outcome } => {
                Some(outcome.clone())
            }
            TransactionState::Abandoned { reason } => {
                Some(Outcome::Abandoned { reason: reason.clone() })
            }
        }
    }
}
