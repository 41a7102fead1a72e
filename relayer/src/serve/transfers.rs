//! Tells where a transfer stands, its remaining waits, and who vouched for it.

use std::collections::BTreeMap;

use alloy::primitives::B256;
use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use serde::Deserialize;
use twinspan_api::ErrorCode;
use twinspan_api::transfer::{
    AsOf, AssetKind, Attestations, Ended, ParkReason, Parked, Place, Request, Stage, Transfer,
    Transfers,
};
use twinspan_bridge::ids::{Count, TransferId};
use twinspan_bridge::lifecycle::LaneStatus;
use twinspan_bridge::{lifecycle, observe, request};

use super::Api;
use super::refusal::Refusal;
use crate::lanes::{Directory, LaneEntry};
use twinspan_store::{Fate, SettlementRow, StoredTransfer};

/// Transfers of one transaction that are answered at once, at most.
const TRANSFERS_MAX: usize = 256;

/// `?transaction=0x…`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ByTransaction {
    transaction: B256,
}

/// `GET /v1/transfers/{id}`
pub(super) async fn by_id(
    State(api): State<Api>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<Transfer>, Refusal> {
    let Path(id) = id?;
    let id = id.parse::<TransferId>();
    let id = id.map_err(|error| Refusal::new(ErrorCode::Malformed, error.to_string()))?;
    Ok(Json(transfer(&api, id)?))
}

/// `GET /v1/transfers?transaction=0x…`
pub(super) async fn by_transaction(
    State(api): State<Api>,
    query: Result<Query<ByTransaction>, QueryRejection>,
) -> Result<Json<Transfers>, Refusal> {
    let Query(query) = query.map_err(|_| {
        let want = "want ?transaction=0x… with the hash of a source transaction";
        Refusal::new(ErrorCode::Malformed, want)
    })?;
    let as_of = source_blocks(&api.directory)?;
    let mut transfers = Vec::new();
    for (lane, nonce) in api.reader.by_transaction(query.transaction, TRANSFERS_MAX)? {
        let Some(entry) = api.directory.get(&lane) else { continue };
        transfers.push(transfer(&api, entry.lane.transfer(nonce))?);
    }
    // That there is none can be said only by one who has read all.
    if transfers.is_empty() {
        for entry in api.directory.values() {
            read_lane(&api.directory, entry)?;
        }
    }
    Ok(Json(Transfers { transfers, as_of }))
}

/// Up to which block each source chain is read: of its lanes, the one that is read least far.
fn source_blocks(directory: &Directory) -> Result<Vec<AsOf>, Refusal> {
    let mut blocks = BTreeMap::new();
    for entry in directory.values() {
        let as_of = as_of(entry, &entry.status().ok_or_else(|| rebuilding(entry))?);
        let block = blocks.entry(as_of.chain_id).or_insert(as_of.block);
        *block = as_of.block.min(*block);
    }
    Ok(blocks.into_iter().map(|(chain_id, block)| AsOf { chain_id, block }).collect())
}

fn transfer(api: &Api, id: TransferId) -> Result<Transfer, Refusal> {
    let entry = api.directory.values().find(|entry| entry.lane.source == id.source);
    let Some(entry) = entry else {
        let problem = format!("this relayer does not serve bridge {}", id.source);
        let remedy = "`/v1/status` lists the bridges that it serves";
        return Err(Refusal::new(ErrorCode::UnknownBridge, problem).or(remedy));
    };
    let status = entry.status().ok_or_else(|| rebuilding(entry))?;
    // The state first, the rows after: rows are never behind the state that was published.
    let stored = api.reader.transfer(&entry.lane, id.nonce)?;
    if let Some(stored) = &stored
        && stored.settlement.is_some()
    {
        // Whatever is still to be read does not change it.
        return Ok(known(entry, &status, id, stored.clone()));
    }
    let requested = read_lane(&api.directory, entry)?;
    match stored {
        Some(stored) => Ok(known(entry, &status, id, stored)),
        None if id.nonce.get() < requested.get() => Ok(unfinal(id, as_of(entry, &status))),
        None => {
            let problem =
                format!("no such request: bridge {} has taken {requested} so far", id.source);
            let error = Refusal::new(ErrorCode::UnknownTransfer, problem).0;
            Err(Refusal(error.as_of(as_of(entry, &status))))
        }
    }
}

/// Requests in the newest source block, if the lane is read up to where its chains stand.
fn read_lane(directory: &Directory, entry: &LaneEntry) -> Result<Count, Refusal> {
    let report = entry.report.borrow().lane(entry.direction).clone();
    let back = directory.get(&entry.lane.reverse().id());
    let both_seen = is_source_seen(entry) && back.is_none_or(is_source_seen);
    match report.status {
        Some(status) if both_seen && status.linked.count >= status.newest.count => {
            Ok(report.requested)
        }
        Some(_) | None => Err(rebuilding(entry)),
    }
}

/// Whether the source was looked at since the relayer's start, or has made no block since it was looked at.
fn is_source_seen(entry: &LaneEntry) -> bool {
    let lane = entry.report.borrow().lane(entry.direction).clone();
    let read = lane.status.map(|status| status.linked_block);
    let head = (*entry.source.seen_heads().borrow()).map(|head| head.block.number);
    lane.source_seen || head.is_some_and(|head| read.is_some_and(|read| head <= read))
}

fn rebuilding(entry: &LaneEntry) -> Refusal {
    let problem = format!("lane {} is not read up to where its chains stand", entry.name());
    Refusal::new(ErrorCode::Rebuilding, problem).or("ask again, or ask another relayer")
}

const fn as_of(entry: &LaneEntry, status: &LaneStatus) -> AsOf {
    AsOf { chain_id: entry.lane.source.chain_id.get(), block: status.linked_block.get() }
}

/// One that is in the source's newest block, and in no final one yet.
fn unfinal(id: TransferId, as_of: AsOf) -> Transfer {
    Transfer {
        id,
        stage: Stage::Observed,
        waits_for: "its source block to become final".into(),
        request: None,
        request_hash: None,
        head: None,
        source: None,
        destination: None,
        confirmations: None,
        attestations: None,
        certificate: None,
        parked: None,
        return_of: None,
        as_of: Some(as_of),
    }
}

fn known(
    entry: &LaneEntry,
    status: &LaneStatus,
    id: TransferId,
    stored: StoredTransfer,
) -> Transfer {
    let StoredTransfer { request: linked, settlement, signers, .. } = stored;
    let place = |chain_id: u64, block: u64, transaction| Place {
        chain_id,
        block,
        block_hash: None,
        time: None,
        transaction,
        submitter: None,
    };
    let stage = match &settlement {
        Some(row) => settled_stage(row),
        None if id.nonce.get() < status.newest.count.get() => Stage::Submitted,
        None => unsettled_stage(status.stage_of(id.nonce)),
    };
    let attestations = signers.map(|(count, signers)| Attestations { count: count.get(), signers });
    let parked = settlement.and_then(|row| parked(entry, &row));
    let (source, destination) = (entry.lane.source.chain_id, entry.lane.destination.chain_id);
    let sourced = linked.sourced;
    Transfer {
        waits_for: waits_for(stage, status, attestations.as_ref(), parked),
        request_hash: Some(linked.hash),
        head: Some(linked.after.head),
        source: Some(place(source.get(), sourced.block.get(), sourced.transaction)),
        destination: settlement
            .map(|row| place(destination.get(), row.block.get(), row.transaction)),
        request: Some(request(sourced.request)),
        id,
        stage,
        confirmations: None,
        attestations,
        certificate: None,
        parked,
        return_of: None,
        as_of: Some(as_of(entry, status)),
    }
}

fn request(request: request::Request) -> Request {
    let kind = match request.kind {
        request::AssetKind::Native => AssetKind::Native,
        request::AssetKind::Erc20 => AssetKind::Erc20,
        request::AssetKind::Erc721 => AssetKind::Erc721,
        request::AssetKind::Erc1155 => AssetKind::Erc1155,
    };
    Request {
        nonce: request.nonce.get(),
        kind,
        sender: request.sender,
        recipient: request.recipient,
        token: request.token,
        counterpart_token: request.counterpart_token,
        amount_units: request.amount,
        amount: None,
        decimals: None,
        payload: request.payload,
    }
}

fn parked(entry: &LaneEntry, row: &SettlementRow) -> Option<Parked> {
    let Fate::Parked { reason, earliest } = row.fate else { return None };
    let reason = match reason {
        observe::ParkReason::TokenUnavailable => ParkReason::TokenUnavailable,
        observe::ParkReason::LiquidityShort => ParkReason::LiquidityShort,
        observe::ParkReason::RateLimited => ParkReason::RateLimited,
        observe::ParkReason::Delayed => ParkReason::Delayed,
        observe::ParkReason::PayoutFailed => ParkReason::PayoutFailed,
        observe::ParkReason::OutOfBounds => ParkReason::OutOfBounds,
        observe::ParkReason::DataRefused => ParkReason::DataRefused,
    };
    let ended = row.resolution.map(|resolution| Ended {
        chain_id: entry.lane.destination.chain_id.get(),
        block: None,
        transaction: resolution.transaction,
        returned_as: resolution.returned_as.map(|nonce| entry.lane.reverse().transfer(nonce)),
        released_to: None,
    });
    let earliest = (1..u64::MAX).contains(&earliest).then_some(earliest);
    Some(Parked { reason, earliest, ended })
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

const fn unsettled_stage(stage: lifecycle::Stage) -> Stage {
    match stage {
        lifecycle::Stage::Observed => Stage::Observed,
        lifecycle::Stage::Final => Stage::Final,
        lifecycle::Stage::Certified => Stage::Certified,
        lifecycle::Stage::Submitted => Stage::Submitted,
        lifecycle::Stage::HandedOver => Stage::HandedOver,
        lifecycle::Stage::Parked => Stage::Parked,
        lifecycle::Stage::Released => Stage::Released,
        lifecycle::Stage::Returned => Stage::Returned,
    }
}

fn waits_for(
    stage: Stage,
    status: &LaneStatus,
    attestations: Option<&Attestations>,
    parked: Option<Parked>,
) -> String {
    match stage {
        Stage::Observed => "its source block to become final".into(),
        Stage::Final => {
            let (have, want) = (attestations.map_or(0, |it| it.signers.len()), status.threshold);
            format!("attestations: {have} of {want}")
        }
        Stage::Certified => "the submitter's batch".into(),
        Stage::Submitted => "its batch to be final on the destination".into(),
        Stage::Parked => parked.map_or_else(String::new, parked_waits_for),
        Stage::HandedOver | Stage::Released | Stage::Returned => String::new(),
    }
}

fn parked_waits_for(parked: Parked) -> String {
    let from = parked.earliest.map_or_else(String::new, |at| format!(", from Unix time {at}"));
    format!(
        "{}{from}: then anyone releases it (releaseParked on the destination bridge); or the recipient \
         sends it back (returnParked)",
        parked.reason.waits_for()
    )
}
