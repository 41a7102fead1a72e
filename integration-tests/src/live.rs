//! A running world with traffic on it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use alloy::primitives::{Address, U256};
use eyre::{WrapErr, eyre};
use futures::future::join_all;
use tokio::time::Instant;
use twinspan_api::lane::{Hold, Lane, LaneStatus};
use twinspan_bridge::side::{Direction, PerDirection, Side};
use twinspan_devnet::ledger::Ledger;
use twinspan_devnet::traffic::{Asset, Sent, Traffic};
use twinspan_devnet::{CHAIN_IDS, Options, World, demo, test_signer};

use crate::command::{Outcome, twinspan};

/// Between two requests of a load.
const PACE: Duration = Duration::from_millis(30);

/// How long anything may take that needs a few blocks and attestations.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Errors that relayers log where final history is rewritten.
pub const REWRITTEN: &[&str] =
    &["final history was rewritten", "is no longer on the source chain", "signed another history"];

/// The test account that makes a world's ordinary requests.
pub const SENDER: usize = 1;

/// A world with traffic on it.
#[derive(Debug)]
pub struct Live {
    /// The nodes, the contracts and the relayers.
    pub world: World,
    /// The account that asks.
    pub traffic: Traffic,
    /// The transfers that it asked for, each to a recipient of its own.
    pub sent: Vec<Sent>,
    /// Requests made otherwise, which count in the books but not recipient by recipient.
    pub others: usize,
}

impl Live {
    /// Starts a world of fast blocks for the test `name`, and gives its sender tokens of both kinds on
    /// both sides.
    ///
    /// # Errors
    /// Whatever fails, with what was being done.
    pub async fn start(name: &str, adjust: impl FnOnce(&mut Options)) -> eyre::Result<Self> {
        let mut options = Options::new(folder(name)?, binary());
        options.block_seconds = 0.5;
        adjust(&mut options);
        let world = World::start(options, &|_| {}).await.wrap_err("starting a world")?;
        let traffic = Traffic::prepare(&world, SENDER).await.wrap_err("preparing traffic")?;
        let mut live = Self { world, traffic, sent: Vec::new(), others: 0 };
        live.stock().await.wrap_err("giving the sender tokens of the other side")?;
        Ok(live)
    }

    /// Tokens of each side on the other, so that some can go home.
    async fn stock(&mut self) -> eyre::Result<()> {
        let me = test_signer(SENDER).address();
        let amount = U256::from(10_u128.pow(18));
        for side in Side::BOTH {
            self.traffic.send_to(&self.world, side, Asset::Token, amount, me).await?;
            self.others += 1;
        }
        Ledger::open(&self.world).wait(&self.world, self.others, PATIENCE).await?;
        Ok(())
    }

    /// Asks for `n` transfers, coins and tokens, both ways, without waiting for any.
    ///
    /// # Errors
    /// If a node refuses one.
    pub async fn load(&mut self, n: usize) -> eyre::Result<()> {
        for _ in 0..n {
            let (side, asset) = demo::transfer(self.sent.len());
            self.ask(side, asset).await?;
            tokio::time::sleep(PACE).await;
        }
        Ok(())
    }

    /// Asks for one transfer of an amount that no other has.
    ///
    /// # Errors
    /// If the node refuses it.
    pub async fn ask(&mut self, side: Side, asset: Asset) -> eyre::Result<Sent> {
        let amount = U256::from(1_000_000_000 + self.sent.len());
        let sent = self.traffic.send(&self.world, side, asset, amount).await?;
        self.sent.push(sent);
        Ok(sent)
    }

    /// Starts the relayer again and waits until it is ready.
    ///
    /// # Errors
    /// If it does not start, with the end of its log.
    pub async fn restart(&mut self, index: usize) -> eyre::Result<()> {
        self.world.relayers[index].start()?;
        self.world.wait_ready(index, PATIENCE).await
    }

    /// `kill -9` of every relayer.
    ///
    /// # Errors
    /// If one does not run.
    pub async fn kill_all(&mut self) -> eyre::Result<()> {
        for relayer in &mut self.world.relayers {
            relayer.kill().await?;
        }
        Ok(())
    }

    /// SIGTERM to every relayer at once. Which of them ended well.
    pub async fn terminate_all(&mut self) -> Vec<bool> {
        join_all(self.world.relayers.iter_mut().map(|relayer| relayer.terminate())).await
    }

    /// Starts every relayer and waits until all are ready.
    ///
    /// # Errors
    /// If one does not start, with the end of its log.
    pub async fn restart_all(&mut self) -> eyre::Result<()> {
        for relayer in &mut self.world.relayers {
            relayer.start()?;
        }
        for index in 0..self.world.relayers.len() {
            self.world.wait_ready(index, PATIENCE).await?;
        }
        Ok(())
    }

    /// Cuts every relayer off from every other, or heals it.
    pub fn cut_all(&self, is_cut: bool) {
        for index in 0..self.world.relayers.len() {
            self.world.links.cut(index, is_cut);
        }
    }

