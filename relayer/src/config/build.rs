//! Turns the configuration as written into the checked one, and gathers every fault on the way.

mod chain;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::SocketAddr;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use alloy::primitives::Address;
use alloy::transports::http::reqwest::Url;
use twinspan_bridge::ids::BlockNumber;
use twinspan_bridge::side::PerSide;
use twinspan_chains::signer::RemoteKey;

use super::raw::{Raw, RawApi, RawConfig, RawEnd, RawKey, RawPair};
use super::{
    Chain, Config, End, Fault, KeySource, Keystore, Log, Network, Pair, PasswordSource, Peers,
};

/// Where in the configuration we are, and what was wrong so far.
struct At<'a> {
    path: String,
    faults: &'a mut Vec<Fault>,
}

impl At<'_> {
    fn table(&mut self, key: impl Display) -> At<'_> {
        let path =
            if self.path.is_empty() { key.to_string() } else { format!("{}.{key}", self.path) };
        At { path, faults: self.faults }
    }

    fn fault(&mut self, key: &str, problem: impl Display, allowed: impl Display) {
        let path =
            if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        self.faults.push(Fault::new(path, problem, allowed));
    }

    fn optional<T>(&mut self, key: &str, raw: Raw<T>, allowed: &str) -> Option<T> {
        match raw {
            Raw::Absent => None,
            Raw::Given(value) => Some(value),
            Raw::Wrong(problem) => {
                self.fault(key, problem, allowed);
                None
            }
        }
    }

    fn required<T>(&mut self, key: &str, raw: Raw<T>, allowed: &str) -> Option<T> {
        if matches!(raw, Raw::Absent) {
            self.fault(key, "missing", allowed);
        }
        self.optional(key, raw, allowed)
    }

    fn parsed<T: FromStr<Err: Display>>(
        &mut self,
        key: &str,
        raw: Raw<String>,
        allowed: &str,
    ) -> Option<T> {
        let text = self.required(key, raw, allowed)?;
        self.parse(key, &text, allowed)
    }

    fn parse<T: FromStr<Err: Display>>(
        &mut self,
        key: &str,
        text: &str,
        allowed: &str,
    ) -> Option<T> {
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.fault(key, format!("`{text}`: {error}"), allowed);
                None
            }
        }
    }

    /// A number within bounds, or its default.
    fn bounded(&mut self, key: &str, raw: Raw<u64>, default: u64, min: u64, max: u64) -> u64 {
        let allowed = format!("a number from {min} to {max} (default {default})");
        let value = self.optional(key, raw, &allowed).unwrap_or(default);
        if value < min || value > max {
            self.fault(key, format!("{value} is out of bounds"), allowed);
            return default;
        }
        value
    }

    fn millis(&mut self, key: &str, raw: Raw<u64>, default: u64, min: u64, max: u64) -> Duration {
        Duration::from_millis(self.bounded(key, raw, default, min, max))
    }
}

/// The checked configuration, unless what is missing leaves nothing to build.
pub(super) fn build(raw: RawConfig, folder: &Path, faults: &mut Vec<Fault>) -> Option<Config> {
    let mut at = At { path: String::new(), faults };
    let name = at.required("name", raw.name, "a name for this relayer, such as \"operator-a\"");
    let store = at
        .table("store")
        .required("path", raw.store.path, "the path of the store's file")
        .map(|path| folder.join(path));
    let attestation_key =
        key(&mut at.table("keys").table("attestation"), raw.keys.attestation, folder);
    let (api, api_proxies) = api(&mut at.table("api"), raw.api);
    let peers = peers(&mut at.table("peers"), raw.peers);
    let log = log(&mut at.table("log"), raw.log);
    let mut chains = BTreeMap::new();
    for (name, chain) in raw.chains {
        let mut at = at.table("chains");
        let built = chain::chain(&mut at.table(&name), &name, chain, folder);
        chains.insert(name, built);
    }
    distinct(&mut at.table("chains"), &chains);
    let mut pairs = BTreeMap::new();
    for (name, raw) in raw.pairs {
        let mut at = at.table("pairs");
        let built = pair(&mut at.table(&name), raw, &chains, folder);
        pairs.insert(name, built);
    }
    if pairs.is_empty() {
        at.fault("pairs", "missing", "one table [pairs.NAME] or more");
    }
    Some(Config {
        name: name?,
        store: store?,
        attestation_key: attestation_key?,
        api: api?,
        api_proxies,
        peers: peers?,
        log,
        chains: chains.into_iter().map(|(n, c)| Some((n, c?))).collect::<Option<_>>()?,
        pairs: pairs.into_iter().map(|(n, p)| Some((n, p?))).collect::<Option<_>>()?,
    })
}

