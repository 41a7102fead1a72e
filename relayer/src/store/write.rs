//! Writes the store: what owners commit, gathered into one durable transaction at a time.

use std::sync::Arc;

use alloy::primitives::Address;
use redb::{Database, ReadableTable, Table, WriteTransaction};
use serde::Serialize;
use tokio::sync::mpsc;
use twinspan_bridge::attest::Attestation;
use twinspan_bridge::digest::Checkpoint;
use twinspan_bridge::ids::{AccountNonce, Count, LaneId, Nonce};
use twinspan_bridge::lane_head::LinkedRequest;
use twinspan_bridge::observe::{Settlement, SettlementEvent};
use twinspan_chains::transactions::{AccountKey, StoredTransaction};

use super::read::decode;
use super::tables::{
    ATTESTATIONS, AttestationRow, BY_TRANSACTION, DECISIONS, DecisionRow, Deployment, Fate, LANES,
    LaneRow, META, REQUESTS, Resolution, SCHEMA, SETTLEMENTS, SettlementRow, TRANSACTIONS,
    attestation_key, decision_key, request_key, transaction_key,
};
use super::{Commit, StoreError};

/// Commits that share one database transaction, at most.
const GROUP_MAX: usize = 64;

/// One thing to store.
#[derive(Clone, Debug)]
pub enum Write {
    /// How far a lane has come.
    Lane(LaneId, LaneRow),
    /// Requests linked into a lane.
    Linked(LaneId, Vec<LinkedRequest>),
    /// Requests above this count are gone with the history that they were on.
    Unlinked(LaneId, Count),
    /// What the destination did with requests.
    Settled(LaneId, Vec<Settlement>),
    /// An attestation, our own or a peer's.
    Attestation(Attestation),
    /// What a human decided about a lane. The attestations that it voids are evidence from then on, nothing else.
    Decision(LaneId, DecisionRow),
    /// A transaction of an account.
    Transaction(AccountKey, Box<StoredTransaction>),
    /// A transaction that is no longer needed.
    TransactionGone(AccountKey, AccountNonce),
    /// The deployment that the store serves from now on, besides those that it served before.
    Deployment(Deployment),
    /// What peers remember of our attestations is stored, as far as they could be asked.
    Recovered,
}

/// The one writer. Runs until every [`super::Store`] is dropped.
#[derive(Debug)]
pub struct Writer {
    database: Arc<Database>,
    queue: mpsc::Receiver<Commit>,
    relayer: Address,
}

impl Writer {
    pub(super) const fn new(
        database: Arc<Database>,
        queue: mpsc::Receiver<Commit>,
        relayer: Address,
    ) -> Self {
        Self { database, queue, relayer }
    }

    /// What every store has from its opening on.
    pub(super) fn prepare(&self, deployment: &Deployment) -> Result<(), StoreError> {
        let transaction = begin_write(&self.database)?;
        deployed(&transaction, deployment)?;
        // Stores of the first days have none.
        transaction.open_table(DECISIONS)?;
        Ok(transaction.commit()?)
    }

    /// Writes what is committed, until nobody can commit any more.
    ///
    /// # Errors
    /// [`StoreError`] if the database itself fails: nothing may go on without it.
    pub async fn run(mut self) -> Result<(), StoreError> {
        let mut group = Vec::with_capacity(GROUP_MAX);
        loop {
            if self.queue.recv_many(&mut group, GROUP_MAX).await == 0 {
                return Ok(());
            }
            tokio::task::block_in_place(|| self.write(&mut group))?;
        }
    }

    fn write(&self, group: &mut Vec<Commit>) -> Result<(), StoreError> {
        loop {
            let transaction = begin_write(&self.database)?;
            let refused = group.iter().enumerate().find_map(|(at, commit)| {
                let result = commit
                    .writes
                    .iter()
                    .try_for_each(|write| apply(&transaction, write, self.relayer));
                result.err().map(|error| (at, error))
            });
            let Some((at, error)) = refused else {
                transaction.commit()?;
                for commit in group.drain(..) {
                    // Whoever no longer waits does not need the answer.
                    let _ = commit.done.send(Ok(()));
                }
                return Ok(());
            };
            // One refused commit does not take its neighbours with it.
            transaction.abort()?;
            let _ = group.remove(at).done.send(Err(error));
        }
    }
}

fn begin_write(database: &Database) -> Result<WriteTransaction, StoreError> {
    let mut transaction = database.begin_write()?;
    transaction.set_two_phase_commit(true);
    Ok(transaction)
}

fn encode<T: Serialize>(table: &'static str, value: &T) -> Result<Vec<u8>, StoreError> {
    postcard::to_stdvec(value).map_err(|error| StoreError::row(table, error))
}

