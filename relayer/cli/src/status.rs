//! `twinspan status`

use std::str::FromStr;

use alloy::primitives::utils::format_ether;
use alloy::primitives::{Address, B256, U256};
use clap::Args;
use comfy_table::Table;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use eyre::{WrapErr, eyre};
use twinspan_api::client::{ANSWER_LIMIT, Client, Url};
use twinspan_api::status::Status as Answer;
use twinspan_api::transfer::{Transfer, Transfers};
use twinspan_bridge::ids::{TransferId, TransferIdError};

use super::Failure;

/// Show what a relayer is doing, or where a transfer stands
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 all is well; 1 a lane is not well or has an alarm; 3 the relayer does not answer."
)]
pub(super) struct Status {
    /// The relayer's API
    #[arg(long, default_value = "http://127.0.0.1:9500", value_name = "URL")]
    api: Url,
    /// A transfer: <source chain id>-<source bridge>-<nonce>, or the hash of the transaction that asked for it
    transfer: Option<Subject>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The transfers that are asked about.
#[derive(Clone, Copy, Debug)]
enum Subject {
    Transfer(TransferId),
    Transaction(B256),
}

impl FromStr for Subject {
    type Err = TransferIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse() {
            Ok(transaction) => Ok(Self::Transaction(transaction)),
            Err(_) => text.parse().map(Self::Transfer),
        }
    }
}

impl Status {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let client = Client::new(&self.api, ANSWER_LIMIT)?;
        match self.transfer {
            Some(Subject::Transfer(id)) => {
                let transfer = client.transfer(id).await?;
                self.print(&transfer, show_transfer)
            }
            Some(Subject::Transaction(hash)) => {
                let transfers = client.transfers_of(hash).await?;
                self.print(&transfers, show_transfers)?;
                if transfers.transfers.is_empty() {
                    let why = "not known here, not final yet, or it asked for none";
                    return Err(Failure::Failed(eyre!("no transfer of transaction {hash}: {why}")));
                }
                Ok(())
            }
            None => {
                let status = client.status().await?;
                self.print(&status, show)?;
                all_is_well(&status)
            }
        }
    }

    fn print<T: serde::Serialize>(&self, answer: &T, show: fn(&T)) -> Result<(), Failure> {
        if self.json {
            println!("{}", json(answer)?);
        } else {
            show(answer);
        }
        Ok(())
    }
}

/// # Errors
/// With the first lane that does not work, or that has an alarm.
fn all_is_well(status: &Answer) -> Result<(), Failure> {
    for lane in status.lanes() {
        let verdict = lane.verdict();
        if !verdict.is.is_well() {
            return Err(Failure::Failed(eyre!("{} is {}", lane.name, verdict.is)));
        }
        if let Some(alarm) = lane.alarms.last() {
            return Err(Failure::Failed(eyre!("{} has an alarm: {alarm}", lane.name)));
        }
    }
    Ok(())
}

pub(super) fn json<T: serde::Serialize>(value: &T) -> eyre::Result<String> {
    serde_json::to_string_pretty(value).wrap_err("writing JSON")
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
    for lane in status.lanes() {
        let verdict = lane.verdict();
        let Some(state) = &lane.status else { continue };
        lanes.add_row([
            lane.name.clone(),
            verdict.is.to_string(),
            lane.requested.to_string(),
            state.linked.count.to_string(),
            state.certified.to_string(),
            state.newest.count.to_string(),
            format!("{:.0} s", lane.pending_seconds),
            verdict.why,
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
        let advice = &chain.condition.advice;
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
    for lane in status.lanes() {
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
        // In lane units where whole tokens are not known.
        let amount = request.amount.clone().unwrap_or_else(|| request.amount_units.to_string());
        println!("sends      {amount} of {} to {}", request.token, request.recipient);
    }
    for (name, place) in [("requested", transfer.source), ("settled", transfer.destination)] {
        if let Some(place) = place {
            println!(
                "{name:<10} chain {} block {} transaction {}",
                place.chain_id, place.block, place.transaction
            );
        }
    }
    let of_checkpoint = |name: &str, count: u64, signers: &[Address]| {
        println!("{name:<10} at count {count} by");
        for signer in signers {
            println!("           {signer}");
        }
    };
    if let Some(paid) = &transfer.certificate {
        of_checkpoint("certified", paid.count, &paid.signers);
    } else if let Some(attested) = &transfer.attestations {
        of_checkpoint("attested", attested.count, &attested.signers);
    }
    if let Some(parked) = transfer.parked {
        println!("parked     {:?}", parked.reason);
        if let Some(home) = parked.ended.and_then(|ended| ended.returned_as) {
            println!("returned   as {home}");
        }
    }
}

fn show_transfers(found: &Transfers) {
    for (n, transfer) in found.transfers.iter().enumerate() {
        if n > 0 {
            println!();
        }
        show_transfer(transfer);
    }
    if found.transfers.is_empty() {
        for as_of in &found.as_of {
            println!("chain {} is read up to block {}", as_of.chain_id, as_of.block);
        }
    }
}
