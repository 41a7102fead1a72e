//! Looks for receipts, and keeps looking until they are final.

use alloy::primitives::{B256, Bytes, U64};
use serde_json::json;
use tokio::time::Instant;
use twinspan_bridge::finality::FinalityRule;
use twinspan_bridge::ids::{AccountNonce, BlockNumber, BlockRef};

use super::account::{Account, AccountStopped};
use super::book::Slot;
use super::intent::Outcome;
use super::store::TransactionStore;
use super::stored::TransactionState;
use crate::chain::Head;
use crate::evm::receipt::Receipt;
use crate::rpc::fault::RpcFault;

/// Looks in a row without any receipt of ours after which a used account nonce counts as a foreign transaction's. A
/// node may know the count before the receipt.
const FOREIGN_LOOKS: u32 = 3;
/// Heads between two looks whether included transactions are still there.
const RECHECK_HEADS: u64 = 4;
/// Heads between two looks at the chain's finality tag.
const FINALITY_HEADS: u64 = 8;
/// Settled transactions that are remembered, so that their intents are not sent twice.
const SETTLED_MAX: usize = 64;
/// Least time between two looks at the balance.
const BALANCE_EVERY: std::time::Duration = std::time::Duration::from_secs(60);

impl<S: TransactionStore> Account<S> {
    /// Looks for the receipts of what is pending. That is one call for a single transaction without siblings; otherwise
    /// one for the account, and some for each that is mined.
    pub(super) async fn check_pending(&mut self, by_count: bool) -> Result<(), AccountStopped> {
        let pending: Vec<_> =
            self.book.pending().map(|(nonce, slot)| (nonce, simple(slot))).collect();
        let found = match pending.as_slice() {
            [] => return Ok(()),
            [(nonce, Some(hash))] if !by_count => {
                let receipt = self.receipt(*hash).await;
                receipt.map(|receipt| vec![(*nonce, receipt)])
            }
            _ => self.receipts_by_count().await,
        };
        let found = match found {
            Ok(found) => found,
            Err(fault) => {
                tracing::debug!(chain = self.chain.name(), %fault, "no receipts");
                return Ok(());
            }
        };
        for (nonce, receipt) in found {
            if let Some(receipt) = receipt {
                self.include(nonce, receipt).await?;
            }
        }
        self.abandon_foreign().await
    }

    /// For every pending account nonce that is used up: the receipt of one of its siblings, if any.
    async fn receipts_by_count(&mut self) -> Result<Vec<(u64, Option<Receipt>)>, RpcFault> {
        let count = self.transaction_count("latest").await?;
        self.next = self.next.max(count);
        let used =
            self.book.nonces(|slot| slot.stored.is_pending() && slot.stored.nonce.get() < count);
        let mut found = Vec::with_capacity(used.len());
        for nonce in used {
            let receipt = self.receipt_of_any(nonce).await?;
            if let Some(slot) = self.book.get_mut(nonce) {
                slot.note_receipt(receipt.is_some(), Instant::now());
            }
            found.push((nonce, receipt));
        }
        Ok(found)
    }

    async fn receipt_of_any(&self, nonce: u64) -> Result<Option<Receipt>, RpcFault> {
        let Some(slot) = self.book.get(nonce) else { return Ok(None) };
        // The newest first: it pays most. At most `SIBLINGS_MAX`.
        for sibling in slot.stored.siblings.iter().rev() {
            if let Some(receipt) = self.receipt(sibling.hash).await? {
                return Ok(Some(receipt));
            }
        }
        Ok(None)
    }

    async fn receipt(&self, hash: B256) -> Result<Option<Receipt>, RpcFault> {
        let receipt: Option<Receipt> =
            self.chain.request("eth_getTransactionReceipt", (hash,)).await?;
        match receipt {
            Some(receipt) if receipt.transaction_hash != hash => {
                Err(RpcFault::Malformed("a receipt of another transaction".to_owned()))
            }
            other => Ok(other),
        }
    }

