//! Collects attestations until a checkpoint has a certificate.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256};

use crate::attest::Verified;
use crate::checkpoint::Checkpoint;
use crate::ids::{Count, Lane};
use crate::key::Signature;
use crate::lane_head::LanePosition;
use crate::relayer_set::RelayerSet;

/// Checkpoints held for one member beyond what is linked here. A member that signs further ahead is
/// dropped to its lowest ones; it sends the others again when they are due.
pub const AHEAD_MAX: usize = 256;

/// At least `threshold` attestations of one checkpoint by distinct members of one epoch.
///
/// Can only be built by [`Collector::certificate`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    checkpoint: Checkpoint,
    signatures: Vec<(Address, Signature)>,
}

impl Certificate {
    /// The checkpoint.
    #[must_use]
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Exactly `threshold` signatures, by strictly ascending signer.
    #[must_use]
    pub fn signatures(&self) -> &[(Address, Signature)] {
        &self.signatures
    }
}

/// How an attestation was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Collected {
    /// It counts.
    Added,
    /// It was known.
    Known,
    /// It counts once this relayer has linked that far itself.
    Ahead,
    /// The member signed another head than this relayer linked at that count.
    Contradicts {
        /// The head linked here.
        linked: B256,
    },
    /// The count is no checkpoint that honest relayers sign, or is already handed over.
    Useless,
}

/// The attestations of one lane and epoch that still matter: those above the destination's count.
#[derive(Clone, Debug)]
pub struct Collector {
    lane: Lane,
    set: RelayerSet,
    /// Attestations that agree with the linked history.
    agreed: BTreeMap<Count, Agreed>,
    /// The counts among them that have a certificate.
    certified: BTreeSet<Count>,
    /// By member: attestations above the linked count. At most [`AHEAD_MAX`] each.
    ahead: BTreeMap<Address, BTreeMap<Count, (B256, Signature)>>,
}

#[derive(Clone, Debug)]
struct Agreed {
    head: B256,
    signatures: BTreeMap<Address, Signature>,
}

impl Collector {
    /// An empty collector for the relayer set of `lane`'s destination.
    #[must_use]
    pub const fn new(lane: Lane, set: RelayerSet) -> Self {
        Self {
            lane,
            set,
            agreed: BTreeMap::new(),
            certified: BTreeSet::new(),
            ahead: BTreeMap::new(),
        }
    }

    /// The collector of `set`. Attestations count on within their epoch, if their signer is still a
    /// member; those of another epoch never do.
    #[must_use]
    pub fn rebased(self, set: RelayerSet) -> Self {
        let mut rebased = Self::new(self.lane, set);
        if rebased.set.epoch() != self.set.epoch() {
            return rebased;
        }
        rebased.ahead = self.ahead;
        rebased.ahead.retain(|member, _| rebased.set.contains(*member));
        rebased.agreed = self.agreed;
        for (count, agreed) in &mut rebased.agreed {
            agreed.signatures.retain(|member, _| rebased.set.contains(*member));
            if agreed.signatures.len() >= usize::from(rebased.set.threshold()) {
                rebased.certified.insert(*count);
            }
        }
        rebased
    }

    /// The relayer set that attestations are counted for.
    #[must_use]
    pub const fn set(&self) -> &RelayerSet {
        &self.set
    }

    /// Opens a checkpoint that was linked here, and counts what members signed of it ahead of time.
    pub fn open(&mut self, position: LanePosition) -> Vec<Address> {
        let agreed = self
            .agreed
            .entry(position.count)
            .or_insert_with(|| Agreed { head: position.head, signatures: BTreeMap::new() });
        let mut contradicting = Vec::new();
        for (member, held) in &mut self.ahead {
            match held.remove(&position.count) {
                Some((head, signature)) if head == agreed.head => {
                    agreed.signatures.insert(*member, signature);
                }
                Some(_) => contradicting.push(*member),
                None => {}
            }
        }
        if agreed.signatures.len() >= usize::from(self.set.threshold()) {
            self.certified.insert(position.count);
        }
        contradicting
    }

