//! Carries a request over HTTP, with a bound on the size of the answer.

use alloy::rpc::json_rpc::{RequestPacket, ResponsePacket};
use alloy::transports::TransportErrorKind;
use reqwest::{Client, Url};

use super::classify;
use super::fault::RpcFault;
use super::method;
use super::service::{CallOutcome, RpcService};

/// Largest answer that is read, in bytes. A full `eth_getLogs` of 10,000 requests has about 10 MB.
pub const ANSWER_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Deepest answer that is read. A true one has about six levels.
const DEPTH_MAX: usize = 64;

/// The bottom of an HTTP endpoint's stack. Keeps connections alive; never follows a redirect, which
/// would hand the request to someone who was not configured.
pub(crate) fn http(url: Url) -> Result<RpcService, RpcFault> {
    let client = Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .tcp_nodelay(true)
        .build()
        .map_err(|_| RpcFault::Unreachable("no HTTP client".to_owned()))?;
    Ok(RpcService::new(tower::service_fn(move |request| {
        send(client.clone(), url.clone(), request)
    })))
}

async fn send(client: Client, url: Url, request: RequestPacket) -> CallOutcome {
    let response =
        client.post(url).json(&request).send().await.map_err(|error| unreachable(&error))?;
    let status = response.status();
    let body = read_bounded(response, ANSWER_BYTES_MAX).await;
    let body = body.map_err(|error| unreachable(&error))?.ok_or_else(|| too_large(&request))?;
    if is_nested_too_deep(&body) {
        return Err(malformed("the answer is nested deeper than any true one"));
    }
    let parsed = serde_json::from_slice::<ResponsePacket>(&body);
    match parsed {
        Ok(packet) if answers(&request, &packet) => Ok(packet),
        // An error without an id can only mean our request: nothing else was sent with it.
        Ok(packet) if packet.is_error() => Ok(packet),
        Ok(_) => Err(malformed("the answer belongs to another request")),
        Err(_) if !status.is_success() => {
            Err(TransportErrorKind::http_error(status.as_u16(), String::new()))
        }
        Err(_) => Err(malformed("the body is not JSON-RPC")),
    }
}

/// The body of an answer; `None` if it has more than `bytes_max`, of which no more is held.
///
/// # Errors
/// If the connection breaks. The error's own text holds the URL.
pub async fn read_bounded(
    mut response: reqwest::Response,
    bytes_max: usize,
) -> Result<Option<Vec<u8>>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > bytes_max {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}

/// Checked here, so that the endpoint is blamed; the reader would refuse it too, and could not say whose fault it is.
fn is_nested_too_deep(body: &[u8]) -> bool {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for byte in body {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => depth += 1,
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEPTH_MAX {
            return true;
        }
    }
    false
}

/// Only of logs can a smaller question be asked.
fn too_large(request: &RequestPacket) -> alloy::transports::TransportError {
    match method::label(request) {
        "eth_getLogs" => classify::as_error(RpcFault::TooLarge),
        _ => malformed("the answer has more bytes than any true one"),
    }
}

fn answers(request: &RequestPacket, packet: &ResponsePacket) -> bool {
    match (request.as_single(), packet.as_single()) {
        (Some(request), Some(response)) => *request.id() == response.id,
        // alloy matches the ids of a batch itself.
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

/// The error's own text holds the URL, so that only its kind is told.
fn unreachable(error: &reqwest::Error) -> alloy::transports::TransportError {
    let what = if error.is_connect() {
        "no connection"
    } else if error.is_timeout() {
        return classify::as_error(RpcFault::Timeout);
    } else {
        "the connection broke"
    };
    classify::as_error(RpcFault::Unreachable(what.to_owned()))
}

fn malformed(what: &str) -> alloy::transports::TransportError {
    classify::as_error(RpcFault::Malformed(what.to_owned()))
}
