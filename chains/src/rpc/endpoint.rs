//! One node that we may ask, with everything that protects it and us from each other.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use alloy::rpc::client::RpcClient;
use alloy::rpc::json_rpc::{RpcRecv, RpcSend};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::breaker::{Breaker, BreakerView};
use super::classify;
use super::concurrency::Concurrency;
use super::deadline::Deadline;
use super::driven::Driven;
use super::fault::RpcFault;
use super::identity::{Identity, Wanted};
use super::meter::{CallCounts, Meter};
use super::rate_limit::RateLimit;
use super::service::RpcService;
use super::shape::Shape;
use super::ws::WsLink;
use crate::clock::Clock;
use crate::config::EndpointConfig;
use crate::metrics;

/// An endpoint's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndpointState {
    /// It answers, and what it says fits.
    Up,
    /// Another one, asked a second later, answered first: asked after the others for a while.
    Slow,
    /// Its newest block is behind that of the others: asked last, and for no logs while another one answers.
    Lagging,
    /// It served something untrue: asked last for a while.
    Distrusted,
    /// It failed again and again: left alone, and looked at now and then.
    Dead,
}

impl EndpointState {
    /// Every state, for metrics.
    pub const ALL: [Self; 5] = [Self::Up, Self::Slow, Self::Lagging, Self::Distrusted, Self::Dead];

    /// Its name in logs and metrics.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Slow => "slow",
            Self::Lagging => "lagging",
            Self::Distrusted => "distrusted",
            Self::Dead => "dead",
        }
    }
}

/// An endpoint and its stack.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    label: Arc<str>,
    provider: Arc<str>,
    service: RpcService,
    client: RpcClient,
    ws: Option<WsLink>,
    breaker: Option<BreakerView>,
    lagging: Arc<AtomicBool>,
    distrusted: Until,
    slow: Until,
}

/// How long an endpoint that served something untrue is asked after all others.
const DISTRUST: Duration = Duration::from_secs(60);

/// How long one that kept us waiting is asked after those that do not.
const SLOW: Duration = Duration::from_secs(60);

/// Something that holds for a while.
#[derive(Clone, Debug, Default)]
struct Until(Arc<Mutex<Option<Instant>>>);

impl Until {
    fn begin(&self, lasting: Duration) {
        let until = Instant::now() + lasting;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
    }

    /// Until when, if it holds now.
    fn end(&self) -> Option<Instant> {
        let until = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        until.filter(|until| Instant::now() < *until)
    }
}

/// Everything that the endpoints of a chain share.
#[derive(Debug)]
pub(crate) struct Shared {
    /// The chain's name.
    pub(crate) chain: Arc<str>,
    /// The chain that each must serve.
    pub(crate) want: Wanted,
    pub(crate) counts: CallCounts,
    pub(crate) clock: Clock,
}

impl Endpoint {
    /// Builds the endpoint's stack over `wire`, its HTTP or WebSocket transport.
    pub(crate) fn new(
        config: &EndpointConfig,
        shared: &Shared,
        wire: RpcService,
        ws: Option<WsLink>,
    ) -> Self {
        let Shared { chain, want, counts, clock } = shared;
        let label: Arc<str> = config.label.as_str().into();
        let gauge = metrics::breaker(chain, &label);
        // Read from the bottom, as a call meets them from the top:
        // an answer that is none to the question is a fault like any other;
        let service = Shape::new(wire);
        // counted last, so that the figure is what really went over the wire;
        let service = Meter::new(service, chain.clone(), label.clone(), counts.clone());
        // an attempt has its own limit, so that one silent node does not eat the whole deadline;
        let service = Deadline::new(service, config.timeout);
        // the rate is spent only by a call that has its place;
        let service = RateLimit::new(service, config.requests_per_second);
        // waiting for a place is bounded by the deadline of the call;
        let service = Concurrency::new(service, config.concurrency);
        // a node that fails again and again takes neither place nor rate;
        let service = Breaker::new(service, clock, gauge);
        let breaker = service.view();
        // nothing at all goes to a node of another chain;
        let service = Identity::new(service, *want);
        // and what a call holds of all this it gives back, also when its caller awaits something else.
        let service = Driven::new(service);
        let mut endpoint = Self::over(config.label.as_str(), RpcService::new(service));
        endpoint.provider = config.provider.as_str().into();
        endpoint.ws = ws;
        endpoint.breaker = Some(breaker);
        endpoint
    }

    /// An endpoint that is nothing but `service`, of a provider of its own.
    pub(crate) fn over(label: impl Into<Arc<str>>, service: RpcService) -> Self {
        let client = RpcClient::new(service.clone(), true);
        let label = label.into();
        Self {
            provider: Arc::clone(&label),
            label,
            service,
            client,
            ws: None,
            breaker: None,
            lagging: Arc::default(),
            distrusted: Until::default(),
            slow: Until::default(),
        }
    }

    pub(crate) fn label(&self) -> &str {
        &self.label
    }

    /// Its operator: endpoints of one provider have one vote.
    pub(crate) fn provider(&self) -> &str {
        &self.provider
    }

    #[cfg(test)]
    pub(crate) fn set_provider(&mut self, provider: &str) {
        self.provider = provider.into();
    }

    pub(crate) fn service(&self) -> RpcService {
        self.service.clone()
    }

    /// One call to this endpoint alone.
    pub(crate) async fn ask<P: RpcSend, R: RpcRecv>(
        &self,
        method: &'static str,
        params: P,
    ) -> Result<R, RpcFault> {
        self.client.request(method, params).await.map_err(|error| classify::fault_of(&error))
    }

    /// Its WebSocket, for subscriptions.
    pub(crate) const fn ws(&self) -> Option<&WsLink> {
        self.ws.as_ref()
    }

    /// Whether its newest block is behind that of the others.
    pub(crate) fn is_lagging(&self) -> bool {
        self.lagging.load(Ordering::Relaxed)
    }

    pub(crate) fn set_lagging(&self, lagging: bool) {
        self.lagging.store(lagging, Ordering::Relaxed);
    }

    /// Its state now.
    pub(crate) fn state(&self) -> EndpointState {
        if self.breaker.as_ref().is_some_and(|breaker| !breaker.is_closed()) {
            EndpointState::Dead
        } else if self.distrusted.end().is_some() {
            EndpointState::Distrusted
        } else if self.is_lagging() {
            EndpointState::Lagging
        } else if self.slow.end().is_some() {
            EndpointState::Slow
        } else {
            EndpointState::Up
        }
    }

    /// It served something untrue.
    pub(crate) fn distrust(&self) {
        self.distrusted.begin(DISTRUST);
    }

    /// Another one, asked later, answered first.
    pub(crate) fn was_slow(&self) {
        self.slow.begin(SLOW);
    }
}

/// Endpoints in the order to ask them, each with its place in the configuration: healthy, slow, distrusted (the most
/// recent last), lagging.
pub(crate) fn by_trust(endpoints: &[Endpoint]) -> impl Iterator<Item = (usize, &Endpoint)> {
    let mut order: Vec<_> = endpoints.iter().enumerate().collect();
    // Stable: otherwise the order is that of the configuration.
    order.sort_by_cached_key(|(_, endpoint)| {
        (endpoint.is_lagging(), endpoint.distrusted.end(), endpoint.slow.end())
    });
    order.into_iter()
}
