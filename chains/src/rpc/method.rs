//! The JSON-RPC methods we call: their metric label, what answers them, and whether calling twice is harmless.

use alloy::rpc::json_rpc::RequestPacket;

/// The kind of JSON value that answers a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A string; of numbers too, which are hexadecimal.
    Text,
    /// A hexadecimal number of what a chain counts.
    Count,
    List,
    Object,
    /// An object, or null for what the node does not know.
    ObjectOrNull,
}

/// Methods that only read, so that a second call changes nothing.
const READS: &[(&str, Kind)] = &[
    ("eth_blockNumber", Kind::Count),
    ("eth_call", Kind::Text),
    ("eth_chainId", Kind::Text),
    ("eth_estimateGas", Kind::Text),
    ("eth_feeHistory", Kind::Object),
    ("eth_gasPrice", Kind::Text),
    ("eth_getBalance", Kind::Text),
    ("eth_getBlockByHash", Kind::ObjectOrNull),
    ("eth_getBlockByNumber", Kind::ObjectOrNull),
    ("eth_getCode", Kind::Text),
    ("eth_getLogs", Kind::List),
    ("eth_getProof", Kind::Object),
    ("eth_getStorageAt", Kind::Text),
    ("eth_getTransactionByHash", Kind::ObjectOrNull),
    ("eth_getTransactionCount", Kind::Count),
    ("eth_getTransactionReceipt", Kind::ObjectOrNull),
    ("eth_maxPriorityFeePerGas", Kind::Text),
    ("net_version", Kind::Text),
    ("web3_clientVersion", Kind::Text),
];

/// Methods that change something and have a label of their own.
const WRITES: &[(&str, Kind)] =
    &[("eth_sendRawTransaction", Kind::Text), ("eth_subscribe", Kind::Text)];

fn known(packet: &RequestPacket) -> Option<(&'static str, Kind)> {
    let single = packet.as_single()?;
    READS.iter().chain(WRITES).find(|(method, _)| *method == single.method()).copied()
}

/// The metric label of a request: its method if we know it, `batch`, or `other`.
#[must_use]
pub(crate) fn label(packet: &RequestPacket) -> &'static str {
    match known(packet) {
        Some((method, _)) => method,
        None if packet.as_single().is_some() => "other",
        None => "batch",
    }
}

/// The kind of answer to a request, of a method that we know.
#[must_use]
pub(crate) fn kind(packet: &RequestPacket) -> Option<Kind> {
    Some(known(packet)?.1)
}

/// Whether every call of the request may be made twice.
#[must_use]
pub(crate) fn is_idempotent(packet: &RequestPacket) -> bool {
    let is_read = |method: &str| READS.iter().any(|(read, _)| *read == method);
    packet.requests().iter().all(|request| is_read(request.method()))
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
