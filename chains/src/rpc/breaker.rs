//! Leaves an endpoint alone for a while after it failed several times in a row.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use alloy::rpc::json_rpc::RequestPacket;
use tokio::time::Instant;
use tower::ServiceExt;

use super::classify;
use super::fault::RpcFault;
use super::service::{CallOutcome, Rpc, service};
use crate::backoff::Backoff;
use crate::clock::Clock;

/// Failures in a row that open the breaker.
const FAILURES_MAX: u32 = 5;
/// How long the breaker stays open at most, the first time and in the end. It is a [`Backoff`], so relayers that share
/// an endpoint do not all come back at once.
const OPEN_FIRST: Duration = Duration::from_secs(1);
const OPEN_MAX: Duration = Duration::from_secs(30);

/// Refuses calls at once while open; after that, one call at a time probes the endpoint.
#[derive(Clone, Debug)]
pub(crate) struct Breaker<S> {
    inner: S,
    switch: Arc<Mutex<Switch>>,
    gauge: metrics::Gauge,
}

#[derive(Debug)]
struct Switch {
    state: State,
    backoff: Backoff,
}

/// Edges: closed → open, on the last failure allowed. Open → probing, when its time is over. Probing → closed, on
/// success; → open (for longer), on failure.
#[derive(Clone, Copy, Debug)]
enum State {
    Closed { failures: u32 },
    Open { until: Instant },
    Probing { since: Instant },
}

/// Shows a breaker's state.
#[derive(Clone, Debug)]
pub(crate) struct BreakerView(Arc<Mutex<Switch>>);

impl BreakerView {
    pub(crate) fn is_closed(&self) -> bool {
        let switch = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        matches!(switch.state, State::Closed { .. })
    }
}

impl<S: Rpc> Breaker<S> {
    /// `gauge` shows 0 for closed, 1 for open and 2 for probing.
    pub(crate) fn new(inner: S, clock: &Clock, gauge: metrics::Gauge) -> Self {
        gauge.set(0.0);
        let backoff = clock.backoff(OPEN_FIRST, OPEN_MAX);
        let switch = Switch { state: State::Closed { failures: 0 }, backoff };
        Self { inner, switch: Arc::new(Mutex::new(switch)), gauge }
    }

    async fn run(self, request: RequestPacket) -> CallOutcome {
        if !self.admit(Instant::now()) {
            return Err(classify::as_error(RpcFault::BreakerOpen));
        }
        let outcome = self.inner.clone().oneshot(request).await;
        let failed = classify::fault_in(&outcome).is_some_and(|fault| fault.is_endpoints_own());
        self.record(failed, Instant::now());
        outcome
    }

    /// For whoever wants to know later whether it is closed.
    pub(crate) fn view(&self) -> BreakerView {
        BreakerView(Arc::clone(&self.switch))
    }

    fn admit(&self, now: Instant) -> bool {
        let mut switch = self.switch.lock().unwrap_or_else(PoisonError::into_inner);
        match switch.state {
            State::Closed { .. } => true,
            State::Open { until } if now >= until => {
                switch.state = State::Probing { since: now };
                self.gauge.set(2.0);
                true
            }
            // A probe whose caller went away never reports: another one takes its place.
            State::Probing { since } if now >= since + OPEN_MAX => {
                switch.state = State::Probing { since: now };
                true
            }
            State::Open { .. } | State::Probing { .. } => false,
        }
    }

    fn record(&self, failed: bool, now: Instant) {
        let mut switch = self.switch.lock().unwrap_or_else(PoisonError::into_inner);
        let next = match (switch.state, failed) {
            (State::Closed { failures }, true) if failures + 1 < FAILURES_MAX => {
                State::Closed { failures: failures + 1 }
            }
            (State::Closed { .. } | State::Probing { .. }, true) => {
                State::Open { until: now + switch.backoff.next() }
            }
            // A call admitted before the breaker opened ends late: it changes nothing.
            (open @ State::Open { .. }, _) => open,
            (State::Closed { .. } | State::Probing { .. }, false) => {
                switch.backoff.reset();
                State::Closed { failures: 0 }
            }
        };
        self.gauge.set(match next {
            State::Closed { .. } => 0.0,
            State::Open { .. } => 1.0,
            State::Probing { .. } => 2.0,
        });
        switch.state = next;
    }
}

service!(Breaker);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::testing::{Script, answer, request};

    fn breaker(script: &Script) -> Breaker<super::super::RpcService> {
        Breaker::new(script.service(), &Clock::system(), metrics::Gauge::noop())
    }

    #[tokio::test(start_paused = true)]
    async fn it_opens_after_failures_in_a_row_and_closes_after_a_probe() {
        let script = Script::new(|n| async move {
            if n < FAILURES_MAX as usize {
                Err(classify::as_error(RpcFault::Timeout))
            } else {
                Ok(answer("1"))
            }
        });
        let layer = breaker(&script);
        for _ in 0..FAILURES_MAX {
            let outcome = layer.clone().oneshot(request("eth_call")).await;
            assert_eq!(classify::fault_in(&outcome), Some(RpcFault::Timeout));
        }
        let refused = layer.clone().oneshot(request("eth_call")).await;
        assert_eq!(classify::fault_in(&refused), Some(RpcFault::BreakerOpen));
        assert_eq!(script.calls(), FAILURES_MAX as usize, "an open breaker makes no call");

        tokio::time::advance(OPEN_FIRST).await;
        assert!(layer.clone().oneshot(request("eth_call")).await.is_ok());
        assert!(layer.oneshot(request("eth_call")).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_probe_opens_it_for_longer() {
        let script = Script::new(|_| async { Err(classify::as_error(RpcFault::Timeout)) });
        let layer = breaker(&script);
        for _ in 0..FAILURES_MAX {
            assert!(layer.clone().oneshot(request("eth_call")).await.is_err());
        }
        tokio::time::advance(OPEN_FIRST).await;
        let probed = layer.clone().oneshot(request("eth_call")).await;
        assert_eq!(classify::fault_in(&probed), Some(RpcFault::Timeout));
        // More than half of the next step, which is twice as long.
        tokio::time::advance(OPEN_FIRST).await;
        let outcome = layer.oneshot(request("eth_call")).await;
        assert_eq!(classify::fault_in(&outcome), Some(RpcFault::BreakerOpen));
    }

    #[tokio::test(start_paused = true)]
    async fn a_reverted_call_is_not_the_endpoints_fault() {
        let reverted = || classify::as_error(RpcFault::Reverted(Default::default()));
        let script = Script::new(move |_| async move { Err(reverted()) });
        let layer = breaker(&script);
        for _ in 0..3 * FAILURES_MAX {
            assert!(layer.clone().oneshot(request("eth_call")).await.is_err());
        }
        assert_eq!(script.calls(), 3 * FAILURES_MAX as usize);
    }
}
