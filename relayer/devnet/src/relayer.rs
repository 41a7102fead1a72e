//! One relayer of a world: a process of its own, with its keys, store and configuration.

use std::fs::OpenOptions;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use alloy::primitives::Address;
use eyre::{WrapErr, eyre};
use secrecy::SecretString;
use tokio::process::{Child, Command};
use twinspan_api::client::Client;
use twinspan_api::status::Status;
use twinspan_api::transfer::Transfer;
use twinspan_bridge::finality::FinalityRule;
use twinspan_bridge::ids::TransferId;
use twinspan_bridge::side::PerSide;
use twinspan_chains::signer::keystore::create_keystore;

use crate::options::Options;
use crate::ports::Part;
use crate::world::{CHAIN_IDS, Chain};

/// The password of a world's keystores. The world says so when it starts.
pub const PASSWORD: &str = "devnet";

/// How long an answer of its API may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// A relayer of a world.
#[derive(Debug)]
pub struct Relayer {
    /// Its place among the others.
    pub index: usize,
    /// Its attestation address.
    pub address: Address,
    /// The account that submits for it.
    pub submitter: Address,
    /// Its folder.
    pub folder: PathBuf,
    /// Where its API listens.
    pub api_port: u16,
    /// Where its peers reach it.
    pub peer_port: u16,
    binary: PathBuf,
    process: Option<Child>,
    client: Client,
}

/// Makes the relayers' folders and keys.
///
/// # Errors
/// If a file cannot be written or there is no free port.
pub fn make(options: &Options) -> eyre::Result<Vec<Relayer>> {
    let make = |index: usize| {
        let folder = options.folder.join(format!("relayer-{index}"));
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join("password"), PASSWORD)?;
        let password = SecretString::from(PASSWORD.to_owned());
        let key = |name: &str| create_keystore(&folder.join(name), &password);
        let api_port = options.ports.of(Part::Api(index), options.relayers)?;
        let api = format!("http://127.0.0.1:{api_port}").parse()?;
        Ok(Relayer {
            index,
            address: key("attestation.json").wrap_err("making an attestation key")?,
            submitter: key("submitter.json").wrap_err("making a submitter key")?,
            folder: folder.clone(),
            api_port,
            peer_port: options.ports.of(Part::Peers(index), options.relayers)?,
            binary: options.binary.clone(),
            process: None,
            client: Client::new(&api, ANSWER_LIMIT)?,
        })
    };
    (0..options.relayers).map(make).collect()
}

