//! Chains take blocks back: above finality nothing is noticed, below it nothing is paid twice.

use std::time::Duration;

use alloy::primitives::{B256, Bytes, U256};
use eyre::ensure;
use twinspan_api::lane::Standing;
use twinspan_bridge::finality::FinalityRule;
use twinspan_bridge::side::{Direction, PerSide, Side};
use twinspan_devnet::ledger::Ledger;
use twinspan_devnet::traffic::{Asset, Sent, Traffic};
use twinspan_integration_tests::books::Ending;
use twinspan_integration_tests::chain;
use twinspan_integration_tests::command::twinspan;
use twinspan_integration_tests::live::{Live, PATIENCE, REWRITTEN, eventually};

/// Requests of two accounts change places when their blocks are taken back, deliveries vanish from
/// theirs; all of it above what counts as final.
#[tokio::test(flavor = "multi_thread")]
async fn blocks_taken_back_above_finality_change_nothing() -> eyre::Result<()> {
    const CONFIRMATIONS: u64 = 5;
    let mut live = Live::start("reorganised_above", |options| {
        options.finality = PerSide::from_fn(|_| FinalityRule::Confirmations(CONFIRMATIONS));
    })
    .await?;
    let mut other = Traffic::prepare(&live.world, 2).await?;
    for depth in 1..CONFIRMATIONS {
        for side in Side::BOTH {
            // Earlier requests are final, so that only this round's requests are taken back.
            chain::pass(&live.world, side, CONFIRMATIONS).await?;
            let mut round = Vec::new();
            for _ in 0..3 {
                round.push(live.ask(side, Asset::Coin).await?);
                let amount = U256::from(7_000_000_000_u64);
                let theirs = other.send(&live.world, side, Asset::Token, amount).await?;
                live.sent.push(theirs);
                round.push(theirs);
            }
            let raw = signed(&live, &round).await?;
            chain::mined(&live.world, side, round[round.len() - 1].transaction).await?;
            chain::pass(&live.world, side, depth - 1).await?;
            chain::reorganise(&live.world, side, depth).await?;
            // The other account's come first now.
            let ours_last = raw.iter().skip(1).step_by(2).chain(raw.iter().step_by(2)).cloned();
            chain::include(&live.world, side, &ours_last.collect::<Vec<_>>()).await?;
        }
    }
    live.close(Ending::default()).await?;
    ensure!(live.metric("twinspan_alarms_total").await == 0.0, "an alarm was raised");
    Ok(())
}

/// The source forgets requests that were handed over, and others take their places.
#[tokio::test(flavor = "multi_thread")]
async fn history_taken_back_after_its_handover_halts_the_lane() -> eyre::Result<()> {
    let mut live = Live::start("reorganised_below", |_| {}).await?;
    let forgotten = requests(&mut live, 4).await?;
    live.all_arrived().await?;
    settled_everywhere(&live).await?;
    take_back(&live, &forgotten).await?;

    // Its account's transactions are gone: another one asks.
    live.traffic = Traffic::prepare(&live.world, 2).await?;
    let refused = requests(&mut live, 6).await?;
    for index in 0..4 {
        eventually("the lane is halted", PATIENCE, async || {
            let report = live.report(index, Direction::ToService).await?;
            let is_halted = report.verdict().is == Standing::Halted && !report.alarms.is_empty();
            Ok(is_halted && !live.world.relayers[index].is_ready().await)
        })
        .await?;
        ensure!(live.log(index).contains("final history was rewritten"), "relayer {index} is mute");
    }

    // The opposite lane goes on.
    let back = live.ask(Side::Service, Asset::Coin).await?;
    eventually("the opposite lane hands over", PATIENCE, async || {
        Ok(live.received(&back).await? == back.amount)
    })
    .await?;
    for sent in &forgotten {
        let received = live.received(sent).await?;
        ensure!(received == sent.amount, "paid {received} for {sent:?}");
    }
    for sent in &refused {
        let received = live.received(sent).await?;
        ensure!(received.is_zero(), "paid {received} in a place that was taken: {sent:?}");
    }
    let mut ledger = Ledger::open(&live.world);
    ledger.update(&live.world).await?;
    ensure!(ledger.totals().duplicated == 0, "{:?}", ledger.totals());
    live.check_relayers(&["final history was rewritten", "the lane is halted"])
}

/// One relayer alone has attested requests that are then taken back. It harms nobody, and resumes by
/// itself when the others have carried the lane past them.
#[tokio::test(flavor = "multi_thread")]
async fn a_lone_relayer_that_attested_lost_history_abstains_and_heals() -> eyre::Result<()> {
    let mut live = Live::start("reorganised_alone", |options| {
        options.cosign_timeout = Duration::from_secs(120);
    })
    .await?;
    settled_everywhere(&live).await?;
    for index in 1..4 {
        live.world.relayers[index].kill().await?;
    }
    let forgotten = requests(&mut live, 4).await?;
    eventually("it has attested them", PATIENCE, async || {
        let lane = live.lane(0, Direction::ToService).await?;
        Ok(lane.linked.count - lane.settled.count == 4 && lane.attested == Some(lane.linked.count))
    })
    .await?;
    take_back(&live, &forgotten).await?;
    live.sent.clear();
    live.traffic = Traffic::prepare(&live.world, 2).await?;
    requests(&mut live, 4).await?;
    live.abstains(0, Direction::ToService).await?;
    ensure!(live.metric("twinspan_alarms_total").await > 0.0, "no alarm was raised");
    for index in 1..4 {
        live.restart(index).await?;
    }
    eventually("it signs again", PATIENCE, async || {
        let lane = live.lane(0, Direction::ToService).await?;
        Ok(lane.hold.is_none() && lane.settled == lane.linked)
    })
    .await?;

    // All is well now, and the alarm stands: somebody must look.
    let api = live.world.relayers[0].api_url();
    twinspan(["status", "--api", &api]).await?.refuses(1, &["has an alarm"])?;

    // Without relayer 1, the others need it.
    live.world.relayers[1].kill().await?;
    requests(&mut live, 4).await?;
    live.all_arrived().await?;
    live.restart(1).await?;
    live.close(Ending { errors: REWRITTEN, ..Ending::default() }).await?;
    Ok(())
}