    /// Counts an attestation of the current epoch by a member. `linked`: how far this relayer is.
    pub fn collect(&mut self, attestation: &Verified, linked: Count) -> Collected {
        let attestation = attestation.get();
        let count = attestation.checkpoint.count();
        let head = attestation.checkpoint.position.head;
        if let Some(agreed) = self.agreed.get_mut(&count) {
            if agreed.head != head {
                return Collected::Contradicts { linked: agreed.head };
            }
            if agreed.signatures.insert(attestation.signer, attestation.signature).is_some() {
                return Collected::Known;
            }
            if agreed.signatures.len() >= usize::from(self.set.threshold()) {
                self.certified.insert(count);
            }
            return Collected::Added;
        }
        if count <= linked {
            return Collected::Useless;
        }
        let held = self.ahead.entry(attestation.signer).or_default();
        if held.insert(count, (head, attestation.signature)).is_some() {
            return Collected::Known;
        }
        if held.len() > AHEAD_MAX {
            held.pop_last();
        }
        Collected::Ahead
    }

    /// Whether this member's attestation of that count is held already: no need to verify it again.
    #[must_use]
    pub fn holds(&self, signer: Address, count: Count) -> bool {
        let agreed = self.agreed.get(&count);
        agreed.is_some_and(|agreed| agreed.signatures.contains_key(&signer))
            || self.ahead.get(&signer).is_some_and(|held| held.contains_key(&count))
    }

    /// Forgets everything up to `count`: it is handed over for good.
    pub fn forget_up_to(&mut self, count: Count) {
        self.agreed = self.agreed.split_off(&count.plus(1));
        self.certified = self.certified.split_off(&count.plus(1));
        for held in self.ahead.values_mut() {
            *held = held.split_off(&count.plus(1));
        }
    }

    /// The certificate of the checkpoint at `count`, if it is complete.
    #[must_use]
    pub fn certificate(&self, count: Count) -> Option<Certificate> {
        let agreed = self.agreed.get(&count)?;
        let threshold = usize::from(self.set.threshold());
        if agreed.signatures.len() < threshold {
            return None;
        }
        let signatures = agreed.signatures.iter().take(threshold).map(|(a, s)| (*a, *s)).collect();
        let position = LanePosition { count, head: agreed.head };
        let checkpoint = Checkpoint { lane: self.lane, epoch: self.set.epoch(), position };
        Some(Certificate { checkpoint, signatures })
    }

    /// The lowest count above `after` that has a certificate.
    #[must_use]
    pub fn first_certified(&self, after: Count) -> Option<Count> {
        self.certified.range(after.plus(1)..).next().copied()
    }

    /// Whether `member` has signed the checkpoint at `count`, or any after it.
    #[must_use]
    pub fn has_signed(&self, count: Count, member: Address) -> bool {
        let agreed = self.agreed.range(count..);
        let ahead = self.ahead.get(&member).and_then(|all| all.range(count..).next());
        ahead.is_some() || agreed.into_iter().any(|(_, it)| it.signatures.contains_key(&member))
    }

    /// The highest count above `after` and not above `limit` that has a certificate.
    #[must_use]
    pub fn last_certified_within(&self, after: Count, limit: Count) -> Option<Count> {
        if limit <= after {
            return None;
        }
        self.certified.range(after.plus(1)..=limit).next_back().copied()
    }

    /// The highest count that has a certificate.
    #[must_use]
    pub fn last_certified(&self) -> Option<Count> {
        self.certified.last().copied()
    }

    /// Who has attested the checkpoint at `count`, as far as known here.
    #[must_use]
    pub fn signers(&self, count: Count) -> Vec<Address> {
        self.agreed
            .get(&count)
            .map(|agreed| agreed.signatures.keys().copied().collect())
            .unwrap_or_default()
    }
}
