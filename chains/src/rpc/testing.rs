//! A scripted node at the bottom of a stack, for the tests of its layers.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use alloy::rpc::json_rpc::{Id, Request, RequestPacket, Response, ResponsePacket, ResponsePayload};
use serde_json::value::RawValue;
use tower::util::BoxCloneSyncService;

use super::service::{CallOutcome, RpcService};

/// Answers the n-th call (from 0) with whatever the script returns for n.
pub(crate) struct Script {
    calls: Arc<AtomicUsize>,
    service: RpcService,
}

impl Script {
    pub(crate) fn new<F, R>(script: F) -> Self
    where
        F: Fn(usize) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = CallOutcome> + Send + 'static,
    {
        let calls = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&calls);
        let service = tower::service_fn(move |_: RequestPacket| {
            script(counter.fetch_add(1, Ordering::SeqCst))
        });
        Self { calls, service: BoxCloneSyncService::new(service) }
    }

    pub(crate) fn service(&self) -> RpcService {
        self.service.clone()
    }

    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

/// A request without parameters.
pub(crate) fn request(method: &'static str) -> RequestPacket {
    let request = Request::new(method, Id::Number(1), ());
    RequestPacket::Single(request.serialize().expect("a request without parameters is JSON"))
}

/// A successful answer of that JSON.
pub(crate) fn answer(json: &str) -> ResponsePacket {
    let raw = RawValue::from_string(json.to_owned()).expect("tests write JSON");
    ResponsePacket::Single(Response { id: Id::Number(1), payload: ResponsePayload::Success(raw) })
}
