//! The configuration once it is checked: everything that a relayer needs to start.

mod build;
mod network;
mod raw;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use alloy::primitives::Address;
use alloy::transports::http::reqwest::Url;
use twinspan_bridge::ids::BlockNumber;
use twinspan_bridge::side::PerSide;
use twinspan_chains::ChainConfig;
use twinspan_chains::signer::RemoteKey;

pub use self::network::{Network, NetworkError};

/// A relayer's whole configuration.
#[derive(Debug)]
pub struct Config {
    /// The operator's name for this relayer.
    pub name: String,
    /// The store's file.
    pub store: PathBuf,
    /// The key that attests.
    pub attestation_key: KeySource,
    /// Where operators and dApps ask.
    pub api: SocketAddr,
    /// Proxies before it that are believed for whom they ask.
    pub api_proxies: Vec<Network>,
    /// How peers are reached.
    pub peers: Peers,
    /// How to log.
    pub log: Log,
    /// Chains by name.
    pub chains: BTreeMap<String, Chain>,
    /// Bridge pairs by name.
    pub pairs: BTreeMap<String, Pair>,
}

/// Where a key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// In a file.
    Keystore(Keystore),
    /// With a remote signer.
    Remote(RemoteKey),
}

/// Where an encrypted key lies and how its password is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keystore {
    /// A keystore v3 file.
    pub path: PathBuf,
    /// Its password.
    pub password: PasswordSource,
}

/// Where a password is read from. The password itself is in no configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PasswordSource {
    /// The first line of a file.
    File(PathBuf),
    /// An environment variable.
    Environment(String),
}

/// The other relayers.
#[derive(Clone, Debug)]
pub struct Peers {
    /// Where they reach this one.
    pub listen: SocketAddr,
    /// Where this one reaches them.
    pub urls: Vec<Url>,
    /// How often missing attestations are asked for.
    pub pull_interval: Duration,
    /// How long a relayer without a store waits for its peers before it signs.
    pub recovery_timeout: Duration,
}

/// How to log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// One JSON object a line, or text for people.
    pub json: bool,
    /// A `tracing` filter.
    pub filter: String,
}

/// One chain and the account that submits there.
#[derive(Clone, Debug)]
pub struct Chain {
    /// Access.
    pub access: ChainConfig,
    /// The key that pays gas, for pairs that name none of their own.
    pub submitter: Option<KeySource>,
    /// Most gas that one of our transactions may ask for. By default what EIP-7825 allows: 2^24.
    pub transaction_gas_max: u64,
}

/// One bridge pair.
#[derive(Clone, Debug)]
pub struct Pair {
    /// Its two ends.
    pub ends: PerSide<End>,
    /// How long a rank waits for the one before it.
    pub takeover: Duration,
    /// How long attestations may take to become a certificate before they are posted on chain.
    pub cosign_timeout: Duration,
    /// Most requests in a batch.
    pub batch_max: u64,
    /// Source blocks that share one order of submitters.
    pub term_blocks: u64,
    /// Serve a bridge whose threshold is not even a simple majority.
    pub allow_minority: bool,
}

/// One end of a pair.
#[derive(Clone, Debug)]
pub struct End {
    /// The chain's name.
    pub chain: String,
    /// The bridge's address.
    pub bridge: Address,
    /// The block that the bridge was deployed in, or any before.
    pub start_block: BlockNumber,
    /// The key that pays gas here and authorises nothing. Pairs with the same one share an account, and its order.
    pub submitter: KeySource,
}

/// One thing wrong with the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where: the setting's path.
    pub path: String,
    /// The fault.
    pub problem: String,
    /// The values that are allowed.
    pub allowed: String,
}

impl Fault {
    pub(crate) fn new(
        path: impl fmt::Display,
        problem: impl fmt::Display,
        allowed: impl fmt::Display,
    ) -> Self {
        Self { path: path.to_string(), problem: problem.to_string(), allowed: allowed.to_string() }
    }

