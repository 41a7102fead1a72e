//! Endpoints that fail and lie, in every way there is: no transfer is missed, none is paid that was not asked
//! for, and nobody needs to help.

use std::time::Duration;

use eyre::{WrapErr, ensure};
use tokio::time::Instant;
use twinspan_api::lane::Reason;
use twinspan_bridge::side::{PerSide, Side};
use twinspan_chains::Truth;
use twinspan_devnet::ports::{Ports, free_port};
use twinspan_integration_tests::books::Ending;
use twinspan_integration_tests::chaos::{Chaos, Fault, Lie, Wire};
use twinspan_integration_tests::live::{Live, PATIENCE, eventually, number};

/// Errors that relayers may log while endpoints lie.
const EXPECTED: &[&str] = &["endpoint"];

/// `make chaos`: every fault, and many pairs of them.
fn is_long() -> bool {
    std::env::var_os("TWINSPAN_CHAOS_LONG").is_some()
}

/// A world whose relayers reach each chain over `endpoints` of ours alone.
struct Storm {
    live: Live,
    /// By chain.
    endpoints: PerSide<Vec<Chaos>>,
}

impl Storm {
    async fn start(name: &str, endpoints: usize, truth: (Truth, usize)) -> eyre::Result<Self> {
        let ports = PerSide::try_from_fn(|_| free_port())?;
        let mut opened = PerSide::<Vec<Chaos>>::default();
        for (side, port) in ports.iter() {
            for _ in 0..endpoints {
                opened[side].push(Chaos::open(format!("http://127.0.0.1:{port}")).await?);
            }
        }
        let live = Live::start(name, |options| {
            options.ports = Ports::Nodes(ports);
            let urls = |side| opened[side].iter().map(|it| it.url().to_owned()).collect();
            options.endpoints = PerSide::from_fn(urls);
            options.truth = truth;
            options.takeover = Duration::from_secs(1);
        })
        .await?;
        Ok(Self { live, endpoints: opened })
    }

    /// The first endpoints of both chains have these faults, the others none.
    async fn set(&self, faults: &[Fault]) -> eyre::Result<()> {
        for chain in self.endpoints.values() {
            for (n, endpoint) in chain.iter().enumerate() {
                endpoint.set(faults.get(n).copied().unwrap_or(Fault::None)).await?;
            }
        }
        Ok(())
    }

    /// Waits until the relayers have asked the endpoints at `place`.
    async fn meets(&self, place: usize) -> eyre::Result<()> {
        eventually("the endpoint is asked", PATIENCE, async || {
            Ok(self.endpoints.values().all(|chain| chain[place].asked() > 0))
        })
        .await
    }

    /// Moves value both ways and waits until all of it has arrived.
    async fn transfers_pass(&mut self) -> eyre::Result<Duration> {
        let started = Instant::now();
        self.live.load(4).await?;
        self.live.all_arrived().await?;
        Ok(started.elapsed())
    }

    /// Why relayers abstain, as told by every relayer of every relayer on every lane.
    async fn abstentions(&self) -> eyre::Result<Vec<Reason>> {
        let mut told = Vec::new();
        for relayer in &self.live.world.relayers {
            let status = relayer.status().await?;
            told.extend(status.lanes().flat_map(|lane| &lane.abstentions).map(|one| one.reason));
        }
        Ok(told)
    }

    async fn close(mut self) -> eyre::Result<()> {
        self.set(&[]).await?;
        self.live.close(Ending { errors: EXPECTED, ..Ending::default() }).await?;
        Ok(())
    }
}

