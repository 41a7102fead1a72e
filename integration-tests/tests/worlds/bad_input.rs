//! A wrong start is refused at once, in one message that says what, where and what to do.

use std::io::Read;
use std::path::{Path, PathBuf};

use alloy::primitives::{Address, address};
use eyre::{OptionExt, WrapErr, ensure};
use flate2::read::GzDecoder;
use serde_json::Value;
use twinspan_bridge::side::{PerSide, Side};
use twinspan_devnet::{Options, World};
use twinspan_integration_tests::command::{run, twinspan};
use twinspan_integration_tests::live::folder;

/// A relayer that may be started with another configuration than its own. Its own process is stopped.
struct Trial {
    world: World,
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_wrong_at_the_start_is_refused_in_one_message() -> eyre::Result<()> {
    let trial = Trial::start().await?;
    wrong_chains(&trial).await.wrap_err("chains")?;
    wrong_bridges(&trial).await.wrap_err("bridges")?;
    wrong_keys(&trial).await.wrap_err("keys")?;
    wrong_accounts(&trial).await.wrap_err("accounts")?;
    wrong_stores(&trial).await.wrap_err("stores")?;
    wrong_ports(&trial).await.wrap_err("ports")?;
    wrong_settings(&trial).await.wrap_err("settings")
}

async fn wrong_chains(trial: &Trial) -> eyre::Result<()> {
    let other_id = trial.config("chain_id = 31337", "chain_id = 1")?;
    let words = ["chain `main`", "endpoint `devnet`", "31337", "want 1", "check `chain_id`"];
    run(&other_id).await?.refuses(2, &words)?;
    let online = ["check-config", "--online", "--config", text(&other_id)?];
    twinspan(online).await?.refuses(2, &words)?;

    let [main, service] = Side::BOTH.map(|side| &trial.world.chains[side].node);
    let (main_http, main_ws) = (main.http_url().to_string(), main.ws_url().to_string());
    let swapped = trial.changed(|text| {
        let (http, ws) = (service.http_url().to_string(), service.ws_url().to_string());
        let text = text.replace(&main_http, "HTTP").replace(&http, &main_http);
        let text = text.replace("HTTP", &http).replace(&main_ws, "WS").replace(&ws, &main_ws);
        text.replace("WS", &ws)
    })?;
    run(&swapped).await?.refuses(2, &["serves chain id", "check `chain_id`"])?;

    let nobody = trial.changed(|text| {
        let text = text.replace(&main_http, "http://127.0.0.1:1/");
        text.replace(&main_ws, "ws://127.0.0.1:1/")
    })?;
    run(&nobody).await?.refuses(3, &["0 endpoints of chain `main` answer", "`devnet`"])
}

async fn wrong_bridges(trial: &Trial) -> eyre::Result<()> {
    let swapped = trial.changed(|text| {
        let text = text.replace("main = { chain = \"main\"", "main = { chain = \"SERVICE\"");
        let text = text.replace("service = { chain = \"service\"", "service = { chain = \"main\"");
        text.replace("SERVICE", "service")
    })?;
    // Each address holds a bridge that names the other: only the store knows which is which.
    let words = ["relayer.redb", "pair `demo`", "31338", "correct the configuration"];
    run(&swapped).await?.refuses(1, &words)?;

    let with = |side, bridge| {
        let mut bridges = trial.bridges();
        bridges[side] = bridge;
        trial.with_bridges(bridges)
    };
    let empty = address!("0x00000000000000000000000000000000000abcde");
    let no_code = with(Side::Service, empty)?;
    let words = ["pairs.demo.main", "names", "as its counterpart", "another deployment"];
    run(&no_code).await?.refuses(2, &words)?;
    let no_code = with(Side::Main, empty)?;
    let words = ["pairs.demo.main", "no contract", "@31337", "check `bridge` and `chain`"];
    run(&no_code).await?.refuses(2, &words)?;
    let no_bridge = with(Side::Main, trial.world.chains[Side::Main].token.home)?;
    run(&no_bridge).await?.refuses(2, &["pairs.demo.main", "bridge", "check `bridge`"])?;

    let mixed = with(Side::Service, trial.deploy(3).await?[Side::Service])?;
    let words = ["pairs.demo.main", "names", "as its counterpart", "another deployment"];
    run(&mixed).await?.refuses(2, &words)?;

    let minority = trial.with_bridges(trial.deploy(2).await?)?;
    let words = ["pairs.demo.main", "2 of 4", "less than a majority", "pairs.demo.allow_minority"];
    run(&minority).await?.refuses(2, &words)
}

async fn wrong_keys(trial: &Trial) -> eyre::Result<()> {
    let no_file = trial.config("\"attestation.json\"", "\"nowhere.json\"")?;
    let words = ["attestation key", "nowhere.json", "cannot be read", "No such file"];
    run(&no_file).await?.refuses(2, &words)?;

    std::fs::write(trial.folder().join("noise.json"), "{ \"version\": 3, \"crypto\": 7 }")?;
    let noise = trial.config("\"attestation.json\"", "\"noise.json\"")?;
    run(&noise).await?.refuses(2, &["attestation key", "noise.json", "no version 3 key file"])?;

    std::fs::write(trial.folder().join("wrong.password"), "swordfish\n")?;
    let password = trial.changed(|text| {
        text.replacen("password_file = \"password\"", "password_file = \"wrong.password\"", 1)
    })?;
    let words = ["attestation key", "attestation.json", "password is wrong", "wrong.password"];
    let refused = run(&password).await?;
    refused.refuses(2, &words)?;
    ensure!(!refused.stderr.contains("swordfish"), "it tells the password: {}", refused.stderr);

    let variable = trial.changed(|text| {
        text.replacen("password_file = \"password\"", "password_env = \"TWINSPAN_NO_SUCH\"", 1)
    })?;
    run(&variable).await?.refuses(2, &["attestation key", "variable TWINSPAN_NO_SUCH", "not found"])
}

async fn wrong_accounts(trial: &Trial) -> eyre::Result<()> {
    let poor =
        trial.changed(|text| text.replacen("\"submitter.json\"", "\"attestation.json\"", 1))?;
    run(&poor).await?.refuses(2, &["holds no coins on chain `main`", "send it some"])?;
    let mean = trial.changed(|text| {
        text.replacen("transaction_gas_max", "max_fee_per_gas = 1\ntransaction_gas_max", 1)
    })?;
    run(&mean).await?.refuses(2, &["max_fee_per_gas of chain `main` is 1 wei", "raise it"])
}

async fn wrong_stores(trial: &Trial) -> eyre::Result<()> {
    let others = trial.deploy(3).await?;
    let other = trial.with_bridges(others)?;
    let words = [
        "relayer.redb",
        "pair `demo`",
        &others[Side::Main].to_string(),
        &trial.bridges()[Side::Main].to_string(),
        "name another store path, or correct the configuration",
    ];
    run(&other).await?.refuses(1, &words)?;

    let other_key = trial.config("\"attestation.json\"", "\"submitter.json\"")?;
    let me = trial.world.relayers[0].address.to_string();
    run(&other_key).await?.refuses(1, &["relayer.redb", "belongs to relayer", &me])?;

    std::fs::write(trial.folder().join("newer.redb"), newer_store()?)?;
    let newer = trial.config("\"relayer.redb\"", "\"newer.redb\"")?;
    let words = ["newer.redb", "newer than", "run the twinspan that wrote it"];
    run(&newer).await?.refuses(1, &words)?;

    std::fs::write(trial.folder().join("noise.redb"), [7; 10_000])?;
    let noise = trial.config("\"relayer.redb\"", "\"noise.redb\"")?;
    run(&noise).await?.refuses(1, &["noise.redb", "backup", "rebuilds its store"])
}

async fn wrong_ports(trial: &Trial) -> eyre::Result<()> {
    let ours = &trial.world.relayers[0];
    let taken = trial.world.relayers[1].api_port;
    let listen = |port: u16| format!("listen = \"127.0.0.1:{port}\"");
    for (port, setting) in [(ours.api_port, "api.listen"), (ours.peer_port, "peers.listen")] {
        let config = trial.config(&listen(port), &listen(taken))?;
        let words = ["cannot listen on", &taken.to_string(), setting, "change the setting"];
        run(&config).await?.refuses(2, &words)?;
    }
    Ok(())
}

async fn wrong_settings(trial: &Trial) -> eyre::Result<()> {
    let missing = twinspan(["run", "--config", "/nowhere/relayer.toml"]).await?;
    missing.refuses(2, &["/nowhere/relayer.toml", "not found"])?;
    let no_toml = trial.config("[store]", "[store")?;
    run(&no_toml).await?.refuses(2, &["TOML"])?;

    let many = trial.changed(|text| {
        let text = text.replace("batch_max = 256", "batch_max = 100000\nbatch_min = 3");
        let text = text.replace("finality = \"instant\"", "finality = \"never\"");
        let text = text.replace("format = \"human\"", "format = \"xml\"");
        text.replace("chain_id = 31338", "chain_id = \"many\"")
    })?;
    let check = twinspan(["check-config", "--config", text(&many)?]).await?;
    let words = [
        "faults:",
        "pairs.demo.batch_max: 100000 is out of bounds",
        "a number from 1 to 480 (default 256)",
        "TWINSPAN__PAIRS__DEMO__BATCH_MAX",
        "pairs.demo.batch_min: no such setting",
        "chains.main.finality: `\"never\"`",
        "chains.service.finality",
        "\"instant\", \"finalized\", \"safe\" or { confirmations = N }",
        "TWINSPAN__CHAINS__MAIN__FINALITY",
        "log.format: `xml`",
        "chains.service.chain_id",
    ];
    check.refuses(2, &words)?;
    run(&many).await?.refuses(2, &words)?;
    let json = twinspan(["check-config", "--json", "--config", text(&many)?]).await?;
    ensure!(json.code == 2, "exit code {}", json.code);
    let json: Value = serde_json::from_str(&json.stdout)?;
    let faults = json["faults"].as_array().ok_or_eyre("no faults")?;
    ensure!(json["ok"] == false && faults.len() == 6, "{json:#}");
    for fault in faults {
        for key in ["path", "problem", "allowed", "environment"] {
            ensure!(fault[key].as_str().is_some_and(|text| !text.is_empty()), "{fault}");
        }
    }
    let own = trial.world.relayers[0].config();
    let good = twinspan(["check-config", "--online", "--config", text(&own)?]).await?;
    let me = trial.world.relayers[0].address.to_string();
    ensure!(good.ends_well()?.contains(&me), "{}", good.stdout);
    Ok(())
}

impl Trial {
    async fn start() -> eyre::Result<Self> {
        let binary = twinspan_integration_tests::live::binary();
        let mut options = Options::new(folder("bad_input")?, binary);
        options.block_seconds = 0.5;
        let mut world = World::start(options, &|_| {}).await?;
        ensure!(world.relayers[0].terminate().await, "it does not stop");
        Ok(Self { world })
    }

