//! Keeps an endpoint below the rate that its operator allows.

use std::num::NonZeroU32;
use std::sync::Arc;

use alloy::rpc::json_rpc::RequestPacket;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tower::ServiceExt;

use super::service::{Outcome, Rpc, service};

/// Lets `per_second` calls pass in a second, in bursts of as many; more calls wait.
#[derive(Clone, Debug)]
pub(crate) struct RateLimit<S> {
    inner: S,
    limiter: Option<Arc<DefaultDirectRateLimiter>>,
}

impl<S: Rpc> RateLimit<S> {
    /// `per_second` of 0 is no limit.
    pub(crate) fn new(inner: S, per_second: u32) -> Self {
        let limiter = NonZeroU32::new(per_second)
            .map(|n| Arc::new(RateLimiter::direct(Quota::per_second(n))));
        Self { inner, limiter }
    }

    async fn run(self, request: RequestPacket) -> Outcome {
        if let Some(limiter) = &self.limiter {
            // Each call of a batch counts; the loop is as long as the batch.
            for _ in 0..request.len() {
                limiter.until_ready().await;
            }
        }
        self.inner.oneshot(request).await
    }
}

service!(RateLimit);

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::rpc::testing::{Script, answer, request};

    // governor keeps its own clock, which tokio cannot pause.
    #[tokio::test]
    async fn calls_past_the_rate_wait() {
        let script = Script::new(|_| async { Ok(answer("1")) });
        let layer = RateLimit::new(script.service(), 20);
        let before = Instant::now();
        for _ in 0..24 {
            assert!(layer.clone().oneshot(request("eth_call")).await.is_ok());
        }
        assert!(before.elapsed() >= Duration::from_millis(150), "{:?}", before.elapsed());
    }
}
