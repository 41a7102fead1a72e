//! The newest block of a chain, and the fields of a header that we read.

use alloy::primitives::{B256, U64, U128};
use serde::Deserialize;
use twinspan_bridge::ids::{BlockNumber, BlockRef};

use crate::rpc::quantity::Quantity;

/// The newest block of a chain, with what its header says about fees and time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The block.
    pub block: BlockRef,
    /// The hash of the block before it.
    pub parent: B256,
    /// When it was made, in seconds of Unix time.
    pub timestamp: u64,
    /// Base fee in wei per gas (EIP-1559); `None` where the chain has none.
    pub base_fee: Option<u128>,
    /// Most gas that a block holds.
    pub gas_limit: u64,
}

/// The fields of a JSON-RPC block header that we read.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Header {
    number: Quantity,
    hash: B256,
    parent_hash: B256,
    timestamp: Quantity,
    #[serde(default)]
    base_fee_per_gas: Option<U128>,
    gas_limit: U64,
}

impl From<Header> for Head {
    fn from(header: Header) -> Self {
        Self {
            block: BlockRef { number: BlockNumber::new(header.number.get()), hash: header.hash },
            parent: header.parent_hash,
            timestamp: header.timestamp.get(),
            base_fee: header.base_fee_per_gas.map(|fee| fee.to()),
            gas_limit: header.gas_limit.to(),
        }
    }
}