    /// The environment variable that sets the same value; `None` for what is wrong with the file as a whole.
    #[must_use]
    pub fn environment(&self) -> Option<String> {
        let is_setting = self.path.chars().all(|c| c.is_alphanumeric() || "_-.".contains(c));
        let is_file = !is_setting || Path::new(&self.path).extension() == Some("toml".as_ref());
        (!is_file).then(|| format!("TWINSPAN__{}", self.path.to_uppercase().replace('.', "__")))
    }
}

/// Everything wrong with a configuration, at once.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Faults(pub Vec<Fault>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = self.0.len();
        writeln!(f, "the configuration has {n} fault{}:", if n == 1 { "" } else { "s" })?;
        for fault in &self.0 {
            writeln!(f, "  {}: {}", fault.path, fault.problem)?;
            let environment = fault.environment();
            let or_set = environment.map_or_else(String::new, |it| format!("  (or set {it})"));
            writeln!(f, "      want {}{or_set}", fault.allowed)?;
        }
        Ok(())
    }
}

impl Config {
    /// Reads and checks the file at `path` with the environment over it. Relative paths in the file
    /// are taken from the file's own folder.
    ///
    /// # Errors
    /// Every fault found, not only the first.
    pub fn load(path: &Path) -> Result<Self, Faults> {
        let (raw, mut faults) = raw::read(path).map_err(Faults)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let built = build::build(raw, folder, &mut faults);
        match built {
            Some(config) if faults.is_empty() => Ok(config),
            _ => Err(Faults(faults)),
        }
    }
}

#[cfg(test)]
mod tests {
    use twinspan_bridge::side::Side;

    use super::*;

    const GOOD: &str = r#"
        name = "a"
        store.path = "relayer.redb"
        keys.attestation = { keystore = "a.json", password_file = "a.password" }
        api.listen = "127.0.0.1:9500"
        peers = { listen = "127.0.0.1:9600", urls = ["http://127.0.0.1:9601"] }

        [chains.main]
        chain_id = 1
        finality = { confirmations = 12 }
        endpoints = [{ http = "http://127.0.0.1:8545" }]
        submitter = { keystore = "s.json", password_env = "PASSWORD" }

        [chains.service]
        chain_id = 2
        finality = "instant"
        endpoints = [{ ws = "ws://127.0.0.1:8546" }]
        submitter = { keystore = "s.json", password_env = "PASSWORD" }

        [pairs.one]
        main = { chain = "main", bridge = "0x1111111111111111111111111111111111111111" }
        service = { chain = "service", bridge = "0x2222222222222222222222222222222222222222" }
    "#;

