//! Relayers are killed, stopped and robbed of their stores; no transfer is lost or doubled.

use std::time::Duration;

use eyre::{WrapErr, ensure};
use twinspan_api::lane::Hold;
use twinspan_bridge::side::PerDirection;
use twinspan_integration_tests::books::Ending;
use twinspan_integration_tests::live::{Live, PATIENCE, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn each_relayer_killed_in_turn_under_load() -> eyre::Result<()> {
    let mut live = Live::start("killed_in_turn", |_| {}).await?;
    for victim in 0..4 {
        live.load(12).await?;
        live.world.relayers[victim].kill().await?;
        live.load(24).await?;
        live.restart(victim).await?;
        live.load(6).await?;
    }
    live.close(Ending::default()).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn all_relayers_down_and_up_five_times_under_load() -> eyre::Result<()> {
    let mut live = Live::start("all_down", |_| {}).await?;
    for round in 0..5 {
        live.load(18).await?;
        if round % 2 == 0 {
            live.kill_all().await?;
        } else {
            let ended = live.terminate_all().await;
            ensure!(ended.iter().all(|well| *well), "ended well: {ended:?}");
        }
        live.load(6).await?;
        live.restart_all().await?;
        live.load(6).await?;
    }
    live.close(Ending::default()).await?;
    Ok(())
}

/// It has signed a checkpoint that is not handed over yet when its store is lost: only its peers
/// remember.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_store_is_rebuilt_and_nothing_is_signed_before_peers_are_asked() -> eyre::Result<()>
{
    const ROBBED: usize = 2;
    const WITNESS: usize = 3;
    let mut live = Live::start("lost_store", |options| {
        options.cosign_timeout = Duration::from_secs(120);
    })
    .await?;
    live.load(12).await?;
    live.close(Ending::default()).await?;

    // Two of four cannot hand over: what they sign now stays open.
    live.world.relayers[0].kill().await?;
    live.world.relayers[1].kill().await?;
    live.load(12).await?;
    let requested = live.sent.len() + live.others;
    let mut before = PerDirection::default();
    eventually("both have signed all, and know of each other's", PATIENCE, async || {
        let mut linked = 0;
        let witnesses = live.lanes(WITNESS).await?;
        for (direction, status) in live.lanes(ROBBED).await?.iter() {
            let witness = &witnesses[direction];
            let both = status.waiting_signers.len() == 2 && witness.waiting_signers.len() == 2;
            if !both || status.attested != Some(witness.linked.count) {
                return Ok(false);
            }
            linked += usize::try_from(witness.linked.count)?;
            before[direction] = status.attested;
        }
        Ok(linked == requested)
    })
    .await?;

    live.world.relayers[ROBBED].kill().await?;
    std::fs::remove_file(live.world.relayers[ROBBED].store())?;
    live.world.links.cut(ROBBED, true);
    live.world.relayers[ROBBED].start()?;
    for killed_before in [false, true] {
        if killed_before {
            live.world.relayers[ROBBED].kill().await?;
            live.world.relayers[ROBBED].start()?;
        }
        eventually("it has read all and signs nothing", PATIENCE, async || {
            for status in live.lanes(ROBBED).await?.values() {
                ensure!(status.attested.is_none(), "it signed before it asked: {status:?}");
                if status.hold != Some(Hold::Recovering) || status.window == 0 {
                    return Ok(false);
                }
            }
            Ok(true)
        })
        .await
        .wrap_err_with(|| format!("killed before it had asked: {killed_before}"))?;
    }

    live.world.links.cut(ROBBED, false);
    live.world.wait_ready(ROBBED, PATIENCE).await?;
    eventually("its signatures are back", PATIENCE, async || {
        Ok(live.lanes(ROBBED).await?.map(|_, lane| lane.attested) == before)
    })
    .await?;

    // Without relayer 0, the others need it.
    live.restart(1).await?;
    live.load(6).await?;
    eventually("all is handed over", PATIENCE, async || {
        let lanes = live.lanes(ROBBED).await?;
        Ok(lanes.values().all(|lane| lane.settled.count > 0 && lane.settled == lane.linked))
    })
    .await?;
    live.restart(0).await?;
    live.load(6).await?;
    live.close(Ending::default()).await?;
    for (direction, robbed) in live.lanes(ROBBED).await?.iter() {
        for peer in 0..4 {
            let peer = live.lane(peer, direction).await?;
            let same = (robbed.linked, robbed.settled) == (peer.linked, peer.settled);
            ensure!(same, "it differs from a peer: {robbed:?}, {peer:?}");
        }
    }
    ensure!(live.metric("twinspan_alarms_total").await == 0.0, "an alarm was raised");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relayer_stops_in_good_order_under_load_and_keeps_its_store_to_itself() -> eyre::Result<()>
{
    use twinspan_integration_tests::command;
    let mut live = Live::start("good_order", |_| {}).await?;
    live.load(24).await?;
    let second = command::run(&live.world.relayers[0].config()).await?;
    second.refuses(1, &["relayer.redb", "stop the other twinspan that uses it"])?;
    let begun = tokio::time::Instant::now();
    let ended = live.terminate_all().await;
    ensure!(ended.iter().all(|well| *well), "ended well: {ended:?}");
    ensure!(begun.elapsed() < Duration::from_secs(10), "it took {:?}", begun.elapsed());
    live.load(6).await?;
    live.restart_all().await?;
    live.close(Ending::default()).await?;
    Ok(())
}
