//! What only the operator may ask: it is served on a Unix socket beside the store, which only the operator's own
//! account can open. No port, no password.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use alloy::primitives::{Address, B256};
use axum::Json;
use axum::extract::{Path as UrlPath, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::net::UnixListener;
use tokio::sync::oneshot;
use twinspan_bridge::ids::{AccountNonce, LaneId};
use twinspan_chains::EvmChain;
use twinspan_chains::transactions::{
    AccountHandle, Command, CommandRefused, Fees, PendingView, StoredTransaction,
};
use twinspan_store::DecisionRow;

use super::Api;
use crate::account_store::transactions;
use crate::engine::Message;
use crate::lanes::LaneEntry;

/// Characters of a reason, at most.
const REASON_MAX: usize = 1_000;

/// A transaction that waits to be in a block.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pending {
    /// The chain's name.
    pub chain: String,
    /// The account that sends it.
    pub account: Address,
    /// Its account nonce.
    pub nonce: AccountNonce,
    /// What it is, for people.
    pub label: String,
    /// The newest signed transaction.
    pub transaction: Option<B256>,
    /// What that one offers.
    pub fees: Option<Fees>,
    /// Signed transactions with this account nonce.
    pub siblings: usize,
    /// When it was accepted, in seconds of Unix time.
    pub created_at: u64,
    /// Why it is not in a block yet, as far as known.
    pub waits_for: Option<String>,
}

/// What an order led to.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Done {
    /// The newest transaction with that account nonce; `None` if nothing was signed for it yet.
    pub transaction: Option<B256>,
    /// What it offers.
    pub fees: Option<Fees>,
}

/// One lane with what humans decided about it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LaneDecisions {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: LaneId,
    /// One word for what it is doing.
    pub is: String,
    /// Why, and what to do.
    pub why: String,
    /// What humans decided, oldest first.
    pub decisions: Vec<DecisionRow>,
}

/// `POST /v1/lanes/resume`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Resume {
    /// The lane's name.
    pub lane: String,
    /// Why, for whoever reads the evidence later.
    pub reason: String,
}

/// Which account of a chain is meant, where there are several.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Which {
    account: Option<Address>,
}

/// The routes of the operator's socket.
pub fn router(api: Api) -> axum::Router {
    axum::Router::new()
        .route("/v1/transactions", get(pending))
        .route("/v1/transactions/{chain}/{nonce}", get(stored))
        .route("/v1/transactions/{chain}/{nonce}/bump", post(bump))
        .route("/v1/transactions/{chain}/{nonce}/drop", post(drop_intent))
        .route("/v1/lanes", get(lanes))
        .route("/v1/lanes/resume", post(resume))
        .fallback(|| async { refusal(StatusCode::NOT_FOUND, "no such path") })
        .with_state(api)
}

/// Where the socket of the relayer with that store is.
#[must_use]
pub fn socket_of(store: &Path) -> PathBuf {
    store.with_extension("sock")
}

/// Listens where only the own account may connect. What an earlier process left there is removed: the store is
/// locked, so nobody listens any more.
///
/// # Errors
/// If the path is too long for a socket (107 bytes), or not writable.
pub fn listen(socket: &Path) -> io::Result<UnixListener> {
    let unready = socket.with_extension("sock.unready");
    for left in [&unready, socket] {
        match std::fs::remove_file(left) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Err(_) | Ok(()) => {}
        }
    }
    let listener = UnixListener::bind(&unready)?;
    std::fs::set_permissions(&unready, std::fs::Permissions::from_mode(0o600))?;
    std::fs::rename(&unready, socket)?;
    Ok(listener)
}

async fn pending(State(api): State<Api>) -> Json<Vec<Pending>> {
    let mut all = Vec::new();
    for chain in api.chains.iter() {
        for snapshot in api.accounts_on(chain).map(AccountHandle::snapshot) {
            let account = snapshot.account.address;
            all.extend(snapshot.pending.into_iter().map(|it| shown(chain.name(), account, it)));
        }
    }
    Json(all)
}

fn shown(chain: &str, account: Address, view: PendingView) -> Pending {
    Pending {
        chain: chain.to_owned(),
        account,
        nonce: view.nonce,
        label: view.label,
        transaction: view.transaction,
        fees: view.fees,
        siblings: view.siblings,
        created_at: view.created_at,
        waits_for: view.waits_for,
    }
}

async fn stored(
    State(api): State<Api>,
    UrlPath((chain, nonce)): UrlPath<(String, AccountNonce)>,
    Query(which): Query<Which>,
) -> Result<Json<StoredTransaction>, Refusal> {
    let account = account_of(&api, &chain, which)?.account();
    let all = transactions(&api.reader, account).map_err(|error| {
        tracing::error!(%error, "the store does not answer");
        refusal(StatusCode::INTERNAL_SERVER_ERROR, "the store does not answer")
    })?;
    all.into_iter().find(|stored| stored.nonce == nonce).map(Json).ok_or_else(|| {
        refusal(
            StatusCode::NOT_FOUND,
            "no transaction with that account nonce is kept: it is long final, or never was",
        )
    })
}

