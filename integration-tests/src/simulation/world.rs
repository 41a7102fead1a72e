//! Puts two chains and some relayers together, and lets time pass.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use alloy::primitives::{Address, U256};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use axum::http::{Request, Response};
use eyre::{WrapErr, eyre};
use metrics_exporter_prometheus::PrometheusBuilder;
use secrecy::SecretBox;
use tokio::sync::watch;
use tokio::time::Instant;
use tower::ServiceExt;
use twinspan_api::status::Configuration;
use twinspan_bridge::finality::FinalityRule;
use twinspan_bridge::ids::{BlockNumber, BridgeAt, ChainId, Epoch};
use twinspan_bridge::key::AttestationKey;
use twinspan_bridge::relayer_set::RelayerSet;
use twinspan_bridge::side::{PerSide, Side};
use twinspan_chains::signer::{LocalKey, TransactionSigner};
use twinspan_chains::{ChainConfig, Clock, EndpointConfig, EvmChain, FeePolicy, Truth};
use twinspan_relayer::app::{EndParts, PairParts, Parts, Routers, start};
use twinspan_relayer::keys::Attester;
use twinspan_relayer::peers::client::{Peer, PeerError, PeerWire};
use twinspan_store::{Deployment, Memory, Store};
use twinspan_supervise::Supervisor;

use super::bridge::SimBridge;
use super::chain::SimChain;

/// Unix time of the chains' first blocks, in seconds.
const BORN_AT: u64 = 1_700_000_000;

/// Time between two blocks of a chain.
const BLOCK_EVERY: Duration = Duration::from_secs(1);

/// How long a relayer's tasks may take to stop.
const GRACE: Duration = Duration::from_secs(10);

/// Bytes of an answer that a test reads, at most.
const ANSWER_BYTES_MAX: usize = 4 << 20;

/// The parts of a world.
#[derive(Clone, Copy, Debug)]
pub struct WorldOptions {
    /// Relayers, of which two thirds and one must sign.
    pub relayers: u8,
    /// Bridge pairs between the two chains.
    pub pairs: u8,
    /// Blocks of each chain before any relayer starts.
    pub history: u64,
    /// Every so many of these blocks each bridge is asked for a transfer.
    pub asked_every: u64,
    /// Calls that an endpoint answers at a time.
    pub concurrency: usize,
    /// When a block counts as final.
    pub finality: FinalityRule,
    /// The ground of reads. With anything but one endpoint's word there are two nodes a chain, which must agree.
    pub truth: Truth,
}

impl Default for WorldOptions {
    fn default() -> Self {
        Self {
            relayers: 4,
            pairs: 1,
            history: 0,
            asked_every: 10,
            concurrency: 32,
            finality: FinalityRule::Instant,
            truth: Truth::Single,
        }
    }
}

/// Two chains, their bridges, and the relayers between them.
#[derive(Debug)]
pub struct World {
    /// The two chains. A block follows each second, while time passes.
    pub chains: PerSide<SimChain>,
    /// The pairs' bridges.
    pub pairs: Vec<PerSide<BridgeAt>>,
    options: WorldOptions,
    clock: Clock,
    relayers: Vec<Relayer>,
    /// Where each relayer's peers reach it, while it runs.
    doors: Vec<Door>,
}

/// Where a relayer's peers reach it, while it runs.
#[derive(Clone, Debug, Default)]
struct Door(Arc<Mutex<Option<Router>>>);

