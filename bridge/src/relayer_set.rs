//! The members and threshold of one epoch, within the contract's bounds.

use alloy_primitives::Address;

use crate::ids::Epoch;

/// Most members that a relayer set has, as in the contract.
pub const MEMBERS_MAX: usize = 64;

/// The relayers of one epoch: distinct non-zero members and a threshold within their number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayerSet {
    epoch: Epoch,
    threshold: u8,
    members: Vec<Address>,
}

/// Why a set breaks the contract's bounds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RelayerSetError {
    /// Epoch 0 is no epoch.
    #[error("epoch 0 is no epoch: the contract has no relayer set")]
    NoEpoch,
    /// Too few or too many.
    #[error("{0} members: want 1 to {MEMBERS_MAX}")]
    Size(usize),
    /// Zero, or above the number of members.
    #[error("threshold {threshold} of {members} members: want 1 to {members}")]
    Threshold {
        /// The threshold.
        threshold: u8,
        /// The number of members.
        members: usize,
    },
    /// The zero address, or one address twice.
    #[error("member {0} is zero or listed twice")]
    Member(Address),
}

impl RelayerSet {
    /// Checks the bounds that the contract enforces.
    ///
    /// # Errors
    /// [`RelayerSetError`] names the bound that is broken.
    pub fn new(
        epoch: Epoch,
        threshold: u8,
        mut members: Vec<Address>,
    ) -> Result<Self, RelayerSetError> {
        if epoch.get() == 0 {
            return Err(RelayerSetError::NoEpoch);
        }
        if members.is_empty() || members.len() > MEMBERS_MAX {
            return Err(RelayerSetError::Size(members.len()));
        }
        if threshold == 0 || usize::from(threshold) > members.len() {
            let members = members.len();
            return Err(RelayerSetError::Threshold { threshold, members });
        }
        members.sort_unstable();
        if members[0] == Address::ZERO {
            return Err(RelayerSetError::Member(Address::ZERO));
        }
        if let Some(twice) = members.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(RelayerSetError::Member(twice[0]));
        }
        Ok(Self { epoch, threshold, members })
    }

    /// The epoch.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Attestations that make a certificate.
    #[must_use]
    pub const fn threshold(&self) -> u8 {
        self.threshold
    }

    /// The members, ascending.
    #[must_use]
    pub fn members(&self) -> &[Address] {
        &self.members
    }

    /// Whether `address` is a member.
    #[must_use]
    pub fn contains(&self, address: Address) -> bool {
        self.members.binary_search(&address).is_ok()
    }
}
