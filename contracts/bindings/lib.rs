//! The contracts as Rust sees them: bindings written from the checked-in artifacts, deployment of a pair, and
//! reverts in words.
//!
//! Artifacts are built by `node contracts/script/build-artifacts.mjs`; Rust builds need no Node.js.

pub mod abi;
pub mod deploy;
pub mod revert;

pub use abi::{
    Bridge, BridgeMultiToken, BridgeNFT, BridgeToken, HandoverLog, Refuser, RequestBatcher,
    TestMultiToken, TestNFT, TestToken, Timelock, Vault,
};
pub use revert::explain_revert;
