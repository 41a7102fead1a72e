//! Reads the store: what a lane restarts from, and what the API answers.

use std::sync::Arc;

use alloy::primitives::{Address, B256};
use redb::Database;
use serde::de::DeserializeOwned;
use twinspan_bridge::attest::Attestation;
use twinspan_bridge::digest::Checkpoint;
use twinspan_bridge::ids::{Count, Epoch, Lane, LaneId, Nonce};
use twinspan_bridge::lane_head::LanePosition;
use twinspan_bridge::lane_head::LinkedRequest;
use twinspan_bridge::machine::{Snapshot, WINDOW_MAX};
use twinspan_chains::transactions::{AccountKey, StoredTransaction};

use super::tables::{
    ATTESTATIONS, AttestationRow, BY_TRANSACTION, DECISIONS, DecisionRow, Deployment, LANES,
    LaneRow, META, REQUESTS, SETTLEMENTS, SettlementRow, TRANSACTIONS, attestation_key,
    attestation_of_key, decision_key, request_key, request_of_key, transaction_key,
};
use super::{StoreError, begin_read};

/// Requests read into memory for one lane at a restart, at most: the machine's window and one read.
const RESTORE_MAX: usize = 2 * WINDOW_MAX;

/// Reads the store.
#[derive(Clone, Debug)]
pub struct Reader {
    database: Arc<Database>,
}

/// Everything stored of one transfer.
#[derive(Clone, Debug)]
pub struct StoredTransfer {
    /// The request.
    pub request: LinkedRequest,
    /// What became of it.
    pub settlement: Option<SettlementRow>,
    /// The nearest attested checkpoint that covers it, and who signed it.
    pub signers: Option<(Count, Vec<Address>)>,
}

pub(super) fn decode<T: DeserializeOwned>(
    table: &'static str,
    bytes: &[u8],
) -> Result<T, StoreError> {
    postcard::from_bytes(bytes).map_err(|error| StoreError::row(table, error))
}

impl Reader {
    pub(super) const fn new(database: Arc<Database>) -> Self {
        Self { database }
    }

    pub(super) fn schema(&self) -> Result<u32, StoreError> {
        let table = begin_read(&self.database)?.open_table(META)?;
        let Some(row) = table.get("schema")? else {
            return Err(StoreError::row("meta", "no schema version"));
        };
        decode("meta", row.value())
    }

    pub(super) fn deployment(&self) -> Result<Option<Deployment>, StoreError> {
        let table = begin_read(&self.database)?.open_table(META)?;
        table.get("deployment")?.map(|row| decode("meta", row.value())).transpose()
    }

