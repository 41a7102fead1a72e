//! Examples of the operator's socket.

use alloy_primitives::Bytes;
use twinspan_api::decision::{Attestation, Conflict, Decision, LaneDecisions, Resume};
use twinspan_api::lane::{Position, Standing};
use twinspan_api::order::Done;
use twinspan_api::transaction::{Fees, Intent, Outcome, Pending, Sibling, State, Transaction};

use super::{address, hash};

/// More wei per gas than a JavaScript number holds.
const DYNAMIC: Fees = Fees::Dynamic { max_fee: 10_000_000_000_000_001, tip: 1_000_000_000 };
const LEGACY: Fees = Fees::Legacy { gas_price: 0 };

pub(crate) fn pending() -> Vec<Pending> {
    let unsigned = Pending {
        chain: "main".to_owned(),
        account: address(0x5a),
        nonce: 18,
        label: "deliver 8..9".to_owned(),
        transaction: None,
        fees: None,
        siblings: 0,
        created_at: 1_764_100_000,
        waits_for: Some("the signer".to_owned()),
    };
    let signed = Pending {
        nonce: 17,
        transaction: Some(hash(0x61)),
        fees: Some(DYNAMIC),
        siblings: 2,
        waits_for: None,
        ..unsigned.clone()
    };
    vec![signed, unsigned]
}

pub(crate) fn transactions() -> Vec<Transaction> {
    let mined = Outcome::Mined { transaction: hash(0x61), block: 98_000, gas_used: 121_096 };
    let reverted = Outcome::Reverted {
        transaction: hash(0x61),
        block: 98_000,
        gas_used: 60_000,
        data: Bytes::from_static(&[0xde, 0xad, 0xbe, 0xef]),
    };
    let abandoned = Outcome::Abandoned { reason: "cancelled".to_owned() };
    let included = |outcome| State::Included { block: 98_000, block_hash: hash(0x62), outcome };
    let full = |state| Transaction {
        nonce: 17,
        intent: Some(Intent {
            id: hash(0x63),
            to: address(0x52),
            input: Bytes::from_static(&[0x01, 0x02]),
            gas_limit: 16_777_216,
            label: "deliver 8..9".to_owned(),
        }),
        siblings: vec![Sibling {
            raw: Bytes::from_static(&[0x02]),
            hash: hash(0x61),
            fees: DYNAMIC,
            fills: false,
        }],
        state,
        given_up: None,
        created_at: 1_764_100_000,
    };
    let filler = Transaction {
        intent: None,
        siblings: vec![Sibling { raw: Bytes::new(), hash: hash(0x64), fees: LEGACY, fills: true }],
        given_up: Some("dropped by the operator".to_owned()),
        ..full(State::Abandoned { reason: "its account nonce is used".to_owned() })
    };
    vec![
        full(State::Pending),
        full(included(mined.clone())),
        full(included(reverted)),
        full(State::Settled { outcome: mined }),
        full(State::Settled { outcome: abandoned }),
        filler,
    ]
}

pub(crate) fn done() -> Vec<Done> {
    vec![
        Done { transaction: Some(hash(0x61)), fees: Some(LEGACY) },
        Done { transaction: None, fees: None },
    ]
}

pub(crate) fn resume() -> Resume {
    Resume { lane: "demo/main→service".to_owned(), reason: "all nodes agree".to_owned() }
}

pub(crate) fn decision() -> Decision {
    Decision {
        at: 1_764_100_000_123,
        reason: "all nodes agree".to_owned(),
        conflict: Conflict {
            epoch: 2,
            highest_attested: 130,
            linked: Position { count: 130, head: hash(0x13) },
            contract: Position { count: 129, head: hash(0x14) },
        },
        voided: vec![Attestation {
            epoch: 2,
            count: 130,
            head: hash(0x13),
            signer: address(0x0a),
            r: hash(0x71),
            vs: hash(0x72),
        }],
    }
}

pub(crate) fn lanes() -> Vec<LaneDecisions> {
    let well = LaneDecisions {
        name: "demo/main→service".to_owned(),
        id: hash(0x01),
        is: Standing::Ok,
        why: String::new(),
        decisions: Vec::new(),
    };
    let decided = LaneDecisions {
        is: Standing::Certifying,
        why: "2 requests; 1 of 3 attestations".to_owned(),
        decisions: vec![decision()],
        ..well.clone()
    };
    vec![well, decided]
}
