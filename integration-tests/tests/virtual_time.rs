//! Real relayers over chains in memory, in one thread and in virtual time.
#![allow(missing_docs)]

use std::time::Duration;

use alloy::primitives::{Address, B256};
use eyre::{OptionExt, bail, ensure};
use twinspan_bridge::finality::FinalityRule;
use twinspan_bridge::side::Side;
use twinspan_chains::Truth;
use twinspan_integration_tests::simulation::{World, WorldOptions};

/// Seconds that a relayer may take to read a history of 3,000 blocks.
const READING_MAX: u64 = 120;

/// The processor's time that this thread has had, whatever else the machine does.
fn processor_time() -> eyre::Result<Duration> {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds = told.split_whitespace().next().ok_or_eyre("no figure")?;
    Ok(Duration::from_nanos(nanoseconds.parse()?))
}

#[tokio::test(start_paused = true)]
async fn a_thousand_seconds_pass_in_under_one() -> eyre::Result<()> {
    let mut world = World::start(WorldOptions { relayers: 1, ..Default::default() }).await?;
    world.run(5).await?;
    ensure!(world.is_ready(0).await?, "{:?}", world.ask(0, "/readyz").await?);
    let (began, virtually) = (processor_time()?, tokio::time::Instant::now());
    let bridge = world.pairs[0][Side::Main];
    for second in 0..1_000 {
        if second % 20 == 0 {
            world.chains[Side::Main].request(bridge, Address::repeat_byte(7), second + 1);
        }
        world.run(1).await?;
    }
    let took = processor_time()? - began;
    ensure!(virtually.elapsed() >= Duration::from_secs(1_000), "{:?}", virtually.elapsed());
    ensure!(took < Duration::from_secs(1), "a thousand seconds took {took:?}");
    world.run(10).await?;
    let counts = (world.requested(Side::Main), world.handed_over(Side::Service));
    ensure!(counts == (50, 50), "{counts:?} {:#}", world.ask(0, "/v1/status").await?.1);
    world.stop().await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn four_relayers_hand_over_both_ways_and_a_fifth_request_after_a_restart() -> eyre::Result<()>
{
    let mut world = World::start(WorldOptions::default()).await?;
    for round in 0..2 {
        for (side, chain) in world.chains.iter() {
            for n in 0..200 {
                chain.request(world.pairs[0][side], Address::repeat_byte(9), n + 1);
            }
        }
        world.run(60).await?;
        for side in Side::BOTH {
            let (want, got) = (world.requested(side), world.handed_over(side.other()));
            ensure!(want == 200 * (round + 1) && got == want, "{side}: {got} of {want}");
        }
        for relayer in 0..2 {
            world.restart(relayer).await?;
        }
    }
    world.stop().await;
    Ok(())
}

/// Before its block is final a request is found by its transaction, and the page says what it waits for.
#[tokio::test(start_paused = true)]
async fn a_request_is_told_by_its_transaction_before_it_is_final() -> eyre::Result<()> {
    let finality = FinalityRule::Confirmations(30);
    let (history, asked_every) = (40, 1_000);
    let options =
        WorldOptions { relayers: 1, history, asked_every, finality, ..Default::default() };
    let mut world = World::start(options).await?;
    let bridge = world.pairs[0][Side::Main];
    world.run(10).await?;
    world.chains[Side::Main].request(bridge, Address::repeat_byte(7), 5);
    world.run(5).await?;
    let transaction = world.chains[Side::Main].last_transaction(bridge).ok_or_eyre("not mined")?;
    let path = format!("/v1/transfers?transaction={transaction}");
    let (_, told) = world.ask(0, &path).await?;
    let observed = &told["transfers"][0];
    ensure!(
        observed["stage"] == "observed" && observed["request"]["amount_units"] == "5",
        "{told:#}"
    );
    ensure!(observed["source"]["transaction"] == transaction.to_string(), "{told:#}");
    let confirmations = &observed["confirmations"];
    ensure!(confirmations["wanted"] == 30, "{told:#}");
    ensure!(confirmations["had"].as_u64().is_some_and(|had| (1..10).contains(&had)), "{told:#}");
    world.run(90).await?;
    let (_, told) = world.ask(0, &path).await?;
    ensure!(told["transfers"][0]["stage"] == "handed_over", "{told:#}");
    let (status, unknown) =
        world.ask(0, &format!("/v1/transfers?transaction={}", B256::ZERO)).await?;
    ensure!(status == 200 && unknown["transfers"].as_array().is_some_and(Vec::is_empty));
    world.stop().await;
    Ok(())
}

/// A source takes back what was final there, and was paid: the request that takes its place is not paid.
#[tokio::test(start_paused = true)]
async fn no_page_says_handed_over_of_a_request_that_took_the_place_of_a_paid_one()
-> eyre::Result<()> {
    let mut world = World::start(WorldOptions { relayers: 1, ..Default::default() }).await?;
    let bridge = world.pairs[0][Side::Main];
    world.run(5).await?;
    let id = format!("/v1/transfers/{}-{:#x}-0", bridge.chain_id, bridge.address);
    world.chains[Side::Main].request(bridge, Address::repeat_byte(7), 1);
    world.run(10).await?;
    let (_, paid) = world.ask(0, &id).await?;
    ensure!(paid["stage"] == "handed_over" && paid["request"]["amount_units"] == "1", "{paid:#}");

    world.chains[Side::Main].take_back(11);
    world.chains[Side::Main].request(bridge, Address::repeat_byte(8), 2);
    world.run(90).await?;
    let (_, other) = world.ask(0, &id).await?;
    ensure!(other["request"]["amount_units"] == "2", "it reads the new history: {other:#}");
    ensure!(other["stage"] != "handed_over" && other["destination"].is_null(), "{other:#}");
    let waits_for = other["waits_for"].as_str().unwrap_or_default();
    ensure!(waits_for.contains("the destination holds another request"), "{other:#}");
    world.stop().await;
    Ok(())
}

/// Reads ahead hold the endpoint's places; whoever puts them aside waits for no place.
async fn is_ready_with_a_history(pairs: u8, concurrency: usize, truth: Truth) -> eyre::Result<()> {
    let asked_every = 10 * u64::from(pairs);
    let options = WorldOptions {
        relayers: 1,
        pairs,
        history: 3_000,
        asked_every,
        concurrency,
        truth,
        ..Default::default()
    };
    let mut world = World::start(options).await?;
    for start in ["first", "second"] {
        let mut waited = 0;
        while !world.is_ready(0).await? {
            waited += 1;
            let why = world.ask(0, "/readyz").await?;
            ensure!(waited < READING_MAX, "{pairs} pairs at {concurrency}, {start} start: {why:?}");
            world.run(1).await?;
        }
        world.restart(0).await?;
    }
    let all = world.requested(Side::Main);
    for _ in 0..READING_MAX {
        world.run(1).await?;
        if world.handed_over(Side::Service) == all && world.handed_over(Side::Main) == all {
            world.stop().await;
            return Ok(());
        }
    }
    bail!("{} and {} of {all}", world.handed_over(Side::Service), world.handed_over(Side::Main))
}

#[tokio::test(start_paused = true)]
async fn one_pair_is_ready_where_an_endpoint_answers_one_call_at_a_time() -> eyre::Result<()> {
    for truth in [Truth::Single, Truth::Quorum, Truth::Proof] {
        is_ready_with_a_history(1, 1, truth).await?;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn fifty_pairs_are_ready_where_an_endpoint_answers_four_calls_at_a_time() -> eyre::Result<()>
{
    for truth in [Truth::Single, Truth::Quorum, Truth::Proof] {
        is_ready_with_a_history(50, 4, truth).await?;
    }
    Ok(())
}
