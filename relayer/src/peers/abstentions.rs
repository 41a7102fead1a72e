//! Keeps the abstentions that members of a lane's relayer set tell. People read them; nothing is decided by them.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use alloy::primitives::Address;
use tokio::time::Instant;
use twinspan_bridge::abstain::SignedAbstention;
use twinspan_chains::Clock;

use crate::status::Abstaining;

/// How long a member's word counts. It repeats it every third of that.
pub(crate) const FRESH: Duration = Duration::from_secs(30);

/// How far a member's clock may be off, in milliseconds.
const CLOCK_MAX: u64 = 300_000;

/// Who abstains on one lane.
#[derive(Debug)]
pub(crate) struct Abstentions {
    heard: Mutex<BTreeMap<Address, (SignedAbstention, Instant)>>,
    clock: Clock,
}

impl Abstentions {
    /// Nobody, by that clock.
    #[must_use]
    pub(crate) const fn new(clock: Clock) -> Self {
        Self { heard: Mutex::new(BTreeMap::new()), clock }
    }

    /// Whether `time` (milliseconds of Unix time) is newer than the last word heard from `signer`, and within five
    /// minutes of our clock.
    #[must_use]
    pub(crate) fn is_news(&self, signer: Address, time: u64) -> bool {
        let known = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let is_later = known.get(&signer).is_none_or(|(said, _)| said.abstention.time < time);
        is_later && time.abs_diff(self.clock.unix_millis()) <= CLOCK_MAX
    }

    /// Notes a verified word of a member. Those that count no longer are forgotten.
    pub(crate) fn note(&self, said: SignedAbstention) {
        let mut known = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, (_, heard)| heard.elapsed() < FRESH);
        known.insert(said.signer, (said, Instant::now()));
    }

    /// Forgets what `signer` said.
    pub(crate) fn withdraw(&self, signer: Address) {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).remove(&signer);
    }

    /// Whose word counts now.
    #[must_use]
    pub(crate) fn current(&self) -> Vec<Abstaining> {
        let known = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = known.values().filter(|(_, heard)| heard.elapsed() < FRESH);
        let shown = fresh.map(|(said, _)| Abstaining {
            relayer: said.signer,
            reason: said.abstention.reason,
            count: said.abstention.count,
        });
        shown.collect()
    }
}
