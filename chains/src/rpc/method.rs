//! The JSON-RPC methods we call: their metric label, and whether calling twice is harmless.

use alloy::rpc::json_rpc::RequestPacket;

/// Methods that only read, so that a second call changes nothing.
const READS: &[&str] = &[
    "eth_blockNumber",
    "eth_call",
    "eth_chainId",
    "eth_estimateGas",
    "eth_feeHistory",
    "eth_gasPrice",
    "eth_getBalance",
    "eth_getBlockByHash",
    "eth_getBlockByNumber",
    "eth_getCode",
    "eth_getLogs",
    "eth_getProof",
    "eth_getStorageAt",
    "eth_getTransactionByHash",
    "eth_getTransactionCount",
    "eth_getTransactionReceipt",
    "eth_maxPriorityFeePerGas",
    "net_version",
    "web3_clientVersion",
];

/// Methods that change something and have a label of their own.
const WRITES: &[&str] = &["eth_sendRawTransaction", "eth_subscribe", "eth_unsubscribe"];

/// The metric label of a request: its method if we know it, `batch`, or `other`.
#[must_use]
pub(crate) fn label(packet: &RequestPacket) -> &'static str {
    let Some(single) = packet.as_single() else { return "batch" };
    let known = READS.iter().chain(WRITES).find(|method| **method == single.method());
    known.copied().unwrap_or("other")
}

/// Whether every call of the request may be made twice.
#[must_use]
pub(crate) fn is_idempotent(packet: &RequestPacket) -> bool {
    packet.requests().iter().all(|request| READS.contains(&request.method()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::testing::request;

    #[test]
    fn sending_a_transaction_is_not_idempotent() {
        assert!(is_idempotent(&request("eth_getLogs")));
        assert!(!is_idempotent(&request("eth_sendRawTransaction")));
        assert!(!is_idempotent(&request("anvil_mine")), "unknown methods are not trusted to be");
    }

    #[test]
    fn labels_are_a_closed_set() {
        assert_eq!(label(&request("eth_call")), "eth_call");
        assert_eq!(label(&request("evil_method_7261")), "other");
    }
}