    /// Records that a transaction is in a block, and tells.
    async fn include(&mut self, nonce: u64, receipt: Receipt) -> Result<(), AccountStopped> {
        let block = block_of(&receipt);
        let Some(slot) = self.book.get(nonce) else { return Ok(()) };
        let of_filler = slot
            .stored
            .siblings
            .iter()
            .any(|sibling| sibling.hash == receipt.transaction_hash && sibling.fills);
        let before = slot.stored.outcome();
        let outcome = if of_filler {
            let why = slot.stored.given_up.clone();
            Outcome::Abandoned { reason: why.unwrap_or_else(|| "filled a gap".to_owned()) }
        } else {
            self.outcome_of(nonce, &receipt).await
        };
        tracing::info!(
            chain = self.chain.name(), nonce, transaction = %receipt.transaction_hash,
            block = %block.number, outcome = outcome.label(), "transaction included"
        );
        let Some(slot) = self.book.get_mut(nonce) else { return Ok(()) };
        let is_new = before.as_ref() != Some(&outcome);
        slot.missing = 0;
        slot.suspect = false;
        slot.waits_for = None;
        let instant = self.chain.config().finality == FinalityRule::Instant;
        slot.stored.state = match outcome {
            outcome if instant => TransactionState::Settled { outcome },
            outcome => TransactionState::Included { block, outcome },
        };
        self.save(nonce).await?;
        if is_new {
            self.conclude(nonce);
        }
        if self.balance_at.is_none_or(|at| at.elapsed() >= BALANCE_EVERY) {
            self.look_at_balance().await;
        }
        self.prune().await
    }

    async fn outcome_of(&self, nonce: u64, receipt: &Receipt) -> Outcome {
        let transaction = receipt.transaction_hash;
        let block = BlockNumber::new(receipt.block_number.get());
        let gas_used = receipt.gas_used.to();
        // Before Byzantium receipts had no status; no chain of ours is that old.
        if receipt.status.is_none_or(|status| !status.is_zero()) {
            return Outcome::Mined { transaction, block, gas_used };
        }
        let data = self.revert_data(nonce, block).await;
        Outcome::Reverted { transaction, block, gas_used, data }
    }

    /// Repeats the call at the block that refused it. Best effort: other transactions of that block may
    /// have changed what it meets.
    async fn revert_data(&self, nonce: u64, block: BlockNumber) -> Bytes {
        let Some(slot) = self.book.get(nonce) else { return Bytes::new() };
        let Some(intent) = &slot.stored.intent else { return Bytes::new() };
        let call = json!({
            "from": self.account.address,
            "to": intent.to,
            "input": intent.input,
            "gas": U64::from(intent.gas_limit),
        });
        match self.chain.request::<_, Bytes>("eth_call", (call, U64::from(block.get()))).await {
            Err(RpcFault::Reverted(data)) => data,
            Ok(_) | Err(_) => Bytes::new(),
        }
    }

    /// Abandons intents whose account nonce somebody else has used.
    async fn abandon_foreign(&mut self) -> Result<(), AccountStopped> {
        let lost =
            self.book.nonces(|slot| slot.stored.is_pending() && slot.missing >= FOREIGN_LOOKS);
        for nonce in lost {
            tracing::warn!(
                chain = self.chain.name(), account = %self.account.address, nonce,
                "an account nonce was used by a transaction that is not ours: who else has this key?"
            );
            let Some(slot) = self.book.get_mut(nonce) else { continue };
            let reason = "its account nonce was used by a transaction that is not ours".to_owned();
            slot.stored.state = TransactionState::Abandoned { reason };
            self.save(nonce).await?;
            self.conclude(nonce);
            if self.book.get(nonce).is_some_and(|slot| slot.stored.intent.is_none()) {
                self.forget(nonce).await?;
            }
        }
        Ok(())
    }

