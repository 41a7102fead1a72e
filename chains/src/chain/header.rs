//! The newest block of a chain, and the fields of a header that we read.

use alloy::primitives::{B256, U64, U128};
use serde::Deserialize;
use twinspan_bridge::ids::{BlockNumber, BlockRef};

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
#[derive(Debug, Clone, Deserialize, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Header {
    number: U64,
    hash: B256,
    parent_hash: B256,
    timestamp: U64,
    #[serde(default)]
    base_fee_per_gas: Option<U128>,
    gas_limit: U64,
}

impl From<Header> for Head {
    fn from(header: Header) -> Self {
        Self {
            block: BlockRef { number: BlockNumber::new(header.number.to()), hash: header.hash },
            parent: header.parent_hash,
            timestamp: header.timestamp.to(),
            base_fee: header.base_fee_per_gas.map(|fee| fee.to()),
            gas_limit: header.gas_limit.to(),
        }
    }
}
