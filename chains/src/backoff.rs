//! Waits before the next try: twice as long each time, and out of step with others who wait for the same.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// The waits between tries. Each is more than half of a step and at most the whole of it. The step begins with `min`,
/// doubles with each wait, and never exceeds `max`.
#[derive(Clone, Debug)]
pub struct Backoff {
    min: Duration,
    max: Duration,
    step: Duration,
    chance: u64,
}

impl Backoff {
    /// Waits up to `min` first and up to `max` later, `min` if `max` is less. The jitter differs from process to
    /// process; [`Clock::backoff`](crate::Clock::backoff) gives one that a simulation replays.
    #[must_use]
    pub fn new(min: Duration, max: Duration) -> Self {
        Self::seeded(min, max, RandomState::new().hash_one(()))
    }

    /// The same, with jitter that depends on `seed` alone.
    #[must_use]
    pub fn seeded(min: Duration, max: Duration, seed: u64) -> Self {
        Self { min, max: max.max(min), step: min, chance: seed }
    }

    /// How long to wait now.
    #[expect(
        clippy::should_implement_trait,
        reason = "it never ends: there is no `None` to handle"
    )]
    pub fn next(&mut self) -> Duration {
        let step = self.step;
        self.step = step.saturating_mul(2).min(self.max);
        let half = u64::try_from(step.as_nanos() / 2).unwrap_or(u64::MAX).max(1);
        step.saturating_sub(Duration::from_nanos(self.draw() % half))
    }

    /// A try succeeded: the next wait is of the first step again.
    pub const fn reset(&mut self) {
        self.step = self.min;
    }

    /// The next number of SplitMix64 (Steele, Lea and Flood, 2014), a generator for which any seed will do.
    const fn draw(&mut self) -> u64 {
        self.chance = self.chance.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.chance ^ (self.chance >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIN: Duration = Duration::from_millis(100);
    const MAX: Duration = Duration::from_secs(5);

    #[test]
    fn each_wait_is_within_half_a_step_that_doubles_up_to_the_bound() {
        for seed in 0..1_000 {
            let mut backoff = Backoff::seeded(MIN, MAX, seed);
            for doubled in 0..40_u32 {
                let step = MIN.saturating_mul(1 << doubled.min(20)).min(MAX);
                let wait = backoff.next();
                assert!(wait > step / 2 && wait <= step, "{wait:?} of {step:?}, seed {seed}");
            }
            backoff.reset();
            assert!(backoff.next() <= MIN);
        }
    }

    #[test]
    fn a_seed_gives_the_same_waits_and_neighbouring_seeds_others() {
        let waits = |seed| {
            let mut backoff = Backoff::seeded(MIN, MAX, seed);
            [backoff.next(), backoff.next(), backoff.next()]
        };
        assert_eq!(waits(7), waits(7));
        for seed in 0..1_000 {
            assert_ne!(waits(seed), waits(seed + 1), "seed {seed}");
        }
        let (mut a, mut b) = (Backoff::new(MIN, MAX), Backoff::new(MIN, MAX));
        assert_ne!([a.next(), a.next()], [b.next(), b.next()]);
    }

    #[test]
    fn extreme_bounds_do_not_panic() {
        for (min, max) in [
            (Duration::ZERO, Duration::ZERO),
            (Duration::from_nanos(1), Duration::from_nanos(1)),
            (Duration::MAX, Duration::ZERO),
            (MIN, Duration::MAX),
        ] {
            let mut backoff = Backoff::new(min, max);
            for _ in 0..200 {
                assert!(backoff.next() <= max.max(min));
            }
        }
    }
}
