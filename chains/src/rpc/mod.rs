//! The stack of middlewares that every JSON-RPC call passes, one a file.
//!
//! Outermost first: span → deadline → retry (reads only) → failover or quorum → per endpoint:
//! driven → identity → breaker → concurrency → rate limit → attempt timeout → meter → shape → HTTP or WebSocket.

mod breaker;
pub mod classify;
mod concurrency;
mod deadline;
mod driven;
pub(crate) mod endpoint;
mod failover;
pub mod fault;
mod http;
pub(crate) mod identity;
mod meter;
mod method;
pub(crate) mod quantity;
mod quorum;
mod rate_limit;
mod retry;
mod scripted;
mod service;
mod shape;
mod span;
#[cfg(test)]
pub(crate) mod testing;
mod ws;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use alloy::rpc::client::RpcClient;

pub use http::{ANSWER_BYTES_MAX, read_bounded};
pub use meter::CallCounts;
pub use rate_limit::{Limiter, RuntimeClock, limiter};
pub use scripted::scripted;
pub use service::{CallOutcome, RpcService};

pub(crate) use http::http;
pub(crate) use ws::WsLink;

use crate::clock::Clock;
use deadline::Deadline;
use endpoint::Endpoint;
use failover::Failover;
use quorum::Quorum;
use retry::Retry;
use span::Span;

/// Calls that any one endpoint may answer. `logs_from` tells which one served logs last.
pub(crate) fn failover_client(
    chain: &Arc<str>,
    endpoints: &Arc<[Endpoint]>,
    deadline: Duration,
    clock: &Clock,
    logs_from: Arc<AtomicUsize>,
) -> RpcClient {
    compose(chain, Failover::new(Arc::clone(endpoints), logs_from).boxed(), deadline, clock)
}

/// Calls that `want` endpoints must answer alike.
pub(crate) fn quorum_client(
    chain: &Arc<str>,
    endpoints: &Arc<[Endpoint]>,
    want: usize,
    deadline: Duration,
    clock: &Clock,
) -> RpcClient {
    compose(chain, Quorum::new(Arc::clone(endpoints), want).boxed(), deadline, clock)
}

fn compose(chain: &Arc<str>, pool: RpcService, deadline: Duration, clock: &Clock) -> RpcClient {
    // A read may be repeated, over all endpoints anew;
    let service = Retry::new(pool, clock.clone());
    // but not for ever, so that a caller always gets an answer or a fault in bounded time;
    let service = Deadline::new(service, deadline);
    // and whatever happened meanwhile is told with the call that it happened to.
    let service = Span::new(service, Arc::clone(chain));
    RpcClient::new(RpcService::new(service), true)
}
