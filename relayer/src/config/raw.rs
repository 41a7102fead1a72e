//! The configuration as it is written: files and environment merged, nothing checked yet.

use std::collections::BTreeMap;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::Fault;

/// A value that may be absent or of the wrong type; neither stops the reading of the others.
#[derive(Clone, Debug)]
pub enum Raw<T> {
    Absent,
    Given(T),
    Wrong(String),
}

impl<T> Default for Raw<T> {
    fn default() -> Self {
        Self::Absent
    }
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
pub struct RawConfig {
    pub name: Raw<String>,
    pub store: RawStore,
    pub keys: RawKeys,
    pub api: RawListener,
    pub peers: RawPeers,
    pub log: RawLog,
    pub chains: BTreeMap<String, RawChain>,
    pub pairs: BTreeMap<String, RawPair>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct RawStore {
    pub path: Raw<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct RawKeys {
    pub attestation: RawKey,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct RawKey {
    pub keystore: Raw<String>,
    pub password_file: Raw<String>,
    pub password_env: Raw<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct RawListener {
    pub listen: Raw<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct RawPeers {
    pub listen: Raw<String>,
    pub urls: Raw<Vec<String>>,
    pub pull_interval_ms: Raw<u64>,
    pub recovery_timeout_ms: Raw<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct RawLog {
    pub format: Raw<String>,
    pub filter: Raw<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct RawChain {
    pub chain_id: Raw<u64>,
    pub finality: Raw<Value>,
    pub endpoints: Vec<RawEndpoint>,
    pub submitter: RawKey,
    pub quorum: Raw<usize>,
    pub poll_interval_ms: Raw<u64>,
    pub log_range_max: Raw<u64>,
    pub max_fee_per_gas: Raw<u64>,
    pub priority_fee_per_gas: Raw<u64>,
    pub bump_percent: Raw<u32>,
    pub bump_after_ms: Raw<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct RawEndpoint {
    pub label: Raw<String>,
    pub http: Raw<String>,
    pub ws: Raw<String>,
    pub requests_per_second: Raw<u32>,
    pub concurrency: Raw<usize>,
    pub timeout_ms: Raw<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct RawPair {
    pub main: RawSide,
    pub service: RawSide,
    pub takeover_ms: Raw<u64>,
    pub cosign_timeout_ms: Raw<u64>,
    pub batch_max: Raw<u64>,
    pub term_blocks: Raw<u64>,
    pub allow_minority: Raw<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct RawSide {
    pub chain: Raw<String>,
    pub bridge: Raw<String>,
    pub start_block: Raw<u64>,
}

/// Reads the file, lays the environment over it (`TWINSPAN__SECTION__KEY`), and names every key that
/// nothing here knows.
///
/// # Errors
/// A single fault if the file cannot be read or is no TOML.
pub fn read(path: &Path) -> Result<(RawConfig, Vec<Fault>), Vec<Fault>> {
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
