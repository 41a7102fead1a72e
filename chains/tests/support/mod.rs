//! What the tests of this crate share: scripted nodes, a small chain in memory, and real anvils.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part of it")]

pub mod anvil;
pub mod bridge;
pub mod node;
pub mod rig;
pub mod web3signer;
pub mod wire;

use std::time::Duration;

use twinspan_bridge::finality::FinalityRule;
use twinspan_bridge::ids::ChainId;
use twinspan_chains::{ChainConfig, EndpointConfig, FeePolicy, Truth};

/// A configuration with so many endpoints that have no address of their own.
pub fn config(chain_id: u64, endpoints: usize) -> ChainConfig {
    let endpoint = |n| EndpointConfig {
        label: format!("node-{n}"),
        provider: format!("provider-{n}"),
        http: None,
        ws: None,
        requests_per_second: 0,
        concurrency: 32,
        timeout: Duration::from_secs(5),
    };
    ChainConfig {
        name: format!("chain-{chain_id}"),
        chain_id: ChainId::new(chain_id),
        endpoints: (0..endpoints).map(endpoint).collect(),
        finality: FinalityRule::Instant,
        poll_interval: Duration::from_secs(1),
        stall_after: Duration::from_secs(120),
        log_range_max: 1_000,
        fees: FeePolicy { bump_after: Duration::from_secs(30), ..FeePolicy::default() },
        quorum: 1,
        truth: Truth::Single,
        genesis_hash: None,
    }
}
