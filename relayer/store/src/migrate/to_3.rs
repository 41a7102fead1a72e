//! From schema 2 to 3: blocks with hash and time, batches and certificates, transactions as rows; leftovers go.
//!
//! * Requests, settlements and resolutions get room for what schema 2 did not know; it stays unknown.
//! * Returns are found from the request that carries a transfer home.
//! * Transactions were JSON.
//! * Settlements of a destination history that was rewritten go: those that their lane does not count.
//! * The index by transaction is built anew from the requests: schema 2 left the requests in it that were unlinked.

use alloy_primitives::{Address, B256, Bytes, U256};
use redb::{ReadableTable, TableDefinition, WriteTransaction};
use serde::{Deserialize, Serialize};
use twinspan_bridge::ids::{LaneId, Nonce};

use crate::StoreError;
use crate::rows::{
    DiskAssetKind, DiskFate, DiskLane, DiskPosition, DiskRequest, DiskResolution, DiskReturn,
    DiskSettlement, LaneRow, Row, TransactionRow, decode, encode,
};
use crate::tables::{
    BATCHES, BY_TRANSACTION, CERTIFICATES, DECISIONS, LANES, REQUESTS, RETURNS, SETTLEMENTS,
    TRANSACTIONS, request_key, request_of_key,
};

/// A table's rows wait here while its new ones are written.
const OLD_REQUESTS: TableDefinition<'_, &[u8; 40], &[u8]> = TableDefinition::new("requests_2");
const OLD_SETTLEMENTS: TableDefinition<'_, &[u8; 40], &[u8]> =
    TableDefinition::new("settlements_2");
const OLD_TRANSACTIONS: TableDefinition<'_, &[u8; 36], &[u8]> =
    TableDefinition::new("transactions_2");

/// A request in schema 2.
#[derive(Debug, Serialize, Deserialize)]
struct Request2 {
    nonce: u64,
    kind: DiskAssetKind,
    sender: Address,
    recipient: Address,
    token: Address,
    counterpart_token: Address,
    amount: U256,
    payload: Bytes,
    block: u64,
    transaction: B256,
    emitted_head: B256,
    hash: B256,
    after: DiskPosition,
    ends_block: bool,
}

impl Row for Request2 {
    const TABLE: &'static str = "requests";
}

/// A settlement in schema 2.
#[derive(Debug, Serialize, Deserialize)]
struct Settlement2 {
    fate: DiskFate,
    block: u64,
    transaction: B256,
    resolution: Option<Resolution2>,
}

impl Row for Settlement2 {
    const TABLE: &'static str = "settlements";
}

/// The end of a parked handover in schema 2.
#[derive(Debug, Serialize, Deserialize)]
struct Resolution2 {
    returned_as: Option<u64>,
    transaction: B256,
}

/// The step.
pub(super) fn migrate(transaction: &WriteTransaction) -> Result<(), StoreError> {
    // Stores of the first days of schema 2 have no decisions.
    transaction.open_table(DECISIONS)?;
    transaction.open_table(BATCHES)?;
    transaction.open_table(CERTIFICATES)?;
    transaction.open_table(RETURNS)?;
    requests(transaction)?;
    settlements(transaction)?;
    transactions(transaction)
}

fn requests(transaction: &WriteTransaction) -> Result<(), StoreError> {
    transaction.delete_multimap_table(BY_TRANSACTION)?;
    transaction.rename_table(REQUESTS, OLD_REQUESTS)?;
    {
        let mut index = transaction.open_multimap_table(BY_TRANSACTION)?;
        let mut table = transaction.open_table(REQUESTS)?;
        for entry in transaction.open_table(OLD_REQUESTS)?.iter()? {
            let (key, row) = entry?;
            let row = DiskRequest::from(decode::<Request2>(row.value())?);
            table.insert(key.value(), encode(&row)?.as_slice())?;
            index.insert(&row.transaction.0, key.value())?;
        }
    }
    transaction.delete_table(OLD_REQUESTS)?;
    Ok(())
}

fn settlements(transaction: &WriteTransaction) -> Result<(), StoreError> {
    transaction.rename_table(SETTLEMENTS, OLD_SETTLEMENTS)?;
    {
        let lanes = transaction.open_table(LANES)?;
        let mut table = transaction.open_table(SETTLEMENTS)?;
        let mut returns = transaction.open_table(RETURNS)?;
        // Rows come by lane: each is looked up once.
        let mut counted: Option<(LaneId, u64)> = None;
        for entry in transaction.open_table(OLD_SETTLEMENTS)?.iter()? {
            let (key, row) = entry?;
            let (lane, nonce) = request_of_key(key.value());
            let count = match counted {
                Some((of, count)) if of == lane => count,
                _ => settled_count(&lanes, lane)?,
            };
            counted = Some((lane, count));
            if nonce.get() < count {
                let row = DiskSettlement::from(decode::<Settlement2>(row.value())?);
                table.insert(key.value(), encode(&row)?.as_slice())?;
                let returned_as = row.resolution.and_then(|resolution| resolution.returned_as);
                if let Some(home) = returned_as {
                    let row = encode(&DiskReturn { of: nonce.get() })?;
                    returns.insert(&request_key(lane, Nonce::new(home)), row.as_slice())?;
                }
            }
        }
    }
    transaction.delete_table(OLD_SETTLEMENTS)?;
    Ok(())
}

/// How many settlements a lane counts. One that was never read has none.
fn settled_count(
    lanes: &impl ReadableTable<&'static [u8; 32], &'static [u8]>,
    lane: LaneId,
) -> Result<u64, StoreError> {
    let Some(row) = lanes.get(&lane.0.0)? else { return Ok(0) };
    let row = LaneRow::from(decode::<DiskLane>(row.value())?);
    Ok(row.settled.count.get())
}

fn transactions(transaction: &WriteTransaction) -> Result<(), StoreError> {
    transaction.rename_table(TRANSACTIONS, OLD_TRANSACTIONS)?;
    {
        let mut table = transaction.open_table(TRANSACTIONS)?;
        for entry in transaction.open_table(OLD_TRANSACTIONS)?.iter()? {
            let (key, json) = entry?;
            let row: TransactionRow = serde_json::from_slice(json.value())
                .map_err(|error| StoreError::row("transactions", error))?;
            table.insert(key.value(), encode(&row)?.as_slice())?;
        }
    }
    transaction.delete_table(OLD_TRANSACTIONS)?;
    Ok(())
}

impl From<Request2> for DiskRequest {
    fn from(row: Request2) -> Self {
        Self {
            nonce: row.nonce,
            kind: row.kind,
            sender: row.sender,
            recipient: row.recipient,
            token: row.token,
            counterpart_token: row.counterpart_token,
            amount: row.amount,
            payload: row.payload,
            block: row.block,
            block_hash: None,
            block_time: None,
            transaction: row.transaction,
            emitted_head: row.emitted_head,
            hash: row.hash,
            after: row.after,
            ends_block: row.ends_block,
        }
    }
}

impl From<Settlement2> for DiskSettlement {
    fn from(row: Settlement2) -> Self {
        Self {
            fate: row.fate,
            block: row.block,
            block_hash: None,
            block_time: None,
            transaction: row.transaction,
            resolution: row.resolution.map(DiskResolution::from),
        }
    }
}

impl From<Resolution2> for DiskResolution {
    fn from(row: Resolution2) -> Self {
        Self {
            returned_as: row.returned_as,
            released_to: None,
            block: None,
            block_hash: None,
            block_time: None,
            transaction: row.transaction,
        }
    }
}
