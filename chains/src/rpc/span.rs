//! Opens a tracing span around a whole call, and tells its failure once.

use std::sync::Arc;

use alloy::rpc::json_rpc::RequestPacket;
use tower::ServiceExt;
use tracing::Instrument;

use super::service::{CallOutcome, Rpc, service};
use super::{classify, method};

/// Names the chain and the method of everything that happens during a call.
#[derive(Clone, Debug)]
pub(crate) struct Span<S> {
    inner: S,
    chain: Arc<str>,
}

impl<S: Rpc> Span<S> {
    pub(crate) const fn new(inner: S, chain: Arc<str>) -> Self {
        Self { inner, chain }
    }

    async fn run(self, request: RequestPacket) -> CallOutcome {
        let span =
            tracing::debug_span!("rpc", chain = %self.chain, method = method::label(&request));
        async move {
            let outcome = self.inner.oneshot(request).await;
            if let Some(fault) = classify::fault_in(&outcome) {
                tracing::debug!(%fault, "call failed");
            }
            outcome
        }
        .instrument(span)
        .await
    }
}

service!(Span);
