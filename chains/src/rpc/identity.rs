//! Lets no call through to an endpoint before it has named the chain that we expect.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use alloy::rpc::json_rpc::{Id, Request, RequestPacket};
use tower::ServiceExt;
use twinspan_bridge::ids::ChainId;

use super::classify;
use super::fault::RpcFault;
use super::service::{Outcome, Rpc, service};

/// Asks `eth_chainId` before the first call, also when the endpoint was down at start-up. An endpoint of
/// another chain is refused for good.
#[derive(Clone, Debug)]
pub(crate) struct Identity<S> {
    inner: S,
    want: ChainId,
    /// The chain id that the endpoint named; [`UNKNOWN`] until it has.
    named: Arc<AtomicU64>,
}

/// No chain has this id (EIP-155 ids in use fit 63 bits).
const UNKNOWN: u64 = u64::MAX;

impl<S: Rpc> Identity<S> {
    pub(crate) fn new(inner: S, want: ChainId) -> Self {
        Self { inner, want, named: Arc::new(AtomicU64::new(UNKNOWN)) }
    }

    async fn run(self, request: RequestPacket) -> Outcome {
        let mut got = self.named.load(Ordering::Relaxed);
        if got == UNKNOWN {
            got = self.ask().await?;
            self.named.store(got, Ordering::Relaxed);
        }
        let want = self.want.get();
        if got != want {
            return Err(classify::as_error(RpcFault::WrongChain { got, want }));
        }
        self.inner.oneshot(request).await
    }

    async fn ask(&self) -> Result<u64, alloy::transports::TransportError> {
        let malformed =
            || classify::as_error(RpcFault::Malformed("eth_chainId is not a number".to_owned()));
        let request = Request::new("eth_chainId", Id::Number(0), ())
            .serialize()
            .map_err(alloy::transports::TransportError::ser_err)?;
        let outcome = self.inner.clone().oneshot(RequestPacket::Single(request)).await;
        if let Some(fault) = classify::fault_in(&outcome) {
            return Err(classify::as_error(fault));
        }
        let packet = outcome?;
        let raw = packet.first_payload().and_then(|payload| payload.as_success());
        let id: alloy::primitives::U64 =
            raw.and_then(|raw| serde_json::from_str(raw.get()).ok()).ok_or_else(malformed)?;
        Ok(id.to())
    }
}

service!(Identity);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::testing::{Script, answer, request};

    #[tokio::test]
    async fn the_chain_id_is_asked_once() {
        let script = Script::new(|_| async { Ok(answer("\"0x7\"")) });
        let layer = Identity::new(script.service(), ChainId::new(7));
        for _ in 0..3 {
            assert!(layer.clone().oneshot(request("eth_call")).await.is_ok());
        }
        assert_eq!(script.calls(), 4);
    }

    #[tokio::test]
    async fn an_endpoint_of_another_chain_gets_no_call() {
        let script = Script::new(|_| async { Ok(answer("\"0x8\"")) });
        let layer = Identity::new(script.service(), ChainId::new(7));
        for _ in 0..3 {
            let outcome = layer.clone().oneshot(request("eth_call")).await;
            let want = RpcFault::WrongChain { got: 8, want: 7 };
            assert_eq!(classify::fault_in(&outcome), Some(want));
        }
        assert_eq!(script.calls(), 1);
    }

    #[tokio::test]
    async fn an_endpoint_that_was_down_is_asked_again() {
        let script = Script::new(|n| async move {
            if n == 0 { Err(classify::as_error(RpcFault::Timeout)) } else { Ok(answer("\"0x7\"")) }
        });
        let layer = Identity::new(script.service(), ChainId::new(7));
        assert!(layer.clone().oneshot(request("eth_call")).await.is_err());
        assert!(layer.oneshot(request("eth_call")).await.is_ok());
    }
}
