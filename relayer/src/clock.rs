//! What time it is, for people and for the chains. What waits uses [`std::time::Instant`].

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Milliseconds of Unix time; 0 on a clock before 1970.
#[must_use]
pub fn unix_millis() -> u64 {
    u64::try_from(since_epoch().as_millis()).unwrap_or(u64::MAX)
}

/// Seconds of Unix time; 0 on a clock before 1970.
#[must_use]
pub fn unix_seconds() -> u64 {
    since_epoch().as_secs()
}

fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
