//! How the operator's commands reach the running relayer: over the socket beside its store.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use serde::de::DeserializeOwned;
use twinspan_relayer::api::operator::socket_of;
use twinspan_relayer::config::Config;

use super::Failure;
use super::status::{ANSWER_LIMIT, answer};

/// Which relayer.
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
    /// Asks.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        let (client, shown) = self.client()?;
        answer(client.get(format!("http://relayer{path}")), &shown).await
    }

    /// Orders.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        let (client, shown) = self.client()?;
        answer(client.post(format!("http://relayer{path}")).json(body), &shown).await
    }

    fn client(&self) -> Result<(reqwest::Client, String), Failure> {
        let config = Config::load(&self.config)
            .map_err(|faults| Failure::Configuration(eyre::eyre!("{faults}")))?;
        let socket = socket_of(&config.store);
        let shown = socket.display().to_string();
        let client = reqwest::Client::builder().timeout(ANSWER_LIMIT).unix_socket(socket).build();
        Ok((client.map_err(|error| Failure::Failed(error.into()))?, shown))
    }
}
