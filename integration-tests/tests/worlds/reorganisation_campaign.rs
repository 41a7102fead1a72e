//! Reorganisations one after the other: of every depth above finality, which change nothing, and below it, where the
//! lane halts and goes on when a human says so.
//!
//! `TWINSPAN_REORGANISATIONS` and `TWINSPAN_REORGANISATIONS_BELOW` choose how many of each.

use std::time::Duration;

use alloy::primitives::{B256, Bytes};
use eyre::{WrapErr, ensure};
use twinspan_bridge::finality::FinalityRule;
use twinspan_bridge::side::{Direction, PerSide, Side};
use twinspan_devnet::traffic::{Asset, Traffic};
use twinspan_integration_tests::books::Ending;
use twinspan_integration_tests::chain;
use twinspan_integration_tests::live::{Live, PATIENCE, REWRITTEN, eventually, number};

/// Depths above finality.
const DEPTHS: u64 = 64;

#[tokio::test(flavor = "multi_thread")]
async fn every_depth_above_finality_converges() -> eyre::Result<()> {
    let mut live = Live::start("reorganised_often", |options| {
        options.finality = PerSide::from_fn(|_| FinalityRule::Confirmations(DEPTHS + 1));
        options.block_seconds = 0.2;
    })
    .await?;
    for side in Side::BOTH {
        // Everything that the world was made with is final.
        chain::pass(&live.world, side, DEPTHS + 2).await?;
    }
    let mut asked = PerSide::<Vec<(B256, Bytes)>>::default();
    let rounds = number("TWINSPAN_REORGANISATIONS", 2);
    for round in 0..rounds {
        for side in Side::BOTH {
            let sent = live.ask(side, Asset::Coin).await?;
            let raw = chain::raw(&live.world, side, sent.transaction).await?;
            asked[side].push((sent.transaction, raw));
        }
        let side = if round.is_multiple_of(2) { Side::Main } else { Side::Service };
        chain::pass(&live.world, side, round % 7).await?;
        // Steps that share no divisor with the number of depths meet each of them, the deepest one early.
        let depth = DEPTHS - round * 37 % DEPTHS;
        chain::reorganise(&live.world, side, depth).await?;
        chain::include(&live.world, side, &asked[side])
            .await
            .wrap_err_with(|| format!("{depth} blocks"))?;
        // A transaction this far down stays. One that was taken back is near the top again, however old it is.
        let stays = chain::height(&live.world, side).await?.saturating_sub(DEPTHS + 1);
        while let Some((transaction, _)) = asked[side].first()
            && chain::block_of(&live.world, side, *transaction).await?.is_some_and(|at| at < stays)
        {
            asked[side].remove(0);
        }
        if round % 20 == 19 {
            println!("{} of {rounds} reorganisations", round + 1);
        }
    }
    live.close(Ending::default()).await?;
    ensure!(live.metric("twinspan_alarms_total").await == 0.0, "an alarm was raised");
    Ok(())
}

/// Two of four relayers have attested what is taken back, and the two others do without neither.
#[tokio::test(flavor = "multi_thread")]
async fn every_one_below_finality_halts_the_lane_until_a_human_resumes_it() -> eyre::Result<()> {
    let mut live = Live::start("reorganised_below_often", |options| {
        options.cosign_timeout = Duration::from_secs(600);
    })
    .await?;
    let lane_name = live.report(0, Direction::ToService).await?.name;
    let rounds = number("TWINSPAN_REORGANISATIONS_BELOW", 1);
    for round in 0..rounds {
        // Who asks now did not ask in the history that is gone.
        live.traffic = Traffic::prepare(&live.world, 1 + usize::try_from(round % 3)?).await?;
        for index in 2..4 {
            live.world.relayers[index].kill().await?;
        }
        chain::pass(&live.world, Side::Main, 1).await?;
        let first = live.ask(Side::Main, Asset::Coin).await?;
        let block = chain::mined(&live.world, Side::Main, first.transaction).await?;
        live.sent.pop();
        eventually("both have attested it", PATIENCE, async || {
            for index in 0..2 {
                let lane = live.lane(index, Direction::ToService).await?;
                if lane.linked == lane.settled || lane.attested != Some(lane.linked.count) {
                    return Ok(false);
                }
            }
            Ok(true)
        })
        .await?;
        chain::pass(&live.world, Side::Main, round % 9).await?;
        let depth = chain::height(&live.world, Side::Main).await? - block + 1;
        chain::reorganise(&live.world, Side::Main, depth).await?;
        live.traffic = Traffic::prepare(&live.world, 1 + usize::try_from((round + 1) % 3)?).await?;
        live.ask(Side::Main, Asset::Coin).await?;
        for index in 0..2 {
            live.abstains(index, Direction::ToService).await?;
        }
        for index in 2..4 {
            live.restart(index).await?;
        }
        live.resume(0, &lane_name, &format!("round {round}")).await?.ends_well()?;
        live.all_arrived().await?;
        eventually("the other one heals by itself", PATIENCE, async || {
            let lane = live.lane(1, Direction::ToService).await?;
            Ok(lane.hold.is_none() && lane.settled == lane.linked)
        })
        .await?;
        println!("{depth} blocks below finality: halted, resumed");
    }
    live.close(Ending { errors: REWRITTEN, ..Ending::default() }).await?;
    Ok(())
}
