//! Reads the error texts of nodes: the only place that does.
//!
//! Clients name the same condition differently and mostly under code -32000, so that only the text tells. Each table
//! lists the texts of known clients: geth, GoQuorum, Besu, Nethermind, Erigon, reth, anvil and the large providers. An
//! unknown text is [`RpcFault::Refused`], which decides nothing.

use alloy::rpc::json_rpc::{ErrorPayload, ResponsePacket, RpcError};
use alloy::transports::{HttpError, TransportError, TransportErrorKind};

use super::fault::{MESSAGE_MAX, RpcFault};

/// Code of an executed and reverted call (geth and its kin).
const CODE_REVERTED: i64 = 3;
/// `Resource not found` of EIP-1474.
const CODE_NOT_FOUND: i64 = -32001;
/// `Unknown block` of the execution APIs.
const CODE_UNKNOWN_BLOCK: i64 = -39001;

/// In lower case. Results or bytes past what the node serves.
const TOO_LARGE: &[&str] = &[
    "query returned more than",
    "too many results",
    "more than 10000 results",
    "block range",
    "range is too large",
    "range too large",
    "range limit",
    "response size",
    "response too large",
    "response is too big",
    "exceed max results",
    "exceeds max results",
    "exceed maximum block",
    "max block range",
    "logs matched by query exceeds limit",
    "requested too many blocks",
    "query timeout",
    "query timed out",
];

/// In lower case. We ask too often.
const RATE_LIMITED: &[&str] = &[
    "too many requests",
    "rate limit",
    "request limit",
    "request count exceeded",
    "compute units",
    "throughput",
    "daily limit",
];

/// In lower case. The state at the block is gone.
const STATE_PRUNED: &[&str] = &[
    "missing trie node",
    "world state unavailable",
    "state not available",
    "state is not available",
    "historical state",
    "is pruned",
    "due to pruning",
    "maximum proof window",
    "archive node",
];

/// In lower case, all that go-ethereum (1.16) says of state that it keeps by hash and has dropped.
const STATE_PRUNED_BY_HASH: &str = "not supported";

/// In lower case. The block is not there.
const UNKNOWN_BLOCK: &[&str] = &[
    "header not found",
    "unknown block",
    "block not found",
    "block could not be found",
    "not currently canonical",
    "block out of range",
    "blockoutofrange",
    "beyond current head",
    "after last accepted block",
];

/// In lower case. The call was executed.
const REVERTED: &[&str] = &["execution reverted", "vm execution error", "transaction reverted"];

/// The fault that a finished call ended in.
#[must_use]
pub(crate) fn fault_of(error: &TransportError) -> RpcFault {
    match error {
        RpcError::ErrorResp(payload) => fault_of_payload(payload),
        RpcError::NullResp => RpcFault::Malformed("null".to_owned()),
        RpcError::DeserError { err, .. } => RpcFault::Malformed(bounded(&err.to_string())),
        RpcError::Transport(kind) => fault_of_transport(kind),
        RpcError::UnsupportedFeature(what) => RpcFault::Unreachable((*what).to_owned()),
        RpcError::LocalUsageError(_) | RpcError::SerError(_) => {
            RpcFault::Malformed("the request could not be written".to_owned())
        }
    }
}

/// The fault in a finished call, if there is one. A packet's first error stands for it.
#[must_use]
pub(crate) fn fault_in(outcome: &Result<ResponsePacket, TransportError>) -> Option<RpcFault> {
    match outcome {
        Ok(packet) => packet.as_error().map(fault_of_payload),
        Err(error) => Some(fault_of(error)),
    }
}

/// A fault as the error that travels through the stack.
#[must_use]
pub(crate) fn as_error(fault: RpcFault) -> TransportError {
    TransportErrorKind::custom(fault)
}

fn fault_of_transport(kind: &TransportErrorKind) -> RpcFault {
    if let Some(own) = kind.as_custom().and_then(|error| error.downcast_ref::<RpcFault>()) {
        return own.clone();
    }
    if let Some(HttpError { status, .. }) = kind.as_http_error() {
        return match status {
            429 => RpcFault::RateLimited,
            413 => RpcFault::TooLarge,
            _ => RpcFault::Unreachable(format!("HTTP status {status}")),
        };
    }
    // Other texts may hold the URL with its credentials: they are not repeated.
    if kind.is_backend_gone() {
        RpcFault::Unreachable("the connection is gone".to_owned())
    } else {
        RpcFault::Unreachable("transport failure".to_owned())
    }
}

