//! Decides whether a read misses settlements: a node that lags serves an empty answer, not an error.
//!
//! Requests need no such check, because they must hash into the lane head. Settlements are proven by the contract's own
//! count. It moves by batches, a batch tells of each of its handovers once, and the last batch ends where the contract
//! stands.

use twinspan_bridge::ids::Count;
use twinspan_bridge::lane_head::LanePosition;
use twinspan_bridge::observe::{Settlement, SettlementEvent};

/// The settlements are not all that led to the contract's position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the logs served account for {told} handovers, the contract counts {count}")]
pub struct Incomplete {
    /// How far the logs lead.
    pub told: Count,
    /// How far the contract's own state is.
    pub count: Count,
}

/// Checks settlements in the order of the chain against the contract's position after them. `before`: the
/// count before them, if it is known; without it, missing batches at the beginning go unnoticed.
pub(crate) fn check(
    settlements: &[Settlement],
    before: Option<Count>,
    incoming: LanePosition,
) -> Result<(), Incomplete> {
    let mut reached = before;
    let mut head = None;
    // Handovers since the last batch; the contract tells of a batch after its handovers.
    let mut open = 0_u64;
    let incomplete =
        |told: Option<Count>| Incomplete { told: told.unwrap_or_default(), count: incoming.count };
    for settlement in settlements {
        match settlement.event {
            SettlementEvent::HandedOver { .. } | SettlementEvent::Parked { .. } => open += 1,
            SettlementEvent::BatchDelivered { first, count, head: batch_head, .. } => {
                let continues = reached.is_none_or(|reached| reached.next_nonce() == first);
                let complete = count.get().checked_sub(first.get()) == Some(open);
                if !continues || !complete {
                    return Err(incomplete(reached));
                }
                reached = Some(count);
                head = Some(batch_head);
                open = 0;
            }
            SettlementEvent::Released { .. } | SettlementEvent::Returned { .. } => {}
        }
    }
    let arrived = reached.is_none_or(|reached| reached == incoming.count)
        && head.is_none_or(|head| head == incoming.head);
    if arrived && open == 0 { Ok(()) } else { Err(incomplete(reached)) }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{Address, B256, U256};
    use twinspan_bridge::ids::{BlockNumber, BlockStamp, Nonce};

    use super::*;

    fn settlement(event: SettlementEvent) -> Settlement {
        let stamp = BlockStamp::default();
        Settlement { event, block: BlockNumber::new(1), stamp, transaction: B256::ZERO }
    }

    fn paid(nonce: u64) -> Settlement {
        let recipient = Address::ZERO;
        let nonce = Nonce::new(nonce);
        settlement(SettlementEvent::HandedOver { nonce, recipient, amount: U256::ZERO })
    }

    fn batch(first: u64, count: u64) -> Settlement {
        settlement(SettlementEvent::BatchDelivered {
            first: Nonce::new(first),
            count: Count::new(count),
            head: B256::repeat_byte(count as u8),
            submitter: Address::ZERO,
        })
    }

    fn at(count: u64) -> LanePosition {
        LanePosition { count: Count::new(count), head: B256::repeat_byte(count as u8) }
    }

    #[test]
    fn whole_batches_up_to_the_contracts_count_are_complete() {
        let all = [paid(4), paid(5), batch(4, 6), paid(6), batch(6, 7)];
        assert_eq!(check(&all, Some(Count::new(4)), at(7)), Ok(()));
        assert_eq!(check(&all, None, at(7)), Ok(()));
        assert_eq!(check(&[], Some(Count::new(7)), at(7)), Ok(()));
    }

    #[test]
    fn whatever_is_missing_is_noticed() {
        let all = [paid(4), paid(5), batch(4, 6), paid(6), batch(6, 7)];
        for missing in 0..all.len() {
            let mut some = all.to_vec();
            some.remove(missing);
            assert!(check(&some, Some(Count::new(4)), at(7)).is_err(), "without {missing}");
        }
        assert!(check(&[], Some(Count::new(4)), at(7)).is_err(), "an empty answer");
        assert!(check(&all[3..], Some(Count::new(4)), at(7)).is_err(), "the first batch");
        assert!(check(&all[..3], Some(Count::new(4)), at(7)).is_err(), "the last batch");
    }

    #[test]
    fn another_head_is_noticed() {
        let other = LanePosition { count: Count::new(6), head: B256::repeat_byte(99) };
        assert!(check(&[paid(5), batch(5, 6)], None, other).is_err());
    }
}
