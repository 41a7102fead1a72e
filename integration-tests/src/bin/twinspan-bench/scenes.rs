//! The scenes that are measured.

use std::path::{Path, PathBuf};
use std::time::Duration;

use alloy::network::TransactionBuilder;
use alloy::primitives::{Address, U256};
use alloy::providers::Provider;
use alloy::rpc::types::TransactionRequest;
use alloy::sol_types::SolCall;
use eyre::eyre;
use tokio::time::Instant;
use twinspan_bridge::side::{Direction, PerSide, Side};
use twinspan_chains::Truth;
use twinspan_contracts::TestToken;
use twinspan_devnet::ledger::{Ledger, percentile};
use twinspan_devnet::node::NodeKind;
use twinspan_devnet::ports::{Ports, free_port};
use twinspan_devnet::traffic::{Asset, Sent, Traffic, confirm};
use twinspan_devnet::{Options, World, test_signer};

use crate::assets;
use crate::figures::{Backlog, CatchUp, Gas, Latency, Saturation, Usage};
use crate::load::Load;

/// Seconds of a steady state that are measured.
const MEASURED: Duration = Duration::from_secs(30);

/// How long the rest may take at the end.
pub(crate) const SETTLE_LIMIT: Duration = Duration::from_secs(180);

/// How long a relayer may take to read a long history.
const CATCH_UP_LIMIT: Duration = Duration::from_secs(600);

/// The lane whose batches are weighed for their gas.
pub(crate) const WEIGHED: Direction = Direction::ToService;

/// Where worlds are made.
pub(crate) struct Scenes {
    pub(crate) binary: PathBuf,
    pub(crate) folder: PathBuf,
}

impl Scenes {
    /// One endpoint a chain with HTTP and WebSocket, unless `adjust` wants otherwise.
    async fn world(
        &self,
        scene: &str,
        block_gas_limit: u64,
        adjust: impl FnOnce(&mut Options),
    ) -> eyre::Result<World> {
        let folder = self.folder.join(scene);
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        let mut options = Options::new(folder, self.binary.clone());
        options.block_gas_limit = block_gas_limit;
        // Requests in a transaction. In small blocks, as many transactions as fit side by side into one.
        options.batch_max = if block_gas_limit > 100_000_000 { 480 } else { 180 };
        adjust(&mut options);
        eprintln!("• {scene} at {} M gas, truth {}", block_gas_limit / 1_000_000, options.truth.0);
        World::start(options, &|_| {}).await
    }