    fn folder(&self) -> &Path {
        &self.world.relayers[0].folder
    }

    fn bridges(&self) -> PerSide<Address> {
        PerSide::from_fn(|side| self.world.chains[side].bridge)
    }

    /// The relayer's own configuration but for one text.
    fn config(&self, from: &str, to: &str) -> eyre::Result<PathBuf> {
        self.changed(|text| text.replace(from, to))
    }

    fn with_bridges(&self, bridges: PerSide<Address>) -> eyre::Result<PathBuf> {
        let end = |side, of: PerSide<Address>| {
            format!("{side} = {{ chain = \"{side}\", bridge = \"{}\"", of[side])
        };
        let moved = |text: String, side: Side| {
            text.replace(&end(side, self.bridges()), &end(side, bridges))
        };
        self.changed(|text| Side::BOTH.into_iter().fold(text, moved))
    }

    fn changed(&self, change: impl Fn(String) -> String) -> eyre::Result<PathBuf> {
        let own = std::fs::read_to_string(self.world.relayers[0].config())?;
        let changed = change(own.clone());
        ensure!(changed != own, "the configuration has nothing to change");
        let path = self.folder().join("changed.toml");
        std::fs::write(&path, changed)?;
        Ok(path)
    }

    /// Deploys another pair with the same members, as an operator does.
    async fn deploy(&self, threshold: u8) -> eyre::Result<PerSide<Address>> {
        let [main, service] =
            Side::BOTH.map(|side| self.world.chains[side].node.http_url().to_string());
        let members = self.world.relayers.iter().map(|relayer| relayer.address.to_string());
        let members = members.collect::<Vec<_>>().join(",");
        let keystore = self.folder().join("submitter.json");
        let password = self.folder().join("password");
        let threshold = threshold.to_string();
        let arguments = [
            "deploy",
            "--main-rpc",
            &main,
            "--service-rpc",
            &service,
            "--members",
            &members,
            "--threshold",
            &threshold,
            "--keystore",
            text(&keystore)?,
            "--password-file",
            text(&password)?,
            "--json",
        ];
        if threshold == "2" {
            twinspan(arguments).await?.refuses(4, &["--threshold 2 of 4", "--allow-minority"])?;
        }
        let deployed = twinspan(arguments.iter().chain(&["--allow-minority"])).await?;
        let deployed: Value = serde_json::from_str(deployed.ends_well()?)?;
        PerSide::try_from_fn(|side| {
            let address = deployed[side.label()]["bridge"].as_str().ok_or_eyre("no bridge")?;
            address.parse::<Address>().wrap_err("a bridge's address")
        })
    }
}

fn text(path: &Path) -> eyre::Result<&str> {
    path.to_str().ok_or_eyre("the path is no text")
}

/// A store as a much newer twinspan may write it.
fn newer_store() -> eyre::Result<Vec<u8>> {
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/../relayer/store/tests/fixtures");
    let packed = std::fs::File::open(Path::new(fixtures).join("schema-1000.redb.gz"))?;
    let mut store = Vec::new();
    GzDecoder::new(packed).read_to_end(&mut store)?;
    Ok(store)
}
