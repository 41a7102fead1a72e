//! Asks the endpoints in the order of the configuration until one gives an answer. A read that takes long is asked of
//! the next one as well, and the first answer counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use alloy::rpc::json_rpc::RequestPacket;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tower::ServiceExt;

use super::endpoint::{Endpoint, by_trust};
use super::fault::RpcFault;
use super::service::{CallOutcome, Rpc, RpcService};
use super::{classify, method};
use crate::disposition::Disposition;

/// How long one endpoint may take for a read before the next one is asked too. Logs may take longer by right, and are
/// never asked for twice at once.
const HEDGE_AFTER: Duration = Duration::from_secs(1);

/// Endpoints that are asked the same at once, at most.
const HEDGE_MAX: usize = 2;

/// Tries each endpoint at most once a call: healthy ones first, those that lag or are distrusted last.
///
/// An endpoint whose breaker is open answers at once, so that it costs nothing. A transaction passes
/// here too: a second endpoint gets the same bytes, and a chain takes them once.
#[derive(Clone, Debug)]
pub(crate) struct Failover {
    endpoints: Arc<[Endpoint]>,
    /// The place of the endpoint that served logs last, so that it can be distrusted.
    logs_from: Arc<AtomicUsize>,
}

impl Failover {
    pub(crate) const fn new(endpoints: Arc<[Endpoint]>, logs_from: Arc<AtomicUsize>) -> Self {
        Self { endpoints, logs_from }
    }

    pub(crate) fn boxed(self) -> RpcService {
        RpcService::new(tower::service_fn(move |request| self.clone().run(request)))
    }

    async fn run(self, request: RequestPacket) -> CallOutcome {
        let is_logs = method::label(&request) == "eth_getLogs";
        let is_hedged = !is_logs && method::is_idempotent(&request);
        let mut last = Err(classify::as_error(RpcFault::Unreachable("no endpoint".to_owned())));
        let mut rest = by_trust(&self.endpoints).peekable();
        let mut under_way = FuturesUnordered::new();
        let mut waiting = Vec::new();
        let mut is_time = false;
        while rest.peek().is_some() || !under_way.is_empty() {
            if (under_way.is_empty() || is_time)
                && let Some((place, endpoint)) = rest.next()
            {
                let call = endpoint.service().oneshot(request.clone());
                under_way.push(async move { (place, call.await) });
                waiting.push(place);
            }
            let may_hedge = is_hedged && under_way.len() < HEDGE_MAX && rest.peek().is_some();
            let ended = tokio::select! {
                biased;
                // An answer that is there counts, also where it came at the very moment of the hedge.
                ended = under_way.next() => ended,
                () = tokio::time::sleep(HEDGE_AFTER), if may_hedge => None,
            };
            is_time = ended.is_none();
            let Some((place, outcome)) = ended else { continue };
            let endpoint = &self.endpoints[place];
            match classify::fault_in(&outcome) {
                // Another endpoint may allow larger answers, or this one lies.
                Some(fault) if fault.may_pass() || fault == RpcFault::TooLarge => {
                    tracing::debug!(endpoint = endpoint.label(), %fault, "trying another endpoint");
                    if fault.disposition() == Disposition::Quarantine {
                        endpoint.distrust();
                    }
                    last = keep_more_telling(last, outcome, &fault);
                    waiting.retain(|other| *other != place);
                }
                Some(_) | None => {
                    if is_logs {
                        self.logs_from.store(place, Ordering::Relaxed);
                    }
                    // An endpoint asked earlier that has not answered yet is asked later next time.
                    let earlier = waiting.iter().take_while(|other| **other != place);
                    earlier.for_each(|slow| self.endpoints[*slow].was_slow());
                    return outcome;
                }
            }
        }
        last
    }
}

/// Of two failures, the one that tells the caller more: an open breaker tells least.
fn keep_more_telling(last: CallOutcome, new: CallOutcome, new_fault: &RpcFault) -> CallOutcome {
    let tells_nothing = *new_fault == RpcFault::BreakerOpen;
    let last_says_something = last.is_ok() || !is_initial(&last);
    if tells_nothing && last_says_something { last } else { new }
}

fn is_initial(outcome: &CallOutcome) -> bool {
    classify::fault_in(outcome) == Some(RpcFault::Unreachable("no endpoint".to_owned()))
}

