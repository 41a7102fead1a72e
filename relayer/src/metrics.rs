//! Every metric of the relayer, with its labels; those of a chain are in [`twinspan_chains::metrics`].

use metrics::{counter, describe_counter, describe_gauge, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use twinspan_bridge::observe::ParkReason;
use twinspan_bridge::status::LaneStatus;
use twinspan_chains::condition::{ChainState, Condition, EndpointState};

/// Upper bounds of the latency histogram, in seconds.
const SECONDS: [f64; 14] =
    [0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 30.0];

/// The exposition could not be set up.
#[derive(Debug, thiserror::Error)]
#[error("metrics cannot be set up: {0}")]
pub struct MetricsError(String);

/// Installs the recorder of the process. Call it once.
///
/// # Errors
/// [`MetricsError`] if there is one already.
pub(crate) fn install() -> Result<PrometheusHandle, MetricsError> {
    let failed = |error: metrics_exporter_prometheus::BuildError| MetricsError(error.to_string());
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &SECONDS)
        .map_err(failed)?
        .install_recorder()
        .map_err(failed)?;
    describe_gauge!("twinspan_lane_requests", "Requests by how far they have come");
    describe_gauge!("twinspan_lane_oldest_pending_seconds", "Age of the oldest pending request");
    describe_gauge!(
        "twinspan_lane_quorum_margin",
        "Attestations beyond the threshold, if negative: missing"
    );
    describe_gauge!("twinspan_chain_state", "1 for the state that the chain is in");
    describe_gauge!("twinspan_endpoint_state", "1 for the state that the endpoint is in");
    describe_gauge!("twinspan_lane_abstains", "1 while this relayer signs nothing");
    describe_counter!("twinspan_attestations_total", "Checkpoints that this relayer attested");
    describe_counter!("twinspan_attestations_posted_total", "Attestations posted on chain");
    describe_counter!(
        "twinspan_signer_failures_total",
        "Requests for an attestation's signature that the remote signer did not fulfil"
    );
    counter!("twinspan_signer_failures_total").absolute(0);
    describe_counter!(
        "twinspan_configuration_changes_total",
        "Changed configurations, by whether they were taken"
    );
    for outcome in ["taken", "refused"] {
        counter!("twinspan_configuration_changes_total", "outcome" => outcome).absolute(0);
    }
    describe_counter!("twinspan_handovers_total", "Requests that the destination handed over");
    describe_counter!("twinspan_batches_sent_total", "Batches that this relayer sent");
    describe_counter!("twinspan_batches_lost_total", "Own batches that reverted");
    describe_counter!("twinspan_parked_total", "Handovers parked by reason");
    describe_counter!("twinspan_alarms_total", "Alarms by kind");
    describe_counter!("twinspan_peer_messages_total", "Peer requests answered, by outcome");
    twinspan_chains::metrics::describe();
    Ok(handle)
}

/// Zero-initialises a lane's counters, so that their first rise is seen.
pub(crate) fn init_lane(lane: &str) {
    for name in [
        "twinspan_attestations_total",
        "twinspan_attestations_posted_total",
        "twinspan_handovers_total",
        "twinspan_batches_sent_total",
        "twinspan_batches_lost_total",
    ] {
        counter!(name, "lane" => lane.to_owned()).absolute(0);
    }
    for kind in ["peer_contradicts", "conflict", "destination_diverged"] {
        counter!("twinspan_alarms_total", "lane" => lane.to_owned(), "kind" => kind).absolute(0);
    }
}

/// Another configuration was taken, or refused.
pub(crate) fn reloaded(taken: bool) {
    let outcome = if taken { "taken" } else { "refused" };
    counter!("twinspan_configuration_changes_total", "outcome" => outcome).increment(1);
}

