//! Transfers between nodes of other makes than anvil, which every other test uses. `make test-nodes` gets them; a test
//! whose node is not there says so and ends.

use std::path::{Path, PathBuf};

use eyre::{OptionExt, WrapErr, ensure};
use tokio::process::{Child, Command};
use twinspan_api::chain::EndpointState;
use twinspan_bridge::side::{PerSide, Side};
use twinspan_chains::Truth;
use twinspan_devnet::node::NodeKind;
use twinspan_devnet::ports::{Ports, free_port};
use twinspan_integration_tests::books::Ending;
use twinspan_integration_tests::chain::{height, pass};
use twinspan_integration_tests::live::{Live, PATIENCE, eventually};

use crate::devnet::browsers_may_use;

/// A program in the folder that `TWINSPAN_NODES` names.
fn node(program: &str) -> Option<PathBuf> {
    let folder = PathBuf::from(std::env::var_os("TWINSPAN_NODES")?);
    let path = folder.join(program);
    let found = path.is_file().then_some(path);
    if found.is_none() {
        println!("skipped: there is no {program} in {}", folder.display());
    }
    found
}

/// Coins and tokens, both ways, under load; then a relayer is killed and another one loses its store.
async fn all_moves(live: &mut Live) -> eyre::Result<()> {
    for chain in live.world.chains.values() {
        browsers_may_use(chain.node.http_url().as_str()).await?;
    }
    live.load(12).await?;
    live.close(Ending::default()).await?;
    live.world.relayers[1].kill().await?;
    live.world.relayers[2].kill().await?;
    std::fs::remove_file(live.world.relayers[2].store())?;
    live.load(6).await?;
    live.restart(1).await?;
    live.restart(2).await?;
    live.load(6).await?;
    live.close(Ending::default()).await?;
    Ok(())
}

/// The service chain is anvil's without fees, the main chain go-ethereum's; reads of both are proven.
#[tokio::test(flavor = "multi_thread")]
async fn from_geth_to_anvil_and_back() -> eyre::Result<()> {
    let Some(geth) = node("geth") else { return Ok(()) };
    let mut live = Live::start("geth_anvil", |options| {
        options.nodes[Side::Main] = NodeKind::Geth(geth);
        options.truth = (Truth::Proof, 1);
    })
    .await?;
    all_moves(&mut live).await
}

/// Kaia's: a main chain with its fees, and a service chain without. Kaia encodes headers and accounts otherwise than
/// Ethereum: a header's hash is what the quorum says it is, and reads are proven all the same.
#[tokio::test(flavor = "multi_thread")]
async fn from_kaia_to_its_service_chain_and_back() -> eyre::Result<()> {
    let (Some(kcn), Some(kscn)) = (node("kcn"), node("kscn")) else { return Ok(()) };
    let mut live = Live::start("kaia", |options| {
        options.nodes = PerSide::new(NodeKind::Kaia(kcn), NodeKind::Kaia(kscn));
        options.truth = (Truth::Proof, 1);
    })
    .await?;
    all_moves(&mut live).await
}

/// Both are go-ethereum's, with fees, and keep few states as most nodes do.
#[tokio::test(flavor = "multi_thread")]
async fn from_geth_to_geth_with_few_states() -> eyre::Result<()> {
    let Some(geth) = node("geth") else { return Ok(()) };
    let mut live = Live::start("geth_geth", |options| {
        options.nodes = PerSide::from_fn(|_| NodeKind::Geth(geth.clone()));
        options.truth = (Truth::Proof, 1);
        options.states_kept = Some(128);
        options.log_range_max = 20;
    })
    .await?;
    ensure!(live.world.options.has_fees(Side::Service), "both have fees");
    all_moves(&mut live).await?;
    // A relayer without its store finds no state of the blocks that it begins with.
    for side in Side::BOTH {
        let dropped = 140_u64.saturating_sub(height(&live.world, side).await?);
        for _ in 0..dropped.div_ceil(20) {
            pass(&live.world, side, 20).await?;
        }
    }
    live.world.relayers[3].kill().await?;
    std::fs::remove_file(live.world.relayers[3].store())?;
    live.load(6).await?;
    live.restart(3).await?;
    live.close(Ending::default()).await?;
    Ok(())
}

/// Another go-ethereum of the same chain is asked first, and stays where it was when it was copied. What is sent to it
/// it puts into blocks of its own.
#[tokio::test(flavor = "multi_thread")]
async fn a_geth_that_stays_behind_is_no_harm_beside_one_that_does_not() -> eyre::Result<()> {
    let Some(geth) = node("geth") else { return Ok(()) };
    let (port, service, behind) = (free_port()?, free_port()?, free_port()?);
    let mut live = Live::start("geth_behind", |options| {
        options.nodes[Side::Main] = NodeKind::Geth(geth.clone());
        options.ports = Ports::Nodes(PerSide::new(port, service));
        let url = |port| format!("http://127.0.0.1:{port}");
        let main = vec![url(behind), url(port), url(port)];
        options.endpoints = PerSide::new(main, vec![url(service); 2]);
        options.truth = (Truth::Proof, 2);
    })
    .await?;
    live.load(6).await?;
    live.close(Ending::default()).await?;

    let pid =
        live.world.chains[Side::Main].node.process.id().ok_or_eyre("the node does not run")?;
    let data = live.world.options.folder.join("main.data");
    let copy = live.world.options.folder.join("behind.data");
    run("kill", &["-STOP", &pid.to_string()]).await?;
    run("cp", &["-r", &data.to_string_lossy(), &copy.to_string_lossy()]).await?;
    run("kill", &["-CONT", &pid.to_string()]).await?;
    let _behind = stays_behind(&geth, &copy, behind)?;
    eventually("it is seen to lag", PATIENCE, async || {
        let chains = live.world.relayers[0].status().await?.chains;
        Ok(chains[0].condition.endpoints[0].state == EndpointState::Lagging)
    })
    .await?;
    all_moves(&mut live).await
}

/// The node on the copied data: without a period it makes a block for what it is sent only.
fn stays_behind(geth: &Path, data: &Path, port: u16) -> eyre::Result<Child> {
    let log = std::fs::File::create(data.with_extension("log"))?;
    Command::new(geth)
        .arg("--datadir")
        .arg(data)
        .args(["--dev", "--dev.period", "0", "--gcmode", "archive"])
        .args(["--http", "--http.port", &port.to_string(), "--http.api", "eth,net,web3"])
        .args(["--authrpc.port", &free_port()?.to_string(), "--port", "0", "--ipcdisable"])
        .arg("--nodiscover")
        .stdout(log.try_clone()?)
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .wrap_err("starting the other geth")
}

async fn run(program: &str, words: &[&str]) -> eyre::Result<()> {
    let status = Command::new(program).args(words).status().await?;
    ensure!(status.success(), "{program} {words:?}: {status}");
    Ok(())
}