const _: fn() = || {
    fn is_rpc<S: Rpc>() {}
    is_rpc::<RpcService>();
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::endpoint::EndpointState;
    use crate::rpc::testing::{Script, answer, request};

    fn pool(scripts: &[&Script]) -> Failover {
        let endpoint =
            |(n, script): (usize, &&Script)| Endpoint::over(format!("node-{n}"), script.service());
        Failover::new(scripts.iter().enumerate().map(endpoint).collect(), Arc::default())
    }

    fn down() -> Script {
        Script::new(|_| async { Err(classify::as_error(RpcFault::Timeout)) })
    }

    fn up() -> Script {
        Script::new(|_| async { Ok(answer("1")) })
    }

    #[tokio::test]
    async fn the_first_endpoint_is_asked_alone_while_it_answers() {
        let (first, second) = (up(), up());
        assert!(pool(&[&first, &second]).run(request("eth_call")).await.is_ok());
        assert_eq!((first.calls(), second.calls()), (1, 0));
    }

    #[tokio::test]
    async fn the_next_one_is_asked_when_it_does_not() {
        let (first, second) = (down(), up());
        assert!(pool(&[&first, &second]).run(request("eth_call")).await.is_ok());
        assert_eq!((first.calls(), second.calls()), (1, 1));
    }

    fn after(seconds: u64) -> Script {
        Script::new(move |_| async move {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            Ok(answer("1"))
        })
    }

    #[tokio::test(start_paused = true)]
    async fn a_read_that_takes_long_is_asked_of_the_next_and_the_slow_one_later() {
        let (slow, second, third) = (after(30), up(), up());
        let pool = pool(&[&slow, &second, &third]);
        let begun = tokio::time::Instant::now();
        assert!(pool.clone().run(request("eth_call")).await.is_ok());
        assert_eq!(begun.elapsed(), HEDGE_AFTER);
        assert_eq!(pool.endpoints[0].state(), EndpointState::Slow);
        assert!(pool.clone().run(request("eth_call")).await.is_ok());
        assert_eq!((slow.calls(), second.calls(), third.calls()), (1, 2, 0));
        tokio::time::advance(Duration::from_secs(61)).await;
        assert!(pool.run(request("eth_call")).await.is_ok());
        assert_eq!((slow.calls(), second.calls()), (2, 3), "it has another chance");
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_answers_first_is_not_slow_and_no_more_than_two_are_asked_at_once() {
        let scripts = [after(5), after(9), after(9)];
        let pool = pool(&[&scripts[0], &scripts[1], &scripts[2]]);
        let begun = tokio::time::Instant::now();
        assert!(pool.clone().run(request("eth_call")).await.is_ok());
        assert_eq!(begun.elapsed(), Duration::from_secs(5));
        assert_eq!(scripts.each_ref().map(Script::calls), [1, 1, 0]);
        assert!(pool.endpoints.iter().all(|endpoint| endpoint.state() == EndpointState::Up));
    }

    #[tokio::test(start_paused = true)]
    async fn logs_and_transactions_are_asked_of_one_at_a_time() {
        for method in ["eth_getLogs", "eth_sendRawTransaction"] {
            let (slow, second) = (after(5), up());
            assert!(pool(&[&slow, &second]).run(request(method)).await.is_ok());
            assert_eq!((slow.calls(), second.calls()), (1, 0), "{method}");
        }
    }

    #[tokio::test]
    async fn what_is_too_large_for_one_is_asked_of_the_next() {
        let first = Script::new(|_| async { Err(classify::as_error(RpcFault::TooLarge)) });
        let second = up();
        assert!(pool(&[&first, &second]).run(request("eth_getLogs")).await.is_ok());
        let outcome = pool(&[&first]).run(request("eth_getLogs")).await;
        assert_eq!(classify::fault_in(&outcome), Some(RpcFault::TooLarge), "fewer blocks, then");
    }

    #[tokio::test]
    async fn a_lagging_endpoint_is_asked_last() {
        let (first, second) = (up(), up());
        let pool = pool(&[&first, &second]);
        pool.endpoints[0].set_lagging(true);
        assert!(pool.run(request("eth_call")).await.is_ok());
        assert_eq!((first.calls(), second.calls()), (0, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_distrusted_endpoint_is_asked_last_for_a_while() {
        let (first, second) = (up(), up());
        let pool = pool(&[&first, &second]);
        pool.clone().run(request("eth_getLogs")).await.expect("answered");
        assert_eq!(pool.logs_from.load(Ordering::Relaxed), 0);
        pool.endpoints[0].distrust();
        pool.clone().run(request("eth_getLogs")).await.expect("answered");
        assert_eq!((first.calls(), second.calls()), (1, 1));
        tokio::time::advance(std::time::Duration::from_secs(61)).await;
        pool.run(request("eth_getLogs")).await.expect("answered");
        assert_eq!((first.calls(), second.calls()), (2, 1));
    }

    #[tokio::test]
    async fn who_answers_what_no_honest_node_does_is_asked_last() {
        let malformed = || Err(classify::as_error(RpcFault::Malformed("null".to_owned())));
        let (first, second) = (Script::new(move |_| async move { malformed() }), up());
        let pool = pool(&[&first, &second]);
        assert!(pool.clone().run(request("eth_call")).await.is_ok());
        assert!(pool.run(request("eth_call")).await.is_ok());
        assert_eq!((first.calls(), second.calls()), (1, 2));
    }

    #[tokio::test]
    async fn of_distrusted_endpoints_the_latest_is_asked_last() {
        let (first, second) = (up(), up());
        let pool = pool(&[&first, &second]);
        pool.endpoints[1].distrust();
        pool.endpoints[0].distrust();
        assert!(pool.run(request("eth_getLogs")).await.is_ok());
        assert_eq!((first.calls(), second.calls()), (0, 1));
    }

    #[tokio::test]
    async fn the_more_telling_fault_is_reported() {
        let open = Script::new(|_| async { Err(classify::as_error(RpcFault::BreakerOpen)) });
        let unknown = Script::new(|_| async { Err(classify::as_error(RpcFault::UnknownBlock)) });
        let outcome = pool(&[&unknown, &open]).run(request("eth_call")).await;
        assert_eq!(classify::fault_in(&outcome), Some(RpcFault::UnknownBlock));
    }
}
