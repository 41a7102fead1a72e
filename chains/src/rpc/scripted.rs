//! A node in this process whose answers a closure gives: for examples, tests and simulations.

use alloy::rpc::json_rpc::{RequestPacket, Response, ResponsePacket, ResponsePayload};
use serde_json::Value;
use serde_json::value::to_raw_value;

use super::classify;
use super::fault::RpcFault;
use super::service::{CallOutcome, RpcService};

/// A node that answers each call with what `script(method, params)` returns. Batches are malformed to it.
///
/// Give it to [`EvmChain::connect_over`](crate::EvmChain::connect_over).
pub fn scripted<F>(script: F) -> RpcService
where
    F: Fn(&str, &Value) -> Result<Value, RpcFault> + Clone + Send + Sync + 'static,
{
    RpcService::new(tower::service_fn(move |packet: RequestPacket| {
        let outcome = answer(&script, &packet);
        async move { outcome }
    }))
}

fn answer(
    script: impl Fn(&str, &Value) -> Result<Value, RpcFault>,
    packet: &RequestPacket,
) -> CallOutcome {
    let malformed = |what: &str| classify::as_error(RpcFault::Malformed(what.to_owned()));
    let request = packet.as_single().ok_or_else(|| malformed("a batch"))?;
    let params = request.params().map_or("[]", |raw| raw.get());
    let params = serde_json::from_str(params).map_err(|_| malformed("parameters"))?;
    let result = script(request.method(), &params).map_err(classify::as_error)?;
    let raw = to_raw_value(&result).map_err(|_| malformed("an answer"))?;
    let payload = ResponsePayload::Success(raw);
    Ok(ResponsePacket::Single(Response { id: request.id().clone(), payload }))
}
