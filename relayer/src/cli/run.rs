//! `twinspan run`

use std::path::PathBuf;

use clap::Args;
use tokio_util::sync::CancellationToken;
use twinspan_chains::Disposition;

use super::{Failure, asked_to_stop};
use crate::app::{self, AppError};
use crate::config::Config;
use crate::telemetry;

/// Run a relayer until SIGTERM or Ctrl-C
#[derive(Debug, Args)]
pub(super) struct Run {
    /// The configuration file; `TWINSPAN__SECTION__KEY` in the environment overrides it
    #[arg(long, short, env = "TWINSPAN_CONFIG", value_name = "FILE")]
    config: PathBuf,
}

impl Run {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let config = Config::load(&self.config)
            .map_err(|faults| Failure::Configuration(eyre::eyre!("{faults}")))?;
        telemetry::init(&config.log);
        let stop = CancellationToken::new();
        let (asked, stops) = (asked_to_stop()?, stop.clone());
        let signals = async move {
            asked.await;
            stops.cancel();
            std::future::pending::<()>().await;
        };
        tokio::select! {
            biased;
            ended = app::run(self.config, config, stop) => ended.map_err(failure),
            () = signals => unreachable!("waits for ever after it has asked"),
        }
    }
}

/// The exit code of what keeps a relayer from starting.
pub(super) fn failure(error: AppError) -> Failure {
    let wrap: fn(eyre::Report) -> Failure = match &error {
        // What does not pass by itself, such as another chain's id, is for the operator to correct.
        AppError::Connect(error) if error.disposition() != Disposition::Wait => {
            Failure::Configuration
        }
        AppError::Account(error) if error.disposition() == Disposition::Wait => {
            Failure::Unreachable
        }
        AppError::Key(error) if error.passes() => Failure::Unreachable,
        AppError::Key(_)
        | AppError::Account(_)
        | AppError::Pair(_)
        | AppError::Peer(_)
        | AppError::Listen { .. }
        | AppError::Operator { .. } => Failure::Configuration,
        AppError::Connect(_) => Failure::Unreachable,
        AppError::Store(_) | AppError::Metrics(_) | AppError::Signal(_) | AppError::Unasked(_) => {
            Failure::Failed
        }
    };
    wrap(error.into())
}
