//! Tracks submitted batches: in flight, failed, or with no outcome reported yet.
//!
//! Runs in flight have no gaps. Their transactions go out in that order from one account, so none is executed before
//! the one it stands on. The destination's own count decides. A run that fails, or that the destination has half
//! passed, takes those after it along. The lane is then planned anew from that count, and their transactions revert
//! at the first check.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use crate::ids::Count;

/// Runs of a lane in flight at once. A pool promises an account 16 slots of 32 KiB (geth's `AccountSlots`), and
/// the longest batch, of 128 KiB, takes four of them.
pub const RUNS_MAX: usize = 4;

/// Runs without a reported outcome, overtaken ones included. Past this bound nothing is sent: the account is stuck,
/// and more would be stuck behind it.
pub const UNTOLD_MAX: usize = 16;

/// A contiguous run of requests that was submitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Run {
    /// The lane's count before it.
    pub(super) first: Count,
    /// The lane's count after it.
    pub(super) end: Count,
}

/// Where the next run begins, and how it may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Next {
    pub(super) first: Count,
    /// How many runs that began here failed.
    pub(super) attempt: u32,
    /// Others fly before it, so only a full run is worth a transaction of its own. A shorter one grows until they have
    /// landed.
    pub(super) follows: bool,
}

/// A run in flight.
#[derive(Clone, Copy, Debug)]
struct Flying {
    run: Run,
    /// The time when it was first known to be in a block, while the destination has not counted it.
    mined_at: Option<Duration>,
}

/// The runs submitted. None of them is stored. After a restart the same runs are planned from the destination's count,
/// and a known intent is not sent twice.
#[derive(Debug)]
pub(super) struct Flight {
    /// Contiguous, ascending. At most [`RUNS_MAX`].
    flying: VecDeque<Flying>,
    /// At most [`UNTOLD_MAX`].
    untold: BTreeSet<Run>,
    /// How many runs in a row failed that began at this count.
    failed: (Count, u32),
}

impl Flight {
    pub(super) const fn new() -> Self {
        Self { flying: VecDeque::new(), untold: BTreeSet::new(), failed: (Count::new(0), 0) }
    }

    /// Runs in flight.
    pub(super) fn len(&self) -> usize {
        self.flying.len()
    }

    /// From where to where the runs in flight lead.
    pub(super) fn range(&self) -> Option<(Count, Count)> {
        Some((self.flying.front()?.run.first, self.flying.back()?.run.end))
    }

    /// The run to send next where the destination counts `newest`, if there is a place for one.
    pub(super) fn next(&self, newest: Count) -> Option<Next> {
        if self.flying.len() >= RUNS_MAX || self.untold.len() >= UNTOLD_MAX {
            return None;
        }
        let Some((front, end)) = self.range() else {
            let attempt = self.failures(newest);
            return Some(Next { first: newest, attempt, follows: false });
        };
        // A run that failed is tried alone, with nothing before or behind it.
        let alone = self.failures(front) > 0 || self.failures(end) > 0;
        (!alone).then_some(Next { first: end, attempt: 0, follows: true })
    }

    /// Notes a run that is sent.
    pub(super) fn send(&mut self, run: Run) {
        debug_assert!(self.range().is_none_or(|(_, end)| end == run.first), "runs have no gap");
        self.flying.push_back(Flying { run, mined_at: None });
        self.untold.insert(run);
    }

    /// Takes in how far the destination has come.
    pub(super) fn on_counted(&mut self, newest: Count) {
        while self.flying.front().is_some_and(|flying| flying.run.end <= newest) {
            self.flying.pop_front();
        }
        if self.flying.front().is_some_and(|flying| flying.run.first < newest) {
            // Another relayer has cut its batch elsewhere: nothing of ours begins at the destination's count.
            self.flying.clear();
        }
    }

    /// Takes in how a run ended. If it fell, with those behind it: how many had failed there before.
    pub(super) fn on_told(&mut self, run: Run, accepted: bool, now: Duration) -> Option<u32> {
        self.untold.remove(&run);
        let at = self.flying.iter().position(|flying| flying.run == run)?;
        if accepted {
            // It stays until the destination is seen to count it: what is planned before that stands on it.
            self.flying[at].mined_at.get_or_insert(now);
            return None;
        }
        Some(self.fail_from(at))
    }

