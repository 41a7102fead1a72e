//! What a scripted node says of a bridge.

use std::ops::RangeInclusive;

use alloy::primitives::{Address, B256, Bytes, U64, U256, keccak256};
use alloy::sol_types::SolEvent;
use serde_json::{Value, json};
use twinspan_contracts::abi::Bridge;

/// The chain's id.
pub const CHAIN_ID: u64 = 9;
/// The bridge.
pub const BRIDGE: Address = Address::repeat_byte(0xb1);
/// Somebody else.
pub const OTHER: Address = Address::repeat_byte(0xb2);

/// A header as a node shows it.
pub fn header(number: u64, hash: B256) -> Value {
    json!({
        "number": U64::from(number), "hash": hash, "parentHash": B256::ZERO,
        "timestamp": "0x1", "gasLimit": "0x1c9c380", "baseFeePerGas": null,
    })
}

/// The block numbers that an `eth_getLogs` asks about; `last` where it names that block by its hash.
pub fn asked(params: &Value, last: u64) -> RangeInclusive<u64> {
    let bound = |name: &str| number(&params[0][name]).unwrap_or(last);
    bound("fromBlock")..=bound("toBlock")
}

/// A quantity, if it is one.
pub fn number(value: &Value) -> Option<u64> {
    let number: Option<U64> = serde_json::from_value(value.clone()).ok()?;
    Some(number?.to())
}

/// A request of a token, without its place in a head.
pub fn requested(nonce: u64) -> Bridge::ValueTransferRequested {
    Bridge::ValueTransferRequested {
        nonce,
        sender: Address::repeat_byte(1),
        recipient: Address::repeat_byte(2),
        kind: 2,
        token: Address::repeat_byte(3),
        counterpartToken: Address::repeat_byte(4),
        amount: U256::from(1_000),
        payload: Bytes::from_static(&[7; 33]),
        head: B256::repeat_byte(9),
    }
}

/// A handover.
pub fn handed_over(nonce: u64) -> Bridge::HandedOver {
    Bridge::HandedOver { nonce, recipient: OTHER, amount: U256::from(1) }
}

/// The event as a node shows it, in a block whose hash repeats its number.
pub fn log(event: &impl SolEvent, block: u64, index: u64) -> Value {
    let data = event.encode_log_data();
    json!({
        "address": BRIDGE,
        "topics": data.topics(),
        "data": data.data,
        "blockNumber": U64::from(block),
        "blockHash": B256::repeat_byte(block as u8),
        "transactionHash": keccak256([index as u8]),
        "logIndex": U64::from(index),
        "removed": false,
    })
}
