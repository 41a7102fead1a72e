//! Gathers what one step of the engine wants stored and done, and lets nothing be done before it is stored.

use tokio::sync::oneshot;
use twinspan_bridge::attest::Attestation;
use twinspan_bridge::io::Action;
use twinspan_bridge::side::Direction;

use super::message::Verdict;
use twinspan_store::{Store, StoreError, Write};

/// The gathered results of one step.
#[derive(Default)]
pub(super) struct Step {
    pub(super) writes: Vec<Write>,
    actions: Vec<(Direction, Action)>,
    replies: Vec<(oneshot::Sender<Verdict>, Verdict)>,
    /// Attestations that bind no longer.
    pub(super) voided: Vec<Attestation>,
}

/// Actions that are due, since the step that asks for them is stored. Only [`Step::commit`] makes one.
#[must_use]
pub(super) struct Committed {
    actions: Vec<(Direction, Action)>,
    replies: Vec<(oneshot::Sender<Verdict>, Verdict)>,
}

impl Step {
    /// Once the step is stored: do this.
    pub(super) fn act(&mut self, lane: Direction, action: Action) {
        self.actions.push((lane, action));
    }

    /// Once the step is done: tell the one that asked.
    pub(super) fn reply(&mut self, to: oneshot::Sender<Verdict>, verdict: Verdict) {
        self.replies.push((to, verdict));
    }

    /// Stores the step.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing of it is done.
    pub(super) async fn commit(self, store: &Store) -> Result<Committed, StoreError> {
        let Self { writes, actions, replies, voided: _ } = self;
        store.commit(writes).await?;
        Ok(Committed { actions, replies })
    }
}

impl Committed {
    /// The actions, in order.
    pub(super) fn take_actions(&mut self) -> Vec<(Direction, Action)> {
        std::mem::take(&mut self.actions)
    }

    /// Answers those who wait for the step.
    pub(super) fn answer(self) {
        for (reply, verdict) in self.replies {
            // An observer that was stopped does not need its verdict.
            let _ = reply.send(verdict);
        }
    }
}
