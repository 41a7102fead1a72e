//! Puts a relayer together, runs it until it is asked to stop, and takes it apart in order.

mod changes;
mod error;
mod listeners;
mod preflight;
mod serve;
mod tasks;

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use alloy::primitives::Address;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::{broadcast, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use twinspan_bridge::ids::{BridgeAt, Lane};
use twinspan_bridge::machine::Params;
use twinspan_chains::evm::calls::requests_within;
use twinspan_chains::signer::TransactionSigner;
use twinspan_chains::transactions::{Account, AccountHandle, Resolved};
use twinspan_chains::{ConnectError, EvmChain, Truth};

use crate::api::{self, Api, Configuration, operator};
use crate::config::{Config, Pair, Side};
use crate::engine::{Engine, INBOX_MAX, LaneSetup, Message, Outbox, Signing, Submitter};
use crate::keys::{self, Submitters};
use crate::metrics;
use crate::peers::client::Peer;
use crate::peers::{Directory, LaneEntry, server};
use crate::pipeline::abstain::Abstainer;
use crate::pipeline::attest::{ASKED_MAX, Attester, RemoteAttester};
use crate::pipeline::exchange::{Exchange, OUTBOX_MAX};
use crate::pipeline::observe::{Memory, Observer};
use crate::pipeline::read_ahead::ReadAhead;
use crate::status::PairReport;
use crate::store::{AccountStore, Deployment, Store, Write};
use crate::supervise::Supervisor;

use self::changes::Changes;
use self::listeners::{Handles, Listeners};
use self::serve::{serve, serve_operator};
use self::tasks::{keep_up, recover, tell_outcomes, watch_heads};

pub use error::AppError;
pub use preflight::{PairFault, check_pairs};

/// How long tasks may take to finish when the relayer is asked to stop.
const GRACE: Duration = Duration::from_secs(10);

/// Signatures of a certificate that room is left for in a batch's gas.
const SIGNATURES_ASSUMED: usize = 16;

/// Outcomes that wait for the lanes of an account, at most.
const OUTCOMES_MAX: usize = 64;

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
                "whatever one endpoint says is believed: set chains.{name}.truth = \"proof\" and a quorum"
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
        for (chain, account) in ready.accounts().into_keys() {
            ready.chains[&chain].check_account(account).await?;
        }
        Ok(ready)
    }

    /// The accounts that submit, by chain and address.
    fn accounts(&self) -> BTreeMap<(String, Address), TransactionSigner> {
        let of_pair = |(name, pair): (&String, &Pair)| {
            let signers = self.submitters[name].clone().into_iter();
            let chains = [pair.main.chain.clone(), pair.service.chain.clone()];
            signers.zip(chains).map(|(signer, chain)| ((chain, signer.address()), signer))
        };
        self.config.pairs.iter().flat_map(of_pair).collect()
    }

    fn deployment(&self) -> Deployment {
        let at = |side: &Side| bridge_at(&self.config, side);
        let pairs = self.config.pairs.iter();
        let pairs = pairs.map(|(name, pair)| (name.clone(), at(&pair.main), at(&pair.service)));
        Deployment { relayer: self.key.address(), pairs: pairs.collect() }
    }
}

