//! One of everything that a store holds: every table, every variant.

use alloy_primitives::{Address, B256, Bytes, U256};
use twinspan_bridge::attest::Attestation;
use twinspan_bridge::checkpoint::Checkpoint;
use twinspan_bridge::ids::{BlockNumber, BlockStamp, BridgeAt, ChainId, Count, Epoch, Lane, Nonce};
use twinspan_bridge::io::Conflict;
use twinspan_bridge::key::AttestationKey;
use twinspan_bridge::lane_head::LanePosition;
use twinspan_bridge::lane_head::LinkedRequest;
use twinspan_bridge::observe::{ParkReason, Settlement, SettlementEvent};
use twinspan_bridge::request::{AssetKind, NATIVE_COIN, Request, SourcedRequest};
use twinspan_bridge::schedule::Term;
use twinspan_store::{DecisionRow, Deployment, LaneRow, Write};

/// Requests that the outgoing lane has linked, and the destination settled.
pub(crate) const SETTLED: u64 = 8;

/// Every reason, at the nonce after its place here.
pub(crate) const REASONS: [ParkReason; 7] = [
    ParkReason::TokenUnavailable,
    ParkReason::LiquidityShort,
    ParkReason::RateLimited,
    ParkReason::Delayed,
    ParkReason::PayoutFailed,
    ParkReason::OutOfBounds,
    ParkReason::DataRefused,
];

/// The relayer whose store it is, and two others.
pub(crate) fn member(n: u8) -> AttestationKey {
    AttestationKey::from_bytes([n; 32]).expect("a key")
}

/// A bridge on a chain of its own.
pub(crate) fn bridge(n: u8) -> BridgeAt {
    BridgeAt { chain_id: ChainId::new(31_336 + u64::from(n)), address: Address::repeat_byte(n) }
}

/// The lane that most rows are of.
pub(crate) fn lane() -> Lane {
    Lane { source: bridge(1), destination: bridge(2) }
}

/// Two pairs.
pub(crate) fn deployment() -> Deployment {
    let pairs = vec![
        ("first".to_owned(), bridge(1), bridge(2)),
        ("second".to_owned(), bridge(3), bridge(4)),
    ];
    Deployment { relayer: member(7).address(), pairs }
}

fn position(count: u64, head: u8) -> LanePosition {
    LanePosition { count: Count::new(count), head: B256::repeat_byte(head) }
}

/// The conflict of the outgoing lane.
pub(crate) fn conflict() -> Conflict {
    Conflict {
        epoch: Epoch::new(2),
        highest_attested: Count::new(300),
        linked: position(320, 0x32),
        contract: position(310, 0x31),
    }
}

/// The outgoing lane, with all that a lane can have.
pub(crate) fn outgoing() -> LaneRow {
    LaneRow {
        linked: position(SETTLED, 0x18),
        linked_block: BlockNumber::new(1_000_000),
        term: Some(Term { start: BlockNumber::new(999_936), start_hash: B256::repeat_byte(0x99) }),
        settled: position(SETTLED, 0x18),
        conflict: Some(conflict()),
    }
}

/// The incoming lane, with nothing that it need not have.
pub(crate) fn incoming() -> LaneRow {
    LaneRow {
        linked: position(0, 0),
        linked_block: BlockNumber::new(0),
        term: None,
        settled: position(0, 0),
        conflict: None,
    }
}

/// A request of the outgoing lane. The first two are of one transaction.
pub(crate) fn request(nonce: u64) -> LinkedRequest {
    let n = u8::try_from(nonce).expect("few requests");
    let kinds = [AssetKind::Native, AssetKind::Erc20, AssetKind::Erc721, AssetKind::Erc1155];
    let kind = kinds[usize::from(n) % kinds.len()];
    let request = Request {
        nonce: Nonce::new(nonce),
        kind,
        sender: Address::repeat_byte(0xa0 + n),
        recipient: Address::repeat_byte(0xb0 + n),
        token: if kind == AssetKind::Native { NATIVE_COIN } else { Address::repeat_byte(0xc0 + n) },
        counterpart_token: Address::repeat_byte(0xd0 + n),
        amount: U256::MAX >> (8 * usize::from(n)),
        payload: Bytes::from(vec![n; [0, 0, 32, 2_600][usize::from(n) % 4]]),
    };
    LinkedRequest {
        hash: request.hash(),
        sourced: SourcedRequest {
            block: BlockNumber::new(500 + nonce / 2),
            stamp: BlockStamp::default(),
            transaction: transaction(nonce),
            emitted_head: B256::repeat_byte(0x10 + n),
            request,
        },
        after: position(nonce + 1, 0x10 + n),
        ends_block: nonce % 2 == 1,
    }
}