impl Door {
    fn open(&self, router: Router) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(router);
    }

    fn close(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    fn router(&self) -> Option<Router> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A relayer's store, and the task that writes it, which outlives the others.
#[derive(Debug)]
struct Disk {
    store: Store,
    writing: Supervisor,
}

#[derive(Debug)]
struct Relayer {
    routers: Routers,
    tasks: Supervisor,
    disk: Disk,
}

impl World {
    /// Makes the chains, with their history, and starts the relayers.
    ///
    /// # Errors
    /// If a relayer does not start.
    pub async fn start(options: WorldOptions) -> eyre::Result<Self> {
        let pairs: Vec<_> =
            (0..options.pairs).map(|pair| PerSide::from_fn(|side| bridge_at(side, pair))).collect();
        let set = relayer_set(options.relayers)?;
        let chains = PerSide::from_fn(|side| {
            let bridges = pairs.iter().map(|ends| {
                let bridge = SimBridge::new(ends[side], ends[side.other()], set.clone());
                (ends[side].address, bridge)
            });
            SimChain::new(chain_id(side), BORN_AT, bridges.collect())
        });
        let doors = (0..options.relayers).map(|_| Door::default()).collect();
        // The history has taken its time.
        let clock = Clock::fixed_start(Duration::from_secs(BORN_AT + options.history));
        let mut world = Self { chains, pairs, options, clock, relayers: Vec::new(), doors };
        for block in 0..options.history {
            let is_asked = block.is_multiple_of(options.asked_every);
            for (side, chain) in world.chains.iter() {
                for ends in world.pairs.iter().filter(|_| is_asked) {
                    chain.request(ends[side], Address::repeat_byte(1), block + 1);
                }
                chain.mine();
            }
        }
        for relayer in 0..options.relayers {
            let started = world.relayer(relayer).await?;
            world.relayers.push(started);
        }
        Ok(world)
    }

    /// Lets so many seconds pass.
    ///
    /// # Errors
    /// If a relayer's task ends meanwhile.
    pub async fn run(&mut self, seconds: u64) -> eyre::Result<()> {
        for _ in 0..seconds {
            tokio::time::sleep(BLOCK_EVERY).await;
            for chain in self.chains.values() {
                chain.mine();
            }
            self.none_has_ended().await?;
        }
        Ok(())
    }

    async fn none_has_ended(&mut self) -> eyre::Result<()> {
        for relayer in &mut self.relayers {
            let look = tokio::time::timeout(Duration::ZERO, relayer.tasks.unasked_exit());
            if let Ok(unasked) = look.await {
                return Err(unasked.into());
            }
        }
        Ok(())
    }

    /// Asks a relayer's API; the status and the body.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn ask(&self, relayer: usize, path: &str) -> eyre::Result<(u16, serde_json::Value)> {
        let request = Request::get(path).body(Body::empty())?;
        let answer = self.relayers[relayer].routers.api.clone().oneshot(from_nobody(request)).await;
        let answer = answer.unwrap_or_else(|never: Infallible| match never {});
        let status = answer.status().as_u16();
        let body = axum::body::to_bytes(answer.into_body(), ANSWER_BYTES_MAX).await?;
        Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
    }

    /// Requests that the bridges of a side have handed over.
    #[must_use]
    pub fn handed_over(&self, side: Side) -> u64 {
        let count =
            |ends: &PerSide<BridgeAt>| self.chains[side].bridge(ends[side]).incoming.count.get();
        self.pairs.iter().map(count).sum()
    }

    /// Requests that were asked for on a side.
    #[must_use]
    pub fn requested(&self, side: Side) -> u64 {
        let count =
            |ends: &PerSide<BridgeAt>| self.chains[side].bridge(ends[side]).outgoing.count.get();
        self.pairs.iter().map(count).sum()
    }

    /// Whether a relayer says that it is ready.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn is_ready(&self, relayer: usize) -> eyre::Result<bool> {
        Ok(self.ask(relayer, "/readyz").await?.0 == 200)
    }

    /// Stops a relayer and starts it again from its store.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn restart(&mut self, relayer: u8) -> eyre::Result<()> {
        let Relayer { tasks, disk, .. } = self.relayers.remove(usize::from(relayer));
        // A task that does not stop is cut off.
        let _ = tasks.shut_down(GRACE).await;
        self.doors[usize::from(relayer)].close();
        let started = self.begin(relayer, disk).await?;
        self.relayers.insert(usize::from(relayer), started);
        Ok(())
    }

    /// Stops every relayer.
    pub async fn stop(self) {
        for Relayer { tasks, disk, routers } in self.relayers {
            let _ = tasks.shut_down(GRACE).await;
            drop((routers, disk.store));
            let _ = disk.writing.shut_down(GRACE).await;
        }
    }

    async fn relayer(&self, number: u8) -> eyre::Result<Relayer> {
        let pairs = self.pairs.iter().enumerate();
        let pairs =
            pairs.map(|(pair, ends)| (pair_name(pair), ends[Side::Main], ends[Side::Service]));
        let relayer = attestation_key(number)?.address();
        let deployment = Deployment { relayer, pairs: pairs.collect() };
        let (store, writer) = Store::in_memory(&Memory::new(), &deployment)?;
        let mut writing = Supervisor::new();
        writing.spawn("store", writer.run());
        self.begin(number, Disk { store, writing }).await
    }

    async fn begin(&self, number: u8, disk: Disk) -> eyre::Result<Relayer> {
        let mut tasks = Supervisor::new();
        let mut chains = BTreeMap::new();
        for (side, chain) in self.chains.iter() {
            let config = self.chain_config(side);
            let nodes = config.endpoints.iter().map(|_| chain.node()).collect();
            chains.insert(side.label().to_owned(), EvmChain::connect_over(config, nodes).await?);
        }
        let peers = (0..self.options.relayers).filter(|peer| *peer != number);
        let parts = Parts {
            name: format!("relayer-{number}"),
            key: Attester::Here(Arc::new(attestation_key(number)?)),
            chains,
            pairs: self.pair_parts(number)?,
            peers: peers.map(|peer| self.peer(peer)).collect(),
            pull_interval: Duration::from_secs(1),
            store: disk.store.clone(),
            recovery_timeout: None,
            clock: self.clock.clone(),
            metrics: PrometheusBuilder::new().build_recorder().handle(),
            started: Instant::now(),
            configuration: watch::channel(Configuration::default()).1,
        };
        let routers = start(parts, &mut tasks).wrap_err("a relayer starts")?;
        self.doors[usize::from(number)].open(routers.peers.clone());
        Ok(Relayer { routers, tasks, disk })
    }

    fn pair_parts(&self, number: u8) -> eyre::Result<BTreeMap<String, PairParts>> {
        let secret = [number + 101; 32];
        let signer = TransactionSigner::new(LocalKey::new(&SecretBox::new(Box::new(secret)))?);
        let parts = |(pair, ends): (usize, &PerSide<BridgeAt>)| {
            let ends = PerSide::from_fn(|side| EndParts {
                chain: side.label().to_owned(),
                bridge: ends[side],
                start_block: BlockNumber::new(1),
                transaction_gas_max: 15_000_000,
                submitter: signer.clone(),
            });
            let parts = PairParts {
                ends,
                takeover: Duration::from_secs(3),
                cosign_timeout: Duration::from_secs(10),
                batch_max: 64,
                term_blocks: 16,
            };
            (pair_name(pair), parts)
        };
        Ok(self.pairs.iter().enumerate().map(parts).collect())
    }

    fn chain_config(&self, side: Side) -> ChainConfig {
        let quorum = if self.options.truth == Truth::Single { 1 } else { 2 };
        let endpoint = |number| EndpointConfig {
            label: format!("node-{number}"),
            provider: format!("provider-{number}"),
            http: None,
            ws: None,
            requests_per_second: 0,
            concurrency: self.options.concurrency,
            timeout: Duration::from_secs(10),
        };
        ChainConfig {
            name: side.label().to_owned(),
            chain_id: chain_id(side),
            genesis_hash: None,
            endpoints: (0..quorum).map(endpoint).collect(),
            finality: self.options.finality,
            poll_interval: BLOCK_EVERY,
            stall_after: Duration::from_secs(30),
            log_range_max: 500,
            fees: FeePolicy::default(),
            quorum,
            truth: self.options.truth,
            clock: self.clock.clone(),
        }
    }

    /// The way to another relayer: its router, without a socket.
    fn peer(&self, number: u8) -> Peer {
        let door = self.doors[usize::from(number)].clone();
        let wire = tower::service_fn(move |request: Request<Bytes>| through(door.clone(), request));
        Peer::over(format!("relayer-{number}"), PeerWire::new(wire))
    }
}

