//! The command line: one file a command.

mod check_config;
mod deploy;
mod devnet;
mod keys;
mod lane;
mod operator;
mod run;
mod status;
mod transfer;
mod tx;
mod wallet;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use eyre::WrapErr;
use tokio::signal::unix::{SignalKind, signal};
use twinspan_api::client::ClientError;

/// Relays value between the two chains of a bridge pair, together with other relayers.
#[derive(Debug, Parser)]
#[command(
    name = "twinspan",
    version,
    about,
    after_help = "Exit codes: 0 done; 1 failed; 2 wrong usage or configuration; 3 not reachable; \
                  4 refused before anything was sent."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Run),
    CheckConfig(check_config::CheckConfig),
    Keys(keys::Keys),
    Deploy(deploy::Deploy),
    Transfer(transfer::Transfer),
    Status(status::Status),
    Tx(tx::Tx),
    Lane(lane::Lane),
    Devnet(devnet::Devnet),
}

/// Why a command failed, by its exit code.
#[derive(Debug)]
pub(crate) enum Failure {
    /// 1.
    Failed(eyre::Report),
    /// 2.
    Configuration(eyre::Report),
    /// 3.
    Unreachable(eyre::Report),
    /// 4.
    Refused(eyre::Report),
}

/// Listens from now on; ends once the process is asked to stop, by SIGTERM or Ctrl-C.
fn asked_to_stop() -> eyre::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate()).wrap_err("listening for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).wrap_err("listening for Ctrl-C")?;
    Ok(async move {
        tokio::select! {
            biased;
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

impl From<eyre::Report> for Failure {
    fn from(report: eyre::Report) -> Self {
        Self::Failed(report)
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Unreachable { .. } | ClientError::Foreign { .. } => {
                Self::Unreachable(error.into())
            }
            ClientError::NoClient(_) | ClientError::Refused { .. } => Self::Failed(error.into()),
        }
    }
}

impl Failure {
    const fn code(&self) -> u8 {
        match self {
            Self::Failed(_) => 1,
            Self::Configuration(_) => 2,
            Self::Unreachable(_) => 3,
            Self::Refused(_) => 4,
        }
    }

    const fn report(&self) -> &eyre::Report {
        match self {
            Self::Failed(report)
            | Self::Configuration(report)
            | Self::Unreachable(report)
            | Self::Refused(report) => report,
        }
    }
}

/// Runs the command that the arguments name.
pub async fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Run(command) => command.run().await,
        Command::CheckConfig(command) => command.run().await,
        Command::Keys(command) => command.run(),
        Command::Deploy(command) => command.run().await,
        Command::Transfer(command) => command.run().await,
        Command::Status(command) => command.run().await,
        Command::Tx(command) => command.run().await,
        Command::Lane(command) => command.run().await,
        Command::Devnet(command) => command.run().await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {}", chain_of(failure.report()));
            ExitCode::from(failure.code())
        }
    }
}

/// An error and its causes in one line, each once: many libraries repeat the cause in the error.
fn chain_of(report: &eyre::Report) -> String {
    let mut text = String::new();
    for cause in report.chain() {
        let cause = cause.to_string();
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}
