//! The decisions of the lane state machine after each input.

use std::time::Duration;

use super::flight::{Next, Run};
use super::{LaneMachine, Ready};
use crate::attest::is_attestable;
use crate::batch::{Batch, cut};
use crate::checkpoint::Checkpoint;
use crate::ids::{Count, Nonce};
use crate::io::{Action, Alarm, Output, Record};
use crate::lane_head::LanePosition;
use crate::schedule::{before, rank, wait_after, wait_for};
use crate::status::Hold;

impl LaneMachine {
    /// Opens the checkpoints linked since the last call, so that attestations of them count.
    pub(super) fn open_checkpoints(&mut self) {
        let start = self.window_index(self.opened.max(self.newest.count).next_nonce());
        let Some(collector) = &mut self.collector else { return };
        for request in self.window.iter().skip(start) {
            if !is_attestable(request.after.count, request.ends_block) {
                continue;
            }
            let me = self.params.me;
            for member in collector.open(request.after).into_iter().filter(|m| *m != me) {
                let count = request.after.count;
                self.outputs.push_back(Output::Act(Action::Alarm(Alarm::PeerContradicts {
                    member,
                    count,
                })));
            }
        }
        self.opened = self.linked.count;
    }

    /// Asks for a signature of every attestable checkpoint that the destination has not passed.
    pub(super) fn attest(&mut self) {
        let floor = match self.hold() {
            None => self.newest.count,
            Some(Hold::Reorganised { up_to }) => self.newest.count.max(up_to),
            Some(_) => return,
        };
        let Some(collector) = &self.collector else { return };
        let (lane, epoch) = (self.params.lane, collector.set().epoch());
        let start = self.window_index(floor.max(self.considered).next_nonce());
        for request in self.window.iter().skip(start) {
            let position = request.after;
            if !is_attestable(position.count, request.ends_block) {
                continue;
            }
            let before = self.attested.get(&position.count).map(|a| a.checkpoint.position);
            match before.or_else(|| self.signing.get(&position.count).copied()) {
                None => {
                    self.signing.insert(position.count, position);
                    self.outputs.push_back(Output::Sign(Checkpoint { lane, epoch, position }));
                }
                Some(before) if before == position => {}
                Some(before) => {
                    self.enter_conflict(before.count, before, position);
                    return;
                }
            }
        }
        self.considered = self.linked.count;
    }

    /// Whether nothing may be attested at `count` now.
    pub(super) fn abstains_at(&self, count: Count) -> bool {
        match self.hold() {
            None => false,
            Some(Hold::Reorganised { up_to }) => count <= up_to,
            Some(_) => true,
        }
    }

    /// Starts and stops the two clocks: since when a batch could go, since when none can.
    pub(super) fn watch_progress(&mut self, now: Duration) {
        let after = self.newest.count;
        let certified = self.collector.as_ref().is_some_and(|c| c.first_certified(after).is_some());
        let attested = self.attested.range(after.plus(1)..).next().is_some();
        let ready = self.ready.unwrap_or(Ready { since: now, term: self.term });
        self.ready = certified.then_some(ready);
        self.stalled_since = (attested && !certified).then(|| self.stalled_since.unwrap_or(now));
    }

    /// When this relayer may submit, if there is something to submit.
    pub(super) fn submit_at(&self) -> Option<Duration> {
        if self.paused || self.diverged {
            return None;
        }
        let next = self.flight.next(self.newest.count)?;
        let collector = self.collector.as_ref()?;
        let certified = collector.first_certified(next.first)?;
        let ready = self.ready?;
        let term = ready.term.or(self.term)?;
        let before = before(self.lane_id, collector.set(), &term, self.params.me);
        let has_signed = |member| collector.has_signed(certified, member);
        let turn = wait_after(&before, has_signed, self.params.takeover);
        Some((ready.since + turn).max(self.retry_at))
    }

    /// Sends what is certified, in as many batches as may fly at once.
    pub(super) fn submit(&mut self, now: Duration) {
        while self.submit_at().is_some_and(|at| at <= now) {
            let Some(next) = self.flight.next(self.newest.count) else { return };
            let Some(batch) = self.next_batch(next) else { return };
            self.flight.send(Run { first: next.first, end: batch.end() });
            self.act(Action::Submit { batch, attempt: next.attempt });
        }
    }

    fn next_batch(&self, next: Next) -> Option<Batch> {
        let collector = self.collector.as_ref()?;
        let start = self.window_index(next.first.next_nonce());
        // The last attempt may have failed by its length. A smaller batch has more gas for each request.
        let room = self.params.batch_max.checked_shr(next.attempt).unwrap_or(0).max(1);
        let (fitting, full) = self.fitting(start, room);
        let cut = cut(collector, next.first, fitting)?;
        if next.follows && !(full && cut.end == next.first.plus(fitting)) {
            return None;
        }
        let taken = usize::try_from(cut.end.since(next.first)).ok()?;
        let rest = usize::try_from(cut.certified.since(cut.end)).ok()?;
        let run = self.window.iter().skip(start);
        let requests: Vec<_> =
            run.clone().take(taken).map(|linked| linked.sourced.request.clone()).collect();
        let tail: Vec<_> = run.skip(taken).take(rest).map(|linked| linked.hash).collect();
        let begins = requests.first()?.nonce == next.first.next_nonce();
        let whole = requests.len() == taken && tail.len() == rest;
        let certificate = collector.certificate(cut.certified)?;
        (begins && whole).then_some(Batch { requests, tail, certificate })
    }

