//! Tells what the relayer is doing: its pairs, chains and accounts.

use axum::Json;
use axum::extract::State;
use tokio::sync::watch;
use twinspan_api::chain::{Account, Chain, ChainState, Condition, Endpoint, EndpointState};
use twinspan_api::status::{Pair, Status};
use twinspan_chains::condition;
use twinspan_chains::transactions::AccountSnapshot;
use twinspan_chains::{ChainConfig, EvmChain};

use super::{Api, lanes};
use crate::lanes::Directory;
use crate::status::PairReport;

/// `GET /v1/status`
pub(super) async fn status(State(api): State<Api>) -> Json<Status> {
    Json(Status {
        name: api.relayer.0.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        relayer: api.relayer.1,
        uptime_seconds: api.started.elapsed().as_secs(),
        configuration: api.configuration.borrow().clone(),
        pairs: api.pairs.iter().map(|report| pair(&api.directory, report)).collect(),
        chains: api.chains.iter().map(|of| chain(&api, of)).collect(),
    })
}

fn pair(directory: &Directory, report: &watch::Receiver<PairReport>) -> Pair {
    let report = report.borrow().clone();
    let ids = report.lanes.iter().filter_map(|lane| Some(lane.lane?.id()));
    let entries = ids.filter_map(|id| directory.get(&id));
    Pair { name: report.name, lanes: entries.map(lanes::lane).collect() }
}

fn chain(api: &Api, chain: &EvmChain) -> Chain {
    let head = *chain.seen_heads().borrow();
    Chain {
        name: chain.name().to_owned(),
        chain_id: chain.chain_id().get(),
        truth: truth(chain.config()),
        condition: condition(chain.condition()),
        head: head.map(|head| head.block.number.get()),
        head_timestamp: head.map(|head| head.timestamp),
        accounts: api.accounts_on(chain).map(|handle| account(&handle.snapshot())).collect(),
        rpc_calls: chain.calls().total(),
    }
}

fn condition(now: condition::Condition) -> Condition {
    let advice = now.advice();
    let state = match now.state {
        condition::ChainState::Starting => ChainState::Starting,
        condition::ChainState::Live => ChainState::Live,
        condition::ChainState::Halted => ChainState::Halted,
        condition::ChainState::Unreachable => ChainState::Unreachable,
    };
    let endpoints = now.endpoints.into_iter().map(|endpoint| Endpoint {
        label: endpoint.label,
        provider: endpoint.provider,
        state: endpoint_state(endpoint.state),
    });
    let endpoints = endpoints.collect();
    Condition { state, still_seconds: now.still_seconds, endpoints, advice }
}

const fn endpoint_state(state: condition::EndpointState) -> EndpointState {
    match state {
        condition::EndpointState::Up => EndpointState::Up,
        condition::EndpointState::Slow => EndpointState::Slow,
        condition::EndpointState::Lagging => EndpointState::Lagging,
        condition::EndpointState::Distrusted => EndpointState::Distrusted,
        condition::EndpointState::Dead => EndpointState::Dead,
    }
}

fn account(snapshot: &AccountSnapshot) -> Account {
    Account {
        address: snapshot.account.address,
        pending_transactions: snapshot.pending.len() as u64,
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
