//! An account's memory: every account nonce it still cares about, and what is due for each.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::intent::IntentId;
use super::stored::StoredTransaction;
use super::view::PendingView;

/// Heads after which bytes that are not in a block are broadcast again, and the least time that takes.
const RESEND_HEADS: u32 = 2;
const RESEND_MIN: Duration = Duration::from_secs(2);
/// Least time between two broadcasts after a node or the way to it failed, or asked for a higher fee.
const RETRY_MIN: Duration = Duration::from_secs(1);
/// Least time between two looks that count as looks in a row without a receipt.
const MISSING_MIN: Duration = Duration::from_secs(1);
/// Most signed transactions with one account nonce. The last one stays in the pool.
pub(super) const SIBLINGS_MAX: usize = 16;

/// One account nonce.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) stored: StoredTransaction,
    /// A broadcast is under way.
    pub(super) sending: bool,
    /// When the newest bytes were last broadcast.
    pub(super) sent_at: Option<Instant>,
    /// How often anything was broadcast.
    pub(super) broadcasts: usize,
    /// When the newest sibling was made.
    pub(super) priced_at: Instant,
    pub(super) heads_since_sent: u32,
    /// The pool wants a higher fee.
    pub(super) raise: bool,
    /// The account could not pay for the newest bytes.
    pub(super) unaffordable: bool,
    /// No replacement before: the last one that was due had no room within the cap, or no point.
    pub(super) no_raise_until: Option<Instant>,
    /// The last broadcast failed on its way.
    pub(super) retry: bool,
    /// The node said that the account nonce is used up.
    pub(super) suspect: bool,
    /// Looks in a row at which the account nonce was used up and no sibling had a receipt.
    pub(super) missing: u32,
    missed_at: Option<Instant>,
    pub(super) waits_for: Option<String>,
}

/// The next step for a pending transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    Nothing,
    Send,
    Raise,
}

impl Slot {
    pub(super) fn new(stored: StoredTransaction, now: Instant) -> Self {
        Self {
            stored,
            sending: false,
            sent_at: None,
            broadcasts: 0,
            priced_at: now,
            heads_since_sent: 0,
            raise: false,
            unaffordable: false,
            no_raise_until: None,
            retry: false,
            suspect: false,
            missing: 0,
            missed_at: None,
            waits_for: None,
        }
    }

    pub(super) fn due(&self, now: Instant, bump_after: Duration) -> Due {
        if !self.stored.is_pending() || self.sending {
            return Due::Nothing;
        }
        let Some(sent_at) = self.sent_at else { return Due::Send };
        let waited = now.saturating_duration_since(sent_at);
        let wants_raise = self.raise || now.saturating_duration_since(self.priced_at) >= bump_after;
        let may_raise = self.stored.siblings.len() < SIBLINGS_MAX
            && self.no_raise_until.is_none_or(|until| now >= until);
        if wants_raise && may_raise && waited >= RETRY_MIN {
            return Due::Raise;
        }
        let resend = (self.heads_since_sent >= RESEND_HEADS && waited >= RESEND_MIN)
            || (self.retry && waited >= RETRY_MIN)
            || waited >= bump_after;
        if resend { Due::Send } else { Due::Nothing }
    }

    /// Notes whether an account nonce that is used up has a receipt of ours.
    pub(super) fn note_receipt(&mut self, found: bool, now: Instant) {
        if found {
            self.missing = 0;
        } else if self.missed_at.is_none_or(|at| now.saturating_duration_since(at) >= MISSING_MIN) {
            self.missing = self.missing.saturating_add(1);
            self.missed_at = Some(now);
        }
    }

    fn view(&self) -> PendingView {
        let intent = self.stored.intent.as_ref();
        PendingView {
            nonce: self.stored.nonce,
            id: intent.map(|intent| intent.id),
            label: intent.map_or_else(|| "fills a gap".to_owned(), |intent| intent.label.clone()),
            transaction: self.stored.newest().map(|sibling| sibling.hash),
            fees: self.stored.newest().map(|sibling| sibling.fees),
            siblings: self.stored.siblings.len(),
            created_at: self.stored.created_at,
            waits_for: self.waits_for.clone(),
        }
    }
}

/// All slots, by account nonce. Bounded: pending ones by the account's intake, others by pruning.
#[derive(Debug, Default)]
pub(super) struct Book {
    slots: BTreeMap<u64, Slot>,
    ids: BTreeMap<IntentId, u64>,
}

impl Book {
    pub(super) fn insert(&mut self, slot: Slot) {
        let nonce = slot.stored.nonce.get();
        if let Some(intent) = &slot.stored.intent {
            self.ids.insert(intent.id, nonce);
        }
        self.slots.insert(nonce, slot);
    }

    pub(super) fn remove(&mut self, nonce: u64) {
        let Some(slot) = self.slots.remove(&nonce) else { return };
        let Some(intent) = slot.stored.intent else { return };
        if self.ids.get(&intent.id) == Some(&nonce) {
            self.ids.remove(&intent.id);
        }
    }

    pub(super) fn get(&self, nonce: u64) -> Option<&Slot> {
        self.slots.get(&nonce)
    }

    pub(super) fn get_mut(&mut self, nonce: u64) -> Option<&mut Slot> {
        self.slots.get_mut(&nonce)
    }

    pub(super) fn by_id(&self, id: IntentId) -> Option<&Slot> {
        self.slots.get(self.ids.get(&id)?)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &Slot)> {
        self.slots.iter().map(|(nonce, slot)| (*nonce, slot))
    }

    /// The account nonces of the slots that `which` holds for, ascending.
    pub(super) fn nonces(&self, which: impl Fn(&Slot) -> bool) -> Vec<u64> {
        self.iter().filter(|(_, slot)| which(slot)).map(|(nonce, _)| nonce).collect()
    }

    pub(super) fn pending(&self) -> impl Iterator<Item = (u64, &Slot)> {
        self.iter().filter(|(_, slot)| slot.stored.is_pending())
    }

    pub(super) fn count_head(&mut self) {
        for slot in self.slots.values_mut() {
            slot.heads_since_sent = slot.heads_since_sent.saturating_add(1);
        }
    }

    pub(super) fn views(&self) -> Vec<PendingView> {
        self.pending().map(|(_, slot)| slot.view()).collect()
    }
}