    /// The report of relayer `index` on a lane.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn report(&self, index: usize, direction: Direction) -> eyre::Result<Lane> {
        let status = self.world.relayers[index].status().await?;
        let source = CHAIN_IDS[direction.source()];
        let lane = status.lanes().find(|lane| lane.source.chain_id == source).cloned();
        lane.ok_or_else(|| eyre!("it serves no such lane"))
    }

    /// The state machine's account of a lane on relayer `index`.
    ///
    /// # Errors
    /// If it does not answer, or is only starting.
    pub async fn lane(&self, index: usize, direction: Direction) -> eyre::Result<LaneStatus> {
        let report = self.report(index, direction).await?;
        report.status.ok_or_else(|| eyre!("relayer {index} is starting"))
    }

    /// The state machines' account of both lanes on relayer `index`.
    ///
    /// # Errors
    /// As [`Self::lane`].
    pub async fn lanes(&self, index: usize) -> eyre::Result<PerDirection<LaneStatus>> {
        let to_service = self.lane(index, Direction::ToService).await?;
        Ok(PerDirection::new(to_service, self.lane(index, Direction::ToMain).await?))
    }

    /// A metric of all relayers that run, added up.
    pub async fn metric(&self, name: &str) -> f64 {
        let mut sum = 0.0;
        for relayer in &self.world.relayers {
            sum += relayer.metric(name).await.unwrap_or_default();
        }
        sum
    }

    /// Waits until everything that was asked for has arrived.
    ///
    /// # Errors
    /// If it takes too long, with what is missing.
    pub async fn all_arrived(&self) -> eyre::Result<()> {
        let requested = self.sent.len() + self.others;
        Ledger::open(&self.world).wait(&self.world, requested, PATIENCE).await?;
        Ok(())
    }

    /// Waits until relayer `index` abstains on the lane for what it attested on a history that is gone.
    ///
    /// # Errors
    /// If it does not.
    pub async fn abstains(&self, index: usize, direction: Direction) -> eyre::Result<()> {
        eventually("it abstains", PATIENCE, async || {
            let hold = self.lane(index, direction).await?.hold;
            Ok(matches!(hold, Some(Hold::Reorganised { .. })))
        })
        .await
    }

    /// The operator of relayer `index` lets the lane go on: what the command says.
    ///
    /// # Errors
    /// If it cannot be run.
    pub async fn resume(&self, index: usize, lane: &str, reason: &str) -> eyre::Result<Outcome> {
        let config = self.world.relayers[index].config().to_string_lossy().into_owned();
        let words = ["lane", "resume", lane, "--reason", reason, "--config", &config];
        twinspan(words.map(str::to_owned)).await
    }

    /// The log of relayer `index` so far.
    #[must_use]
    pub fn log(&self, index: usize) -> String {
        std::fs::read_to_string(self.world.relayers[index].log()).unwrap_or_default()
    }

    /// The balance of the recipient in the asset that was sent to it.
    ///
    /// # Errors
    /// If a node does not answer.
    pub async fn received(&self, sent: &Sent) -> eyre::Result<U256> {
        twinspan_devnet::ledger::balance(&self.world, sent).await
    }
}

/// A number from the environment: how long a campaign is to be, and the like.
#[must_use]
pub fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// Asks again until it is so.
///
/// # Errors
/// After `limit`, with `what` was waited for and the last error, if any.
pub async fn eventually(
    what: &str,
    limit: Duration,
    mut is_so: impl AsyncFnMut() -> eyre::Result<bool>,
) -> eyre::Result<()> {
    let end = Instant::now() + limit;
    loop {
        let answer = is_so().await;
        if matches!(answer, Ok(true)) {
            return Ok(());
        }
        if Instant::now() > end {
            return match answer {
                Err(error) => Err(error.wrap_err(format!("after {limit:?}, still not: {what}"))),
                Ok(_) => Err(eyre!("after {limit:?}, still not: {what}")),
            };
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The relayer's binary, which lies beside the tests' own.
///
/// # Panics
/// If it is not built.
#[must_use]
pub fn binary() -> PathBuf {
    let binary = profile_folder().join("twinspan");
    assert!(
        binary.is_file(),
        "the live tests need {}: run `cargo build -p twinspan-cli` first, with the same profile",
        binary.display()
    );
    binary
}

/// An empty folder for the test `name`: `target/live/<name>`.
///
/// # Errors
/// If it cannot be emptied or made.
pub fn folder(name: &str) -> eyre::Result<PathBuf> {
    let target = profile_folder();
    let target = target.parent().ok_or_else(|| eyre!("the tests lie in no target folder"))?;
    let folder = target.join("live").join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).wrap_err("emptying the test's folder")?;
    }
    std::fs::create_dir_all(&folder).wrap_err("making the test's folder")?;
    Ok(folder)
}

/// `<target>/<profile>`, from `<target>/<profile>/deps/<test>`.
fn profile_folder() -> PathBuf {
    let test = std::env::current_exe().expect("a process knows its own path");
    let folder = test.parent().and_then(Path::parent);
    folder.expect("cargo puts tests in <target>/<profile>/deps").to_owned()
}

/// The sender's own address.
#[must_use]
pub fn sender() -> Address {
    test_signer(SENDER).address()
}
