//! Makes a relayer from its configuration, runs it until it is asked to stop, and takes it apart in order.

mod changes;
mod error;
mod listeners;
mod pair;
mod preflight;
mod start;
mod tasks;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use twinspan_api::status::Configuration;
use twinspan_bridge::ids::BridgeAt;
use twinspan_bridge::side::{PerSide, Side};
use twinspan_chains::{Clock, ConnectError, EvmChain, Truth};
use twinspan_store::{Deployment, Store, Write};
use twinspan_supervise::Supervisor;

use crate::config::{Config, End};
use crate::keys::{self, Attester, Submitters};
use crate::metrics;
use crate::peers::client::Peer;
use crate::serve::http::{Audience, serve, serve_operator};

use self::changes::Changes;
use self::listeners::Listeners;

pub use error::AppError;
pub use preflight::{PairFault, check_pairs};
pub use start::{EndParts, PairParts, Parts, Routers, start};

/// How long tasks may take to finish when the relayer is asked to stop.
const GRACE: Duration = Duration::from_secs(10);

/// The chains of a configuration, connected, by name.
pub type Chains = BTreeMap<String, EvmChain>;

/// Connects every chain that a pair uses.
///
/// # Errors
/// [`ConnectError`] with the endpoint, what was got and what was wanted.
pub async fn connect(config: &Config) -> Result<Chains, Box<ConnectError>> {
    let mut chains = Chains::new();
    for (name, chain) in &config.chains {
        let connected = EvmChain::connect(chain.access.clone()).await.map_err(Box::new)?;
        if chain.access.truth == Truth::Single {
            warn!(
                chain = name,
                "the word of one endpoint is believed: set chains.{name}.truth = \"proof\" and a quorum"
            );
        }
        chains.insert(name.clone(), connected);
    }
    Ok(chains)
}

/// A configuration with everything that it names looked at: what a relayer starts from.
#[derive(Debug)]
pub struct Ready {
    /// The configuration.
    pub config: Config,
    /// The key that attests.
    pub key: Attester,
    submitters: Submitters,
    chains: Chains,
}

impl Ready {
    /// Opens the keys, connects the chains and checks the bridges.
    ///
    /// # Errors
    /// [`AppError`] with what is wrong and what to do.
    pub async fn make(config: Config) -> Result<Self, AppError> {
        let key = keys::attester(&config.attestation_key).await?;
        let submitters = keys::submitters(&config).await?;
        let chains = connect(&config).await?;
        check_pairs(&config, &chains, key.address()).await?;
        let ready = Self { config, key, submitters, chains };
        for end in ready.pairs().values().flat_map(|pair| pair.ends.values()) {
            ready.chains[&end.chain].check_account(end.submitter.address()).await?;
        }
        Ok(ready)
    }

    fn pairs(&self) -> BTreeMap<String, PairParts> {
        let parts = self.config.pairs.iter().map(|(name, pair)| {
            let end = |side: Side| {
                let end = &pair.ends[side];
                EndParts {
                    chain: end.chain.clone(),
                    bridge: bridge_at(&self.config, end),
                    start_block: end.start_block,
                    transaction_gas_max: self.config.chains[&end.chain].transaction_gas_max,
                    submitter: self.submitters[name][side].clone(),
                }
            };
            let parts = PairParts {
                ends: PerSide::from_fn(end),
                takeover: pair.takeover,
                cosign_timeout: pair.cosign_timeout,
                batch_max: pair.batch_max,
                term_blocks: pair.term_blocks,
            };
            (name.clone(), parts)
        });
        parts.collect()
    }

    /// The parts of a relayer that goes on from `store`.
    fn parts(&self, store: &Store, run: &Run) -> Result<Parts, AppError> {
        let peers = &self.config.peers;
        Ok(Parts {
            name: self.config.name.clone(),
            key: self.key.clone(),
            chains: self.chains.clone(),
            pairs: self.pairs(),
            peers: peers.urls.iter().map(Peer::new).collect::<Result<_, _>>()?,
            pull_interval: peers.pull_interval,
            store: store.clone(),
            recovery_timeout: store.reader().is_recovering()?.then_some(peers.recovery_timeout),
            clock: run.clock.clone(),
            metrics: run.metrics.clone(),
            started: run.started,
            configuration: run.configuration.clone(),
        })
    }

    fn deployment(&self) -> Deployment {
        let at = |end: &End| bridge_at(&self.config, end);
        let pairs = self.config.pairs.iter().map(|(name, pair)| {
            (name.clone(), at(&pair.ends[Side::Main]), at(&pair.ends[Side::Service]))
        });
        Deployment { relayer: self.key.address(), pairs: pairs.collect() }
    }
}

/// The parts that stay while the configuration changes.
struct Run {
    clock: Clock,
    metrics: PrometheusHandle,
    started: Instant,
    configuration: watch::Receiver<Configuration>,
}

/// Runs a relayer until `stop` is cancelled or a task exits unexpectedly. Where the configuration's file changes for
/// another good one, it goes on with that: everything under way is stored, and is taken up again.
///
/// # Errors
/// [`AppError`]: refused at start, or the named task that ended.
pub async fn run(file: PathBuf, config: Config, stop: CancellationToken) -> Result<(), AppError> {
    let (metrics, started) = (metrics::install()?, Instant::now());
    let clock = Clock::system();
    let mut changes = Changes::watch(file, clock.clone())?;
    let mut ready = Ready::make(config).await?;
    let (store, writer) = Store::open(&ready.config.store, &ready.deployment())?;
    // Only whoever has the store takes the ports and the socket.
    let mut listeners = Listeners::bind(&ready.config, None).await?;
    let mut writing = Supervisor::new();
    writing.spawn("store", writer.run());
    let run = Run { clock, metrics, started, configuration: changes.report() };
    loop {
        let mut supervisor = Supervisor::new();
        let handles = listeners.share(&ready.config)?;
        let routers = start(ready.parts(&store, &run)?, &mut supervisor)?;
        let token = supervisor.token();
        let orders = serve_operator(handles.operator, routers.operator, token.clone());
        supervisor.spawn("operator", orders);
        let everybody = Audience::Public { proxies: ready.config.api_proxies.clone() };
        let api = serve(handles.api, routers.api, everybody, token.clone());
        supervisor.spawn("api", api);
        let peers = serve(handles.peers, routers.peers, Audience::Peers, token);
        supervisor.spawn("peers", peers);

        let config = &ready.config;
        info!(relayer = %config.name, api = %config.api, peers = %config.peers.listen, "running");
        let next = tokio::select! {
            biased;
            () = stop.cancelled() => Ok(None),
            unasked = supervisor.unasked_exit() => Err(unasked),
            unasked = writing.unasked_exit() => Err(unasked),
            next = changes.next(&ready, &listeners, &store) => Ok(Some(next)),
        };
        info!("stopping");
        let stopped = supervisor.shut_down(GRACE).await;
        let Some((next, ports)) = next? else {
            drop(store);
            writing.shut_down(GRACE).await?;
            return Ok(stopped?);
        };
        if let Err(unasked) = stopped {
            warn!(%unasked, "a task did not stop as it should: what it did is taken up from the store");
        }
        (ready, listeners) = (next, ports);
        // It comes after whatever the run that has ended wanted stored.
        store.commit(vec![Write::Deployment(ready.deployment())]).await?;
    }
}

fn bridge_at(config: &Config, end: &End) -> BridgeAt {
    let chain_id = config.chains[&end.chain].access.chain_id;
    BridgeAt { chain_id, address: end.bridge }
}
