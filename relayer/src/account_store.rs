//! Keeps the accounts' transactions in the relayer's store.

use twinspan_bridge::ids::{AccountNonce, BlockNumber, BlockRef};
use twinspan_chains::transactions::{
    AccountKey, Fees, Intent, IntentId, Outcome, Sibling, StoreFault, StoredTransaction,
    TransactionState, TransactionStore,
};
use twinspan_store::{
    Account, BlockRow, FeesRow, IntentRow, OutcomeRow, Reader, SiblingRow, StateRow, Store,
    StoreError, TransactionRow, Write,
};

/// The transactions of every account, in the relayer's store.
#[derive(Clone, Debug)]
pub(crate) struct AccountStore(pub Store);

impl TransactionStore for AccountStore {
    async fn load(&self, account: AccountKey) -> Result<Vec<StoredTransaction>, StoreFault> {
        transactions(self.0.reader(), account).map_err(fault)
    }

    async fn save(
        &self,
        account: AccountKey,
        transaction: &StoredTransaction,
    ) -> Result<(), StoreFault> {
        let write = Write::Transaction(key(account), Box::new(row(transaction)));
        self.0.commit(vec![write]).await.map_err(fault)
    }

    async fn remove(&self, account: AccountKey, nonce: AccountNonce) -> Result<(), StoreFault> {
        let write = Write::TransactionGone(key(account), nonce);
        self.0.commit(vec![write]).await.map_err(fault)
    }
}

/// The unfinished and the lately finished transactions of an account, by account nonce.
///
/// # Errors
/// [`StoreError`].
pub(crate) fn transactions(
    reader: &Reader,
    account: AccountKey,
) -> Result<Vec<StoredTransaction>, StoreError> {
    Ok(reader.transactions(key(account))?.into_iter().map(stored).collect())
}

fn fault(error: StoreError) -> StoreFault {
    StoreFault(Box::new(error))
}

fn key(AccountKey { chain_id, address }: AccountKey) -> Account {
    Account { chain_id, address }
}

fn row(stored: &StoredTransaction) -> TransactionRow {
    let StoredTransaction { nonce, intent, siblings, state, given_up, created_at } = stored.clone();
    TransactionRow {
        nonce: nonce.get(),
        intent: intent.map(intent_row),
        siblings: siblings.into_iter().map(sibling_row).collect(),
        state: state_row(state),
        given_up,
        created_at,
    }
}

fn stored(row: TransactionRow) -> StoredTransaction {
    let TransactionRow { nonce, intent, siblings, state, given_up, created_at } = row;
    StoredTransaction {
        nonce: AccountNonce::new(nonce),
        intent: intent.map(intent_of),
        siblings: siblings.into_iter().map(sibling_of).collect(),
        state: state_of(state),
        given_up,
        created_at,
    }
}

/// The time when its cause became known is not stored: a restart does not count.
fn intent_row(intent: Intent) -> IntentRow {
    let Intent { id: IntentId(id), to, input, gas_limit, label, since: _ } = intent;
    IntentRow { id, to, input, gas_limit, label }
}

fn intent_of(row: IntentRow) -> Intent {
    let IntentRow { id, to, input, gas_limit, label } = row;
    Intent { id: IntentId(id), to, input, gas_limit, label, since: None }
}

fn sibling_row(Sibling { raw, hash, fees, fills }: Sibling) -> SiblingRow {
    let fees = match fees {
        Fees::Dynamic { max_fee, tip } => FeesRow::Dynamic { max_fee, tip },
        Fees::Legacy { gas_price } => FeesRow::Legacy { gas_price },
    };
    SiblingRow { raw, hash, fees, fills }
}

fn sibling_of(SiblingRow { raw, hash, fees, fills }: SiblingRow) -> Sibling {
    let fees = match fees {
        FeesRow::Dynamic { max_fee, tip } => Fees::Dynamic { max_fee, tip },
        FeesRow::Legacy { gas_price } => Fees::Legacy { gas_price },
    };
    Sibling { raw, hash, fees, fills }
}

fn state_row(state: TransactionState) -> StateRow {
    match state {
        TransactionState::Pending => StateRow::Pending,
        TransactionState::Included { block: BlockRef { number, hash }, outcome } => {
            let block = BlockRow { number: number.get(), hash };
            StateRow::Included { block, outcome: outcome_row(outcome) }
        }
        TransactionState::Settled { outcome } => {
            StateRow::Settled { outcome: outcome_row(outcome) }
        }
        TransactionState::Abandoned { reason } => StateRow::Abandoned { reason },
    }
}

