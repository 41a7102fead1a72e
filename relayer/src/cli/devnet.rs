//! `twinspan devnet`

use std::path::PathBuf;

use clap::Args;
use eyre::{WrapErr, eyre};

use super::{Failure, asked_to_stop};
use crate::devnet::relayer::PASSWORD;
use crate::devnet::{Options, TEST_KEYS, World, demo};

/// Start two test nodes, a bridge pair and four relayers on this machine, and try them out
///
/// The world's keys are worthless: they lie in its folder with their password, and the accounts that
/// pay are those of the publicly known test mnemonic.
#[derive(Debug, Args)]
pub(super) struct Devnet {
    /// Leave the world running until Ctrl-C or SIGTERM, and print how to use it
    #[arg(long)]
    keep: bool,
    /// Send so many transfers while relayers are killed and cut off, and check every one
    #[arg(long, value_name = "N", default_value_t = 0)]
    transfers: usize,
    /// Write what was found as JSON
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Where the world's files lie; emptied first
    #[arg(long, value_name = "FOLDER", default_value = "target/devnet")]
    folder: PathBuf,
    /// How many relayers
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=16))]
    relayers: u8,
    /// How many must attest
    #[arg(long, default_value_t = 3)]
    threshold: u8,
}

impl Devnet {
    pub(super) async fn run(self) -> Result<(), Failure> {
        if !self.keep && self.transfers == 0 {
            return Err(Failure::Configuration(eyre!(
                "nothing to do: give --keep, or --transfers N, or both"
            )));
        }
        if self.transfers > 0 && self.relayers < 4 {
            return Err(Failure::Configuration(eyre!(
                "--transfers kills a relayer and cuts another off: it needs --relayers 4 or more"
            )));
        }
        let folder = self.folder.join("world");
        if folder.exists() {
            std::fs::remove_dir_all(&folder).wrap_err("emptying the world's folder")?;
        }
        let binary = std::env::current_exe().wrap_err("finding our own binary")?;
        let mut options = Options::new(folder, binary);
        options.relayers = usize::from(self.relayers);
        options.threshold = self.threshold;
        let mut world = World::start(options, &|step| println!("• {step}")).await?;
        let mut result = Ok(());
        if self.transfers > 0 {
            println!("• sending {} transfers, coins and tokens, both ways", self.transfers);
            let report = demo::run(&mut world, self.transfers).await?;
            println!("{}", demo::tables(&report));
            if let Some(path) = &self.report {
                report.write(path)?;
                println!("written to {}", path.display());
            }
            if !report.is_good() {
                result = Err(Failure::Failed(eyre!(
                    "value was lost or doubled, or the figures do not add up; logs are in {}",
                    world.options.folder.display()
                )));
            }
        }
        if self.keep {
            let asked = asked_to_stop()?;
            println!("{}", guide(&world));
            asked.await;
        }
        world.stop().await;
        result
    }
}

/// What to try in a world.
fn guide(world: &World) -> String {
    let [main, service] = &world.chains;
    let folder = world.options.folder.display();
    let keystore = world.relayers[0].folder.join("submitter.json");
    let password = world.relayers[0].folder.join("password");
    let (keystore, password) = (keystore.display(), password.display());
    let api = world.relayers[0].api_url();
    let mut text = format!(
        "\nThe world runs until Ctrl-C. Its keys are worthless: keystores in {folder} have the \
         password `{PASSWORD}`; test account 0 (public key material!) is {}.\n\n",
        TEST_KEYS[0]
    );
    for chain in [main, service] {
        text += &format!(
            "{:<8} {}  bridge {}  vault {}  token {}  NFT {}  multi-token {}\n",
            chain.name,
            chain.node.http_url(),
            chain.bridge,
            chain.vault,
            chain.token.home,
            chain.nft.home,
            chain.multi.home
        );
    }
    for relayer in &world.relayers {
        text += &format!(
            "relayer {}  API {}  log {}\n",
            relayer.index,
            relayer.api_url(),
            relayer.log().display()
        );
    }
    text += &format!(
        "\nTry:\n  twinspan status --api {api}\n  twinspan transfer --rpc {} --vault {} \\\n    \
         --to {} --amount 1.5 \\\n    --keystore {keystore} --password-file {password} \\\n    \
         --wait {api}\n  curl -s {api}/v1/status\n  kill -9 {}   # then: twinspan run --config {}\n",
        main.node.http_url(),
        main.vault,
        world.relayers[1].submitter,
        world.relayers[1].pid().unwrap_or_default(),
        world.relayers[1].config().display(),
    );
    text
}