    /// When the first run should be counted at the latest, if it is in a block.
    pub(super) fn overdue_at(&self, patience: Duration) -> Option<Duration> {
        Some(self.flying.front()?.mined_at? + patience)
    }

    /// Gives up what is in a block that the destination does not count: a reorganisation took it.
    pub(super) fn give_up_overdue(&mut self, now: Duration, patience: Duration) -> Option<u32> {
        (self.overdue_at(patience)? <= now).then(|| self.fail_from(0))
    }

    fn fail_from(&mut self, at: usize) -> u32 {
        let first = self.flying[at].run.first;
        self.flying.truncate(at);
        let before = self.failures(first);
        self.failed = (first, before.saturating_add(1));
        before
    }

    fn failures(&self, first: Count) -> u32 {
        if self.failed.0 == first { self.failed.1 } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(100);
    const PATIENCE: Duration = Duration::from_secs(3);

    fn run(first: u64, end: u64) -> Run {
        Run { first: Count::new(first), end: Count::new(end) }
    }

    fn flight(runs: &[Run]) -> Flight {
        let mut flight = Flight::new();
        for run in runs {
            flight.send(*run);
        }
        flight
    }

    fn next(flight: &Flight, newest: u64) -> Option<(u64, u32, bool)> {
        let next = flight.next(Count::new(newest))?;
        Some((next.first.get(), next.attempt, next.follows))
    }

    #[test]
    fn a_run_follows_the_last_one_until_the_sky_is_full() {
        let mut flight = flight(&[run(0, 10), run(10, 20), run(20, 30)]);
        assert_eq!(next(&flight, 0), Some((30, 0, true)));
        flight.send(run(30, 40));
        assert_eq!(next(&flight, 0), None);
        flight.on_counted(Count::new(20));
        assert_eq!(next(&flight, 20), Some((40, 0, true)));
    }

    #[test]
    fn a_run_that_fails_takes_those_behind_it_along_and_is_tried_alone() {
        let mut flight = flight(&[run(0, 10), run(10, 20), run(20, 30)]);
        assert_eq!(flight.on_told(run(10, 20), false, NOW), Some(0));
        assert_eq!(flight.range(), Some((Count::new(0), Count::new(10))));
        assert_eq!(next(&flight, 0), None, "nothing goes behind the first one");
        assert_eq!(flight.on_told(run(20, 30), false, NOW), None, "it fell before");
        flight.on_counted(Count::new(10));
        assert_eq!(next(&flight, 10), Some((10, 1, false)));
        flight.send(run(10, 15));
        assert_eq!(next(&flight, 10), None, "nothing goes behind it");
        assert_eq!(flight.on_told(run(10, 15), false, NOW), Some(1));
        assert_eq!(next(&flight, 10), Some((10, 2, false)));
    }

    #[test]
    fn what_another_relayer_overtook_is_planned_anew_from_the_destinations_count() {
        let mut flight = flight(&[run(0, 10), run(10, 20)]);
        flight.on_counted(Count::new(13));
        assert_eq!(next(&flight, 13), Some((13, 0, false)));
    }

    #[test]
    fn a_mined_run_flies_until_it_is_counted_or_overdue() {
        let mut flight = flight(&[run(0, 10), run(10, 20)]);
        assert_eq!(flight.on_told(run(0, 10), true, NOW), None);
        assert_eq!(next(&flight, 0), Some((20, 0, true)), "it is not sent again");
        assert_eq!(flight.give_up_overdue(NOW + PATIENCE / 2, PATIENCE), None);
        assert_eq!(flight.give_up_overdue(NOW + PATIENCE, PATIENCE), Some(0));
        assert_eq!(next(&flight, 0), Some((0, 1, false)));
    }

    #[test]
    fn a_stuck_account_is_sent_no_more() {
        let mut flight = Flight::new();
        for n in 0..UNTOLD_MAX as u64 {
            assert!(next(&flight, n).is_some());
            flight.send(run(n, n + 1));
            flight.on_counted(Count::new(n + 1));
        }
        assert_eq!(next(&flight, UNTOLD_MAX as u64), None);
        assert_eq!(flight.on_told(run(3, 4), false, NOW), None);
        assert!(next(&flight, UNTOLD_MAX as u64).is_some());
    }
}
