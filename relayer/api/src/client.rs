//! Asks a relayer: over HTTP, or as its operator over the socket beside its store.

use std::path::Path;
use std::time::Duration;

use alloy_primitives::{Address, B256};
pub use reqwest::Url;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use twinspan_bridge::ids::TransferId;

use crate::ApiError;
use crate::decision::{Decision, LaneDecisions, Resume};
use crate::order::{Done, Order};
use crate::status::Status;
use crate::transaction::{Pending, Transaction};
use crate::transfer::{Transfer, Transfers};

/// Bytes of one answer, at most.
pub const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// How long an answer may take, where nothing else is said.
pub const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The system gives no HTTP client.
    #[error("no HTTP client: {0}")]
    NoClient(#[source] reqwest::Error),
    /// Nobody answers, or not in time.
    #[error("no relayer answers at {at}")]
    Unreachable {
        /// The one that was asked, without credentials.
        at: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// The relayer answers that it does not.
    #[error("{at} answers {status}: {error}")]
    Refused {
        /// The one that was asked.
        at: String,
        /// The HTTP status.
        status: StatusCode,
        /// Why, in the relayer's words.
        error: Box<ApiError>,
    },
    /// The answer is not a relayer's.
    #[error("{at} is no relayer's API: {why}")]
    Foreign {
        /// The one that was asked.
        at: String,
        /// The odd thing about the answer.
        why: String,
    },
}

/// Asks a relayer's API.
#[derive(Clone, Debug)]
pub struct Client(Line);

/// Asks a relayer, and orders it about, over its operator's socket.
#[derive(Clone, Debug)]
pub struct Operator(Line);

/// How a relayer is reached.
#[derive(Clone, Debug)]
struct Line {
    http: reqwest::Client,
    base: Url,
    /// For people.
    at: String,
}

impl Client {
    /// Asks the API at `base`. Each answer may take as long as `limit`.
    ///
    /// # Errors
    /// [`ClientError::NoClient`].
    pub fn new(base: &Url, limit: Duration) -> Result<Self, ClientError> {
        let http = reqwest::Client::builder().timeout(limit).build();
        let host = base.host_str().unwrap_or("?");
        let port = base.port_or_known_default().map(|port| format!(":{port}")).unwrap_or_default();
        let at = format!("{}://{host}{port}", base.scheme());
        Ok(Self(Line { http: http.map_err(ClientError::NoClient)?, base: base.clone(), at }))
    }

    /// The relayer's status.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn status(&self) -> Result<Status, ClientError> {
        self.0.get(&["v1", "status"], &[]).await
    }

    /// Whether the relayer is ready.
    ///
    /// # Errors
    /// [`ClientError`], but for one that says that it is not.
    pub async fn is_ready(&self) -> Result<bool, ClientError> {
        match self.0.get::<crate::health::Readiness>(&["readyz"], &[]).await {
            Ok(readiness) => Ok(readiness.ready),
            Err(ClientError::Refused { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Where a transfer stands.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn transfer(&self, id: TransferId) -> Result<Transfer, ClientError> {
        self.0.get(&["v1", "transfers", &id.to_string()], &[]).await
    }

    /// The transfers that a source transaction asked for.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn transfers_of(&self, transaction: B256) -> Result<Transfers, ClientError> {
        self.0.get(&["v1", "transfers"], &[("transaction", transaction.to_string())]).await
    }

    /// The relayer's metrics, in Prometheus' text format.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn metrics(&self) -> Result<String, ClientError> {
        let body = self.0.send(self.0.question(Method::GET, &["metrics"], &[])).await?;
        String::from_utf8(body).map_err(|error| self.0.foreign(error))
    }
}

impl Operator {
    /// Asks over `socket`.
    ///
    /// # Errors
    /// [`ClientError::NoClient`].
    pub fn new(socket: &Path) -> Result<Self, ClientError> {
        let http = reqwest::Client::builder().timeout(ANSWER_LIMIT).unix_socket(socket).build();
        // The socket leads there: the name is only for the request's head.
        let base = Url::parse("http://relayer").expect("it is a URL");
        let at = socket.display().to_string();
        Ok(Self(Line { http: http.map_err(ClientError::NoClient)?, base, at }))
    }

    /// Transactions that wait to be in a block.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn pending(&self) -> Result<Vec<Pending>, ClientError> {
        self.0.get(&["v1", "transactions"], &[]).await
    }

    /// All that is kept of one account nonce on a chain. `account`: where the relayer has several there.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn transaction(
        &self,
        chain: &str,
        nonce: u64,
        account: Option<Address>,
    ) -> Result<Transaction, ClientError> {
        let path = ["v1", "transactions", chain, &nonce.to_string()];
        self.0.get(&path, &query_of(account)).await
    }

    /// Has something done about a transaction that is under way.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn order(
        &self,
        chain: &str,
        nonce: u64,
        account: Option<Address>,
        order: Order,
    ) -> Result<Done, ClientError> {
        let path = ["v1", "transactions", chain, &nonce.to_string(), order.path()];
        self.0.post(&path, &query_of(account), None::<&()>).await
    }

    /// Every lane, with what was decided about it.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn lanes(&self) -> Result<Vec<LaneDecisions>, ClientError> {
        self.0.get(&["v1", "lanes"], &[]).await
    }

    /// Lets a lane go on.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn resume(&self, resume: &Resume) -> Result<Decision, ClientError> {
        self.0.post(&["v1", "lanes", "resume"], &[], Some(resume)).await
    }
}

/// A query's names and values.
type Query = [(&'static str, String)];

fn query_of(account: Option<Address>) -> Vec<(&'static str, String)> {
    account.map(|account| ("account", account.to_string())).into_iter().collect()
}

impl Line {
    async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &Query,
    ) -> Result<T, ClientError> {
        self.read(self.question(Method::GET, path, query)).await
    }

    async fn post<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &Query,
        body: Option<&impl Serialize>,
    ) -> Result<T, ClientError> {
        let question = self.question(Method::POST, path, query);
        let question = match body {
            Some(body) => question.json(body),
            None => question,
        };
        self.read(question).await
    }

    fn question(&self, method: Method, path: &[&str], query: &Query) -> RequestBuilder {
        let mut url = self.base.clone();
        // A base that can have no path, such as `data:`, cannot be asked: the request fails, and says so.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.http.request(method, url)
    }

    async fn read<T: DeserializeOwned>(&self, question: RequestBuilder) -> Result<T, ClientError> {
        let body = self.send(question).await?;
        serde_json::from_slice(&body).map_err(|error| self.foreign(error))
    }

    /// The body of a successful answer.
    async fn send(&self, question: RequestBuilder) -> Result<Vec<u8>, ClientError> {
        let unreachable = |source: reqwest::Error| ClientError::Unreachable {
            at: self.at.clone(),
            source: source.without_url(),
        };
        let mut answer = question.send().await.map_err(unreachable)?;
        let status = answer.status();
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(self.foreign(format!("more than {ANSWER_BYTES_MAX} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        if status.is_success() {
            return Ok(body);
        }
        match serde_json::from_slice(&body) {
            Ok(error) => Err(ClientError::Refused { at: self.at.clone(), status, error }),
            Err(_) => Err(self.foreign(format!("it answers {status}, without a reason"))),
        }
    }

    fn foreign(&self, why: impl ToString) -> ClientError {
        ClientError::Foreign { at: self.at.clone(), why: why.to_string() }
    }
}
