//! Lies that a node can tell over JSON-RPC.
#![expect(clippy::wildcard_enum_match_arm, reason = "a lie is about one kind of answer")]

use alloy::primitives::{B256, Bytes, U64, keccak256};
use serde_json::{Value, json};

/// A lie of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// There are no logs.
    NoLogs,
    /// The last log is left out.
    FewerLogs,
    /// Another amount.
    ForgedLogs,
    /// The last log once more, in the next place.
    InventedLog,
    /// Each log twice.
    LogsTwice,
    /// Back to front, which is no lie but no order either.
    LogsReversed,
    /// Of a block that is not this one.
    LogsOfAnotherFork,
    /// Of a contract that looks alike.
    LogsOfAnotherContract,
    /// Taken back.
    RemovedLogs,
    /// In no block yet.
    PendingLogs,
    /// The chain has stood still since the lie began.
    StaleHead,
    /// The chain is a thousand blocks longer.
    AheadHead,
    /// The newest block is final.
    FinalizedAhead,
    /// Each block has another hash.
    OtherBlocks,
    /// Each block has another state root.
    OtherStateRoots,
    /// It is another chain.
    OtherChain,
    /// Contracts answer something else.
    ForgedCalls,
    /// Slots hold something else.
    ForgedProofs,
    /// It knows no block.
    UnknownBlocks,
    /// It fails, with status 200.
    Errors,
    /// It answers null.
    Nulls,
    /// No transaction has a receipt.
    NoReceipts,
    /// Every transaction reverted.
    FailedReceipts,
    /// It answers another question.
    WrongId,
    /// It answers a million brackets.
    Nested,
    /// Gas costs a fortune.
    AbsurdFees,
    /// No transaction fits into its blocks.
    TinyBlocks,
    /// The account has sent nothing yet.
    NonceBehind,
    /// The account has sent more.
    NonceAhead,
    /// It takes transactions and drops them.
    Swallows,
    /// It says of each transaction that its nonce is used.
    NonceTooLow,
    /// It is asked too often.
    RateLimited,
}

impl Lie {
    /// All of them.
    pub const ALL: [Self; 32] = [
        Self::NoLogs,
        Self::FewerLogs,
        Self::ForgedLogs,
        Self::InventedLog,
        Self::LogsTwice,
        Self::LogsReversed,
        Self::LogsOfAnotherFork,
        Self::LogsOfAnotherContract,
        Self::RemovedLogs,
        Self::PendingLogs,
        Self::StaleHead,
        Self::AheadHead,
        Self::FinalizedAhead,
        Self::OtherBlocks,
        Self::OtherStateRoots,
        Self::OtherChain,
        Self::ForgedCalls,
        Self::ForgedProofs,
        Self::UnknownBlocks,
        Self::Errors,
        Self::Nulls,
        Self::NoReceipts,
        Self::FailedReceipts,
        Self::WrongId,
        Self::Nested,
        Self::AbsurdFees,
        Self::TinyBlocks,
        Self::NonceBehind,
        Self::NonceAhead,
        Self::Swallows,
        Self::NonceTooLow,
        Self::RateLimited,
    ];
}

/// How deep [`Lie::Nested`] is.
const DEPTH: usize = 1_000_000;

/// The number in a JSON-RPC quantity.
#[must_use]
pub fn number(value: &Value) -> Option<u64> {
    u64::from_str_radix(value.as_str()?.strip_prefix("0x")?, 16).ok()
}

/// An answer that needs no node, as `result` or `error`.
pub(super) fn invent(lie: Lie, question: &Value, since: u64) -> Option<Value> {
    let method = question["method"].as_str().unwrap_or_default();
    let of_blocks = matches!(
        method,
        "eth_call" | "eth_getLogs" | "eth_getBlockByNumber" | "eth_getProof" | "eth_blockNumber"
    );
    let error = |code: i64, message: &str| json!({ "error": { "code": code, "message": message } });
    let is_sent = method == "eth_sendRawTransaction";
    match lie {
        Lie::StaleHead if method == "eth_blockNumber" => {
            Some(json!({ "result": U64::from(since) }))
        }
        Lie::UnknownBlocks if of_blocks => Some(error(-32_000, "header not found")),
        Lie::Errors => Some(error(-32_603, "internal error")),
        Lie::RateLimited => Some(error(-32_005, "too many requests")),
        Lie::Nulls => Some(json!({ "result": null })),
        Lie::NoReceipts if method == "eth_getTransactionReceipt" => Some(json!({ "result": null })),
        Lie::NonceTooLow if is_sent => Some(error(-32_000, "nonce too low")),
        Lie::Swallows if is_sent => {
            let raw: Bytes = serde_json::from_value(question["params"][0].clone()).ok()?;
            Some(json!({ "result": keccak256(raw) }))
        }
        Lie::NonceBehind if method == "eth_getTransactionCount" => Some(json!({ "result": "0x0" })),
        Lie::AbsurdFees if matches!(method, "eth_gasPrice" | "eth_maxPriorityFeePerGas") => {
            Some(json!({ "result": "0x16345785d8a0000" }))
        }
        _ => None,
    }
}

