//! Signs, records and broadcasts, in this order.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use alloy::primitives::{B256, Bytes};
use tokio::time::Instant;
use twinspan_bridge::ids::AccountNonce;

use super::account::{Account, AccountStopped, unlocked};
use super::book::{Due, Slot};
use super::intent::Intent;
use super::store::TransactionStore;
use super::stored::{Sibling, StoredTransaction, TransactionState};
use crate::chain::EvmChain;
use crate::disposition::Disposition;
use crate::evm::fees::Fees;
use crate::metrics;
use crate::rpc::classify::{SendVerdict, send_verdict};
use crate::rpc::endpoint::by_trust;
use crate::rpc::fault::RpcFault;
use crate::signer::Unsigned;

/// A plain transfer's gas.
const FILL_GAS: u64 = 21_000;
/// Least time between two requests to a signer that gave no signature.
const SIGNER_RETRY: Duration = Duration::from_secs(1);

/// A broadcast under way.
pub(super) type Sending = Pin<Box<dyn Future<Output = Sent> + Send>>;

/// A broadcast's answer.
#[derive(Debug)]
pub(super) struct Sent {
    nonce: u64,
    hash: B256,
    verdict: SendVerdict,
}

impl<S: TransactionStore> Account<S> {
    /// Takes an intent: signature, record, broadcast, and no call before that unless fees changed much.
    pub(super) async fn accept(&mut self, intent: Intent) -> Result<(), AccountStopped> {
        if let Some(slot) = self.book.by_id(intent.id) {
            let nonce = slot.stored.nonce.get();
            tracing::debug!(id = %intent.id, nonce, "intent is known");
            let waits_to_be_told = self.reports.iter().any(|(queued, _)| *queued == nonce);
            if !waits_to_be_told {
                self.report(nonce);
            }
            return Ok(());
        }
        if self.fees.is_doubtful() {
            // Without an answer the last known fees serve.
            let _ = self.fees.refresh(&self.chain).await;
        }
        let nonce = self.next;
        let fees = self.fees.offer(&self.chain.config().fees);
        let Some(sibling) = self.sign(nonce, Some(&intent), fees).await? else {
            self.unsigned = Some((intent, Instant::now()));
            return Ok(());
        };
        tracing::info!(
            chain = self.chain.name(), id = %intent.id, label = %intent.label, nonce,
            transaction = %sibling.hash, "sending a transaction"
        );
        self.open(nonce, Some(intent), sibling).await
    }

    /// Records a new transaction and broadcasts it.
    pub(super) async fn open(
        &mut self,
        nonce: u64,
        intent: Option<Intent>,
        sibling: Sibling,
    ) -> Result<(), AccountStopped> {
        let stored = StoredTransaction {
            nonce: AccountNonce::new(nonce),
            intent,
            siblings: vec![sibling],
            state: TransactionState::Pending,
            given_up: None,
            created_at: self.chain.clock().unix_seconds(),
        };
        self.store.save(self.account, &stored).await?;
        self.book.insert(Slot::new(stored, Instant::now()));
        self.next = self.next.max(nonce.saturating_add(1));
        self.send(nonce);
        Ok(())
    }

    /// Takes the intent that waits for its signature once more, if it is time.
    pub(super) async fn accept_unsigned(&mut self) -> Result<(), AccountStopped> {
        match self.unsigned.take_if(|(_, at)| at.elapsed() >= SIGNER_RETRY) {
            Some((intent, _)) => self.accept(intent).await,
            None => Ok(()),
        }
    }

    /// Signs for `intent`, or without one a transfer of 0 to ourselves. `None`: the signer gives no signature now.
    pub(super) async fn sign(
        &self,
        nonce: u64,
        intent: Option<&Intent>,
        fees: Fees,
    ) -> Result<Option<Sibling>, AccountStopped> {
        let nothing = Bytes::new();
        let unsigned = Unsigned {
            chain_id: self.account.chain_id,
            nonce: AccountNonce::new(nonce),
            to: intent.map_or(self.account.address, |intent| intent.to),
            input: intent.map_or(&nothing, |intent| &intent.input),
            gas_limit: intent.map_or(FILL_GAS, |intent| intent.gas_limit),
            fees,
        };
        match self.signer.sign(&unsigned).await {
            Ok((raw, hash)) => Ok(Some(Sibling { raw, hash, fees, fills: intent.is_none() })),
            Err(fault) if fault.disposition() == Disposition::Wait => {
                let chain = self.chain.name();
                tracing::warn!(chain, nonce, %fault, "a transaction waits for its signature");
                Ok(None)
            }
            Err(fault) => Err(fault.into()),
        }
    }

