//! Starts a relayer from its parts: every task, in a tree, and the routers that answer for it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use alloy::primitives::Address;
use axum::Router;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::time::Instant;
use twinspan_api::status::Configuration;
use twinspan_bridge::ids::{BlockNumber, BridgeAt};
use twinspan_bridge::side::PerSide;
use twinspan_chains::Clock;
use twinspan_chains::signer::TransactionSigner;
use twinspan_chains::transactions::{self, AccountHandle, Resolved};

use super::tasks::{LaneInbox, keep_up, recover, tell_outcomes, watch_heads};
use super::{AppError, Chains, pair};
use crate::account_store::AccountStore;
use crate::engine::Outbox;
use crate::keys::Attester;
use crate::lanes::Directory;
use crate::peers::client::Peer;
use crate::peers::server;
use crate::pipeline::abstain::Abstainer;
use crate::pipeline::exchange::{Exchange, OUTBOX_MAX, PAUSE_MAX, PAUSE_MIN};
use crate::serve::{Api, operator, public};
use twinspan_store::Store;
use twinspan_supervise::Supervisor;

/// Outcomes that wait for the lanes of an account, at most.
const OUTCOMES_MAX: usize = 64;

/// Everything that a relayer is made of, however it came about: from a configuration, or in a test.
#[derive(Debug)]
pub struct Parts {
    /// The operator's name for this relayer.
    pub name: String,
    /// The key that attests.
    pub key: Attester,
    /// The chains that its pairs name.
    pub chains: Chains,
    /// Its pairs, by name.
    pub pairs: BTreeMap<String, PairParts>,
    /// The other relayers.
    pub peers: Vec<Peer>,
    /// How often missing attestations are asked for.
    pub pull_interval: Duration,
    /// Where it remembers.
    pub store: Store,
    /// How long peers may take to tell what this relayer attested before; `None` where its store tells.
    pub recovery_timeout: Option<Duration>,
    /// The time of day, and each waiter's chance.
    pub clock: Clock,
    /// The metrics.
    pub metrics: PrometheusHandle,
    /// When the process started.
    pub started: Instant,
    /// The configuration in force, for its status.
    pub configuration: watch::Receiver<Configuration>,
}

/// One bridge pair.
#[derive(Clone, Debug)]
pub struct PairParts {
    /// Its two ends.
    pub ends: PerSide<EndParts>,
    /// How long a rank waits for the one before it.
    pub takeover: Duration,
    /// How long attestations may take to become a certificate before they are posted on chain.
    pub cosign_timeout: Duration,
    /// Most requests in a batch.
    pub batch_max: u64,
    /// Source blocks that share one order of submitters.
    pub term_blocks: u64,
}

/// One end of a pair.
#[derive(Clone, Debug)]
pub struct EndParts {
    /// The chain's name.
    pub chain: String,
    /// The bridge.
    pub bridge: BridgeAt,
    /// The block that the bridge was deployed in, or any before.
    pub start_block: BlockNumber,
    /// Most gas that a transaction may ask for there.
    pub transaction_gas_max: u64,
    /// The key that pays gas here.
    pub submitter: TransactionSigner,
}

impl EndParts {
    /// The account that submits here, by chain and address.
    pub(super) fn account(&self) -> (String, Address) {
        (self.chain.clone(), self.submitter.address())
    }
}

/// A relayer's answers, by who is let in.
#[derive(Debug)]
pub struct Routers {
    /// To dApps and monitoring.
    pub api: Router,
    /// To its operator.
    pub operator: Router,
    /// To other relayers.
    pub peers: Router,
}

/// An account on a chain, with the lanes that end there and use it, by bridge.
pub(super) struct Account {
    pub(super) handle: AccountHandle,
    outcomes: mpsc::Receiver<Resolved>,
    pub(super) lanes: BTreeMap<Address, LaneInbox>,
}

/// By chain and address.
pub(super) type Accounts = BTreeMap<(String, Address), Account>;

