//! Carries out one write in the tables.

use std::ops::Range;

use alloy_primitives::Address;
use redb::{ReadableTable, Table, WriteTransaction};
use twinspan_bridge::attest::Attestation;
use twinspan_bridge::checkpoint::Checkpoint;
use twinspan_bridge::ids::{Count, LaneId, Nonce};
use twinspan_bridge::lane_head::LinkedRequest;
use twinspan_bridge::observe::{Settlement, SettlementEvent};

use crate::rows::{
    CertificateRow, DecisionRow, Deployment, DiskAttestation, DiskBatch, DiskCertificate,
    DiskDecision, DiskDeployment, DiskLane, DiskRequest, DiskReturn, DiskSchema, DiskSettlement,
    Fate, Resolution, SettlementRow, decode, encode,
};
use crate::tables::{
    ATTESTATIONS, BATCHES, BY_TRANSACTION, CERTIFICATES, DECISIONS, LANES, META, REQUESTS, RETURNS,
    SCHEMA, SETTLEMENTS, TRANSACTIONS, attestation_key, batch_key, decision_key, request_key,
    transaction_key,
};
use crate::{StoreError, Write};

type ByLane<'a> = Table<'a, &'static [u8; 40], &'static [u8]>;

/// Opens every table once, so that reading never meets a missing one.
pub(crate) fn create_tables(transaction: &WriteTransaction) -> Result<(), redb::Error> {
    let schema = encode(&DiskSchema(SCHEMA)).expect("a number always encodes");
    let mut meta = transaction.open_table(META)?;
    meta.insert("schema", schema.as_slice())?;
    meta.insert("recovering", [].as_slice())?;
    transaction.open_table(LANES)?;
    transaction.open_table(REQUESTS)?;
    transaction.open_table(SETTLEMENTS)?;
    transaction.open_table(BATCHES)?;
    transaction.open_table(CERTIFICATES)?;
    transaction.open_table(RETURNS)?;
    transaction.open_table(ATTESTATIONS)?;
    transaction.open_table(TRANSACTIONS)?;
    transaction.open_table(DECISIONS)?;
    transaction.open_multimap_table(BY_TRANSACTION)?;
    Ok(())
}

/// Carries out `write` of the store of `relayer`.
pub(crate) fn apply(
    transaction: &WriteTransaction,
    write: &Write,
    relayer: Address,
) -> Result<(), StoreError> {
    match write {
        Write::Lane(lane, row) => {
            let row = encode(&DiskLane::from(*row))?;
            transaction.open_table(LANES)?.insert(&lane.0.0, row.as_slice())?;
        }
        Write::Linked(lane, requests) => linked(transaction, *lane, requests)?,
        Write::Unlinked(lane, above) => unlinked(transaction, *lane, *above)?,
        Write::Settled(lane, settlements) => settled(transaction, *lane, settlements)?,
        Write::Unsettled(lane, above) => unsettled(transaction, *lane, *above)?,
        Write::Certificate(lane, paid, certificate) => {
            certified(transaction, *lane, paid, certificate)?;
        }
        Write::Attestation(attestation) => attested(transaction, attestation, relayer)?,
        Write::Decision(lane, row) => decided(transaction, *lane, row)?,
        Write::Transaction(account, row) => {
            let mut table = transaction.open_table(TRANSACTIONS)?;
            table.insert(&transaction_key(*account, row.nonce), encode(&**row)?.as_slice())?;
        }
        Write::TransactionGone(account, nonce) => {
            let mut table = transaction.open_table(TRANSACTIONS)?;
            table.remove(&transaction_key(*account, nonce.get()))?;
        }
        Write::Deployment(deployment) => deployed(transaction, deployment)?,
        Write::Recovered => {
            transaction.open_table(META)?.remove("recovering")?;
        }
    }
    Ok(())
}

