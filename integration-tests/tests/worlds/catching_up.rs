//! A relayer that has lost its store reads the lanes' whole history, from whatever nodes there are.

use alloy::primitives::U64;
use alloy::providers::Provider;
use eyre::ensure;
use twinspan_api::lane::LaneStatus;
use twinspan_integration_tests::books::Ending;
use twinspan_integration_tests::live::{Live, PATIENCE, eventually};

const ROBBED: usize = 2;

/// States that the nodes keep.
const STATES: u64 = 40;

/// The whole history lies where no node has a state any more, in many runs of blocks.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_store_is_rebuilt_where_no_node_has_old_states() -> eyre::Result<()> {
    let mut live = Live::start("pruned_nodes", |options| {
        options.states_kept = Some(STATES);
        options.log_range_max = 7;
    })
    .await?;
    for _ in 0..4 {
        live.load(12).await?;
        live.close(Ending::default()).await?;
    }

    // Its first start may have been late enough for some.
    let surveys =
        |live: &Live| live.log(ROBBED).matches("the events lead to the contract's state").count();
    let before = surveys(&live);
    live.world.relayers[ROBBED].kill().await?;
    std::fs::remove_file(live.world.relayers[ROBBED].store())?;
    for chain in live.world.chains.values() {
        let mined = chain.provider.raw_request("anvil_mine".into(), (U64::from(2 * STATES),));
        let (): () = mined.await?;
    }
    live.restart(ROBBED).await?;
    eventually("it knows what the others know", PATIENCE, async || {
        let known = |_, lane: LaneStatus| (lane.linked, lane.settled);
        Ok(live.lanes(ROBBED).await?.map(known) == live.lanes(0).await?.map(known))
    })
    .await?;
    let surveys = surveys(&live) - before;
    ensure!(surveys == 2, "{surveys} surveys, want one of each chain");

    live.load(12).await?;
    live.close(Ending::default()).await?;
    Ok(())
}
