//! The figures, as JSON and as tables.

use std::time::Duration;

use comfy_table::Table;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use serde::Serialize;

/// Everything measured.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    pub(crate) saturation: Vec<Saturation>,
    pub(crate) backlog: Vec<Backlog>,
    pub(crate) catch_up: Vec<CatchUp>,
    pub(crate) latency: Vec<Latency>,
    pub(crate) gas: Vec<Gas>,
}

/// As much as the world carries, both lanes together.
#[derive(Debug, Serialize)]
pub(crate) struct Saturation {
    pub(crate) block_gas_limit: u64,
    pub(crate) seconds: f64,
    pub(crate) requested: usize,
    pub(crate) handed_over: usize,
    pub(crate) handovers_per_second: f64,
    pub(crate) gas_per_handover: u64,
    pub(crate) batches: usize,
    pub(crate) costs: Costs,
    pub(crate) lost: usize,
    pub(crate) duplicated: usize,
}

/// Requests made while all relayers were down.
#[derive(Debug, Serialize)]
pub(crate) struct Backlog {
    pub(crate) block_gas_limit: u64,
    pub(crate) requests: usize,
    /// From starting the relayers' processes.
    pub(crate) seconds: f64,
    pub(crate) costs: Costs,
    pub(crate) lost: usize,
    pub(crate) duplicated: usize,
}

/// One relayer, alone, without its store: it reads all that happened.
#[derive(Debug, Serialize)]
pub(crate) struct CatchUp {
    pub(crate) requests: usize,
    /// From starting the relayer's process.
    pub(crate) seconds: f64,
    pub(crate) requests_per_second: f64,
    pub(crate) costs: Costs,
    pub(crate) store_mib: f64,
}

/// At a steady rate, both lanes together.
#[derive(Debug, Serialize)]
pub(crate) struct Latency {
    pub(crate) rate_per_second: u32,
    /// The ground of reads of the chains.
    pub(crate) truth: String,
    pub(crate) transfers: usize,
    /// From the source block being seen final to the batch being broadcast.
    pub(crate) own_p50_ms: f64,
    /// From sending the request to the block that pays it.
    pub(crate) end_to_end_p50_ms: u64,
    pub(crate) end_to_end_p95_ms: u64,
    pub(crate) end_to_end_p99_ms: u64,
    pub(crate) costs: Costs,
}

/// Gas of one batch.
#[derive(Debug, Serialize)]
pub(crate) struct Gas {
    pub(crate) what: String,
    pub(crate) batch: usize,
    pub(crate) recipients: String,
    pub(crate) gas_per_handover: u64,
}

/// Its cost to the relayers.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Costs {
    /// Processor time of a relayer for each handover, mean of the relayers.
    pub(crate) cpu_ms_per_handover: f64,
    /// The largest relayer's peak.
    pub(crate) peak_memory_mib: f64,
    /// JSON-RPC calls of all relayers for each handover.
    pub(crate) calls_per_handover: f64,
}