/// The source transaction of a request.
pub(crate) fn transaction(nonce: u64) -> B256 {
    B256::repeat_byte(0xe0 + u8::try_from(nonce.max(1)).expect("few requests"))
}

/// Everything that the destination did with the outgoing lane, and one handover of a history that is gone.
pub(crate) fn settlements() -> Vec<Settlement> {
    let at = |block, event| Settlement {
        event,
        block: BlockNumber::new(block),
        stamp: BlockStamp::default(),
        transaction: B256::repeat_byte(u8::try_from(block % 256).expect("below 256")),
    };
    let handed_over = |nonce| SettlementEvent::HandedOver {
        nonce: Nonce::new(nonce),
        recipient: Address::repeat_byte(0xb0),
        amount: U256::from(nonce + 1) << 100,
    };
    let mut events = vec![at(700, handed_over(0))];
    for (reason, nonce) in REASONS.into_iter().zip(1..) {
        let earliest = [0, u64::MAX, 1_760_000_000][usize::try_from(nonce).expect("few") % 3];
        let request_hash = request(nonce).hash;
        let nonce = Nonce::new(nonce);
        events.push(at(701, SettlementEvent::Parked { nonce, request_hash, reason, earliest }));
    }
    events.push(at(
        701,
        SettlementEvent::BatchDelivered {
            first: Nonce::new(0),
            count: Count::new(SETTLED),
            head: B256::repeat_byte(0x18),
            submitter: Address::repeat_byte(0x55),
        },
    ));
    events.push(at(
        720,
        SettlementEvent::Released { nonce: Nonce::new(1), recipient: Address::repeat_byte(0x77) },
    ));
    let returned = SettlementEvent::Returned { nonce: Nonce::new(2), return_nonce: Nonce::new(40) };
    events.push(at(730, returned));
    events.push(at(690, handed_over(SETTLED)));
    events
}

/// A signature of the outgoing lane.
pub(crate) fn attestation(signer: u8, epoch: u64, count: u64) -> Attestation {
    let position = position(count, u8::try_from(count % 256).expect("below 256"));
    let checkpoint = Checkpoint { lane: lane(), epoch: Epoch::new(epoch), position };
    *member(signer).sign(checkpoint).get()
}

/// Of several members, epochs and counts; the first is voided by a decision.
pub(crate) fn attestations() -> Vec<Attestation> {
    vec![
        attestation(7, 1, 12),
        attestation(7, 1, 64),
        attestation(8, 1, 64),
        attestation(9, 1, 64),
        attestation(7, 2, 64),
        attestation(8, 2, 300),
    ]
}

/// Decisions of humans.
pub(crate) fn decisions() -> Vec<DecisionRow> {
    vec![
        DecisionRow {
            at: 1_760_000_000_123,
            reason: "the chain's operator rolled it back: Ωμέγα".to_owned(),
            conflict: conflict(),
            voided: vec![attestation(7, 1, 12)],
        },
        DecisionRow { at: u64::MAX, reason: String::new(), conflict: conflict(), voided: vec![] },
    ]
}

/// All of it, but for transactions.
pub(crate) fn writes() -> Vec<Write> {
    let id = lane().id();
    let mut writes = vec![
        Write::Lane(id, outgoing()),
        Write::Lane(lane().reverse().id(), incoming()),
        Write::Linked(id, (0..=SETTLED).map(request).collect()),
        Write::Unlinked(id, Count::new(SETTLED)),
        Write::Settled(id, settlements()),
    ];
    writes.extend(attestations().into_iter().map(Write::Attestation));
    writes.extend(decisions().into_iter().map(|decision| Write::Decision(id, decision)));
    writes
}