/// The call data of so many requests still fits into the 128 KiB that nodes take as one transaction.
const BATCH_MAX: u64 = 480;
const ADDRESS: &str = "an address and port, such as \"127.0.0.1:9500\"";
const REMOTE: &str = "a Web3Signer's URL such as \"https://user:password@10.0.0.9:9000\"";
const URL: &str = "a URL such as \"http://10.0.0.7:9600\"";

fn key(at: &mut At<'_>, raw: RawKey, folder: &Path) -> Option<KeySource> {
    if let Raw::Absent = raw.remote {
        return keystore(at, raw, folder).map(KeySource::Keystore);
    }
    if !matches!(raw.keystore, Raw::Absent) {
        at.fault("keystore", "two keys", "either keystore or remote");
    }
    let text = at.optional("remote", raw.remote, REMOTE);
    // The text is not repeated: it may hold a password.
    let url = text.and_then(|text| {
        let url = text.parse::<Url>().ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        if url.is_none() {
            at.fault("remote", "no URL of a remote signer", REMOTE);
        }
        url
    });
    let address = at.parsed("address", raw.address, "the account whose key it keeps");
    let timeout = at.millis("timeout_ms", raw.timeout_ms, 5_000, 100, 60_000);
    Some(KeySource::Remote(RemoteKey { url: url?, address: address?, timeout }))
}

fn keystore(at: &mut At<'_>, raw: RawKey, folder: &Path) -> Option<Keystore> {
    let path = at.required("keystore", raw.keystore, "the path of a keystore v3 file");
    let file = at.optional("password_file", raw.password_file, "a path");
    let variable = at.optional("password_env", raw.password_env, "a variable's name");
    let password = match (file, variable) {
        (Some(file), None) => PasswordSource::File(folder.join(file)),
        (None, Some(variable)) => PasswordSource::Environment(variable),
        (file, _) => {
            let problem = if file.is_some() { "two passwords" } else { "no password" };
            at.fault("password_file", problem, "either password_file or password_env");
            return None;
        }
    };
    Some(Keystore { path: folder.join(path?), password })
}

/// Where the API listens, and the proxies that are believed.
fn api(at: &mut At<'_>, raw: RawApi) -> (Option<SocketAddr>, Vec<Network>) {
    const PROXIES: &str =
        "a list of addresses and networks, such as [\"127.0.0.1\", \"10.0.0.0/8\"]";
    let listen = at.parsed("listen", raw.listen, ADDRESS);
    let texts = at.optional("proxies", raw.proxies, PROXIES).unwrap_or_default();
    let proxies = texts.iter().filter_map(|text| at.parse("proxies", text, PROXIES)).collect();
    (listen, proxies)
}

fn peers(at: &mut At<'_>, raw: super::raw::RawPeers) -> Option<Peers> {
    let listen = at.parsed("listen", raw.listen, ADDRESS);
    let texts = at.optional("urls", raw.urls, "a list of URLs").unwrap_or_default();
    let urls = texts.iter().filter_map(|text| at.parse::<Url>("urls", text, URL)).collect();
    let pull_interval = at.millis("pull_interval_ms", raw.pull_interval_ms, 1_000, 50, 60_000);
    let recovery_timeout =
        at.millis("recovery_timeout_ms", raw.recovery_timeout_ms, 10_000, 0, 600_000);
    Some(Peers { listen: listen?, urls, pull_interval, recovery_timeout })
}

