//! One lane of the engine, with its age, its alarms and its way to the destination.

use std::collections::VecDeque;
use std::time::Instant;

use tracing::{debug, error, info, warn};
use twinspan_bridge::effect::{Alarm, Conflict};
use twinspan_bridge::ids::{BlockNumber, Count, Lane, LaneId, Nonce};
use twinspan_bridge::machine::{LaneMachine, Params};
use twinspan_bridge::observe::SettlementEvent;
use twinspan_bridge::relayer_set::RelayerSet;
use twinspan_bridge::settle::Settled;
use twinspan_store::{LaneRow, Store, StoreError, Write};

use super::submit::Submitter;
use crate::metrics;

/// Marks of how old the oldest pending request is, kept for a lane at most.
const AGES_MAX: usize = 1_024;

/// Alarms shown in the status, at most; the newest stay.
const ALARMS_MAX: usize = 16;

/// What a lane of the engine is made from.
#[derive(Debug)]
pub struct LaneSetup {
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
pub(super) struct Seat {
    pub(super) lane: Lane,
    pub(super) id: LaneId,
    pub(super) name: String,
    pub(super) machine: LaneMachine,
    /// Recovering until peers had their time to return what was lost.
    pub(super) params: Params,
    /// The destination's relayer set, as it was last read.
    pub(super) set: Option<RelayerSet>,
    pub(super) start_block: BlockNumber,
    pub(super) conflict: Option<Conflict>,
    pub(super) submitter: Submitter,
    /// When the lane was first linked this far, for what the destination has not passed.
    pub(super) ages: VecDeque<(Count, Instant)>,
    pub(super) alarms: VecDeque<String>,
}

impl Seat {
    pub(super) fn restore(setup: LaneSetup, store: &Store) -> Result<Self, StoreError> {
        let LaneSetup { params, name, start_block, submitter } = setup;
        let lane = params.lane;
        let mut snapshot = store.reader().snapshot(&lane)?;
        if snapshot.linked_block < start_block {
            // Nothing can have happened before the bridge was there.
            snapshot.linked_block = start_block.minus(1);
        }
        let conflict = snapshot.conflict;
        let machine = LaneMachine::restore(params, snapshot);
        let mut seat = Self {
            lane,
            id: lane.id(),
            name,
            machine,
            params,
            set: None,
            start_block: start_block.minus(1),
            conflict,
            submitter,
            ages: VecDeque::new(),
            alarms: VecDeque::new(),
        };
        seat.age(seat.machine.linked().count, Instant::now());
        Ok(seat)
    }

    pub(super) fn row(&self) -> Write {
        let row = LaneRow {
            linked: self.machine.linked(),
            linked_block: self.machine.linked_block(),
            term: self.machine.term(),
            settled: self.machine.settled(),
            conflict: self.conflict,
        };
        Write::Lane(self.id, row)
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
                metrics::delivered(name, count.since(Count::new(first.get())));
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
            SettlementEvent::Released { nonce } => {
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