    /// Broadcasts the newest recorded bytes when it is their turn. Does not wait for the answer.
    pub(super) fn send(&mut self, nonce: u64) {
        let Some(slot) = self.book.get_mut(nonce) else { return };
        slot.sending = true;
        self.outgoing.insert(nonce);
        self.send_next();
    }

    /// One broadcast after the other, by account nonce. None can be mined before those below it, and a pool that
    /// does not know these yet may refuse it.
    fn send_next(&mut self) {
        while unlocked(&mut self.sends).is_empty() {
            let Some(nonce) = self.outgoing.pop_first() else { return };
            let Some(slot) = self.book.get_mut(nonce) else { continue };
            slot.sending = slot.stored.is_pending();
            let Some(sibling) = slot.stored.newest().filter(|_| slot.sending) else { continue };
            let (raw, hash) = (sibling.raw.clone(), sibling.hash);
            slot.sent_at = Some(Instant::now());
            slot.heads_since_sent = 0;
            slot.retry = false;
            let turn = slot.broadcasts;
            slot.broadcasts = turn.wrapping_add(1);
            let chain = self.chain.clone();
            unlocked(&mut self.sends).push(Box::pin(async move {
                Sent { nonce, hash, verdict: broadcast(&chain, raw, turn).await }
            }));
        }
    }

    /// Takes in the nodes' answer, and lets the next broadcast go.
    pub(super) async fn on_sent(&mut self, sent: Sent) -> Result<(), AccountStopped> {
        self.on_verdict(sent).await?;
        self.send_next();
        Ok(())
    }

    /// Takes the step that a node's answer asks for.
    async fn on_verdict(&mut self, sent: Sent) -> Result<(), AccountStopped> {
        let Sent { nonce, hash, verdict } = sent;
        let chain = self.chain.name().to_owned();
        let Some(slot) = self.book.get_mut(nonce) else { return Ok(()) };
        slot.sending = false;
        if !slot.stored.is_pending() {
            return Ok(());
        }
        tracing::debug!(chain, nonce, transaction = %hash, ?verdict, "transaction sent");
        slot.raise = false;
        slot.unaffordable = matches!(verdict, SendVerdict::InsufficientFunds);
        let accepted = matches!(verdict, SendVerdict::Accepted);
        if let Some(since) = slot.stored.intent.as_mut().and_then(|i| i.since.take_if(|_| accepted))
        {
            metrics::sent_after(&chain, since.elapsed());
        }
        slot.waits_for = match &verdict {
            SendVerdict::Accepted => None,
            SendVerdict::NonceTooLow => Some("its receipt".to_owned()),
            SendVerdict::NonceTooHigh => Some("an earlier account nonce".to_owned()),
            SendVerdict::ReplacementUnderpriced | SendVerdict::Underpriced => {
                Some("a higher fee".to_owned())
            }
            SendVerdict::InsufficientFunds => Some("the account to be topped up".to_owned()),
            SendVerdict::Impossible(why) => Some(format!("being given up: {why}")),
            SendVerdict::Unsure(fault) => Some(format!("a node to take it ({fault})")),
        };
        match verdict {
            SendVerdict::Accepted => {}
            SendVerdict::NonceTooLow => {
                slot.suspect = true;
                self.check_pending(true).await?;
            }
            SendVerdict::NonceTooHigh => {
                slot.retry = true;
                self.repair_gaps().await?;
            }
            SendVerdict::ReplacementUnderpriced | SendVerdict::Underpriced => slot.raise = true,
            SendVerdict::InsufficientFunds => {
                tracing::warn!(chain, account = %self.account.address, "insufficient funds for gas");
                slot.raise = true;
                self.look_at_balance().await;
            }
            SendVerdict::Impossible(why) => self.give_up(nonce, why).await?,
            SendVerdict::Unsure(_) => slot.retry = true,
        }
        Ok(())
    }

    /// Broadcasts or replaces whatever has waited long enough.
    pub(super) async fn do_what_is_due(&mut self) -> Result<(), AccountStopped> {
        let now = Instant::now();
        let bump_after = self.chain.config().fees.bump_after;
        let due: Vec<(u64, Due)> = self
            .book
            .pending()
            .map(|(nonce, slot)| (nonce, slot.due(now, bump_after)))
            .filter(|(_, due)| *due != Due::Nothing)
            .collect();
        if due.iter().any(|(_, due)| *due == Due::Raise) {
            // Once for all of them; without an answer the last known fees serve.
            let _ = self.fees.refresh(&self.chain).await;
        }
        for (nonce, due) in due {
            match due {
                Due::Nothing => {}
                Due::Send => self.send(nonce),
                Due::Raise => self.raise(nonce).await?,
            }
        }
        Ok(())
    }

