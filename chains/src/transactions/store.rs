//! Keeps transactions, behind a trait, so that this crate knows no database.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use twinspan_bridge::ids::AccountNonce;

use super::stored::{AccountKey, StoredTransaction};

/// The store failed. The account stops: it must not broadcast what it could not record.
#[derive(Debug, thiserror::Error)]
#[error("the transaction store failed")]
pub struct StoreFault(#[source] pub Box<dyn std::error::Error + Send + Sync>);

impl StoreFault {
    /// A fault told by a text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }
}

/// A durable map from (account, account nonce) to transaction.
pub trait TransactionStore: Send + Sync + 'static {
    /// Everything stored of an account, by ascending account nonce.
    fn load(
        &self,
        account: AccountKey,
    ) -> impl Future<Output = Result<Vec<StoredTransaction>, StoreFault>> + Send;

    /// Inserts or replaces the entry at the transaction's account nonce. Durable when the future resolves.
    fn save(
        &self,
        account: AccountKey,
        transaction: &StoredTransaction,
    ) -> impl Future<Output = Result<(), StoreFault>> + Send;

    /// Removes an entry; nothing happens if there is none.
    fn remove(
        &self,
        account: AccountKey,
        nonce: AccountNonce,
    ) -> impl Future<Output = Result<(), StoreFault>> + Send;
}

impl<S: TransactionStore> TransactionStore for Arc<S> {
    fn load(
        &self,
        account: AccountKey,
    ) -> impl Future<Output = Result<Vec<StoredTransaction>, StoreFault>> + Send {
        S::load(self, account)
    }

    fn save(
        &self,
        account: AccountKey,
        transaction: &StoredTransaction,
    ) -> impl Future<Output = Result<(), StoreFault>> + Send {
        S::save(self, account, transaction)
    }

    fn remove(
        &self,
        account: AccountKey,
        nonce: AccountNonce,
    ) -> impl Future<Output = Result<(), StoreFault>> + Send {
        S::remove(self, account, nonce)
    }
}

/// Keeps transactions in memory: for tests and one-shot tools. Nothing of it survives a restart.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<BTreeMap<(AccountKey, AccountNonce), StoredTransaction>>);

impl TransactionStore for MemoryStore {
    async fn load(&self, account: AccountKey) -> Result<Vec<StoredTransaction>, StoreFault> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_account = kept.iter().filter(|((of, _), _)| *of == account);
        Ok(of_account.map(|(_, transaction)| transaction.clone()).collect())
    }

    async fn save(
        &self,
        account: AccountKey,
        transaction: &StoredTransaction,
    ) -> Result<(), StoreFault> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert((account, transaction.nonce), transaction.clone());
        Ok(())
    }

    async fn remove(&self, account: AccountKey, nonce: AccountNonce) -> Result<(), StoreFault> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&(account, nonce));
        Ok(())
    }
}
