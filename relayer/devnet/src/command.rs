//! `twinspan devnet`

mod guide;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use eyre::{WrapErr, ensure, eyre};
use twinspan_supervise::asked_to_stop;

use crate::demo;
use crate::options::{Options, ServiceChain};
use crate::ports::Ports;
use crate::world::World;
use crate::world_file::WorldFile;

/// Start two test nodes, a bridge pair and relayers on this machine, and try them out
///
/// The world's keys are worthless. They lie in its folder with their password, and the accounts that pay are those of
/// the publicly known test mnemonic. While the world runs, `world.json` in its folder tells programs all that they
/// need: endpoints, contracts, pairs of tokens, accounts, relayers.
#[derive(Debug, Args)]
pub struct Devnet {
    /// Leave the world running until Ctrl-C or SIGTERM, and print how to use it
    #[arg(long)]
    keep: bool,
    /// Number of transfers to send and check while relayers are killed and cut off
    #[arg(long, value_name = "N", default_value_t = 0)]
    transfers: usize,
    /// Write what was found as JSON
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// The world's files lie in its subfolder `world`, which is emptied first
    #[arg(long, value_name = "FOLDER", default_value = "target/devnet")]
    folder: PathBuf,
    /// Number of relayers, 1 to 16
    #[arg(long, value_name = "N", default_value_t = 4)]
    relayers: u8,
    /// Number of relayers that must attest [default: more than two thirds of them]
    #[arg(long, value_name = "N")]
    threshold: Option<u8>,
    /// First of the ports to listen on, in this order: main node, service node, each relayer's API and peers' port,
    /// then the wires between relayers [default: any free ports]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    port_base: Option<u16>,
    /// The service chain's EVM and fees
    #[arg(long, value_enum, default_value_t = Service::Current)]
    service: Service,
}

/// The service chain's EVM and fees.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Service {
    /// The newest hardfork, with EIP-1559 fees: any tool's defaults work
    Current,
    /// From before PUSH0 and without fees, as many service chains are: compile for `paris`, send legacy transactions
    Old,
}

/// Why the command failed.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// It was asked for what cannot be; nothing was started.
    #[error(transparent)]
    Usage(eyre::Report),
    /// The world failed, or was stopped before it was done, or value was lost in it.
    #[error(transparent)]
    Failed(#[from] eyre::Report),
}

impl Devnet {
    /// Runs the world until all that was asked for is done.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn run(self) -> Result<(), CommandError> {
        let options = self.options().map_err(CommandError::Usage)?;
        let asked = asked_to_stop().wrap_err("listening for SIGTERM and Ctrl-C")?;
        tokio::pin!(asked);
        if options.folder.exists() {
            std::fs::remove_dir_all(&options.folder).wrap_err("emptying the world's folder")?;
        }
        // A world that is dropped half-way takes its processes with it.
        let mut world = tokio::select! {
            biased;
            world = World::start(options, &|step| println!("• {step}")) => world?,
            () = &mut asked => return Err(eyre!("stopped before the world was up").into()),
        };
        let mut result = Ok(());
        let mut is_asked = false;
        if self.transfers > 0 {
            result = tokio::select! {
                biased;
                result = self.demonstrate(&mut world) => result,
                () = &mut asked => {
                    is_asked = true;
                    Err(eyre!("stopped before every transfer was checked"))
                }
            };
        }
        if self.keep && !is_asked {
            println!("{}", guide::guide(&world, &WorldFile::of(&world)?));
            asked.await;
        }
        world.stop().await;
        Ok(result?)
    }

    /// The world that is asked for.
    fn options(&self) -> eyre::Result<Options> {
        ensure!(
            self.keep || self.transfers > 0,
            "nothing to do: give --keep, or --transfers N, or both"
        );
        ensure!(
            self.transfers == 0 || self.relayers >= 4,
            "--transfers kills a relayer and cuts another off: it needs --relayers 4 or more"
        );
        let binary = std::env::current_exe().wrap_err("finding our own binary")?;
        let mut options = Options::new(self.folder.join("world"), binary);
        options.relayers = usize::from(self.relayers);
        options.threshold = self.threshold.unwrap_or_else(|| two_thirds(self.relayers));
        options.ports = self.port_base.map_or(Ports::Free, Ports::From);
        options.service = match self.service {
            Service::Current => ServiceChain::Current,
            Service::Old => ServiceChain::Old,
        };
        options.check()?;
        Ok(options)
    }

    /// Sends the transfers and reports on them.
    async fn demonstrate(&self, world: &mut World) -> eyre::Result<()> {
        println!("• sending {} transfers, coins and tokens, both ways", self.transfers);
        let report = demo::run(world, self.transfers).await?;
        println!("{}", demo::tables(&report));
        if let Some(path) = &self.report {
            report.write(path)?;
            println!("written to {}", path.display());
        }
        if report.is_good() {
            return Ok(());
        }
        Err(eyre!(
            "value was lost or doubled, or the figures do not add up; logs are in {}",
            world.options.folder.display()
        ))
    }
}

/// The least number that is more than two thirds of `relayers`.
const fn two_thirds(relayers: u8) -> u8 {
    relayers - relayers.div_ceil(3) + 1
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use twinspan_bridge::side::Side;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        devnet: Devnet,
    }

    fn options(words: &[&str]) -> eyre::Result<Options> {
        Line::try_parse_from([&["devnet"], words].concat())?.devnet.options()
    }

    #[test]
    fn more_than_two_thirds_attest_unless_told_otherwise() {
        for (relayers, threshold) in [("1", 1), ("2", 2), ("3", 3), ("4", 3), ("7", 5), ("16", 11)]
        {
            let options = options(&["--keep", "--relayers", relayers]).unwrap();
            assert_eq!(options.threshold, threshold, "of {relayers}");
        }
        let told = options(&["--keep", "--relayers", "3", "--threshold", "2"]).unwrap();
        assert_eq!((told.relayers, told.threshold), (3, 2));
    }

    #[test]
    fn what_no_world_can_be_is_refused_before_anything_starts() {
        for (words, says) in [
            (&[][..], "nothing to do"),
            (&["--transfers", "9", "--relayers", "3"], "--relayers 4 or more"),
            (&["--keep", "--relayers", "0"], "0 relayers: want 1 to 16"),
            (&["--keep", "--relayers", "17"], "17 relayers: want 1 to 16"),
            (&["--keep", "--threshold", "0"], "a threshold of 0"),
            (&["--keep", "--threshold", "5"], "a threshold of 5 of 4 relayers: want 1 to 4"),
            (&["--keep", "--port-base", "65535"], "begin at a lower port"),
            (&["--keep", "--port-base", "0"], "--port-base"),
        ] {
            let refused = options(words).unwrap_err().to_string();
            assert!(refused.contains(says), "{words:?}: {refused}");
        }
    }

    #[test]
    fn tools_work_with_their_defaults_unless_the_old_service_chain_is_asked_for() {
        assert!(options(&["--keep"]).unwrap().has_fees(Side::Service));
        assert!(!options(&["--keep", "--service", "old"]).unwrap().has_fees(Side::Service));
    }
}