/// A chain's state, and that of its endpoints: 1 for the state that is, 0 for the others.
pub(crate) fn chain(chain: &str, condition: &Condition) {
    let is = |yes: bool| if yes { 1.0 } else { 0.0 };
    for state in ChainState::ALL {
        gauge!("twinspan_chain_state", "chain" => chain.to_owned(), "state" => state.label())
            .set(is(condition.state == state));
    }
    for endpoint in &condition.endpoints {
        for state in EndpointState::ALL {
            gauge!(
                "twinspan_endpoint_state", "chain" => chain.to_owned(),
                "endpoint" => endpoint.label.clone(), "state" => state.label(),
            )
            .set(is(endpoint.state == state));
        }
    }
}

/// A lane's state.
#[allow(clippy::cast_precision_loss)]
pub(crate) fn lane(lane: &str, status: &LaneStatus, pending_seconds: f64) {
    let requests = |stage: &'static str, count: u64| {
        gauge!("twinspan_lane_requests", "lane" => lane.to_owned(), "stage" => stage)
            .set(count as f64);
    };
    requests("linked", status.linked.count.get());
    requests("certified", status.certified.get());
    requests("delivered", status.newest.count.get());
    requests("settled", status.settled.count.get());
    gauge!("twinspan_lane_oldest_pending_seconds", "lane" => lane.to_owned()).set(pending_seconds);
    let abstains = if status.hold.is_some() { 1.0 } else { 0.0 };
    gauge!("twinspan_lane_abstains", "lane" => lane.to_owned()).set(abstains);
    let margin = status.waiting_signers.len() as f64 - f64::from(status.threshold);
    let margin = if status.linked.count == status.newest.count { 0.0 } else { margin };
    gauge!("twinspan_lane_quorum_margin", "lane" => lane.to_owned()).set(margin);
}

/// Checkpoints were signed.
pub(crate) fn attested(lane: &str, checkpoints: usize) {
    counter!("twinspan_attestations_total", "lane" => lane.to_owned())
        .increment(checkpoints as u64);
}

/// An attestation goes on chain.
pub(crate) fn posted(lane: &str) {
    counter!("twinspan_attestations_posted_total", "lane" => lane.to_owned()).increment(1);
}

/// The destination handed requests over.
pub(crate) fn delivered(lane: &str, requests: u64) {
    counter!("twinspan_handovers_total", "lane" => lane.to_owned()).increment(requests);
}

/// A handover was parked.
pub(crate) fn parked(lane: &str, reason: ParkReason) {
    let reason = match reason {
        ParkReason::TokenUnavailable => "token_unavailable",
        ParkReason::LiquidityShort => "liquidity_short",
        ParkReason::RateLimited => "rate_limited",
        ParkReason::Delayed => "delayed",
        ParkReason::PayoutFailed => "payout_failed",
        ParkReason::OutOfBounds => "out_of_bounds",
        ParkReason::DataRefused => "data_refused",
    };
    counter!("twinspan_parked_total", "lane" => lane.to_owned(), "reason" => reason).increment(1);
}

/// A batch was handed to the account that sends it.
pub(crate) fn submitted(lane: &str) {
    counter!("twinspan_batches_sent_total", "lane" => lane.to_owned()).increment(1);
}

/// An own batch reverted: another relayer was first, or it was refused.
pub(crate) fn lost(lane: &str) {
    counter!("twinspan_batches_lost_total", "lane" => lane.to_owned()).increment(1);
}

/// An alarm was raised.
pub(crate) fn alarm(lane: &str, kind: &'static str) {
    counter!("twinspan_alarms_total", "lane" => lane.to_owned(), "kind" => kind).increment(1);
}

/// So many members attest nothing on a lane, by their own word.
pub(crate) fn abstaining(lane: &str, members: usize) {
    gauge!("twinspan_members_abstaining", "lane" => lane.to_owned()).set(members as f64);
}

/// A peer's request was answered. `outcome` is one of a closed set of words.
pub(crate) fn peer_message(outcome: &'static str) {
    counter!("twinspan_peer_messages_total", "outcome" => outcome).increment(1);
}

/// The remote signer gave no signature.
pub(crate) fn unsigned() {
    counter!("twinspan_signer_failures_total").increment(1);
}
