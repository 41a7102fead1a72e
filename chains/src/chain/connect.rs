//! Connects a chain: its endpoints, their agreement, and the check that they serve it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use alloy::network::Ethereum;
use alloy::primitives::{B256, U64};
use alloy::providers::{Provider, RootProvider};
use tokio::sync::watch;
use twinspan_bridge::ids::ChainId;

use super::{EvmChain, Inner, Memories, Pulse, RangeGauge};
use crate::config::ChainConfig;
use crate::disposition::Disposition;
use crate::rpc::endpoint::{Endpoint, Shared};
use crate::rpc::fault::RpcFault;
use crate::rpc::identity::Wanted;
use crate::rpc::{self, CallCounts, RpcService, WsLink};

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
        /// Its answer.
        got: ChainId,
        /// The configured one.
        want: ChainId,
    },
    /// An endpoint serves a chain of that id that begins otherwise.
    #[error(
        "endpoint `{endpoint}` of chain `{chain}` serves a chain that begins with block {got}, want {want}"
    )]
    WrongGenesis {
        /// The chain's name.
        chain: String,
        /// The endpoint's label.
        endpoint: String,
        /// Its answer.
        got: B256,
        /// The configured one.
        want: B256,
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
    /// The caller's next step.
    #[must_use]
    pub const fn disposition(&self) -> Disposition {
        match self {
            Self::Unreachable { .. } => Disposition::Wait,
            Self::NoEndpoint { .. }
            | Self::NoAddress { .. }
            | Self::WrongChain { .. }
            | Self::WrongGenesis { .. }
            | Self::QuorumTooLarge { .. } => Disposition::Halt,
        }
    }
}

impl EvmChain {
    /// Connects and checks the chain id of every endpoint.
    ///
    /// A silent endpoint is tolerated while the others form a quorum; its chain id is checked when it first answers.
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
        let shared = Shared {
            chain: Arc::clone(&name),
            want: Wanted { id: config.chain_id, genesis: config.genesis_hash },
            counts: counts.clone(),
            clock: config.clock.clone(),
        };
        let endpoints: Arc<[Endpoint]> = config
            .endpoints
            .iter()
            .zip(wires)
            .map(|(endpoint, (wire, ws))| Endpoint::new(endpoint, &shared, wire, ws))
            .collect();
        let deadline = whole_call_deadline(&config);
        let logs_from = Arc::default();
        let any = rpc::failover_client(
            &name,
            &endpoints,
            deadline,
            &config.clock,
            Arc::clone(&logs_from),
        );
        let quorum = match config.quorum {
            // One endpoint's word is any endpoint's word: failover costs fewer calls.
            0 | 1 => any.clone(),
            want => rpc::quorum_client(&name, &endpoints, want, deadline, &config.clock),
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
            pulse: Pulse::default(),
            memories: Memories::default(),
            logs_from,
        };
        let chain = Self { inner: Arc::new(inner) };
        chain.check_endpoints().await?;
        Ok(chain)
    }

    async fn check_endpoints(&self) -> Result<(), ConnectError> {
        let config = self.config();
        let asked = self.inner.endpoints.iter().map(|endpoint| async move {
            let named: Result<U64, _> = endpoint.ask("eth_chainId", ()).await;
            (endpoint.label().to_owned(), named)
        });
        let mut answering = 0;
        let mut silent = None;
        for (endpoint, outcome) in futures::future::join_all(asked).await {
            let fault = match outcome {
                Ok(_) => {
                    answering += 1;
                    continue;
                }
                Err(fault) => fault,
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
            if let RpcFault::WrongGenesis { got, want } = fault {
                let chain = config.name.clone();
                return Err(ConnectError::WrongGenesis { chain, endpoint, got, want });
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
}

/// No chain makes blocks faster, and no node shall be asked in a tight loop.
const POLL_INTERVAL_MIN: Duration = Duration::from_millis(10);

/// Time for a call to reach three endpoints, or one of them three times, with waits in between.
fn whole_call_deadline(config: &ChainConfig) -> Duration {
    let slowest = config.endpoints.iter().map(|endpoint| endpoint.timeout).max();
    slowest
        .unwrap_or(Duration::from_secs(10))
        .saturating_mul(3)
        .saturating_add(Duration::from_secs(2))
}
