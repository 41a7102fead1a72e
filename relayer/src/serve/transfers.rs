//! Finds out where a transfer stands, its remaining waits, and who vouched for it.

use std::collections::BTreeMap;

use alloy::primitives::B256;
use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use serde::Deserialize;
use twinspan_api::ErrorCode;
use twinspan_api::transfer::{
    AsOf, Attestations, Certificate, Confirmations, Place, Stage, Transfer, Transfers,
};
use twinspan_bridge::finality::FinalityRule;
use twinspan_bridge::ids::{BlockNumber, BlockStamp, ChainId, Count, Nonce, TransferId};
use twinspan_bridge::request::SourcedRequest;
use twinspan_bridge::status::LaneStatus;
use twinspan_chains::EvmChain;
use twinspan_store::{BatchRow, CertificateRow, SettlementRow, StoredTransfer};

use super::Api;
use super::refusal::Refusal;
use super::transfer_words::{parked, request, settled_stage, unsettled_stage, waits_for};
use crate::lanes::{Directory, LaneEntry};

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
    Ok(Json(transfer(&api, id).await?))
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
    for (lane, nonce) in api.store.reader().by_transaction(query.transaction, TRANSFERS_MAX)? {
        let Some(entry) = api.directory.get(&lane) else { continue };
        transfers.push(transfer(&api, entry.lane.transfer(nonce)).await?);
    }
    if transfers.is_empty() {
        transfers = unfinal_of(&api, query.transaction).await?;
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

async fn transfer(api: &Api, id: TransferId) -> Result<Transfer, Refusal> {
    let entry = api.directory.values().find(|entry| entry.lane.source == id.source);
    let Some(entry) = entry else {
        let problem = format!("this relayer does not serve bridge {}", id.source);
        let remedy = "`/v1/status` lists the bridges that it serves";
        return Err(Refusal::new(ErrorCode::UnknownBridge, problem).or(remedy));
    };
    let status = entry.status().ok_or_else(|| rebuilding(entry))?;
    // The state first, the rows after: rows are never behind the state that was published.
    let stored = api.store.reader().transfer(&entry.lane, id.nonce)?;
    if let Some(stored) = &stored
        && stored.settlement.is_some()
    {
        // Whatever is still to be read does not change it.
        return known(api, entry, &status, id, stored.clone()).await;
    }
    let requested = read_lane(&api.directory, entry)?;
    match stored {
        Some(stored) => known(api, entry, &status, id, stored).await,
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

/// The transfers of a transaction that is in a block which may still be taken back: one call a chain.
async fn unfinal_of(api: &Api, transaction: B256) -> Result<Vec<Transfer>, Refusal> {
    let mut found = Vec::new();
    for chain in api.chains.iter() {
        let begins = |entry: &&LaneEntry| entry.lane.source.chain_id == chain.chain_id();
        let lanes: Vec<&LaneEntry> = api.directory.values().filter(begins).collect();
        let bridges: Vec<_> = lanes.iter().map(|entry| entry.lane.source.address).collect();
        if !api.evidence.may_look() {
            let problem = "too many transactions are looked for that are in no final block";
            return Err(Refusal::new(ErrorCode::Busy, problem).or("ask again in a second"));
        }
        let asked = chain.requests_of(&bridges, transaction).await.map_err(|fault| {
            // A relayer that cannot look does not say that there is nothing.
            let problem = format!("chain `{}` is not asked now: {fault}", chain.name());
            Refusal::new(ErrorCode::Busy, problem).or("ask again, or ask another relayer")
        })?;
        let Some((block, asked)) = asked else { continue };
        for (bridge, sourced) in asked.into_iter().take(TRANSFERS_MAX - found.len()) {
            let entry = lanes.iter().find(|entry| entry.lane.source.address == bridge);
            let Some(entry) = entry else { continue };
            let status = entry.status().ok_or_else(|| rebuilding(entry))?;
            // The lane reads what is final; the store tells of it in a moment.
            if block.number > status.linked_block {
                found.push(observed(api, entry, &status, block.number, sourced).await);
            }
        }
    }
    Ok(found)
}

async fn observed(
    api: &Api,
    entry: &LaneEntry,
    status: &LaneStatus,
    block: BlockNumber,
    sourced: SourcedRequest,
) -> Transfer {
    let id = entry.lane.transfer(sourced.request.nonce);
    let units = api.evidence.units((entry.lane.source, &entry.source), &sourced.request).await;
    Transfer {
        source: Some(source_place(entry, &sourced)),
        confirmations: confirmations(&entry.source, block),
        request_hash: Some(sourced.request.hash()),
        request: Some(request(sourced.request, units)),
        ..unfinal(id, as_of(entry, status))
    }
}

/// Blocks on top of `block`, and those that make it final.
fn confirmations(chain: &EvmChain, block: BlockNumber) -> Option<Confirmations> {
    let head = (*chain.seen_heads().borrow())?.block.number;
    let wanted = match chain.config().finality {
        FinalityRule::Instant => Some(0),
        FinalityRule::Confirmations(wanted) => Some(wanted),
        FinalityRule::Finalized | FinalityRule::Safe => None,
    };
    Some(Confirmations { had: head.get().saturating_sub(block.get()), wanted })
}

/// A linked request, joined with what the destination did: by the lane head, which both sides hash, never by the nonce
/// alone.
async fn known(
    api: &Api,
    entry: &LaneEntry,
    status: &LaneStatus,
    id: TransferId,
    stored: StoredTransfer,
) -> Result<Transfer, Refusal> {
    let StoredTransfer { request: linked, settlement, batch, certificate, return_of, signers } =
        stored;
    let joined = match &batch {
        Some(batch) => is_of_our_history(api, entry, batch)?,
        // Settled before batches were stored: the lane would have halted on another history.
        None => true,
    };
    let settlement = settlement.filter(|_| joined);
    let certificate = match (certificate, &settlement, &batch) {
        (Some(certificate), Some(_), _) => Some(certificate),
        (None, Some(row), Some(batch)) => certified(api, entry, row, batch).await,
        (_, None, _) | (None, Some(_), None) => None,
    };
    let stage = match &settlement {
        Some(row) => settled_stage(row),
        None if joined && id.nonce.get() < status.newest.count.get() => Stage::Submitted,
        None => unsettled_stage(status.stage_of(id.nonce)),
    };
    let attestations = signers.map(|(count, signers)| Attestations { count: count.get(), signers });
    let parked = settlement.and_then(|row| parked(entry, &row));
    let sourced = linked.sourced;
    let units = api.evidence.units((entry.lane.source, &entry.source), &sourced.request).await;
    Ok(Transfer {
        waits_for: if joined {
            waits_for(stage, status, attestations.as_ref(), parked)
        } else {
            "the destination holds another request at this place: the lane is halted".into()
        },
        request_hash: Some(linked.hash),
        head: Some(linked.after.head),
        source: Some(source_place(entry, &sourced)),
        destination: settlement.map(|row| destination_place(entry, &row, batch.as_ref())),
        request: Some(request(sourced.request, units)),
        id,
        stage,
        confirmations: None,
        attestations,
        certificate: certificate.map(certificate_words),
        parked,
        return_of: return_of.map(|nonce| entry.lane.reverse().transfer(nonce)),
        as_of: Some(as_of(entry, status)),
    })
}

/// Whether the batch ends at the head that is linked here at its count.
fn is_of_our_history(api: &Api, entry: &LaneEntry, batch: &BatchRow) -> Result<bool, Refusal> {
    let Some(last) = batch.count.get().checked_sub(1) else { return Ok(false) };
    let last = Nonce::new(last);
    let linked = api.store.reader().request(entry.lane.id(), last)?;
    let linked = linked.ok_or_else(|| rebuilding(entry))?;
    Ok(linked.after.head == batch.head)
}

async fn certified(
    api: &Api,
    entry: &LaneEntry,
    row: &SettlementRow,
    batch: &BatchRow,
) -> Option<CertificateRow> {
    let chain = chain_of(api, entry.lane.destination.chain_id)?;
    api.evidence.certificate(&api.store, (entry.lane, chain), batch, row.transaction).await
}

fn chain_of(api: &Api, id: ChainId) -> Option<&EvmChain> {
    api.chains.iter().find(|chain| chain.chain_id() == id)
}

fn certificate_words(row: CertificateRow) -> Certificate {
    let CertificateRow { epoch, count, head, signers } = row;
    Certificate { epoch: epoch.get(), count: count.get(), head, signers }
}

const fn source_place(entry: &LaneEntry, sourced: &SourcedRequest) -> Place {
    let BlockStamp { hash, time } = sourced.stamp;
    Place {
        chain_id: entry.lane.source.chain_id.get(),
        block: sourced.block.get(),
        block_hash: hash,
        time,
        transaction: sourced.transaction,
        submitter: None,
    }
}

fn destination_place(entry: &LaneEntry, row: &SettlementRow, batch: Option<&BatchRow>) -> Place {
    Place {
        chain_id: entry.lane.destination.chain_id.get(),
        block: row.block.get(),
        block_hash: row.block_hash,
        time: row.block_time,
        transaction: row.transaction,
        submitter: batch.map(|batch| batch.submitter),
    }
}