    /// The number of requests from `start` on that fit into a batch with room for `room` ordinary ones: at least one.
    /// Also whether they fill it.
    fn fitting(&self, start: usize, room: u64) -> (u64, bool) {
        let mut left = room;
        let mut fitting = 0;
        for linked in self.window.iter().skip(start) {
            let Some(rest) = left.checked_sub(linked.sourced.request.weight()) else {
                return (fitting.max(1), true);
            };
            (left, fitting) = (rest, fitting + 1);
        }
        (fitting.max(1), left == 0)
    }

    /// When to post an attestation on chain, if peers leave it without a certificate.
    pub(super) fn post_at(&self) -> Option<Duration> {
        if self.paused || self.diverged {
            return None;
        }
        let since = self.stalled_since?;
        self.to_post()?;
        let turn = wait_for(self.rank()?, self.params.takeover);
        Some(since + self.params.cosign_timeout + turn)
    }

    pub(super) fn post_attestation(&mut self, now: Duration) {
        if self.post_at().is_none_or(|at| now < at) {
            return;
        }
        let Some(count) = self.to_post() else { return };
        let Some(attestation) = self.attested.get(&count).copied() else { return };
        let tries = self.posted.entry(count).or_insert(0);
        let attempt = *tries;
        *tries += 1;
        self.recorded.entry(count).or_default().insert(self.params.me);
        self.stalled_since = Some(now);
        self.act(Action::PostAttestation { attestation, attempt });
    }

    /// The checkpoint to post: the one that most others have posted, so that relayers meet at one
    /// count; otherwise the furthest.
    fn to_post(&self) -> Option<Count> {
        let open = |count: &Count| {
            *count > self.newest.count
                && self.attested.contains_key(count)
                && !self.recorded.get(count).is_some_and(|by| by.contains(&self.params.me))
        };
        let joined = self.recorded.iter().filter(|(count, by)| !by.is_empty() && open(count));
        joined
            .max_by_key(|(count, by)| (by.len(), **count))
            .map(|(count, _)| *count)
            .or_else(|| self.attested.keys().next_back().copied().filter(open))
    }

    /// The rank of this relayer in the term of the newest final source block.
    pub(super) fn rank(&self) -> Option<u32> {
        let set = self.collector.as_ref()?.set();
        Some(rank(self.lane_id, set, &self.term?, self.params.me))
    }

    /// Halts if the destination holds a history that is not the one linked here.
    pub(super) fn compare_destination(&mut self) {
        for destination in [self.settled, self.newest] {
            let linked = self.position_at(destination.count);
            let Some(linked) = linked.filter(|linked| *linked != destination) else { continue };
            if !self.diverged {
                self.diverged = true;
                let alarm = Alarm::DestinationDiverged { linked, destination };
                self.act(Action::Alarm(alarm));
            }
            return;
        }
        self.diverged = false;
    }

    /// The lane at `count` as linked here; unknown outside the window.
    pub(super) fn position_at(&self, count: Count) -> Option<LanePosition> {
        if count == self.base.count {
            return Some(self.base);
        }
        let index = count.since(self.base.count.plus(1));
        (count > self.base.count)
            .then(|| self.window.get(usize::try_from(index).ok()?))
            .flatten()
            .map(|request| request.after)
    }

    /// The place of `nonce` in the window; 0 before it.
    fn window_index(&self, nonce: Nonce) -> usize {
        let index = nonce.get().saturating_sub(self.base.count.get());
        usize::try_from(index).unwrap_or(usize::MAX)
    }

    /// Lets go of what the destination has settled for good.
    pub(super) fn trim(&mut self) {
        let settled = self.settled.count;
        while self.window.front().is_some_and(|first| first.after.count <= settled) {
            let Some(first) = self.window.pop_front() else { break };
            self.base = first.after;
        }
        let next = settled.plus(1);
        self.attested = self.attested.split_off(&next);
        self.signing = self.signing.split_off(&next);
        self.recorded = self.recorded.split_off(&next);
        self.posted = self.posted.split_off(&next);
        if let Some(collector) = &mut self.collector {
            collector.forget_up_to(settled);
        }
    }

    pub(super) fn record(&mut self, record: Record) {
        self.outputs.push_back(Output::Record(record));
    }

    pub(super) fn act(&mut self, action: Action) {
        self.outputs.push_back(Output::Act(action));
    }
}
