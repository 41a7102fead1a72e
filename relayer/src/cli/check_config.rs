//! `twinspan check-config`

use std::path::PathBuf;

use alloy::primitives::Address;
use clap::Args;
use serde_json::json;

use super::Failure;
use super::run::failure;
use crate::app::{self, AppError};
use crate::config::Config;
use crate::keys;

/// Check a configuration, and with --online its keys, chains and bridges too, without running anything
#[derive(Debug, Args)]
pub(super) struct CheckConfig {
    /// The configuration file
    #[arg(long, short, env = "TWINSPAN_CONFIG", value_name = "FILE")]
    config: PathBuf,
    /// Also open the keystores, ask remote signers, connect the chains and read the bridges
    #[arg(long)]
    online: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl CheckConfig {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let config = match Config::load(&self.config) {
            Ok(config) => config,
            Err(faults) if self.json => {
                let faults = faults.0.iter().map(|fault| {
                    json!({
                        "path": fault.path, "problem": fault.problem,
                        "allowed": fault.allowed, "environment": fault.environment(),
                    })
                });
                println!("{}", json!({ "ok": false, "faults": faults.collect::<Vec<_>>() }));
                return Err(Failure::Configuration(eyre::eyre!("the configuration has faults")));
            }
            Err(faults) => return Err(Failure::Configuration(eyre::eyre!("{faults}"))),
        };
        let mut relayer = None;
        if self.online {
            relayer = Some(online(&config).await.map_err(failure)?);
        }
        let names = |keys: Vec<&String>| keys.into_iter().cloned().collect::<Vec<_>>();
        let (chains, pairs) =
            (names(config.chains.keys().collect()), names(config.pairs.keys().collect()));
        if self.json {
            println!(
                "{}",
                json!({ "ok": true, "name": config.name, "chains": chains, "pairs": pairs,
                        "relayer": relayer })
            );
        } else {
            println!(
                "ok: {} serves {} over {}{}",
                config.name,
                pairs.join(", "),
                chains.join(", "),
                relayer.map_or_else(String::new, |at| format!(", attests as {at}"))
            );
        }
        Ok(())
    }
}

/// All that a relayer looks at before it starts. The address that it attests as.
async fn online(config: &Config) -> Result<Address, AppError> {
    let key = keys::attester(&config.attestation_key).await?;
    keys::submitters(config).await?;
    let chains = app::connect(config).await?;
    app::check_pairs(config, &chains, key.address()).await?;
    Ok(key.address())
}
