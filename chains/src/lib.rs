//! Access to an EVM chain: the only crate that speaks JSON-RPC.
//!
//! * [`EvmChain`] reads a chain: heads, finality, and what a bridge contract did.
//! * [`transactions`] sends transactions and ends every one of them in a recorded outcome.
//! * [`rpc`] is the stack of middlewares that every call passes.
//! * [`signer`] holds keys.
//!
//! Modules build upon each other in one direction: [`transactions`] and [`condition`] upon [`evm`], that upon the
//! chain, the chain upon [`rpc`]. Every question to a chain is a method of [`EvmChain`], beside its code.
//!
//! # Example
//!
//! A chain of one endpoint, which is a closure in this process:
//!
//! ```
//! use alloy::primitives::B256;
//! use serde_json::json;
//! use twinspan_bridge::ids::{BlockNumber, ChainId};
//! use twinspan_chains::{ChainConfig, ConnectError, EndpointConfig, EvmChain, RpcFault, rpc};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), ConnectError> {
//! let node = rpc::scripted(|method, _params| match method {
//!     "eth_chainId" => Ok(json!("0x7")),
//!     "eth_getBlockByNumber" => Ok(json!({
//!         "number": "0x2a", "hash": B256::repeat_byte(42), "parentHash": B256::repeat_byte(41),
//!         "timestamp": "0x6553f100", "gasLimit": "0x1c9c380",
//!     })),
//!     _ => Err(RpcFault::Timeout),
//! });
//! let endpoint = EndpointConfig::in_process("node-0");
//! let config = ChainConfig::new("example", ChainId::new(7), vec![endpoint]);
//! let chain = EvmChain::connect_over(config, vec![node]).await?;
//! assert_eq!(chain.latest().await.map(|block| block.number), Ok(BlockNumber::new(42)));
//! # Ok(())
//! # }
//! ```

mod backoff;
mod chain;
mod clock;
pub mod condition;
mod config;
mod disposition;
pub mod evm;
pub mod metrics;
pub mod rpc;
pub mod signer;
pub mod transactions;

pub use backoff::Backoff;
pub use chain::{ConnectError, EvmChain, Head};
pub use clock::Clock;
pub use config::{ChainConfig, EndpointConfig, FeePolicy, Truth, Url, shown_origin};
pub use disposition::Disposition;
pub use evm::fees::AccountFault;
pub use evm::head::HeadWatcher;
pub use evm::preflight::{Preflight, PreflightError};
pub use evm::read::ReadError;
pub use rpc::fault::RpcFault;