/// Opens every table once, so that reading never meets a missing one.
pub(super) fn create_tables(transaction: &WriteTransaction) -> Result<(), redb::Error> {
    let schema = postcard::to_stdvec(&SCHEMA).expect("a number always encodes");
    let mut meta = transaction.open_table(META)?;
    meta.insert("schema", schema.as_slice())?;
    meta.insert("recovering", [].as_slice())?;
    transaction.open_table(LANES)?;
    transaction.open_table(REQUESTS)?;
    transaction.open_table(SETTLEMENTS)?;
    transaction.open_table(ATTESTATIONS)?;
    transaction.open_table(TRANSACTIONS)?;
    transaction.open_table(DECISIONS)?;
    transaction.open_multimap_table(BY_TRANSACTION)?;
    Ok(())
}

fn apply(
    transaction: &WriteTransaction,
    write: &Write,
    relayer: Address,
) -> Result<(), StoreError> {
    match write {
        Write::Lane(lane, row) => {
            let mut table = transaction.open_table(LANES)?;
            table.insert(&lane.0.0, encode("lanes", row)?.as_slice())?;
        }
        Write::Linked(lane, requests) => linked(transaction, *lane, requests)?,
        Write::Unlinked(lane, above) => {
            let mut table = transaction.open_table(REQUESTS)?;
            let from = request_key(*lane, above.next_nonce());
            let to = request_key(*lane, Nonce::new(u64::MAX));
            table.retain_in::<&[u8; 40], _>(&from..=&to, |_, _| false)?;
        }
        Write::Settled(lane, settlements) => {
            let mut table = transaction.open_table(SETTLEMENTS)?;
            for settlement in settlements {
                settled(&mut table, *lane, settlement)?;
            }
        }
        Write::Attestation(attestation) => attested(transaction, attestation, relayer)?,
        Write::Decision(lane, row) => decided(transaction, *lane, row)?,
        Write::Transaction(account, stored) => {
            let mut table = transaction.open_table(TRANSACTIONS)?;
            let key = transaction_key(*account, stored.nonce.get());
            let row = serde_json::to_vec(stored)
                .map_err(|error| StoreError::row("transactions", error))?;
            table.insert(&key, row.as_slice())?;
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
fn deployed(transaction: &WriteTransaction, deployment: &Deployment) -> Result<(), StoreError> {
    let mut table = transaction.open_table(META)?;
    let known = table.get("deployment")?.map(|row| decode("meta", row.value()));
    let mut merged: Deployment = known.transpose()?.unwrap_or_default();
    merged.relayer = deployment.relayer;
    for pair in &deployment.pairs {
        if !merged.pairs.iter().any(|(name, ..)| *name == pair.0) {
            merged.pairs.push(pair.clone());
        }
    }
    table.insert("deployment", encode("meta", &merged)?.as_slice())?;
    Ok(())
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
        table.insert(&key, encode("requests", request)?.as_slice())?;
        index.insert(&request.sourced.transaction.0, &key)?;
    }
    Ok(())
}

fn settled(
    table: &mut Table<'_, &'static [u8; 40], &'static [u8]>,
    lane: LaneId,
    settlement: &Settlement,
) -> Result<(), StoreError> {
    let Settlement { event, block, transaction } = *settlement;
    let (nonce, fate) = match event {
        SettlementEvent::BatchDelivered { .. } => return Ok(()),
        SettlementEvent::HandedOver { nonce, amount, .. } => (nonce, Fate::HandedOver { amount }),
        SettlementEvent::Parked { nonce, reason, earliest, .. } => {
            (nonce, Fate::Parked { reason, earliest })
        }
        SettlementEvent::Released { nonce } => {
            return resolved(table, lane, nonce, Resolution { returned_as: None, transaction });
        }
        SettlementEvent::Returned { nonce, return_nonce } => {
            let resolution = Resolution { returned_as: Some(return_nonce), transaction };
            return resolved(table, lane, nonce, resolution);
        }
    };
    let row = SettlementRow { fate, block, transaction, resolution: None };
    table.insert(&request_key(lane, nonce), encode("settlements", &row)?.as_slice())?;
    Ok(())
}

fn resolved(
    table: &mut Table<'_, &'static [u8; 40], &'static [u8]>,
    lane: LaneId,
    nonce: Nonce,
    resolution: Resolution,
) -> Result<(), StoreError> {
    let key = request_key(lane, nonce);
    let row = table.get(&key)?.map(|row| decode::<SettlementRow>("settlements", row.value()));
    // A release of something never parked is a lie of the node; it changes nothing that we know.
    let Some(mut row) = row.transpose()? else { return Ok(()) };
    row.resolution = Some(resolution);
    table.insert(&key, encode("settlements", &row)?.as_slice())?;
    Ok(())
}

fn decided(
    transaction: &WriteTransaction,
    lane: LaneId,
    row: &DecisionRow,
) -> Result<(), StoreError> {
    let mut table = transaction.open_table(DECISIONS)?;
    table.insert(&decision_key(lane, row.at), encode("decisions", row)?.as_slice())?;
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
        let before =
            table.get(&key)?.map(|row| decode::<AttestationRow>("attestations", row.value()));
        if before.transpose()?.is_some_and(|before| before.head != head) {
            return Err(StoreError::AlreadyAttested { count: count.get() });
        }
    }
    let row = AttestationRow { head, signature: attestation.signature };
    table.insert(&key, encode("attestations", &row)?.as_slice())?;
    Ok(())
}
