//! Owns the two lanes of a bridge pair: input → machine → one commit → actions.
//!
//! Everything that reaches a lane is a [`Message`]. The engine feeds it to the machines and signs at once what they
//! want signed, or has a remote signer asked. It commits what is to be remembered with the cursors, and only then acts.
//! An action lost in a crash is derived again.

mod message;
mod runner;
mod signing;
mod step;
mod submit;

use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};
use twinspan_bridge::finality::Final;
use twinspan_bridge::ids::{Count, Lane};
use twinspan_bridge::io::{Action, Input, Output, Record};
use twinspan_bridge::lane_head::{LanePosition, Linked};
use twinspan_bridge::observe::{BridgeState, Milestone};
use twinspan_bridge::settle::Settled;
use twinspan_bridge::side::{Direction, PerDirection, PerSide, Side};
use twinspan_chains::Clock;

use self::runner::{LaneRunner, log_settled, transfer_span};
use self::step::Step;
use crate::metrics;
use crate::status::{LaneReport, PairReport};
use twinspan_store::{DecisionRow, Store, StoreError, Write};

pub(crate) use message::{Message, Observation, Outbox, Outgoing, ReadRefused, Verdict};
pub(crate) use runner::LaneSetup;
pub(crate) use signing::Signing;
pub(crate) use submit::Submitter;

/// Messages that wait for the engine, at most; whoever comes then waits for a place.
pub(crate) const INBOX_MAX: usize = 256;

/// Messages that share one commit, at most.
const STEP_MAX: usize = 64;

/// The engine of one bridge pair.
pub(crate) struct LaneEngine {
    pair: String,
    runners: PerDirection<LaneRunner>,
    signing: Signing,
    store: Store,
    clock: Clock,
    inbox: mpsc::Receiver<Message>,
    outbox: Outbox,
    report: watch::Sender<PairReport>,
    started: Instant,
    /// Requests in each side's newest block, once it was looked at.
    requested: PerSide<Option<Count>>,
}

impl LaneEngine {
    /// An engine that goes on from what is stored.
    ///
    /// # Errors
    /// [`StoreError`] if the lanes do not read back.
    pub(crate) fn restore(
        pair: String,
        lanes: PerDirection<LaneSetup>,
        signing: Signing,
        (store, clock): (Store, Clock),
        inbox: mpsc::Receiver<Message>,
        outbox: Outbox,
    ) -> Result<(Self, watch::Receiver<PairReport>), StoreError> {
        let mut lanes = lanes.map(|_, setup| Some(setup));
        let runners = PerDirection::try_from_fn(|lane| {
            LaneRunner::restore(lanes[lane].take().expect("asked for once"), &store)
        })?;
        let (report, reports) = watch::channel(PairReport::default());
        let started = Instant::now();
        let engine = Self {
            pair,
            runners,
            signing,
            store,
            clock,
            inbox,
            outbox,
            report,
            started,
            requested: PerSide::default(),
        };
        engine.publish();
        Ok((engine, reports))
    }

    /// Where each side's observer goes on.
    #[must_use]
    pub(crate) fn cursors(&self) -> PerSide<Milestone> {
        PerSide::from_fn(|side| self.cursor(side))
    }

