//! Takes inputs into the lane state machine.

use std::time::Duration;

use super::LaneMachine;
use super::flight::Run;
use crate::attest::{Attestation, Verified};
use crate::certify::{Collected, Collector};
use crate::ids::{BlockRef, Count};
use crate::io::{Action, Alarm, Conflict, Purpose, Record};
use crate::lane_head::{LanePosition, Linked};
use crate::relayer_set::RelayerSet;
use crate::schedule::Term;

/// Longest pause between two attempts of this relayer to submit the same run.
const BACKOFF_MAX: Duration = Duration::from_secs(60);

/// A peer's attestation further ahead of the linked count than this is dropped unread.
const AHEAD_COUNTS_MAX: u64 = 1 << 20;

impl LaneMachine {
    pub(super) fn on_requests_observed(&mut self, linked: Linked, to: BlockRef, term: Term) {
        // A read made before a reorganisation was noticed no longer fits.
        if linked.from() != self.linked || to.number < self.linked_block {
            return;
        }
        if self.window.is_empty() {
            self.base = linked.from();
        }
        self.linked = linked.to();
        self.window.extend(linked.into_requests());
        self.linked_block = to.number;
        self.term = Some(term);
        self.open_checkpoints();
        self.compare_destination();
        self.trim();
    }

    pub(super) fn on_destination_advanced(
        &mut self,
        now: Duration,
        newest: LanePosition,
        settled: LanePosition,
        paused: bool,
    ) {
        if newest.count > self.newest.count {
            // Someone made progress: every rank starts waiting again, and no attempt has failed.
            self.ready = None;
            self.stalled_since = None;
            self.retry_at = now;
        }
        self.newest = newest;
        self.settled = settled;
        self.paused = paused;
        self.flight.on_counted(newest.count);
        self.compare_destination();
        self.trim();
        if self.conflict.is_some_and(|c| c.highest_attested <= settled.count) && !self.diverged {
            // The destination passed it on the history that we see: the old signature is void.
            self.leave_conflict();
        }
    }

    pub(super) fn on_relayer_set(&mut self, set: RelayerSet) {
        if self.collector.as_ref().is_some_and(|collector| *collector.set() == set) {
            return;
        }
        let epoch = set.epoch();
        let known = self.collector.take();
        if known.as_ref().is_none_or(|known| known.set().epoch() != epoch) {
            // Attestations of another epoch no longer count, our own among them: sign again.
            self.attested.retain(|_, attestation| attestation.checkpoint.epoch == epoch);
            self.recorded.clear();
            self.posted.clear();
            self.signing.clear();
            self.opened = Count::new(0);
            self.considered = Count::new(0);
        }
        let mut collector = match known {
            Some(known) => known.rebased(set),
            None => Collector::new(self.params.lane, set),
        };
        for attestation in std::mem::take(&mut self.unsorted) {
            let at = attestation.get();
            if at.checkpoint.epoch == epoch && collector.set().contains(at.signer) {
                if let Some(position) = self.position_at(at.checkpoint.count()) {
                    collector.open(position);
                }
                collector.collect(&attestation, self.linked.count);
            }
        }
        self.collector = Some(collector);
        self.open_checkpoints();
        // Peers drop what they know already; after a restart they may know nothing.
        let own: Vec<Attestation> = self.own_attestations().copied().collect();
        if !own.is_empty() {
            self.act(Action::Exchange(own));
        }
    }

    pub(super) fn on_peer_attested(&mut self, attestation: &Attestation, recorded: bool) {
        let count = attestation.checkpoint.count();
        let Some(collector) = &mut self.collector else { return };
        let relevant = attestation.checkpoint.lane == self.params.lane
            && attestation.checkpoint.epoch == collector.set().epoch()
            && collector.set().contains(attestation.signer)
            && count > self.newest.count
            && count.since(self.linked.count) <= AHEAD_COUNTS_MAX;
        if !relevant {
            return;
        }
        // Cheap checks first: a signature is verified once, and only if it can matter.
        let known = collector.holds(attestation.signer, count);
        if known && !recorded {
            return;
        }
        let Ok(verified) = attestation.verify() else { return };
        if recorded {
            self.recorded.entry(count).or_default().insert(attestation.signer);
        }
        if attestation.signer == self.params.me {
            self.on_own_attestation_returned(&verified);
        }
        let Some(collector) = &mut self.collector else { return };
        match collector.collect(&verified, self.linked.count) {
            Collected::Added | Collected::Ahead => self.record(Record::Attestation(*attestation)),
            Collected::Known | Collected::Useless => {}
            Collected::Contradicts { .. } => {
                let member = attestation.signer;
                self.record(Record::Attestation(*attestation));
                self.act(Action::Alarm(Alarm::PeerContradicts { member, count }));
            }
        }
    }

