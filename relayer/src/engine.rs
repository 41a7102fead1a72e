//! Owns the two lanes of a bridge pair: input → machine → one commit → effects.
//!
//! Whatever reaches a lane comes through [`Message`]. The engine feeds it to the machines, answers
//! `Sign` at once (a signature is not released by making it) or has a remote signer asked, commits what is
//! to be remembered with the cursors, and only then performs the effects. An effect lost in a crash is derived again.

mod message;
mod seat;
mod signing;
mod submit;

use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};
use twinspan_bridge::attest::Attestation;
use twinspan_bridge::effect::{Effect, Input, Record};
use twinspan_bridge::finality::Final;
use twinspan_bridge::ids::{Count, Lane};
use twinspan_bridge::lane_head::{LanePosition, Linked};
use twinspan_bridge::machine::{LaneMachine, LinkedRequest};
use twinspan_bridge::observe::{BridgeState, Milestone};
use twinspan_bridge::settle::Settled;

use self::seat::{Seat, log_settled, transfer_span};
use crate::clock::unix_millis;
use crate::metrics;
use crate::status::{LaneReport, PairReport};
use crate::store::{DecisionRow, LaneRow, Store, StoreError, Write};

pub use message::{Message, Observation, Outbox, Outgoing, Refusal, Verdict};
pub use seat::LaneSetup;
pub use signing::Signing;
pub use submit::Submitter;

/// Messages that wait for the engine, at most; whoever comes then waits for a place.
pub const INBOX_MAX: usize = 256;

/// Messages that share one commit, at most.
const STEP_MAX: usize = 64;

/// The engine of one bridge pair. Lane 0 leads from the main to the service chain, lane 1 back; side
/// `i` is the source of lane `i` and the destination of the other.
pub struct Engine {
    pair: String,
    seats: [Seat; 2],
    signing: Signing,
    store: Store,
    inbox: mpsc::Receiver<Message>,
    outbox: Outbox,
    report: watch::Sender<PairReport>,
    started: Instant,
    tips: [Option<BridgeState>; 2],
}

/// What is gathered during one step.
#[derive(Default)]
struct Step {
    writes: Vec<Write>,
    effects: Vec<(usize, Effect)>,
    replies: Vec<(oneshot::Sender<Verdict>, Verdict)>,
    /// Attestations that bind no longer.
    voided: Vec<Attestation>,
}

impl Engine {
    /// An engine that goes on from what is stored.
    ///
    /// # Errors
    /// [`StoreError`] if the lanes do not read back.
    pub fn restore(
        pair: String,
        lanes: [LaneSetup; 2],
        signing: Signing,
        store: Store,
        inbox: mpsc::Receiver<Message>,
        outbox: Outbox,
    ) -> Result<(Self, watch::Receiver<PairReport>), StoreError> {
        let [first, second] = lanes;
        let seats = [Seat::restore(first, &store)?, Seat::restore(second, &store)?];
        let (report, reports) = watch::channel(PairReport::default());
        let started = Instant::now();
        let engine = Self {
            pair,
            seats,
            signing,
            store,
            inbox,
            outbox,
            report,
            started,
            tips: [None, None],
        };
        engine.publish();
        Ok((engine, reports))
    }

    /// Where each side's observer goes on.
    #[must_use]
    pub fn cursors(&self) -> [Milestone; 2] {
        [0, 1].map(|side| self.cursor(side))
    }

    /// Runs until cancelled.
    ///
    /// # Errors
    /// [`StoreError`]: without its store a lane does not go on.
    pub async fn run(mut self, cancel: CancellationToken) -> Result<(), StoreError> {
        let mut messages = Vec::with_capacity(STEP_MAX);
        loop {
            let timeout = self.timeout();
            tokio::select! {
                biased;
                () = cancel.cancelled() => return Ok(()),
                received = self.inbox.recv_many(&mut messages, STEP_MAX) => {
                    if received == 0 {
                        return Ok(());
                    }
                }
                () = tokio::time::sleep_until(timeout.into()) => {}
            }
            let mut step = Step::default();
            for message in messages.drain(..) {
                self.take(message, &mut step).await?;
            }
            for lane in 0..2 {
                self.feed(lane, Input::Tick, &mut step);
            }
            self.finish(step).await?;
        }
    }

