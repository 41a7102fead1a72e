//! Says aloud where this relayer attests nothing, and why: to its peers, signed, and in its own log and metrics.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use alloy::primitives::Address;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};
use twinspan_bridge::abstain::{Abstention, Reason, SignedAbstention};
use twinspan_bridge::ids::{Epoch, LaneId};
use twinspan_chains::Clock;
use twinspan_chains::signer::abstain;

use crate::engine::{Outbox, Outgoing};
use crate::keys::Attester;
use crate::lanes::{Directory, LaneEntry};
use crate::metrics;
use crate::peers::abstentions::FRESH;

/// How often the lanes are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How often an abstention is repeated while it lasts.
const REPEAT_EVERY: Duration = Duration::from_secs(FRESH.as_secs() / 3);

/// Longest that a remote signer may take for one: the next look asks again.
const SIGNER_LIMIT: Duration = Duration::from_secs(3);

/// Looks after all lanes of a relayer.
#[derive(Debug)]
pub(crate) struct Abstainer {
    /// The key that attests.
    pub attester: Attester,
    /// The lanes.
    pub directory: Arc<Directory>,
    /// To every peer.
    pub outbox: Outbox,
    /// The time of day.
    pub clock: Clock,
}

/// The last words said and heard of a lane.
#[derive(Debug, Default)]
struct Told {
    own: Option<(Reason, Instant)>,
    members: BTreeMap<Address, Reason>,
}

impl Abstainer {
    /// Looks until cancelled.
    ///
    /// # Errors
    /// Never.
    pub(crate) async fn run(self, cancel: CancellationToken) -> Result<(), Infallible> {
        cancel.run_until_cancelled(self.look()).await;
        Ok(())
    }

    async fn look(&self) {
        let mut told: BTreeMap<LaneId, Told> = BTreeMap::new();
        loop {
            for (id, entry) in self.directory.iter() {
                let told = told.entry(*id).or_default();
                self.say(entry, &mut told.own).await;
                self.hear(entry, &mut told.members);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Says what is to be said of one lane.
    async fn say(&self, entry: &LaneEntry, told: &mut Option<(Reason, Instant)>) {
        let Some(reason) = entry.abstains() else {
            if told.take().is_some() {
                entry.abstentions.withdraw(self.attester.address());
            }
            return;
        };
        let is_said = told.is_some_and(|(said, at)| said == reason && at.elapsed() < REPEAT_EVERY);
        if is_said {
            return;
        }
        let Some(status) = entry.status().filter(|status| status.epoch != 0) else { return };
        if !status.members.contains(&self.attester.address()) {
            return;
        }
        let abstention = Abstention {
            lane: entry.lane,
            epoch: Epoch::new(status.epoch),
            count: status.newest.count,
            reason,
            time: self.clock.unix_millis(),
        };
        let Some(signed) = self.sign(abstention).await else { return };
        *told = Some((reason, Instant::now()));
        entry.abstentions.note(signed);
        // A peer that does not listen now hears it when it is repeated.
        let _ = self.outbox.send(Outgoing::Abstention(signed));
    }

    async fn sign(&self, abstention: Abstention) -> Option<SignedAbstention> {
        match &self.attester {
            Attester::Here(key) => Some(key.abstain(abstention)),
            Attester::Elsewhere(signer) => {
                let signing = abstain(signer.as_ref(), abstention);
                match tokio::time::timeout(SIGNER_LIMIT, signing).await {
                    Ok(Ok(signed)) => Some(signed),
                    Ok(Err(fault)) => {
                        debug!(%fault, "an abstention is not signed");
                        None
                    }
                    Err(_) => None,
                }
            }
        }
    }

    /// Tells what has changed in who abstains.
    fn hear(&self, entry: &LaneEntry, known: &mut BTreeMap<Address, Reason>) {
        let current = entry.abstentions.current();
        let current: BTreeMap<_, _> = current.iter().map(|one| (one.relayer, one.reason)).collect();
        let lane = entry.name();
        metrics::abstaining(&lane, current.len());
        for (relayer, reason) in &current {
            if known.get(relayer) != Some(reason) {
                let why = reason.label();
                if *relayer == self.attester.address() {
                    warn!(lane, why, "we attest nothing, and say so");
                } else {
                    warn!(lane, %relayer, why, "a relayer attests nothing");
                }
            }
        }
        for relayer in known.keys().filter(|relayer| !current.contains_key(*relayer)) {
            info!(lane, %relayer, "it abstains no longer");
        }
        *known = current;
    }
}
