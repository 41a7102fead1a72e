//! Packets get lost, and nobody tells the sender: relayers are split into halves, and the nodes fall silent. In a
//! network namespace, with nft; where that is not permitted this is skipped, and the forwarders of the other tests
//! stand for it.

use std::time::Duration;

use eyre::ensure;
use twinspan_api::chain::ChainState;
use twinspan_bridge::side::{PerSide, Side};
use twinspan_devnet::ports::{Ports, free_port};
use twinspan_integration_tests::books::Ending;
use twinspan_integration_tests::chaos::Chaos;
use twinspan_integration_tests::live::{Live, PATIENCE, eventually};
use twinspan_integration_tests::network::Network;

#[test]
fn what_is_lost_on_the_way_keeps_nothing_from_arriving() -> eyre::Result<()> {
    let name = "what_is_lost_on_the_way_keeps_nothing_from_arriving";
    let Some(network) = Network::enter(name)? else { return Ok(()) };
    tokio::runtime::Runtime::new()?.block_on(scenes(&network))
}

async fn scenes(network: &Network) -> eyre::Result<()> {
    let ports = PerSide::try_from_fn(|_| free_port())?;
    // Relayers reach the nodes over these; the test itself asks the nodes.
    let open = |side| Chaos::open(format!("http://127.0.0.1:{}", ports[side]));
    let nodes = PerSide::new(open(Side::Main).await?, open(Side::Service).await?);
    let mut live = Live::start("lost_packets", |options| {
        options.ports = Ports::Nodes(ports);
        options.endpoints = PerSide::from_fn(|side| vec![nodes[side].url().to_owned()]);
        options.cosign_timeout = Duration::from_secs(3);
        options.takeover = Duration::from_secs(1);
    })
    .await?;
    live.load(6).await?;
    live.all_arrived().await?;

    // Neither half has a quorum: the destination chain carries their attestations.
    let links = &live.world.links;
    let wires = [(0, 2), (0, 3), (1, 2), (1, 3)];
    let both_ways = wires.iter().flat_map(|(a, b)| [links.port(*a, *b), links.port(*b, *a)]);
    network.lose(&both_ways.flatten().collect::<Vec<_>>())?;
    live.load(12).await?;
    live.all_arrived().await?;
    let posted = live.metric("twinspan_attestations_posted_total").await;
    ensure!(posted > 0.0, "nothing was posted: the halves were not apart");
    network.heal()?;
    live.load(6).await?;
    live.all_arrived().await?;

    // Both nodes, for longer than several calls may take.
    network.lose(&nodes.values().map(Chaos::port).collect::<Vec<_>>())?;
    live.load(6).await?;
    eventually("a relayer tells that the nodes are out of reach", PATIENCE, async || {
        let chains = live.world.relayers[0].status().await?.chains;
        Ok(chains.iter().all(|chain| chain.condition.state == ChainState::Unreachable))
    })
    .await?;
    network.heal()?;
    live.load(6).await?;
    live.close(Ending::default()).await?;
    Ok(())
}
