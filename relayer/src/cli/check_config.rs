//! `twinspan check-config`

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::Failure;
use crate::app;
use crate::config::Config;
use crate::keys;

/// Check a configuration, and with --online its keys, chains and bridges too, without running anything
#[derive(Debug, Args)]
pub(super) struct CheckConfig {
    /// The configuration file
    #[arg(long, short, env = "TWINSPAN_CONFIG", value_name = "FILE")]
    config: PathBuf,
    /// Also open the keystores, connect the chains and read the bridges
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
            let wrong = |error| Failure::Configuration(eyre::Report::from(error));
            let key = keys::attestation_key(&config.attestation_key).map_err(wrong)?;
            for chain in config.chains.values() {
                keys::submitter_key(&chain.submitter).map_err(wrong)?;
            }
            let chains =
                app::connect(&config).await.map_err(|error| Failure::Unreachable(error.into()))?;
            app::check_pairs(&config, &chains, key.address())
                .await
                .map_err(|error| Failure::Configuration(error.into()))?;
            relayer = Some(key.address());
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