/// Asks the node something else than was asked.
pub(super) fn ask_otherwise(lie: Lie, question: &mut Value, since: u64) {
    if question["method"] != "eth_getBlockByNumber" {
        return;
    }
    let tag = question["params"][0].as_str().unwrap_or_default().to_owned();
    let is_tag = matches!(tag.as_str(), "latest" | "finalized" | "safe");
    match lie {
        Lie::StaleHead if is_tag => question["params"][0] = json!(U64::from(since)),
        Lie::FinalizedAhead if is_tag => question["params"][0] = json!("latest"),
        _ => {}
    }
}

/// Makes a lie of what the node said.
pub(super) fn bend(lie: Lie, question: &Value, answer: &mut Value) {
    if lie == Lie::WrongId {
        answer["id"] = json!(0xffff);
        return;
    }
    let Some(result) = answer.get_mut("result") else { return };
    match question["method"].as_str().unwrap_or_default() {
        "eth_getLogs" => bend_logs(lie, result),
        "eth_getBlockByNumber" if result.is_object() => bend_block(lie, question, result),
        "eth_chainId" if lie == Lie::OtherChain => *result = json!("0x1"),
        "eth_call" if lie == Lie::ForgedCalls => *result = json!(flipped(result)),
        "eth_getProof" if lie == Lie::ForgedProofs => {
            result["storageProof"][0]["value"] = json!("0x99");
        }
        "eth_blockNumber" if lie == Lie::AheadHead => {
            *result = json!(number(result).map(|number| U64::from(number + 1_000)));
        }
        "eth_getTransactionCount" if lie == Lie::NonceAhead => {
            *result = json!(number(result).map(|number| U64::from(number + 5)));
        }
        "eth_getTransactionReceipt" if lie == Lie::FailedReceipts && result.is_object() => {
            result["status"] = json!("0x0");
        }
        _ => {}
    }
}

fn bend_block(lie: Lie, question: &Value, block: &mut Value) {
    match lie {
        Lie::AheadHead if question["params"][0] == "latest" => {
            block["number"] = json!(number(&block["number"]).map(|it| U64::from(it + 1_000)));
            block["hash"] = json!(B256::repeat_byte(0xaa));
        }
        Lie::OtherBlocks => block["hash"] = json!(keccak256(block["hash"].to_string())),
        Lie::OtherStateRoots => block["stateRoot"] = json!(B256::repeat_byte(0xaa)),
        Lie::AbsurdFees if block.get("baseFeePerGas").is_some() => {
            block["baseFeePerGas"] = json!("0x16345785d8a0000");
        }
        Lie::TinyBlocks => block["gasLimit"] = json!("0x1"),
        _ => {}
    }
}

fn bend_logs(lie: Lie, result: &mut Value) {
    let Some(logs) = result.as_array_mut() else { return };
    match lie {
        Lie::NoLogs => logs.clear(),
        Lie::FewerLogs => drop(logs.pop()),
        Lie::LogsReversed => logs.reverse(),
        Lie::LogsTwice => logs.extend(logs.clone()),
        Lie::InventedLog => {
            if let Some(mut log) = logs.last().cloned() {
                log["logIndex"] = json!(number(&log["logIndex"]).map(|it| U64::from(it + 1)));
                logs.push(log);
            }
        }
        _ => {
            for log in logs {
                match lie {
                    Lie::ForgedLogs => log["data"] = json!(flipped(&log["data"])),
                    Lie::LogsOfAnotherFork => log["blockHash"] = json!(B256::repeat_byte(0xaa)),
                    Lie::LogsOfAnotherContract => {
                        log["address"] = json!(alloy::primitives::Address::repeat_byte(0xaa));
                    }
                    Lie::RemovedLogs => log["removed"] = json!(true),
                    Lie::PendingLogs => {
                        (log["blockNumber"], log["blockHash"]) = (Value::Null, Value::Null);
                    }
                    _ => {}
                }
            }
        }
    }
}

/// With the last bit of its bytes turned over.
fn flipped(hex: &Value) -> String {
    let mut bytes: Vec<u8> =
        serde_json::from_value::<Bytes>(hex.clone()).map(Into::into).unwrap_or_default();
    if let Some(last) = bytes.last_mut() {
        *last ^= 1;
    }
    Bytes::from(bytes).to_string()
}

/// An answer that is nothing but brackets.
pub(super) fn nested(id: &Value) -> Vec<u8> {
    let brackets = "[".repeat(DEPTH) + &"]".repeat(DEPTH);
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{brackets}}}").into_bytes()
}
