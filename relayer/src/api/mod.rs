//! What operators, dApps and monitoring ask over HTTP.

pub mod operator;
pub mod transfers;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::watch;
use twinspan_chains::condition::Condition;
use twinspan_chains::transactions::{AccountHandle, AccountSnapshot};
use twinspan_chains::{ChainConfig, EvmChain};
use twinspan_store::Reader;

use crate::lanes::Directory;
use crate::status::PairReport;

/// What the answers are made from.
#[derive(Clone)]
pub struct Api {
    /// The relayer's name and attestation address.
    pub relayer: Arc<(String, alloy::primitives::Address)>,
    /// The pairs.
    pub pairs: Arc<Vec<watch::Receiver<PairReport>>>,
    /// The lanes.
    pub directory: Arc<Directory>,
    /// The chains.
    pub chains: Arc<Vec<EvmChain>>,
    /// The accounts that submit.
    pub accounts: Arc<Vec<AccountHandle>>,
    /// The store.
    pub reader: Reader,
    /// The metrics.
    pub metrics: PrometheusHandle,
    /// The configuration in force.
    pub configuration: watch::Receiver<Configuration>,
    /// Since when the relayer runs.
    pub started: tokio::time::Instant,
}

impl Api {
    /// The accounts that submit on `chain`.
    fn accounts_on(&self, chain: &EvmChain) -> impl Iterator<Item = &AccountHandle> {
        let chain_id = chain.chain_id();
        self.accounts.iter().filter(move |account| account.account().chain_id == chain_id)
    }
}

/// `GET /v1/status`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Status {
    /// The relayer's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its attestation address.
    pub relayer: alloy::primitives::Address,
    /// Seconds since it started.
    pub uptime_seconds: u64,
    /// Its configuration.
    #[serde(default)]
    pub configuration: Configuration,
    /// Its pairs.
    pub pairs: Vec<PairReport>,
    /// Its chains.
    pub chains: Vec<ChainReport>,
}

/// The configuration in force.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Configuration {
    /// Since when it is, in seconds of Unix time.
    pub since: u64,
    /// Why the file as it is now was refused, if it was.
    pub refused: Option<String>,
}

/// One chain as this relayer sees it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ChainReport {
    /// Its name in the configuration.
    pub name: String,
    /// Its id.
    pub chain_id: u64,
    /// What reads of it rest on: `proof`, `quorum` or `single`, with the providers that must agree.
    #[serde(default)]
    pub truth: String,
    /// What it and its endpoints are like.
    #[serde(default)]
    pub condition: Condition,
    /// The newest block seen.
    pub head: Option<u64>,
    /// When that block was made, Unix time in seconds.
    pub head_timestamp: Option<u64>,
    /// The accounts that submit there.
    pub accounts: Vec<AccountReport>,
    /// JSON-RPC calls made so far.
    pub rpc_calls: u64,
}

/// An account that submits.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AccountReport {
    /// Its address.
    pub address: alloy::primitives::Address,
    /// Its transactions under way.
    pub pending_transactions: usize,
    /// How long the oldest of them has been under way, in seconds.
    pub oldest_transaction_seconds: Option<u64>,
    /// The account's balance in wei, when it was last looked at.
    pub balance: Option<alloy::primitives::U256>,
    /// How long it lasts at the rate of the last hour, in seconds; none while nothing is spent.
    #[serde(default)]
    pub runway_seconds: Option<u64>,
}

/// The routes of the API.
pub fn router(api: Api) -> axum::Router {
    axum::Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/v1/status", get(status))
        .route("/v1/transfers", get(transfers::by_transaction))
        .route("/v1/transfers/{id}", get(transfers::by_id))
        .fallback(|| async { (StatusCode::NOT_FOUND, Json(json!({ "error": "no such path" }))) })
        .with_state(api)
}

async fn metrics(State(api): State<Api>) -> Response {
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
    (kind, api.metrics.render()).into_response()
}

async fn status(State(api): State<Api>) -> Json<Status> {
    let chains = api.chains.iter().map(|chain| chain_report(&api, chain)).collect();
    Json(Status {
        name: api.relayer.0.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        relayer: api.relayer.1,
        uptime_seconds: api.started.elapsed().as_secs(),
        configuration: api.configuration.borrow().clone(),
        pairs: api.pairs.iter().map(|pair| pair_report(&api.directory, pair)).collect(),
        chains,
    })
}

fn pair_report(directory: &Directory, pair: &watch::Receiver<PairReport>) -> PairReport {
    let mut report = pair.borrow().clone();
    for lane in &mut report.lanes {
        if let Some(entry) = lane.lane.and_then(|lane| directory.get(&lane.id())) {
            *lane = entry.report();
        }
    }
    report
}

fn chain_report(api: &Api, chain: &EvmChain) -> ChainReport {
    let head = *chain.seen_heads().borrow();
    ChainReport {
        name: chain.name().to_owned(),
        chain_id: chain.chain_id().get(),
        truth: truth(chain.config()),
        condition: chain.condition(),
        head: head.map(|head| head.block.number.get()),
        head_timestamp: head.map(|head| head.timestamp),
        accounts: api.accounts_on(chain).map(|it| account_report(&it.snapshot())).collect(),
        rpc_calls: chain.calls().total(),
    }
}

fn account_report(snapshot: &AccountSnapshot) -> AccountReport {
    AccountReport {
        address: snapshot.account.address,
        pending_transactions: snapshot.pending.len(),
        oldest_transaction_seconds: snapshot.oldest_age().map(|age| age.as_secs()),
        balance: snapshot.balance,
        runway_seconds: snapshot.runway.map(|runway| runway.as_secs()),
    }
}

fn truth(config: &ChainConfig) -> String {
    match config.quorum {
        0 | 1 => config.truth.to_string(),
        quorum => format!("{} of {quorum}", config.truth),
    }
}

/// Ready once every lane's chains are read and nothing is halted.
async fn ready(State(api): State<Api>) -> Response {
    let mut waiting = Vec::new();
    for pair in api.pairs.iter() {
        for lane in &pair.borrow().lanes {
            let (verdict, why) = lane.verdict();
            if matches!(verdict, "starting" | "recovering" | "halted") {
                waiting.push(json!({ "lane": lane.name, "is": verdict, "why": why }));
            }
        }
    }
    if waiting.is_empty() {
        return Json(json!({ "ready": true })).into_response();
    }
    let body = Json(json!({ "ready": false, "waiting": waiting }));
    (StatusCode::SERVICE_UNAVAILABLE, body).into_response()
}
