//! Tells where a transfer stands, what it waits for, and who vouched for it.

use alloy::primitives::{Address, B256};
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;
use twinspan_bridge::ids::{Count, TransferId};
use twinspan_bridge::lifecycle::{LaneStatus, Stage};
use twinspan_bridge::observe::ParkReason;
use twinspan_bridge::request::Request;
use twinspan_store::{Fate, SettlementRow, StoreError, StoredTransfer};

use super::Api;
use crate::lanes::LaneEntry;

/// Transfers of one transaction that are answered at once, at most.
const TRANSFERS_MAX: usize = 256;

/// `GET /v1/transfers/{id}`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Transfer {
    /// The name that every relayer answers to.
    pub id: TransferId,
    /// How far it has come.
    pub stage: Stage,
    /// What it waits for, for people; empty once it has ended.
    pub waits_for: String,
    /// What was asked; unknown until its block is final.
    pub request: Option<Request>,
    /// Where it was asked.
    pub source: Option<Place>,
    /// Where its place in the lane was settled.
    pub destination: Option<Place>,
    /// Who attested it.
    pub signers: Vec<Address>,
    /// The checkpoint that they attested.
    pub checkpoint: Option<Count>,
    /// For a parked one.
    pub parked: Option<Parked>,
}

/// A transaction in its block.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Place {
    /// The chain.
    pub chain_id: u64,
    /// The block.
    pub block: u64,
    /// The transaction.
    pub transaction: B256,
}

/// What is known of a parked handover.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Parked {
    /// Why.
    pub reason: ParkReason,
    /// From when on it can be released by the limits that were in force, Unix time in seconds; none where time alone
    /// does not help.
    pub earliest: Option<u64>,
    /// The transaction that released or returned it.
    pub ended_by: Option<B256>,
    /// The transfer that carries it home.
    pub returned_as: Option<TransferId>,
}

/// Why a question is not answered.
pub(super) enum Refusal {
    Malformed(String),
    Unknown(String),
    Failed(StoreError),
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, error) = match self {
            Self::Malformed(error) => (StatusCode::BAD_REQUEST, error),
            Self::Unknown(error) => (StatusCode::NOT_FOUND, error),
            Self::Failed(error) => {
                tracing::error!(%error, "a question was not answered");
                (StatusCode::INTERNAL_SERVER_ERROR, "the store failed".to_owned())
            }
        };
        (status, Json(json!({ "error": error }))).into_response()
    }
}

/// `?transaction=0x…`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ByTransaction {
    transaction: B256,
}

