//! A transport whose answers a test writes.

use alloy::rpc::json_rpc::{
    ErrorPayload, RequestPacket, Response, ResponsePacket, ResponsePayload, SerializedRequest,
};
use alloy::transports::TransportErrorKind;
use serde_json::Value;
use serde_json::value::to_raw_value;
use twinspan_chains::rpc::RpcService;

/// The reaction of a scripted node to a call.
pub enum Answer {
    Result(Value),
    Error(i64, String),
    /// The connection breaks.
    Broken,
    /// No answer ever comes.
    Silent,
}

/// A transport that answers each call with what `script(method, params)` returns.
pub fn wire<F>(script: F) -> RpcService
where
    F: Fn(&str, &Value) -> Answer + Clone + Send + Sync + 'static,
{
    RpcService::new(tower::service_fn(move |packet: RequestPacket| {
        let script = script.clone();
        async move {
            let RequestPacket::Single(request) = packet else {
                return Err(TransportErrorKind::custom_str("no batches here"));
            };
            match answer(&script, &request) {
                Answer::Result(value) => {
                    let raw = to_raw_value(&value).expect("a JSON value is JSON");
                    let payload = ResponsePayload::Success(raw);
                    Ok(ResponsePacket::Single(Response { id: request.id().clone(), payload }))
                }
                Answer::Error(code, message) => {
                    let error = ErrorPayload { code, message: message.into(), data: None };
                    let payload = ResponsePayload::Failure(error);
                    Ok(ResponsePacket::Single(Response { id: request.id().clone(), payload }))
                }
                Answer::Broken => Err(TransportErrorKind::custom_str("broken pipe")),
                Answer::Silent => std::future::pending().await,
            }
        }
    }))
}

fn answer(script: &impl Fn(&str, &Value) -> Answer, request: &SerializedRequest) -> Answer {
    let params = request.params().map(|raw| raw.get()).unwrap_or("[]");
    let params: Value = serde_json::from_str(params).expect("parameters are JSON");
    script(request.method(), &params)
}
