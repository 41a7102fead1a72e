//! `twinspan keys`

use std::path::PathBuf;

use clap::{Args, Subcommand};
use eyre::eyre;
use serde_json::json;
use twinspan_chains::signer::keystore::create_keystore;

use super::Failure;
use super::wallet::PasswordArgs;

/// Create keys
#[derive(Debug, Args)]
pub(super) struct Keys {
    #[command(subcommand)]
    command: KeysCommand,
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// Create a random key in an encrypted keystore v3 file, and print its address
    New(New),
}

#[derive(Debug, Args)]
struct New {
    /// The file to write; an existing one is never replaced
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    password: PasswordArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Keys {
    pub(super) fn run(self) -> Result<(), Failure> {
        let KeysCommand::New(new) = self.command;
        let password = new.password.read().map_err(Failure::Configuration)?;
        let address = create_keystore(&new.out, &password)
            .map_err(|error| Failure::Failed(eyre!("{} {error}", new.out.display())))?;
        if new.json {
            println!("{}", json!({ "address": address, "keystore": new.out }));
        } else {
            println!("{address}");
        }
        Ok(())
    }
}
