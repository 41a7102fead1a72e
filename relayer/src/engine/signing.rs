//! Signs a pair's checkpoints: at once by a key that is here, or by a task that asks for it.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::mpsc;
use twinspan_bridge::attest::Verified;
use twinspan_bridge::checkpoint::Checkpoint;
use twinspan_bridge::ids::Lane;
use twinspan_bridge::key::AttestationKey;

/// How checkpoints are signed.
#[derive(Debug)]
pub(crate) enum Signing {
    /// Within the step.
    Here(Arc<AttestationKey>),
    /// By a task that answers with [`Message::Signed`](super::Message::Signed).
    Elsewhere {
        /// To that task.
        asks: mpsc::Sender<Checkpoint>,
        /// Checkpoints that have no place there yet. Bounded by the requests that the lanes hold linked, since each is
        /// asked for once.
        waiting: VecDeque<Checkpoint>,
    },
}

impl Signing {
    /// The signature, if there is one at once.
    pub(super) fn sign(&mut self, checkpoint: Checkpoint) -> Option<Verified> {
        match self {
            Self::Here(key) => Some(key.sign(checkpoint)),
            Self::Elsewhere { waiting, .. } => {
                waiting.push_back(checkpoint);
                None
            }
        }
    }

    /// Asks for as many signatures as the task takes now.
    pub(super) fn ask(&mut self) {
        let Self::Elsewhere { asks, waiting } = self else { return };
        while let Ok(place) = asks.try_reserve() {
            let Some(checkpoint) = waiting.pop_front() else { return };
            place.send(checkpoint);
        }
    }

    /// Forgets what a lane asked for and has no use for any more.
    pub(super) fn forget(&mut self, lane: Lane) {
        if let Self::Elsewhere { waiting, .. } = self {
            waiting.retain(|checkpoint| checkpoint.lane != lane);
        }
    }
}