/// Starts a relayer. Its tasks end with `supervisor`.
///
/// # Errors
/// [`AppError`] if what is stored does not read back.
pub fn start(parts: Parts, supervisor: &mut Supervisor) -> Result<Routers, AppError> {
    let (outbox, _) = broadcast::channel(OUTBOX_MAX);
    let mut accounts = accounts(&parts, supervisor);
    let (mut directory, mut reports) = (Directory::new(), Vec::new());
    for (name, pair) in &parts.pairs {
        let started = pair::start(&parts, (name, pair), supervisor, &outbox, &mut accounts)?;
        directory.extend(started.entries);
        reports.push(started.report);
    }
    let directory = Arc::new(directory);
    exchanges(&parts, supervisor, &outbox, &directory);
    let (attester, token) = (parts.key.clone(), supervisor.token());
    let (clock, lanes) = (parts.clock.clone(), Arc::clone(&directory));
    let abstainer = Abstainer { attester, directory: lanes, outbox, clock };
    supervisor.spawn("abstain", abstainer.run(token.clone()));
    let api = Api {
        relayer: Arc::new((parts.name, parts.key.address())),
        pairs: Arc::new(reports),
        directory: Arc::clone(&directory),
        chains: Arc::new(parts.chains.values().cloned().collect()),
        accounts: Arc::new(accounts.values().map(|account| account.handle.clone()).collect()),
        store: parts.store.clone(),
        evidence: Arc::default(),
        metrics: parts.metrics.clone(),
        configuration: parts.configuration,
        started: parts.started,
    };
    for ((chain, address), account) in accounts {
        let outcomes = tell_outcomes(account.outcomes, account.lanes, token.clone());
        supervisor.spawn(format!("{chain}/{address}/outcomes"), outcomes);
    }
    for (name, chain) in &parts.chains {
        supervisor.spawn(format!("{name}/heads"), watch_heads(chain.clone(), token.clone()));
    }
    let chains = parts.chains.into_values().collect();
    supervisor.spawn("metrics", keep_up(parts.metrics, chains, token));
    Ok(Routers {
        operator: operator::router(api.clone()),
        api: public::router(api),
        peers: server::router(directory, parts.store.reader().clone()),
    })
}

/// An actor for each account on each chain.
fn accounts(parts: &Parts, supervisor: &mut Supervisor) -> Accounts {
    let mut accounts = Accounts::new();
    for end in parts.pairs.values().flat_map(|pair| pair.ends.values()) {
        let key = end.account();
        if accounts.contains_key(&key) {
            continue;
        }
        let (chain, signer) = (parts.chains[&end.chain].clone(), end.submitter.clone());
        let (told, outcomes) = mpsc::channel(OUTCOMES_MAX);
        let store = AccountStore(parts.store.clone());
        let (actor, handle) = transactions::Account::new(chain, signer, store, told);
        let task = format!("{}/{}/transactions", key.0, key.1);
        supervisor.spawn(task, actor.run(supervisor.token()));
        accounts.insert(key, Account { handle, outcomes, lanes: BTreeMap::new() });
    }
    accounts
}

/// The exchange with each peer, and the wait for what they remember of us.
fn exchanges(
    parts: &Parts,
    supervisor: &mut Supervisor,
    outbox: &Outbox,
    directory: &Arc<Directory>,
) {
    // Without peers there is nobody to ask.
    let recovery_timeout = parts.recovery_timeout.filter(|_| !parts.peers.is_empty());
    let (told, answered) = mpsc::channel(parts.peers.len().max(1));
    for peer in &parts.peers {
        let exchange = Exchange {
            peer: peer.clone(),
            outbox: outbox.subscribe(),
            directory: Arc::clone(directory),
            pull_interval: parts.pull_interval,
            answered: recovery_timeout.map(|_| told.clone()),
            pause: parts.clock.backoff(PAUSE_MIN, PAUSE_MAX),
        };
        supervisor.spawn(format!("peer {}", peer.name()), exchange.run(supervisor.token()));
    }
    if let Some(timeout) = recovery_timeout {
        let (peers, directory) = (parts.peers.len(), Arc::clone(directory));
        let (store, token) = (parts.store.clone(), supervisor.token());
        let recovered = recover(answered, peers, timeout, directory, store, token);
        supervisor.spawn("recovery", recovered);
    }
}
