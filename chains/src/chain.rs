//! One EVM chain: its configuration, and a cheap handle to everything that can be asked of it.

mod connect;
mod header;
mod memory;
mod pulse;
mod range;
mod suggest;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use alloy::providers::DynProvider;
use alloy::rpc::client::RpcClient;
use alloy::rpc::json_rpc::{RpcRecv, RpcSend};
use tokio::sync::watch;
use twinspan_bridge::ids::ChainId;

use crate::clock::Clock;
use crate::config::ChainConfig;
use crate::rpc::endpoint::Endpoint;
use crate::rpc::fault::RpcFault;
use crate::rpc::{CallCounts, classify};

pub use connect::ConnectError;
pub use header::Head;
pub(crate) use header::Header;
pub(crate) use memory::Memories;
pub(crate) use pulse::Pulse;
pub(crate) use range::RangeGauge;

/// A chain. Cheap to clone.
#[derive(Clone, Debug)]
pub struct EvmChain {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    config: ChainConfig,
    endpoints: Arc<[Endpoint]>,
    /// Any endpoint answers.
    any: RpcClient,
    /// `config.quorum` endpoints answer alike.
    quorum: RpcClient,
    provider: DynProvider,
    counts: CallCounts,
    heads: watch::Sender<Option<Head>>,
    range: RangeGauge,
    pulse: Pulse,
    memories: Memories,
    /// Which endpoint served logs last.
    logs_from: Arc<AtomicUsize>,
}

impl EvmChain {
    /// The chain's id.
    #[must_use]
    pub fn chain_id(&self) -> ChainId {
        self.inner.config.chain_id
    }

    /// The chain's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.inner.config.name
    }

    /// The chain's configuration.
    #[must_use]
    pub fn config(&self) -> &ChainConfig {
        &self.inner.config
    }

    /// Tells the time to all that is done on the chain.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.inner.config.clock
    }

    /// An alloy provider over the same stack, for deployment and command-line tools.
    #[must_use]
    pub fn provider(&self) -> &DynProvider {
        &self.inner.provider
    }

    /// JSON-RPC calls made so far, each attempt counted.
    #[must_use]
    pub fn calls(&self) -> &CallCounts {
        &self.inner.counts
    }

    /// The newest head that any [`HeadWatcher`] of this chain has seen. Costs no call.
    #[must_use]
    pub fn seen_heads(&self) -> watch::Receiver<Option<Head>> {
        self.inner.heads.subscribe()
    }

    /// Blocks that the nodes let us ask about at a time, as far as their answers have shown.
    #[must_use]
    pub fn log_range(&self) -> u64 {
        self.inner.range.span()
    }

    /// One call that any endpoint may answer.
    pub(crate) async fn request<P: RpcSend, R: RpcRecv>(
        &self,
        method: &'static str,
        params: P,
    ) -> Result<R, RpcFault> {
        let call = self.inner.any.request(method, params);
        call.await.map_err(|error| classify::fault_of(&error))
    }

    /// One call that a quorum of endpoints must answer alike.
    pub(crate) async fn request_agreed<P: RpcSend, R: RpcRecv>(
        &self,
        method: &'static str,
        params: P,
    ) -> Result<R, RpcFault> {
        let call = self.inner.quorum.request(method, params);
        call.await.map_err(|error| classify::fault_of(&error))
    }

    pub(crate) fn endpoints(&self) -> &[Endpoint] {
        &self.inner.endpoints
    }

    pub(crate) fn publish_head(&self, head: Head) {
        self.inner.pulse.advanced();
        self.inner.heads.send_replace(Some(head));
    }

    pub(crate) fn pulse(&self) -> &Pulse {
        &self.inner.pulse
    }

    /// The memories that the modules above keep of the chain.
    pub(crate) fn memories(&self) -> &Memories {
        &self.inner.memories
    }

    pub(crate) fn range(&self) -> &RangeGauge {
        &self.inner.range
    }

    /// Asks the endpoint that served logs last after all others for a while (a minute), because what it
    /// served was not true. Without another endpoint nothing changes.
    pub fn distrust_logs(&self) {
        let from = self.inner.logs_from.load(Ordering::Relaxed);
        let Some(endpoint) = self.inner.endpoints.get(from) else { return };
        tracing::warn!(chain = self.name(), endpoint = endpoint.label(), "distrusting an endpoint");
        endpoint.distrust();
    }
}