    /// Watches what is in a block until that block is final.
    pub(super) async fn check_included(
        &mut self,
        head: &Head,
        reorganised: bool,
    ) -> Result<(), AccountStopped> {
        let included = self.book.nonces(|slot| included_in(slot).is_some());
        if included.is_empty() {
            return Ok(());
        }
        let final_number = match self.final_number(head).await {
            Ok(number) => number,
            Err(fault) => {
                tracing::debug!(chain = self.chain.name(), %fault, "finality is not known");
                None
            }
        };
        let look_at_all = reorganised || self.heads_seen.is_multiple_of(RECHECK_HEADS);
        for nonce in included {
            let Some(block) = self.book.get(nonce).and_then(included_in) else { continue };
            let is_final = final_number.is_some_and(|number| block.number <= number);
            if is_final || look_at_all {
                self.recheck(nonce, block, is_final).await?;
            }
        }
        Ok(())
    }

    /// The newest final height, where it can be told now without asking too often.
    async fn final_number(&self, head: &Head) -> Result<Option<BlockNumber>, RpcFault> {
        let rule = self.chain.config().finality;
        match rule {
            FinalityRule::Instant | FinalityRule::Confirmations(_) => {
                Ok(rule.final_block(head.block.number, None))
            }
            FinalityRule::Finalized | FinalityRule::Safe => {
                if !self.heads_seen.is_multiple_of(FINALITY_HEADS) {
                    return Ok(None);
                }
                Ok(self.chain.final_block(head.block).await?.map(|block| block.number))
            }
        }
    }

    async fn recheck(
        &mut self,
        nonce: u64,
        block: BlockRef,
        is_final: bool,
    ) -> Result<(), AccountStopped> {
        // Without an answer nothing is known: the next look asks again.
        let Ok(receipt) = self.receipt_of_any(nonce).await else { return Ok(()) };
        match receipt {
            Some(receipt) if block_of(&receipt) == block => {
                if is_final {
                    self.settle(nonce).await?;
                }
                Ok(())
            }
            // The same transaction or a sibling, in another block.
            Some(receipt) => self.include(nonce, receipt).await,
            None => {
                tracing::warn!(
                    chain = self.chain.name(), nonce, block = %block.number,
                    "a reorganisation took a transaction back: sending it again"
                );
                let Some(slot) = self.book.get_mut(nonce) else { return Ok(()) };
                slot.stored.state = TransactionState::Pending;
                slot.priced_at = Instant::now();
                self.save(nonce).await?;
                self.send(nonce);
                Ok(())
            }
        }
    }

    async fn settle(&mut self, nonce: u64) -> Result<(), AccountStopped> {
        let Some(slot) = self.book.get_mut(nonce) else { return Ok(()) };
        let Some(outcome) = slot.stored.outcome() else { return Ok(()) };
        slot.stored.state = TransactionState::Settled { outcome };
        self.save(nonce).await?;
        self.prune().await
    }

    /// Forgets the oldest settled transactions past [`SETTLED_MAX`].
    async fn prune(&mut self) -> Result<(), AccountStopped> {
        let settled =
            self.book.nonces(|slot| matches!(slot.stored.state, TransactionState::Settled { .. }));
        let excess = settled.len().saturating_sub(SETTLED_MAX);
        for nonce in settled.into_iter().take(excess) {
            self.forget(nonce).await?;
        }
        Ok(())
    }

    async fn forget(&mut self, nonce: u64) -> Result<(), AccountStopped> {
        self.store.remove(self.account, AccountNonce::new(nonce)).await?;
        self.book.remove(nonce);
        Ok(())
    }
}

/// The only hash that a pending slot can be mined under, where asking for it says everything.
fn simple(slot: &Slot) -> Option<B256> {
    match slot.stored.siblings.as_slice() {
        [only] if !slot.suspect => Some(only.hash),
        _ => None,
    }
}

fn included_in(slot: &Slot) -> Option<BlockRef> {
    match &slot.stored.state {
        TransactionState::Included { block, .. } => Some(*block),
        TransactionState::Pending
        | TransactionState::Settled { .. }
        | TransactionState::Abandoned { .. } => None,
    }
}

fn block_of(receipt: &Receipt) -> BlockRef {
    BlockRef { number: BlockNumber::new(receipt.block_number.get()), hash: receipt.block_hash }
}
