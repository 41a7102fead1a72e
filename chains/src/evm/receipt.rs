//! The receipt of a transaction: what its chain made of it.

use alloy::primitives::{B256, U64};
use serde::Deserialize;

use crate::rpc::quantity::Quantity;

/// A transaction's receipt, as far as we read it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Receipt {
    pub(crate) transaction_hash: B256,
    pub(crate) block_hash: B256,
    pub(crate) block_number: Quantity,
    #[serde(default)]
    pub(crate) status: Option<U64>,
    pub(crate) gas_used: U64,
}
