//! Lets no call through to an endpoint before it has named the chain that we expect.

use std::sync::{Arc, OnceLock};

use alloy::primitives::{B256, U64};
use alloy::rpc::json_rpc::{Id, Request, RequestPacket, RpcSend};
use alloy::transports::TransportError;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tower::ServiceExt;
use twinspan_bridge::ids::ChainId;

use super::classify;
use super::fault::RpcFault;
use super::service::{CallOutcome, Rpc, service};

/// Which chain an endpoint must serve.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub(crate) id: ChainId,
    /// The hash of its first block, where the configuration names it: chain ids are taken twice.
    pub(crate) genesis: Option<B256>,
}

/// Asks which chain it is before the first call, also when the endpoint was down at start-up. An endpoint of
/// another chain is refused for good.
#[derive(Clone, Debug)]
pub(crate) struct Identity<S> {
    inner: S,
    want: Wanted,
    /// The fault of the chain that the endpoint named, if any; empty until it has named one.
    verdict: Arc<OnceLock<Option<RpcFault>>>,
}

impl<S: Rpc> Identity<S> {
    pub(crate) fn new(inner: S, want: Wanted) -> Self {
        Self { inner, want, verdict: Arc::default() }
    }

    async fn run(self, request: RequestPacket) -> CallOutcome {
        let verdict = match self.verdict.get() {
            Some(verdict) => verdict.clone(),
            None => {
                let verdict = self.examine().await?;
                self.verdict.get_or_init(|| verdict).clone()
            }
        };
        match verdict {
            Some(fault) => Err(classify::as_error(fault)),
            None => self.inner.oneshot(request).await,
        }
    }

    async fn examine(&self) -> Result<Option<RpcFault>, TransportError> {
        let got: U64 = self.ask("eth_chainId", ()).await?;
        let (got, want) = (got.to(), self.want.id.get());
        if got != want {
            return Ok(Some(RpcFault::WrongChain { got, want }));
        }
        let Some(want) = self.want.genesis else { return Ok(None) };
        let first: FirstBlock = self.ask("eth_getBlockByNumber", ("0x0", false)).await?;
        let got = first.hash;
        Ok((got != want).then_some(RpcFault::WrongGenesis { got, want }))
    }

    async fn ask<P: RpcSend, R: DeserializeOwned>(
        &self,
        method: &'static str,
        params: P,
    ) -> Result<R, TransportError> {
        let malformed =
            || classify::as_error(RpcFault::Malformed(format!("{method} answers something else")));
        let request = Request::new(method, Id::Number(0), params)
            .serialize()
            .map_err(TransportError::ser_err)?;
        let outcome = self.inner.clone().oneshot(RequestPacket::Single(request)).await;
        if let Some(fault) = classify::fault_in(&outcome) {
            return Err(classify::as_error(fault));
        }
        let packet = outcome?;
        let raw = packet.first_payload().and_then(|payload| payload.as_success());
        raw.and_then(|raw| serde_json::from_str(raw.get()).ok()).ok_or_else(malformed)
    }
}

#[derive(Deserialize)]
struct FirstBlock {
    hash: B256,
}

service!(Identity);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::testing::{Script, answer, request};

    fn seven(genesis: Option<B256>) -> Wanted {
        Wanted { id: ChainId::new(7), genesis }
    }

    /// A node of chain 7 whose first block has that hash.
    fn beginning_with(first: B256) -> Script {
        Script::new(move |n| async move {
            let block = format!("{{\"hash\":\"{first}\"}}");
            Ok(answer(if n == 0 { "\"0x7\"" } else { &block }))
        })
    }

    #[tokio::test]
    async fn an_endpoint_of_another_first_block_gets_no_call() {
        let (ours, theirs) = (B256::repeat_byte(1), B256::repeat_byte(2));
        let script = beginning_with(theirs);
        let layer = Identity::new(script.service(), seven(Some(ours)));
        for _ in 0..3 {
            let outcome = layer.clone().oneshot(request("eth_call")).await;
            let want = RpcFault::WrongGenesis { got: theirs, want: ours };
            assert_eq!(classify::fault_in(&outcome), Some(want));
        }
        assert_eq!(script.calls(), 2);
        let layer = Identity::new(beginning_with(ours).service(), seven(Some(ours)));
        assert!(layer.oneshot(request("eth_call")).await.is_ok());
    }

    #[tokio::test]
    async fn the_chain_id_is_asked_once() {
        let script = Script::new(|_| async { Ok(answer("\"0x7\"")) });
        let layer = Identity::new(script.service(), seven(None));
        for _ in 0..3 {
            assert!(layer.clone().oneshot(request("eth_call")).await.is_ok());
        }
        assert_eq!(script.calls(), 4);
    }

    #[tokio::test]
    async fn an_endpoint_of_another_chain_gets_no_call() {
        let script = Script::new(|_| async { Ok(answer("\"0x8\"")) });
        let layer = Identity::new(script.service(), seven(None));
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
        let layer = Identity::new(script.service(), seven(None));
        assert!(layer.clone().oneshot(request("eth_call")).await.is_err());
        assert!(layer.oneshot(request("eth_call")).await.is_ok());
    }
}
