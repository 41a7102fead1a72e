//! `twinspan tx`

use std::time::Duration;

use alloy::primitives::Address;
use alloy::primitives::utils::format_units;
use clap::{Args, Subcommand};
use comfy_table::Table;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use twinspan_api::order::Order;
use twinspan_api::transaction::{Fees, Transaction};

use super::Failure;
use super::operator::Operator;
use super::status::json;

/// Inspect a running relayer's transactions, and bump or drop one that is stuck
#[derive(Debug, Args)]
pub(super) struct Tx {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Transactions that wait to be in a block
    List {
        #[command(flatten)]
        operator: Operator,
    },
    /// All that is kept of one transaction
    Show(Which),
    /// Replace it by one with a higher fee now, within the fee cap
    Bump(Which),
    /// Give it up: a transfer of 0 to ourselves takes its account nonce, and its purpose is planned anew
    Drop(Which),
}

#[derive(Debug, Args)]
struct Which {
    /// The chain's name in the configuration
    chain: String,
    /// The account nonce, as `tx list` shows it
    nonce: u64,
    /// The account, where the relayer has several on the chain
    #[arg(long, value_name = "ADDRESS")]
    account: Option<Address>,
    #[command(flatten)]
    operator: Operator,
}

impl Tx {
    pub(super) async fn run(self) -> Result<(), Failure> {
        match self.action {
            Action::List { operator } => list(&operator).await,
            Action::Show(which) => {
                let Which { chain, nonce, account, operator } = which;
                let kept = operator.client()?.transaction(&chain, nonce, account).await?;
                show(&kept, operator.json)
            }
            Action::Bump(which) => order(&which, Order::Bump, "replaced by").await,
            Action::Drop(which) => order(&which, Order::Drop, "given up; its place goes to").await,
        }
    }
}

async fn list(operator: &Operator) -> Result<(), Failure> {
    let pending = operator.client()?.pending().await?;
    if operator.json {
        println!("{}", json(&pending)?);
        return Ok(());
    }
    if pending.is_empty() {
        println!("no transaction is under way");
        return Ok(());
    }
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header(["chain", "account", "nonce", "what", "age", "tries", "offers", "waits for"]);
    for one in pending {
        table.add_row([
            one.chain,
            one.account.to_string(),
            one.nonce.to_string(),
            one.label,
            format!("{} s", age(one.created_at).as_secs()),
            one.siblings.to_string(),
            one.fees.map_or_else(|| "–".to_owned(), offer),
            one.waits_for.unwrap_or_else(|| "a block".to_owned()),
        ]);
    }
    println!("{table}");
    Ok(())
}

fn show(stored: &Transaction, as_json: bool) -> Result<(), Failure> {
    if as_json {
        println!("{}", json(stored)?);
        return Ok(());
    }
    println!("nonce      {}", stored.nonce);
    let label = stored.intent.as_ref().map_or("fills a gap", |intent| intent.label.as_str());
    println!("what       {label}");
    println!("age        {} s", age(stored.created_at).as_secs());
    println!("state      {}", stored.state.label());
    if let Some(why) = &stored.given_up {
        println!("given up   {why}");
    }
    for (at, sibling) in stored.siblings.iter().enumerate() {
        let name = if at == 0 { "signed" } else { "" };
        let fills = if sibling.fills { " (fills the place)" } else { "" };
        println!("{name:<10} {} offering {}{fills}", sibling.hash, offer(sibling.fees));
    }
    Ok(())
}

async fn order(which: &Which, order: Order, done: &str) -> Result<(), Failure> {
    let client = which.operator.client()?;
    let answer = client.order(&which.chain, which.nonce, which.account, order).await?;
    if which.operator.json {
        println!("{}", json(&answer)?);
    } else {
        let transaction = answer.transaction.map_or_else(|| "nobody".into(), |it| it.to_string());
        let offers =
            answer.fees.map_or_else(String::new, |fees| format!(" offering {}", offer(fees)));
        println!("{done} {transaction}{offers}");
    }
    Ok(())
}

fn offer(fees: Fees) -> String {
    let gwei = |wei: u128| format_units(wei, "gwei").unwrap_or_else(|_| wei.to_string());
    match fees {
        Fees::Dynamic { max_fee, tip } => format!("{} gwei, tip {}", gwei(max_fee), gwei(tip)),
        Fees::Legacy { gas_price } => format!("{} gwei", gwei(gas_price)),
    }
}

fn age(created_at: u64) -> Duration {
    Duration::from_secs(twinspan_chains::Clock::system().unix_seconds().saturating_sub(created_at))
}