    /// When a lane wants to be asked again; at the latest in a second, for the ages in the metrics.
    fn timeout(&self) -> Instant {
        let due = self.seats.iter().filter_map(|seat| seat.machine.poll_timeout()).min();
        let now = self.started.elapsed();
        // A deadline that has passed was decided on already: only new input can change it.
        let wait = due.and_then(|due| due.checked_sub(now)).filter(|wait| !wait.is_zero());
        Instant::now() + wait.unwrap_or(Duration::from_secs(1)).min(Duration::from_secs(1))
    }

    async fn take(&mut self, message: Message, step: &mut Step) -> Result<(), StoreError> {
        match message {
            Message::Observed(observation, reply) => {
                let verdict = self.on_observed(*observation, step);
                step.replies.push((reply, verdict));
            }
            Message::Peeked { side, newest, paused } => {
                self.tips[side] = Some(newest);
                self.destination_advanced(1 - side, newest.incoming, paused, step);
            }
            Message::Probed { side, state, reply } => {
                // What came before is stored before: nothing old may be written over the reset.
                self.finish(std::mem::take(step)).await?;
                let verdict = self.on_probed(side, &state, step).await?;
                step.replies.push((reply, verdict));
            }
            Message::Attested(attestations) => {
                for attestation in attestations {
                    let lane = self.lane_of(attestation.checkpoint.lane);
                    let input = Input::PeerAttested { attestation, recorded: false };
                    if let Some(lane) = lane {
                        self.feed(lane, input, step);
                    }
                }
            }
            Message::Signed(signed) => {
                if let Some(lane) = self.lane_of(signed.get().checkpoint.lane) {
                    self.feed(lane, Input::Signed(signed), step);
                }
            }
            Message::Resolved(resolved) => {
                for lane in 0..2 {
                    if let Some(input) = self.seats[lane].submitter.resolved(&resolved) {
                        self.feed(lane, input, step);
                    }
                }
            }
            Message::Recovered(done) => {
                for lane in 0..2 {
                    self.seats[lane].params.recovering = false;
                    self.feed(lane, Input::Recovered, step);
                }
                self.finish(std::mem::take(step)).await?;
                // Whoever waits may be gone.
                let _ = done.send(());
            }
            Message::Resume { lane, reason, reply } => {
                let decision = self.resume(lane, reason, step);
                // It is stored before anybody is told.
                self.finish(std::mem::take(step)).await?;
                // Whoever asked may be gone.
                let _ = reply.send(decision);
            }
        }
        Ok(())
    }

    /// Lets a lane go on that abstains for what it attested on a history that is gone.
    fn resume(&mut self, lane: usize, reason: String, step: &mut Step) -> Option<DecisionRow> {
        let conflict = self.seats.get(lane)?.conflict?;
        // Before what is signed anew in the same places.
        let before = step.writes.len();
        self.feed(lane, Input::Resumed, step);
        let (voided, at) = (std::mem::take(&mut step.voided), unix_millis());
        let seat = &mut self.seats[lane];
        warn!(
            lane = %seat.name, reason, voided = voided.len(), up_to = %conflict.highest_attested,
            "a human lets the lane go on"
        );
        let decision = DecisionRow { at, reason, conflict, voided };
        step.writes.insert(before, Write::Decision(seat.id, decision.clone()));
        Some(decision)
    }

