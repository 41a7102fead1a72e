//! Examples of the status.

use alloy_primitives::U256;
use twinspan_api::chain::{Account, Chain, ChainState, Condition, Endpoint, EndpointState};
use twinspan_api::lane::{Abstaining, BridgeAt, Hold, Lane, LaneStatus, Position, Reason, Span};
use twinspan_api::status::{Configuration, Pair, Status};

use super::{CHAIN, address, hash};

pub(crate) fn holds() -> Vec<Hold> {
    vec![
        Hold::DestinationDiverged,
        Hold::Recovering,
        Hold::RelayerSetUnknown,
        Hold::NotAMember,
        Hold::Paused,
        Hold::Reorganised { up_to: 7 },
    ]
}

pub(crate) fn status() -> Status {
    Status {
        name: "operator-a".to_owned(),
        version: "0.1.0".to_owned(),
        relayer: address(0x0a),
        uptime_seconds: 86_400,
        configuration: Configuration {
            since: 1_764_100_000,
            refused: Some("log.format: `xml`".to_owned()),
        },
        pairs: vec![Pair { name: "demo".to_owned(), lanes: vec![lane(), lane_starting()] }],
        chains: vec![chain(), chain_starting()],
    }
}

pub(crate) fn status_starting() -> Status {
    Status {
        configuration: Configuration { since: 1_764_100_000, refused: None },
        pairs: vec![Pair {
            name: "demo".to_owned(),
            lanes: vec![Lane { status: None, ..lane_starting() }],
        }],
        chains: Vec::new(),
        ..status()
    }
}

const fn bridge(chain_id: u64, n: u8) -> BridgeAt {
    BridgeAt { chain_id, address: alloy_primitives::Address::new([n; 20]) }
}

fn lane() -> Lane {
    let position = |count, n| Position { count, head: hash(n) };
    let status = LaneStatus {
        linked: position(130, 0x13),
        linked_block: 1_400_000,
        newest: position(128, 0x12),
        settled: position(120, 0x11),
        certified: 129,
        attested: Some(130),
        waiting_signers: vec![address(0x0a), address(0x0b)],
        threshold: 3,
        members: vec![address(0x0a), address(0x0b), address(0x0c), address(0x0d)],
        epoch: 2,
        rank: Some(0),
        submitting: Some(Span { from: 128, to: 129 }),
        in_flight: 1,
        posted: 1,
        window: 10,
        hold: Some(Hold::Reorganised { up_to: 130 }),
    };
    Lane {
        name: "demo/main→service".to_owned(),
        id: hash(0x01),
        source: bridge(CHAIN, 0x51),
        destination: bridge(1_001, 0x52),
        requested: 131,
        pending_seconds: 1.5,
        alarms: vec!["a member signed another history".to_owned()],
        status: Some(status),
        abstains: Some(Reason::Reorganised),
        abstentions: vec![Abstaining {
            relayer: address(0x0b),
            reason: Reason::SourceStale,
            count: 128,
        }],
    }
}

fn lane_starting() -> Lane {
    Lane {
        name: "demo/service→main".to_owned(),
        id: hash(0x02),
        source: bridge(1_001, 0x52),
        destination: bridge(CHAIN, 0x51),
        requested: 0,
        pending_seconds: 0.0,
        alarms: Vec::new(),
        status: Some(LaneStatus {
            linked: Position { count: 0, head: hash(0x02) },
            linked_block: 0,
            newest: Position { count: 0, head: hash(0x02) },
            settled: Position { count: 0, head: hash(0x02) },
            certified: 0,
            attested: None,
            waiting_signers: Vec::new(),
            threshold: 0,
            members: Vec::new(),
            epoch: 0,
            rank: None,
            submitting: None,
            in_flight: 0,
            posted: 0,
            window: 0,
            hold: None,
        }),
        abstains: None,
        abstentions: Vec::new(),
    }
}

fn chain() -> Chain {
    let endpoint = |label: &str, state| Endpoint {
        label: label.to_owned(),
        provider: "acme".to_owned(),
        state,
    };
    Chain {
        name: "main".to_owned(),
        chain_id: CHAIN,
        truth: "proof of 2".to_owned(),
        condition: Condition {
            state: ChainState::Live,
            still_seconds: 3,
            endpoints: vec![
                endpoint("own node", EndpointState::Up),
                endpoint("spare", EndpointState::Lagging),
            ],
            advice: "spare lagging".to_owned(),
        },
        head: Some(1_400_064),
        head_timestamp: Some(1_764_100_012),
        accounts: vec![
            Account {
                address: address(0x5a),
                pending_transactions: 2,
                oldest_transaction_seconds: Some(12),
                balance: Some(U256::from(10_u128.pow(20) + 1)),
                runway_seconds: Some(604_800),
            },
            Account {
                address: address(0x5b),
                pending_transactions: 0,
                oldest_transaction_seconds: None,
                balance: None,
                runway_seconds: None,
            },
        ],
        rpc_calls: 1_234,
    }
}

fn chain_starting() -> Chain {
    Chain {
        name: "service".to_owned(),
        chain_id: 1_001,
        truth: "single".to_owned(),
        condition: Condition {
            state: ChainState::Starting,
            still_seconds: 0,
            endpoints: Vec::new(),
            advice: String::new(),
        },
        head: None,
        head_timestamp: None,
        accounts: Vec::new(),
        rpc_calls: 0,
    }
}
