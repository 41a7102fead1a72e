//! Decides whose turn it is to send a batch, without a message between relayers.
//!
//! `order(term) = members sorted by keccak256(lane ‖ epoch ‖ hash of the term's first source block ‖
//! member)`. The schedule only saves gas: if two submit, one reverts early.

use std::time::Duration;

use alloy_primitives::{Address, B256, keccak256};

use crate::ids::{BlockNumber, Epoch, LaneId};
use crate::relayer_set::RelayerSet;

/// A fixed number of source blocks that share one order of submitters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    /// The term's first source block.
    pub start: BlockNumber,
    /// Its hash: nobody knows it before the block exists.
    pub start_hash: B256,
}

/// The first block of the term that `block` lies in.
///
/// # Panics
/// If `term_blocks` is zero.
#[must_use]
pub const fn term_start(block: BlockNumber, term_blocks: u64) -> BlockNumber {
    BlockNumber::new(block.get() - block.get() % term_blocks)
}

/// The members in the order in which they may submit during `term`.
#[must_use]
pub fn order(lane: LaneId, set: &RelayerSet, term: &Term) -> Vec<Address> {
    let mut ranked: Vec<(B256, Address)> = set
        .members()
        .iter()
        .map(|member| (draw(lane, set.epoch(), term.start_hash, *member), *member))
        .collect();
    ranked.sort_unstable();
    ranked.into_iter().map(|(_, member)| member).collect()
}

/// Those who may submit before `member` during `term`, in order. A non-member comes after all members, since anyone who
/// holds a certificate may deliver.
#[must_use]
pub fn before(lane: LaneId, set: &RelayerSet, term: &Term, member: Address) -> Vec<Address> {
    let mut order = order(lane, set, term);
    let rank = order.iter().position(|ranked| *ranked == member).unwrap_or(order.len());
    order.truncate(rank);
    order
}

/// The rank of `member` during `term`.
#[must_use]
pub fn rank(lane: LaneId, set: &RelayerSet, term: &Term, member: Address) -> u32 {
    let before = before(lane, set, term, member).len();
    u32::try_from(before).expect("a relayer set has at most 64 members")
}

/// How long rank `rank` waits without the destination advancing before it acts.
#[must_use]
pub fn wait_for(rank: u32, takeover: Duration) -> Duration {
    takeover.saturating_mul(rank)
}

/// Divides the wait for a member that seems to be away.
const AWAY_PART: u32 = 8;

/// Total wait before our turn, while the destination does not advance: `takeover` for each earlier member that has
/// signed. One that has not is likely down, and is given an eighth.
#[must_use]
pub fn wait_after(
    before: &[Address],
    has_signed: impl Fn(Address) -> bool,
    takeover: Duration,
) -> Duration {
    let wait = |member: &Address| if has_signed(*member) { takeover } else { takeover / AWAY_PART };
    before.iter().map(wait).fold(Duration::ZERO, Duration::saturating_add)
}

fn draw(lane: LaneId, epoch: Epoch, start_hash: B256, member: Address) -> B256 {
    let mut message = [0_u8; 92];
    message[..32].copy_from_slice(lane.0.as_slice());
    message[32..40].copy_from_slice(&epoch.get().to_be_bytes());
    message[40..72].copy_from_slice(start_hash.as_slice());
    message[72..].copy_from_slice(member.as_slice());
    keccak256(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set() -> RelayerSet {
        let members = (1..=4).map(Address::repeat_byte).collect();
        RelayerSet::new(Epoch::new(1), 3, members).expect("a valid set")
    }

    fn term(n: u64) -> Term {
        Term { start: BlockNumber::new(n), start_hash: keccak256(n.to_be_bytes()) }
    }

    #[test]
    fn every_member_has_one_rank_and_strangers_come_last() {
        let lane = LaneId(B256::repeat_byte(5));
        let mut ranks: Vec<u32> =
            set().members().iter().map(|m| rank(lane, &set(), &term(64), *m)).collect();
        ranks.sort_unstable();
        assert_eq!(ranks, [0, 1, 2, 3]);
        assert_eq!(rank(lane, &set(), &term(64), Address::repeat_byte(9)), 4);
    }

    #[test]
    fn who_has_not_signed_is_waited_for_an_eighth_of_the_time() {
        let lane = LaneId(B256::repeat_byte(5));
        let last = order(lane, &set(), &term(64))[3];
        let before = before(lane, &set(), &term(64), last);
        let takeover = Duration::from_millis(800);
        assert_eq!(wait_after(&before, |_| true, takeover), wait_for(3, takeover));
        let is_up = |member| member != before[0];
        assert_eq!(wait_after(&before, is_up, takeover), Duration::from_millis(1_700));
        assert_eq!(wait_after(&before[..0], |_| true, takeover), Duration::ZERO);
        assert_eq!(wait_after(&before, |_| true, Duration::MAX), Duration::MAX);
    }

    #[test]
    fn the_first_turn_goes_round() {
        let lane = LaneId(B256::repeat_byte(5));
        let mut first = std::collections::BTreeMap::new();
        for n in 0..400 {
            *first.entry(order(lane, &set(), &term(n))[0]).or_insert(0) += 1;
        }
        assert_eq!(first.len(), 4);
        assert!(first.values().all(|turns| *turns > 50), "{first:?}");
    }

    #[test]
    fn a_term_starts_at_a_multiple_of_its_length() {
        assert_eq!(term_start(BlockNumber::new(63), 32), BlockNumber::new(32));
        assert_eq!(term_start(BlockNumber::new(64), 32), BlockNumber::new(64));
    }
}
