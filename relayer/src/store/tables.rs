//! Every table of the store, with its keys and values.
//!
//! Keys are fixed-width and big-endian, so that a range of a table is a range of nonces or counts.
//! Values are `postcard`. A change of any of them is a new [`SCHEMA`].

use alloy::primitives::{Address, B256, U256};
use redb::{MultimapTableDefinition, TableDefinition};
use serde::{Deserialize, Serialize};
use twinspan_bridge::attest::{Attestation, Signature};
use twinspan_bridge::ids::{BlockNumber, BridgeAt, Count, Epoch, LaneId, Nonce};
use twinspan_bridge::io::Conflict;
use twinspan_bridge::lane_head::LanePosition;
use twinspan_bridge::observe::ParkReason;
use twinspan_bridge::schedule::Term;
use twinspan_chains::transactions::AccountKey;

/// Version of what is below. A store of a newer one is refused.
pub const SCHEMA: u32 = 2;

/// `"schema"` → [`SCHEMA`]; `"deployment"` → [`Deployment`]; `"recovering"` → nothing, from the making of the store
/// until the peers have told what this relayer attested before.
pub(super) const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");

/// Lane id → [`LaneRow`].
pub(super) const LANES: TableDefinition<'_, &[u8; 32], &[u8]> = TableDefinition::new("lanes");

/// Lane id ‖ nonce → `LinkedRequest`.
pub(super) const REQUESTS: TableDefinition<'_, &[u8; 40], &[u8]> = TableDefinition::new("requests");

/// Lane id ‖ nonce → [`SettlementRow`].
pub(super) const SETTLEMENTS: TableDefinition<'_, &[u8; 40], &[u8]> =
    TableDefinition::new("settlements");

/// Lane id ‖ count ‖ epoch ‖ signer → [`AttestationRow`].
pub(super) const ATTESTATIONS: TableDefinition<'_, &[u8; 68], &[u8]> =
    TableDefinition::new("attestations");

/// Source transaction → the requests that it made, as lane id ‖ nonce.
pub(super) const BY_TRANSACTION: MultimapTableDefinition<'_, &[u8; 32], &[u8; 40]> =
    MultimapTableDefinition::new("by_transaction");

/// Chain id ‖ account ‖ account nonce → `StoredTransaction` as JSON.
pub(super) const TRANSACTIONS: TableDefinition<'_, &[u8; 36], &[u8]> =
    TableDefinition::new("transactions");

/// Lane id ‖ time in milliseconds of Unix time → [`DecisionRow`].
pub(super) const DECISIONS: TableDefinition<'_, &[u8; 40], &[u8]> =
    TableDefinition::new("decisions");

/// Which bridge pairs the store belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    /// The relayer's attestation address.
    pub relayer: Address,
    /// Pairs by name: main and service bridge.
    pub pairs: Vec<(String, BridgeAt, BridgeAt)>,
}

/// How far a lane has come on this relayer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneRow {
    /// The source, linked.
    pub linked: LanePosition,
    /// The last source block read: the cursor of the source's chain.
    pub linked_block: BlockNumber,
    /// The submitters' term of that block.
    pub term: Option<Term>,
    /// The destination, settled.
    pub settled: LanePosition,
    /// What the lane abstains for.
    pub conflict: Option<Conflict>,
}

/// What became of a request on the destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettlementRow {
    /// Paid or parked.
    pub fate: Fate,
    /// The block that settled its place.
    pub block: BlockNumber,
    /// The transaction that settled its place.
    pub transaction: B256,
    /// For a parked one: what became of it.
    pub resolution: Option<Resolution>,
}

/// How a request's place was settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fate {
    /// Paid.
    HandedOver {
        /// How much, in lane units.
        amount: U256,
    },
    /// Owed.
    Parked {
        /// Why.
        reason: ParkReason,
        /// From when on it can be released by the limits in force then, Unix time in seconds. Zero: no matter of
        /// time; [`u64::MAX`]: not by those limits.
        earliest: u64,
    },
}

/// The end of a parked handover.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolution {
    /// The request of the opposite lane that carries it home; `None`: it was paid.
    pub returned_as: Option<Nonce>,
    /// The transaction that did it.
    pub transaction: B256,
}

/// What a human decided about a lane, with the evidence: kept for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionRow {
    /// When, in milliseconds of Unix time.
    pub at: u64,
    /// Why, in the human's words.
    pub reason: String,
    /// What the lane abstained for.
    pub conflict: Conflict,
    /// Our attestations of the history that is gone, which bind no longer.
    pub voided: Vec<Attestation>,
}

/// A signature of a checkpoint; lane, count, epoch and signer are in the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct AttestationRow {
    /// The head.
    pub(super) head: B256,
    /// The signature.
    pub(super) signature: Signature,
}

/// Key of [`REQUESTS`] and [`SETTLEMENTS`].
#[must_use]
pub(super) fn request_key(lane: LaneId, nonce: Nonce) -> [u8; 40] {
    let mut key = [0; 40];
    key[..32].copy_from_slice(lane.0.as_slice());
    key[32..].copy_from_slice(&nonce.get().to_be_bytes());
    key
}

/// The lane and nonce of a [`request_key`].
#[must_use]
pub(super) fn request_of_key(key: &[u8; 40]) -> (LaneId, Nonce) {
    let (lane, nonce) = key.split_at(32);
    (LaneId(B256::from_slice(lane)), Nonce::new(u64_of(nonce)))
}

/// Key of [`ATTESTATIONS`].
#[must_use]
pub(super) fn attestation_key(
    lane: LaneId,
    count: Count,
    epoch: Epoch,
    signer: Address,
) -> [u8; 68] {
    let mut key = [0; 68];
    key[..32].copy_from_slice(lane.0.as_slice());
    key[32..40].copy_from_slice(&count.get().to_be_bytes());
    key[40..48].copy_from_slice(&epoch.get().to_be_bytes());
    key[48..].copy_from_slice(signer.as_slice());
    key
}

/// The count, epoch and signer of an [`attestation_key`].
#[must_use]
pub(super) fn attestation_of_key(key: &[u8; 68]) -> (Count, Epoch, Address) {
    let count = Count::new(u64_of(&key[32..40]));
    let epoch = Epoch::new(u64_of(&key[40..48]));
    (count, epoch, Address::from_slice(&key[48..]))
}

/// Key of [`DECISIONS`].
#[must_use]
pub(super) fn decision_key(lane: LaneId, at: u64) -> [u8; 40] {
    request_key(lane, Nonce::new(at))
}

/// Key of [`TRANSACTIONS`].
#[must_use]
pub(super) fn transaction_key(account: AccountKey, nonce: u64) -> [u8; 36] {
    let mut key = [0; 36];
    key[..8].copy_from_slice(&account.chain_id.get().to_be_bytes());
    key[8..28].copy_from_slice(account.address.as_slice());
    key[28..].copy_from_slice(&nonce.to_be_bytes());
    key
}

fn u64_of(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(bytes);
    u64::from_be_bytes(word)
}
