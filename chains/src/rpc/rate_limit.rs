//! Keeps an endpoint below the rate that its operator allows.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use alloy::rpc::json_rpc::RequestPacket;
use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::time::Instant;
use tower::ServiceExt;

use super::service::{CallOutcome, Rpc, service};

/// The runtime's time for governor's limiters, so that a paused runtime pauses them too.
#[derive(Clone, Debug)]
pub struct RuntimeClock(Instant);

impl Default for RuntimeClock {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Clock for RuntimeClock {
    /// The time since the clock was made.
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

/// A limiter that counts in the runtime's time.
pub type Limiter = RateLimiter<NotKeyed, InMemoryState, RuntimeClock, NoOpMiddleware<Duration>>;

/// Lets `per_second` pass in a second, in bursts of as many.
#[must_use]
pub fn limiter(per_second: NonZeroU32) -> Limiter {
    RateLimiter::direct_with_clock(Quota::per_second(per_second), RuntimeClock::default())
}

/// Lets `per_second` calls pass in a second, in bursts of as many; more calls wait.
#[derive(Clone, Debug)]
pub(crate) struct RateLimit<S> {
    inner: S,
    limiter: Option<Arc<Limiter>>,
}

impl<S: Rpc> RateLimit<S> {
    /// `per_second` of 0 is no limit.
    pub(crate) fn new(inner: S, per_second: u32) -> Self {
        Self { inner, limiter: NonZeroU32::new(per_second).map(limiter).map(Arc::new) }
    }

    async fn run(self, request: RequestPacket) -> CallOutcome {
        if let Some(limiter) = &self.limiter {
            // Each call of a batch counts; the loop is as long as the batch.
            for _ in 0..request.len() {
                pass(limiter).await;
            }
        }
        self.inner.oneshot(request).await
    }
}

/// Waits for a turn. Others may take it first; the deadline around the call bounds that.
async fn pass(limiter: &Limiter) {
    while let Err(early) = limiter.check() {
        tokio::time::sleep(early.wait_time_from(limiter.clock().now())).await;
    }
}

service!(RateLimit);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::testing::{Script, answer, request};

    #[tokio::test(start_paused = true)]
    async fn calls_past_the_rate_wait() {
        let script = Script::new(|_| async { Ok(answer("1")) });
        let layer = RateLimit::new(script.service(), 20);
        let before = Instant::now();
        let mut took = Vec::new();
        for _ in 0..60 {
            assert!(layer.clone().oneshot(request("eth_call")).await.is_ok());
            took.push(before.elapsed());
        }
        assert_eq!(took[19], Duration::ZERO, "a burst of a second's calls passes at once");
        let (last, want) = (took[59], Duration::from_secs(2));
        assert!(last >= want && last < want + Duration::from_millis(100), "{last:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_rate_nothing_waits() {
        let script = Script::new(|_| async { Ok(answer("1")) });
        let layer = RateLimit::new(script.service(), 0);
        let before = Instant::now();
        for _ in 0..1_000 {
            assert!(layer.clone().oneshot(request("eth_call")).await.is_ok());
        }
        assert_eq!(before.elapsed(), Duration::ZERO);
    }
}