    /// Runs until cancelled.
    ///
    /// # Errors
    /// [`StoreError`]: without its store a lane does not go on.
    pub(crate) async fn run(mut self, cancel: CancellationToken) -> Result<(), StoreError> {
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
                () = tokio::time::sleep_until(timeout) => {}
            }
            let mut step = Step::default();
            for message in messages.drain(..) {
                self.on_message(message, &mut step).await?;
            }
            for lane in Direction::BOTH {
                self.feed(lane, Input::Tick, &mut step);
            }
            self.finish(step).await?;
        }
    }

    /// When a lane wants to be asked again; at the latest in a second, for the ages in the metrics.
    fn timeout(&self) -> Instant {
        let due = self.runners.values().filter_map(|runner| runner.machine.poll_timeout()).min();
        let now = self.started.elapsed();
        // A deadline that has passed was decided on already: only new input can change it.
        let wait = due.and_then(|due| due.checked_sub(now)).filter(|wait| !wait.is_zero());
        Instant::now() + wait.unwrap_or(Duration::from_secs(1)).min(Duration::from_secs(1))
    }

    async fn on_message(&mut self, message: Message, step: &mut Step) -> Result<(), StoreError> {
        match message {
            Message::Observed(observation, reply) => {
                let verdict = self.on_observed(*observation, step);
                step.reply(reply, verdict);
            }
            Message::Peeked { side, newest, paused } => {
                self.requested[side] = Some(newest.outgoing.count);
                self.destination_advanced(side.incoming(), newest.incoming, paused, step);
            }
            Message::Probed { side, state, reply } => {
                // Earlier effects are stored first: nothing old may be written over the reset.
                self.finish(std::mem::take(step)).await?;
                let verdict = self.on_probed(side, &state).await?;
                step.reply(reply, verdict);
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
            Message::Resolved { lane, resolved } => {
                if let Some(input) = self.runners[lane].submitter.resolved(&resolved) {
                    self.feed(lane, input, step);
                }
            }
            Message::Recovered(done) => {
                for lane in Direction::BOTH {
                    self.feed(lane, Input::Recovered, step);
                }
                self.finish(std::mem::take(step)).await?;
                // The waiting side may be gone.
                let _ = done.send(());
            }
            Message::Resume { lane, reason, reply } => {
                let decision = self.resume(lane, reason, step);
                // It is stored before anybody is told.
                self.finish(std::mem::take(step)).await?;
                // The asking side may be gone.
                let _ = reply.send(decision);
            }
        }
        Ok(())
    }

    /// Resumes a lane that abstains after a reorganisation.
    fn resume(&mut self, lane: Direction, reason: String, step: &mut Step) -> Option<DecisionRow> {
        let conflict = self.runners[lane].machine.conflict()?;
        // Before what is signed anew in the same places.
        let before = step.writes.len();
        self.feed(lane, Input::Resumed, step);
        let (voided, at) = (std::mem::take(&mut step.voided), self.clock.unix_millis());
        let runner = &self.runners[lane];
        warn!(
            lane = %runner.name, reason, voided = voided.len(), up_to = %conflict.highest_attested,
            "a human lets the lane go on"
        );
        let decision = DecisionRow { at, reason, conflict, voided };
        let id = runner.machine.lane_id();
        step.writes.insert(before, Write::Decision(id, decision.clone()));
        Some(decision)
    }

    /// Both lanes accept a read, or neither does: they share the side's cursor.
    fn on_observed(&mut self, observation: Observation, step: &mut Step) -> Verdict {
        let Observation { side, read, newest, set, paused, term, final_to, seen_at } = observation;
        let (out, back) = (side.outgoing(), side.incoming());
        if read.after != self.cursor(side).block {
            return Verdict::Stale { cursor: self.cursor(side) };
        }
        let from = self.runners[out].machine.linked();
        let linked = match Linked::check(from, read.requests, read.state.outgoing) {
            Ok(linked) => linked,
            Err(error) => return Verdict::Refused(ReadRefused::Requests(error)),
        };
        let settled = self.runners[back].machine.settled().count;
        let settled = match Settled::check(settled, read.settlements, read.state.incoming) {
            Ok(settled) => settled,
            Err(error) => return Verdict::Refused(ReadRefused::Settlements(error)),
        };
        let Some(linked) = Final::check(linked, read.to.number, final_to) else {
            return Verdict::Stale { cursor: self.cursor(side) };
        };
        if let Some(set) = set {
            self.feed(back, Input::RelayerSetRead(set), step);
        }
        self.note_linked(out, linked.get(), seen_at, step);
        if !settled.settlements().is_empty() {
            let runner = &self.runners[back];
            log_settled(&runner.name, runner.machine.lane(), &settled);
            let rows = settled.settlements().to_vec();
            step.writes.push(Write::Settled(runner.machine.lane_id(), rows));
        }
        self.feed(out, Input::RequestsObserved { linked, to: read.to, term }, step);
        self.requested[side] = Some(newest.outgoing.count);
        let input =
            Input::DestinationAdvanced { newest: newest.incoming, settled: settled.to(), paused };
        self.feed(back, input, step);
        for attestation in read.recorded {
            self.feed(back, Input::PeerAttested { attestation, recorded: true }, step);
        }
        step.writes.extend(self.runners.values().map(LaneRunner::row));
        Verdict::Accepted { cursor: self.cursor(side), room: self.runners[out].machine.has_room() }
    }

    /// Has the requests of a read stored, and says so.
    fn note_linked(&mut self, lane: Direction, linked: &Linked, seen_at: Instant, step: &mut Step) {
        let requests = linked.requests();
        let Some(first) = requests.first().map(|first| first.sourced.request.nonce) else { return };
        let runner = &mut self.runners[lane];
        runner.age(linked.to().count, seen_at);
        info!(lane = %runner.name, %first, requests = requests.len(), "requests final");
        for sourced in requests.iter().map(|request| &request.sourced) {
            let _transfer = transfer_span(runner.machine.lane(), sourced.request.nonce).entered();
            debug!(block = %sourced.block, transaction = %sourced.transaction, "final");
        }
        step.writes.push(Write::Linked(runner.machine.lane_id(), requests.to_vec()));
    }

    fn destination_advanced(
        &mut self,
        lane: Direction,
        newest: LanePosition,
        paused: bool,
        step: &mut Step,
    ) {
        let settled = self.runners[lane].machine.settled();
        self.feed(lane, Input::DestinationAdvanced { newest, settled, paused }, step);
    }

    /// The node's account of the block that was read last. If it differs from ours, the history that we
    /// linked is gone: unlink it and read this side anew from its beginning.
    async fn on_probed(&mut self, side: Side, state: &BridgeState) -> Result<Verdict, StoreError> {
        let (out, back) = (side.outgoing(), side.incoming());
        let same = state.outgoing == self.runners[out].machine.linked()
            && state.incoming == self.runners[back].machine.settled();
        if same {
            return Ok(Verdict::Stale { cursor: self.cursor(side) });
        }
        error!(
            pair = %self.pair, %side, block = %self.cursor(side).block,
            linked = ?self.runners[out].machine.linked(), chain = ?state.outgoing,
            "final history was rewritten: reading this side anew; what was attested on the lost \
             history binds until the destination has passed it"
        );
        let outgoing = self.runners[out].unlinked();
        let incoming = self.runners[back].unsettled();
        let writes = vec![
            Write::Unlinked(self.runners[out].machine.lane_id(), Count::new(0)),
            Write::Unsettled(self.runners[back].machine.lane_id(), Count::new(0)),
            outgoing,
            incoming,
        ];
        self.store.commit(writes).await?;
        // The other side's observer goes on, and tells the set of the lane that ends there only when it changes.
        let set = self.runners[out].machine.relayer_set().cloned();
        for (lane, set) in [(out, set), (back, None)] {
            let runner = &mut self.runners[lane];
            let snapshot = self.store.reader().snapshot(runner.machine.lane())?;
            runner.machine.restart(snapshot, set);
            runner.submitter.forget();
            self.signing.forget(*runner.machine.lane());
        }
        Ok(Verdict::Rewritten { cursor: self.cursor(side) })
    }

    /// One input to one machine, and what it asks for.
    fn feed(&mut self, lane: Direction, input: Input, step: &mut Step) {
        let runner = &mut self.runners[lane];
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            runner.machine.handle(self.started.elapsed(), input);
            while let Some(output) = runner.machine.poll_output() {
                match output {
                    Output::Sign(checkpoint) => {
                        inputs.extend(self.signing.sign(checkpoint).map(Input::Signed));
                    }
                    Output::Record(Record::Attestation(attestation)) => {
                        step.writes.push(Write::Attestation(attestation));
                    }
                    Output::Record(Record::Conflict(_)) => step.writes.push(runner.row()),
                    Output::Record(Record::Voided(attestations)) => {
                        step.voided.extend(attestations);
                    }
                    Output::Act(action) => step.act(lane, action),
                }
            }
        }
    }

    /// Stores, then acts.
    async fn finish(&mut self, step: Step) -> Result<(), StoreError> {
        let mut committed = step.commit(&self.store).await?;
        for (lane, action) in committed.take_actions() {
            self.perform(lane, action).await;
        }
        let mut refused = Step::default();
        for lane in Direction::BOTH {
            for input in self.runners[lane].submitter.refused() {
                self.feed(lane, input, &mut refused);
            }
        }
        for (lane, action) in refused.commit(&self.store).await?.take_actions() {
            self.perform(lane, action).await;
        }
        self.signing.ask();
        committed.answer();
        self.publish();
        Ok(())
    }

    async fn perform(&mut self, lane: Direction, action: Action) {
        let runner = &mut self.runners[lane];
        match action {
            Action::Exchange(attestations) => {
                metrics::attested(&runner.name, attestations.len());
                // A peer that does not listen now loses nothing: it pulls what it misses.
                let _ = self.outbox.send(Outgoing::Attestations(attestations.into()));
            }
            Action::Submit { batch, attempt } => {
                let since = runner.pending_since(batch.first().count_before());
                runner.submitter.deliver(&batch, attempt, since).await;
            }
            Action::PostAttestation { attestation, attempt } => {
                runner.submitter.post(&attestation, attempt).await;
            }
            Action::Alarm(alarm) => runner.alarm(&alarm),
        }
    }

    fn cursor(&self, side: Side) -> Milestone {
        let source = &self.runners[side.outgoing()].machine;
        let incoming = self.runners[side.incoming()].machine.settled();
        Milestone { block: source.linked_block(), outgoing: source.linked(), incoming }
    }

    fn lane_of(&self, lane: Lane) -> Option<Direction> {
        self.runners.iter().find(|(_, runner)| *runner.machine.lane() == lane).map(|(at, _)| at)
    }

    fn publish(&self) {
        let lanes = Direction::BOTH.map(|lane| {
            let runner = &self.runners[lane];
            let status = runner.machine.status();
            let requested = self.requested[lane.source()];
            let pending_seconds = runner.pending_seconds(status.newest.count);
            metrics::lane(&runner.name, &status, pending_seconds);
            LaneReport {
                name: runner.name.clone(),
                lane: Some(*runner.machine.lane()),
                requested: requested.unwrap_or_default().max(status.linked.count),
                source_seen: requested.is_some(),
                pending_seconds,
                alarms: runner.alarms.iter().cloned().collect(),
                status: Some(status),
                abstains: None,
                abstentions: Vec::new(),
            }
        });
        self.report.send_replace(PairReport { name: self.pair.clone(), lanes });
    }
}