fn fault_of_payload(payload: &ErrorPayload) -> RpcFault {
    let text = payload.message.to_lowercase();
    let says = |table: &[&str]| table.iter().any(|part| text.contains(part));
    if payload.code == CODE_REVERTED || says(REVERTED) {
        return RpcFault::Reverted(payload.as_revert_data().unwrap_or_default());
    }
    if says(TOO_LARGE) {
        return RpcFault::TooLarge;
    }
    if says(RATE_LIMITED) || payload.code == 429 {
        return RpcFault::RateLimited;
    }
    if says(STATE_PRUNED) || text == STATE_PRUNED_BY_HASH {
        return RpcFault::StatePruned;
    }
    if matches!(payload.code, CODE_NOT_FOUND | CODE_UNKNOWN_BLOCK) || says(UNKNOWN_BLOCK) {
        return RpcFault::UnknownBlock;
    }
    RpcFault::Refused { code: payload.code, message: bounded(&payload.message) }
}

fn bounded(text: &str) -> String {
    text.chars().take(MESSAGE_MAX).collect()
}

/// A node's verdict on a transaction that it was sent, which decides the next step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendVerdict {
    /// It is in the node's pool, now or since before. Next: watch for its receipt.
    Accepted,
    /// The account nonce is used up. Next: look for our own receipts, else it was a foreign one.
    NonceTooLow,
    /// An earlier account nonce is missing. Next: repair the gap.
    NonceTooHigh,
    /// A sibling in the pool pays almost as much. Next: raise the fee by more, later.
    ReplacementUnderpriced,
    /// The pool or the chain wants a higher fee. Next: raise the fee.
    Underpriced,
    /// The account cannot pay. Next: wait for a top-up and send again.
    InsufficientFunds,
    /// It can never be mined as it is. Next: give up the intent and fill its account nonce.
    Impossible(String),
    /// The node or the way to it failed. Next: send the same bytes again.
    Unsure(RpcFault),
}

type NextStep = fn() -> SendVerdict;

/// In lower case, tried in this order: the first part that the text contains decides.
const SEND_TABLE: &[(&str, NextStep)] = &[
    // Before "known transaction", which it contains.
    ("unknown transaction", || impossible("transaction type not supported")),
    ("already known", || SendVerdict::Accepted),
    ("alreadyknown", || SendVerdict::Accepted),
    ("known transaction", || SendVerdict::Accepted),
    ("already imported", || SendVerdict::Accepted),
    ("already in the pool", || SendVerdict::Accepted),
    ("already in pool", || SendVerdict::Accepted),
    ("nonce too low", || SendVerdict::NonceTooLow),
    ("nonce is too low", || SendVerdict::NonceTooLow),
    ("oldnonce", || SendVerdict::NonceTooLow),
    ("nonce too high", || SendVerdict::NonceTooHigh),
    ("nonce is too high", || SendVerdict::NonceTooHigh),
    ("nonce too distant", || SendVerdict::NonceTooHigh),
    ("too distant from current sender nonce", || SendVerdict::NonceTooHigh),
    ("noncegap", || SendVerdict::NonceTooHigh),
    ("nonce gap", || SendVerdict::NonceTooHigh),
    ("replacement", || SendVerdict::ReplacementUnderpriced),
    ("insufficient funds", || SendVerdict::InsufficientFunds),
    ("insufficientfunds", || SendVerdict::InsufficientFunds),
    ("insufficient balance", || SendVerdict::InsufficientFunds),
    ("upfront cost exceeds", || SendVerdict::InsufficientFunds),
    ("underpriced", || SendVerdict::Underpriced),
    ("fee per gas less than block base fee", || SendVerdict::Underpriced),
    ("max fee per gas less than", || SendVerdict::Underpriced),
    ("less than basefee", || SendVerdict::Underpriced),
    ("feetoolow", || SendVerdict::Underpriced),
    ("fee too low", || SendVerdict::Underpriced),
    ("gas price too low", || SendVerdict::Underpriced),
    ("gas price below", || SendVerdict::Underpriced),
    ("below configured minimum", || SendVerdict::Underpriced),
    ("exceeds block gas limit", || impossible("gas limit above the block's")),
    ("gaslimitexceeded", || impossible("gas limit above the block's")),
    ("gas limit is too high", || impossible("gas limit above the chain's")),
    ("exceeds transaction gas", || impossible("gas limit above the chain's")),
    ("gas limit too high", || impossible("gas limit above the chain's")),
    ("intrinsic gas", || impossible("gas limit below the intrinsic gas")),
    ("oversized data", || impossible("more data than the pool takes")),
    ("max initcode size", || impossible("more data than the chain takes")),
    ("invalid sender", || impossible("signature refused")),
    ("invalid signature", || impossible("signature refused")),
    ("transaction type not supported", || impossible("transaction type not supported")),
];

fn impossible(why: &str) -> SendVerdict {
    SendVerdict::Impossible(why.to_owned())
}