    /// Both lanes accept a read, or neither does: they share the side's cursor.
    fn on_observed(&mut self, observation: Observation, step: &mut Step) -> Verdict {
        let Observation { side, read, newest, set, paused, term, final_to, seen_at } = observation;
        let (out, back) = (side, 1 - side);
        if read.after != self.cursor(side).block {
            return Verdict::Stale { cursor: self.cursor(side) };
        }
        let linked =
            Linked::check(self.seats[out].machine.linked(), read.requests, read.state.outgoing);
        let linked = match linked {
            Ok(linked) => linked,
            Err(error) => return Verdict::Refused(Refusal::Requests(error)),
        };
        let settled = self.seats[back].machine.settled().count;
        let settled = match Settled::check(settled, read.settlements, read.state.incoming) {
            Ok(settled) => settled,
            Err(error) => return Verdict::Refused(Refusal::Settlements(error)),
        };
        let Some(linked) = Final::check(linked, read.to.number, final_to) else {
            return Verdict::Stale { cursor: self.cursor(side) };
        };
        if let Some(set) = set {
            self.seats[back].set = Some(set.clone());
            self.feed(back, Input::RelayerSetRead(set), step);
        }
        let rows = LinkedRequest::rows(linked.get());
        if !rows.is_empty() {
            self.seats[out].age(linked.get().to().count, seen_at);
            let run = (rows[0].sourced.request.nonce, rows.len());
            info!(lane = %self.seats[out].name, first = %run.0, requests = run.1, "requests final");
            for request in &rows {
                let sourced = &request.sourced;
                let _transfer =
                    transfer_span(&self.seats[out].lane, sourced.request.nonce).entered();
                debug!(block = %sourced.block, transaction = %sourced.transaction, "final");
            }
            step.writes.push(Write::Linked(self.seats[out].id, rows));
        }
        if !settled.settlements().is_empty() {
            log_settled(&self.seats[back].name, &self.seats[back].lane, &settled);
            let id = self.seats[back].id;
            step.writes.push(Write::Settled(id, settled.settlements().to_vec()));
        }
        self.feed(out, Input::RequestsObserved { linked, to: read.to, term }, step);
        self.tips[side] = Some(newest);
        let input =
            Input::DestinationAdvanced { newest: newest.incoming, settled: settled.to(), paused };
        self.feed(back, input, step);
        for attestation in read.recorded {
            self.feed(back, Input::PeerAttested { attestation, recorded: true }, step);
        }
        for lane in 0..2 {
            step.writes.push(self.seats[lane].row());
        }
        Verdict::Accepted { cursor: self.cursor(side), room: self.seats[out].machine.has_room() }
    }

    fn destination_advanced(
        &mut self,
        lane: usize,
        newest: LanePosition,
        paused: bool,
        step: &mut Step,
    ) {
        let settled = self.seats[lane].machine.settled();
        self.feed(lane, Input::DestinationAdvanced { newest, settled, paused }, step);
    }

    /// The node's account of the block that was read last. If it differs from ours, the history that we
    /// linked is gone: unlink it and read this side anew from its beginning.
    async fn on_probed(
        &mut self,
        side: usize,
        state: &BridgeState,
        step: &mut Step,
    ) -> Result<Verdict, StoreError> {
        let (out, back) = (side, 1 - side);
        let same = state.outgoing == self.seats[out].machine.linked()
            && state.incoming == self.seats[back].machine.settled();
        if same {
            return Ok(Verdict::Stale { cursor: self.cursor(side) });
        }
        error!(
            pair = %self.pair, side, block = %self.cursor(side).block,
            linked = ?self.seats[out].machine.linked(), chain = ?state.outgoing,
            "final history was rewritten: reading this side anew; what was attested on the lost \
             history binds until the destination has passed it"
        );
        let (source, destination) = (self.seats[out].lane, self.seats[back].lane);
        let forward = LaneRow {
            linked: LanePosition::start(&source),
            linked_block: self.seats[out].start_block,
            term: None,
            settled: self.seats[out].machine.settled(),
            conflict: self.seats[out].conflict,
        };
        let backward = LaneRow {
            linked: self.seats[back].machine.linked(),
            linked_block: self.seats[back].machine.linked_block(),
            term: self.seats[back].machine.term(),
            settled: LanePosition::start(&destination),
            conflict: self.seats[back].conflict,
        };
        let writes = vec![
            Write::Unlinked(self.seats[out].id, Count::new(0)),
            Write::Lane(self.seats[out].id, forward),
            Write::Lane(self.seats[back].id, backward),
        ];
        self.store.commit(writes).await?;
        for lane in [out, back] {
            let snapshot = self.store.reader().snapshot(&self.seats[lane].lane)?;
            self.seats[lane].machine = LaneMachine::restore(self.seats[lane].params, snapshot);
            self.seats[lane].submitter.forget();
            self.signing.forget(self.seats[lane].lane);
        }
        // The other side's observer goes on and tells the set only when it changes.
        if let Some(set) = self.seats[out].set.clone() {
            self.feed(out, Input::RelayerSetRead(set), step);
        }
        Ok(Verdict::Rewritten { cursor: self.cursor(side) })
    }

