//! Estimates how long an account's coins last.

use std::collections::VecDeque;
use std::time::Duration;

use alloy::primitives::U256;
use tokio::time::Instant;

/// Over how long the rate of spending is looked at.
const WINDOW: Duration = Duration::from_secs(3_600);
/// Least time that says anything about a rate.
const WINDOW_MIN: Duration = Duration::from_secs(60);

/// The balances of the last hour since the account was topped up, one a minute and the last one.
#[derive(Debug, Default)]
pub(super) struct Runway(VecDeque<(Instant, U256)>);

impl Runway {
    /// Notes a balance; how long it lasts at the rate of the last hour. `None`: nothing was spent, or it is too early
    /// to tell.
    pub(super) fn note(&mut self, balance: U256, now: Instant) -> Option<Duration> {
        if self.0.back().is_some_and(|(_, before)| *before < balance) {
            // Topped up: what came before says nothing of what is spent.
            self.0.clear();
        }
        if self.0.iter().rev().nth(1).is_some_and(|(at, _)| now.duration_since(*at) < WINDOW_MIN) {
            // The last one came within the same minute.
            self.0.pop_back();
        }
        self.0.push_back((now, balance));
        while self.0.len() > 2 && now.duration_since(self.0[1].0) >= WINDOW {
            self.0.pop_front();
        }
        let (since, before) = *self.0.front()?;
        let time = now.duration_since(since);
        let spent = before.saturating_sub(balance);
        if time < WINDOW_MIN || spent.is_zero() {
            return None;
        }
        let seconds = balance.saturating_mul(U256::from(time.as_secs())) / spent;
        Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(u64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn coins_last_as_long_as_the_last_hour_says() {
        let mut runway = Runway::default();
        let start = Instant::now();
        let mut at = |minutes: u64, balance: u64| {
            runway.note(U256::from(balance), start + Duration::from_secs(60 * minutes))
        };
        let hours = |hours: u64| Some(Duration::from_secs(3_600 * hours));
        assert_eq!(at(0, 1_000), None, "nothing is known yet");
        assert_eq!(at(30, 1_000), None, "nothing was spent");
        assert_eq!(at(60, 900), hours(9), "100 an hour");
        assert_eq!(at(120, 400), Some(Duration::from_secs(2_880)), "500 in the last hour");
        assert_eq!(at(121, 5_000), None, "topped up");
        assert_eq!(at(181, 4_000), hours(4));
        assert_eq!(at(241, 0), Some(Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_is_kept_than_a_balance_a_minute() {
        let (mut runway, start) = (Runway::default(), Instant::now());
        let mut lasts = None;
        for seconds in 0..2 * 3_600_u64 {
            let balance = U256::from(1_000_000 - 10 * seconds);
            lasts = runway.note(balance, start + Duration::from_secs(seconds));
            assert!(runway.0.len() <= 63, "{} after {seconds} s", runway.0.len());
        }
        let want = (1_000_000 - 10 * 7_199) / 10;
        let got = lasts.map_or(0, |lasts| lasts.as_secs());
        assert!(got.abs_diff(want) < want / 50, "{got} s, want about {want}");
    }
}