/// The node's verdict on a transaction that it was sent.
#[must_use]
pub fn send_verdict<T>(outcome: Result<T, RpcFault>) -> SendVerdict {
    let fault = match outcome {
        Ok(_) => return SendVerdict::Accepted,
        Err(fault) => fault,
    };
    let RpcFault::Refused { message, .. } = &fault else { return SendVerdict::Unsure(fault) };
    let text = message.to_lowercase();
    SEND_TABLE
        .iter()
        .find(|(part, _)| text.contains(part))
        .map_or(SendVerdict::Unsure(fault), |(_, verdict)| verdict())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(code: i64, message: &'static str) -> ErrorPayload {
        ErrorPayload { code, message: message.into(), data: None }
    }

    #[test]
    fn texts_of_the_clients_are_told_apart() {
        let table: &[(i64, &str, &str)] = &[
            (-32005, "query returned more than 10000 results", "too_large"),
            (-32000, "exceed maximum block range: 5000", "too_large"),
            (-32602, "Log response size exceeded. eth_getLogs is limited", "too_large"),
            (-32005, "daily request count exceeded, request rate limited", "rate_limited"),
            (429, "you are too fast", "rate_limited"),
            (-32000, "header not found", "unknown_block"),
            (-32000, "hash 0x12 is not currently canonical", "unknown_block"),
            (-32000, "World state unavailable", "state_pruned"),
            (-32000, "missing trie node 1f (path ) state 0x2e is not available", "state_pruned"),
            (-32000, "historical state 0x2e is not available", "state_pruned"),
            (-32000, "not supported", "state_pruned"),
            (-32004, "method not supported", "refused"),
            (4444, "state at block #7 is pruned", "state_pruned"),
            (-32000, "distance to target block exceeds maximum proof window", "state_pruned"),
            (-39001, "no such thing", "unknown_block"),
            (3, "execution reverted: Bridge_Paused", "reverted"),
            (-32000, "Execution reverted", "reverted"),
            (-32601, "the method eth_foo does not exist", "refused"),
        ];
        for (code, message, label) in table {
            assert_eq!(fault_of_payload(&payload(*code, message)).label(), *label, "{message}");
        }
    }

    #[test]
    fn each_answer_to_a_sent_transaction_has_its_next_step() {
        use SendVerdict as V;
        let table: &[(&str, SendVerdict)] = &[
            ("already known", V::Accepted),
            ("known transaction: 0xabcd", V::Accepted),
            ("Known transaction", V::Accepted),
            ("AlreadyKnown", V::Accepted),
            ("transaction already imported", V::Accepted),
            ("nonce too low: next nonce 5, tx nonce 4", V::NonceTooLow),
            ("Nonce too low", V::NonceTooLow),
            ("OldNonce", V::NonceTooLow),
            ("nonce too high", V::NonceTooHigh),
            ("Transaction nonce is too distant from current sender nonce", V::NonceTooHigh),
            ("NonceGap, Future nonce. Expected nonce: 4", V::NonceTooHigh),
            ("replacement transaction underpriced", V::ReplacementUnderpriced),
            ("ReplacementNotAllowed", V::ReplacementUnderpriced),
            ("transaction underpriced: tip needed 1, tip permitted 0", V::Underpriced),
            ("max fee per gas less than block base fee: address 0x12", V::Underpriced),
            ("FeeTooLow, MaxFeePerGas too low", V::Underpriced),
            ("Gas price below configured minimum gas price", V::Underpriced),
            ("insufficient funds for gas * price + value", V::InsufficientFunds),
            ("Upfront cost exceeds account balance", V::InsufficientFunds),
            ("exceeds block gas limit", V::Impossible("gas limit above the block's".into())),
            ("intrinsic gas too low", V::Impossible("gas limit below the intrinsic gas".into())),
        ];
        for (message, verdict) in table {
            let refused = RpcFault::Refused { code: -32000, message: (*message).to_owned() };
            assert_eq!(send_verdict::<()>(Err(refused)), *verdict, "{message}");
        }
        let odd = RpcFault::Refused { code: -32000, message: "txpool is full".to_owned() };
        assert_eq!(send_verdict::<()>(Err(odd.clone())), V::Unsure(odd));
        assert_eq!(send_verdict::<()>(Err(RpcFault::Timeout)), V::Unsure(RpcFault::Timeout));
    }

    #[test]
    fn a_url_in_a_transport_error_is_not_repeated() {
        let error =
            TransportErrorKind::custom_str("error sending request for url (http://u:p@host/key)");
        assert!(!fault_of(&error).to_string().contains("host"));
    }

    #[test]
    fn a_long_message_is_cut() {
        let long: String = "x".repeat(100_000);
        let error = ErrorPayload { code: 1, message: long.into(), data: None };
        assert!(fault_of_payload(&error).to_string().len() < MESSAGE_MAX + 50);
    }
}