/// Two of four have attested requests that are taken back. The others cannot do without one of them: a human
/// decides, the decision lasts, and the other one heals by itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_lane_that_cannot_do_without_its_conflicted_relayers_goes_on_when_a_human_says_so()
-> eyre::Result<()> {
    let mut live = Live::start("reorganised_resumed", |options| {
        options.cosign_timeout = Duration::from_secs(120);
    })
    .await?;
    settled_everywhere(&live).await?;
    for index in 2..4 {
        live.world.relayers[index].kill().await?;
    }
    let forgotten = requests(&mut live, 4).await?;
    for index in 0..2 {
        eventually("it has attested them", PATIENCE, async || {
            let lane = live.lane(index, Direction::ToService).await?;
            Ok(lane.linked.count - lane.settled.count == 4
                && lane.attested == Some(lane.linked.count))
        })
        .await?;
    }
    take_back(&live, &forgotten).await?;
    live.sent.clear();
    live.traffic = Traffic::prepare(&live.world, 2).await?;
    requests(&mut live, 4).await?;
    for index in 2..4 {
        live.restart(index).await?;
    }
    for index in 0..2 {
        live.abstains(index, Direction::ToService).await?;
    }
    eventually("the other two have attested what is there now", PATIENCE, async || {
        let lane = live.lane(3, Direction::ToService).await?;
        Ok(lane.waiting_signers.len() == 2 && lane.settled.count < lane.linked.count)
    })
    .await?;

    let lane = live.report(0, Direction::ToService).await?.name;
    let config = live.world.relayers[0].config();
    live.resume(0, "demo/nowhere", "a slip").await?.refuses(1, &["no lane", &lane])?;
    live.resume(0, &lane, " ").await?.refuses(1, &["1 to 1000 characters"])?;
    let said = live.resume(0, &lane, "the node sat on a fork").await?;
    let said = said.ends_well()?;
    ensure!(said.contains("goes on") && said.contains("void: count"), "{said}");
    live.resume(0, &lane, "once more").await?.refuses(1, &["nothing to decide"])?;
    live.all_arrived().await?;

    live.world.relayers[0].kill().await?;
    live.restart(0).await?;
    let list = ["lane", "list", "--config", &config.to_string_lossy()].map(str::to_owned);
    let list = twinspan(list).await?;
    ensure!(list.ends_well()?.contains("the node sat on a fork"), "{}", list.stdout);
    requests(&mut live, 4).await?;
    live.close(Ending { errors: REWRITTEN, ..Ending::default() }).await?;
    Ok(())
}

/// Coins from main to service, in blocks of their own.
async fn requests(live: &mut Live, n: usize) -> eyre::Result<Vec<Sent>> {
    chain::pass(&live.world, Side::Main, 1).await?;
    let mut sent = Vec::new();
    for _ in 0..n {
        sent.push(live.ask(Side::Main, Asset::Coin).await?);
    }
    for sent in &sent {
        chain::mined(&live.world, Side::Main, sent.transaction).await?;
    }
    Ok(sent)
}

/// Takes back every block of the main chain since the first of these requests.
async fn take_back(live: &Live, sent: &[Sent]) -> eyre::Result<()> {
    let first = chain::mined(&live.world, Side::Main, sent[0].transaction).await?;
    let depth = chain::height(&live.world, Side::Main).await? - first + 1;
    chain::reorganise(&live.world, Side::Main, depth).await?;
    for sent in sent {
        let block = chain::block_of(&live.world, Side::Main, sent.transaction).await?;
        ensure!(block.is_none(), "still in block {block:?}: {sent:?}");
    }
    Ok(())
}

/// Waits until every relayer has seen the end of everything that was asked for.
async fn settled_everywhere(live: &Live) -> eyre::Result<()> {
    eventually("all relayers see all settled", PATIENCE, async || {
        for index in 0..4 {
            for direction in Direction::BOTH {
                let report = live.report(index, direction).await?;
                let Some(status) = report.status else { return Ok(false) };
                if status.settled != status.linked || status.linked.count < report.requested {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    })
    .await
}

async fn signed(live: &Live, round: &[Sent]) -> eyre::Result<Vec<(B256, Bytes)>> {
    let mut all = Vec::new();
    for sent in round {
        let raw = chain::raw(&live.world, sent.side, sent.transaction).await?;
        all.push((sent.transaction, raw));
    }
    Ok(all)
}
