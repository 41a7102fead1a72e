//! Why a deployment did not come about.

use alloy::{
    primitives::{Address, TxHash, U256},
    providers::PendingTransactionError,
    transports::{RpcError, TransportErrorKind},
};

/// Why a deployment did not come about.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    /// The node could not be asked.
    #[error("asking the node failed while {doing}")]
    Rpc {
        /// The step.
        doing: &'static str,
        /// The node's or transport's answer.
        #[source]
        source: RpcError<TransportErrorKind>,
    },
    /// The call was refused, or the node could not be asked.
    #[error("{doing} failed: {reason}")]
    Call {
        /// The step.
        doing: &'static str,
        /// The revert in words, or the error's own text.
        reason: String,
        /// The contract library's error.
        #[source]
        source: Box<alloy::contract::Error>,
    },
    /// The transaction was sent but its receipt never came.
    #[error("{doing}: no receipt for the transaction")]
    Pending {
        /// The step.
        doing: &'static str,
        /// Why waiting ended.
        #[source]
        source: PendingTransactionError,
    },
    /// The transaction was mined and failed.
    #[error("{doing}: transaction {transaction} failed on chain")]
    Failed {
        /// The step.
        doing: &'static str,
        /// The transaction.
        transaction: TxHash,
    },
    /// The receipt names no contract, block or address as it should.
    #[error("{doing}: the receipt of {transaction} lacks its {field}")]
    ReceiptIncomplete {
        /// The step.
        doing: &'static str,
        /// The transaction.
        transaction: TxHash,
        /// The missing part.
        field: &'static str,
    },
    /// A bridge landed elsewhere than predicted: the deployer's account sent something else meanwhile. Both bridges
    /// must be deployed again.
    #[error(
        "{side} bridge landed at {got}, predicted was {want}; deploy the pair again from a quiet account"
    )]
    AddressMismatch {
        /// Which chain.
        side: &'static str,
        /// Where it landed.
        got: Address,
        /// Where it should have.
        want: Address,
    },
    /// No code at a bridge's address.
    #[error("{side} bridge at {bridge} has no code")]
    CodeMissing {
        /// Which chain.
        side: &'static str,
        /// The address.
        bridge: Address,
    },
    /// A bridge does not name the other as its counterpart.
    #[error(
        "{side} bridge names chain {got_chain} bridge {got_bridge} as its counterpart, not chain {want_chain} \
         bridge {want_bridge}"
    )]
    CounterpartMismatch {
        /// Which chain.
        side: &'static str,
        /// The chain it names.
        got_chain: U256,
        /// The chain it should name.
        want_chain: U256,
        /// The bridge it names.
        got_bridge: Address,
        /// The bridge it should name.
        want_bridge: Address,
    },
    /// Both ends are on one chain.
    #[error("both sites are on chain {0}; a pair spans two")]
    SameChain(u64),
}
