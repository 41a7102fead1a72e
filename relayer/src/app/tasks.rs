//! The small tasks beside the lanes: they serve, pass outcomes on, wait for recovery, and keep metrics in bounds.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::info;
use twinspan_chains::transactions::Resolved;

use crate::engine::Message;
use crate::peers::Directory;

/// Serves until cancelled.
pub(super) async fn serve(
    listener: TcpListener,
    router: axum::Router,
    cancel: CancellationToken,
) -> std::io::Result<()> {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).with_graceful_shutdown(cancel.cancelled_owned()).await
}

/// Serves the operator until cancelled.
pub(super) async fn serve_operator(
    listener: UnixListener,
    router: axum::Router,
    cancel: CancellationToken,
) -> std::io::Result<()> {
    axum::serve(listener, router).with_graceful_shutdown(cancel.cancelled_owned()).await
}

/// Tells every pair that uses an account how its transactions ended.
pub(super) async fn tell_outcomes(
    mut outcomes: mpsc::Receiver<Resolved>,
    pairs: Vec<mpsc::Sender<Message>>,
    cancel: CancellationToken,
) -> Result<(), std::convert::Infallible> {
    let tell = async {
        while let Some(resolved) = outcomes.recv().await {
            for pair in &pairs {
                // A pair that has stopped needs nothing more.
                let _ = pair.send(Message::Resolved(resolved.clone())).await;
            }
        }
    };
    cancel.run_until_cancelled(tell).await;
    cancel.cancelled().await;
    Ok(())
}

/// Waits until every peer has answered, or has had its time, and lets the lanes sign.
pub(super) async fn recover(
    mut answered: mpsc::Receiver<()>,
    peers: usize,
    timeout: Duration,
    directory: Arc<Directory>,
    cancel: CancellationToken,
) -> Result<(), std::convert::Infallible> {
    let all = async {
        for _ in 0..peers {
            let _ = answered.recv().await;
        }
    };
    if peers > 0 {
        info!(peers, ?timeout, "the store is new: asking peers what we attested before");
    }
    let wait = tokio::time::timeout(timeout, all);
    if let Some(waited) = cancel.run_until_cancelled(wait).await {
        if waited.is_err() {
            tracing::warn!("not every peer answered in time: going on without them");
        }
        for entry in directory.values() {
            let _ = entry.engine.send(Message::Recovered).await;
        }
    }
    cancel.cancelled().await;
    Ok(())
}

/// Lets histograms drain, so that they do not grow while nobody scrapes.
pub(super) async fn keep_up(
    handle: PrometheusHandle,
    cancel: CancellationToken,
) -> Result<(), std::convert::Infallible> {
    loop {
        let pause = tokio::time::sleep(Duration::from_secs(5));
        if cancel.run_until_cancelled(pause).await.is_none() {
            return Ok(());
        }
        handle.run_upkeep();
    }
}