/// Notes which deployment the store belongs to, together with those it belonged to before.
pub(crate) fn deployed(
    transaction: &WriteTransaction,
    deployment: &Deployment,
) -> Result<(), StoreError> {
    let mut table = transaction.open_table(META)?;
    let known = deployment_in(&table)?.unwrap_or_default();
    let row = encode(&DiskDeployment::from(known.merged(deployment)))?;
    table.insert("deployment", row.as_slice())?;
    Ok(())
}

/// The deployment noted in the table [`META`].
pub(crate) fn deployment_in(
    table: &impl ReadableTable<&'static str, &'static [u8]>,
) -> Result<Option<Deployment>, StoreError> {
    let row = table.get("deployment")?;
    row.map(|row| decode::<DiskDeployment>(row.value()).map(Deployment::from)).transpose()
}

fn linked(
    transaction: &WriteTransaction,
    lane: LaneId,
    requests: &[LinkedRequest],
) -> Result<(), StoreError> {
    let mut table = transaction.open_table(REQUESTS)?;
    let mut index = transaction.open_multimap_table(BY_TRANSACTION)?;
    for request in requests {
        let key = request_key(lane, request.sourced.request.nonce);
        let row = DiskRequest::from(request);
        let before = table.insert(&key, encode(&row)?.as_slice())?;
        if let Some(before) = before.map(|before| decode::<DiskRequest>(before.value())) {
            index.remove(&before?.transaction.0, &key)?;
        }
        index.insert(&row.transaction.0, &key)?;
    }
    Ok(())
}

fn unlinked(transaction: &WriteTransaction, lane: LaneId, above: Count) -> Result<(), StoreError> {
    let mut table = transaction.open_table(REQUESTS)?;
    let mut index = transaction.open_multimap_table(BY_TRANSACTION)?;
    let from = request_key(lane, above.next_nonce());
    let to = request_key(lane, Nonce::new(u64::MAX));
    for entry in table.extract_from_if::<&[u8; 40], _>(&from..=&to, |_, _| true)? {
        let (key, row) = entry?;
        let request: DiskRequest = decode(row.value())?;
        index.remove(&request.transaction.0, key.value())?;
    }
    Ok(())
}

fn settled(
    transaction: &WriteTransaction,
    lane: LaneId,
    settlements: &[Settlement],
) -> Result<(), StoreError> {
    let mut table = transaction.open_table(SETTLEMENTS)?;
    let mut batches = transaction.open_table(BATCHES)?;
    let mut returns = transaction.open_table(RETURNS)?;
    for settlement in settlements {
        match settlement.event {
            SettlementEvent::BatchDelivered { first, count, head, submitter } => {
                let row = encode(&DiskBatch { first: first.get(), head, submitter })?;
                batches.insert(&batch_key(lane, count), row.as_slice())?;
            }
            SettlementEvent::HandedOver { nonce, amount, .. } => {
                let row = settlement_row(settlement, Fate::HandedOver { amount });
                table.insert(&request_key(lane, nonce), encode(&row)?.as_slice())?;
            }
            SettlementEvent::Parked { nonce, reason, earliest, .. } => {
                let row = settlement_row(settlement, Fate::Parked { reason, earliest });
                table.insert(&request_key(lane, nonce), encode(&row)?.as_slice())?;
            }
            SettlementEvent::Released { nonce, recipient } => {
                let row = Resolution { released_to: Some(recipient), ..resolution(settlement) };
                resolved(&mut table, lane, nonce, row)?;
            }
            SettlementEvent::Returned { nonce, return_nonce } => {
                let row = Resolution { returned_as: Some(return_nonce), ..resolution(settlement) };
                resolved(&mut table, lane, nonce, row)?;
                let row = encode(&DiskReturn { of: nonce.get() })?;
                returns.insert(&request_key(lane, return_nonce), row.as_slice())?;
            }
        }
    }
    Ok(())
}

fn settlement_row(settlement: &Settlement, fate: Fate) -> DiskSettlement {
    let Settlement { block, stamp, transaction, .. } = *settlement;
    let (block_hash, block_time, resolution) = (stamp.hash, stamp.time, None);
    SettlementRow { fate, block, block_hash, block_time, transaction, resolution }.into()
}

