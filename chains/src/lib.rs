//! Access to an EVM chain: the only crate that speaks JSON-RPC.
//!
//! * [`EvmChain`] reads a chain: heads, finality, and what a bridge contract did.
//! * [`transactions`] sends transactions and ends every one of them in a recorded outcome.
//! * [`rpc`] is the stack of middlewares that every call passes.
//! * [`signer`] holds keys.

mod chain;
pub mod condition;
mod config;
pub mod evm;
pub mod rpc;
pub mod signer;
pub mod transactions;

pub use chain::{ConnectError, EvmChain, Head};
pub use config::{ChainConfig, EndpointConfig, FeePolicy, Truth, Url, shown_origin};
pub use evm::fees::AccountFault;
pub use evm::head::HeadWatcher;
pub use evm::preflight::{Preflight, PreflightError};
pub use evm::read::ReadError;
pub use rpc::fault::RpcFault;
