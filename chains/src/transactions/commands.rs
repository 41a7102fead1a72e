//! Carries out an operator's commands about a pending transaction.

use alloy::primitives::B256;
use tokio::sync::oneshot;
use tokio::time::Instant;
use twinspan_bridge::ids::AccountNonce;

use super::account::{Account, AccountStopped};
use super::book::SIBLINGS_MAX;
use super::intent::{Outcome, Resolved};
use super::store::TransactionStore;
use super::view::PendingView;
use crate::evm::fees::Fees;

/// The step to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Replace it by one with a higher fee now, within the cap.
    Bump,
    /// Give its intent up: a transfer of 0 to ourselves takes its account nonce. It may still be mined if that comes
    /// too late; its outcome tells.
    Drop,
}

/// A command's result: the newest transaction with that account nonce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commanded {
    /// Its hash; `None` if nothing was signed for the account nonce yet.
    pub transaction: Option<B256>,
    /// Its offer.
    pub fees: Option<Fees>,
}

/// Why a command changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandRefused {
    /// No transaction with that account nonce waits.
    #[error("no transaction with account nonce {0} is pending")]
    NotPending(AccountNonce),
    /// A higher fee is not possible.
    #[error(
        "its fee cannot be raised: the chain has no fees, or the next one is above `max_fee_per_gas`"
    )]
    NoRoom,
    /// It was replaced too often.
    #[error("it was replaced {} times already, and stays as it is", SIBLINGS_MAX - 1)]
    TooOften,
    /// The signer gives no signature now.
    #[error("the signer gives no signature now: try again when it does")]
    Unsigned,
    /// The account has ended.
    #[error("the account takes no transactions any more")]
    Gone,
}

/// A command on its way to the account.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) nonce: AccountNonce,
    pub(super) command: Command,
    pub(super) reply: oneshot::Sender<Result<Commanded, CommandRefused>>,
}

impl<S: TransactionStore> Account<S> {
    pub(super) async fn obey(&mut self, ask: Ask) -> Result<(), AccountStopped> {
        let Ask { nonce, command, reply } = ask;
        let chain = self.chain.name();
        tracing::warn!(chain, %nonce, ?command, "an operator's command");
        let answer = match command {
            Command::Bump => self.bump(nonce.get()).await?,
            Command::Drop => self.give_up_commanded(nonce.get()).await?,
        };
        let newest = self.book.get(nonce.get()).and_then(|slot| slot.stored.newest());
        let commanded = Commanded {
            transaction: newest.map(|sibling| sibling.hash),
            fees: newest.map(|sibling| sibling.fees),
        };
        // The caller may be gone.
        let _ = reply.send(answer.map(|()| commanded));
        Ok(())
    }

    async fn bump(&mut self, nonce: u64) -> Result<Result<(), CommandRefused>, AccountStopped> {
        // Without an answer the last known fees serve.
        let _ = self.fees.refresh(&self.chain).await;
        let Some(slot) = self.book.get(nonce).filter(|slot| slot.stored.is_pending()) else {
            return Ok(Err(CommandRefused::NotPending(AccountNonce::new(nonce))));
        };
        if slot.stored.siblings.len() >= SIBLINGS_MAX {
            return Ok(Err(CommandRefused::TooOften));
        }
        let newest = slot.stored.newest();
        let policy = &self.chain.config().fees;
        let Some(fees) = newest.and_then(|last| self.fees.bump(last.fees, policy)) else {
            return Ok(Err(CommandRefused::NoRoom));
        };
        let given_up = slot.stored.given_up.is_some();
        let intent = slot.stored.intent.as_ref().filter(|_| !given_up);
        match self.sign(nonce, intent, fees).await? {
            Some(sibling) => Ok(Ok(self.replace(nonce, sibling).await?)),
            None => Ok(Err(CommandRefused::Unsigned)),
        }
    }

    async fn give_up_commanded(
        &mut self,
        nonce: u64,
    ) -> Result<Result<(), CommandRefused>, AccountStopped> {
        const WHY: &str = "dropped by the operator";
        if nonce == self.next
            && let Some((intent, _)) = self.unsigned.take()
        {
            let outcome = Outcome::Abandoned { reason: WHY.to_owned() };
            // It never had one.
            self.reports.push_back((u64::MAX, Resolved { id: intent.id, to: intent.to, outcome }));
            return Ok(Ok(()));
        }
        if !self.book.get(nonce).is_some_and(|slot| slot.stored.is_pending()) {
            return Ok(Err(CommandRefused::NotPending(AccountNonce::new(nonce))));
        }
        Ok(Ok(self.give_up(nonce, WHY.to_owned()).await?))
    }

    /// The intent that waits for the signer, as it is shown.
    pub(super) fn unsigned_view(&self) -> Option<PendingView> {
        let (intent, since) = self.unsigned.as_ref()?;
        let waited = Instant::now().saturating_duration_since(*since).as_secs();
        Some(PendingView {
            nonce: AccountNonce::new(self.next),
            id: Some(intent.id),
            label: intent.label.clone(),
            transaction: None,
            fees: None,
            siblings: 0,
            created_at: self.chain.clock().unix_seconds().saturating_sub(waited),
            waits_for: Some("the signer".to_owned()),
        })
    }
}
