//! Keeps the transaction engines' transactions in the store.

use twinspan_bridge::ids::AccountNonce;
use twinspan_chains::transactions::{AccountKey, StoreFault, StoredTransaction, TransactionStore};

use super::{Store, StoreError, Write};

/// The transactions of every account, in the relayer's store.
#[derive(Clone, Debug)]
pub struct AccountStore(pub Store);

impl TransactionStore for AccountStore {
    async fn load(&self, account: AccountKey) -> Result<Vec<StoredTransaction>, StoreFault> {
        self.0.reader().transactions(account).map_err(fault)
    }

    async fn save(
        &self,
        account: AccountKey,
        transaction: &StoredTransaction,
    ) -> Result<(), StoreFault> {
        let write = Write::Transaction(account, Box::new(transaction.clone()));
        self.0.commit(vec![write]).await.map_err(fault)
    }

    async fn remove(&self, account: AccountKey, nonce: AccountNonce) -> Result<(), StoreFault> {
        self.0.commit(vec![Write::TransactionGone(account, nonce)]).await.map_err(fault)
    }
}

fn fault(error: StoreError) -> StoreFault {
    StoreFault(Box::new(error))
}
