//! Closes gaps among the account nonces, which would hold back everything after them.

use super::account::{Account, AccountStopped};
use super::store::TransactionStore;

/// Most account nonces that one repair looks at; the next repair goes on from there.
const GAP_MAX: u64 = 64;

impl<S: TransactionStore> Account<S> {
    /// Broadcasts again what is recorded below our next account nonce, and fills the gaps. An account nonce without a
    /// transaction anywhere is used up by a transfer of 0 to ourselves.
    pub(super) async fn repair_gaps(&mut self) -> Result<(), AccountStopped> {
        let counts = async {
            let latest = self.transaction_count("latest").await?;
            let pending = self.transaction_count("pending").await.unwrap_or(latest);
            Ok::<_, crate::RpcFault>((latest, pending))
        };
        let (latest, in_pool) = match counts.await {
            Ok(counts) => counts,
            Err(fault) => {
                tracing::debug!(chain = self.chain.name(), %fault, "gaps are not known");
                return Ok(());
            }
        };
        // Below `in_pool` somebody's transaction waits already, ours or not.
        for nonce in latest..self.next.min(latest.saturating_add(GAP_MAX)) {
            match self.book.get(nonce) {
                Some(slot) if slot.sending => {}
                Some(slot) if slot.stored.is_pending() => self.send(nonce),
                // Mined by an account that this node does not know yet: the recheck decides.
                Some(_) => {}
                None if nonce < in_pool => {}
                None => self.fill(nonce).await?,
            }
        }
        Ok(())
    }

    async fn fill(&mut self, nonce: u64) -> Result<(), AccountStopped> {
        tracing::warn!(
            chain = self.chain.name(), account = %self.account.address, nonce,
            "filling a gap among the account nonces"
        );
        let fees = self.fees.offer(&self.chain.config().fees);
        match self.sign(nonce, None, fees).await? {
            Some(sibling) => self.open(nonce, None, sibling).await,
            // The gap stays, and the next answer that names it repairs it.
            None => Ok(()),
        }
    }
}
