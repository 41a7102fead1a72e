//! `twinspan run`

use std::path::PathBuf;

use clap::Args;
use eyre::WrapErr;
use tokio_util::sync::CancellationToken;
use twinspan_chains::Disposition;
use twinspan_relayer::app::{self, AppError};
use twinspan_relayer::config::Config;
use twinspan_relayer::telemetry;
use twinspan_supervise::asked_to_stop;

use super::Failure;

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
        let asked = asked_to_stop().wrap_err("listening for SIGTERM and Ctrl-C")?;
        let stops = stop.clone();
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
        // The operator corrects what does not pass by itself, such as another chain's id.
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
