//! When a chain last answered, and last made a block.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// When a chain last answered, and last had a new head.
#[derive(Debug, Default)]
pub(crate) struct Pulse(Mutex<Option<(Instant, Instant)>>);

impl Pulse {
    /// A node answered what the newest block is.
    pub(crate) fn answered(&self) {
        let now = Instant::now();
        let mut pulse = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *pulse = Some((now, pulse.map_or(now, |(_, advanced)| advanced)));
    }

    /// There is a new head.
    pub(crate) fn advanced(&self) {
        let now = Instant::now();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, now));
    }

    /// For how long there was no answer, and no new head.
    pub(crate) fn ages(&self) -> Option<(Duration, Duration)> {
        let pulse = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pulse.map(|(answered, advanced)| (answered.elapsed(), advanced.elapsed()))
    }
}
