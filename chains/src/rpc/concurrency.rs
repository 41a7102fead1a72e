//! Bounds how many calls an endpoint answers at a time; more calls wait their turn.

use std::sync::Arc;

use alloy::rpc::json_rpc::RequestPacket;
use tokio::sync::Semaphore;
use tower::ServiceExt;

use super::classify;
use super::fault::RpcFault;
use super::service::{CallOutcome, Rpc, service};

/// At most so many calls at a time; the deadline around the call bounds the wait.
#[derive(Clone, Debug)]
pub(crate) struct Concurrency<S> {
    inner: S,
    permits: Arc<Semaphore>,
}

impl<S: Rpc> Concurrency<S> {
    /// `max` of 0 counts as 1.
    pub(crate) fn new(inner: S, max: usize) -> Self {
        Self { inner, permits: Arc::new(Semaphore::new(max.max(1))) }
    }

    async fn run(self, request: RequestPacket) -> CallOutcome {
        let Ok(_permit) = self.permits.acquire().await else {
            return Err(classify::as_error(RpcFault::Unreachable("shutting down".to_owned())));
        };
        self.inner.oneshot(request).await
    }
}

service!(Concurrency);

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::rpc::testing::{Script, answer, request};

    #[tokio::test(start_paused = true)]
    async fn calls_past_the_bound_wait() {
        let script = Script::new(|_| async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok(answer("1"))
        });
        let layer = Concurrency::new(script.service(), 2);
        let before = tokio::time::Instant::now();
        let calls = (0..6).map(|_| layer.clone().oneshot(request("eth_call")));
        for outcome in futures::future::join_all(calls).await {
            assert!(outcome.is_ok());
        }
        assert_eq!(before.elapsed(), Duration::from_secs(3));
    }
}
