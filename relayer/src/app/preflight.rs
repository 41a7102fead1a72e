//! Refuses, before anything starts, bridges that are not the pair that the configuration says.

use alloy::primitives::Address;
use tracing::warn;
use twinspan_bridge::ids::BridgeAt;
use twinspan_bridge::relayer_set::RelayerSet;
use twinspan_bridge::side::Side;
use twinspan_chains::{Preflight, PreflightError};

use super::{Chains, bridge_at};
use crate::config::{Config, Pair};

/// A pair that is not what the configuration says, with what to do.
#[derive(Debug, thiserror::Error)]
pub enum PairFault {
    /// The bridge cannot be read.
    #[error("pairs.{pair}.{side}: {source}; check `bridge` and `chain`, or deploy the pair first")]
    Preflight {
        /// The pair's name.
        pair: String,
        /// Which end.
        side: Side,
        /// Why.
        source: PreflightError,
    },
    /// The two bridges do not name each other.
    #[error(
        "pairs.{pair}.{side}: bridge {bridge} names {got} as its counterpart, not {want}: \
         are the two chains swapped, or is one address of another deployment?"
    )]
    Counterpart {
        /// The pair's name.
        pair: String,
        /// Which end.
        side: Side,
        /// The bridge.
        bridge: BridgeAt,
        /// The counterpart that it names.
        got: BridgeAt,
        /// The other bridge of the configuration.
        want: BridgeAt,
    },
    /// The threshold is no majority.
    #[error(
        "pairs.{pair}.{side}: bridge {bridge} hands over with {threshold} of {members} relayers, less \
         than a majority: raise its threshold, or set pairs.{pair}.allow_minority = true"
    )]
    Minority {
        /// The pair's name.
        pair: String,
        /// Which end.
        side: Side,
        /// The bridge.
        bridge: BridgeAt,
        /// Its threshold.
        threshold: u8,
        /// Its members.
        members: usize,
    },
}

/// Reads both ends of every pair and compares them with the configuration.
///
/// # Errors
/// The first [`PairFault`] found.
pub async fn check_pairs(
    config: &Config,
    chains: &Chains,
    relayer: Address,
) -> Result<(), Box<PairFault>> {
    for (name, pair) in &config.pairs {
        for side in Side::BOTH {
            check(config, chains, (name, pair), side, relayer).await?;
        }
    }
    Ok(())
}

async fn check(
    config: &Config,
    chains: &Chains,
    (name, pair): (&str, &Pair),
    side: Side,
    relayer: Address,
) -> Result<(), Box<PairFault>> {
    let (here, there) = (&pair.ends[side], &pair.ends[side.other()]);
    let pair_name = name.to_owned();
    let preflight = chains[&here.chain].preflight(here.bridge).await;
    let preflight = preflight.map_err(|source| PairFault::Preflight {
        pair: pair_name.clone(),
        side,
        source,
    })?;
    let Preflight { bridge, counterpart, relayer_set, .. } = preflight;
    let want = bridge_at(config, there);
    if counterpart != want {
        let got = counterpart;
        let fault = PairFault::Counterpart { pair: pair_name, side, bridge, got, want };
        return Err(Box::new(fault));
    }
    let (threshold, members) = (relayer_set.threshold(), relayer_set.members().len());
    if is_minority(&relayer_set) && !pair.allow_minority {
        let fault = PairFault::Minority { pair: pair_name, side, bridge, threshold, members };
        return Err(Box::new(fault));
    }
    if usize::from(threshold) * 3 < members * 2 {
        warn!(pair = name, %side, threshold, members, "the threshold is below two thirds");
    }
    if !relayer_set.contains(relayer) {
        warn!(pair = name, %side, %relayer, "we are no member of the relayer set: we only observe and deliver");
    }
    Ok(())
}

fn is_minority(set: &RelayerSet) -> bool {
    usize::from(set.threshold()) * 2 <= set.members().len()
}
