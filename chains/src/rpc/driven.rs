//! Drives a call to its end, or until its caller drops it, whether or not the caller polls it meanwhile.
//!
//! A call holds what others wait for: a place among those that the endpoint answers at a time, a connection, a
//! breaker's probe. A caller that puts its future aside and awaits another call of the same endpoint would wait for
//! itself, with the deadline put aside too. So a call runs in a task of its own.

use alloy::rpc::json_rpc::RequestPacket;
use tokio_util::task::AbortOnDropHandle;
use tower::ServiceExt;
use tracing::Instrument;

use super::classify;
use super::fault::RpcFault;
use super::service::{CallOutcome, Rpc, service};

/// Runs each call of the service below in a task, which ends with the caller's future.
#[derive(Clone, Debug)]
pub(crate) struct Driven<S> {
    inner: S,
}

impl<S: Rpc> Driven<S> {
    pub(crate) const fn new(inner: S) -> Self {
        Self { inner }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the task ends with its caller's future, which sees its end"
    )]
    async fn run(self, request: RequestPacket) -> CallOutcome {
        let call = self.inner.oneshot(request).in_current_span();
        match AbortOnDropHandle::new(tokio::spawn(call)).await {
            Ok(outcome) => outcome,
            Err(ended) => match ended.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => {
                    Err(classify::as_error(RpcFault::Unreachable("shutting down".to_owned())))
                }
            },
        }
    }
}

service!(Driven);

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::FutureExt;

    use super::*;
    use crate::rpc::concurrency::Concurrency;
    use crate::rpc::testing::{Script, answer, request};

    #[tokio::test(start_paused = true)]
    async fn a_call_that_its_caller_puts_aside_gives_its_place_back() {
        let slow = Script::new(|_| async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok(answer("1"))
        });
        let layer = Driven::new(Concurrency::new(slow.service(), 1));
        let mut aside: Vec<_> =
            (0..3).map(|_| Box::pin(layer.clone().oneshot(request("eth_getLogs")))).collect();
        for call in &mut aside {
            assert!(call.now_or_never().is_none(), "it has begun, and is not polled any more");
        }
        let other = layer.clone().oneshot(request("eth_call"));
        let other = tokio::time::timeout(Duration::from_secs(5), other).await;
        assert!(other.expect("it gets its turn").is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_its_caller_drops_is_given_up() {
        let silent = Script::new(|_| async { std::future::pending().await });
        let layer = Driven::new(Concurrency::new(silent.service(), 1));
        let call = layer.clone().oneshot(request("eth_getLogs"));
        assert!(tokio::time::timeout(Duration::from_secs(1), call).await.is_err());
        let next = layer.clone().oneshot(request("eth_call"));
        assert!(tokio::time::timeout(Duration::from_secs(1), next).await.is_err());
        assert_eq!(silent.calls(), 2, "the place was free again");
    }
}
