//! Answers the other relayers. Cheap checks come first; nothing costs more than its bound.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{ConnectInfo, DefaultBodyLimit, Query, Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};
use serde_json::json;
use twinspan_chains::rpc::RuntimeClock;
use twinspan_store::Reader;

use super::wire::{
    ABSTENTIONS_MAX, ATTESTATIONS_MAX, Attestations, BODY_BYTES_MAX, Pull, WireAbstention,
    WireAttestation,
};
use crate::engine::Message;
use crate::lanes::{Directory, LaneEntry};
use crate::metrics;

/// Messages that one address may send in a second.
const MESSAGES_PER_SECOND: NonZeroU32 = NonZeroU32::new(200).expect("not zero");

/// Addresses whose quota is remembered; beyond it the idle ones are forgotten.
const ADDRESSES_MAX: usize = 10_000;

/// How much each address may still send.
type Quotas =
    RateLimiter<IpAddr, DefaultKeyedStateStore<IpAddr>, RuntimeClock, NoOpMiddleware<Duration>>;

#[derive(Clone)]
struct Peers {
    directory: Arc<Directory>,
    reader: Reader,
    quotas: Arc<Quotas>,
}

/// Why a message is not taken.
enum Refusal {
    Quota,
    Malformed(String),
    TooMany(usize),
    UnknownLane,
    NoSuchPath,
    NoSuchMethod,
    Forged,
    Busy,
    Failed,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, outcome, error) = match self {
            Self::Quota => (
                StatusCode::TOO_MANY_REQUESTS,
                "quota",
                format!("more than {MESSAGES_PER_SECOND} a second"),
            ),
            Self::Malformed(error) => (StatusCode::BAD_REQUEST, "malformed", error),
            Self::TooMany(n) => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "too_many",
                format!(
                    "{n} of a kind: at most {ATTESTATIONS_MAX} attestations and {ABSTENTIONS_MAX} abstentions"
                ),
            ),
            Self::UnknownLane => (
                StatusCode::NOT_FOUND,
                "unknown_lane",
                "this relayer does not serve that lane".into(),
            ),
            Self::NoSuchPath => {
                (StatusCode::NOT_FOUND, "malformed", "peers use /v1/attestations".into())
            }
            Self::NoSuchMethod => {
                (StatusCode::METHOD_NOT_ALLOWED, "malformed", "peers GET and POST".into())
            }
            Self::Forged => (
                StatusCode::FORBIDDEN,
                "forged",
                "a signature is not its signer's, or the signer is no member".into(),
            ),
            Self::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy", "try again".into()),
            Self::Failed => {
                (StatusCode::INTERNAL_SERVER_ERROR, "failed", "the store failed".into())
            }
        };
        metrics::peer_message(outcome);
        (status, Json(json!({ "error": error }))).into_response()
    }
}

/// The routes that peers use.
pub(crate) fn router(directory: Arc<Directory>, reader: Reader) -> axum::Router {
    let quota = Quota::per_second(MESSAGES_PER_SECOND);
    let quotas = Arc::new(RateLimiter::hashmap_with_clock(quota, RuntimeClock::default()));
    let peers = Peers { directory, reader, quotas };
    axum::Router::new()
        .route("/v1/attestations", get(pull).post(push))
        .fallback(async || Refusal::NoSuchPath)
        .method_not_allowed_fallback(async || Refusal::NoSuchMethod)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn_with_state(peers.clone(), limit))
        .with_state(peers)
}

/// Before anything is read of a message, its sender's quota.
async fn limit(
    State(peers): State<Peers>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    if peers.quotas.len() > ADDRESSES_MAX {
        peers.quotas.retain_recent();
    }
    if peers.quotas.check_key(&from.ip()).is_err() {
        return Refusal::Quota.into_response();
    }
    next.run(request).await
}

async fn push(
    State(peers): State<Peers>,
    body: Result<Json<Attestations>, JsonRejection>,
) -> Result<Response, Refusal> {
    let Json(body) = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Refusal::TooMany(usize::MAX),
        _ => Refusal::Malformed(rejection.body_text()),
    })?;
    if body.attestations.len() > ATTESTATIONS_MAX {
        return Err(Refusal::TooMany(body.attestations.len()));
    }
    if body.abstentions.len() > ABSTENTIONS_MAX {
        return Err(Refusal::TooMany(body.abstentions.len()));
    }
    let mut taken = 0;
    for said in &body.abstentions {
        let entry = peers.directory.get(&said.lane).ok_or(Refusal::UnknownLane)?;
        taken += hear(entry, *said)?;
    }
    for of_lane in body.attestations.chunk_by(|a, b| a.lane == b.lane) {
        let entry = peers.directory.get(&of_lane[0].lane).ok_or(Refusal::UnknownLane)?;
        taken += take(entry, of_lane)?;
    }
    metrics::peer_message("taken");
    Ok((StatusCode::ACCEPTED, Json(json!({ "taken": taken }))).into_response())
}

/// Hands on what may matter. Stale ones are no fault of the sender: it may be behind.
fn take(entry: &LaneEntry, attestations: &[WireAttestation]) -> Result<usize, Refusal> {
    let status = entry.status().ok_or(Refusal::Busy)?;
    let mut fresh = Vec::new();
    for wire in attestations {
        if wire.epoch.get() != status.epoch || wire.count <= status.newest.count {
            continue;
        }
        if !status.members.contains(&wire.signer) {
            return Err(Refusal::Forged);
        }
        let attestation = wire.of_lane(entry.lane);
        attestation.verify().map_err(|_| Refusal::Forged)?;
        entry.abstentions.withdraw(wire.signer);
        fresh.push(attestation);
    }
    let taken = fresh.len();
    if taken > 0 {
        entry.engine.try_send(Message::Attested(fresh)).map_err(|_| Refusal::Busy)?;
    }
    Ok(taken)
}

/// Notes a member's abstention, if it is news.
fn hear(entry: &LaneEntry, said: WireAbstention) -> Result<usize, Refusal> {
    let status = entry.status().ok_or(Refusal::Busy)?;
    if said.epoch.get() != status.epoch || !entry.abstentions.is_news(said.signer, said.time) {
        return Ok(0);
    }
    if !status.members.contains(&said.signer) {
        return Err(Refusal::Forged);
    }
    let said = said.of_lane(entry.lane);
    said.verify().map_err(|_| Refusal::Forged)?;
    entry.abstentions.note(said);
    Ok(1)
}

async fn pull(
    State(peers): State<Peers>,
    query: Result<Query<Pull>, QueryRejection>,
) -> Result<Json<Attestations>, Refusal> {
    let Query(pull) = query.map_err(|rejection| Refusal::Malformed(rejection.body_text()))?;
    if pull.above.get() == u64::MAX {
        return Err(Refusal::Malformed("no lane has so many requests".into()));
    }
    let entry = peers.directory.get(&pull.lane).ok_or(Refusal::UnknownLane)?;
    let found = peers
        .reader
        .attestations_above(&entry.lane, pull.above, ATTESTATIONS_MAX)
        .map_err(|error| {
            tracing::error!(%error, "a peer's question was not answered");
            Refusal::Failed
        })?;
    metrics::peer_message("answered");
    let attestations = found.iter().map(WireAttestation::from).collect();
    Ok(Json(Attestations { attestations, abstentions: Vec::new() }))
}
