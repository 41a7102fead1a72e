//! Proves that the settlements read from the destination are complete for the run of blocks.

use crate::ids::Count;
use crate::lane_head::LanePosition;
use crate::observe::{Settlement, SettlementEvent};

/// Settlements that account for every request between two positions of the destination.
///
/// Can only be built by [`Settled::check`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    to: LanePosition,
    settlements: Vec<Settlement>,
}

/// Why settlements do not add up to the destination's count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettleError {
    /// The contract holds fewer handovers than before: it is on another history.
    #[error("the destination bridge has {got} handovers, fewer than the {from} seen before")]
    Regressed {
        /// Seen before.
        from: Count,
        /// The contract's own count.
        got: Count,
    },
    /// A request in between was neither handed over nor parked, or twice, or out of order.
    #[error("the node served the fate of nonce {got} where that of nonce {want} belongs")]
    OutOfPlace {
        /// The nonce due.
        want: Count,
        /// The nonce served.
        got: u64,
    },
    /// The node left settlements out.
    #[error("the node served settlements up to {got}, the destination bridge counts {want}")]
    Incomplete {
        /// The contract's own count.
        want: Count,
        /// Where the settlements end.
        got: Count,
    },
}

impl Settled {
    /// Checks that `settlements` name every nonce from `from` to `contract`'s count, in order.
    ///
    /// # Errors
    /// [`SettleError`] if one is missing, doubled or out of place.
    pub fn check(
        from: Count,
        settlements: Vec<Settlement>,
        contract: LanePosition,
    ) -> Result<Self, SettleError> {
        if contract.count < from {
            return Err(SettleError::Regressed { from, got: contract.count });
        }
        let mut at = from;
        for settlement in &settlements {
            let nonce = match settlement.event {
                SettlementEvent::HandedOver { nonce, .. }
                | SettlementEvent::Parked { nonce, .. } => nonce,
                SettlementEvent::BatchDelivered { .. }
                | SettlementEvent::Released { .. }
                | SettlementEvent::Returned { .. } => continue,
            };
            if nonce != at.next_nonce() {
                return Err(SettleError::OutOfPlace { want: at, got: nonce.get() });
            }
            at = at.plus(1);
        }
        if at != contract.count {
            return Err(SettleError::Incomplete { want: contract.count, got: at });
        }
        Ok(Self { to: contract, settlements })
    }

    /// The destination's position that the settlements lead to.
    #[must_use]
    pub const fn to(&self) -> LanePosition {
        self.to
    }

    /// The settlements, in the order of the chain.
    #[must_use]
    pub fn settlements(&self) -> &[Settlement] {
        &self.settlements
    }
}
