//! `twinspan check-config`

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use twinspan_relayer::app::Ready;
use twinspan_relayer::config::Config;

use super::Failure;
use super::run::failure;

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
        let names = |keys: Vec<&String>| keys.into_iter().cloned().collect::<Vec<_>>();
        let (chains, pairs) =
            (names(config.chains.keys().collect()), names(config.pairs.keys().collect()));
        let name = config.name.clone();
        let mut relayer = None;
        if self.online {
            // All that a relayer looks at before it starts.
            relayer = Some(Ready::make(config).await.map_err(failure)?.key.address());
        }
        if self.json {
            println!(
                "{}",
                json!({ "ok": true, "name": name, "chains": chains, "pairs": pairs,
                        "relayer": relayer })
            );
        } else {
            println!(
                "ok: {} serves {} over {}{}",
                name,
                pairs.join(", "),
                chains.join(", "),
                relayer.map_or_else(String::new, |at| format!(", attests as {at}"))
            );
        }
        Ok(())
    }
}