    /// Replaces by a higher fee; where that is pointless, the same bytes go out again. A transaction that the account
    /// cannot pay is in no pool. It is replaced at today's cost, once that is half of its own.
    async fn raise(&mut self, nonce: u64) -> Result<(), AccountStopped> {
        let Some(slot) = self.book.get(nonce) else { return Ok(()) };
        let Some(last) = slot.stored.newest() else { return Ok(()) };
        let given_up = slot.stored.given_up.is_some();
        let intent = slot.stored.intent.as_ref().filter(|_| !given_up);
        let policy = &self.chain.config().fees;
        let offer = self.fees.offer(policy);
        let fees = match self.fees.bump(last.fees, policy) {
            _ if slot.unaffordable => (offer.most() <= last.fees.most() / 2).then_some(offer),
            // An intent given up and not filled yet is filled even where no fee can be raised.
            None if given_up && !last.fills => Some(offer),
            bumped => bumped,
        };
        let replacement = match fees {
            Some(fees) => self.sign(nonce, intent, fees).await?,
            None => None,
        };
        match replacement {
            Some(sibling) => self.replace(nonce, sibling).await,
            None => {
                let until = Instant::now() + self.chain.config().fees.bump_after;
                if let Some(slot) = self.book.get_mut(nonce) {
                    slot.raise = false;
                    slot.no_raise_until = Some(until);
                    slot.waits_for.get_or_insert_with(|| "a block to take it".to_owned());
                }
                self.send(nonce);
                Ok(())
            }
        }
    }

    pub(super) async fn replace(
        &mut self,
        nonce: u64,
        sibling: Sibling,
    ) -> Result<(), AccountStopped> {
        let Some(slot) = self.book.get_mut(nonce) else { return Ok(()) };
        tracing::info!(
            chain = self.chain.name(), nonce, transaction = %sibling.hash, fees = ?sibling.fees,
            "replacing a transaction"
        );
        slot.stored.siblings.push(sibling);
        slot.priced_at = Instant::now();
        slot.raise = false;
        self.save(nonce).await?;
        self.send(nonce);
        Ok(())
    }

    /// Fills the account nonce in the intent's place, so that later transactions can be mined.
    pub(super) async fn give_up(&mut self, nonce: u64, why: String) -> Result<(), AccountStopped> {
        let Some(slot) = self.book.get_mut(nonce) else { return Ok(()) };
        if slot.stored.given_up.is_some() || slot.stored.intent.is_none() {
            slot.retry = true;
            return Ok(());
        }
        tracing::warn!(chain = self.chain.name(), nonce, why, "giving up an intent");
        slot.stored.given_up = Some(why);
        let offer = self.fees.offer(&self.chain.config().fees);
        let last = slot.stored.newest().map(|sibling| sibling.fees);
        let fees = last.and_then(|last| self.fees.bump(last, &self.chain.config().fees));
        let fees = fees.unwrap_or(offer);
        match self.sign(nonce, None, fees).await? {
            Some(sibling) => self.replace(nonce, sibling).await,
            None => {
                // It is raised later, which fills it.
                if let Some(slot) = self.book.get_mut(nonce) {
                    slot.raise = true;
                }
                Ok(())
            }
        }
    }
}

/// Hands the bytes to one endpoint after the other until one takes them; a chain takes them once. Each time
/// another endpoint comes first, for one may say that it took them and not pass them on. If none takes them: what
/// the first said that said anything.
async fn broadcast(chain: &EvmChain, raw: Bytes, turn: usize) -> SendVerdict {
    let mut refused = None;
    let mut endpoints: Vec<_> = by_trust(chain.endpoints()).map(|(_, endpoint)| endpoint).collect();
    let places = endpoints.len().max(1);
    endpoints.rotate_left(turn % places);
    for endpoint in endpoints {
        let answer = endpoint.ask::<_, B256>("eth_sendRawTransaction", (&raw,)).await;
        let verdict = send_verdict(answer);
        if matches!(verdict, SendVerdict::Accepted) {
            return verdict;
        }
        tracing::debug!(endpoint = endpoint.label(), ?verdict, "transaction not taken");
        let tells_more = refused.as_ref().is_none_or(|it| matches!(it, SendVerdict::Unsure(_)));
        if tells_more {
            refused = Some(verdict);
        }
    }
    refused.unwrap_or_else(|| SendVerdict::Unsure(RpcFault::Unreachable("no endpoint".to_owned())))
}
