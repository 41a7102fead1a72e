//! How to reach a chain, and its rules.

use std::time::Duration;

use alloy::primitives::B256;
use twinspan_bridge::finality::FinalityRule;
use twinspan_bridge::ids::ChainId;

use crate::clock::Clock;

pub use reqwest::Url;

/// How to reach a chain, and its rules.
#[derive(Clone, Debug)]
pub struct ChainConfig {
    /// Its name in logs and metrics.
    pub name: String,
    /// Its chain id; endpoints of another chain are refused.
    pub chain_id: ChainId,
    /// The hash of its first block; endpoints of a chain with another one are refused. `None`: not looked at.
    pub genesis_hash: Option<B256>,
    /// Its nodes, the preferred ones first. At least one.
    pub endpoints: Vec<EndpointConfig>,
    /// When a block of it counts as final.
    pub finality: FinalityRule,
    /// Time between two looks at the newest block where no subscription tells of it.
    pub poll_interval: Duration,
    /// A chain without a new block for so long counts as halted.
    pub stall_after: Duration,
    /// Most blocks that one `eth_getLogs` asks for.
    pub log_range_max: u64,
    /// The bounds of what its transactions may cost.
    pub fees: FeePolicy,
    /// Independent providers that must agree. 1: any one is believed.
    pub quorum: usize,
    /// The ground that a read of a bridge's state rests on.
    pub truth: Truth,
    /// Tells the time to all that is done on the chain.
    pub clock: Clock,
}

impl ChainConfig {
    /// A chain that follows the `finalized` tag, polls each second and believes any one endpoint, by the machine's
    /// clock. Everything can be set otherwise afterwards.
    #[must_use]
    pub fn new(name: &str, chain_id: ChainId, endpoints: Vec<EndpointConfig>) -> Self {
        Self {
            name: name.to_owned(),
            chain_id,
            genesis_hash: None,
            endpoints,
            finality: FinalityRule::Finalized,
            poll_interval: Duration::from_secs(1),
            stall_after: Duration::from_secs(120),
            log_range_max: 1_000,
            fees: FeePolicy::default(),
            quorum: 1,
            truth: Truth::default(),
            clock: Clock::system(),
        }
    }
}

/// The ground that a read of a bridge's state rests on, the strictest first. None falls back to a weaker one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Truth {
    /// A storage proof (EIP-1186) against the state root of a header that the quorum agrees on. One honest
    /// endpoint among those that agree is enough.
    Proof,
    /// The same answer, at the same block hash, by the quorum.
    Quorum,
    /// The word of the first endpoint that answers.
    #[default]
    Single,
}

impl std::fmt::Display for Truth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Proof => "proof",
            Self::Quorum => "quorum",
            Self::Single => "single",
        })
    }
}

/// One node of a chain.
#[derive(Clone)]
pub struct EndpointConfig {
    /// Its name in logs and metrics, never a URL.
    pub label: String,
    /// Its operator. Endpoints of one provider have one vote between them.
    pub provider: String,
    /// Its HTTP address. Calls go here if it is set.
    pub http: Option<Url>,
    /// Its WebSocket address: subscriptions, and calls where `http` is not set. Set both: alloy leaves
    /// Nagle's algorithm on, so that a call over the WebSocket can take 40 ms more.
    pub ws: Option<Url>,
    /// Calls a second that it may get. 0: no limit.
    pub requests_per_second: u32,
    /// Calls at a time that it may get.
    pub concurrency: usize,
    /// How long one attempt may take.
    pub timeout: Duration,
}

impl EndpointConfig {
    /// A node without an address and of a provider of its own, for
    /// [`EvmChain::connect_over`](crate::EvmChain::connect_over).
    #[must_use]
    pub fn in_process(label: &str) -> Self {
        Self {
            label: label.to_owned(),
            provider: label.to_owned(),
            http: None,
            ws: None,
            requests_per_second: 0,
            concurrency: 32,
            timeout: Duration::from_secs(5),
        }
    }
}

impl std::fmt::Debug for EndpointConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EndpointConfig")
            .field("label", &self.label)
            .field("provider", &self.provider)
            .field("http", &self.http.as_ref().map(shown_origin))
            .field("ws", &self.ws.as_ref().map(shown_origin))
            .field("requests_per_second", &self.requests_per_second)
            .field("concurrency", &self.concurrency)
            .field("timeout", &self.timeout)
            .finish()
    }
}

/// The part of a URL that may be shown: `scheme://host:port`, without credentials, path or query.
#[must_use]
pub fn shown_origin(url: &Url) -> String {
    let host = url.host_str().unwrap_or("?");
    let port = url.port_or_known_default().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{host}{port}", url.scheme())
}

/// The bounds of what transactions may cost. Whether the chain has fees at all is detected, not configured.
#[derive(Clone, Debug)]
pub struct FeePolicy {
    /// Never offer more than this, in wei per gas. `None`: no cap.
    pub max_fee_per_gas: Option<u128>,
    /// Tip in wei per gas. `None`: what the node suggests. 0 on a chain with a base fee of 0: gas is free
    /// there, whatever the node suggests.
    pub priority_fee_per_gas: Option<u128>,
    /// How much more a replacement offers, in percent. Less than 10 counts as 10, which pools demand.
    pub bump_percent: u32,
    /// How long a transaction may wait before it is replaced.
    pub bump_after: Duration,
}

impl Default for FeePolicy {
    fn default() -> Self {
        Self {
            max_fee_per_gas: None,
            priority_fee_per_gas: None,
            bump_percent: 12,
            bump_after: Duration::from_secs(45),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_never_shown() {
        let url: Url = "wss://user:secret@node.example:8546/v3/key?token=1".parse().expect("a URL");
        assert_eq!(shown_origin(&url), "wss://node.example:8546");
        let endpoint = EndpointConfig {
            label: "a".to_owned(),
            provider: "a".to_owned(),
            http: Some("https://user:secret@node.example/key".parse().expect("a URL")),
            ws: Some(url),
            requests_per_second: 1,
            concurrency: 1,
            timeout: Duration::from_secs(1),
        };
        let shown = format!("{endpoint:?}");
        assert!(!shown.contains("secret") && !shown.contains("key"), "{shown}");
    }
}
