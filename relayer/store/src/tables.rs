//! Names every table and lays out its keys.
//!
//! Keys are fixed-width and big-endian, so that a range of a table is a range of nonces or counts. A change of any of
//! them is a new [`SCHEMA`].

use alloy_primitives::{Address, B256};
use redb::{MultimapTableDefinition, TableDefinition};
use twinspan_bridge::ids::{Count, Epoch, LaneId, Nonce};

use crate::rows::Account;

/// The version of keys and rows. A store of an older one is migrated, of a newer one refused.
pub const SCHEMA: u32 = 3;

/// `"schema"` → [`SCHEMA`]; `"deployment"` → `Deployment`; `"recovering"` → nothing, from the making of the store
/// until the peers have told what this relayer attested before.
pub(crate) const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");

/// Lane id → `LaneRow`.
pub(crate) const LANES: TableDefinition<'_, &[u8; 32], &[u8]> = TableDefinition::new("lanes");

/// Lane id ‖ nonce → `LinkedRequest` and what is known of its block.
pub(crate) const REQUESTS: TableDefinition<'_, &[u8; 40], &[u8]> = TableDefinition::new("requests");

/// Lane id ‖ nonce → `SettlementRow`.
pub(crate) const SETTLEMENTS: TableDefinition<'_, &[u8; 40], &[u8]> =
    TableDefinition::new("settlements");

/// Lane id ‖ nonce of a return in the reverse lane → nonce of the parked request that it carries home.
pub(crate) const RETURNS: TableDefinition<'_, &[u8; 40], &[u8]> = TableDefinition::new("returns");

/// Lane id ‖ count after it → `BatchRow`.
pub(crate) const BATCHES: TableDefinition<'_, &[u8; 40], &[u8]> = TableDefinition::new("batches");

/// Lane id ‖ count after the batch that it paid for → `CertificateRow` and the batch's first nonce.
pub(crate) const CERTIFICATES: TableDefinition<'_, &[u8; 40], &[u8]> =
    TableDefinition::new("certificates");

/// Lane id ‖ count ‖ epoch ‖ signer → the head and the signature of an `Attestation`.
pub(crate) const ATTESTATIONS: TableDefinition<'_, &[u8; 68], &[u8]> =
    TableDefinition::new("attestations");

/// Source transaction → the requests that it made and that are linked, as lane id ‖ nonce.
pub(crate) const BY_TRANSACTION: MultimapTableDefinition<'_, &[u8; 32], &[u8; 40]> =
    MultimapTableDefinition::new("by_transaction");

/// Chain id ‖ account ‖ account nonce → `TransactionRow`.
pub(crate) const TRANSACTIONS: TableDefinition<'_, &[u8; 36], &[u8]> =
    TableDefinition::new("transactions");

/// Lane id ‖ time in milliseconds of Unix time → `DecisionRow`.
pub(crate) const DECISIONS: TableDefinition<'_, &[u8; 40], &[u8]> =
    TableDefinition::new("decisions");

/// Key of [`REQUESTS`], [`SETTLEMENTS`] and [`RETURNS`].
#[must_use]
pub(crate) fn request_key(lane: LaneId, nonce: Nonce) -> [u8; 40] {
    lane_key(lane, nonce.get())
}

/// The lane and nonce of a [`request_key`].
#[must_use]
pub(crate) fn request_of_key(key: &[u8; 40]) -> (LaneId, Nonce) {
    let (lane, nonce) = key.split_at(32);
    (LaneId(B256::from_slice(lane)), Nonce::new(u64_of(nonce)))
}

/// Key of [`BATCHES`] and [`CERTIFICATES`].
#[must_use]
pub(crate) fn batch_key(lane: LaneId, end: Count) -> [u8; 40] {
    lane_key(lane, end.get())
}

/// The count of a [`batch_key`].
#[must_use]
pub(crate) fn count_of_key(key: &[u8; 40]) -> Count {
    Count::new(u64_of(&key[32..]))
}

/// Key of [`DECISIONS`].
#[must_use]
pub(crate) fn decision_key(lane: LaneId, at: u64) -> [u8; 40] {
    lane_key(lane, at)
}

/// Key of [`ATTESTATIONS`].
#[must_use]
pub(crate) fn attestation_key(
    lane: LaneId,
    count: Count,
    epoch: Epoch,
    signer: Address,
) -> [u8; 68] {
    let mut key = [0; 68];
    key[..40].copy_from_slice(&lane_key(lane, count.get()));
    key[40..48].copy_from_slice(&epoch.get().to_be_bytes());
    key[48..].copy_from_slice(signer.as_slice());
    key
}

/// The count, epoch and signer of an [`attestation_key`].
#[must_use]
pub(crate) fn attestation_of_key(key: &[u8; 68]) -> (Count, Epoch, Address) {
    let count = Count::new(u64_of(&key[32..40]));
    let epoch = Epoch::new(u64_of(&key[40..48]));
    (count, epoch, Address::from_slice(&key[48..]))
}

/// Key of [`TRANSACTIONS`].
#[must_use]
pub(crate) fn transaction_key(account: Account, nonce: u64) -> [u8; 36] {
    let mut key = [0; 36];
    key[..8].copy_from_slice(&account.chain_id.get().to_be_bytes());
    key[8..28].copy_from_slice(account.address.as_slice());
    key[28..].copy_from_slice(&nonce.to_be_bytes());
    key
}

fn lane_key(lane: LaneId, number: u64) -> [u8; 40] {
    let mut key = [0; 40];
    key[..32].copy_from_slice(lane.0.as_slice());
    key[32..].copy_from_slice(&number.to_be_bytes());
    key
}

fn u64_of(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(bytes);
    u64::from_be_bytes(word)
}
