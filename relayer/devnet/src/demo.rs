//! The demonstration: value crosses both ways while relayers die, are cut off, and come back.

use std::path::Path;
use std::time::Duration;

use alloy::primitives::U256;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Cell, CellAlignment, Table};
use eyre::WrapErr;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use serde::Serialize;
use tokio::time::Instant;
use twinspan_api::status::Status;
use twinspan_bridge::side::{PerDirection, Side};

use crate::accounts::test_signer;
use crate::ledger::{Conservation, Ledger, Totals, percentile};
use crate::traffic::{Asset, Sent, Traffic};
use crate::world::{CHAIN_IDS, World};

/// How long the last transfers may take once all relayers are well again.
const SETTLE_LIMIT: Duration = Duration::from_secs(120);

/// How often the books are brought up to date, and so the precision of the latencies.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The relayer that is killed, and the one that is cut off.
const VICTIM: usize = 1;
const CUT_OFF: usize = 3;

/// The findings of the demonstration, also written as JSON.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Requests made.
    pub requested: usize,
    /// Paid.
    pub handed_over: usize,
    /// Parked.
    pub parked: usize,
    /// Neither.
    pub lost: usize,
    /// Paid twice, or paid what was not sent.
    pub duplicated: usize,
    /// From sending the request to the block that pays it.
    pub latency_ms: Latency,
    /// Gas of all batches, divided by handovers.
    pub gas_per_handover: u64,
    /// Whether every token's figures add up.
    pub conservation_ok: bool,
    /// Relayers killed with `kill -9`.
    pub relayers_killed: u32,
    /// Relayers cut off from their peers for a while.
    pub relayers_cut_off: u32,
    /// Token by token.
    pub conservation: Vec<Conservation>,
}

/// Percentiles in milliseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Latency {
    /// Half are faster.
    pub p50: u64,
    /// 95 % are faster.
    pub p95: u64,
    /// 99 % are faster.
    pub p99: u64,
}

impl Report {
    /// Nothing lost, nothing doubled, everything adds up.
    #[must_use]
    pub const fn is_good(&self) -> bool {
        self.lost == 0 && self.duplicated == 0 && self.conservation_ok
    }

    /// Writes the report as JSON.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&self, path: &Path) -> eyre::Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let text = serde_json::to_string_pretty(self)?;
        std::fs::write(path, text + "\n").wrap_err_with(|| format!("writing {}", path.display()))
    }
}

/// The side and the asset of transfer number `n`.
#[must_use]
pub const fn transfer(n: usize) -> (Side, Asset) {
    let asset = match n % 6 {
        0 | 1 => Asset::Coin,
        2 | 3 => Asset::Token,
        _ => Asset::Foreign,
    };
    (Side::BOTH[n % 2], asset)
}