    /// One input to one machine, and what it asks for.
    fn feed(&mut self, lane: usize, input: Input, step: &mut Step) {
        let seat = &mut self.seats[lane];
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            seat.machine.handle(self.started.elapsed(), input);
            while let Some(effect) = seat.machine.poll_effect() {
                match effect {
                    Effect::Sign(checkpoint) => {
                        inputs.extend(self.signing.sign(checkpoint).map(Input::Signed));
                    }
                    Effect::Record(Record::Attestation(attestation)) => {
                        step.writes.push(Write::Attestation(attestation));
                    }
                    Effect::Record(Record::Conflict(conflict)) => {
                        seat.conflict = conflict;
                        step.writes.push(seat.row());
                    }
                    Effect::Record(Record::Voided(attestations)) => {
                        step.voided.extend(attestations);
                    }
                    Effect::Exchange(_)
                    | Effect::Submit { .. }
                    | Effect::PostAttestation { .. }
                    | Effect::Alarm(_) => step.effects.push((lane, effect)),
                }
            }
        }
    }

    /// Stores, then acts.
    async fn finish(&mut self, step: Step) -> Result<(), StoreError> {
        self.store.commit(step.writes).await?;
        for (lane, effect) in step.effects {
            self.perform(lane, effect).await;
        }
        let mut refused = Step::default();
        for lane in 0..2 {
            for input in self.seats[lane].submitter.refused() {
                self.feed(lane, input, &mut refused);
            }
        }
        self.store.commit(refused.writes).await?;
        self.signing.ask();
        for (reply, verdict) in step.replies {
            // An observer that was stopped does not need its verdict.
            let _ = reply.send(verdict);
        }
        self.publish();
        Ok(())
    }

    async fn perform(&mut self, lane: usize, effect: Effect) {
        let seat = &mut self.seats[lane];
        match effect {
            Effect::Exchange(attestations) => {
                metrics::attested(&seat.name, attestations.len());
                // Whoever does not listen now loses nothing: peers pull what they miss.
                let _ = self.outbox.send(Outgoing::Attestations(attestations.into()));
            }
            Effect::Submit { batch, attempt } => {
                let since = seat.pending_since(Count::new(batch.first().get()));
                seat.submitter.deliver(seat.id, &seat.name, &batch, attempt, since).await;
            }
            Effect::PostAttestation { attestation, attempt } => {
                seat.submitter.post(seat.id, &seat.name, &attestation, attempt).await;
            }
            Effect::Alarm(alarm) => seat.alarm(&alarm),
            Effect::Sign(_) | Effect::Record(_) => {}
        }
    }

    fn cursor(&self, side: usize) -> Milestone {
        let source = &self.seats[side].machine;
        let incoming = self.seats[1 - side].machine.settled();
        Milestone { block: source.linked_block(), outgoing: source.linked(), incoming }
    }

    fn lane_of(&self, lane: Lane) -> Option<usize> {
        self.seats.iter().position(|seat| seat.lane == lane)
    }

    fn publish(&self) {
        let lanes = [0, 1].map(|lane| {
            let seat = &self.seats[lane];
            let status = seat.machine.status();
            let tip = self.tips[lane].map_or(status.linked.count, |tip| tip.outgoing.count);
            let pending_seconds = seat.pending_seconds(status.newest.count);
            metrics::lane(&seat.name, &status, pending_seconds);
            LaneReport {
                name: seat.name.clone(),
                lane: Some(seat.lane),
                requested: tip.max(status.linked.count),
                source_seen: self.tips[lane].is_some(),
                pending_seconds,
                alarms: seat.alarms.iter().cloned().collect(),
                status: Some(status),
                abstains: None,
                abstentions: Vec::new(),
            }
        });
        self.report.send_replace(PairReport { name: self.pair.clone(), lanes });
    }
}
