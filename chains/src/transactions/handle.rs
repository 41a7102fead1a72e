//! How the rest of the program talks to a transaction engine.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use alloy::primitives::{B256, U256};
use tokio::sync::{mpsc, oneshot, watch};
use twinspan_bridge::error::Disposition;
use twinspan_bridge::ids::AccountNonce;

use super::intent::{Intent, IntentId};
use super::orders::{Ask, Order, OrderRefused, Ordered};
use super::stored::AccountKey;
use crate::evm::fees::Fees;

/// Intents that wait between a caller and the engine; more callers wait.
pub(super) const INTENTS_MAX: usize = 64;

/// The engine has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the transaction engine has ended")]
pub struct EngineGone;

impl EngineGone {
    /// What the error demands: whoever depends on the engine stops too.
    #[must_use]
    pub const fn disposition(&self) -> Disposition {
        Disposition::Halt
    }
}

/// Talks to an engine. Cheap to clone.
#[derive(Clone, Debug)]
pub struct EngineHandle {
    intents: mpsc::Sender<Intent>,
    orders: mpsc::Sender<Ask>,
    view: watch::Receiver<EngineSnapshot>,
}

/// An engine as it last was.
#[derive(Clone, Debug)]
pub struct EngineSnapshot {
    /// Its account.
    pub account: AccountKey,
    /// The account nonce that the next transaction takes; `None` until the chain was reached.
    pub next_nonce: Option<AccountNonce>,
    /// The account's balance in wei when it was last looked at, at most about a minute ago while busy.
    pub balance: Option<U256>,
    /// How long the balance lasts at the rate of the last hour; `None` while nothing is spent.
    pub runway: Option<Duration>,
    /// Transactions that wait to be in a block, by account nonce. At most 32.
    pub pending: Vec<PendingView>,
}

/// A transaction that waits to be in a block.
#[derive(Clone, Debug)]
pub struct PendingView {
    /// Its account nonce.
    pub nonce: AccountNonce,
    /// Its intent; `None` for one that fills a gap.
    pub id: Option<IntentId>,
    /// What it is, for people.
    pub label: String,
    /// The newest signed transaction.
    pub transaction: Option<B256>,
    /// What that one offers.
    pub fees: Option<Fees>,
    /// Signed transactions with this account nonce.
    pub siblings: usize,
    /// When it was accepted, in seconds of Unix time.
    pub created_at: u64,
    /// Why it is not in a block yet, as far as we know.
    pub waits_for: Option<String>,
}

impl EngineSnapshot {
    /// How long the oldest transaction has been waiting; `None` if none is.
    #[must_use]
    pub fn oldest_age(&self) -> Option<Duration> {
        let oldest = self.pending.iter().map(|pending| pending.created_at).min()?;
        Some(Duration::from_secs(unix_now().saturating_sub(oldest)))
    }
}

impl EngineHandle {
    pub(super) const fn new(
        intents: mpsc::Sender<Intent>,
        orders: mpsc::Sender<Ask>,
        view: watch::Receiver<EngineSnapshot>,
    ) -> Self {
        Self { intents, orders, view }
    }

    /// Hands an intent over; waits while the engine is full. The end comes on the engine's outcome
    /// channel.
    ///
    /// # Errors
    /// [`EngineGone`] if nobody will ever take it.
    pub async fn submit(&self, intent: Intent) -> Result<(), EngineGone> {
        self.intents.send(intent).await.map_err(|_| EngineGone)
    }

    /// Has something done with a pending transaction.
    ///
    /// # Errors
    /// [`OrderRefused`] with the reason why nothing was changed.
    pub async fn order(&self, nonce: AccountNonce, order: Order) -> Result<Ordered, OrderRefused> {
        let (reply, answer) = oneshot::channel();
        let ask = Ask { nonce, order, reply };
        self.orders.send(ask).await.map_err(|_| OrderRefused::Gone)?;
        answer.await.map_err(|_| OrderRefused::Gone)?
    }

    /// Whose transactions it makes.
    #[must_use]
    pub fn account(&self) -> AccountKey {
        self.view.borrow().account
    }

    /// The engine as it last was.
    #[must_use]
    pub fn snapshot(&self) -> EngineSnapshot {
        self.view.borrow().clone()
    }
}

/// Seconds of Unix time; 0 on a clock before 1970.
pub(super) fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs())
}
