//! One EVM chain: its configuration, and a cheap handle to everything that can be asked of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use alloy::network::Ethereum;
use alloy::primitives::{Address, U64};
use alloy::providers::{DynProvider, Provider, RootProvider};
use alloy::rpc::client::RpcClient;
use alloy::rpc::json_rpc::{RpcRecv, RpcSend};
use tokio::sync::watch;
use twinspan_bridge::error::Disposition;
use twinspan_bridge::ids::{BlockNumber, BlockRef, BridgeAt, ChainId, Count};
use twinspan_bridge::observe::{BridgeRead, BridgeState};
use twinspan_bridge::relayer_set::RelayerSet;

use crate::config::ChainConfig;
use crate::evm::head::{Head, HeadWatcher, Header};
use crate::evm::logs::RangeGauge;
use crate::evm::preflight::{Preflight, PreflightError};
use crate::evm::read::ReadError;
use crate::evm::{finality, head, logs, preflight, read};
use crate::rpc::endpoint::Endpoint;
use crate::rpc::fault::RpcFault;
use crate::rpc::{self, CallCounts, RpcService, WsLink, classify};

/// Why a chain cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// No endpoint is configured.
    #[error("chain `{chain}` has no endpoint")]
    NoEndpoint {
        /// The chain's name.
        chain: String,
    },
    /// An endpoint has no address, or none that can be used.
    #[error("endpoint `{endpoint}` of chain `{chain}` has neither a usable http nor ws address")]
    NoAddress {
        /// The chain's name.
        chain: String,
        /// The endpoint's label.
        endpoint: String,
    },
    /// An endpoint serves another chain.
    #[error("endpoint `{endpoint}` of chain `{chain}` serves chain id {got}, want {want}")]
    WrongChain {
        /// The chain's name.
        chain: String,
        /// The endpoint's label.
        endpoint: String,
        /// What it answered.
        got: ChainId,
        /// What is configured.
        want: ChainId,
    },
    /// More providers must agree than there are.
    #[error(
        "chain `{chain}` wants {quorum} independent providers to agree and has endpoints of {providers}"
    )]
    QuorumTooLarge {
        /// The chain's name.
        chain: String,
        /// Providers that must agree.
        quorum: usize,
        /// Providers configured.
        providers: usize,
    },
    /// Too few endpoints answer.
    #[error("{answering} endpoints of chain `{chain}` answer, want {want}; `{endpoint}`: {fault}")]
    Unreachable {
        /// The chain's name.
        chain: String,
        /// Endpoints that answered.
        answering: usize,
        /// Endpoints that must.
        want: usize,
        /// One that did not.
        endpoint: String,
        /// Why.
        #[source]
        fault: RpcFault,
    },
}

