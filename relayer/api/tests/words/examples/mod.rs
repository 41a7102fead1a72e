//! An example of each answer: every variant, and every optional value both known and unknown.

mod operator;
mod status;
mod transfer;

use alloy_primitives::{Address, B256};
use twinspan_api::transfer::AsOf;
use twinspan_api::{ApiError, ErrorCode};

pub(crate) use operator::{decision, done, lanes, pending, resume, transactions};
pub(crate) use status::{holds, status, status_starting};
pub(crate) use transfer::{transfer_known, transfer_observed, transfer_returned, transfers};

/// A chain id that JavaScript's numbers cannot hold.
const CHAIN: u64 = 9_007_199_254_740_993;

fn address(n: u8) -> Address {
    Address::repeat_byte(n)
}

fn hash(n: u8) -> B256 {
    B256::repeat_byte(n)
}

const fn as_of() -> AsOf {
    AsOf { chain_id: CHAIN, block: 1_400_000 }
}

pub(crate) fn errors() -> Vec<ApiError> {
    vec![
        ApiError::new(ErrorCode::Malformed, "want ?transaction=0x…"),
        ApiError::new(ErrorCode::UnknownTransfer, "no such request").as_of(as_of()),
        ApiError::new(ErrorCode::Busy, "too many connections").or("ask again"),
    ]
}
