//! Transfers between nodes of other makes than anvil, which every other test uses. `make test-nodes` gets them; a test
//! whose node is not there says so and ends.

use std::path::PathBuf;

use eyre::ensure;
use twinspan_chains::Truth;
use twinspan_integration_tests::books::Ending;
use twinspan_integration_tests::live::Live;
use twinspan_relayer::devnet::node::NodeKind;

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
async fn all_moves(mut live: Live) -> eyre::Result<()> {
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
    let live = Live::start("geth_anvil", |options| {
        options.nodes[0] = NodeKind::Geth(geth);
        options.truth = (Truth::Proof, 1);
    })
    .await?;
    all_moves(live).await
}

/// Kaia's: a main chain with its fees, and a service chain without. Kaia encodes headers and accounts otherwise than
/// Ethereum: a header's hash is what the quorum says it is, and reads are proven all the same.
#[tokio::test(flavor = "multi_thread")]
async fn from_kaia_to_its_service_chain_and_back() -> eyre::Result<()> {
    let (Some(kcn), Some(kscn)) = (node("kcn"), node("kscn")) else { return Ok(()) };
    let live = Live::start("kaia", |options| {
        options.nodes = [NodeKind::Kaia(kcn), NodeKind::Kaia(kscn)];
        options.truth = (Truth::Proof, 1);
    })
    .await?;
    all_moves(live).await
}

/// Both are go-ethereum's, with fees, and keep few states as most nodes do.
#[tokio::test(flavor = "multi_thread")]
async fn from_geth_to_geth_with_few_states() -> eyre::Result<()> {
    let Some(geth) = node("geth") else { return Ok(()) };
    let live = Live::start("geth_geth", |options| {
        options.nodes = [NodeKind::Geth(geth.clone()), NodeKind::Geth(geth)];
        options.truth = (Truth::Proof, 1);
        options.states_kept = Some(128);
        options.log_range_max = 20;
    })
    .await?;
    ensure!(live.world.options.has_fees(1), "both have fees");
    all_moves(live).await
}