fn log(at: &mut At<'_>, raw: super::raw::RawLog) -> Log {
    let format = at.optional("format", raw.format, "\"human\" or \"json\"");
    let json = match format.as_deref() {
        None | Some("human") => false,
        Some("json") => true,
        Some(other) => {
            at.fault("format", format!("`{other}`"), "\"human\" or \"json\"");
            false
        }
    };
    let allowed = "a filter such as \"info\" or \"info,twinspan_chains=debug\"";
    let filter = at.optional("filter", raw.filter, allowed).unwrap_or_else(|| "info".into());
    if let Err(error) = tracing_subscriber::EnvFilter::try_new(&filter) {
        at.fault("filter", error, allowed);
    }
    Log { json, filter }
}

/// An account has one order of transactions on a chain, whatever the chain is called.
fn distinct(at: &mut At<'_>, chains: &Chains) {
    let mut known = BTreeMap::new();
    for (name, chain) in chains.iter().filter_map(|(name, chain)| Some((name, chain.as_ref()?))) {
        if let Some(other) = known.insert(chain.access.chain_id, name) {
            let problem = format!("the same chain as chains.{other}");
            at.table(name).fault("chain_id", problem, "another chain's id, or one table for both");
        }
    }
}

/// The chains, apart from those that are faulty.
type Chains = BTreeMap<String, Option<Chain>>;

fn pair(at: &mut At<'_>, raw: RawPair, chains: &Chains, folder: &Path) -> Option<Pair> {
    let is_same = match (&raw.main.chain, &raw.service.chain) {
        (Raw::Given(main), Raw::Given(service)) => main == service,
        _ => false,
    };
    let main = end(&mut at.table("main"), raw.main, chains, folder);
    let service = end(&mut at.table("service"), raw.service, chains, folder);
    if is_same {
        at.fault("service.chain", "the same chain on both sides", "another chain than main.chain");
    }
    let takeover = at.millis("takeover_ms", raw.takeover_ms, 3_000, 100, 600_000);
    let cosign_timeout =
        at.millis("cosign_timeout_ms", raw.cosign_timeout_ms, 10_000, 100, 600_000);
    let batch_max = at.bounded("batch_max", raw.batch_max, 256, 1, BATCH_MAX);
    let term_blocks = at.bounded("term_blocks", raw.term_blocks, 16, 1, 100_000);
    let allow_minority =
        at.optional("allow_minority", raw.allow_minority, "true or false").unwrap_or(false);
    Some(Pair {
        ends: PerSide::new(main?, service?),
        takeover,
        cosign_timeout,
        batch_max,
        term_blocks,
        allow_minority,
    })
}

fn end(at: &mut At<'_>, raw: RawEnd, chains: &Chains, folder: &Path) -> Option<End> {
    let names = chains.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    let chain = at.required("chain", raw.chain, &format!("one of: {names}"));
    if let Some(chain) = chain.as_ref().filter(|chain| !chains.contains_key(*chain)) {
        at.fault("chain", format!("no chain is named `{chain}`"), format!("one of: {names}"));
    }
    let bridge = at.parsed::<Address>("bridge", raw.bridge, "the bridge's address, 0x…");
    let start_block = at.bounded("start_block", raw.start_block, 0, 0, u64::MAX);
    let start_block = BlockNumber::new(start_block);
    let submitter = if raw.submitter.is_absent() {
        let of_chain = chains.get(chain.as_ref()?)?.as_ref()?.submitter.clone();
        if of_chain.is_none() {
            let allowed = "a key that pays gas, here or in the chain's own table for all pairs";
            at.fault("submitter", "missing", allowed);
        }
        of_chain
    } else {
        key(&mut at.table("submitter"), raw.submitter, folder)
    };
    let chain = chain?;
    Some(End { chain, bridge: bridge?, start_block, submitter: submitter? })
}

impl PasswordSource {
    /// Where the password is looked for, for messages.
    #[must_use]
    pub fn place(&self) -> String {
        match self {
            Self::File(path) => format!("file {}", path.display()),
            Self::Environment(name) => format!("environment variable {name}"),
        }
    }
}
