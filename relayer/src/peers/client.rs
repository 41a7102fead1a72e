//! Asks and tells one other relayer.

use std::time::Duration;

use alloy::transports::http::reqwest::Url;
use axum::body::Bytes;
use axum::http::{Method, Request, Response, header};
use reqwest::Client;
use tower::ServiceExt;
use tower::util::BoxCloneSyncService;
use twinspan_chains::rpc::read_bounded;

use super::wire::{Attestations, Pull};

/// Longest that an exchange with a peer takes.
const TIMEOUT: Duration = Duration::from_secs(3);

/// How long an idle connection is kept: less than the other side keeps it.
const IDLE_MAX: Duration = Duration::from_secs(15);

/// Bytes of a peer's answer, at most.
const ANSWER_BYTES_MAX: usize = super::wire::BODY_BYTES_MAX;

/// Where peers are asked, below their address.
const PATH: &str = "/v1/attestations";

/// Why a peer could not be asked or told.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    /// It is not reached.
    #[error("not reached: {0}")]
    Unreached(String),
    /// It does not answer in time.
    #[error("no answer within {TIMEOUT:?}")]
    Timeout,
    /// It refuses.
    #[error("answered {0}")]
    Refused(u16),
    /// Its answer is none of ours.
    #[error("answered something else than a relayer does: {0}")]
    Malformed(String),
}

impl From<reqwest::Error> for PeerError {
    /// Without the URL, which may hold credentials.
    fn from(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let mut cause: &dyn std::error::Error = &error;
        while let Some(deeper) = cause.source() {
            cause = deeper;
        }
        Self::Unreached(cause.to_string())
    }
}

/// Carries a message to a peer: its path and query, its body, and the answer with its status.
pub type PeerWire = BoxCloneSyncService<Request<Bytes>, Response<Bytes>, PeerError>;

/// One other relayer.
#[derive(Clone, Debug)]
pub struct Peer {
    wire: PeerWire,
    name: String,
}

impl Peer {
    /// The relayer whose peer listener is at `url`.
    ///
    /// # Errors
    /// [`PeerError::Malformed`] if the URL has no place for a path.
    pub fn new(url: &Url) -> Result<Self, PeerError> {
        let client = Client::builder()
            .pool_idle_timeout(IDLE_MAX)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()?;
        let attestations =
            url.join(PATH).map_err(|error| PeerError::Malformed(error.to_string()))?;
        let wire = tower::service_fn(move |request| {
            over_http(client.clone(), attestations.clone(), request)
        });
        Ok(Self::over(twinspan_chains::shown_origin(url), PeerWire::new(wire)))
    }

    /// The relayer of that name at the other end of `wire`.
    #[must_use]
    pub const fn over(name: String, wire: PeerWire) -> Self {
        Self { wire, name }
    }

    /// Its address without credentials, for logs.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Tells it attestations.
    ///
    /// # Errors
    /// [`PeerError`].
    pub async fn push(&self, body: &Attestations) -> Result<(), PeerError> {
        let body =
            serde_json::to_vec(body).map_err(|error| PeerError::Malformed(error.to_string()))?;
        self.call(Method::POST, PATH.to_owned(), body.into()).await.map(drop)
    }

    /// Asks it for attestations.
    ///
    /// # Errors
    /// [`PeerError`].
    pub async fn pull(&self, pull: &Pull) -> Result<Attestations, PeerError> {
        let question = format!("{PATH}?lane={}&above={}", pull.lane, pull.above);
        let body = self.call(Method::GET, question, Bytes::new()).await?;
        serde_json::from_slice(&body).map_err(|error| PeerError::Malformed(error.to_string()))
    }

    async fn call(&self, method: Method, path: String, body: Bytes) -> Result<Bytes, PeerError> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, "application/json")
            .body(body)
            .map_err(|error| PeerError::Malformed(error.to_string()))?;
        let answer = tokio::time::timeout(TIMEOUT, self.wire.clone().oneshot(request)).await;
        let answer = answer.map_err(|_| PeerError::Timeout)??;
        match answer.status() {
            status if status.is_success() => Ok(answer.into_body()),
            status => Err(PeerError::Refused(status.as_u16())),
        }
    }
}

async fn over_http(
    client: Client,
    attestations: Url,
    request: Request<Bytes>,
) -> Result<Response<Bytes>, PeerError> {
    let (parts, body) = request.into_parts();
    let mut url = attestations;
    url.set_query(parts.uri.query());
    let request = client.request(parts.method, url).headers(parts.headers).body(body);
    let answer = request.send().await?;
    let status = answer.status();
    let body = read_bounded(answer, ANSWER_BYTES_MAX).await?;
    let body =
        body.ok_or_else(|| PeerError::Malformed(format!("over {ANSWER_BYTES_MAX} bytes")))?;
    let mut answer = Response::new(Bytes::from(body));
    *answer.status_mut() = status;
    Ok(answer)
}
