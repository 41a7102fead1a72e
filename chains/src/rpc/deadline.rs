//! Ends a call as a whole, retries and failovers included, after a fixed time.

use std::time::Duration;

use alloy::rpc::json_rpc::RequestPacket;
use tower::ServiceExt;

use super::classify;
use super::fault::RpcFault;
use super::service::{CallOutcome, Rpc, service};

/// Gives up on a call after `limit`. Used twice: around the whole call, and around each attempt.
#[derive(Clone, Debug)]
pub(crate) struct Deadline<S> {
    inner: S,
    limit: Duration,
}

impl<S: Rpc> Deadline<S> {
    pub(crate) const fn new(inner: S, limit: Duration) -> Self {
        Self { inner, limit }
    }

    async fn run(self, request: RequestPacket) -> CallOutcome {
        match tokio::time::timeout(self.limit, self.inner.oneshot(request)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(classify::as_error(RpcFault::Timeout)),
        }
    }
}

service!(Deadline);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::testing::{Script, request};

    #[tokio::test(start_paused = true)]
    async fn a_silent_node_ends_in_a_timeout() {
        let silent = Script::new(|_| async { std::future::pending().await });
        let layer = Deadline::new(silent.service(), Duration::from_secs(3));
        let before = tokio::time::Instant::now();
        let outcome = layer.oneshot(request("eth_call")).await;
        assert_eq!(classify::fault_in(&outcome), Some(RpcFault::Timeout));
        assert_eq!(before.elapsed(), Duration::from_secs(3));
    }
}