fn resolution(settlement: &Settlement) -> Resolution {
    let Settlement { block, stamp, transaction, .. } = *settlement;
    Resolution {
        returned_as: None,
        released_to: None,
        block: Some(block),
        block_hash: stamp.hash,
        block_time: stamp.time,
        transaction,
    }
}

fn resolved(
    table: &mut ByLane<'_>,
    lane: LaneId,
    nonce: Nonce,
    resolution: Resolution,
) -> Result<(), StoreError> {
    let key = request_key(lane, nonce);
    let row = table.get(&key)?.map(|row| decode::<DiskSettlement>(row.value()));
    // A release of something never parked is a lie of the node; it changes nothing that we know.
    let Some(mut row) = row.transpose()? else { return Ok(()) };
    row.resolution = Some(resolution.into());
    table.insert(&key, encode(&row)?.as_slice())?;
    Ok(())
}

fn unsettled(transaction: &WriteTransaction, lane: LaneId, above: Count) -> Result<(), StoreError> {
    let from = request_key(lane, above.next_nonce());
    let to = request_key(lane, Nonce::new(u64::MAX));
    let mut table = transaction.open_table(SETTLEMENTS)?;
    table.retain_in::<&[u8; 40], _>(&from..=&to, |_, _| false)?;
    // A batch that ends at `above` stays.
    let Some(end) = above.get().checked_add(1) else { return Ok(()) };
    let (from, to) = (batch_key(lane, Count::new(end)), batch_key(lane, Count::new(u64::MAX)));
    for definition in [BATCHES, CERTIFICATES] {
        let mut table = transaction.open_table(definition)?;
        table.retain_in::<&[u8; 40], _>(&from..=&to, |_, _| false)?;
    }
    Ok(())
}

fn certified(
    transaction: &WriteTransaction,
    lane: LaneId,
    paid: &Range<Nonce>,
    certificate: &CertificateRow,
) -> Result<(), StoreError> {
    // It pays for something, or says nothing.
    if paid.is_empty() {
        return Ok(());
    }
    let row = encode(&DiskCertificate::new(paid.start, certificate))?;
    let key = batch_key(lane, paid.end.count_before());
    transaction.open_table(CERTIFICATES)?.insert(&key, row.as_slice())?;
    Ok(())
}

fn decided(
    transaction: &WriteTransaction,
    lane: LaneId,
    row: &DecisionRow,
) -> Result<(), StoreError> {
    let mut table = transaction.open_table(DECISIONS)?;
    let decision = encode(&DiskDecision::from(row))?;
    table.insert(&decision_key(lane, row.at), decision.as_slice())?;
    let mut table = transaction.open_table(ATTESTATIONS)?;
    for attestation in &row.voided {
        let Checkpoint { epoch, position, .. } = attestation.checkpoint;
        table.remove(&attestation_key(lane, position.count, epoch, attestation.signer))?;
    }
    Ok(())
}

/// S6 a second time, where it cannot be forgotten: at the disk.
fn attested(
    transaction: &WriteTransaction,
    attestation: &Attestation,
    relayer: Address,
) -> Result<(), StoreError> {
    let checkpoint = &attestation.checkpoint;
    let (count, head) = (checkpoint.count(), checkpoint.position.head);
    let key = attestation_key(checkpoint.lane.id(), count, checkpoint.epoch, attestation.signer);
    let mut table = transaction.open_table(ATTESTATIONS)?;
    if attestation.signer == relayer {
        let before = table.get(&key)?.map(|row| decode::<DiskAttestation>(row.value()));
        if before.transpose()?.is_some_and(|before| before.head != head) {
            return Err(StoreError::AlreadyAttested { count: count.get() });
        }
    }
    let row = encode(&DiskAttestation::from(attestation))?;
    table.insert(&key, row.as_slice())?;
    Ok(())
}