fn state_of(row: StateRow) -> TransactionState {
    match row {
        StateRow::Pending => TransactionState::Pending,
        StateRow::Included { block: BlockRow { number, hash }, outcome } => {
            let block = BlockRef { number: BlockNumber::new(number), hash };
            TransactionState::Included { block, outcome: outcome_of(outcome) }
        }
        StateRow::Settled { outcome } => TransactionState::Settled { outcome: outcome_of(outcome) },
        StateRow::Abandoned { reason } => TransactionState::Abandoned { reason },
    }
}

fn outcome_row(outcome: Outcome) -> OutcomeRow {
    match outcome {
        Outcome::Mined { transaction, block, gas_used } => {
            OutcomeRow::Mined { transaction, block: block.get(), gas_used }
        }
        Outcome::Reverted { transaction, block, gas_used, data } => {
            OutcomeRow::Reverted { transaction, block: block.get(), gas_used, data }
        }
        Outcome::Abandoned { reason } => OutcomeRow::Abandoned { reason },
    }
}

fn outcome_of(row: OutcomeRow) -> Outcome {
    match row {
        OutcomeRow::Mined { transaction, block, gas_used } => {
            Outcome::Mined { transaction, block: BlockNumber::new(block), gas_used }
        }
        OutcomeRow::Reverted { transaction, block, gas_used, data } => {
            Outcome::Reverted { transaction, block: BlockNumber::new(block), gas_used, data }
        }
        OutcomeRow::Abandoned { reason } => Outcome::Abandoned { reason },
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{Address, B256, Bytes};
    use twinspan_bridge::ids::ChainId;
    use twinspan_store::{Deployment, Memory};

    use super::*;

    fn states() -> Vec<TransactionState> {
        let block = BlockRef { number: BlockNumber::new(9), hash: B256::repeat_byte(9) };
        let (transaction, gas_used) = (B256::repeat_byte(1), 21_000);
        let mined = Outcome::Mined { transaction, block: block.number, gas_used };
        let data = Bytes::from_static(&[1, 2, 3]);
        let reverted = Outcome::Reverted { transaction, block: block.number, gas_used, data };
        let abandoned = Outcome::Abandoned { reason: "cancelled".to_owned() };
        vec![
            TransactionState::Pending,
            TransactionState::Included { block, outcome: mined },
            TransactionState::Settled { outcome: reverted },
            TransactionState::Settled { outcome: abandoned },
            TransactionState::Abandoned { reason: "used by another".to_owned() },
        ]
    }

    fn transaction(nonce: u64, state: TransactionState) -> StoredTransaction {
        let sibling = |fees, fills| Sibling {
            raw: Bytes::from_static(&[2, 0xf8]),
            hash: B256::repeat_byte(2),
            fees,
            fills,
        };
        StoredTransaction {
            nonce: AccountNonce::new(nonce),
            intent: (nonce != 0).then(|| Intent {
                id: IntentId(B256::repeat_byte(3)),
                to: Address::repeat_byte(4),
                input: Bytes::from_static(&[5]),
                gas_limit: 6,
                label: "batch".to_owned(),
                since: None,
            }),
            siblings: vec![
                sibling(Fees::Dynamic { max_fee: u128::MAX, tip: 7 }, false),
                sibling(Fees::Legacy { gas_price: 8 }, true),
            ],
            state,
            given_up: (nonce != 0).then(|| "dropped".to_owned()),
            created_at: 10,
        }
    }

    #[tokio::test]
    async fn a_transaction_in_any_state_reads_back_until_it_is_removed() {
        let (store, writer) =
            Store::in_memory(&Memory::new(), &Deployment::default()).expect("opened");
        let store = AccountStore(store);
        let account = AccountKey { chain_id: ChainId::new(1), address: Address::repeat_byte(1) };
        let mut all: Vec<_> =
            states().into_iter().zip(0..).map(|(state, nonce)| transaction(nonce, state)).collect();
        let work = async move {
            for stored in &all {
                store.save(account, stored).await.expect("saved");
            }
            assert_eq!(store.load(account).await.expect("loaded"), all);
            let other = AccountKey { chain_id: ChainId::new(2), ..account };
            assert_eq!(store.load(other).await.expect("loaded"), []);
            let first = all.remove(0);
            store.remove(account, first.nonce).await.expect("removed");
            assert_eq!(store.load(account).await.expect("loaded"), all);
        };
        let (written, ()) = tokio::join!(writer.run(), work);
        written.expect("the writer ends well");
    }
}