/// `TWINSPAN_CHAOS_ONLY` chooses the faults whose names contain it; else some, or all in a long run.
#[tokio::test(flavor = "multi_thread")]
async fn one_endpoint_of_three_may_fail_or_lie_in_any_way() -> eyre::Result<()> {
    let mut storm = Storm::start("chaos_alone", 3, (Truth::Proof, 2)).await?;
    let mut faults = Fault::all();
    if let Ok(only) = std::env::var("TWINSPAN_CHAOS_ONLY") {
        faults.retain(|fault| format!("{fault:?}").contains(&only));
    } else if !is_long() {
        faults = faults.into_iter().skip(1).step_by(4).collect();
    }
    for (n, fault) in faults.into_iter().enumerate() {
        // By turns, so that one has been left alone and is asked again before its next turn.
        let place = n % 3;
        let mut faults = [Fault::None; 3];
        faults[place] = fault;
        storm.set(&faults).await?;
        storm.meets(place).await.wrap_err_with(|| format!("{fault:?}"))?;
        let took = storm.transfers_pass().await.wrap_err_with(|| format!("{fault:?}"))?;
        let asked = Side::BOTH.map(|side| storm.endpoints[side][place].asked());
        println!("{fault:?}: {took:.1?}, asked {asked:?}");
    }
    storm.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn liars_below_the_quorum_get_nothing_attested_while_the_rest_is_down() -> eyre::Result<()> {
    let mut storm = Storm::start("chaos_alone_with_liars", 4, (Truth::Quorum, 3)).await?;
    let down = Fault::Wire(Wire::Unavailable);
    let lies = [Lie::ForgedCalls, Lie::ForgedLogs, Lie::NoLogs, Lie::OtherBlocks, Lie::AheadHead];
    for lie in lies.into_iter().take(if is_long() { lies.len() } else { 1 }) {
        let lie = Fault::Lie(lie);
        storm.set(&[lie, lie, down, down]).await?;
        let before = storm.live.metric("twinspan_attestations_total").await;
        storm.live.load(4).await?;
        tokio::time::sleep(Duration::from_secs(6)).await;
        eventually("every relayer tells of every one that it abstains", PATIENCE, async || {
            let told = storm.abstentions().await?;
            let members = storm.live.world.relayers.len();
            // Which one depends on whether the liars are caught by others or by themselves.
            let of_endpoints = [Reason::EndpointsDisagree, Reason::HeadMismatch];
            Ok(told.len() == 2 * members * members
                && told.iter().all(|reason| of_endpoints.contains(reason)))
        })
        .await
        .wrap_err_with(|| format!("{lie:?}"))?;
        let signed = storm.live.metric("twinspan_attestations_total").await - before;
        ensure!(signed == 0.0, "{lie:?}: {signed} attestations below the quorum");
        storm.set(&[]).await?;
        storm.live.all_arrived().await.wrap_err_with(|| format!("after {lie:?}"))?;
        eventually("nobody abstains", PATIENCE, async || Ok(storm.abstentions().await?.is_empty()))
            .await?;
        println!("{lie:?}: nothing was attested, and all arrived when the others came back");
    }
    storm.close().await
}

/// `TWINSPAN_CHAOS_PAIRS` and `TWINSPAN_CHAOS_SEED` choose how many pairs and which.
#[tokio::test(flavor = "multi_thread")]
async fn two_endpoints_of_four_may_fail_or_lie_each_in_its_own_way() -> eyre::Result<()> {
    let pairs = number("TWINSPAN_CHAOS_PAIRS", if is_long() { 200 } else { 4 });
    let seed = number("TWINSPAN_CHAOS_SEED", 1);
    let mut storm = Storm::start("chaos_pairs", 4, (Truth::Proof, 2)).await?;
    let all = Fault::all();
    let kinds = all.len() as u64;
    let of_all = |n: u64| all[usize::try_from(n % kinds).unwrap_or(0)];
    // A step that shares no divisor with the number of faults meets each of them in a round; every round pairs them
    // otherwise.
    for n in seed..seed + pairs {
        let faults = [of_all(n * 7), of_all(n * 7 + 19 + n / kinds * 4)];
        storm.set(&faults).await?;
        let took = storm.transfers_pass().await.wrap_err_with(|| format!("{faults:?}"))?;
        println!("{faults:?}: {took:.1?}");
    }
    storm.close().await
}
