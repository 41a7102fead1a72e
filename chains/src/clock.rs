//! The time of day, given rather than taken: a simulation sets it, and a paused runtime pauses it.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use crate::backoff::Backoff;

/// Tells Unix time, and gives each waiter the seed of its own chance. Cheap to clone; clones tell the same time and
/// never give the same seed.
///
/// Spans of time are measured with [`tokio::time::Instant`], which a paused runtime moves.
#[derive(Clone, Debug)]
pub struct Clock {
    source: Source,
    seeds: Arc<AtomicU64>,
}

#[derive(Clone, Copy, Debug)]
enum Source {
    /// The machine's clock, asked each time: its operator may set it.
    System,
    /// It was `unix` at `since`, and passes as the runtime's time does.
    Runtime { unix: Duration, since: Instant },
}

impl Clock {
    /// The machine's own clock. Its seeds differ from process to process.
    #[must_use]
    pub fn system() -> Self {
        Self::new(Source::System, RandomState::new().hash_one(()))
    }

    /// A clock that shows `unix` now and goes on with tokio's time. The same start gives the same seeds, in the order
    /// in which they are asked for: whatever takes part in one simulation shares one clock.
    #[must_use]
    pub fn fixed_start(unix: Duration) -> Self {
        Self::new(Source::Runtime { unix, since: Instant::now() }, unix.as_secs())
    }

    fn new(source: Source, seed: u64) -> Self {
        Self { source, seeds: Arc::new(AtomicU64::new(seed)) }
    }

    /// Unix time; zero on a machine whose clock stands before 1970.
    #[must_use]
    pub fn unix(&self) -> Duration {
        match self.source {
            Source::System => system_time(),
            Source::Runtime { unix, since } => unix.saturating_add(since.elapsed()),
        }
    }

    /// Seconds of Unix time.
    #[must_use]
    pub fn unix_seconds(&self) -> u64 {
        self.unix().as_secs()
    }

    /// Milliseconds of Unix time.
    #[must_use]
    pub fn unix_millis(&self) -> u64 {
        u64::try_from(self.unix().as_millis()).unwrap_or(u64::MAX)
    }

    /// A seed that no other call gets from this clock or a clone of it.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seeds.fetch_add(1, Ordering::Relaxed)
    }

    /// Waits of `min` to `max` whose jitter a simulation replays.
    #[must_use]
    pub fn backoff(&self, min: Duration, max: Duration) -> Backoff {
        Backoff::seeded(min, max, self.seed())
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that asks the machine what time it is"
)]
fn system_time() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_clock_with_a_start_goes_on_with_the_runtimes_time() {
        let clock = Clock::fixed_start(Duration::from_secs(1_000));
        let clone = clock.clone();
        assert_eq!(clock.unix_seconds(), 1_000);
        tokio::time::advance(Duration::from_millis(2_500)).await;
        assert_eq!((clock.unix_seconds(), clone.unix_millis()), (1_002, 1_002_500));
    }

    #[tokio::test(start_paused = true)]
    async fn the_machines_clock_does_not_pause() {
        let clock = Clock::system();
        let before = clock.unix();
        tokio::time::advance(Duration::from_secs(1_000_000)).await;
        assert!(clock.unix() < before + Duration::from_secs(1_000_000));
        assert!(clock.unix_seconds() > 1_700_000_000, "it is later than 2023");
    }

    #[tokio::test(start_paused = true)]
    async fn seeds_differ_within_a_clock_and_repeat_with_its_start() {
        let (a, b) = (Clock::fixed_start(Duration::ZERO), Clock::fixed_start(Duration::ZERO));
        let of_a = [a.seed(), a.clone().seed(), a.seed()];
        let of_b = [b.seed(), b.seed(), b.seed()];
        assert_eq!(of_a, of_b);
        assert!(of_a[0] != of_a[1] && of_a[1] != of_a[2]);
        assert_ne!(Clock::system().seed(), Clock::system().seed());
    }
}