/// Sends `transfers` transfers over about half a minute and makes trouble on the way.
///
/// # Errors
/// If the world itself fails, or not all is settled in time.
pub async fn run(world: &mut World, transfers: usize) -> eyre::Result<Report> {
    let mut ledger = Ledger::open(world);
    let mut traffic = Traffic::prepare(world, 1).await?;
    let seeded = seed(world, &mut traffic, &mut ledger, transfers).await?;
    let bars = Bars::new(transfers);
    let mut sent: Vec<Sent> = Vec::new();
    let mut troubles = Troubles::default();
    let begun = Instant::now();
    let pace = Duration::from_millis(u64::try_from(30_000 / transfers.max(1)).unwrap_or(75));
    for n in 0..transfers {
        let (side, asset) = transfer(n);
        let amount = U256::from(1_000_000_000 + n);
        sent.push(traffic.send(world, side, asset, amount).await?);
        troubles.advance(world, &bars, n + 1, transfers).await?;
        let due = pace * u32::try_from(n + 1).unwrap_or(u32::MAX);
        while begun.elapsed() < due {
            bars.show(world, &mut ledger).await?;
            let rest = due.saturating_sub(begun.elapsed());
            tokio::time::sleep(rest.min(LOOK_EVERY)).await;
        }
    }
    let end = Instant::now() + SETTLE_LIMIT;
    loop {
        bars.show(world, &mut ledger).await?;
        let totals = ledger.totals();
        if (totals.requested >= transfers + seeded && totals.lost == 0) || Instant::now() > end {
            break;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    bars.finish();
    report(world, &ledger, &sent, &troubles).await
}

/// Tokens of each side on the other, so that some can go home.
async fn seed(
    world: &World,
    traffic: &mut Traffic,
    ledger: &mut Ledger,
    transfers: usize,
) -> eyre::Result<usize> {
    let amount = U256::from(2_000_000_000_u64) * U256::from(transfers.max(1));
    let me = test_signer(1).address();
    for side in Side::BOTH {
        traffic.send_to(world, side, Asset::Token, amount, me).await?;
    }
    ledger.wait(world, 2, SETTLE_LIMIT).await.wrap_err("the first two transfers")?;
    Ok(2)
}

/// The troubles made so far.
#[derive(Debug, Default)]
struct Troubles {
    killed: u32,
    cut_off: u32,
}

impl Troubles {
    async fn advance(
        &mut self,
        world: &mut World,
        bars: &Bars,
        sent: usize,
        of: usize,
    ) -> eyre::Result<()> {
        let at = |percent: usize| sent == of * percent / 100;
        if at(20) {
            world.relayers[VICTIM].kill().await?;
            self.killed += 1;
            bars.say(&format!("kill -9 relayer {VICTIM}"));
        } else if at(45) {
            world.relayers[VICTIM].start()?;
            bars.say(&format!("relayer {VICTIM} starts again on its store"));
        } else if at(60) {
            world.links.cut(CUT_OFF, true);
            self.cut_off += 1;
            bars.say(&format!("relayer {CUT_OFF} is cut off from its peers"));
        } else if at(85) {
            world.links.cut(CUT_OFF, false);
            bars.say(&format!("relayer {CUT_OFF} reaches its peers again"));
        }
        Ok(())
    }
}

/// The live picture: a bar a lane.
struct Bars {
    all: MultiProgress,
    lanes: PerDirection<ProgressBar>,
    plain: bool,
    shown: std::sync::Mutex<Instant>,
}

impl Bars {
    fn new(transfers: usize) -> Self {
        let all = MultiProgress::new();
        let style = ProgressStyle::with_template("{prefix:>15} {bar:16} {pos:>4}/{len:<4} {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        let lanes = PerDirection::from_fn(|direction| {
            let bar = ProgressBar::new(transfers as u64 / 2 + 1);
            bar.set_style(style.clone());
            bar.set_prefix(format!("{} → {}", direction.source(), direction.destination()));
            all.add(bar)
        });
        let plain = all.is_hidden();
        Self { all, lanes, plain, shown: std::sync::Mutex::new(Instant::now()) }
    }

    fn say(&self, text: &str) {
        if self.plain {
            println!("  • {text}");
        } else {
            // A terminal that is gone shows nothing; the report does not depend on it.
            let _ = self.all.println(format!("  • {text}"));
        }
    }

    /// Brings the books up to date, and shows them where something changed.
    async fn show(&self, world: &World, ledger: &mut Ledger) -> eyre::Result<()> {
        if !ledger.update(world).await? {
            return Ok(());
        }
        let mut lines = Vec::new();
        let status = first_status(world).await;
        for (direction, bar) in self.lanes.iter() {
            let totals = ledger.lanes[direction].totals();
            let source = CHAIN_IDS[direction.source()];
            let waiting = status.as_ref().and_then(|status| {
                let report = status.lanes().find(|lane| lane.source.chain_id == source)?;
                let s = report.status.as_ref()?;
                Some(format!(
                    "final {:>3}  certified {:>3}",
                    s.linked.count.saturating_sub(s.newest.count),
                    s.certified.saturating_sub(s.newest.count)
                ))
            });
            let message = format!(
                "requested {:>3}  {}  handed over {:>3}  parked {}",
                totals.requested,
                waiting.unwrap_or_default(),
                totals.handed_over,
                totals.parked
            );
            bar.set_position((totals.handed_over + totals.parked) as u64);
            bar.set_message(message.clone());
            lines.push(format!("{:>15}  {message}", bar.prefix()));
        }
        let mut shown = self.shown.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if self.plain && shown.elapsed() > Duration::from_secs(5) {
            *shown = Instant::now();
            println!("{}", lines.join("\n"));
        }
        Ok(())
    }

    fn finish(&self) {
        for bar in self.lanes.values() {
            bar.finish();
        }
    }
}

/// The status of the first relayer that answers.
async fn first_status(world: &World) -> Option<Status> {
    for relayer in &world.relayers {
        if let Ok(status) = relayer.status().await {
            return Some(status);
        }
    }
    None
}

async fn report(
    world: &World,
    ledger: &Ledger,
    sent: &[Sent],
    troubles: &Troubles,
) -> eyre::Result<Report> {
    let Totals { requested, handed_over, parked, lost, duplicated } = ledger.totals();
    let latencies = ledger.latencies(sent);
    let (gas, handovers) = ledger.gas(world).await?;
    let mispaid = if lost == 0 { ledger.mispaid(world, sent).await?.len() } else { 0 };
    let conservation = ledger.conservation(world).await?;
    Ok(Report {
        requested,
        handed_over,
        parked,
        lost,
        duplicated: duplicated + mispaid,
        latency_ms: Latency {
            p50: percentile(&latencies, 50),
            p95: percentile(&latencies, 95),
            p99: percentile(&latencies, 99),
        },
        gas_per_handover: gas / handovers.max(1),
        conservation_ok: conservation.iter().all(Conservation::holds),
        relayers_killed: troubles.killed,
        relayers_cut_off: troubles.cut_off,
        conservation,
    })
}

/// The report as tables.
#[must_use]
pub fn tables(report: &Report) -> String {
    let mut figures = Table::new();
    figures.load_style(UTF8_FULL_CONDENSED);
    let Latency { p50, p95, p99 } = report.latency_ms;
    for (name, value) in [
        ("requested", report.requested.to_string()),
        ("handed over", report.handed_over.to_string()),
        ("parked", report.parked.to_string()),
        ("lost", report.lost.to_string()),
        ("duplicated", report.duplicated.to_string()),
        ("latency p50 / p95 / p99", format!("{p50} / {p95} / {p99} ms")),
        ("gas a handover", report.gas_per_handover.to_string()),
        (
            "relayers killed / cut off",
            format!("{} / {}", report.relayers_killed, report.relayers_cut_off),
        ),
    ] {
        figures.add_row([Cell::new(name), Cell::new(value).set_alignment(CellAlignment::Right)]);
    }
    let mut books = Table::new();
    books.load_style(UTF8_FULL_CONDENSED);
    books.set_header(["token", "locked", "minted", "in flight", "parked", "adds up"]);
    for token in &report.conservation {
        let figure = |value: U256| Cell::new(value).set_alignment(CellAlignment::Right);
        books.add_row([
            Cell::new(&token.token),
            figure(token.locked),
            figure(token.minted),
            figure(token.in_flight),
            figure(token.parked),
            Cell::new(if token.holds() { "yes" } else { "NO" }),
        ]);
    }
    format!("{figures}\n{books}")
}