pub(super) async fn by_id(
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Json<Transfer>, Refusal> {
    let id: TransferId = id.parse().map_err(|error| Refusal::Malformed(format!("{error}")))?;
    Ok(Json(transfer(&api, id)?))
}

pub(super) async fn by_transaction(
    State(api): State<Api>,
    query: Result<Query<ByTransaction>, QueryRejection>,
) -> Result<Response, Refusal> {
    let Query(query) = query.map_err(|_| {
        Refusal::Malformed("want ?transaction=0x… with the hash of a source transaction".into())
    })?;
    let found = api.reader.by_transaction(query.transaction, TRANSFERS_MAX);
    let mut transfers = Vec::new();
    for (lane, nonce) in found.map_err(Refusal::Failed)? {
        let Some(entry) = api.directory.get(&lane) else { continue };
        transfers.push(transfer(&api, entry.lane.transfer(nonce))?);
    }
    Ok(Json(json!({ "transfers": transfers })).into_response())
}

fn transfer(api: &Api, id: TransferId) -> Result<Transfer, Refusal> {
    let entry = api.directory.values().find(|entry| entry.lane.source == id.source);
    let Some(entry) = entry else {
        return Err(Refusal::Unknown(format!("this relayer does not serve bridge {}", id.source)));
    };
    let Some(status) = entry.status() else {
        return Err(Refusal::Unknown("the relayer is starting: ask again".into()));
    };
    // The state first, the rows after: rows are never behind the state that was published.
    let stored = api.reader.transfer(&entry.lane, id.nonce).map_err(Refusal::Failed)?;
    match stored {
        Some(stored) => Ok(known(entry, &status, id, stored)),
        None if id.nonce.count_after() <= requested(entry) => Ok(unfinal(id)),
        None => Err(Refusal::Unknown(format!(
            "no such request: bridge {} has taken {} so far",
            id.source,
            requested(entry)
        ))),
    }
}

fn requested(entry: &LaneEntry) -> Count {
    entry.report.borrow().lane(entry.direction).requested
}

fn unfinal(id: TransferId) -> Transfer {
    Transfer {
        id,
        stage: Stage::Observed,
        waits_for: "its source block to become final".into(),
        request: None,
        source: None,
        destination: None,
        signers: Vec::new(),
        checkpoint: None,
        parked: None,
    }
}

fn known(
    entry: &LaneEntry,
    status: &LaneStatus,
    id: TransferId,
    stored: StoredTransfer,
) -> Transfer {
    let StoredTransfer { request, settlement, signers, .. } = stored;
    let stage = settlement.as_ref().map_or_else(|| status.stage_of(id.nonce), settled_stage);
    let (checkpoint, signers) = signers.map_or((None, Vec::new()), |(at, who)| (Some(at), who));
    let parked = settlement.and_then(|row| match row.fate {
        Fate::HandedOver { .. } => None,
        Fate::Parked { reason, earliest } => Some(Parked {
            reason,
            earliest: (1..u64::MAX).contains(&earliest).then_some(earliest),
            ended_by: row.resolution.map(|resolution| resolution.transaction),
            returned_as: row
                .resolution
                .and_then(|resolution| resolution.returned_as)
                .map(|nonce| entry.lane.reverse().transfer(nonce)),
        }),
    });
    Transfer {
        id,
        stage,
        waits_for: waits_for(stage, status, signers.len(), parked),
        source: Some(Place {
            chain_id: entry.lane.source.chain_id.get(),
            block: request.sourced.block.get(),
            transaction: request.sourced.transaction,
        }),
        destination: settlement.map(|row| Place {
            chain_id: entry.lane.destination.chain_id.get(),
            block: row.block.get(),
            transaction: row.transaction,
        }),
        request: Some(request.sourced.request),
        signers,
        checkpoint,
        parked,
    }
}

fn settled_stage(row: &SettlementRow) -> Stage {
    match (row.fate, row.resolution) {
        (Fate::HandedOver { .. }, _) => Stage::HandedOver,
        (Fate::Parked { .. }, None) => Stage::Parked,
        (Fate::Parked { .. }, Some(resolution)) if resolution.returned_as.is_some() => {
            Stage::Returned
        }
        (Fate::Parked { .. }, Some(_)) => Stage::Released,
    }
}

fn waits_for(stage: Stage, status: &LaneStatus, signers: usize, parked: Option<Parked>) -> String {
    match stage {
        Stage::Observed => "its source block to become final".into(),
        Stage::Final => {
            let threshold = status.threshold;
            format!("attestations: {signers} of {threshold}")
        }
        Stage::Certified => "the submitter's batch".into(),
        Stage::Submitted => "our batch to be mined on the destination".into(),
        Stage::Parked => parked_waits_for(parked),
        Stage::HandedOver | Stage::Released | Stage::Returned => String::new(),
    }
}

fn parked_waits_for(parked: Option<Parked>) -> String {
    let what = match parked.map(|parked| parked.reason) {
        Some(ParkReason::TokenUnavailable) => "the token to be registered and switched on there",
        Some(ParkReason::LiquidityShort) => "the vault there to hold enough of it",
        Some(ParkReason::RateLimited) => "room in the token's rate limit",
        Some(ParkReason::Delayed) => "the delay of large handovers",
        Some(ParkReason::OutOfBounds) => "other bounds of the token there",
        Some(ParkReason::PayoutFailed) => {
            "token and recipient to accept it, or another address (releaseParkedTo)"
        }
        Some(ParkReason::DataRefused) => "the recipient to accept its data",
        None => "what is not known here",
    };
    let from = parked.and_then(|parked| parked.earliest);
    let from = from.map_or_else(String::new, |at| format!(", from Unix time {at}"));
    format!(
        "{what}{from}: then anyone releases it (releaseParked on the destination bridge); or the recipient \
         sends it back (returnParked)"
    )
}
