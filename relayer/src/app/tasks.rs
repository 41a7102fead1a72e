//! The small tasks beside the lanes: they pass outcomes on, wait for recovery, and keep metrics in bounds.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use alloy::primitives::Address;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use twinspan_bridge::side::Direction;
use twinspan_chains::EvmChain;
use twinspan_chains::condition::{ChainState, Condition, EndpointState};
use twinspan_chains::transactions::Resolved;
use twinspan_store::{Store, StoreError, Write};

use crate::engine::Message;
use crate::lanes::Directory;
use crate::metrics;

/// Tells each lane that uses an account how its transactions ended: the contract that they called is the lane's end.
pub(super) async fn tell_outcomes(
    mut outcomes: mpsc::Receiver<Resolved>,
    lanes: BTreeMap<Address, LaneInbox>,
    cancel: CancellationToken,
) -> Result<(), std::convert::Infallible> {
    let tell = async {
        while let Some(resolved) = outcomes.recv().await {
            // Nobody waits for what an earlier configuration sent elsewhere.
            let Some((lane, engine)) = lanes.get(&resolved.to) else { continue };
            // A pair that has stopped needs nothing more.
            let _ = engine.send(Message::Resolved { lane: *lane, resolved }).await;
        }
    };
    cancel.run_until_cancelled(tell).await;
    cancel.cancelled().await;
    Ok(())
}

/// Where the messages of a lane go.
pub(super) type LaneInbox = (Direction, mpsc::Sender<Message>);

/// Looks out for a chain's new blocks, for all that wait for them.
pub(super) async fn watch_heads(
    chain: EvmChain,
    cancel: CancellationToken,
) -> Result<(), std::convert::Infallible> {
    let mut heads = chain.heads();
    let watch = async {
        loop {
            heads.next().await;
        }
    };
    cancel.run_until_cancelled(watch).await;
    Ok(())
}

/// Waits until every peer has answered, or has had its time, and lets the lanes sign. That it is done is stored last,
/// so a relayer killed before asks again.
pub(super) async fn recover(
    mut answered: mpsc::Receiver<()>,
    peers: usize,
    timeout: Duration,
    directory: Arc<Directory>,
    store: Store,
    cancel: CancellationToken,
) -> Result<(), StoreError> {
    let all = async {
        for _ in 0..peers {
            let _ = answered.recv().await;
        }
    };
    info!(peers, ?timeout, "the store is new: asking peers what we attested before");
    let wait = tokio::time::timeout(timeout, all);
    if let Some(waited) = cancel.run_until_cancelled(wait).await {
        if waited.is_err() {
            tracing::warn!("not every peer answered in time: going on without them");
        }
        for entry in directory.values() {
            let (done, stored) = oneshot::channel();
            if entry.engine.send(Message::Recovered(done)).await.is_err() || stored.await.is_err() {
                // The engine has stopped: the next run asks again.
                cancel.cancelled().await;
                return Ok(());
            }
        }
        store.commit(vec![Write::Recovered]).await?;
    }
    cancel.cancelled().await;
    Ok(())
}

/// Tells what the chains are like, and lets histograms drain, so that they do not grow while nobody scrapes.
pub(super) async fn keep_up(
    handle: PrometheusHandle,
    chains: Vec<EvmChain>,
    cancel: CancellationToken,
) -> Result<(), std::convert::Infallible> {
    let mut told = vec![Condition::default(); chains.len()];
    loop {
        for (chain, told) in chains.iter().zip(&mut told) {
            let condition = chain.condition();
            metrics::chain(chain.name(), &condition);
            tell_change(chain.name(), told, &condition);
            *told = condition;
        }
        let pause = tokio::time::sleep(Duration::from_secs(5));
        if cancel.run_until_cancelled(pause).await.is_none() {
            return Ok(());
        }
        handle.run_upkeep();
    }
}

/// A chain's change is worth a line, and an endpoint's.
fn tell_change(chain: &str, before: &Condition, now: &Condition) {
    if before.state != now.state {
        match now.state {
            ChainState::Starting => {}
            ChainState::Live => info!(chain, "the chain makes blocks"),
            ChainState::Halted => warn!(
                chain,
                seconds = now.still_seconds,
                "the chain is halted: no new block; nothing is lost, and all goes on with it"
            ),
            ChainState::Unreachable => {
                warn!(chain, "no endpoint of the chain answers: check the nodes, or name others");
            }
        }
    }
    for endpoint in &now.endpoints {
        let was = before.endpoints.iter().find(|known| known.label == endpoint.label);
        let was = was.map_or(EndpointState::Up, |known| known.state);
        let (label, state) = (&endpoint.label, endpoint.state.label());
        match endpoint.state {
            same if same == was => {}
            EndpointState::Up => info!(chain, endpoint = label, "the endpoint is well again"),
            EndpointState::Slow
            | EndpointState::Lagging
            | EndpointState::Distrusted
            | EndpointState::Dead => {
                warn!(
                    chain,
                    endpoint = label,
                    state,
                    "an endpoint is unwell: others are asked first"
                );
            }
        }
    }
}
