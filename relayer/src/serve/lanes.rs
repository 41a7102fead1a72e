//! Tells of a lane in the API's words.

use twinspan_api::decision::{Attestation, Conflict, Decision};
use twinspan_api::lane::{Abstaining, BridgeAt, Hold, Lane, LaneStatus, Position, Reason, Span};
use twinspan_bridge::ids::Count;
use twinspan_bridge::{abstain, attest, ids, io, lane_head, status as lane_status};

use crate::lanes::LaneEntry;
use crate::status;
use twinspan_store::DecisionRow;

/// The lane as the relayer knows it now.
pub(super) fn lane(entry: &LaneEntry) -> Lane {
    let report = entry.report();
    Lane {
        name: report.name,
        id: entry.lane.id().0,
        source: bridge_at(entry.lane.source),
        destination: bridge_at(entry.lane.destination),
        requested: report.requested.get(),
        pending_seconds: report.pending_seconds,
        alarms: report.alarms,
        status: report.status.map(status),
        abstains: report.abstains.map(reason),
        abstentions: report.abstentions.into_iter().map(abstaining).collect(),
    }
}

const fn bridge_at(at: ids::BridgeAt) -> BridgeAt {
    BridgeAt { chain_id: at.chain_id.get(), address: at.address }
}

const fn position(position: lane_head::LanePosition) -> Position {
    Position { count: position.count.get(), head: position.head }
}

fn status(status: lane_status::LaneStatus) -> LaneStatus {
    LaneStatus {
        linked: position(status.linked),
        linked_block: status.linked_block.get(),
        newest: position(status.newest),
        settled: position(status.settled),
        certified: status.certified.get(),
        attested: status.attested.map(Count::get),
        waiting_signers: status.waiting_signers,
        threshold: status.threshold,
        members: status.members,
        epoch: status.epoch,
        rank: status.rank,
        submitting: status.submitting.map(|(from, to)| Span { from: from.get(), to: to.get() }),
        in_flight: status.in_flight as u64,
        posted: status.posted as u64,
        window: status.window as u64,
        hold: status.hold.map(hold),
    }
}

const fn hold(hold: lane_status::Hold) -> Hold {
    match hold {
        lane_status::Hold::DestinationDiverged => Hold::DestinationDiverged,
        lane_status::Hold::Recovering => Hold::Recovering,
        lane_status::Hold::RelayerSetUnknown => Hold::RelayerSetUnknown,
        lane_status::Hold::NotAMember => Hold::NotAMember,
        lane_status::Hold::Paused => Hold::Paused,
        lane_status::Hold::Reorganised { up_to } => Hold::Reorganised { up_to: up_to.get() },
    }
}

const fn reason(reason: abstain::Reason) -> Reason {
    match reason {
        abstain::Reason::SourceStale => Reason::SourceStale,
        abstain::Reason::EndpointsDisagree => Reason::EndpointsDisagree,
        abstain::Reason::HeadMismatch => Reason::HeadMismatch,
        abstain::Reason::Reorganised => Reason::Reorganised,
        abstain::Reason::DestinationDiverged => Reason::DestinationDiverged,
        abstain::Reason::Paused => Reason::Paused,
        abstain::Reason::Recovering => Reason::Recovering,
    }
}

const fn abstaining(one: status::Abstaining) -> Abstaining {
    let status::Abstaining { relayer, reason: why, count } = one;
    Abstaining { relayer, reason: reason(why), count: count.get() }
}

/// A human's decision about it.
pub(super) fn decision(row: DecisionRow) -> Decision {
    let DecisionRow { at, reason, conflict, voided } = row;
    let io::Conflict { epoch, highest_attested, linked, contract } = conflict;
    Decision {
        at,
        reason,
        conflict: Conflict {
            epoch: epoch.get(),
            highest_attested: highest_attested.get(),
            linked: position(linked),
            contract: position(contract),
        },
        voided: voided.into_iter().map(attestation).collect(),
    }
}

const fn attestation(attestation: attest::Attestation) -> Attestation {
    let attest::Attestation { checkpoint, signer, signature } = attestation;
    Attestation {
        epoch: checkpoint.epoch.get(),
        count: checkpoint.position.count.get(),
        head: checkpoint.position.head,
        signer,
        r: signature.r,
        vs: signature.vs,
    }
}
