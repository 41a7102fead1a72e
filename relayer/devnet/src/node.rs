//! A real node of a test chain, as a process of its own.

use std::fs::File;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use alloy::primitives::Address;
use alloy::transports::http::reqwest::Url;
use eyre::{WrapErr, eyre};
use tokio::process::Child;
use tokio::time::Instant;

use crate::makes;

/// How long a node may take to answer.
const START_LIMIT: Duration = Duration::from_secs(30);

/// Which program a node is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum NodeKind {
    /// anvil, which npm installs.
    #[default]
    Anvil,
    /// go-ethereum, at this path. It has fees.
    Geth(PathBuf),
    /// Kaia's, at this path: `kcn`, or `kscn` for a service chain. `homi`, which makes its genesis, lies beside.
    Kaia(PathBuf),
}

/// The options of a node.
#[derive(Clone, Debug)]
pub struct NodeOptions {
    /// Which program.
    pub kind: NodeKind,
    /// EIP-155 id.
    pub chain_id: u64,
    /// Seconds between blocks; of geth, whole ones, one at the least.
    pub block_seconds: f64,
    /// Where it listens.
    pub port: u16,
    /// Gas that a block holds.
    pub gas_limit: u64,
    /// EIP-1559 fees, or a chain from before them with a gas price of zero.
    pub with_fees: bool,
    /// States of old blocks that it keeps, about as many; `None`: all, as an archive node. With a number, anvil makes a
    /// block for each transaction, since otherwise it forgets none.
    pub states_kept: Option<u64>,
    /// Accounts that hold coins from the first block on; anvil knows its own.
    pub rich: Vec<Address>,
    /// Where its output goes. Its data lies beside.
    pub log: PathBuf,
}

/// A running node. Ends with its handle.
#[derive(Debug)]
pub struct Node {
    port: u16,
    ws_port: u16,
    /// The process.
    pub process: Child,
}

impl Node {
    /// Starts a node and waits until it answers.
    ///
    /// # Errors
    /// If its program is not there, or it does not start.
    pub async fn start(options: &NodeOptions) -> eyre::Result<Self> {
        let port = options.port;
        let log = File::create(&options.log).wrap_err("making the node's log")?;
        let (mut command, ws_port) = match &options.kind {
            NodeKind::Anvil => (makes::anvil(options, port)?, port),
            NodeKind::Geth(geth) => (makes::go_ethereum(geth, options, port).await?, port),
            NodeKind::Kaia(node) => makes::kaia(node, options, port).await?,
        };
        let program = command.as_std().get_program().to_owned();
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).kill_on_drop(true);
        let process =
            command.spawn().wrap_err_with(|| format!("starting {}", program.display()))?;
        let mut node = Self { port, ws_port, process };
        node.wait().await?;
        Ok(node)
    }

    async fn wait(&mut self) -> eyre::Result<()> {
        let end = Instant::now() + START_LIMIT;
        while Instant::now() < end {
            if tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.is_ok() {
                return Ok(());
            }
            if let Some(status) = self.process.try_wait()? {
                return Err(eyre!("the node ended at its start: {status}"));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err(eyre!("the node does not answer on port {}", self.port))
    }

    /// Its JSON-RPC over HTTP.
    #[must_use]
    pub fn http_url(&self) -> Url {
        format!("http://127.0.0.1:{}", self.port).parse().expect("a URL of a port is a URL")
    }

    /// Its JSON-RPC over WebSocket.
    #[must_use]
    pub fn ws_url(&self) -> Url {
        format!("ws://127.0.0.1:{}", self.ws_port).parse().expect("a URL of a port is a URL")
    }
}
