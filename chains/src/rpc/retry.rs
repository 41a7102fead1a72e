//! Repeats calls that only read, when the cause of their failure may have passed.

use std::time::Duration;

use alloy::rpc::json_rpc::RequestPacket;
use tower::ServiceExt;

use super::fault::RpcFault;
use super::service::{CallOutcome, Rpc, service};
use super::{classify, method};
use crate::clock::Clock;

/// Most repetitions of one call. The deadline around the retries bounds their time.
const RETRIES_MAX: u32 = 3;
/// Waits before a repetition, from the first to the last.
const WAIT_MIN: Duration = Duration::from_millis(100);
const WAIT_MAX: Duration = Duration::from_millis(400);

/// Repeats idempotent calls. A transaction is never sent again by it: its account alone
/// decides that.
#[derive(Clone, Debug)]
pub(crate) struct Retry<S> {
    inner: S,
    clock: Clock,
}

impl<S: Rpc> Retry<S> {
    pub(crate) const fn new(inner: S, clock: Clock) -> Self {
        Self { inner, clock }
    }

    async fn run(self, request: RequestPacket) -> CallOutcome {
        if !method::is_idempotent(&request) {
            return self.inner.oneshot(request).await;
        }
        let mut backoff = self.clock.backoff(WAIT_MIN, WAIT_MAX);
        for _ in 0..RETRIES_MAX {
            let outcome = self.inner.clone().oneshot(request.clone()).await;
            match classify::fault_in(&outcome) {
                // Another endpoint may have that state; this one will not have it again.
                Some(RpcFault::StatePruned) => return outcome,
                Some(fault) if fault.may_pass() => tokio::time::sleep(backoff.next()).await,
                Some(_) | None => return outcome,
            }
        }
        self.inner.oneshot(request).await
    }
}

service!(Retry);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::testing::{Script, answer, request};

    #[tokio::test(start_paused = true)]
    async fn a_read_is_repeated_until_it_is_answered() {
        let script = Script::new(|n| async move {
            if n < 2 {
                Err(classify::as_error(RpcFault::UnknownBlock))
            } else {
                Ok(answer("\"0x1\""))
            }
        });
        let outcome =
            Retry::new(script.service(), Clock::system()).oneshot(request("eth_call")).await;
        assert!(classify::fault_in(&outcome).is_none());
        assert_eq!(script.calls(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn repetitions_are_bounded() {
        let script = Script::new(|_| async { Err(classify::as_error(RpcFault::Timeout)) });
        let outcome =
            Retry::new(script.service(), Clock::system()).oneshot(request("eth_call")).await;
        assert_eq!(classify::fault_in(&outcome), Some(RpcFault::Timeout));
        assert_eq!(script.calls(), RETRIES_MAX as usize + 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_transaction_is_sent_once() {
        let script = Script::new(|_| async { Err(classify::as_error(RpcFault::Timeout)) });
        let call = Retry::new(script.service(), Clock::system())
            .oneshot(request("eth_sendRawTransaction"));
        assert!(call.await.is_err());
        assert_eq!(script.calls(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_definite_answer_is_not_asked_again() {
        let script = Script::new(|_| async { Err(classify::as_error(RpcFault::TooLarge)) });
        assert!(
            Retry::new(script.service(), Clock::system())
                .oneshot(request("eth_getLogs"))
                .await
                .is_err()
        );
        assert_eq!(script.calls(), 1);
    }
}
