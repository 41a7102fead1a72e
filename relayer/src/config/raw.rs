//! The configuration as it is written: files and environment merged, nothing checked yet.

use std::collections::BTreeMap;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::Fault;

/// A value that may be absent or of the wrong type; neither stops the reading of the others.
#[derive(Clone, Debug, Default)]
pub(super) enum Raw<T> {
    #[default]
    Absent,
    Given(T),
    Wrong(String),
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Raw<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Ok(match serde_json::from_value(value) {
            Ok(given) => Self::Given(given),
            Err(error) => Self::Wrong(error.to_string()),
        })
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RawConfig {
    pub(super) name: Raw<String>,
    pub(super) store: RawStore,
    pub(super) keys: RawKeys,
    pub(super) api: RawApi,
    pub(super) peers: RawPeers,
    pub(super) log: RawLog,
    pub(super) chains: BTreeMap<String, RawChain>,
    pub(super) pairs: BTreeMap<String, RawPair>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RawStore {
    pub(super) path: Raw<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RawKeys {
    pub(super) attestation: RawKey,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RawKey {
    pub(super) keystore: Raw<String>,
    pub(super) password_file: Raw<String>,
    pub(super) password_env: Raw<String>,
    pub(super) remote: Raw<String>,
    pub(super) address: Raw<String>,
    pub(super) timeout_ms: Raw<u64>,
}

impl RawKey {
    /// Whether nothing is said of it.
    pub(super) const fn is_absent(&self) -> bool {
        matches!(
            self,
            Self {
                keystore: Raw::Absent,
                password_file: Raw::Absent,
                password_env: Raw::Absent,
                remote: Raw::Absent,
                address: Raw::Absent,
                timeout_ms: Raw::Absent,
            }
        )
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RawApi {
    pub(super) listen: Raw<String>,
    pub(super) proxies: Raw<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RawPeers {
    pub(super) listen: Raw<String>,
    pub(super) urls: Raw<Vec<String>>,
    pub(super) pull_interval_ms: Raw<u64>,
    pub(super) recovery_timeout_ms: Raw<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RawLog {
    pub(super) format: Raw<String>,
    pub(super) filter: Raw<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RawChain {
    pub(super) chain_id: Raw<u64>,
    pub(super) genesis_hash: Raw<String>,
    pub(super) finality: Raw<Value>,
    pub(super) endpoints: Vec<RawEndpoint>,
    pub(super) submitter: RawKey,
    pub(super) quorum: Raw<usize>,
    pub(super) truth: Raw<String>,
    pub(super) poll_interval_ms: Raw<u64>,
    pub(super) stall_after_ms: Raw<u64>,
    pub(super) log_range_max: Raw<u64>,
    pub(super) max_fee_per_gas: Raw<u64>,
    pub(super) priority_fee_per_gas: Raw<u64>,
    pub(super) bump_percent: Raw<u32>,
    pub(super) bump_after_ms: Raw<u64>,
    pub(super) transaction_gas_max: Raw<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RawEndpoint {
    pub(super) label: Raw<String>,
    pub(super) provider: Raw<String>,
    pub(super) http: Raw<String>,
    pub(super) ws: Raw<String>,
    pub(super) requests_per_second: Raw<u32>,
    pub(super) concurrency: Raw<usize>,
    pub(super) timeout_ms: Raw<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RawPair {
    pub(super) main: RawEnd,
    pub(super) service: RawEnd,
    pub(super) takeover_ms: Raw<u64>,
    pub(super) cosign_timeout_ms: Raw<u64>,
    pub(super) batch_max: Raw<u64>,
    pub(super) term_blocks: Raw<u64>,
    pub(super) allow_minority: Raw<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RawEnd {
    pub(super) chain: Raw<String>,
    pub(super) bridge: Raw<String>,
    pub(super) start_block: Raw<u64>,
    pub(super) submitter: RawKey,
}

/// Reads the file, lays the environment over it (`TWINSPAN__SECTION__KEY`), and names every key that
/// nothing here knows.
///
/// # Errors
/// A single fault if the file cannot be read or is no TOML.
pub(super) fn read(path: &Path) -> Result<(RawConfig, Vec<Fault>), Vec<Fault>> {
    let place = path.display().to_string();
    let environment = config::Environment::with_prefix("TWINSPAN")
        .prefix_separator("__")
        .separator("__")
        .try_parsing(true);
    let merged = config::Config::builder()
        .add_source(config::File::from(path).format(config::FileFormat::Toml))
        .add_source(environment)
        .build()
        .map_err(|error| vec![Fault::new(&place, error, "a readable TOML file")])?;
    let mut unknown = Vec::new();
    let raw = serde_ignored::deserialize(merged, |key| unknown.push(key.to_string()))
        .map_err(|error: config::ConfigError| vec![Fault::new(&place, error, "see configs/")])?;
    let faults = unknown
        .into_iter()
        .map(|key| Fault::new(&key, "no such setting", "remove it or correct its name"))
        .collect();
    Ok((raw, faults))
}
