//! Carries the operator's commands to the running relayer, over the socket beside its store.

use std::path::PathBuf;

use clap::Args;
use twinspan_api::client;
use twinspan_relayer::config::Config;
use twinspan_relayer::serve::operator::socket_of;

use super::Failure;

/// The relayer.
#[derive(Clone, Debug, Args)]
pub(super) struct Operator {
    /// The relayer's configuration file, which says where its store is
    #[arg(long, short, env = "TWINSPAN_CONFIG", value_name = "FILE")]
    config: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

impl Operator {
    /// Its line to the relayer.
    pub(super) fn client(&self) -> Result<client::Operator, Failure> {
        let config = Config::load(&self.config)
            .map_err(|faults| Failure::Configuration(eyre::eyre!("{faults}")))?;
        Ok(client::Operator::new(&socket_of(&config.store))?)
    }
}
