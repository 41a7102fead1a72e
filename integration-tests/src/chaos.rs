//! An endpoint that fails and lies on demand: it stands between relayers and a node, and what it does to the
//! wire or to the answers is set from outside.

pub mod lies;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use eyre::{WrapErr, eyre};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use twinspan_supervise::Supervisor;

pub use lies::Lie;

/// The fault of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// Its fault with connections and bytes.
    Wire(Wire),
    /// Its lie.
    Lie(Lie),
}

/// A fault of an endpoint with connections and bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// Ends each connection at once.
    Refused,
    /// Resets each connection once it was asked.
    Reset,
    /// Takes the question and never answers.
    Silent,
    /// Answers after a while.
    Late,
    /// Answers a byte a second.
    Slow,
    /// Ends in the middle of the answer.
    Truncated,
    /// Answers a gigabyte, if one listens.
    Giant,
    /// Answers each question twice.
    Twice,
    /// Answers what is no HTTP.
    Noise,
    /// Answers what is no JSON.
    NoJson,
    /// Answers 503, as a proxy whose node is down.
    Unavailable,
    /// Answers 200 without a body.
    Empty,
    /// Sends the relayer elsewhere.
    Redirect,
}

impl Wire {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Refused,
        Self::Reset,
        Self::Silent,
        Self::Late,
        Self::Slow,
        Self::Truncated,
        Self::Giant,
        Self::Twice,
        Self::Noise,
        Self::NoJson,
        Self::Unavailable,
        Self::Empty,
        Self::Redirect,
    ];
}

impl Fault {
    /// Every fault there is.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let wire = Wire::ALL.into_iter().map(Self::Wire);
        wire.chain(Lie::ALL.into_iter().map(Self::Lie)).collect()
    }
}

/// How late [`Wire::Late`] is.
const LATE: Duration = Duration::from_millis(700);
/// Bytes that [`Wire::Giant`] sends.
const GIANT: usize = 1 << 30;
/// Largest question that is read, in bytes.
const QUESTION_MAX: usize = 1 << 24;
/// Connections at a time, at most.
const CONNECTIONS_MAX: usize = 256;

/// An endpoint that does what it is told.
#[derive(Debug)]
pub struct Chaos {
    url: String,
    state: Arc<State>,
    _tasks: Supervisor,
}

#[derive(Debug)]
struct State {
    upstream: String,
    client: reqwest::Client,
    fault: watch::Sender<Fault>,
    /// The node's height when the fault began.
    since: AtomicU64,
    asked: AtomicU64,
}

impl Chaos {
    /// Opens an endpoint in front of the node at `upstream`, without a fault.
    ///
    /// # Errors
    /// If there is no free port.
    pub async fn open(upstream: String) -> eyre::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.wrap_err("opening an endpoint")?;
        let url = format!("http://{}", listener.local_addr()?);
        let state = Arc::new(State {
            upstream,
            client: reqwest::Client::builder().timeout(Duration::from_secs(20)).build()?,
            fault: watch::channel(Fault::None).0,
            since: AtomicU64::new(0),
            asked: AtomicU64::new(0),
        });
        let mut tasks = Supervisor::new();
        tasks.spawn(format!("endpoint {url}"), serve(listener, Arc::clone(&state)));
        Ok(Self { url, state, _tasks: tasks })
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The port that it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.url.rsplit(':').next().and_then(|port| port.parse().ok()).unwrap_or_default()
    }

    /// From now on this is wrong with it, and nothing else. What is under way breaks.
    ///
    /// # Errors
    /// If the node does not answer.
    pub async fn set(&self, fault: Fault) -> eyre::Result<()> {
        let question =
            json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber", "params": [] });
        let height = self.state.ask(&question).await?;
        let height = lies::number(&height["result"]).ok_or_else(|| eyre!("no height"))?;
        self.state.since.store(height, Ordering::Relaxed);
        self.state.asked.store(0, Ordering::Relaxed);
        self.state.fault.send_replace(fault);
        Ok(())
    }

    /// Questions that it got since its fault was set, and connections that it refused.
    #[must_use]
    pub fn asked(&self) -> u64 {
        self.state.asked.load(Ordering::Relaxed)
    }
}

impl State {
    async fn ask(&self, question: &Value) -> eyre::Result<Value> {
        let answer = self.client.post(&self.upstream).json(question).send().await?;
        Ok(answer.json().await?)
    }

    /// The node's answer over HTTP.
    async fn true_answer(&self, question: Value) -> eyre::Result<Vec<u8>> {
        Ok(response("200 OK", &self.answer(Fault::None, question).await?))
    }

