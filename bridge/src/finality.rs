//! Decides which source blocks are final, by the chain's own rule.

use crate::ids::BlockNumber;

/// When a block of a chain counts as final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FinalityRule {
    /// At once: QBFT, IBFT and other chains whose consensus never takes a block back.
    Instant,
    /// When the chain's `finalized` tag has reached it.
    Finalized,
    /// When the chain's `safe` tag has reached it.
    Safe,
    /// When that many blocks stand on top of it.
    Confirmations(u64),
}

impl FinalityRule {
    /// The newest final block where `latest` is the newest block and `tagged` what the node says of
    /// the rule's tag. `None`: not known yet, which is neither "no" nor an error.
    #[must_use]
    pub fn final_block(
        self,
        latest: BlockNumber,
        tagged: Option<BlockNumber>,
    ) -> Option<BlockNumber> {
        match self {
            Self::Instant => Some(latest),
            // A tag ahead of the newest block names no block: the node lies.
            Self::Finalized | Self::Safe => tagged.filter(|tagged| *tagged <= latest),
            Self::Confirmations(n) => latest.get().checked_sub(n).map(BlockNumber::new),
        }
    }
}

/// Something that lies in a final block. Can only be built by naming the rule's verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Final<T>(T);

impl<T> Final<T> {
    /// `value`, read from blocks up to `read_to`, if `rule_says` reaches that far.
    #[must_use]
    pub fn check(value: T, read_to: BlockNumber, rule_says: BlockNumber) -> Option<Self> {
        (read_to <= rule_says).then_some(Self(value))
    }

    /// The value.
    pub const fn get(&self) -> &T {
        &self.0
    }

    /// The value itself.
    pub fn into_inner(self) -> T {
        self.0
    }
}
