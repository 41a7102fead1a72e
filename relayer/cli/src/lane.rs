//! `twinspan lane`

use clap::{Args, Subcommand};
use twinspan_api::decision::{Decision, Resume};

use super::Failure;
use super::operator::Operator;
use super::status::json;

/// Inspect a running relayer's lanes, and resume one that abstains
#[derive(Debug, Args)]
pub(super) struct Lane {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List lanes with their state and past decisions
    List {
        #[command(flatten)]
        operator: Operator,
    },
    /// Resume a lane that abstains after a reorganisation. First check that this relayer sees the same chain as the
    /// others: its earlier attestations become void
    Resume {
        /// The lane's name, as `status` shows it
        lane: String,
        /// The reason, kept with the evidence
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        operator: Operator,
    },
}

impl Lane {
    pub(super) async fn run(self) -> Result<(), Failure> {
        match self.action {
            Action::List { operator } => {
                let lanes = operator.client()?.lanes().await?;
                if operator.json {
                    println!("{}", json(&lanes)?);
                    return Ok(());
                }
                for lane in lanes {
                    let why =
                        if lane.why.is_empty() { lane.why } else { format!(": {}", lane.why) };
                    println!("{}  {}{why}", lane.name, lane.is);
                    lane.decisions.iter().for_each(show);
                }
                Ok(())
            }
            Action::Resume { lane, reason, operator } => {
                let order = Resume { lane, reason };
                let decision = operator.client()?.resume(&order).await?;
                if operator.json {
                    println!("{}", json(&decision)?);
                } else {
                    println!("{} goes on", order.lane);
                    show(&decision);
                }
                Ok(())
            }
        }
    }
}

fn show(decision: &Decision) {
    let at = decision.at / 1_000;
    println!("  resumed at {at} (Unix time): {}", decision.reason);
    let conflict = &decision.conflict;
    println!(
        "    attested up to count {}; at count {} the chain had {}, linked was {}",
        conflict.highest_attested,
        conflict.contract.count,
        conflict.contract.head,
        conflict.linked.head
    );
    for attestation in &decision.voided {
        println!("    void: count {} head {}", attestation.count, attestation.head);
    }
}
