//! Names things: newtypes for the numbers that must never be mixed up, and the identity of a lane.

use std::fmt;

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::SolValue;
use serde::{Deserialize, Serialize};

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(u64);

        impl $name {
            /// Wraps the raw number. Explicit, so that no other number slips in.
            #[must_use]
            pub const fn new(raw: u64) -> Self {
                Self(raw)
            }

            /// The raw number.
            #[must_use]
            pub const fn get(self) -> u64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number! {
    /// An EVM chain id (EIP-155).
    ChainId
}
number! {
    /// Position of a request in its lane: 0, 1, 2, … without gaps. Never an account nonce.
    Nonce
}
number! {
    /// Position of a transaction among those of one account. Never a lane nonce.
    AccountNonce
}
number! {
    /// Height of a block.
    BlockNumber
}
number! {
    /// Version of a relayer set on a destination bridge. 0 is no epoch.
    Epoch
}
number! {
    /// A number of requests of a lane, counted from its beginning.
    Count
}

impl Count {
    /// The nonce of the first request not counted.
    #[must_use]
    pub const fn next_nonce(self) -> Nonce {
        Nonce(self.0)
    }

    /// This count and `more` requests, or the last count there is: no lane gets there, but a stranger may say so.
    #[must_use]
    pub const fn plus(self, more: u64) -> Self {
        Self(self.0.saturating_add(more))
    }

    /// How many requests lie between `earlier` and this count; 0 if `earlier` is not earlier.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl Nonce {
    /// The count before this request: how many come before it.
    #[must_use]
    pub const fn count_before(self) -> Count {
        Count(self.0)
    }

    /// The count that this request completes, or the last count there is: see [`Count::plus`].
    #[must_use]
    pub const fn count_after(self) -> Count {
        self.count_before().plus(1)
    }
}

impl BlockNumber {
    /// The block `n` later, or the last number there is.
    #[must_use]
    pub const fn plus(self, n: u64) -> Self {
        Self(self.0.saturating_add(n))
    }

    /// The block `n` earlier, or the genesis block.
    #[must_use]
    pub const fn minus(self, n: u64) -> Self {
        Self(self.0.saturating_sub(n))
    }
}

/// A block by number and hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BlockRef {
    /// Height.
    pub number: BlockNumber,
    /// Hash of the header.
    pub hash: B256,
}

/// A block's hash and time, as far as the node that told of the block told them. Nothing is decided by them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct BlockStamp {
    /// Hash of the header.
    pub hash: Option<B256>,
    /// When it was made, in seconds of Unix time.
    pub time: Option<u64>,
}

/// One bridge contract on one chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BridgeAt {
    /// The chain it is deployed on.
    pub chain_id: ChainId,
    /// Its address there.
    pub address: Address,
}

impl fmt::Display for BridgeAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.address, self.chain_id)
    }
}

/// One direction of a bridge pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lane {
    /// Where requests are made.
    pub source: BridgeAt,
    /// Where they are handed over.
    pub destination: BridgeAt,
}

impl Lane {
    /// The lane of the other direction.
    #[must_use]
    pub const fn reverse(self) -> Self {
        Self { source: self.destination, destination: self.source }
    }

    /// Identifies the lane on every relayer and both contracts: its head before any request.
    ///
    /// `keccak256(abi.encode(LANE_TYPEHASH, sourceChainId, sourceBridge, destinationChainId,
    /// destinationBridge))`, as in `LaneHead.sol`.
    #[must_use]
    pub fn id(&self) -> LaneId {
        let typehash = keccak256(
            "Lane(uint256 sourceChainId,address sourceBridge,uint256 destinationChainId,address destinationBridge)",
        );
        let words = (
            typehash,
            U256::from(self.source.chain_id.get()),
            self.source.address,
            U256::from(self.destination.chain_id.get()),
            self.destination.address,
        );
        LaneId(keccak256(words.abi_encode()))
    }

    /// The transfer that took `nonce` of this lane.
    #[must_use]
    pub const fn transfer(self, nonce: Nonce) -> TransferId {
        TransferId { source: self.source, nonce }
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}→{}", self.source.chain_id, self.destination.chain_id)
    }
}

/// A lane's identity: its head before any request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LaneId(pub B256);

impl fmt::Display for LaneId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The name of a transfer that every relayer answers to: `<chain id>-<source bridge>-<nonce>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransferId {
    /// The bridge that took the request.
    pub source: BridgeAt,
    /// Its place in that bridge's outgoing lane.
    pub nonce: Nonce,
}

impl fmt::Display for TransferId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:#x}-{}", self.source.chain_id, self.source.address, self.nonce)
    }
}

/// A text that is not a [`TransferId`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no transfer id: want <source chain id>-<source bridge address>-<nonce>")]
pub struct TransferIdError(String);

impl std::str::FromStr for TransferId {
    type Err = TransferIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (chain_id, rest) = text.split_once('-')?;
            let (address, nonce) = rest.split_once('-')?;
            Some(Self {
                source: BridgeAt {
                    chain_id: ChainId(chain_id.parse().ok()?),
                    address: address.parse().ok()?,
                },
                nonce: Nonce(nonce.parse().ok()?),
            })
        };
        // The rejected text is echoed to its sender: bounded, so that an error is never large.
        parse().ok_or_else(|| TransferIdError(text.chars().take(100).collect()))
    }
}

impl Serialize for TransferId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TransferId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transfer_id_reads_back() {
        let id = TransferId {
            source: BridgeAt { chain_id: ChainId::new(31337), address: Address::repeat_byte(0xab) },
            nonce: Nonce::new(7),
        };
        assert_eq!(id.to_string().parse::<TransferId>(), Ok(id));
    }

    #[test]
    fn a_malformed_transfer_id_is_refused_with_a_bounded_error() {
        for text in ["", "1", "1-0x12-3", "x-0x00-1", "1-", &"9".repeat(10_000)] {
            let error = text.parse::<TransferId>().expect_err("not a transfer id");
            assert!(error.to_string().len() < 250);
        }
    }

    #[test]
    fn no_number_that_a_stranger_names_overflows() {
        assert_eq!(Nonce::new(u64::MAX).count_after().get(), u64::MAX);
        assert_eq!(Count::new(u64::MAX).plus(1).get(), u64::MAX);
        assert_eq!(Nonce::new(7).count_before().next_nonce(), Nonce::new(7));
    }

    #[test]
    fn the_two_lanes_of_a_pair_differ() {
        let a = BridgeAt { chain_id: ChainId::new(1), address: Address::repeat_byte(1) };
        let b = BridgeAt { chain_id: ChainId::new(2), address: Address::repeat_byte(2) };
        let lane = Lane { source: a, destination: b };
        assert_ne!(lane.id(), lane.reverse().id());
        assert_eq!(lane.reverse().reverse(), lane);
    }
}
