//! A key that another process keeps: asked over the HTTP API of Web3Signer, and believed only after a check.
//!
//! `POST /api/v1/eth1/sign/{public key}` hashes what it is sent with keccak256 before it signs. So the pre-image goes
//! there, which also lets a policy on the signer's side see what it is. The answer is `r ‖ s ‖ v` in hex. An answer
//! is used only if it recovers to the configured address; a high `s` is turned into the low one first.

use std::time::Duration;

use alloy::primitives::{Address, Signature, hex, keccak256};
use futures::FutureExt;
use futures::future::BoxFuture;
use reqwest::{Client, RequestBuilder, Url};
use serde_json::json;

use super::{Signer, SignerError};
use crate::config::shown_origin;
use crate::rpc::read_bounded;

/// Largest answer to a request for a signature, in bytes: 132 and some white space.
const SIGNATURE_BYTES_MAX: usize = 1_024;
/// Largest list of public keys that is read, in bytes: some 7,000 keys.
const KEYS_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of an uncompressed public key without its prefix.
const KEY_BYTES: usize = 64;

/// Where a remote key is.
#[derive(Clone, PartialEq, Eq)]
pub struct RemoteKey {
    /// The signer's address; user and password in it are sent (HTTP basic authentication) and never shown.
    pub url: Url,
    /// The account whose key it keeps.
    pub address: Address,
    /// How long an answer may take.
    pub timeout: Duration,
}

impl std::fmt::Debug for RemoteKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RemoteKey")
            .field("url", &shown_origin(&self.url))
            .field("address", &self.address)
            .field("timeout", &self.timeout)
            .finish()
    }
}

/// Why a remote signer gives no signature.
#[derive(Debug, thiserror::Error)]
#[error("remote signer {place}: {problem}")]
pub struct RemoteFault {
    /// The signer, without credentials.
    pub place: String,
    /// The problem.
    #[source]
    pub problem: RemoteProblem,
}

