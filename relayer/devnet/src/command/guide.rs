//! A guide to a running world.

use std::fmt::Write as _;

use comfy_table::Table;
use comfy_table::presets::UTF8_FULL_CONDENSED;

use crate::accounts::TEST_KEYS;
use crate::relayer::PASSWORD;
use crate::world::World;
use crate::world_file::{ChainAt, Evm, Fees, TokenPair, WorldFile};

/// The account that a reader may send from: not the contracts' owner.
const USER: usize = 1;

/// The world in words, and commands to begin with.
pub(super) fn guide(world: &World, file: &WorldFile) -> String {
    let folder = world.options.folder.display();
    let path = WorldFile::path(&world.options.folder);
    let mut text = format!(
        "\nThe world runs until Ctrl-C. Programs read {}.\nIts keys are worthless: keystores in \
         {folder} have the password `{PASSWORD}`; test account {USER} (public key material!) is\n\
         {} with the key 0x{}.\n\n{}\n{}\n",
        path.display(),
        file.accounts[USER].address,
        TEST_KEYS[USER],
        chains(file),
        pairs(file),
    );
    if file.chains.service.evm == Evm::Paris {
        text += "The service chain is old on purpose: compile for the EVM version `paris`.\n";
    }
    if file.chains.service.fees == Fees::None {
        text += "Gas is free there: send legacy transactions with a gas price of 0.\n";
    }
    text += &relayers(file);
    text += &commands(world, file);
    text
}

fn chains(file: &WorldFile) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header(["chain", "id", "JSON-RPC", "vault", "bridge"]);
    for (name, at) in [("main", &file.chains.main), ("service", &file.chains.service)] {
        let ChainAt { chain_id, rpc, vault, bridge, .. } = at;
        table.add_row([
            name.to_owned(),
            chain_id.to_string(),
            rpc.clone(),
            vault.to_string(),
            bridge.to_string(),
        ]);
    }
    table.to_string()
}

fn pairs(file: &WorldFile) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header(["asset", "at home on", "there", "on the other chain"]);
    for TokenPair { name, home, counterpart, .. } in &file.pairs {
        table.add_row([
            name.clone(),
            home.chain.clone(),
            home.token.to_string(),
            counterpart.token.to_string(),
        ]);
    }
    table.to_string()
}

fn relayers(file: &WorldFile) -> String {
    let mut text = String::new();
    for relayer in &file.relayers {
        let log = relayer.log.display();
        // Writing to a string does not fail.
        let _ = writeln!(text, "{}  API {}  log {log}", relayer.name, relayer.api);
    }
    text
}

fn commands(world: &World, file: &WorldFile) -> String {
    let (first, last) = (&world.relayers[0], &world.relayers[world.relayers.len() - 1]);
    let api = first.api_url();
    let keystore = first.folder.join("submitter.json");
    let password = first.folder.join("password");
    format!(
        "\nTry:\n  twinspan status --api {api}\n  twinspan transfer --rpc {} --vault {} \\\n    \
         --to {} --amount 1.5 \\\n    --keystore {} --password-file {} \\\n    \
         --wait {api}\n  curl -s {api}/v1/status\n  kill -9 {}   # then: twinspan run --config {}\n",
        file.chains.main.rpc,
        file.chains.main.vault,
        file.accounts[USER].address,
        keystore.display(),
        password.display(),
        last.pid().unwrap_or_default(),
        last.config().display(),
    )
}
