//! An account and its pending transactions, as they are shown.

use std::time::Duration;

use alloy::primitives::{B256, U256};
use twinspan_bridge::ids::AccountNonce;

use super::intent::IntentId;
use super::stored::AccountKey;
use crate::clock::Clock;
use crate::evm::fees::Fees;

/// An account as it last was.
#[derive(Clone, Debug)]
pub struct AccountSnapshot {
    /// Whose transactions they are.
    pub account: AccountKey,
    /// The account nonce that the next transaction takes; `None` until the chain was reached.
    pub next_nonce: Option<AccountNonce>,
    /// The account's balance in wei when it was last looked at, at most about a minute ago while busy.
    pub balance: Option<U256>,
    /// How long the balance lasts at the rate of the last hour; `None` while nothing is spent.
    pub runway: Option<Duration>,
    /// Transactions that wait to be in a block, by account nonce. At most 32.
    pub pending: Vec<PendingView>,
    pub(super) clock: Clock,
}

/// A transaction that waits to be in a block.
#[derive(Clone, Debug)]
pub struct PendingView {
    /// Its account nonce.
    pub nonce: AccountNonce,
    /// Its intent; `None` for one that fills a gap.
    pub id: Option<IntentId>,
    /// Its purpose, for people.
    pub label: String,
    /// The newest signed transaction.
    pub transaction: Option<B256>,
    /// The offer of that one.
    pub fees: Option<Fees>,
    /// Signed transactions with this account nonce.
    pub siblings: usize,
    /// When it was accepted, in seconds of Unix time.
    pub created_at: u64,
    /// Why it is not in a block yet, as far as we know.
    pub waits_for: Option<String>,
}

impl AccountSnapshot {
    /// How long the oldest transaction has been waiting; `None` if none is.
    #[must_use]
    pub fn oldest_age(&self) -> Option<Duration> {
        let oldest = self.pending.iter().map(|pending| pending.created_at).min()?;
        Some(Duration::from_secs(self.clock.unix_seconds().saturating_sub(oldest)))
    }
}