/// A problem with a remote signer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RemoteProblem {
    /// The URL cannot be asked.
    #[error("its URL is not http(s)://host[:port][/path]")]
    NotAUrl,
    /// It is not reached, or the connection breaks.
    #[error("{0}; check that it runs and that the URL is its own")]
    Unreachable(&'static str),
    /// It does not answer in time.
    #[error("no answer within {0:?}; check its load and that of its key store")]
    Timeout(Duration),
    /// It wants other credentials.
    #[error("answers {0}; check user and password in the URL")]
    Forbidden(u16),
    /// It does not have the key, or not any more.
    #[error("has no key of {address} ({offered} others); load that key there or correct `address`")]
    KeyAbsent {
        /// The account wanted.
        address: Address,
        /// Keys that it has.
        offered: usize,
    },
    /// It refuses.
    #[error("answers {0}; its log says why")]
    Refused(u16),
    /// Its answer is larger than any true one.
    #[error("its answer has more than {0} bytes; the URL is something else's")]
    TooLarge(usize),
    /// Its answer is none of Web3Signer's.
    #[error("its answer is no {0}; the URL is something else's, or its key is no secp256k1 key")]
    Malformed(&'static str),
    /// Another key signed, or something else was signed.
    #[error("its signature recovers to {got}, not to {want}: not used")]
    OtherKey {
        /// The account that the signature recovers to.
        got: Address,
        /// The account wanted.
        want: Address,
    },
}

/// Asks a Web3Signer for the signatures of one account.
pub struct RemoteSigner {
    client: Client,
    sign: Url,
    place: String,
    address: Address,
    timeout: Duration,
}

impl std::fmt::Debug for RemoteSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RemoteSigner")
            .field("place", &self.place)
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl RemoteSigner {
    /// Asks whether the signer runs and has the key.
    ///
    /// # Errors
    /// [`RemoteFault`].
    pub async fn connect(key: &RemoteKey) -> Result<Self, RemoteFault> {
        let place = shown_origin(&key.url);
        Self::find(key, place.clone()).await.map_err(|problem| RemoteFault { place, problem })
    }

    async fn find(key: &RemoteKey, place: String) -> Result<Self, RemoteProblem> {
        // A redirect would hand the request, and the credentials, to someone who was not configured.
        let client = Client::builder()
            .timeout(key.timeout)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .tcp_nodelay(true)
            .build()
            .map_err(|_| RemoteProblem::Unreachable("no HTTP client"))?;
        let ask = |path: &[&str]| below(&key.url, path).map(|url| client.get(url));
        call(ask(&["upcheck"])?, SIGNATURE_BYTES_MAX, key.timeout).await?;
        let list = ask(&["api", "v1", "eth1", "publicKeys"])?;
        let list = call(list, KEYS_BYTES_MAX, key.timeout).await?;
        let list: Vec<String> =
            serde_json::from_slice(&list).map_err(|_| RemoteProblem::Malformed("list of keys"))?;
        let found = list
            .iter()
            .filter_map(|text| public_key(text))
            .find(|public| Address::from_raw_public_key(public) == key.address);
        let absent = RemoteProblem::KeyAbsent { address: key.address, offered: list.len() };
        let identifier = hex::encode_prefixed(found.ok_or(absent)?);
        let sign = below(&key.url, &["api", "v1", "eth1", "sign", &identifier])?;
        Ok(Self { client, sign, place, address: key.address, timeout: key.timeout })
    }

    async fn ask(&self, preimage: &[u8]) -> Result<Signature, RemoteProblem> {
        let body = json!({ "data": hex::encode_prefixed(preimage) });
        let request = self.client.post(self.sign.clone()).json(&body);
        let answer = call(request, SIGNATURE_BYTES_MAX, self.timeout).await.map_err(|problem| {
            let absent = RemoteProblem::KeyAbsent { address: self.address, offered: 0 };
            if problem == RemoteProblem::Refused(404) { absent } else { problem }
        })?;
        let malformed = RemoteProblem::Malformed("signature");
        let signature = parse(&answer).ok_or_else(|| malformed.clone())?;
        let recovered = signature.recover_address_from_prehash(&keccak256(preimage));
        match recovered.map_err(|_| malformed)? {
            got if got == self.address => Ok(signature),
            got => Err(RemoteProblem::OtherKey { got, want: self.address }),
        }
    }
}

impl Signer for RemoteSigner {
    fn address(&self) -> Address {
        self.address
    }

    fn sign<'a>(&'a self, preimage: &'a [u8]) -> BoxFuture<'a, Result<Signature, SignerError>> {
        let signed = self.ask(preimage).map(|signed| {
            signed.map_err(|problem| {
                SignerError::Remote(RemoteFault { place: self.place.clone(), problem })
            })
        });
        signed.boxed()
    }
}

/// `path` below the configured URL, which may have a path of its own.
fn below(url: &Url, path: &[&str]) -> Result<Url, RemoteProblem> {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.path_segments_mut().map_err(|()| RemoteProblem::NotAUrl)?.pop_if_empty().extend(path);
    Ok(url)
}

/// The answer's body, if it is a success and not larger than `bytes_max`.
async fn call(
    request: RequestBuilder,
    bytes_max: usize,
    timeout: Duration,
) -> Result<Vec<u8>, RemoteProblem> {
    let broken = |error: reqwest::Error| unreachable(&error, timeout);
    let answer = request.send().await.map_err(broken)?;
    match answer.status().as_u16() {
        200 => {}
        status @ (401 | 403) => return Err(RemoteProblem::Forbidden(status)),
        status => return Err(RemoteProblem::Refused(status)),
    }
    let body = read_bounded(answer, bytes_max).await.map_err(broken)?;
    body.ok_or(RemoteProblem::TooLarge(bytes_max))
}

/// The error's own text holds the URL with its credentials, so that only its kind is told.
fn unreachable(error: &reqwest::Error, timeout: Duration) -> RemoteProblem {
    if error.is_timeout() {
        RemoteProblem::Timeout(timeout)
    } else if error.is_builder() {
        RemoteProblem::NotAUrl
    } else if error.is_connect() {
        RemoteProblem::Unreachable("no connection")
    } else {
        RemoteProblem::Unreachable("the connection broke")
    }
}

/// An uncompressed public key in hex, with or without its prefix of 04.
fn public_key(text: &str) -> Option<[u8; KEY_BYTES]> {
    let bytes = hex::decode(text.trim()).ok()?;
    let raw = if bytes.len() == KEY_BYTES + 1 { bytes.strip_prefix(&[4])? } else { &bytes };
    raw.try_into().ok()
}

/// `r ‖ s ‖ v` in hex, with `v` as 27 or 28 or as the parity itself, and `s` made low.
fn parse(answer: &[u8]) -> Option<Signature> {
    let text = std::str::from_utf8(answer).ok()?;
    let bytes: [u8; 65] = hex::decode(text.trim()).ok()?.try_into().ok()?;
    let parity = match bytes[64] {
        0 | 27 => false,
        1 | 28 => true,
        _ => return None,
    };
    let signature = Signature::from_bytes_and_parity(&bytes[..64], parity);
    Some(signature.normalized_s())
}
