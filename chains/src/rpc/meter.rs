//! Counts and times the calls that really go over the wire.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use alloy::rpc::json_rpc::RequestPacket;
use tokio::time::Instant;
use tower::ServiceExt;

use super::service::{CallOutcome, Rpc, service};
use super::{classify, method};
use crate::metrics;

/// JSON-RPC calls of one chain, by method label, since the start. Each attempt counts.
#[derive(Clone, Debug, Default)]
pub struct CallCounts(Arc<Mutex<BTreeMap<&'static str, u64>>>);

impl CallCounts {
    /// Calls by method label (a closed set).
    #[must_use]
    pub fn by_method(&self) -> BTreeMap<&'static str, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// All calls.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.by_method().values().sum()
    }

    fn count(&self, method: &'static str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(method).or_default() += 1;
    }
}

/// Meters each attempt, for the metrics and for [`CallCounts`].
#[derive(Clone, Debug)]
pub(crate) struct Meter<S> {
    inner: S,
    chain: Arc<str>,
    endpoint: Arc<str>,
    counts: CallCounts,
}

impl<S: Rpc> Meter<S> {
    pub(crate) const fn new(
        inner: S,
        chain: Arc<str>,
        endpoint: Arc<str>,
        counts: CallCounts,
    ) -> Self {
        Self { inner, chain, endpoint, counts }
    }

    async fn run(self, request: RequestPacket) -> CallOutcome {
        let method = method::label(&request);
        let started = Instant::now();
        self.counts.count(method);
        let outcome = self.inner.oneshot(request).await;
        let label = classify::fault_in(&outcome).map_or("ok", |fault| fault.label());
        metrics::attempted(&self.chain, &self.endpoint, method, label, started.elapsed());
        outcome
    }
}

service!(Meter);
