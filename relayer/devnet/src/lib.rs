//! A whole world on one machine: two real nodes, a bridge pair, and relayers as processes of their own.
//!
//! For trying things out, for demos, live tests and benchmarks. Its keys are made for the occasion, and lie in the
//! world's folder with their passwords. The deployer's key is the publicly known first one of the node's test mnemonic.
//! Nothing of it may ever hold value.

pub mod accounts;
mod assets;
mod command;
pub mod demo;
mod deploy;
pub mod ledger;
pub mod links;
mod makes;
pub mod node;
mod options;
pub mod ports;
pub mod relayer;
pub mod traffic;
mod world;
pub mod world_file;

pub use accounts::test_signer;
pub use command::{CommandError, Devnet};
pub use deploy::side_settings;
pub use options::{Options, RELAYERS_MAX, ServiceChain};
pub use world::{CHAIN_IDS, Chain, World};
