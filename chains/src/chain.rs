//! One EVM chain: its configuration, and a cheap handle to everything that can be asked of it.

mod connect;
mod header;
mod pulse;
mod range;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use alloy::primitives::Address;
use alloy::providers::DynProvider;
use alloy::rpc::client::RpcClient;
use alloy::rpc::json_rpc::{RpcRecv, RpcSend};
use tokio::sync::watch;
use twinspan_bridge::ids::{BlockRef, BridgeAt, ChainId, Count};

use crate::config::ChainConfig;
use crate::rpc::endpoint::Endpoint;
use crate::rpc::fault::RpcFault;
use crate::rpc::{CallCounts, classify};

pub use connect::ConnectError;
pub use header::Head;
pub(crate) use header::Header;
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
    /// Counterparts by bridge: at most one entry a bridge that is read.
    counterparts: Mutex<BTreeMap<Address, BridgeAt>>,
    /// Where each bridge's incoming lane stood at the end of the last read. As many entries.
    incoming: Mutex<BTreeMap<Address, (BlockRef, Count)>>,
    /// Which endpoint served logs last.
    logs_from: Arc<AtomicUsize>,
    /// Whether hashing a header of this chain as Ethereum does gives its block's hash.
    recomputes_headers: OnceLock<bool>,
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

    /// Whether headers of this chain hash to their blocks' hashes, as the first one that the quorum agreed
    /// on showed: `first` looks at it.
    pub(crate) fn recomputes_headers(&self, first: impl FnOnce() -> bool) -> bool {
        *self.inner.recomputes_headers.get_or_init(|| {
            let recomputes = first();
            if !recomputes {
                tracing::warn!(
                    chain = self.name(),
                    "its header hashes cannot be recomputed: a state root is what the quorum says it is"
                );
            }
            recomputes
        })
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

    /// What a quorum of endpoints suggests at most: with a quorum of `k`, the `k`-th least of their answers. Fewer liars
    /// than that cannot raise it; with a quorum of 1, whichever answers first is believed.
    pub(crate) async fn request_suggestion<P: RpcSend, R: RpcRecv + Ord>(
        &self,
        method: &'static str,
        params: P,
    ) -> Result<R, RpcFault> {
        let quorum = self.inner.config.quorum;
        if quorum < 2 {
            return self.request(method, params).await;
        }
        let asked = self.endpoints().iter().map(|endpoint| endpoint.ask(method, params.clone()));
        let mut answers = Vec::new();
        let mut last = RpcFault::QuorumUnavailable { want: quorum, answered: 0 };
        for answer in futures::future::join_all(asked).await {
            match answer {
                Ok(suggestion) => answers.push(suggestion),
                // That the nodes do not know the method says more than that one is down.
                Err(fault) if !matches!(last, RpcFault::Refused { .. }) => last = fault,
                Err(_) => {}
            }
        }
        answers.sort_unstable();
        answers.into_iter().nth(quorum - 1).ok_or(last)
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

    pub(crate) fn known_incoming(&self, bridge: Address) -> Option<(BlockRef, Count)> {
        let known = self.inner.incoming.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&bridge).copied()
    }

    pub(crate) fn remember_incoming(&self, bridge: Address, at: BlockRef, count: Count) {
        let mut known = self.inner.incoming.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(bridge, (at, count));
    }

    pub(crate) fn known_counterpart(&self, bridge: Address) -> Option<BridgeAt> {
        let known = self.inner.counterparts.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&bridge).copied()
    }

    pub(crate) fn remember_counterpart(&self, bridge: Address, counterpart: BridgeAt) {
        let mut known = self.inner.counterparts.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(bridge, counterpart);
    }
}