    /// The answer, as bytes of JSON.
    async fn answer(&self, fault: Fault, mut question: Value) -> eyre::Result<Vec<u8>> {
        let Fault::Lie(lie) = fault else {
            return Ok(serde_json::to_vec(&self.ask(&question).await?)?);
        };
        if lie == Lie::Nested {
            return Ok(lies::nested(&question["id"]));
        }
        let since = self.since.load(Ordering::Relaxed);
        if let Some(mut invented) = lies::invent(lie, &question, since) {
            invented["jsonrpc"] = json!("2.0");
            invented["id"] = question["id"].clone();
            return Ok(serde_json::to_vec(&invented)?);
        }
        lies::ask_otherwise(lie, &mut question, since);
        let mut answer = self.ask(&question).await?;
        lies::bend(lie, &question, &mut answer);
        Ok(serde_json::to_vec(&answer)?)
    }
}

async fn serve(listener: TcpListener, state: Arc<State>) -> std::io::Result<()> {
    let mut fault = state.fault.subscribe();
    let mut connections = FuturesUnordered::new();
    loop {
        tokio::select! {
            changed = fault.changed() => {
                if changed.is_err() {
                    return Ok(());
                }
                connections.clear();
            }
            accepted = listener.accept(), if connections.len() < CONNECTIONS_MAX => {
                let (near, _) = accepted?;
                if *fault.borrow() == Fault::Wire(Wire::Refused) {
                    state.asked.fetch_add(1, Ordering::Relaxed);
                } else {
                    connections.push(connection(near, Arc::clone(&state)));
                }
            }
            // However it ended.
            Some(_) = connections.next(), if !connections.is_empty() => {}
        }
    }
}

async fn connection(near: TcpStream, state: Arc<State>) -> eyre::Result<()> {
    near.set_nodelay(true)?;
    let mut near = BufReader::new(near);
    while let Some(question) = read(&mut near).await? {
        state.asked.fetch_add(1, Ordering::Relaxed);
        let fault = *state.fault.borrow();
        let Fault::Wire(wire) = fault else {
            let body = state.answer(fault, question).await?;
            near.write_all(&response("200 OK", &body)).await?;
            continue;
        };
        match wire {
            Wire::Refused => return Ok(()),
            Wire::Reset => {
                near.get_ref().set_zero_linger()?;
                return Ok(());
            }
            Wire::Silent => std::future::pending().await,
            Wire::Noise => near.write_all(&[0x16, 3, 1, 0, 0xff, 0, 10, 13, 10]).await?,
            Wire::NoJson => near.write_all(&response("200 OK", b"<html>busy</html>")).await?,
            Wire::Unavailable => {
                near.write_all(&response("503 Service Unavailable", b"no node")).await?;
            }
            Wire::Empty => near.write_all(&response("200 OK", b"")).await?,
            Wire::Redirect => {
                let to = b"HTTP/1.1 307 Temporary Redirect\r\nlocation: http://127.0.0.1:1/\r\n\
                           content-length: 0\r\n\r\n";
                near.write_all(to).await?;
            }
            Wire::Giant => return giant(&mut near).await,
            Wire::Late => {
                tokio::time::sleep(LATE).await;
                near.write_all(&state.true_answer(question).await?).await?;
            }
            Wire::Slow => {
                for byte in state.true_answer(question).await? {
                    near.write_all(&[byte]).await?;
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
            Wire::Truncated => {
                let answer = state.true_answer(question).await?;
                near.write_all(&answer[..answer.len() - answer.len() / 3]).await?;
                return Ok(());
            }
            Wire::Twice => {
                let answer = state.true_answer(question).await?;
                near.write_all(&[answer.as_slice(), &answer].concat()).await?;
            }
        }
    }
    Ok(())
}

async fn giant(near: &mut BufReader<TcpStream>) -> eyre::Result<()> {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {GIANT}\r\n\r\n\
         {{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\""
    );
    near.write_all(head.as_bytes()).await?;
    let chunk = vec![b'f'; 1 << 16];
    for _ in 0..GIANT >> 16 {
        near.write_all(&chunk).await?;
    }
    Ok(())
}

fn response(status: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// The next question of a connection; `None` at its end.
async fn read(near: &mut BufReader<TcpStream>) -> eyre::Result<Option<Value>> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if near.read_line(&mut line).await? == 0 {
            return Ok(None);
        }
        let line = line.trim().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(given) = line.strip_prefix("content-length:") {
            length = given.trim().parse().wrap_err("a length")?;
        }
    }
    eyre::ensure!(length <= QUESTION_MAX, "a question of {length} bytes");
    let mut body = vec![0; length];
    near.read_exact(&mut body).await?;
    Ok(Some(serde_json::from_slice(&body)?))
}
