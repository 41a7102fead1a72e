//! `twinspan`: the relayer and its tools, one file a command.

mod check_config;
mod deploy;
mod failure;
mod keys;
mod lane;
mod operator;
mod run;
mod status;
mod transfer;
mod tx;
mod wallet;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use self::failure::Failure;

/// Relays value between the two chains of a bridge pair, together with other relayers.
#[derive(Debug, Parser)]
#[command(
    name = "twinspan",
    version,
    about,
    after_help = "Exit codes: 0 done; 1 failed; 2 wrong usage or configuration; 3 not reachable; \
                  4 refused before anything was sent."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Run),
    CheckConfig(check_config::CheckConfig),
    Keys(keys::Keys),
    Deploy(deploy::Deploy),
    Transfer(transfer::Transfer),
    Status(status::Status),
    Tx(tx::Tx),
    Lane(lane::Lane),
    #[cfg(feature = "devnet")]
    Devnet(twinspan_devnet::Devnet),
}

/// Runs the command that the arguments name.
#[tokio::main]
async fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Run(command) => command.run().await,
        Command::CheckConfig(command) => command.run().await,
        Command::Keys(command) => command.run(),
        Command::Deploy(command) => command.run().await,
        Command::Transfer(command) => command.run().await,
        Command::Status(command) => command.run().await,
        Command::Tx(command) => command.run().await,
        Command::Lane(command) => command.run().await,
        #[cfg(feature = "devnet")]
        Command::Devnet(command) => command.run().await.map_err(Failure::from),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::from(failure.code())
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Cli;

    #[test]
    fn the_devnet_is_offered_only_where_it_is_built_in() {
        let help = Cli::command().render_help().to_string();
        assert!(help.contains("check-config"), "{help}");
        assert_eq!(help.contains("devnet"), cfg!(feature = "devnet"), "{help}");
    }

    #[test]
    fn the_arguments_of_all_commands_are_well_formed() {
        Cli::command().debug_assert();
    }
}
