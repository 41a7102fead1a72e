//! The handle by which the rest of the program talks to an account.

use tokio::sync::{mpsc, oneshot, watch};
use twinspan_bridge::ids::AccountNonce;

use super::commands::{Ask, Command, CommandRefused, Commanded};
use super::intent::Intent;
use super::stored::AccountKey;
use super::view::AccountSnapshot;

/// Intents that wait between a caller and the account; more callers wait.
pub(super) const INTENTS_MAX: usize = 64;

/// The account has ended: whatever depends on it stops too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the account takes no transactions any more")]
pub struct AccountGone;

/// Talks to an account. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AccountHandle {
    intents: mpsc::Sender<Intent>,
    commands: mpsc::Sender<Ask>,
    view: watch::Receiver<AccountSnapshot>,
}

impl AccountHandle {
    pub(super) const fn new(
        intents: mpsc::Sender<Intent>,
        commands: mpsc::Sender<Ask>,
        view: watch::Receiver<AccountSnapshot>,
    ) -> Self {
        Self { intents, commands, view }
    }

    /// Hands an intent over; waits while the account is full. The end comes on the account's outcome
    /// channel.
    ///
    /// # Errors
    /// [`AccountGone`] if nobody will ever take it.
    pub async fn submit(&self, intent: Intent) -> Result<(), AccountGone> {
        self.intents.send(intent).await.map_err(|_| AccountGone)
    }

    /// Has something done with a pending transaction.
    ///
    /// # Errors
    /// [`CommandRefused`] with the reason why nothing was changed.
    pub async fn command(
        &self,
        nonce: AccountNonce,
        command: Command,
    ) -> Result<Commanded, CommandRefused> {
        let (reply, answer) = oneshot::channel();
        let ask = Ask { nonce, command, reply };
        self.commands.send(ask).await.map_err(|_| CommandRefused::Gone)?;
        answer.await.map_err(|_| CommandRefused::Gone)?
    }

    /// Whose transactions it makes.
    #[must_use]
    pub fn account(&self) -> AccountKey {
        self.view.borrow().account
    }

    /// The account as it last was.
    #[must_use]
    pub fn snapshot(&self) -> AccountSnapshot {
        self.view.borrow().clone()
    }
}
