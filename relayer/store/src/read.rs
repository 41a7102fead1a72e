//! Reads the store: the state that a lane restarts from, and the rows that the API answers with.

use std::sync::Arc;

use alloy_primitives::{Address, B256};
use redb::{Database, ReadTransaction, ReadableDatabase};
use twinspan_bridge::attest::Attestation;
use twinspan_bridge::ids::{Count, Epoch, Lane, LaneId, Nonce};
use twinspan_bridge::lane_head::LinkedRequest;
use twinspan_bridge::machine::{Snapshot, WINDOW_MAX};

use crate::StoreError;
use crate::rows::{
    Account, BatchRow, CertificateRow, DecisionRow, Deployment, DiskAttestation, DiskBatch,
    DiskCertificate, DiskDecision, DiskDeployment, DiskLane, DiskRequest, DiskReturn,
    DiskSettlement, LaneRow, SettlementRow, TransactionRow, decode,
};
use crate::tables::{
    ATTESTATIONS, BATCHES, BY_TRANSACTION, CERTIFICATES, DECISIONS, LANES, META, REQUESTS, RETURNS,
    SETTLEMENTS, TRANSACTIONS, attestation_key, attestation_of_key, batch_key, count_of_key,
    decision_key, request_key, request_of_key, transaction_key,
};

/// Requests read into memory for one lane at a restart, at most: the machine's window and one read.
const RESTORE_MAX: usize = 2 * WINDOW_MAX;

/// Reads the store.
#[derive(Clone, Debug)]
pub struct Reader {
    database: Arc<Database>,
}

/// Everything stored of one transfer, as of one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTransfer {
    /// The request.
    pub request: LinkedRequest,
    /// Its end on the destination, if it has come to one.
    pub settlement: Option<SettlementRow>,
    /// The batch that it came with. `None`: it has not come, or the batch is not known.
    pub batch: Option<BatchRow>,
    /// For one that carries a parked transfer of the other lane home: that one's nonce there.
    pub return_of: Option<Nonce>,
    /// The certificate that paid for that batch. `None`: it has not come, or the certificate is not known.
    pub certificate: Option<CertificateRow>,
    /// The nearest attested checkpoint that covers it, and who signed it.
    pub signers: Option<(Count, Vec<Address>)>,
}

impl Reader {
    pub(crate) const fn new(database: Arc<Database>) -> Self {
        Self { database }
    }

    /// A point in time that all reads of one answer come from.
    fn begin(&self) -> Result<ReadTransaction, StoreError> {
        Ok(self.database.begin_read()?)
    }

    pub(crate) fn deployment(&self) -> Result<Option<Deployment>, StoreError> {
        let table = self.begin()?.open_table(META)?;
        let row = table.get("deployment")?;
        row.map(|row| decode::<DiskDeployment>(row.value()).map(Deployment::from)).transpose()
    }

    /// Whether the store was made anew, and the peers were not yet asked what this relayer attested before.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn is_recovering(&self) -> Result<bool, StoreError> {
        let table = self.begin()?.open_table(META)?;
        Ok(table.get("recovering")?.is_some())
    }

    /// How far a lane has come; `None` if it was never read.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn lane(&self, lane: LaneId) -> Result<Option<LaneRow>, StoreError> {
        lane_in(&self.begin()?, lane)
    }

    /// The state that a lane's machine restarts from.
    ///
    /// # Errors
    /// [`StoreError`], also for an attestation whose signature does not verify.
    pub fn snapshot(&self, lane: &Lane) -> Result<Snapshot, StoreError> {
        let (id, moment) = (lane.id(), self.begin()?);
        let Some(row) = lane_in(&moment, id)? else { return Ok(Snapshot::start(lane)) };
        let table = moment.open_table(REQUESTS)?;
        let from = request_key(id, row.settled.count.next_nonce());
        let to = request_key(id, Nonce::new(u64::MAX));
        let mut requests = Vec::new();
        for entry in table.range::<&[u8; 40]>(&from..&to)?.take(RESTORE_MAX) {
            requests.push(decode::<DiskRequest>(entry?.1.value())?.into());
        }
        let above = attestations_above(&moment, lane, row.settled.count, usize::MAX)?;
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
        attestations_above(&self.begin()?, lane, count, limit)
    }

    /// A linked request: where the lane stood after it, and in which block.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn request(&self, lane: LaneId, nonce: Nonce) -> Result<Option<LinkedRequest>, StoreError> {
        Ok(request_in(&self.begin()?, lane, nonce)?.map(LinkedRequest::from))
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
        let (id, moment) = (lane.id(), self.begin()?);
        let Some(request) = request_in(&moment, id, nonce)? else { return Ok(None) };
        let settlement = moment.open_table(SETTLEMENTS)?.get(&request_key(id, nonce))?;
        let settlement = settlement.map(|row| decode::<DiskSettlement>(row.value())).transpose()?;
        Ok(Some(StoredTransfer {
            request: request.into(),
            settlement: settlement.map(SettlementRow::from),
            batch: batch_of(&moment, id, nonce)?,
            return_of: return_of(&moment, lane, nonce)?,
            certificate: certificate_of(&moment, id, nonce)?,
            signers: signers_of(&moment, lane, nonce)?,
        }))
    }

    /// The linked requests that a source transaction made; at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn by_transaction(
        &self,
        transaction: B256,
        limit: usize,
    ) -> Result<Vec<(LaneId, Nonce)>, StoreError> {
        let table = self.begin()?.open_multimap_table(BY_TRANSACTION)?;
        let mut found = Vec::new();
        for key in table.get(&transaction.0)?.take(limit) {
            found.push(request_of_key(key?.value()));
        }
        Ok(found)
    }

    /// The decisions of humans about a lane, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn decisions(&self, lane: LaneId) -> Result<Vec<DecisionRow>, StoreError> {
        let table = self.begin()?.open_table(DECISIONS)?;
        let (from, to) = (decision_key(lane, 0), decision_key(lane, u64::MAX));
        let rows = table.range::<&[u8; 40]>(&from..=&to)?;
        rows.map(|entry| Ok(decode::<DiskDecision>(entry?.1.value())?.into())).collect()
    }

    /// The unfinished and the lately finished transactions of an account, by account nonce.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn transactions(&self, account: Account) -> Result<Vec<TransactionRow>, StoreError> {
        let table = self.begin()?.open_table(TRANSACTIONS)?;
        let from = transaction_key(account, 0);
        let to = transaction_key(account, u64::MAX);
        let rows = table.range::<&[u8; 36]>(&from..=&to)?;
        rows.map(|entry| decode(entry?.1.value())).collect()
    }
}