async fn bump(
    State(api): State<Api>,
    UrlPath((chain, nonce)): UrlPath<(String, AccountNonce)>,
    Query(which): Query<Which>,
) -> Result<Json<Done>, Refusal> {
    order(account_of(&api, &chain, which)?, nonce, Command::Bump).await
}

async fn drop_intent(
    State(api): State<Api>,
    UrlPath((chain, nonce)): UrlPath<(String, AccountNonce)>,
    Query(which): Query<Which>,
) -> Result<Json<Done>, Refusal> {
    order(account_of(&api, &chain, which)?, nonce, Command::Drop).await
}

async fn order(
    account: &AccountHandle,
    nonce: AccountNonce,
    order: Command,
) -> Result<Json<Done>, Refusal> {
    let done = account.command(nonce, order).await.map_err(|refused| {
        let status = match refused {
            CommandRefused::NotPending(_) => StatusCode::NOT_FOUND,
            CommandRefused::NoRoom | CommandRefused::TooOften => StatusCode::CONFLICT,
            CommandRefused::Unsigned | CommandRefused::Gone => StatusCode::SERVICE_UNAVAILABLE,
        };
        refusal(status, &refused.to_string())
    })?;
    Ok(Json(Done { transaction: done.transaction, fees: done.fees }))
}

fn account_of<'a>(api: &'a Api, chain: &str, which: Which) -> Result<&'a AccountHandle, Refusal> {
    let Some(of) = api.chains.iter().find(|known| known.name() == chain) else {
        let known: Vec<&str> = api.chains.iter().map(EvmChain::name).collect();
        let problem = format!("no chain `{chain}`: this relayer serves {}", known.join(", "));
        return Err(refusal(StatusCode::NOT_FOUND, &problem));
    };
    let is_meant =
        |one: &&AccountHandle| which.account.is_none_or(|meant| one.account().address == meant);
    let mut meant = api.accounts_on(of).filter(is_meant);
    if let (Some(account), None) = (meant.next(), meant.next()) {
        return Ok(account);
    }
    let known: Vec<_> = api.accounts_on(of).map(|it| it.account().address.to_string()).collect();
    let problem = format!("name one account of chain `{chain}`: {}", known.join(", "));
    Err(refusal(StatusCode::NOT_FOUND, &problem))
}

async fn lanes(State(api): State<Api>) -> Result<Json<Vec<LaneDecisions>>, Refusal> {
    let mut lanes = Vec::new();
    for (id, entry) in api.directory.iter() {
        let decisions = api.reader.decisions(*id).map_err(|error| {
            tracing::error!(%error, "the store does not answer");
            refusal(StatusCode::INTERNAL_SERVER_ERROR, "the store does not answer")
        })?;
        let report = entry.report();
        let (is, why) = report.verdict();
        lanes.push(LaneDecisions { name: report.name, id: *id, is: is.to_owned(), why, decisions });
    }
    Ok(Json(lanes))
}

async fn resume(
    State(api): State<Api>,
    Json(order): Json<Resume>,
) -> Result<Json<DecisionRow>, Refusal> {
    let reason = order.reason.trim();
    if reason.is_empty() || reason.chars().count() > REASON_MAX {
        let problem = format!("the reason has 1 to {REASON_MAX} characters");
        return Err(refusal(StatusCode::BAD_REQUEST, &problem));
    }
    let Some(entry) = api.directory.values().find(|entry| entry.name() == order.lane) else {
        let known: Vec<String> = api.directory.values().map(LaneEntry::name).collect();
        let problem = format!("no lane `{}`: there are {}", order.lane, known.join(", "));
        return Err(refusal(StatusCode::NOT_FOUND, &problem));
    };
    let (reply, decided) = oneshot::channel();
    let message = Message::Resume { lane: entry.direction, reason: reason.to_owned(), reply };
    let gone = || refusal(StatusCode::SERVICE_UNAVAILABLE, "the lane's engine has stopped");
    entry.engine.send(message).await.map_err(|_| gone())?;
    match decided.await.map_err(|_| gone())? {
        Some(decision) => Ok(Json(decision)),
        None => Err(refusal(
            StatusCode::CONFLICT,
            "the lane does not abstain for what it attested: there is nothing to decide",
        )),
    }
}

/// Why an order is not followed.
struct Refusal(StatusCode, String);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "error": self.1 }))).into_response()
    }
}

fn refusal(status: StatusCode, problem: &str) -> Refusal {
    Refusal(status, problem.to_owned())
}
