//! `twinspan-bench`: measures a world of two nodes and four relayers, and says what it is.
//!
//! Every figure comes from the chains and the relayers' own counters. Run it alone on the machine: two
//! nodes, four relayers and the load share its cores.

mod assets;
mod figures;
mod load;
mod scenes;

use std::path::{Path, PathBuf};

use eyre::{WrapErr, eyre};
use figures::Report;
use twinspan_chains::Truth;

/// Runs the scenes named on the command line, or all of them.
#[tokio::main]
async fn main() -> eyre::Result<()> {
    let named: Vec<String> = std::env::args().skip(1).collect();
    let wanted = |scene: &str| named.is_empty() || named.iter().any(|name| name == scene);
    let binary = std::env::current_exe()?.with_file_name("twinspan");
    if !binary.is_file() {
        return Err(eyre!("no {}: build twinspan-cli first", binary.display()));
    }
    let mut report = Report::default();
    let scenes = scenes::Scenes { binary, folder: PathBuf::from("target/bench") };
    for gas_limit in [30_000_000, 300_000_000] {
        let million = gas_limit / 1_000_000;
        if wanted("saturation") || wanted(&format!("saturation-{million}")) {
            report.saturation.push(scenes.saturation(gas_limit).await?);
        }
        if wanted("backlog") || wanted(&format!("backlog-{million}")) {
            report.backlog.push(scenes.backlog(gas_limit, 20_000).await?);
        }
    }
    if wanted("catch-up") {
        report.catch_up.push(scenes.catch_up(100_000, None).await?);
    }
    // More takes long to make, and anvil about 25 KiB of memory a request: only where it is asked for, and on the
    // nodes that `make test-nodes` gets, if there are any.
    let geth = std::env::var_os("TWINSPAN_NODES").map(|folder| Path::new(&folder).join("geth"));
    for name in &named {
        if let Some(requests) = name.strip_prefix("catch-up-") {
            let requests = requests.parse().wrap_err("want catch-up-REQUESTS")?;
            report.catch_up.push(scenes.catch_up(requests, geth.as_deref()).await?);
        }
    }
    for rate in [1, 10, 100] {
        if wanted("latency") || wanted(&format!("latency-{rate}")) {
            report.latency.push(scenes.latency(rate, None).await?);
        }
    }
    for truth in [Truth::Single, Truth::Proof] {
        if wanted("truth") {
            report.latency.push(scenes.latency(100, Some(truth)).await?);
        }
    }
    if wanted("gas") {
        report.gas = scenes.gas().await?;
    }
    println!("{}", report.tables());
    let path = scenes.folder.join("report.json");
    let text = serde_json::to_string_pretty(&report)?;
    std::fs::write(&path, text + "\n").wrap_err("writing the report")?;
    println!("written to {}", path.display());
    Ok(())
}