async fn through(door: Door, request: Request<Bytes>) -> Result<Response<Bytes>, PeerError> {
    tokio::time::sleep(Duration::from_millis(1)).await;
    let closed = || PeerError::Unreached("it does not run".to_owned());
    let router = door.router().ok_or_else(closed)?;
    let answer = router.oneshot(from_nobody(request.map(Body::from))).await;
    let (parts, body) = answer.unwrap_or_else(|never: Infallible| match never {}).into_parts();
    let body = axum::body::to_bytes(body, ANSWER_BYTES_MAX).await;
    let body = body.map_err(|error| PeerError::Malformed(error.to_string()))?;
    Ok(Response::from_parts(parts, body))
}

/// A router that is asked directly is told of no connection.
fn from_nobody(mut request: Request<Body>) -> Request<Body> {
    let from: SocketAddr = (Ipv4Addr::LOCALHOST, 1).into();
    request.extensions_mut().insert(ConnectInfo(from));
    request
}

fn pair_name(pair: usize) -> String {
    format!("pair-{pair}")
}

fn chain_id(side: Side) -> ChainId {
    ChainId::new(match side {
        Side::Main => 71_001,
        Side::Service => 71_002,
    })
}

fn bridge_at(side: Side, pair: u8) -> BridgeAt {
    let mut address = Address::repeat_byte(0xb0);
    address.0[19] = pair;
    BridgeAt { chain_id: chain_id(side), address }
}

fn attestation_key(relayer: u8) -> eyre::Result<AttestationKey> {
    AttestationKey::from_bytes(U256::from(relayer + 1).to_be_bytes()).map_err(|error| eyre!(error))
}

fn relayer_set(relayers: u8) -> eyre::Result<RelayerSet> {
    let members = (0..relayers).map(|relayer| Ok(attestation_key(relayer)?.address()));
    let members = members.collect::<eyre::Result<Vec<_>>>()?;
    Ok(RelayerSet::new(Epoch::new(1), relayers * 2 / 3 + 1, members)?)
}
