//! The shape that every layer of the stack has.

use std::future::Future;
use std::pin::Pin;

use alloy::rpc::json_rpc::{RequestPacket, ResponsePacket};
use alloy::transports::TransportError;
use tower::Service;
use tower::util::BoxCloneSyncService;

/// A finished call.
pub type CallOutcome = Result<ResponsePacket, TransportError>;

/// A call under way.
pub(crate) type Call = Pin<Box<dyn Future<Output = CallOutcome> + Send>>;

/// Any service that answers JSON-RPC requests. It can be an alloy `Transport`.
pub type RpcService = BoxCloneSyncService<RequestPacket, ResponsePacket, TransportError>;

/// The service below a layer, and all that the layer asks of it.
pub(crate) trait Rpc:
    Service<RequestPacket, Response = ResponsePacket, Error = TransportError, Future: Send>
    + Clone
    + Send
    + Sync
    + 'static
{
}

impl<S> Rpc for S where
    S: Service<RequestPacket, Response = ResponsePacket, Error = TransportError, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static
{
}

/// Implements [`tower::Service`] for a layer whose `run(self, request)` is a future that owns a clone of it. Readiness
/// is awaited inside the call, so no layer holds a permit between calls.
macro_rules! service {
    ($layer:ident) => {
        impl<S: $crate::rpc::service::Rpc> tower::Service<alloy::rpc::json_rpc::RequestPacket>
            for $layer<S>
        {
            type Response = alloy::rpc::json_rpc::ResponsePacket;
            type Error = alloy::transports::TransportError;
            type Future = $crate::rpc::service::Call;

            fn poll_ready(
                &mut self,
                _: &mut std::task::Context<'_>,
            ) -> std::task::Poll<Result<(), Self::Error>> {
                std::task::Poll::Ready(Ok(()))
            }

            fn call(&mut self, request: alloy::rpc::json_rpc::RequestPacket) -> Self::Future {
                Box::pin(self.clone().run(request))
            }
        }
    };
}
pub(crate) use service;