impl ConnectError {
    /// What the error demands.
    #[must_use]
    pub const fn disposition(&self) -> Disposition {
        match self {
            Self::Unreachable { .. } => Disposition::Wait,
            Self::NoEndpoint { .. }
            | Self::NoAddress { .. }
            | Self::WrongChain { .. }
            | Self::QuorumTooLarge { .. } => Disposition::Halt,
        }
    }
}

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
    /// Connects and checks the chain id of every endpoint.
    ///
    /// An endpoint that does not answer is let be as long as a quorum of the others does; its chain id is
    /// checked when it first answers.
    ///
    /// # Errors
    /// [`ConnectError`] names the endpoint and what is wrong with it.
    pub async fn connect(config: ChainConfig) -> Result<Self, ConnectError> {
        let mut wires = Vec::with_capacity(config.endpoints.len());
        for endpoint in &config.endpoints {
            let ws = endpoint.ws.as_ref().map(WsLink::new);
            let http = endpoint.http.clone().map(rpc::http).transpose().ok().flatten();
            let wire = http.or_else(|| ws.as_ref().map(WsLink::service)).ok_or_else(|| {
                ConnectError::NoAddress {
                    chain: config.name.clone(),
                    endpoint: endpoint.label.clone(),
                }
            })?;
            wires.push((wire, ws));
        }
        Self::build(config, wires).await
    }

    /// Connects over given transports instead of the endpoints' addresses, one for each endpoint in
    /// order: for tests and simulations.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub async fn connect_over(
        config: ChainConfig,
        wires: Vec<RpcService>,
    ) -> Result<Self, ConnectError> {
        Self::build(config, wires.into_iter().map(|wire| (wire, None)).collect()).await
    }

    async fn build(
        mut config: ChainConfig,
        wires: Vec<(RpcService, Option<WsLink>)>,
    ) -> Result<Self, ConnectError> {
        if config.endpoints.is_empty() || wires.len() != config.endpoints.len() {
            return Err(ConnectError::NoEndpoint { chain: config.name });
        }
        let providers: BTreeSet<_> = config.endpoints.iter().map(|it| &it.provider).collect();
        if config.quorum > providers.len() {
            return Err(ConnectError::QuorumTooLarge {
                providers: providers.len(),
                chain: config.name,
                quorum: config.quorum,
            });
        }
        config.poll_interval = config.poll_interval.max(POLL_INTERVAL_MIN);
        let name: Arc<str> = config.name.as_str().into();
        let counts = CallCounts::default();
        let endpoints: Arc<[Endpoint]> = config
            .endpoints
            .iter()
            .zip(wires)
            .map(|(endpoint, (wire, ws))| {
                Endpoint::new(endpoint, (&name, config.chain_id), wire, ws, counts.clone())
            })
            .collect();
        let deadline = whole_call_deadline(&config);
        let logs_from = Arc::default();
        let any = rpc::failover_client(&name, &endpoints, deadline, Arc::clone(&logs_from));
        let quorum = match config.quorum {
            // One endpoint's word is any endpoint's word: failover costs fewer calls.
            0 | 1 => any.clone(),
            want => rpc::quorum_client(&name, &endpoints, want, deadline),
        };
        let provider = RootProvider::<Ethereum>::new(any.clone()).erased();
        let (heads, _) = watch::channel(None);
        let range = RangeGauge::new(config.log_range_max);
        let inner = Inner {
            config,
            endpoints,
            any,
            quorum,
            provider,
            counts,
            heads,
            range,
            counterparts: Mutex::default(),
            incoming: Mutex::default(),
            logs_from,
            recomputes_headers: OnceLock::new(),
        };
        let chain = Self { inner: Arc::new(inner) };
        chain.check_endpoints().await?;
        Ok(chain)
    }

    async fn check_endpoints(&self) -> Result<(), ConnectError> {
        let config = self.config();
        let asked = self.inner.endpoints.iter().map(|endpoint| async move {
            let call = endpoint.client().request::<_, U64>("eth_chainId", ());
            (endpoint.label().to_owned(), call.await)
        });
        let mut answering = 0;
        let mut silent = None;
        for (endpoint, outcome) in futures::future::join_all(asked).await {
            let fault = match outcome {
                Ok(_) => {
                    answering += 1;
                    continue;
                }
                Err(error) => classify::fault_of(&error),
            };
            if let RpcFault::WrongChain { got, .. } = fault {
                let (chain, want) = (config.name.clone(), config.chain_id);
                return Err(ConnectError::WrongChain {
                    chain,
                    endpoint,
                    got: ChainId::new(got),
                    want,
                });
            }
            tracing::warn!(chain = %config.name, %endpoint, %fault, "endpoint does not answer");
            silent = Some((endpoint, fault));
        }
        let want = config.quorum.max(1);
        match silent {
            Some((endpoint, fault)) if answering < want => Err(ConnectError::Unreachable {
                chain: config.name.clone(),
                answering,
                want,
                endpoint,
                fault,
            }),
            Some(_) | None => Ok(()),
        }
    }

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

    /// The newest block.
    ///
    /// # Errors
    /// [`RpcFault`] if no endpoint gives it.
    pub async fn latest(&self) -> Result<BlockRef, RpcFault> {
        Ok(self.latest_head().await?.block)
    }

    /// The newest block that the quorum knows of: no lower number of lying endpoints can push it ahead.
    ///
    /// # Errors
    /// [`RpcFault`] if the endpoints do not answer or disagree.
    pub async fn latest_agreed(&self) -> Result<BlockRef, RpcFault> {
        finality::latest_agreed(self).await
    }

    /// The newest block with what its header says.
    ///
    /// # Errors
    /// [`RpcFault`] if no endpoint gives it.
    pub async fn latest_head(&self) -> Result<Head, RpcFault> {
        let header: Option<Header> =
            self.request("eth_getBlockByNumber", ("latest", false)).await?;
        header.map(Head::from).ok_or(RpcFault::UnknownBlock)
    }

    /// The canonical block of that height; `None` if there is none (yet). Agreed on by the quorum.
    ///
    /// # Errors
    /// [`RpcFault`] if the endpoints do not answer or disagree.
    pub async fn block_at(&self, number: BlockNumber) -> Result<Option<BlockRef>, RpcFault> {
        finality::block_at(self, number).await
    }

    /// The newest final block where `latest` is the newest block, by the chain's rule; `None` if that is
    /// not known yet. Makes no call where blocks are final at once.
    ///
    /// # Errors
    /// [`RpcFault`] if the endpoints do not answer or disagree.
    pub async fn final_block(&self, latest: BlockRef) -> Result<Option<BlockRef>, RpcFault> {
        finality::final_block(self, latest).await
    }

    /// A watcher of new heads.
    #[must_use]
    pub fn heads(&self) -> HeadWatcher {
        HeadWatcher::new(self.clone())
    }

    /// The newest head that any [`HeadWatcher`] of this chain has seen. Costs no call.
    #[must_use]
    pub fn seen_heads(&self) -> watch::Receiver<Option<Head>> {
        self.inner.heads.subscribe()
    }

    /// The bridge's own account of itself after the block `at`: one `eth_call` by block hash (EIP-1898).
    ///
    /// # Errors
    /// [`RpcFault`] if the endpoints do not answer, disagree, or answer something else.
    pub async fn bridge_state(
        &self,
        bridge: Address,
        at: BlockRef,
    ) -> Result<BridgeState, RpcFault> {
        read::bridge_state(self, bridge, at).await
    }

    /// The bridge's relayer set in force after the block `at`.
    ///
    /// # Errors
    /// [`ReadError`] if it cannot be read, or is none that our contract would hold.
    pub async fn relayer_set(
        &self,
        bridge: Address,
        at: BlockRef,
    ) -> Result<RelayerSet, ReadError> {
        read::relayer_set(self, bridge, at).await
    }

    /// Everything that the bridge did in the blocks `(after, to]`, strictly decoded, in the order of the
    /// chain, and its state after `to`.
    ///
    /// # Errors
    /// [`ReadError`] if the endpoints do not answer, or answer what no honest node would.
    pub async fn read_bridge(
        &self,
        bridge: Address,
        after: BlockNumber,
        to: BlockRef,
    ) -> Result<BridgeRead, ReadError> {
        logs::read_bridge(self, bridge, after, to).await
    }

    /// What a relayer checks about the bridge before it starts.
    ///
    /// # Errors
    /// [`PreflightError`] if there is no bridge, or it cannot be read.
    pub async fn preflight(&self, bridge: Address) -> Result<Preflight, PreflightError> {
        preflight::preflight(self, bridge).await
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

    pub(crate) fn endpoints(&self) -> &[Endpoint] {
        &self.inner.endpoints
    }

    pub(crate) fn publish_head(&self, head: Head) {
        self.inner.heads.send_replace(Some(head));
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

    /// Asks every endpoint for its newest block and marks those that lag, so that they are asked last.
    pub(crate) async fn check_lag(&self) {
        head::check_lag(self).await;
    }
}

/// No chain makes blocks faster, and no node shall be asked in a tight loop.
const POLL_INTERVAL_MIN: Duration = Duration::from_millis(10);

/// Time for a call to reach three endpoints, or one of them three times, with waits in between.
fn whole_call_deadline(config: &ChainConfig) -> Duration {
    let slowest = config.endpoints.iter().map(|endpoint| endpoint.timeout).max();
    slowest.unwrap_or(Duration::from_secs(10)) * 3 + Duration::from_secs(2)
}