fn lane_in(moment: &ReadTransaction, lane: LaneId) -> Result<Option<LaneRow>, StoreError> {
    let row = moment.open_table(LANES)?.get(&lane.0.0)?;
    row.map(|row| decode::<DiskLane>(row.value()).map(LaneRow::from)).transpose()
}

fn request_in(
    moment: &ReadTransaction,
    lane: LaneId,
    nonce: Nonce,
) -> Result<Option<DiskRequest>, StoreError> {
    let row = moment.open_table(REQUESTS)?.get(&request_key(lane, nonce))?;
    row.map(|row| decode(row.value())).transpose()
}

fn attestations_above(
    moment: &ReadTransaction,
    lane: &Lane,
    count: Count,
    limit: usize,
) -> Result<Vec<Attestation>, StoreError> {
    let id = lane.id();
    // Peers ask for any number.
    let Some(from) = count.get().checked_add(1) else { return Ok(Vec::new()) };
    let from = attestation_key(id, Count::new(from), Epoch::new(0), Address::ZERO);
    let last = Address::repeat_byte(0xff);
    let to = attestation_key(id, Count::new(u64::MAX), Epoch::new(u64::MAX), last);
    let mut found = Vec::new();
    for entry in moment.open_table(ATTESTATIONS)?.range::<&[u8; 68]>(&from..=&to)?.take(limit) {
        let (key, value) = entry?;
        let (count, epoch, signer) = attestation_of_key(key.value());
        found.push(decode::<DiskAttestation>(value.value())?.of_key(*lane, count, epoch, signer));
    }
    Ok(found)
}

/// The transfer of the reverse lane that request `nonce` of `lane` carries home.
fn return_of(
    moment: &ReadTransaction,
    lane: &Lane,
    nonce: Nonce,
) -> Result<Option<Nonce>, StoreError> {
    let table = moment.open_table(RETURNS)?;
    let row = table.get(&request_key(lane.reverse().id(), nonce))?;
    Ok(row.map(|row| decode::<DiskReturn>(row.value())).transpose()?.map(|row| Nonce::new(row.of)))
}

/// The first batch that ends after a request holds it, or none does. The batches of a lane do not overlap, and neither
/// do those that certificates paid for.
fn batch_of(
    moment: &ReadTransaction,
    lane: LaneId,
    nonce: Nonce,
) -> Result<Option<BatchRow>, StoreError> {
    let (from, to) = ending_after(lane, nonce);
    let table = moment.open_table(BATCHES)?;
    let Some(entry) = table.range::<&[u8; 40]>(&from..=&to)?.next() else { return Ok(None) };
    let (key, row) = entry?;
    let batch = decode::<DiskBatch>(row.value())?.ending_at(count_of_key(key.value()));
    Ok(Some(batch).filter(|batch| batch.first <= nonce))
}

fn certificate_of(
    moment: &ReadTransaction,
    lane: LaneId,
    nonce: Nonce,
) -> Result<Option<CertificateRow>, StoreError> {
    let (from, to) = ending_after(lane, nonce);
    let table = moment.open_table(CERTIFICATES)?;
    let Some(entry) = table.range::<&[u8; 40]>(&from..=&to)?.next() else { return Ok(None) };
    let row: DiskCertificate = decode(entry?.1.value())?;
    Ok((row.first <= nonce.get()).then(|| row.into()))
}

fn ending_after(lane: LaneId, nonce: Nonce) -> ([u8; 40], [u8; 40]) {
    (batch_key(lane, nonce.count_after()), batch_key(lane, Count::new(u64::MAX)))
}

fn signers_of(
    moment: &ReadTransaction,
    lane: &Lane,
    nonce: Nonce,
) -> Result<Option<(Count, Vec<Address>)>, StoreError> {
    // Members of one checkpoint, and of a few after it where the first is still incomplete.
    const LOOK_AHEAD: usize = 256;
    let mut best: Option<(Count, Vec<Address>)> = None;
    let mut current: Option<(Count, Epoch, Vec<Address>)> = None;
    for attestation in attestations_above(moment, lane, nonce.count_before(), LOOK_AHEAD)? {
        let (count, epoch) = (attestation.checkpoint.count(), attestation.checkpoint.epoch);
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