    fn load(text: &str) -> Result<Config, Faults> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("relayer.toml");
        std::fs::write(&path, text).expect("written");
        Config::load(&path)
    }

    #[test]
    fn a_good_configuration_loads() {
        let config = load(GOOD).expect("no fault");
        assert_eq!(config.chains.len(), 2);
        assert!(config.store.is_absolute(), "paths are taken from the file's folder");
    }

    #[test]
    fn a_pair_may_name_an_account_of_its_own_and_must_have_one() {
        let key = r#"submitter = { keystore = "s.json", password_env = "PASSWORD" }"#;
        let none = GOOD.replacen(key, "", 1);
        let text = load(&none).expect_err("no account").to_string();
        assert!(text.contains("pairs.one.main.submitter: missing"), "{text}");
        let faulty = load(&GOOD.replacen(key, "submitter = { keystore = \"s.json\" }", 1));
        let text = faulty.expect_err("no password").to_string();
        assert!(!text.contains("pairs.one"), "what is wrong is said once, where it is: {text}");
        let own = key.replace("s.json", "own.json");
        let side = r#"bridge = "0x1111111111111111111111111111111111111111""#;
        let config = load(&none.replace(side, &format!("{side}, {own}"))).expect("its own");
        let KeySource::Keystore(keystore) = &config.pairs["one"].ends[Side::Main].submitter else {
            panic!("a keystore");
        };
        assert!(keystore.path.ends_with("own.json"));
    }

    #[test]
    fn proxies_are_believed_only_where_they_are_named() {
        assert_eq!(load(GOOD).expect("no fault").api_proxies, []);
        let listen = r#"api.listen = "127.0.0.1:9500""#;
        let proxies =
            r#"api = { listen = "127.0.0.1:9500", proxies = ["127.0.0.1", "10.0.0.0/8"] }"#;
        let config = load(&GOOD.replace(listen, proxies)).expect("no fault");
        let wanted = ["127.0.0.1/32", "10.0.0.0/8"].map(|text| text.parse().expect("a network"));
        assert_eq!(config.api_proxies, wanted);
        let bad = proxies.replace("10.0.0.0/8", "10.0.0.0/33");
        let text = load(&GOOD.replace(listen, &bad)).expect_err("no network").to_string();
        assert!(text.contains("api.proxies: `10.0.0.0/33`: no address"), "{text}");
    }

    #[test]
    fn one_chain_has_one_table() {
        let text = load(&GOOD.replace("chain_id = 2", "chain_id = 1")).expect_err("twice");
        assert!(
            text.to_string().contains("chains.service.chain_id: the same chain as chains.main")
        );
    }

    #[test]
    fn every_fault_is_reported_at_once_with_its_path_and_what_is_allowed() {
        let bad = GOOD
            .replace("finality = \"instant\"", "finality = \"soon\"")
            .replace("chain_id = 1", "chain_id = \"one\"")
            .replace("http://127.0.0.1:8545", "ftp://user:secret@127.0.0.1:8545")
            .replace("chain = \"service\",", "chain = \"main\",")
            .replace("name = \"a\"", "nmae = \"a\"\n log.format = \"loud\"");
        let faults = load(&bad).expect_err("faults");
        let text = faults.to_string();
        for want in [
            "chains.service.finality",
            "{ confirmations = N }",
            "TWINSPAN__CHAINS__SERVICE__FINALITY",
            "chains.main.chain_id",
            "chains.main.endpoints.0.http",
            "pairs.one.service.chain",
            "nmae: no such setting",
            "name: missing",
            "log.format",
        ] {
            assert!(text.contains(want), "no `{want}` in\n{text}");
        }
        assert!(!text.contains("secret"), "a password is repeated in\n{text}");
    }

    #[test]
    fn a_key_may_be_with_a_remote_signer_and_its_password_is_never_repeated() {
        let remote = r#"submitter = { remote = "https://me:secret@signer:9000/x", address = "0x3333333333333333333333333333333333333333" }"#;
        let submitter = r#"submitter = { keystore = "s.json", password_env = "PASSWORD" }"#;
        let config = load(&GOOD.replacen(submitter, remote, 1)).expect("no fault");
        let main = config.pairs.values().next().expect("a pair").ends[Side::Main].clone();
        let KeySource::Remote(key) = &main.submitter else {
            panic!("a remote key: {:?}", main.submitter);
        };
        assert_eq!(key.timeout, Duration::from_secs(5));
        assert!(!format!("{config:?}").contains("secret"));
        let bad = remote
            .replace("https:", "ftp:")
            .replace("0x33", "0x")
            .replace("submitter = {", "submitter = { keystore = \"s.json\", timeout_ms = 1,");
        let text = load(&GOOD.replacen(submitter, &bad, 1)).expect_err("faults").to_string();
        for want in
            ["submitter.remote", "submitter.address", "either keystore or remote", "timeout_ms"]
        {
            assert!(text.contains(want), "no `{want}` in\n{text}");
        }
        assert!(!text.contains("secret"), "a password is repeated in\n{text}");
    }

    #[test]
    fn a_missing_or_unreadable_file_is_one_fault() {
        let faults = Config::load(Path::new("/nowhere/relayer.toml")).expect_err("no file");
        assert_eq!(faults.0.len(), 1);
        assert_eq!(load("= no toml").expect_err("no TOML").0.len(), 1);
    }
}