    /// As many requests as the chains take, for a while.
    pub(crate) async fn saturation(&self, block_gas_limit: u64) -> eyre::Result<Saturation> {
        let world = self.world("saturation", block_gas_limit, |_| {}).await?;
        let mut load = Load::prepare(&world).await?;
        let mut ledger = Ledger::open(&world);
        let per_block = if block_gas_limit > 100_000_000 { 512 } else { 300 };
        let limit = Duration::from_secs(10) + MEASURED;
        let begun = Instant::now();
        let mut window: Option<(Instant, usize, Usage)> = None;
        let mut backlog_max = 0;
        while begun.elapsed() < limit {
            let totals = ledger.totals();
            backlog_max = backlog_max.max(totals.lost);
            // The source is kept ahead of the relayers, but not without end.
            if totals.lost < 8 * per_block as usize {
                for side in Side::BOTH {
                    load.fresh(&world, side, per_block).await?;
                }
            }
            if window.is_none() && begun.elapsed() > Duration::from_secs(10) {
                window = Some((Instant::now(), totals.handed_over, usage(&world).await));
            }
            let next = Instant::now() + Duration::from_secs(1);
            while Instant::now() < next {
                ledger.update(&world).await?;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        let (since, before, used) = window.ok_or_else(|| eyre!("nothing was measured"))?;
        let handed = ledger.totals().handed_over - before;
        let seconds = since.elapsed().as_secs_f64();
        let costs = usage(&world).await.since(&used, handed);
        let totals = ledger.wait(&world, 1, SETTLE_LIMIT).await?;
        let (gas, handovers) = ledger.gas(&world).await?;
        let batches = ledger.lanes.values().map(|lane| lane.batches.len()).sum();
        world.stop().await;
        Ok(Saturation {
            block_gas_limit,
            seconds,
            requested: totals.requested,
            handed_over: totals.handed_over,
            handovers_per_second: handed as f64 / seconds,
            gas_per_handover: gas / handovers.max(1),
            batches,
            costs,
            lost: totals.lost,
            duplicated: totals.duplicated,
        })
    }

    /// Requests that were made while every relayer was down.
    pub(crate) async fn backlog(
        &self,
        block_gas_limit: u64,
        requests: u64,
    ) -> eyre::Result<Backlog> {
        let mut world = self.world("backlog", block_gas_limit, |_| {}).await?;
        let mut load = Load::prepare(&world).await?;
        let mut ledger = Ledger::open(&world);
        for relayer in &mut world.relayers {
            relayer.kill().await?;
        }
        let mut last = PerSide::default();
        for _ in 0..requests / 2 / 250 {
            for side in Side::BOTH {
                last[side] = Some(load.fresh(&world, side, 250).await?);
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        for (side, last) in last.iter() {
            confirm(&world, side, last.ok_or_else(|| eyre!("no requests"))?).await?;
        }
        ledger.update(&world).await?;
        let begun = Instant::now();
        for relayer in &mut world.relayers {
            relayer.start()?;
        }
        let totals = ledger.wait(&world, usize::try_from(requests)?, SETTLE_LIMIT).await?;
        let seconds = begun.elapsed().as_secs_f64();
        let costs = usage(&world).await.since(&Usage::default(), totals.handed_over);
        world.stop().await;
        Ok(Backlog {
            block_gas_limit,
            requests: totals.requested,
            seconds,
            costs,
            lost: totals.lost,
            duplicated: totals.duplicated,
        })
    }

    /// A history of `requests`, handed over by all; then one relayer that has lost its store reads it, alone.
    /// On go-ethereum's nodes where there is a `geth`: they keep their history on disk, and few states.
    pub(crate) async fn catch_up(
        &self,
        requests: u64,
        geth: Option<&Path>,
    ) -> eyre::Result<CatchUp> {
        let nodes = |options: &mut Options| {
            if let Some(geth) = geth {
                options.nodes = PerSide::from_fn(|_| NodeKind::Geth(geth.to_owned()));
                options.states_kept = Some(128);
            }
        };
        let mut world = self.world("catch-up", 300_000_000, nodes).await?;
        let mut load = Load::prepare(&world).await?;
        let mut ledger = Ledger::open(&world);
        let asked = usize::try_from(requests)?;
        while ledger.totals().requested < asked {
            // The source is kept ahead of the relayers, but not without end.
            if ledger.totals().lost < 16_384 {
                for side in Side::BOTH.repeat(4) {
                    load.fresh(&world, side, 250).await?;
                }
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
            ledger.update(&world).await?;
        }
        let totals = ledger.wait(&world, asked, SETTLE_LIMIT).await?;
        for relayer in &mut world.relayers {
            relayer.kill().await?;
        }
        let store = world.relayers[0].store();
        std::fs::remove_file(&store)?;
        let want: usize = ledger.lanes.values().map(|lane| lane.requests.len()).sum();
        let begun = Instant::now();
        world.relayers[0].start()?;
        loop {
            tokio::time::sleep(Duration::from_millis(200)).await;
            let Ok(status) = world.relayers[0].status().await else { continue };
            let settled =
                status.lanes().filter_map(|lane| Some(lane.status.as_ref()?.settled.count));
            if settled.sum::<u64>() == want as u64 {
                break;
            }
            if begun.elapsed() > CATCH_UP_LIMIT {
                return Err(eyre!("not caught up after {CATCH_UP_LIMIT:?}"));
            }
        }
        let seconds = begun.elapsed().as_secs_f64();
        let costs = usage(&world).await.since(&Usage::default(), totals.requested);
        let store_mib = std::fs::metadata(&store)?.len() as f64 / f64::from(1_u32 << 20);
        world.stop().await;
        let requests_per_second = totals.requested as f64 / seconds;
        Ok(CatchUp { requests: totals.requested, seconds, requests_per_second, costs, store_mib })
    }

    /// Single transfers at a steady rate, alternating between the lanes; with a `truth`, over two endpoints that
    /// speak HTTP alone.
    pub(crate) async fn latency(&self, rate: u32, truth: Option<Truth>) -> eyre::Result<Latency> {
        let ports = PerSide::try_from_fn(|_| free_port())?;
        let endpoints = |options: &mut Options| {
            let Some(truth) = truth else { return };
            // The same node twice: as two endpoints, which must agree where a quorum is wanted.
            options.ports = Ports::Nodes(ports);
            options.endpoints = ports.map(|_, port| vec![format!("http://127.0.0.1:{port}"); 2]);
            options.truth = (truth, if truth == Truth::Single { 1 } else { 2 });
        };
        let world = self.world("latency", 30_000_000, endpoints).await?;
        let mut traffic = Traffic::prepare(&world, 1).await?;
        let mut ledger = Ledger::open(&world);
        let transfers = (rate * 30) as usize;
        let pace = Duration::from_secs(1) / rate;
        let used = usage(&world).await;
        let mut sent: Vec<Sent> = Vec::with_capacity(transfers);
        let begun = Instant::now();
        for n in 0..transfers {
            let asset = if n % 4 < 2 { Asset::Coin } else { Asset::Token };
            sent.push(traffic.send(&world, Side::BOTH[n % 2], asset, U256::from(1_000)).await?);
            let due = pace * u32::try_from(n + 1)?;
            while begun.elapsed() < due {
                ledger.update(&world).await?;
                let rest = due.saturating_sub(begun.elapsed());
                tokio::time::sleep(rest.min(Duration::from_millis(25))).await;
            }
        }
        let totals = ledger.wait(&world, transfers, SETTLE_LIMIT).await?;
        let latencies = ledger.latencies(&sent);
        let costs = usage(&world).await.since(&used, totals.handed_over);
        let own_p50_ms = own_latency_p50(&world).await;
        world.stop().await;
        Ok(Latency {
            rate_per_second: rate,
            truth: match truth {
                None => "single, WebSocket".to_owned(),
                Some(truth) => format!("{truth}, HTTP"),
            },
            transfers,
            own_p50_ms,
            end_to_end_p50_ms: percentile(&latencies, 50),
            end_to_end_p95_ms: percentile(&latencies, 95),
            end_to_end_p99_ms: percentile(&latencies, 99),
            costs,
        })
    }

    /// Gas of batches of 1, 16 and 64: of a token, to recipients without and with a balance before; and of every
    /// kind of asset.
    pub(crate) async fn gas(&self) -> eyre::Result<Vec<Gas>> {
        let world = self.world("gas", 30_000_000, |_| {}).await?;
        let mut load = Load::prepare(&world).await?;
        let mut ledger = Ledger::open(&world);
        let mut rows = vec![Gas {
            what: "bare ERC-20 transfer".into(),
            batch: 1,
            recipients: "fresh".into(),
            gas_per_handover: bare_transfer(&world).await?,
        }];
        // The lane's own slots are written for the first time by the first batch: not what is measured.
        load.fresh(&world, WEIGHED.source(), 1).await?;
        ledger.wait(&world, 1, SETTLE_LIMIT).await?;
        for (index, n) in [1_u64, 16, 64].into_iter().enumerate() {
            for recipients in ["fresh", "warm"] {
                let before = ledger.lanes[WEIGHED].batches.clone();
                let requested = ledger.totals().requested;
                load.to(&world, WEIGHED.source(), 1_000_000 * (index as u64 + 1), n).await?;
                ledger.wait(&world, requested + n as usize, SETTLE_LIMIT).await?;
                let mut batches = ledger.lanes[WEIGHED].batches.iter();
                let batch = batches.find(|(hash, _)| !before.contains_key(*hash));
                let (hash, handed) = batch.ok_or_else(|| eyre!("no batch"))?;
                let provider = &world.chains[WEIGHED.destination()].provider;
                let receipt = provider.get_transaction_receipt(*hash).await?;
                let used = receipt.ok_or_else(|| eyre!("no receipt"))?.gas_used;
                rows.push(Gas {
                    what: "handover".into(),
                    batch: usize::try_from(*handed)?,
                    recipients: recipients.into(),
                    gas_per_handover: used / *handed,
                });
            }
        }
        rows.extend(assets::gas(&world, &mut ledger).await?);
        world.stop().await;
        Ok(rows)
    }
}

/// Gas and calls that the relayers have used so far.
async fn usage(world: &World) -> Usage {
    let mut calls = 0;
    for relayer in &world.relayers {
        let status = relayer.status().await.ok();
        calls += status.map_or(0, |s| s.chains.iter().map(|chain| chain.rpc_calls).sum());
    }
    let pids: Vec<u32> = world.relayers.iter().filter_map(|relayer| relayer.pid()).collect();
    Usage::read(&pids, calls)
}

/// The median of the relayers' own latencies: final block seen to batch broadcast.
async fn own_latency_p50(world: &World) -> f64 {
    let mut buckets: Vec<(f64, f64)> = Vec::new();
    for relayer in &world.relayers {
        for (bound, count) in
            relayer.histogram("twinspan_own_latency_seconds").await.unwrap_or_default()
        {
            match buckets.iter_mut().find(|(at, _)| *at == bound) {
                Some((_, sum)) => *sum += count,
                None => buckets.push((bound, count)),
            }
        }
    }
    buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
    let half = buckets.last().map_or(0.0, |(_, all)| all / 2.0);
    let (mut low, mut below) = (0.0, 0.0);
    for (bound, cumulated) in buckets {
        if cumulated >= half && cumulated > below {
            // Within a bucket, as if evenly spread.
            return (low + (bound - low) * (half - below) / (cumulated - below)) * 1_000.0;
        }
        (low, below) = (bound, cumulated);
    }
    f64::NAN
}

/// A plain transfer of the token to a fresh recipient, by itself.
async fn bare_transfer(world: &World) -> eyre::Result<u64> {
    let chain = &world.chains[Side::Main];
    let from = test_signer(3).address();
    let mint = TestToken::mintCall { to: from, amount: U256::from(1_000_000) };
    let call = TestToken::transferCall { to: Address::repeat_byte(0xa1), value: U256::from(1_000) };
    let mut used = 0;
    for input in [mint.abi_encode(), call.abi_encode()] {
        let request = TransactionRequest::default()
            .with_from(from)
            .with_to(chain.token.home)
            .with_input(input);
        used = chain.provider.send_transaction(request).await?.get_receipt().await?.gas_used;
    }
    Ok(used)
}
