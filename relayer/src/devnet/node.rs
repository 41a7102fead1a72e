//! A real node of a test chain, as a process of its own.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use alloy::primitives::Address;
use alloy::transports::http::reqwest::Url;
use eyre::{WrapErr, eyre};
use serde_json::json;
use tokio::process::{Child, Command};

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
}

/// What a node is like.
#[derive(Clone, Debug)]
pub struct NodeOptions {
    /// Which program.
    pub kind: NodeKind,
    /// EIP-155 id.
    pub chain_id: u64,
    /// Seconds between blocks; of geth, whole ones, one at the least.
    pub block_seconds: f64,
    /// Where it listens; `None`: on any free port.
    pub port: Option<u16>,
    /// Gas that a block holds.
    pub gas_limit: u64,
    /// EIP-1559 fees, or a chain from before them with a gas price of zero.
    pub with_fees: bool,
    /// States of old blocks that it keeps, about as many, with a block for each transaction instead of one at a
    /// time (anvil forgets none otherwise); `None`: all, as an archive node.
    pub states_kept: Option<u64>,
    /// Accounts that hold coins from the first block on; anvil knows its own.
    pub rich: Vec<Address>,
    /// Where its output goes; what it keeps lies beside.
    pub log: PathBuf,
}

/// A running node. Ends with its handle.
#[derive(Debug)]
pub struct Node {
    port: u16,
    /// The process.
    pub process: Child,
}

impl Node {
    /// Starts a node and waits until it answers.
    ///
    /// # Errors
    /// If its program is not there, or it does not start.
    pub async fn start(options: &NodeOptions) -> eyre::Result<Self> {
        let port = options.port.map_or_else(free_port, Ok)?;
        let log = File::create(&options.log).wrap_err("making the node's log")?;
        let mut command = match &options.kind {
            NodeKind::Anvil => anvil(options, port)?,
            NodeKind::Geth(geth) => go_ethereum(geth, options, port).await?,
        };
        let program = command.as_std().get_program().to_owned();
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).kill_on_drop(true);
        let process =
            command.spawn().wrap_err_with(|| format!("starting {}", program.display()))?;
        let mut node = Self { port, process };
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
        format!("ws://127.0.0.1:{}", self.port).parse().expect("a URL of a port is a URL")
    }
}

fn anvil(options: &NodeOptions, port: u16) -> eyre::Result<Command> {
    let mut command = Command::new(find_anvil()?);
    command
        .args(["--port", &port.to_string()])
        .args(["--chain-id", &options.chain_id.to_string()])
        .args(["--gas-limit", &options.gas_limit.to_string()])
        .args(["--balance", "1000000000", "--no-cors", "--quiet"]);
    match options.states_kept {
        Some(states) => command.args(["--prune-history", &states.to_string()]),
        None => command.args(["--block-time", &options.block_seconds.to_string()]),
    };
    if !options.with_fees {
        command.args(["--hardfork", "berlin", "--gas-price", "0"]);
    }
    Ok(command)
}

/// A chain of its own with a block in each period, from a genesis of our accounts.
async fn go_ethereum(geth: &Path, options: &NodeOptions, port: u16) -> eyre::Result<Command> {
    let data = options.log.with_extension("data");
    let genesis = options.log.with_extension("genesis.json");
    let rich = options.rich.iter().map(|account| (account.to_string(), json!({ "balance": RICH })));
    let content = json!({
        "config": {
            "chainId": options.chain_id,
            "homesteadBlock": 0, "eip150Block": 0, "eip155Block": 0, "eip158Block": 0,
            "byzantiumBlock": 0, "constantinopleBlock": 0, "petersburgBlock": 0,
            "istanbulBlock": 0, "berlinBlock": 0, "londonBlock": 0,
            "terminalTotalDifficulty": 0, "shanghaiTime": 0, "cancunTime": 0,
            "blobSchedule": {
                "cancun": { "target": 3, "max": 6, "baseFeeUpdateFraction": 3_338_477 },
            },
        },
        "difficulty": "0x0",
        "gasLimit": format!("{:#x}", options.gas_limit),
        "baseFeePerGas": "0x3b9aca00",
        "alloc": rich.collect::<serde_json::Map<_, _>>(),
    });
    std::fs::write(&genesis, content.to_string()).wrap_err("writing a genesis")?;
    let made = Command::new(geth)
        .args(["init", "--state.scheme", "hash", "--datadir"])
        .args([&data, &genesis])
        .output()
        .await
        .wrap_err_with(|| format!("starting {}", geth.display()))?;
    if !made.status.success() {
        return Err(eyre!("geth init: {}", String::from_utf8_lossy(&made.stderr)));
    }
    let (port, other) = (port.to_string(), free_port()?.to_string());
    let period = options.block_seconds.ceil().max(1.0);
    let mut command = Command::new(geth);
    command
        .arg("--datadir")
        .arg(&data)
        .args(["--dev", "--dev.period", &period.to_string()])
        .args(["--http", "--http.port", &port, "--http.api", "eth,net,web3"])
        .args(["--ws", "--ws.port", &port, "--ws.api", "eth,net,web3"])
        .args(["--authrpc.port", &other, "--port", "0", "--ipcdisable", "--nodiscover"])
        .args(["--miner.gaslimit", &options.gas_limit.to_string()])
        .args(["--gcmode", if options.states_kept.is_some() { "full" } else { "archive" }]);
    Ok(command)
}

/// What a rich account holds: 10^27 wei.
const RICH: &str = "0x33b2e3c9fd0803ce8000000";

/// Where free ports are looked for: below those that systems give to outgoing connections, so that
/// none of these takes the port of a process that is down for a while.
const PORTS: std::ops::Range<u32> = 20_000..32_000;

/// A port that nobody uses now, and that this process was not given before.
///
/// # Errors
/// If there is none.
pub fn free_port() -> eyre::Result<u16> {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    // Processes side by side begin at different places.
    let begin = std::process::id().wrapping_mul(101);
    let places = PORTS.end - PORTS.start;
    for _ in 0..places {
        let place = begin.wrapping_add(TAKEN.fetch_add(1, Ordering::Relaxed)) % places;
        let port = u16::try_from(PORTS.start + place)?;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    Err(eyre!("no port from {} to {} is free", PORTS.start, PORTS.end - 1))
}

/// `TWINSPAN_ANVIL`, or what npm installed here or above, or what is on the path.
fn find_anvil() -> eyre::Result<PathBuf> {
    if let Some(named) = std::env::var_os("TWINSPAN_ANVIL") {
        return Ok(named.into());
    }
    let here = std::env::current_dir()?;
    for folder in here.ancestors() {
        if let Some(found) = in_modules(&folder.join("node_modules/@foundry-rs")) {
            return Ok(found);
        }
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|folder| folder.join("anvil"))
        .find(|file| file.is_file())
        .ok_or_else(|| {
            eyre!("no anvil: run `npm ci` in the repository, or set TWINSPAN_ANVIL to its path")
        })
}

fn in_modules(scope: &Path) -> Option<PathBuf> {
    let packages = std::fs::read_dir(scope).ok()?;
    packages
        .filter_map(Result::ok)
        .filter(|package| package.file_name().to_string_lossy().starts_with("anvil-"))
        .map(|package| package.path().join("bin/anvil"))
        .find(|file| file.is_file())
}
