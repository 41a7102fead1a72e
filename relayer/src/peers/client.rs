//! Asks and tells one other relayer.

use std::time::Duration;

use alloy::transports::http::reqwest::Url;
use reqwest::Client;
use serde::de::DeserializeOwned;
use twinspan_chains::rpc::read_bounded;

use super::wire::{Attestations, Pull};

/// Longest that an exchange with a peer takes.
const TIMEOUT: Duration = Duration::from_secs(3);

/// How long an idle connection is kept: less than the other side keeps it.
const IDLE_MAX: Duration = Duration::from_secs(15);

/// Bytes of a peer's answer, at most.
const ANSWER_BYTES_MAX: usize = super::wire::BODY_BYTES_MAX;

/// Why a peer could not be asked or told.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    /// It is not reached, or does not answer in time.
    #[error("not reached: {0}")]
    Unreached(#[source] reqwest::Error),
    /// It refuses.
    #[error("answered {0}")]
    Refused(u16),
    /// Its answer is none of ours.
    #[error("answered something else than a relayer does: {0}")]
    Malformed(String),
}

/// One other relayer.
#[derive(Clone, Debug)]
pub struct Peer {
    client: Client,
    attestations: Url,
    name: String,
}

impl Peer {
    /// The relayer whose peer listener is at `url`.
    ///
    /// # Errors
    /// [`PeerError::Malformed`] if the URL has no place for a path.
    pub fn new(url: &Url) -> Result<Self, PeerError> {
        let client = Client::builder()
            .timeout(TIMEOUT)
            .pool_idle_timeout(IDLE_MAX)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(PeerError::Unreached)?;
        let attestations = url
            .join("/v1/attestations")
            .map_err(|error| PeerError::Malformed(error.to_string()))?;
        let name = twinspan_chains::shown_origin(url);
        Ok(Self { client, attestations, name })
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
        let request = self.client.post(self.attestations.clone()).json(body);
        let answer =
            request.send().await.map_err(|error| PeerError::Unreached(error.without_url()))?;
        match answer.status() {
            status if status.is_success() => Ok(()),
            status => Err(PeerError::Refused(status.as_u16())),
        }
    }

    /// Asks it for attestations.
    ///
    /// # Errors
    /// [`PeerError`].
    pub async fn pull(&self, pull: &Pull) -> Result<Attestations, PeerError> {
        self.get(pull).await
    }

    async fn get<T: DeserializeOwned>(&self, pull: &Pull) -> Result<T, PeerError> {
        let unreached = |error: reqwest::Error| PeerError::Unreached(error.without_url());
        let mut url = self.attestations.clone();
        url.query_pairs_mut()
            .append_pair("lane", &pull.lane.to_string())
            .append_pair("above", &pull.above.to_string());
        let answer = self.client.get(url).send().await.map_err(unreached)?;
        if !answer.status().is_success() {
            return Err(PeerError::Refused(answer.status().as_u16()));
        }
        let body = read_bounded(answer, ANSWER_BYTES_MAX).await.map_err(unreached)?;
        let body =
            body.ok_or_else(|| PeerError::Malformed(format!("over {ANSWER_BYTES_MAX} bytes")))?;
        serde_json::from_slice(&body).map_err(|error| PeerError::Malformed(error.to_string()))
    }
}
