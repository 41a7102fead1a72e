//! The routes that only the operator may ask. They are served on a Unix socket beside the store, which only the
//! operator's own account can open. No port, no password.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::routing::{get, post};
use tokio::net::UnixListener;
use tokio::sync::oneshot;
use twinspan_api::ErrorCode;
use twinspan_api::decision::{Decision, LaneDecisions, Resume};

use super::refusal::{Refusal, no_such_method, no_such_path};
use super::{Api, lanes, orders};
use crate::engine::Message;
use crate::lanes::LaneEntry;

/// Characters of a reason, at most.
const REASON_MAX: usize = 1_000;

/// The routes of the operator's socket.
pub(crate) fn router(api: Api) -> axum::Router {
    axum::Router::new()
        .route("/v1/transactions", get(orders::pending))
        .route("/v1/transactions/{chain}/{nonce}", get(orders::stored))
        .route("/v1/transactions/{chain}/{nonce}/bump", post(orders::bump))
        .route("/v1/transactions/{chain}/{nonce}/drop", post(orders::drop_intent))
        .route("/v1/lanes", get(decisions))
        .route("/v1/lanes/resume", post(resume))
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method)
        .with_state(api)
}

/// Where the socket of the relayer with that store is.
#[must_use]
pub fn socket_of(store: &Path) -> PathBuf {
    store.with_extension("sock")
}

/// Listens where only the own account may connect. A socket that an earlier process left there is removed: the store is
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

/// `GET /v1/lanes`
async fn decisions(State(api): State<Api>) -> Result<Json<Vec<LaneDecisions>>, Refusal> {
    let mut all = Vec::new();
    for (id, entry) in api.directory.iter() {
        let decisions =
            api.store.reader().decisions(*id)?.into_iter().map(lanes::decision).collect();
        let lane = lanes::lane(entry);
        let verdict = lane.verdict();
        let (is, why) = (verdict.is, verdict.why);
        all.push(LaneDecisions { name: lane.name, id: lane.id, is, why, decisions });
    }
    Ok(Json(all))
}

/// `POST /v1/lanes/resume`
async fn resume(
    State(api): State<Api>,
    order: Result<Json<Resume>, JsonRejection>,
) -> Result<Json<Decision>, Refusal> {
    let Json(order) = order?;
    let reason = order.reason.trim();
    if reason.is_empty() || reason.chars().count() > REASON_MAX {
        let problem = format!("the reason has 1 to {REASON_MAX} characters");
        return Err(Refusal::new(ErrorCode::Malformed, problem));
    }
    let Some(entry) = api.directory.values().find(|entry| entry.name() == order.lane) else {
        let known: Vec<String> = api.directory.values().map(LaneEntry::name).collect();
        let problem = format!("no lane `{}`", order.lane.chars().take(100).collect::<String>());
        let remedy = format!("there are {}", known.join(", "));
        return Err(Refusal::new(ErrorCode::UnknownLane, problem).or(remedy));
    };
    let (reply, decided) = oneshot::channel();
    let message = Message::Resume { lane: entry.direction, reason: reason.to_owned(), reply };
    let gone = || Refusal::new(ErrorCode::Stopping, "the lane's engine has stopped");
    entry.engine.send(message).await.map_err(|_| gone())?;
    match decided.await.map_err(|_| gone())? {
        Some(row) => Ok(Json(lanes::decision(row))),
        None => Err(Refusal::new(
            ErrorCode::NothingToDecide,
            "the lane does not abstain for what it attested: there is nothing to decide",
        )),
    }
}
