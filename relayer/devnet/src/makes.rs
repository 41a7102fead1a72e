//! Starts the nodes of each make.

use std::path::{Path, PathBuf};

use eyre::{WrapErr, eyre};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::node::NodeOptions;
use crate::ports::free_port;

pub(super) fn anvil(options: &NodeOptions, port: u16) -> eyre::Result<Command> {
    let mut command = Command::new(find_anvil()?);
    command
        .args(["--port", &port.to_string()])
        .args(["--chain-id", &options.chain_id.to_string()])
        .args(["--gas-limit", &options.gas_limit.to_string()])
        // It answers browsers of any origin by itself.
        .args(["--balance", "1000000000", "--quiet"]);
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
pub(super) async fn go_ethereum(
    geth: &Path,
    options: &NodeOptions,
    port: u16,
) -> eyre::Result<Command> {
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
    run(Command::new(geth)
        .args(["init", "--state.scheme", "hash", "--datadir"])
        .args([&data, &genesis]))
    .await?;
    let (port, other) = (port.to_string(), free_port()?.to_string());
    let period = options.block_seconds.ceil().max(1.0);
    let mut command = Command::new(geth);
    command
        .arg("--datadir")
        .arg(&data)
        .args(["--dev", "--dev.period", &period.to_string()])
        .args(["--http", "--http.port", &port, "--http.api", "eth,net,web3"])
        .args(["--ws", "--ws.port", &port, "--ws.api", "eth,net,web3"])
        // Pages in browsers may ask it, as they may ask anvil.
        .args(["--http.corsdomain", "*", "--ws.origins", "*"])
        .args(["--authrpc.port", &other, "--port", "0", "--ipcdisable", "--nodiscover"])
        .args(["--miner.gaslimit", &options.gas_limit.to_string()])
        // A load's transactions fill blocks.
        .args(["--rpc.txfeecap", "0", "--rpc.gascap", "0"])
        .args(["--gcmode", if options.states_kept.is_some() { "full" } else { "archive" }]);
    Ok(command)
}

/// The balance of a rich account: 10^27 wei.
const RICH: &str = "0x33b2e3c9fd0803ce8000000";

/// One node that is its own council, of one block a second. `homi` writes the genesis; without fees, forks that bring
/// some are left out, as service chains do. Also where it serves WebSockets.
pub(super) async fn kaia(
    node: &Path,
    options: &NodeOptions,
    port: u16,
) -> eyre::Result<(Command, u16)> {
    let (data, made) = (options.log.with_extension("data"), options.log.with_extension("homi"));
    let rich: Vec<String> = options.rich.iter().map(ToString::to_string).collect();
    let chain_id = options.chain_id.to_string();
    run(Command::new(node.with_file_name("homi"))
        .args(["setup", "--gen-type", "local", "--cn-num", "1", "--servicechain-test"])
        .args(["--chainID", &chain_id, "--serviceChainID", &chain_id])
        .args(["--funding-addr", &rich.join(",")])
        .arg("--output")
        .arg(&made))
    .await?;
    let genesis = made.join("scripts/genesis.json");
    if !options.with_fees {
        without_fees(&genesis)?;
    }
    run(Command::new(node).arg("init").arg("--datadir").args([&data, &genesis])).await?;
    let (ws_port, peer_port) = (free_port()?, free_port()?);
    let mut command = Command::new(node);
    command
        .arg("--datadir")
        .arg(&data)
        .arg("--nodekey")
        .arg(made.join("keys/nodekey1"))
        .args(["--networkid", &chain_id, "--port", &peer_port.to_string()])
        .args(["--rpc", "--rpcaddr", "127.0.0.1", "--rpcport", &port.to_string()])
        .args(["--rpcapi", "eth,net,web3,kaia", "--wsapi", "eth,net,web3,kaia"])
        .args(["--ws", "--wsaddr", "127.0.0.1", "--wsport", &ws_port.to_string()])
        .args(["--rpccorsdomain", "*", "--wsorigins", "*"])
        .args(["--gcmode", if options.states_kept.is_some() { "full" } else { "archive" }])
        .args(["--nodiscover", "--ntp.disable"]);
    Ok((command, ws_port))
}

fn without_fees(genesis: &Path) -> eyre::Result<()> {
    let text = std::fs::read_to_string(genesis).wrap_err("reading what homi made")?;
    let mut content: Value = serde_json::from_str(&text)?;
    let config = content["config"].as_object_mut().ok_or_else(|| eyre!("a genesis of nothing"))?;
    let free = ["istanbulCompatibleBlock", "londonCompatibleBlock", "ethTxTypeCompatibleBlock"];
    config.retain(|key, _| free.contains(&key.as_str()) || !is_fork(key));
    std::fs::write(genesis, content.to_string()).wrap_err("writing a genesis")
}

fn is_fork(key: &str) -> bool {
    ["CompatibleBlock", "ContractAddress", "randaoRegistry"].iter().any(|end| key.ends_with(end))
}

async fn run(command: &mut Command) -> eyre::Result<()> {
    let program = command.as_std().get_program().to_owned();
    let shown = program.display();
    let output = command.output().await.wrap_err_with(|| format!("starting {shown}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(eyre!("{shown}: {}", String::from_utf8_lossy(&output.stderr)))
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
