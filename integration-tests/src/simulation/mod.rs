//! Whole relayers and two chains in one thread, in virtual time: a thousand seconds pass in less than one.
//!
//! The relayers are the real ones, from their parts: engines, observers, exchanges, accounts, stores in
//! memory. The chains keep blocks, a pool and the lanes of their bridges, and answer JSON-RPC as a node does.

mod bridge;
mod chain;
mod proof;
mod rpc;
mod world;

pub use bridge::SimBridge;
pub use chain::SimChain;
pub use world::{World, WorldOptions};