impl Relayer {
    /// The configuration that it starts with.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.folder.join("relayer.toml")
    }

    /// Its store's file.
    #[must_use]
    pub fn store(&self) -> PathBuf {
        self.folder.join("relayer.redb")
    }

    /// Where its API is.
    #[must_use]
    pub fn api_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.api_port)
    }

    /// The process id, while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().and_then(Child::id)
    }

    pub(super) fn write_config(
        &self,
        options: &Options,
        chains: &PerSide<Chain>,
        peers: &[String],
    ) -> eyre::Result<()> {
        let mut text = format!(
            "name = \"relayer-{}\"\n\n[store]\npath = \"relayer.redb\"\n\n\
             [keys.attestation]\nkeystore = \"attestation.json\"\npassword_file = \"password\"\n\n\
             [api]\nlisten = \"127.0.0.1:{}\"\n\n\
             [peers]\nlisten = \"127.0.0.1:{}\"\nurls = {peers:?}\n\n\
             [log]\nformat = \"human\"\nfilter = \"{}\"\n",
            self.index, self.api_port, self.peer_port, options.log_filter
        );
        for (side, chain) in chains.iter() {
            let finality = match options.finality[side] {
                FinalityRule::Instant => "\"instant\"".to_owned(),
                FinalityRule::Finalized => "\"finalized\"".to_owned(),
                FinalityRule::Safe => "\"safe\"".to_owned(),
                FinalityRule::Confirmations(n) => format!("{{ confirmations = {n} }}"),
            };
            text += &format!(
                "\n[chains.{side}]\nchain_id = {}\nfinality = {finality}\n\
                 endpoints = [{}]\ntruth = \"{}\"\nquorum = {}\n\
                 submitter = {{ keystore = \"submitter.json\", password_file = \"password\" }}\n\
                 transaction_gas_max = {}\nlog_range_max = {}\n",
                CHAIN_IDS[side],
                endpoints(&options.endpoints[side], chain),
                options.truth.0,
                options.truth.1,
                // The nodes know no bound but the block's.
                options.block_gas_limit,
                options.log_range_max,
            );
        }
        text += &format!(
            "\n[pairs.demo]\ntakeover_ms = {}\ncosign_timeout_ms = {}\nbatch_max = {}\n",
            options.takeover.as_millis(),
            options.cosign_timeout.as_millis(),
            options.batch_max,
        );
        for (side, Chain { bridge, deployed_in, .. }) in chains.iter() {
            text += &format!(
                "{side} = {{ chain = \"{side}\", bridge = \"{bridge}\", start_block = {deployed_in} }}\n"
            );
        }
        std::fs::write(self.config(), text).wrap_err("writing a configuration")
    }

    /// Starts the process; its log is appended to `relayer.log`.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start(&mut self) -> eyre::Result<()> {
        let log = OpenOptions::new().create(true).append(true).open(self.log())?;
        let process = Command::new(&self.binary)
            .args(["run", "--config"])
            .arg(self.config())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .wrap_err_with(|| format!("starting {}", self.binary.display()))?;
        self.process = Some(process);
        Ok(())
    }

    /// `kill -9`.
    ///
    /// # Errors
    /// If it does not run.
    pub async fn kill(&mut self) -> eyre::Result<()> {
        let mut process = self.process.take().ok_or_else(|| eyre!("it does not run"))?;
        process.kill().await.wrap_err("killing a relayer")
    }

    /// Asks it to stop, as an operator would, and waits. Whether it ended well.
    pub async fn terminate(&mut self) -> bool {
        let Some(mut process) = self.process.take() else { return true };
        if let Some(pid) = process.id() {
            let asked = Command::new("kill").args(["-TERM", &pid.to_string()]).status().await;
            if !asked.is_ok_and(|status| status.success()) {
                return false;
            }
        }
        let ended = tokio::time::timeout(Duration::from_secs(20), process.wait()).await;
        matches!(ended, Ok(Ok(status)) if status.success())
    }

    /// Whether the process is there.
    pub fn is_running(&mut self) -> bool {
        self.process.as_mut().is_some_and(|process| matches!(process.try_wait(), Ok(None)))
    }

    /// Whether it says that it is ready.
    pub async fn is_ready(&self) -> bool {
        self.client.is_ready().await.unwrap_or(false)
    }

    /// Where it says that a transfer stands.
    ///
    /// # Errors
    /// If it does not answer, or does not know.
    pub async fn transfer(&self, id: TransferId) -> eyre::Result<Transfer> {
        self.client.transfer(id).await.wrap_err_with(|| self.last_words())
    }

    /// Its own status.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn status(&self) -> eyre::Result<Status> {
        self.client.status().await.wrap_err_with(|| self.last_words())
    }

    /// The value of an unlabelled or summed metric.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn metric(&self, name: &str) -> eyre::Result<f64> {
        let text = self.client.metrics().await?;
        let of_name =
            |line: &&str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']));
        let values = text.lines().filter(of_name);
        Ok(values.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum())
    }

    /// The cumulated counts of a histogram, by upper bound, summed over its labels.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn histogram(&self, name: &str) -> eyre::Result<Vec<(f64, f64)>> {
        let text = self.client.metrics().await?;
        let mut buckets: Vec<(f64, f64)> = Vec::new();
        let prefix = format!("{name}_bucket{{");
        for line in text.lines().filter(|line| line.starts_with(&prefix)) {
            let bound = line.split("le=\"").nth(1).and_then(|rest| rest.split('"').next());
            let bound = bound.and_then(|bound| bound.parse().ok()).unwrap_or(f64::INFINITY);
            let count = line.rsplit(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0.0);
            match buckets.iter_mut().find(|(at, _)| *at == bound) {
                Some((_, sum)) => *sum += count,
                None => buckets.push((bound, count)),
            }
        }
        Ok(buckets)
    }

    /// Where it logs.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.folder.join("relayer.log")
    }

    /// An error's text about a relayer that does not answer, with the end of its log.
    fn last_words(&self) -> String {
        format!(
            "relayer-{} does not answer as it should; its log ends with:\n{}",
            self.index,
            self.log_tail()
        )
    }

    /// The last lines of its log.
    #[must_use]
    pub fn log_tail(&self) -> String {
        let text = std::fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }
}

/// The endpoints of a chain as the configuration has them.
fn endpoints(given: &[String], chain: &Chain) -> String {
    if given.is_empty() {
        let (http, ws) = (chain.node.http_url(), chain.node.ws_url());
        return format!("{{ label = \"devnet\", http = \"{http}\", ws = \"{ws}\" }}");
    }
    let endpoint = |(n, url): (usize, &String)| {
        format!("{{ label = \"endpoint-{n}\", http = \"{url}\", timeout_ms = 1500 }}")
    };
    given.iter().enumerate().map(endpoint).collect::<Vec<_>>().join(", ")
}