    /// Peers and the chain remember what this relayer signed before it lost its store.
    pub(super) fn on_own_attestation_returned(&mut self, attestation: &Verified) {
        let attestation = attestation.get();
        let position = attestation.checkpoint.position;
        self.attested.entry(position.count).or_insert(*attestation);
        let linked = self.position_at(position.count);
        if linked.is_some_and(|linked| linked != position) {
            self.enter_conflict(position.count, position, linked.unwrap_or(position));
        }
    }

    /// Abstains at every count up to `highest`: a head attested there is not on the chain.
    pub(super) fn enter_conflict(
        &mut self,
        highest: Count,
        linked: LanePosition,
        contract: LanePosition,
    ) {
        let Some(epoch) = self.collector.as_ref().map(|c| c.set().epoch()) else { return };
        // Everything above it was signed on the same lost history.
        let last = self.attested.last_key_value().map_or(highest, |(count, _)| *count);
        let earlier = self.conflict.map_or(highest, |conflict| conflict.highest_attested);
        let highest_attested = earlier.max(highest).max(last);
        let conflict = Conflict { epoch, highest_attested, linked, contract };
        if self.conflict == Some(conflict) {
            return;
        }
        self.conflict = Some(conflict);
        self.record(Record::Conflict(Some(conflict)));
        self.act(Action::Alarm(Alarm::Conflict(conflict)));
    }

    fn leave_conflict(&mut self) {
        if self.conflict.take().is_some() {
            self.considered = Count::new(0);
            self.record(Record::Conflict(None));
        }
    }

    pub(super) fn on_signed(&mut self, attestation: Verified) {
        let signed = *attestation.get();
        let epoch = self.collector.as_ref().map(|collector| collector.set().epoch());
        if epoch != Some(signed.checkpoint.epoch) || signed.signer != self.params.me {
            return;
        }
        // A signature that was long on its way may be of a history that is gone: nobody lets it out.
        let position = signed.checkpoint.position;
        if self.signing.get(&position.count) != Some(&position) {
            return;
        }
        if self.abstains_at(position.count) {
            // A head that still holds then is signed again.
            self.signing.remove(&position.count);
            self.considered = Count::new(0);
            return;
        }
        self.record(Record::Attestation(signed));
        self.signing.remove(&signed.checkpoint.count());
        self.attested.insert(signed.checkpoint.count(), signed);
        let linked = self.linked.count;
        if let Some(collector) = &mut self.collector {
            collector.collect(&attestation, linked);
        }
        self.act(Action::Exchange(vec![signed]));
    }

    pub(super) fn on_transaction_resolved(
        &mut self,
        now: Duration,
        purpose: Purpose,
        accepted: bool,
    ) {
        match purpose {
            Purpose::Deliver { first, end } => {
                if let Some(failed) = self.flight.on_told(Run { first, end }, accepted, now) {
                    self.back_off(now, failed);
                }
            }
            Purpose::Attest { count } => {
                if !accepted {
                    // Try again after the next wait.
                    self.recorded.entry(count).or_default().remove(&self.params.me);
                }
            }
        }
    }

    /// Plans anew what is in a block that the destination does not count.
    pub(super) fn give_up_overdue(&mut self, now: Duration) {
        if let Some(failed) = self.flight.give_up_overdue(now, self.params.takeover) {
            self.back_off(now, failed);
        }
    }

    /// Waits before the next attempt, the longer the more of them failed.
    fn back_off(&mut self, now: Duration, failed: u32) {
        self.retry_at = now + Duration::from_secs(1_u64 << failed.min(6)).min(BACKOFF_MAX);
    }

    pub(super) fn on_resumed(&mut self) {
        // Attestations of the lost history no longer bind: a human has decided so.
        let (linked, base) = (self.linked, self.base);
        if let Some(conflict) = self.conflict {
            let stale: Vec<Count> = self
                .attested
                .range(..=conflict.highest_attested)
                .filter(|(count, attestation)| {
                    let here = self.position_at(**count);
                    here.is_some_and(|here| here != attestation.checkpoint.position)
                        || (here.is_none() && **count > linked.count.max(base.count))
                })
                .map(|(count, _)| *count)
                .collect();
            let voided: Vec<Attestation> =
                stale.iter().filter_map(|count| self.attested.remove(count)).collect();
            if !voided.is_empty() {
                self.record(Record::Voided(voided));
            }
        }
        self.leave_conflict();
    }
}