/// Runs a relayer until `stop` is cancelled or a task ends unasked. Where the configuration's file changes for
/// another good one, it goes on with that: everything under way is stored, and is taken up again.
///
/// # Errors
/// [`AppError`]: refused at start, or the named task that ended.
pub async fn run(file: PathBuf, config: Config, stop: CancellationToken) -> Result<(), AppError> {
    let (metrics, started) = (metrics::install()?, Instant::now());
    let mut changes = Changes::watch(file)?;
    let mut ready = Ready::make(config).await?;
    let (store, writer) = Store::open(&ready.config.store, &ready.deployment())?;
    // Only whoever has the store takes the ports and the socket.
    let mut listeners = Listeners::bind(&ready.config, None).await?;
    let mut writing = Supervisor::new();
    writing.spawn("store", writer.run());
    loop {
        let mut supervisor = Supervisor::new();
        let shared = Shared {
            handle: metrics.clone(),
            started,
            listeners: listeners.share(&ready.config)?,
            configuration: changes.report(),
        };
        let has_peers = !ready.config.peers.urls.is_empty();
        let recovering = has_peers && store.reader().is_recovering()?;
        let app = App { ready: &ready, store: store.clone(), recovering };
        app.start(&mut supervisor, shared)?;
        drop(app);

        let config = &ready.config;
        info!(relayer = %config.name, api = %config.api, peers = %config.peers.listen, "running");
        let next = tokio::select! {
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

fn bridge_at(config: &Config, side: &Side) -> BridgeAt {
    let chain_id = config.chains[&side.chain].access.chain_id;
    BridgeAt { chain_id, address: side.bridge }
}

/// What one run takes over from the process.
struct Shared {
    handle: PrometheusHandle,
    started: Instant,
    listeners: Handles,
    configuration: watch::Receiver<Configuration>,
}

/// What the parts are made from.
struct App<'a> {
    ready: &'a Ready,
    store: Store,
    /// Whether the peers are to be asked what this relayer attested before.
    recovering: bool,
}

/// An account on a chain, with the pairs that use it.
struct Account {
    handle: AccountHandle,
    outcomes: mpsc::Receiver<Resolved>,
    pairs: Vec<mpsc::Sender<Message>>,
}

/// By chain and address.
type Accounts = BTreeMap<(String, Address), Account>;

impl App<'_> {
    fn start(&self, supervisor: &mut Supervisor, shared: Shared) -> Result<(), AppError> {
        let Shared { handle, started, listeners, configuration } = shared;
        let (outbox, _) = broadcast::channel(OUTBOX_MAX);
        let mut accounts = self.accounts(supervisor);
        let mut directory = Directory::new();
        let mut reports = Vec::new();
        for (name, pair) in &self.ready.config.pairs {
            let report =
                self.pair(supervisor, name, pair, &outbox, &mut accounts, &mut directory)?;
            reports.push(report);
        }
        let directory = Arc::new(directory);
        self.peers(supervisor, &outbox, &directory)?;
        let attester = self.ready.key.clone();
        let abstainer = Abstainer { attester, directory: Arc::clone(&directory), outbox };
        supervisor.spawn("abstain", abstainer.run(supervisor.token()));
        let api = Api {
            relayer: Arc::new((self.ready.config.name.clone(), self.ready.key.address())),
            pairs: Arc::new(reports),
            directory: Arc::clone(&directory),
            chains: Arc::new(self.ready.chains.values().cloned().collect()),
            accounts: Arc::new(accounts.values().map(|account| account.handle.clone()).collect()),
            reader: self.store.reader().clone(),
            metrics: handle.clone(),
            configuration,
            started,
        };
        let token = supervisor.token();
        let orders =
            serve_operator(listeners.operator, operator::router(api.clone()), token.clone());
        supervisor.spawn("operator", orders);
        supervisor.spawn("api", serve(listeners.api, api::router(api), token.clone()));
        let router = server::router(directory, self.store.reader().clone());
        supervisor.spawn("peers", serve(listeners.peers, router, token.clone()));
        for ((chain, address), account) in accounts {
            let outcomes = tell_outcomes(account.outcomes, account.pairs, token.clone());
            supervisor.spawn(format!("{chain}/{address}/outcomes"), outcomes);
        }
        for (name, chain) in &self.ready.chains {
            supervisor.spawn(format!("{name}/heads"), watch_heads(chain.clone(), token.clone()));
        }
        let chains = self.ready.chains.values().cloned().collect();
        supervisor.spawn("metrics", keep_up(handle, chains, token));
        Ok(())
    }

    /// A transaction engine for each account on each chain.
    fn accounts(&self, supervisor: &mut Supervisor) -> Accounts {
        let mut accounts = Accounts::new();
        for (key, signer) in self.ready.accounts() {
            let chain = &self.ready.chains[&key.0];
            let (told, outcomes) = mpsc::channel(OUTCOMES_MAX);
            let store = AccountStore(self.store.clone());
            let (engine, handle) = Account::new(chain.clone(), signer, store, told);
            let task = format!("{}/{}/transactions", key.0, key.1);
            supervisor.spawn(task, engine.run(supervisor.token()));
            accounts.insert(key, Account { handle, outcomes, pairs: Vec::new() });
        }
        accounts
    }

    /// The engine and the two observers of a pair.
    fn pair(
        &self,
        supervisor: &mut Supervisor,
        name: &str,
        pair: &Pair,
        outbox: &Outbox,
        accounts: &mut Accounts,
        directory: &mut Directory,
    ) -> Result<watch::Receiver<PairReport>, AppError> {
        let sides = [&pair.main, &pair.service];
        let account =
            |side: usize| (sides[side].chain.clone(), self.ready.submitters[name][side].address());
        let (inbox, messages) = mpsc::channel(INBOX_MAX);
        let setup = |index: usize| {
            let (from, to) = (sides[index], sides[1 - index]);
            let lane = Lane {
                source: bridge_at(&self.ready.config, from),
                destination: bridge_at(&self.ready.config, to),
            };
            let lane_name = format!("{name}/{}→{}", from.chain, to.chain);
            metrics::init_lane(&lane_name);
            let account = accounts[&account(1 - index)].handle.clone();
            let gas_max = self.ready.config.chains[&to.chain].transaction_gas_max;
            // A set has at most 64 members; most have few, and a batch that is too long shrinks.
            let batch_max = pair.batch_max.min(requests_within(gas_max, SIGNATURES_ASSUMED));
            LaneSetup {
                params: Params {
                    lane,
                    me: self.ready.key.address(),
                    takeover: pair.takeover,
                    cosign_timeout: pair.cosign_timeout,
                    batch_max,
                    recovering: self.recovering,
                },
                start_block: from.start_block,
                submitter: Submitter::new(
                    self.ready.chains[&to.chain].clone(),
                    gas_max,
                    to.bridge,
                    lane_name.clone(),
                    account,
                ),
                name: lane_name,
            }
        };
        let setups = [setup(0), setup(1)];
        let lanes = [setups[0].params.lane, setups[1].params.lane];
        let (engine, report) = Engine::restore(
            name.to_owned(),
            setups,
            self.signing(supervisor, name, &inbox),
            self.store.clone(),
            messages,
            outbox.clone(),
        )?;
        let troubles = [watch::Sender::new(None), watch::Sender::new(None)];
        for (side, cursor) in engine.cursors().into_iter().enumerate() {
            let chain = self.ready.chains[&sides[side].chain].clone();
            let bridge = sides[side].bridge;
            let observer = Observer {
                side,
                name: format!("{name}/{}", sides[side].chain),
                reads: ReadAhead::new(chain.clone(), bridge),
                chain,
                bridge,
                term_blocks: pair.term_blocks,
                cursor,
                engine: inbox.clone(),
                report: report.clone(),
                memory: Memory::default(),
                trouble: troubles[side].clone(),
            };
            let task = format!("{}/observe", observer.name);
            supervisor.spawn(task, observer.run(supervisor.token()));
        }
        for (index, lane) in lanes.into_iter().enumerate() {
            let entry = LaneEntry {
                lane,
                index,
                engine: inbox.clone(),
                report: report.clone(),
                source: self.ready.chains[&sides[index].chain].clone(),
                trouble: troubles[index].subscribe(),
                abstentions: Arc::default(),
            };
            directory.insert(lane.id(), entry);
            if let Some(account) = accounts.get_mut(&account(index)) {
                account.pairs.push(inbox.clone());
            }
        }
        supervisor.spawn(format!("{name}/engine"), engine.run(supervisor.token()));
        Ok(report)
    }

    /// How a pair's checkpoints are signed; the task that asks a remote signer.
    fn signing(
        &self,
        supervisor: &mut Supervisor,
        pair: &str,
        engine: &mpsc::Sender<Message>,
    ) -> Signing {
        let signer = match &self.ready.key {
            Attester::Here(key) => return Signing::Here(Arc::clone(key)),
            Attester::Elsewhere(signer) => Arc::clone(signer),
        };
        let (asks, asked) = mpsc::channel(ASKED_MAX);
        let (pair, engine) = (pair.to_owned(), engine.clone());
        let task = format!("{pair}/attest");
        let attester = RemoteAttester { signer, pair, asked, engine };
        supervisor.spawn(task, attester.run(supervisor.token()));
        Signing::Elsewhere { asks, waiting: VecDeque::new() }
    }

    /// The exchange with each peer, and the wait for what they remember of us.
    fn peers(
        &self,
        supervisor: &mut Supervisor,
        outbox: &Outbox,
        directory: &Arc<Directory>,
    ) -> Result<(), AppError> {
        let peers = &self.ready.config.peers;
        let (told, answered) = mpsc::channel(peers.urls.len().max(1));
        for url in &peers.urls {
            let peer = Peer::new(url)?;
            let task = format!("peer {}", peer.name());
            let exchange = Exchange {
                peer,
                outbox: outbox.subscribe(),
                directory: Arc::clone(directory),
                pull_interval: peers.pull_interval,
                answered: self.recovering.then(|| told.clone()),
            };
            supervisor.spawn(task, exchange.run(supervisor.token()));
        }
        if self.recovering {
            let recovered = recover(
                answered,
                peers.urls.len(),
                peers.recovery_timeout,
                Arc::clone(directory),
                self.store.clone(),
                supervisor.token(),
            );
            supervisor.spawn("recovery", recovered);
        }
        Ok(())
    }
}
