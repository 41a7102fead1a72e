//! The status of a relayer: its configuration, pairs and chains.

use alloy_primitives::Address;
use serde::{Deserialize, Serialize};

use crate::chain::Chain;
use crate::lane::Lane;

/// `GET /v1/status`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The relayer's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its attestation address.
    pub relayer: Address,
    /// Seconds since it started.
    pub uptime_seconds: u64,
    /// Its configuration.
    pub configuration: Configuration,
    /// Its bridge pairs, by name.
    pub pairs: Vec<Pair>,
    /// Its chains, by name.
    pub chains: Vec<Chain>,
}

/// The configuration in force.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configuration {
    /// When it came into force, in seconds of Unix time.
    pub since: u64,
    /// Why the file as it is now was refused, if it was.
    pub refused: Option<String>,
}

/// A bridge pair.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// Its name in the configuration.
    pub name: String,
    /// Its two lanes: main to service, service to main.
    pub lanes: Vec<Lane>,
}

impl Status {
    /// Every lane of every pair.
    pub fn lanes(&self) -> impl Iterator<Item = &Lane> {
        self.pairs.iter().flat_map(|pair| &pair.lanes)
    }
}