impl Report {
    /// The figures for people.
    #[expect(clippy::too_many_lines, reason = "one table after the other, each by itself")]
    pub(crate) fn tables(&self) -> String {
        let mut tables = Vec::new();
        if !self.saturation.is_empty() {
            let mut table = new(&[
                "saturation, block gas",
                "handovers/s",
                "gas each",
                "batches",
                "CPU ms each",
                "peak MiB",
                "calls each",
                "lost",
                "doubled",
            ]);
            for s in &self.saturation {
                table.add_row([
                    format!("{} M", s.block_gas_limit / 1_000_000),
                    format!("{:.0}", s.handovers_per_second),
                    s.gas_per_handover.to_string(),
                    s.batches.to_string(),
                    format!("{:.2}", s.costs.cpu_ms_per_handover),
                    format!("{:.0}", s.costs.peak_memory_mib),
                    format!("{:.3}", s.costs.calls_per_handover),
                    s.lost.to_string(),
                    s.duplicated.to_string(),
                ]);
            }
            tables.push(table);
        }
        if !self.backlog.is_empty() {
            let mut table = new(&[
                "backlog, block gas",
                "requests",
                "seconds",
                "CPU ms each",
                "peak MiB",
                "lost",
                "doubled",
            ]);
            for b in &self.backlog {
                table.add_row([
                    format!("{} M", b.block_gas_limit / 1_000_000),
                    b.requests.to_string(),
                    format!("{:.1}", b.seconds),
                    format!("{:.2}", b.costs.cpu_ms_per_handover),
                    format!("{:.0}", b.costs.peak_memory_mib),
                    b.lost.to_string(),
                    b.duplicated.to_string(),
                ]);
            }
            tables.push(table);
        }
        if !self.catch_up.is_empty() {
            let mut table = new(&[
                "catching up with",
                "seconds",
                "requests/s",
                "CPU ms each",
                "peak MiB",
                "calls each",
                "store MiB",
            ]);
            for c in &self.catch_up {
                table.add_row([
                    c.requests.to_string(),
                    format!("{:.1}", c.seconds),
                    format!("{:.0}", c.requests_per_second),
                    format!("{:.3}", c.costs.cpu_ms_per_handover),
                    format!("{:.0}", c.costs.peak_memory_mib),
                    format!("{:.4}", c.costs.calls_per_handover),
                    format!("{:.0}", c.store_mib),
                ]);
            }
            tables.push(table);
        }
        if !self.latency.is_empty() {
            let mut table = new(&[
                "rate /s",
                "truth",
                "own p50 ms",
                "end to end p50 ms",
                "p95 ms",
                "p99 ms",
                "CPU ms each",
                "calls each",
            ]);
            for l in &self.latency {
                table.add_row([
                    l.rate_per_second.to_string(),
                    l.truth.clone(),
                    format!("{:.1}", l.own_p50_ms),
                    l.end_to_end_p50_ms.to_string(),
                    l.end_to_end_p95_ms.to_string(),
                    l.end_to_end_p99_ms.to_string(),
                    format!("{:.2}", l.costs.cpu_ms_per_handover),
                    format!("{:.2}", l.costs.calls_per_handover),
                ]);
            }
            tables.push(table);
        }
        if !self.gas.is_empty() {
            let mut table = new(&["gas", "batch", "recipients", "gas each"]);
            for g in &self.gas {
                table.add_row([
                    g.what.clone(),
                    g.batch.to_string(),
                    g.recipients.clone(),
                    g.gas_per_handover.to_string(),
                ]);
            }
            tables.push(table);
        }
        tables.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }
}

fn new(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header(header.iter().copied());
    table
}

/// Time and memory that the relayers' processes have used so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    cpu: Duration,
    peak_kib: u64,
    calls: u64,
    relayers: u32,
}

impl Usage {
    /// Of the processes `pids`, which made `calls`.
    pub(crate) fn read(pids: &[u32], calls: u64) -> Self {
        let mut usage =
            Self { calls, relayers: u32::try_from(pids.len()).unwrap_or(1), ..Self::default() };
        for pid in pids {
            usage.cpu += cpu_time(*pid).unwrap_or_default();
            usage.peak_kib = usage.peak_kib.max(peak_kib(*pid).unwrap_or_default());
        }
        usage
    }

    /// Since `before`, for each of `handovers`.
    pub(crate) fn since(&self, before: &Self, handovers: usize) -> Costs {
        let each = handovers.max(1) as f64;
        let cpu = self.cpu.saturating_sub(before.cpu).as_secs_f64() * 1_000.0;
        Costs {
            cpu_ms_per_handover: cpu / each / f64::from(self.relayers.max(1)),
            peak_memory_mib: self.peak_kib as f64 / 1_024.0,
            calls_per_handover: self.calls.saturating_sub(before.calls) as f64 / each,
        }
    }
}

/// User and system time of a process, from its `stat` (proc(5), fields 14 and 15, in ticks of 10 ms).
fn cpu_time(pid: u32) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let after_name = stat.rsplit_once(')')?.1;
    let mut fields = after_name.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(Duration::from_millis((user + system) * 10))
}

fn peak_kib(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