    /// Whether the store was made anew, and the peers were not yet asked what this relayer attested before.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn is_recovering(&self) -> Result<bool, StoreError> {
        let table = begin_read(&self.database)?.open_table(META)?;
        Ok(table.get("recovering")?.is_some())
    }

    /// How far a lane has come; `None` if it was never read.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn lane(&self, lane: LaneId) -> Result<Option<LaneRow>, StoreError> {
        let table = begin_read(&self.database)?.open_table(LANES)?;
        table.get(&lane.0.0)?.map(|row| decode("lanes", row.value())).transpose()
    }

    /// What a lane's machine restarts from.
    ///
    /// # Errors
    /// [`StoreError`], also for an attestation whose signature does not verify.
    pub fn snapshot(&self, lane: &Lane) -> Result<Snapshot, StoreError> {
        let id = lane.id();
        let Some(row) = self.lane(id)? else { return Ok(Snapshot::start(lane)) };
        let table = begin_read(&self.database)?.open_table(REQUESTS)?;
        let from = request_key(id, row.settled.count.next_nonce());
        let to = request_key(id, Nonce::new(u64::MAX));
        let mut requests = Vec::new();
        for entry in table.range::<&[u8; 40]>(&from..&to)?.take(RESTORE_MAX) {
            requests.push(decode::<LinkedRequest>("requests", entry?.1.value())?);
        }
        let above = self.attestations_above(lane, row.settled.count, usize::MAX)?;
        let verified = above.into_iter().map(Attestation::verify).collect::<Result<_, _>>();
        Ok(Snapshot {
            linked: row.linked,
            linked_block: row.linked_block,
            term: row.term,
            settled: row.settled,
            requests,
            attestations: verified.map_err(|error| StoreError::row("attestations", error))?,
            conflict: row.conflict,
        })
    }

    /// Attestations of checkpoints above `count`, by count; at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn attestations_above(
        &self,
        lane: &Lane,
        count: Count,
        limit: usize,
    ) -> Result<Vec<Attestation>, StoreError> {
        let id = lane.id();
        let table = begin_read(&self.database)?.open_table(ATTESTATIONS)?;
        let from = attestation_key(id, count.plus(1), Epoch::new(0), Address::ZERO);
        let to = [id.0.as_slice(), &[0xff; 36]].concat();
        let to: &[u8; 68] = to.as_slice().try_into().expect("32 and 36 bytes make 68");
        let mut found = Vec::new();
        for entry in table.range::<&[u8; 68]>(&from..to)?.take(limit) {
            let (key, value) = entry?;
            let row: AttestationRow = decode("attestations", value.value())?;
            let (count, epoch, signer) = attestation_of_key(key.value());
            let position = LanePosition { count, head: row.head };
            let checkpoint = Checkpoint { lane: *lane, epoch, position };
            found.push(Attestation { checkpoint, signer, signature: row.signature });
        }
        Ok(found)
    }

    /// The linked request just before `count`: where the lane stood then, and in which block.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn request(&self, lane: LaneId, nonce: Nonce) -> Result<Option<LinkedRequest>, StoreError> {
        let table = begin_read(&self.database)?.open_table(REQUESTS)?;
        let row = table.get(&request_key(lane, nonce))?;
        row.map(|row| decode("requests", row.value())).transpose()
    }

    /// Everything stored of one transfer; `None` if its request is not linked here.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn transfer(
        &self,
        lane: &Lane,
        nonce: Nonce,
    ) -> Result<Option<StoredTransfer>, StoreError> {
        let Some(request) = self.request(lane.id(), nonce)? else { return Ok(None) };
        let table = begin_read(&self.database)?.open_table(SETTLEMENTS)?;
        let settlement = table
            .get(&request_key(lane.id(), nonce))?
            .map(|row| decode("settlements", row.value()))
            .transpose()?;
        let signers = self.signers_of(lane, nonce)?;
        Ok(Some(StoredTransfer { request, settlement, signers }))
    }

    /// The requests that a source transaction made; at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn by_transaction(
        &self,
        transaction: B256,
        limit: usize,
    ) -> Result<Vec<(LaneId, Nonce)>, StoreError> {
        let table = begin_read(&self.database)?.open_multimap_table(BY_TRANSACTION)?;
        let mut found = Vec::new();
        for key in table.get(&transaction.0)?.take(limit) {
            found.push(request_of_key(key?.value()));
        }
        Ok(found)
    }

    /// What humans decided about a lane, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn decisions(&self, lane: LaneId) -> Result<Vec<DecisionRow>, StoreError> {
        let table = begin_read(&self.database)?.open_table(DECISIONS)?;
        let (from, to) = (decision_key(lane, 0), decision_key(lane, u64::MAX));
        let rows = table.range::<&[u8; 40]>(&from..=&to)?;
        rows.map(|entry| decode("decisions", entry?.1.value())).collect()
    }

    /// The unfinished and the lately finished transactions of an account.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn transactions(&self, account: AccountKey) -> Result<Vec<StoredTransaction>, StoreError> {
        let table = begin_read(&self.database)?.open_table(TRANSACTIONS)?;
        let from = transaction_key(account, 0);
        let to = transaction_key(account, u64::MAX);
        let mut found = Vec::new();
        for entry in table.range::<&[u8; 36]>(&from..=&to)? {
            let row = serde_json::from_slice(entry?.1.value());
            found.push(row.map_err(|error| StoreError::row("transactions", error))?);
        }
        Ok(found)
    }

    fn signers_of(
        &self,
        lane: &Lane,
        nonce: Nonce,
    ) -> Result<Option<(Count, Vec<Address>)>, StoreError> {
        // Members of one checkpoint, and of a few after it where the first is still incomplete.
        const LOOK_AHEAD: usize = 256;
        let after = Count::new(nonce.get());
        let mut best: Option<(Count, Vec<Address>)> = None;
        let mut current: Option<(Count, u64, Vec<Address>)> = None;
        for attestation in self.attestations_above(lane, after, LOOK_AHEAD)? {
            let (count, epoch) =
                (attestation.checkpoint.count(), attestation.checkpoint.epoch.get());
            match &mut current {
                Some((at, of, signers)) if (*at, *of) == (count, epoch) => {
                    signers.push(attestation.signer);
                }
                _ => current = Some((count, epoch, vec![attestation.signer])),
            }
            if let Some((at, _, signers)) = &current
                && best.as_ref().is_none_or(|(_, most)| signers.len() > most.len())
            {
                best = Some((*at, signers.clone()));
            }
        }
        Ok(best)
    }
}
