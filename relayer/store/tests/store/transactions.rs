//! A transaction in every state.

use alloy_primitives::{Address, B256, Bytes};
use twinspan_bridge::ids::ChainId;
use twinspan_store::{
    Account, BlockRow, FeesRow, IntentRow, OutcomeRow, SiblingRow, StateRow, TransactionRow,
};

/// The account that has [`transactions`].
pub(crate) fn account() -> Account {
    Account { chain_id: ChainId::new(31_337), address: Address::repeat_byte(0x77) }
}

/// The same address on the other chain, which has the first of them.
pub(crate) fn elsewhere() -> Account {
    Account { chain_id: ChainId::new(31_338), ..account() }
}

fn intent(n: u8) -> IntentRow {
    IntentRow {
        id: B256::repeat_byte(n),
        to: Address::repeat_byte(n),
        input: Bytes::from(vec![n; 5]),
        gas_limit: 1_000_000 + u64::from(n),
        label: format!("batch {n}: Ωμέγα"),
    }
}

fn sibling(n: u8, fees: FeesRow, fills: bool) -> SiblingRow {
    SiblingRow { raw: Bytes::from(vec![n; 120]), hash: B256::repeat_byte(n), fees, fills }
}

fn row(
    nonce: u64,
    intent: Option<IntentRow>,
    siblings: Vec<SiblingRow>,
    state: StateRow,
    given_up: Option<&str>,
) -> TransactionRow {
    let given_up = given_up.map(Into::into);
    let created_at = 1_760_000_000_u64.wrapping_add(nonce);
    TransactionRow { nonce, intent, siblings, state, given_up, created_at }
}

/// By account nonce.
pub(crate) fn transactions() -> Vec<TransactionRow> {
    let dynamic = FeesRow::Dynamic { max_fee: u128::MAX, tip: 1_000_000_000 };
    let legacy = FeesRow::Legacy { gas_price: 25_000_000_000 };
    let block = BlockRow { number: 9_000, hash: B256::repeat_byte(0x90) };
    let mined =
        OutcomeRow::Mined { transaction: B256::repeat_byte(3), block: 9_000, gas_used: 123_456 };
    let reverted = OutcomeRow::Reverted {
        transaction: B256::repeat_byte(4),
        block: 9_001,
        gas_used: 21_000,
        data: Bytes::from(vec![0xde, 0xad]),
    };
    let abandoned = OutcomeRow::Abandoned { reason: "its gap was filled".into() };
    let replaced = vec![sibling(1, dynamic, false), sibling(2, legacy, true)];
    let one = |n, fees| vec![sibling(n, fees, false)];
    let filler = |n| vec![sibling(n, legacy, true)];
    let included = |outcome| StateRow::Included { block, outcome };
    let settled = |outcome| StateRow::Settled { outcome };
    let used = StateRow::Abandoned { reason: "used by another".into() };
    vec![
        row(0, None, vec![], StateRow::Pending, None),
        row(1, Some(intent(1)), replaced, StateRow::Pending, Some("dropped by the operator")),
        row(2, Some(intent(2)), one(3, dynamic), included(mined.clone()), None),
        row(3, Some(intent(3)), one(4, legacy), included(reverted.clone()), None),
        row(4, Some(intent(4)), one(3, dynamic), settled(mined), None),
        row(5, Some(intent(5)), one(4, legacy), settled(reverted), None),
        row(6, Some(intent(6)), filler(5), settled(abandoned), Some("impossible")),
        row(u64::MAX, None, filler(6), used, None),
    ]
}
