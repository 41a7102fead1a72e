//! Exchanges attestations with one peer: pushes our own, pulls what is missing. Tells it where we abstain.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{broadcast, mpsc};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};
use twinspan_bridge::status::LaneStatus;
use twinspan_chains::Backoff;

use crate::engine::{Message, Outgoing};
use crate::lanes::{Directory, LaneEntry};
use crate::peers::client::{Peer, PeerError};
use crate::peers::wire::{ABSTENTIONS_MAX, ATTESTATIONS_MAX, Attestations, Pull, WireAttestation};

/// Messages that a slow peer may be behind before it skips some.
pub(crate) const OUTBOX_MAX: usize = 256;

/// First pause before a peer that fails is tried again.
pub(crate) const PAUSE_MIN: Duration = Duration::from_millis(200);

/// Longest pause before it is.
pub(crate) const PAUSE_MAX: Duration = Duration::from_secs(5);

/// The exchange with one peer.
#[derive(Debug)]
pub(crate) struct Exchange {
    /// The peer.
    pub peer: Peer,
    /// The words to it.
    pub outbox: broadcast::Receiver<Outgoing>,
    /// Our lanes.
    pub directory: Arc<Directory>,
    /// How often missing attestations are asked for.
    pub pull_interval: Duration,
    /// Told once when the peer has answered what it holds of every lane, for a relayer that lost its
    /// store.
    pub answered: Option<mpsc::Sender<()>>,
    /// Between tries of a peer that fails.
    pub pause: Backoff,
}

impl Exchange {
    /// Exchanges until cancelled.
    ///
    /// # Errors
    /// Never by itself: a peer that fails is tried again.
    pub(crate) async fn run(
        mut self,
        cancel: CancellationToken,
    ) -> Result<(), std::convert::Infallible> {
        cancel.clone().run_until_cancelled_owned(self.exchange()).await;
        Ok(())
    }

    async fn exchange(&mut self) {
        let mut pulls = tokio::time::interval(self.pull_interval);
        pulls.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut fails = false;
        loop {
            let result = tokio::select! {
                biased;
                // First, for it comes seldom: what is to be told never ends on a busy lane.
                _ = pulls.tick() => self.pull().await,
                received = self.outbox.recv() => match received {
                    Ok(first) => self.push(first).await.map(|()| true),
                    Err(RecvError::Lagged(_)) => Ok(false),
                    Err(RecvError::Closed) => return std::future::pending().await,
                },
            };
            match result {
                Ok(true) if fails => {
                    info!(peer = self.peer.name(), "peer is back");
                    fails = false;
                    self.pause.reset();
                }
                Ok(_) => {}
                Err(error) => {
                    if !fails {
                        warn!(peer = self.peer.name(), %error, "peer fails, trying again");
                    }
                    fails = true;
                    tokio::time::sleep(self.pause.next()).await;
                }
            }
        }
    }

    /// Pushes what is in the outbox now, as one message where it fits.
    async fn push(&mut self, first: Outgoing) -> Result<(), PeerError> {
        let mut all = Attestations::default();
        let mut next = Some(first);
        loop {
            match next.take() {
                Some(Outgoing::Attestations(some)) => {
                    all.attestations.extend(some.iter().map(WireAttestation::from));
                }
                Some(Outgoing::Abstention(said)) => all.abstentions.push((&said).into()),
                None => break,
            }
            next = match self.outbox.try_recv() {
                Ok(more) => Some(more),
                Err(TryRecvError::Lagged(_)) => self.outbox.try_recv().ok(),
                Err(TryRecvError::Empty | TryRecvError::Closed) => None,
            };
        }
        // A peer that was away needs the newest only.
        let older = all.abstentions.len().saturating_sub(ABSTENTIONS_MAX);
        let mut abstentions = all.abstentions.split_off(older);
        let mut rest = all.attestations.as_slice();
        while !rest.is_empty() || !abstentions.is_empty() {
            let (part, after) = rest.split_at(rest.len().min(ATTESTATIONS_MAX));
            let abstentions = std::mem::take(&mut abstentions);
            self.peer.push(&Attestations { attestations: part.to_vec(), abstentions }).await?;
            rest = after;
        }
        Ok(())
    }

    /// Whether there was anything to ask for.
    async fn pull(&mut self) -> Result<bool, PeerError> {
        let mut known = true;
        let mut asked = false;
        for entry in self.directory.values() {
            let Some(status) = entry.status().filter(|status| status.epoch != 0) else {
                known = false;
                continue;
            };
            if self.answered.is_some() || is_short(&status) {
                self.pull_lane(entry, &status).await?;
                asked = true;
            }
        }
        if known && let Some(answered) = self.answered.take() {
            let _ = answered.send(()).await;
        }
        Ok(asked)
    }

    async fn pull_lane(&self, entry: &LaneEntry, status: &LaneStatus) -> Result<(), PeerError> {
        let pull = Pull { lane: entry.lane.id(), above: status.newest.count };
        let body = self.peer.pull(&pull).await?;
        let own = body.attestations.into_iter().filter(|wire| wire.lane == pull.lane);
        let attestations: Vec<_> =
            own.take(ATTESTATIONS_MAX).map(|wire| wire.of_lane(entry.lane)).collect();
        debug!(peer = self.peer.name(), got = attestations.len(), "pulled");
        if !attestations.is_empty() {
            // An engine that stops needs nothing more.
            let _ = entry.engine.send(Message::Attested(attestations)).await;
        }
        Ok(())
    }
}

/// Whether a certificate is due and incomplete.
fn is_short(status: &LaneStatus) -> bool {
    status.linked.count > status.newest.count && status.certified < status.linked.count
}
