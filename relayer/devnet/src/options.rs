//! The options of a world.

use std::path::PathBuf;
use std::time::Duration;

use eyre::ensure;
use twinspan_bridge::finality::FinalityRule;
use twinspan_bridge::side::{PerSide, Side};
use twinspan_chains::Truth;

use crate::node::NodeKind;
use crate::ports::Ports;

/// Relayers of a world, at most: that many processes.
pub const RELAYERS_MAX: usize = 16;

/// The EVM and the fees of the service chain, where its node is anvil.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ServiceChain {
    /// Of the Berlin hardfork and without fees: a gas price of zero, legacy transactions, no PUSH0. Many service chains
    /// in use are so, and Twinspan's contracts must run there.
    #[default]
    Old,
    /// Like the main chain: anvil's newest hardfork, with EIP-1559 fees.
    Current,
}

/// The options of a world.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where its files lie.
    pub folder: PathBuf,
    /// The relayer's binary.
    pub binary: PathBuf,
    /// How many relayers: 1 to [`RELAYERS_MAX`].
    pub relayers: usize,
    /// How many must attest: 1 to all of them.
    pub threshold: u8,
    /// Finality of each chain.
    pub finality: PerSide<FinalityRule>,
    /// Gas that a block holds, on both.
    pub block_gas_limit: u64,
    /// Which program each of the two nodes is.
    pub nodes: PerSide<NodeKind>,
    /// The service chain's EVM and fees.
    pub service: ServiceChain,
    /// States of old blocks that the nodes keep, see [`NodeOptions::states_kept`].
    ///
    /// [`NodeOptions::states_kept`]: crate::node::NodeOptions::states_kept
    pub states_kept: Option<u64>,
    /// Blocks that a relayer asks about at once, at most.
    pub log_range_max: u64,
    /// Where its parts listen.
    pub ports: Ports,
    /// Endpoints that the relayers ask instead of the node: HTTP addresses, each of a provider of its own. Empty: the
    /// node.
    pub endpoints: PerSide<Vec<String>>,
    /// The basis of their reads, and the number of providers that must agree.
    pub truth: (Truth, usize),
    /// Seconds between blocks, on both.
    pub block_seconds: f64,
    /// How long attestations may take before they are posted on chain.
    pub cosign_timeout: Duration,
    /// How long a rank waits for the one before it.
    pub takeover: Duration,
    /// Most requests in a batch.
    pub batch_max: u64,
    /// The `tracing` filter of the relayers' logs.
    pub log_filter: String,
}

impl Options {
    /// The world of the demo, in `folder`, with the relayer at `binary`.
    #[must_use]
    pub fn new(folder: PathBuf, binary: PathBuf) -> Self {
        Self {
            folder,
            binary,
            relayers: 4,
            threshold: 3,
            finality: PerSide::from_fn(|_| FinalityRule::Instant),
            block_gas_limit: 30_000_000,
            nodes: PerSide::default(),
            service: ServiceChain::Old,
            states_kept: None,
            log_range_max: 5_000,
            ports: Ports::Free,
            endpoints: PerSide::default(),
            truth: (Truth::Single, 1),
            block_seconds: 1.0,
            cosign_timeout: Duration::from_secs(6),
            takeover: Duration::from_secs(3),
            batch_max: 256,
            log_filter: "info".into(),
        }
    }

    /// Whether gas costs something on that chain.
    #[must_use]
    pub fn has_fees(&self, side: Side) -> bool {
        side == Side::Main
            || match self.nodes[side] {
                NodeKind::Anvil => self.service == ServiceChain::Current,
                NodeKind::Geth(_) => true,
                NodeKind::Kaia(_) => false,
            }
    }

    /// Refuses what no world can be, before anything is started.
    ///
    /// # Errors
    /// If there are too few or too many relayers, if more must attest than there are, or if a fixed port is taken.
    pub fn check(&self) -> eyre::Result<()> {
        let relayers = self.relayers;
        ensure!(
            (1..=RELAYERS_MAX).contains(&relayers),
            "{relayers} relayers: want 1 to {RELAYERS_MAX}"
        );
        ensure!(
            (1..=relayers).contains(&usize::from(self.threshold)),
            "a threshold of {} of {relayers} relayers: want 1 to {relayers}",
            self.threshold
        );
        self.ports.check(relayers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(relayers: usize, threshold: u8) -> Options {
        Options { relayers, threshold, ..Options::new(PathBuf::new(), PathBuf::new()) }
    }

    #[test]
    fn counts_that_no_world_can_have_are_refused() {
        for (relayers, threshold) in [(1, 1), (2, 1), (2, 2), (4, 3), (16, 16)] {
            assert!(with(relayers, threshold).check().is_ok(), "{threshold} of {relayers}");
        }
        for (relayers, threshold) in [(0, 0), (0, 1), (1, 0), (1, 2), (4, 5), (17, 3)] {
            let refused = with(relayers, threshold).check().unwrap_err().to_string();
            assert!(refused.contains("want 1 to"), "{refused}");
        }
    }
}
