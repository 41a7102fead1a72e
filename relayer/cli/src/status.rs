//! `twinspan status`

use std::time::Duration;

use alloy::primitives::U256;
use alloy::primitives::utils::format_ether;
use alloy::transports::http::reqwest::Url;
use clap::Args;
use comfy_table::Table;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use eyre::{WrapErr, eyre};
use serde::de::DeserializeOwned;
use twinspan_bridge::ids::TransferId;
use twinspan_relayer::api::Status as Answer;
use twinspan_relayer::api::transfers::Transfer;

use super::Failure;

/// Longest that a relayer may take to answer.
pub(super) const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// Show what a relayer is doing, or where a transfer stands
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 all is well; 1 a lane is halted, abstains or the like; \
                        3 the relayer does not answer.")]
pub(super) struct Status {
    /// The relayer's API
    #[arg(long, default_value = "http://127.0.0.1:9500", value_name = "URL")]
    api: Url,
    /// A transfer: <source chain id>-<source bridge>-<nonce>
    transfer: Option<TransferId>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Status {
    pub(super) async fn run(self) -> Result<(), Failure> {
        if let Some(id) = self.transfer {
            let path = format!("/v1/transfers/{id}");
            let transfer: Transfer = fetch(&self.api, &path).await?;
            if self.json {
                println!("{}", json(&transfer)?);
            } else {
                show_transfer(&transfer);
            }
            return Ok(());
        }
        let status: Answer = fetch(&self.api, "/v1/status").await?;
        if self.json {
            println!("{}", json(&status)?);
        } else {
            show(&status);
        }
        let lanes = || status.pairs.iter().flat_map(|pair| &pair.lanes);
        let is_well = |verdict| matches!(verdict, "ok" | "delivering" | "certifying" | "starting");
        match lanes().find(|lane| !is_well(lane.verdict().0)) {
            None => Ok(()),
            Some(lane) => Err(Failure::Failed(eyre!("{} is {}", lane.name, lane.verdict().0))),
        }
    }
}

pub(super) fn json<T: serde::Serialize>(value: &T) -> eyre::Result<String> {
    serde_json::to_string_pretty(value).wrap_err("writing JSON")
}

/// Asks a relayer's API.
pub(super) async fn fetch<T: DeserializeOwned>(api: &Url, path: &str) -> Result<T, Failure> {
    let shown = twinspan_chains::shown_origin(api);
    let url = api.join(path).map_err(|error| Failure::Configuration(error.into()))?;
    let client = reqwest::Client::builder()
        .timeout(ANSWER_LIMIT)
        .build()
        .map_err(|error| Failure::Failed(error.into()))?;
    answer(client.get(url), &shown).await
}

/// Sends the question; `shown`: to whom, for people.
pub(super) async fn answer<T: DeserializeOwned>(
    question: reqwest::RequestBuilder,
    shown: &str,
) -> Result<T, Failure> {
    let answer = question.send().await.map_err(|error| {
        let error = eyre::Report::from(error.without_url());
        Failure::Unreachable(error.wrap_err(format!("no relayer answers at {shown}")))
    })?;
    let status = answer.status();
    let body = answer.bytes().await.map_err(|error| Failure::Unreachable(error.into()))?;
    if !status.is_success() {
        let error: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
        let error = error["error"].as_str().unwrap_or("no reason given").to_owned();
        return Err(Failure::Failed(eyre!("{shown} answers {status}: {error}")));
    }
    serde_json::from_slice(&body)
        .wrap_err_with(|| format!("{shown} is no relayer's API"))
        .map_err(Failure::Unreachable)
}

fn show(status: &Answer) {
    println!(
        "{} {} · attests as {} · up {} s",
        status.name, status.version, status.relayer, status.uptime_seconds
    );
    let mut lanes = Table::new();
    lanes.load_style(UTF8_FULL_CONDENSED);
    lanes.set_header([
        "lane",
        "is",
        "requested",
        "final",
        "certified",
        "handed over",
        "oldest",
        "what to do",
    ]);
    for lane in status.pairs.iter().flat_map(|pair| &pair.lanes) {
        let (verdict, why) = lane.verdict();
        let Some(state) = &lane.status else { continue };
        lanes.add_row([
            lane.name.clone(),
            verdict.to_owned(),
            lane.requested.to_string(),
            state.linked.count.to_string(),
            state.certified.to_string(),
            state.newest.count.to_string(),
            format!("{:.0} s", lane.pending_seconds),
            why,
        ]);
    }
    println!("{lanes}");
    let mut chains = Table::new();
    chains.load_style(UTF8_FULL_CONDENSED);
    chains.set_header(["chain", "id", "is", "truth", "head", "calls"]);
    let mut accounts = Table::new();
    accounts.load_style(UTF8_FULL_CONDENSED);
    accounts.set_header(["account", "on", "balance", "lasts", "transactions"]);
    for chain in &status.chains {
        chains.add_row([
            chain.name.clone(),
            chain.chain_id.to_string(),
            chain.condition.state.label().to_owned(),
            chain.truth.clone(),
            chain.head.map_or_else(|| "–".into(), |head| head.to_string()),
            chain.rpc_calls.to_string(),
        ]);
        for account in &chain.accounts {
            accounts.add_row([
                account.address.to_string(),
                chain.name.clone(),
                account.balance.map_or_else(|| "–".into(), coins),
                account.runway_seconds.map_or_else(|| "–".into(), lasts),
                account.pending_transactions.to_string(),
            ]);
        }
    }
    println!("{chains}\n{accounts}");
    for chain in &status.chains {
        let advice = chain.condition.advice();
        if !advice.is_empty() {
            println!("! {}: {advice}", chain.name);
        }
        let is_short = |seconds: u64| seconds < 24 * 3_600;
        for account in chain.accounts.iter().filter(|it| it.runway_seconds.is_some_and(is_short)) {
            println!("! {}: the coins of {} run out: top it up", chain.name, account.address);
        }
    }
    if let Some(refused) = &status.configuration.refused {
        println!(
            "! the configuration's file was changed and refused, the old one is in force: {refused}"
        );
    }
    for lane in status.pairs.iter().flat_map(|pair| &pair.lanes) {
        for one in &lane.abstentions {
            println!("! {}: {} attests nothing: {}", lane.name, one.relayer, one.reason.label());
        }
        for alarm in &lane.alarms {
            println!("! {}: {alarm}", lane.name);
        }
    }
}

/// Without the zeros at the end.
fn coins(wei: U256) -> String {
    let text = format_ether(wei);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn lasts(seconds: u64) -> String {
    match seconds / 3_600 {
        hours @ 0..72 => format!("{hours} h"),
        hours => format!("{} d", hours / 24),
    }
}

fn show_transfer(transfer: &Transfer) {
    println!("transfer   {}", transfer.id);
    println!("stage      {}", transfer.stage);
    if !transfer.waits_for.is_empty() {
        println!("waits for  {}", transfer.waits_for);
    }
    if let Some(request) = &transfer.request {
        println!("sends      {} of {} to {}", request.amount, request.token, request.recipient);
    }
    for (name, place) in [("requested", transfer.source), ("settled", transfer.destination)] {
        if let Some(place) = place {
            println!(
                "{name:<10} chain {} block {} transaction {}",
                place.chain_id, place.block, place.transaction
            );
        }
    }
    if let Some(checkpoint) = transfer.checkpoint {
        println!("attested   at count {checkpoint} by");
        for signer in &transfer.signers {
            println!("           {signer}");
        }
    }
    if let Some(parked) = transfer.parked {
        println!("parked     {:?}", parked.reason);
        if let Some(home) = parked.returned_as {
            println!("returned   as {home}");
        }
    }
}
