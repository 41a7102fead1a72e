//! Runs one lane of the engine: its machine, the age of what waits, its alarms and its way to the destination.

use std::collections::VecDeque;

use tokio::time::Instant;
use tracing::{debug, error, info, warn};
use twinspan_bridge::ids::{BlockNumber, Count, Lane, Nonce};
use twinspan_bridge::io::Alarm;
use twinspan_bridge::lane_head::LanePosition;
use twinspan_bridge::machine::{LaneMachine, Params};
use twinspan_bridge::observe::SettlementEvent;
use twinspan_bridge::settle::Settled;
use twinspan_store::{LaneRow, Store, StoreError, Write};

use super::submit::Submitter;
use crate::metrics;

/// Marks of how old the oldest pending request is, kept for a lane at most.
const AGES_MAX: usize = 1_024;

/// Alarms shown in the status, at most; the newest stay.
const ALARMS_MAX: usize = 16;

/// The parts of a lane of the engine.
#[derive(Debug)]
pub(crate) struct LaneSetup {
    /// Its constants.
    pub params: Params,
    /// Its name in logs and metrics.
    pub name: String,
    /// The block that its source bridge was deployed in.
    pub start_block: BlockNumber,
    /// Sends to its destination.
    pub submitter: Submitter,
}

/// One lane and what surrounds it.
pub(super) struct LaneRunner {
    pub(super) name: String,
    pub(super) machine: LaneMachine,
    /// The last block in which the source bridge cannot have done anything.
    before_start: BlockNumber,
    pub(super) submitter: Submitter,
    /// When the lane was first linked this far, for what the destination has not passed.
    pub(super) ages: VecDeque<(Count, Instant)>,
    pub(super) alarms: VecDeque<String>,
}

impl LaneRunner {
    pub(super) fn restore(setup: LaneSetup, store: &Store) -> Result<Self, StoreError> {
        let LaneSetup { params, name, start_block, submitter } = setup;
        let before_start = start_block.minus(1);
        let mut snapshot = store.reader().snapshot(&params.lane)?;
        snapshot.linked_block = snapshot.linked_block.max(before_start);
        let machine = LaneMachine::restore(params, snapshot);
        let (ages, alarms) = (VecDeque::new(), VecDeque::new());
        let mut runner = Self { name, machine, before_start, submitter, ages, alarms };
        runner.age(runner.machine.linked().count, Instant::now());
        Ok(runner)
    }

    /// How far the lane has come.
    pub(super) fn row(&self) -> Write {
        Write::Lane(self.machine.lane_id(), self.state())
    }

    /// The same, where the source's history is gone.
    pub(super) fn unlinked(&self) -> Write {
        let linked = LanePosition::start(self.machine.lane());
        let row = LaneRow { linked, linked_block: self.before_start, term: None, ..self.state() };
        Write::Lane(self.machine.lane_id(), row)
    }

    /// The same, where the destination's history is gone.
    pub(super) fn unsettled(&self) -> Write {
        let settled = LanePosition::start(self.machine.lane());
        Write::Lane(self.machine.lane_id(), LaneRow { settled, ..self.state() })
    }

    fn state(&self) -> LaneRow {
        LaneRow {
            linked: self.machine.linked(),
            linked_block: self.machine.linked_block(),
            term: self.machine.term(),
            settled: self.machine.settled(),
            conflict: self.machine.conflict(),
        }
    }

    pub(super) fn age(&mut self, linked: Count, seen_at: Instant) {
        if self.ages.len() == AGES_MAX {
            // The oldest mark matters most; the newest two become one.
            self.ages.pop_back();
        }
        self.ages.push_back((linked, seen_at));
        let delivered = self.machine.newest().count;
        while self.ages.front().is_some_and(|(count, _)| *count <= delivered) {
            self.ages.pop_front();
        }
    }

    /// How long the oldest request that the destination has not passed has waited here.
    pub(super) fn pending_seconds(&self, delivered: Count) -> f64 {
        self.pending_since(delivered).map_or(0.0, |since| since.elapsed().as_secs_f64())
    }

    pub(super) fn pending_since(&self, delivered: Count) -> Option<Instant> {
        self.ages.iter().find(|(count, _)| *count > delivered).map(|(_, since)| *since)
    }

    pub(super) fn alarm(&mut self, alarm: &Alarm) {
        let (kind, text) = describe(alarm);
        metrics::alarm(&self.name, kind);
        error!(lane = %self.name, kind, "{text}");
        if self.alarms.len() == ALARMS_MAX {
            self.alarms.pop_front();
        }
        self.alarms.push_back(text);
    }
}

/// The alarm's kind, from a closed set, and what an operator reads.
fn describe(alarm: &Alarm) -> (&'static str, String) {
    match alarm {
        Alarm::PeerContradicts { member, count } => (
            "peer_contradicts",
            format!(
                "relayer {member} signed another history at count {count}: its node is on a fork, \
                 or its key is stolen; ask its operator"
            ),
        ),
        Alarm::Conflict(conflict) => (
            "conflict",
            format!(
                "what we attested up to count {} is no longer on the source chain: abstaining up to \
                 it until the destination has passed it; check the node",
                conflict.highest_attested
            ),
        ),
        Alarm::DestinationDiverged { linked, destination } => (
            "destination_diverged",
            format!(
                "the destination holds head {} at count {}, the source {}: the lane is halted; \
                 check both nodes, then recover the lane",
                destination.head, destination.count, linked.head
            ),
        ),
    }
}

/// The span that everything about one transfer is logged in.
pub(super) fn transfer_span(lane: &Lane, nonce: Nonce) -> tracing::Span {
    tracing::info_span!("transfer", id = %lane.transfer(nonce))
}

/// Logs a batch once, and each of its transfers in a span of its own.
pub(super) fn log_settled(name: &str, lane: &Lane, settled: &Settled) {
    for settlement in settled.settlements() {
        let transaction = settlement.transaction;
        let span = |nonce| transfer_span(lane, nonce).entered();
        match settlement.event {
            SettlementEvent::BatchDelivered { first, count, submitter, .. } => {
                metrics::delivered(name, count.since(first.count_before()));
                info!(lane = name, %first, %count, %submitter, %transaction, "batch handed over");
            }
            SettlementEvent::HandedOver { nonce, .. } => {
                let _transfer = span(nonce);
                debug!(%transaction, "handed over");
            }
            SettlementEvent::Parked { nonce, reason, .. } => {
                metrics::parked(name, reason);
                let _transfer = span(nonce);
                warn!(?reason, %transaction, "parked");
            }
            SettlementEvent::Released { nonce, .. } => {
                let _transfer = span(nonce);
                info!(%transaction, "released");
            }
            SettlementEvent::Returned { nonce, return_nonce } => {
                let _transfer = span(nonce);
                let home = lane.reverse().transfer(return_nonce);
                info!(%transaction, %home, "returned");
            }
        }
    }
}
