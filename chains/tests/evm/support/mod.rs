//! Shared by the tests of this crate: scripted nodes, a small chain in memory, and real anvils.
#![allow(dead_code, unreachable_pub, reason = "integration-tests uses a part of it")]
#![allow(clippy::disallowed_methods, reason = "a test starts what it watches, and ends with it")]

pub mod anvil;
pub mod bridge;
pub mod node;
pub mod rig;
pub mod web3signer;
pub mod wire;

use std::time::Duration;

use twinspan_bridge::finality::FinalityRule;
use twinspan_bridge::ids::ChainId;
use twinspan_chains::rpc::RpcService;
use twinspan_chains::{ChainConfig, EndpointConfig, EvmChain, FeePolicy};

/// A configuration with so many endpoints that have no address of their own.
pub fn config(chain_id: u64, endpoints: usize) -> ChainConfig {
    let endpoint = |n| EndpointConfig {
        provider: format!("provider-{n}"),
        ..EndpointConfig::in_process(&format!("node-{n}"))
    };
    let endpoints = (0..endpoints).map(endpoint).collect();
    ChainConfig {
        finality: FinalityRule::Instant,
        fees: FeePolicy { bump_after: Duration::from_secs(30), ..FeePolicy::default() },
        ..ChainConfig::new(&format!("chain-{chain_id}"), ChainId::new(chain_id), endpoints)
    }
}

/// The chain over these nodes.
pub async fn connect(config: ChainConfig, nodes: Vec<RpcService>) -> EvmChain {
    EvmChain::connect_over(config, nodes).await.expect("connects")
}
