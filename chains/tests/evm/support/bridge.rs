//! Answers of a scripted node about a bridge.

use std::ops::RangeInclusive;

use alloy::primitives::{Address, B256, Bytes, U64, U256, hex, keccak256};
use alloy::sol_types::{SolCall, SolEvent};
use serde_json::{Value, json};
use twinspan_bridge::ids::{BlockNumber, BlockRef};
use twinspan_contracts::abi::Bridge;

use super::wire::Answer;

/// The chain's id.
pub const CHAIN_ID: u64 = 9;
/// The bridge.
pub const BRIDGE: Address = Address::repeat_byte(0xb1);
/// Somebody else.
pub const OTHER: Address = Address::repeat_byte(0xb2);

/// The newest block.
pub const NEWEST: BlockRef = BlockRef { number: BlockNumber::new(20), hash: B256::repeat_byte(20) };

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

/// The answers that no test is about. `NEWEST` is the newest block; the lanes stand at 3 and 5.
pub fn basics(method: &str, params: &Value) -> Answer {
    let result = match method {
        "eth_chainId" => json!(U64::from(CHAIN_ID)),
        "eth_blockNumber" => json!(U64::from(NEWEST.number.get())),
        "eth_getBlockByNumber" => header(NEWEST.number.get(), NEWEST.hash),
        "eth_call" => return call(params),
        _ => return Answer::Error(-32601, format!("no method {method}")),
    };
    Answer::Result(result)
}

fn call(params: &Value) -> Answer {
    let input = params[0]["input"].as_str().unwrap_or_default();
    let selector = |selector: [u8; 4]| input.starts_with(&hex::encode_prefixed(selector));
    if selector(Bridge::positionsCall::SELECTOR) {
        return Answer::Result(json!(hex::encode_prefixed(stood_at(3, 5))));
    }
    if selector(Bridge::counterpartChainIdCall::SELECTOR) {
        let output = Bridge::counterpartChainIdCall::abi_encode_returns(&U256::from(10));
        return Answer::Result(json!(hex::encode_prefixed(output)));
    }
    if selector(Bridge::counterpartBridgeCall::SELECTOR) {
        let output = Bridge::counterpartBridgeCall::abi_encode_returns(&OTHER);
        return Answer::Result(json!(hex::encode_prefixed(output)));
    }
    Answer::Error(3, "execution reverted".to_owned())
}

/// The answer of `positions` after so many requests made here and so many handed over.
pub fn stood_at(outgoing: u64, incoming: u64) -> Vec<u8> {
    Bridge::positionsCall::abi_encode_returns(&Bridge::positionsReturn {
        outgoing: Bridge::LanePosition { count: outgoing, head: B256::repeat_byte(1) },
        incoming: Bridge::LanePosition { count: incoming, head: B256::repeat_byte(2) },
        epoch: 1,
        pausedUntil: 0,
    })
}
