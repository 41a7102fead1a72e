//! Carries requests and subscriptions over one WebSocket that is opened again when it broke.

use std::sync::Arc;

use alloy::pubsub::{PubSubConnect, PubSubFrontend, RawSubscription};
use alloy::rpc::client::RpcClient;
use alloy::rpc::json_rpc::RequestPacket;
use alloy::transports::TransportError;
use alloy::transports::ws::{WebSocketConfig, WsConnect};
use reqwest::Url;
use tokio::sync::Mutex;
use tower::ServiceExt;

use super::classify;
use super::fault::RpcFault;
use super::http::ANSWER_BYTES_MAX;
use super::service::{CallOutcome, RpcService};

/// A WebSocket to one endpoint. alloy runs a task of its own for it, which ends with the last clone.
#[derive(Clone)]
pub(crate) struct WsLink {
    connect: WsConnect,
    /// `None` until the first use and after a failure. Held only while looking or connecting.
    open: Arc<Mutex<Option<PubSubFrontend>>>,
}

impl std::fmt::Debug for WsLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The URL may hold credentials.
        f.debug_struct("WsLink").finish_non_exhaustive()
    }
}

impl WsLink {
    pub(crate) fn new(url: &Url) -> Self {
        let config = WebSocketConfig::default()
            .max_message_size(Some(ANSWER_BYTES_MAX))
            .max_frame_size(Some(ANSWER_BYTES_MAX));
        // alloy tries again once by itself; after that the link opens a new one when it is next used.
        let connect = WsConnect::new(url.as_str()).with_config(config).with_max_retries(1);
        Self { connect, open: Arc::new(Mutex::new(None)) }
    }

    /// The bottom of a WebSocket endpoint's stack.
    pub(crate) fn service(&self) -> RpcService {
        let link = self.clone();
        RpcService::new(tower::service_fn(move |request| link.clone().send(request)))
    }

    /// Subscribes to new block headers.
    pub(crate) async fn new_heads(&self) -> Result<RawSubscription, RpcFault> {
        let frontend = self.frontend().await.map_err(|error| classify::fault_of(&error))?;
        let client = RpcClient::new(frontend.clone(), true);
        let mut call = client.request::<_, alloy::primitives::B256>("eth_subscribe", ("newHeads",));
        call.set_is_subscription();
        let outcome = match call.await {
            Ok(id) => frontend.get_subscription(id).await,
            Err(error) => Err(error),
        };
        match outcome {
            Ok(subscription) => Ok(subscription),
            Err(error) => {
                self.forget_if_gone(&error).await;
                Err(classify::fault_of(&error))
            }
        }
    }

    async fn send(self, request: RequestPacket) -> CallOutcome {
        let frontend = self.frontend().await?;
        let outcome = frontend.oneshot(request).await;
        if let Err(error) = &outcome {
            self.forget_if_gone(error).await;
        }
        outcome
    }

    async fn frontend(&self) -> Result<PubSubFrontend, TransportError> {
        let mut open = self.open.lock().await;
        if let Some(frontend) = &*open {
            return Ok(frontend.clone());
        }
        let frontend = self.connect.clone().into_service().await?;
        *open = Some(frontend.clone());
        Ok(frontend)
    }

    async fn forget_if_gone(&self, error: &TransportError) {
        if error.as_transport_err().is_some_and(|kind| kind.is_backend_gone()) {
            *self.open.lock().await = None;
        }
    }
}
