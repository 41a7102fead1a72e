//! The bridge pairs that the store belongs to.

use alloy_primitives::Address;
use serde::{Deserialize, Serialize};
use twinspan_bridge::ids::BridgeAt;

use super::Row;
use super::attestation::DiskBridge;

/// The bridge pairs that the store belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deployment {
    /// The relayer's attestation address.
    pub relayer: Address,
    /// Pairs by name: main and service bridge.
    pub pairs: Vec<(String, BridgeAt, BridgeAt)>,
}

/// A [`Deployment`] on disk.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DiskDeployment {
    relayer: Address,
    pairs: Vec<DiskPair>,
}

impl Row for DiskDeployment {
    const TABLE: &'static str = "meta";
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct DiskPair {
    name: String,
    main: DiskBridge,
    service: DiskBridge,
}

impl Deployment {
    /// Why a store of this deployment cannot serve `other`; `None` if it can.
    pub(crate) fn objection(&self, other: &Self) -> Option<String> {
        if self.relayer != other.relayer {
            return Some(format!("it belongs to relayer {}, not {}", self.relayer, other.relayer));
        }
        self.pairs.iter().find_map(|(name, main, service)| {
            let same_name = other.pairs.iter().find(|(wanted, ..)| wanted == name);
            let (_, want_main, want_service) = same_name?;
            ((main, service) != (want_main, want_service)).then(|| {
                format!(
                    "pair `{name}` is {main} and {service} there, \
                     {want_main} and {want_service} in the configuration"
                )
            })
        })
    }

    /// This deployment and the pairs that only `other` has; the relayer is `other`'s.
    pub(crate) fn merged(mut self, other: &Self) -> Self {
        self.relayer = other.relayer;
        for pair in &other.pairs {
            if !self.pairs.iter().any(|(name, ..)| *name == pair.0) {
                self.pairs.push(pair.clone());
            }
        }
        self
    }
}

impl From<Deployment> for DiskDeployment {
    fn from(Deployment { relayer, pairs }: Deployment) -> Self {
        let disk = |(name, main, service): (String, BridgeAt, BridgeAt)| DiskPair {
            name,
            main: main.into(),
            service: service.into(),
        };
        Self { relayer, pairs: pairs.into_iter().map(disk).collect() }
    }
}

impl From<DiskDeployment> for Deployment {
    fn from(DiskDeployment { relayer, pairs }: DiskDeployment) -> Self {
        let pair = |DiskPair { name, main, service }| (name, main.into(), service.into());
        Self { relayer, pairs: pairs.into_iter().map(pair).collect() }
    }
}
