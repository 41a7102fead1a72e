//! Reading a bridge from nodes that lie, lag or limit: strict decoding, ranges, quorum.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::support;
use crate::support::bridge::{
    BRIDGE, CHAIN_ID, NEWEST, OTHER, asked, basics, handed_over, log, number, requested, stood_at,
};
use crate::support::connect;
use crate::support::wire::{Answer, wire};
use alloy::primitives::{B256, Bytes, U64, U256, b256, keccak256};
use alloy::sol_types::SolCall;
use serde_json::{Value, json};
use twinspan_bridge::ids::{BlockNumber, BlockRef, ChainId, Count, Nonce};
use twinspan_bridge::observe::{BridgeRead, SettlementEvent};
use twinspan_chains::evm::LogFault;
use twinspan_chains::rpc::RpcService;
use twinspan_chains::{ChainConfig, ConnectError, Disposition, EvmChain, ReadError, RpcFault};
use twinspan_contracts::abi::Bridge;

const TO: BlockRef = NEWEST;

/// The block before those that are read.
const AFTER: BlockNumber = BlockNumber::new(10);

/// A node that serves these logs where it is asked for their blocks, those of no block that is read whatever is
/// asked, and a fixed state.
fn node(logs: Vec<Value>) -> RpcService {
    wire(move |method, params| match method {
        "eth_getLogs" => {
            let asked = asked(params, TO.number.get());
            let read = AFTER.get() + 1..=TO.number.get();
            let is_served = |log: &&Value| {
                number(&log["blockNumber"])
                    .is_none_or(|block| asked.contains(&block) || !read.contains(&block))
            };
            Answer::Result(logs.iter().filter(is_served).cloned().collect())
        }
        _ => basics(method, params),
    })
}

async fn read(logs: Vec<Value>) -> Result<BridgeRead, ReadError> {
    let chain = connect(support::config(CHAIN_ID, 1), vec![node(logs)]).await;
    chain.read_bridge(BRIDGE, AFTER, TO).await
}

async fn log_fault(logs: Vec<Value>) -> LogFault {
    match read(logs).await {
        Err(ReadError::Log(fault)) => fault,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn events_come_in_the_order_of_the_chain() {
    let delivered = Bridge::BatchDelivered {
        firstNonce: 4,
        count: 5,
        head: B256::repeat_byte(2),
        submitter: OTHER,
    };
    let logs = vec![
        log(&requested(2), 12, 4),
        log(&delivered, 13, 1),
        log(&handed_over(4), 13, 0),
        log(&requested(1), 12, 3),
        log(&Bridge::Unpaused { by: OTHER }, 12, 9),
    ];
    let read = read(logs).await.expect("read");
    let nonces: Vec<_> = read.requests.iter().map(|sourced| sourced.request.nonce).collect();
    assert_eq!(nonces, [Nonce::new(1), Nonce::new(2)]);
    assert_eq!(read.requests[0].block, BlockNumber::new(12));
    assert_eq!(read.settlements.len(), 2);
    assert!(matches!(
        read.settlements[1].event,
        SettlementEvent::BatchDelivered { count, .. } if count == Count::new(5)
    ));
    assert_eq!(read.state.outgoing.count, Count::new(3));
}

#[tokio::test]
async fn a_recorded_attestation_names_its_lane() {
    let event = Bridge::AttestationRecorded {
        epoch: 1,
        count: 7,
        signer: OTHER,
        head: B256::repeat_byte(5),
        signature: Bridge::Signature { r: B256::repeat_byte(6), vs: B256::repeat_byte(7) },
    };
    let read = read(vec![log(&event, 12, 0)]).await.expect("read");
    let lane = read.recorded[0].checkpoint.lane;
    assert_eq!(lane.source.chain_id, ChainId::new(10));
    assert_eq!(lane.source.address, OTHER);
    assert_eq!(lane.destination.address, BRIDGE);
    assert_eq!(read.recorded[0].signature.vs, B256::repeat_byte(7));
}

#[tokio::test]
async fn a_log_of_another_emitter_is_refused() {
    let mut forged = log(&requested(1), 12, 0);
    forged["address"] = json!(OTHER);
    let fault = log_fault(vec![forged]).await;
    assert_eq!(fault, LogFault::Emitter { got: OTHER, want: BRIDGE });
    assert_eq!(ReadError::from(fault).disposition(), Disposition::Quarantine);
}

#[tokio::test]
async fn a_request_or_handover_that_no_lane_reaches_is_refused() {
    let delivered = |first, count| Bridge::BatchDelivered {
        firstNonce: first,
        count,
        head: B256::repeat_byte(2),
        submitter: OTHER,
    };
    let released =
        Bridge::HandoverReleased { nonce: u64::MAX, recipient: OTHER, amount: U256::ONE };
    let forged = [
        log(&requested(u64::MAX), 12, 0),
        log(&handed_over(u64::MAX), 12, 0),
        log(&delivered(u64::MAX, 5), 12, 0),
        log(&delivered(4, u64::MAX), 12, 0),
        log(&released, 12, 0),
    ];
    for log in forged {
        let topic: B256 = serde_json::from_value(log["topics"][0].clone()).expect("a topic");
        let want = LogFault::Unreached { topic, number: u64::MAX };
        assert_eq!(log_fault(vec![log]).await, want);
    }
}

#[tokio::test]
async fn a_log_of_a_block_that_no_chain_reaches_is_refused() {
    for field in ["blockNumber", "logIndex"] {
        let mut forged = log(&requested(1), 12, 0);
        forged[field] = json!(U64::MAX);
        let refused = read(vec![forged]).await;
        assert!(matches!(refused, Err(ReadError::Rpc(RpcFault::Malformed(_)))), "{refused:?}");
    }
}

#[tokio::test]
async fn a_count_that_no_lane_reaches_is_refused() {
    for (outgoing, incoming) in [(u64::MAX, 5), (3, u64::MAX)] {
        let node = wire(move |method, params| match method {
            "eth_call" => Answer::Result(json!(Bytes::from(stood_at(outgoing, incoming)))),
            _ => basics(method, params),
        });
        let chain = connect(support::config(CHAIN_ID, 1), vec![node]).await;
        let want = "requests of a lane: 18446744073709551615 is more than any chain counts";
        let refused = chain.bridge_state(BRIDGE, TO).await;
        assert_eq!(refused, Err(RpcFault::Malformed(want.to_owned())));
    }
}

#[tokio::test]
async fn a_removed_or_pending_log_is_refused() {
    let mut removed = log(&requested(1), 12, 0);
    removed["removed"] = json!(true);
    assert_eq!(log_fault(vec![removed]).await, LogFault::Unsettled);
    let mut pending = log(&requested(1), 12, 0);
    pending["blockNumber"] = Value::Null;
    assert_eq!(log_fault(vec![pending]).await, LogFault::Unsettled);
}

#[tokio::test]
async fn a_log_outside_the_range_is_refused() {
    for block in [10, 21] {
        let fault = log_fault(vec![log(&requested(1), block, 0)]).await;
        assert!(matches!(fault, LogFault::OutOfRange { .. }), "{fault}");
    }
}

#[tokio::test]
async fn a_log_of_another_fork_is_refused() {
    let mut other_fork = log(&requested(1), TO.number.get(), 0);
    other_fork["blockHash"] = json!(B256::repeat_byte(99));
    assert!(matches!(log_fault(vec![other_fork]).await, LogFault::OtherFork { .. }));
}

#[tokio::test]
async fn a_log_served_twice_is_refused() {
    let log = log(&requested(1), 12, 0);
    assert!(matches!(log_fault(vec![log.clone(), log]).await, LogFault::Duplicate { .. }));
}

#[tokio::test]
async fn data_that_the_contract_does_not_encode_is_refused() {
    let good = log(&requested(1), 12, 0);
    let data = good["data"].as_str().expect("hex").to_owned();
    let mut cases = Vec::new();
    // Too short, too long, empty.
    for data in
        [data[..data.len() - 64].to_owned(), format!("{data}{}", "00".repeat(32)), "0x".into()]
    {
        let mut bad = good.clone();
        bad["data"] = json!(data);
        cases.push(bad);
    }
    // An unknown kind of asset, and dirty bits above it.
    let word = |n: usize| 2 + 64 * n..2 + 64 * (n + 1);
    for kind in [format!("{:064x}", 0), format!("{:064x}", 9), format!("{:064x}", 0x102)] {
        let mut bad = good.clone();
        let mut data = data.clone();
        data.replace_range(word(0), &kind);
        bad["data"] = json!(data);
        cases.push(bad);
    }
    // Dirty bits above an address, in the data and in a topic.
    let mut bad = good.clone();
    let mut dirty = data.clone();
    dirty.replace_range(word(1), &format!("01{}", &data[word(1)][2..]));
    bad["data"] = json!(dirty);
    cases.push(bad);
    let mut bad = good.clone();
    bad["topics"][2] =
        json!(b256!("0100000000000000000000000101010101010101010101010101010101010101"));
    cases.push(bad);
    // A topic too few, and one too many.
    let mut bad = good.clone();
    bad["topics"].as_array_mut().expect("topics").pop();
    cases.push(bad);
    let mut bad = good.clone();
    bad["topics"].as_array_mut().expect("topics").push(json!(B256::ZERO));
    cases.push(bad);
    for bad in cases {
        let fault = log_fault(vec![bad.clone()]).await;
        assert!(matches!(fault, LogFault::Malformed { .. }), "{bad}: {fault}");
    }
}

#[tokio::test]
async fn an_unknown_event_of_the_bridge_is_let_be() {
    let mut unknown = log(&requested(1), 12, 0);
    unknown["topics"] = json!([keccak256("SomethingNew(uint256)")]);
    let read = read(vec![unknown]).await.expect("read");
    assert!(read.requests.is_empty() && read.settlements.is_empty());
}

#[tokio::test]
async fn an_empty_answer_of_a_lagging_node_is_refused_and_another_one_asked() {
    // Both serve the state after block 20; the first one has no logs of it yet.
    let delivered = Bridge::BatchDelivered {
        firstNonce: 4,
        count: 5,
        head: B256::repeat_byte(2),
        submitter: OTHER,
    };
    let logs = vec![log(&handed_over(4), 20, 0), log(&delivered, 20, 1)];
    let earlier = BlockRef { number: BlockNumber::new(19), hash: B256::repeat_byte(19) };
    let lagging = wire(move |method, params| match method {
        "eth_getLogs" => Answer::Result(json!([])),
        "eth_call" if params[1]["blockHash"] == json!(earlier.hash) => {
            let before = Bridge::positionsCall::abi_encode_returns(&Bridge::positionsReturn {
                incoming: Bridge::LanePosition { count: 4, head: B256::repeat_byte(1) },
                outgoing: Bridge::LanePosition { count: 3, head: B256::repeat_byte(1) },
                epoch: 1,
                pausedUntil: 0,
            });
            Answer::Result(json!(alloy::primitives::hex::encode_prefixed(before)))
        }
        _ => basics(method, params),
    });
    let chain = connect(support::config(CHAIN_ID, 2), vec![lagging, node(logs)]).await;
    chain.read_bridge(BRIDGE, BlockNumber::new(10), earlier).await.expect("nothing happened yet");
    let refused = chain.read_bridge(BRIDGE, earlier.number, TO).await;
    assert!(matches!(refused, Err(ReadError::Incomplete(_))), "{refused:?}");
    let read = chain.read_bridge(BRIDGE, earlier.number, TO).await.expect("by the other endpoint");
    assert_eq!(read.settlements.len(), 2);
}

/// A node that at its newest block tells of the state after the next one is not believed for ever.
#[tokio::test]
async fn a_state_that_was_told_too_early_is_asked_for_again() {
    let early = BlockRef { number: BlockNumber::new(15), hash: B256::repeat_byte(15) };
    let delivered = Bridge::BatchDelivered {
        firstNonce: 4,
        count: 5,
        head: B256::repeat_byte(2),
        submitter: OTHER,
    };
    let logs = [log(&handed_over(4), 16, 0), log(&delivered, 16, 1)];
    let asked = Arc::new(AtomicU64::new(0));
    let node = wire(move |method, params| match method {
        "eth_getLogs" if params[0]["toBlock"] == json!("0x10") => {
            Answer::Result(Value::Array(logs.to_vec()))
        }
        "eth_getLogs" => Answer::Result(json!([])),
        "eth_call" if params[1]["blockHash"] == json!(early.hash) => {
            let is_first = asked.fetch_add(1, Ordering::Relaxed) == 0;
            let incoming = if is_first { 5 } else { 4 };
            Answer::Result(json!(alloy::primitives::hex::encode_prefixed(stood_at(3, incoming))))
        }
        _ => basics(method, params),
    });
    let config = ChainConfig { log_range_max: 1, ..support::config(CHAIN_ID, 1) };
    let chain = connect(config, vec![node]).await;
    let first = chain.read_bridge(BRIDGE, AFTER, early).await.expect("nothing contradicts it");
    assert_eq!(first.state.incoming.count, Count::new(5));
    let second = chain.read_bridge(BRIDGE, early.number, TO).await.expect("it is asked again");
    assert_eq!(second.settlements.len(), 2);
}

#[tokio::test]
async fn a_single_block_is_asked_for_by_its_hash() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    let node = wire(move |method, params| match method {
        "eth_getLogs" => {
            seen.lock().expect("not poisoned").push(params[0].clone());
            Answer::Result(json!([]))
        }
        _ => basics(method, params),
    });
    let chain = connect(support::config(CHAIN_ID, 1), vec![node]).await;
    let before = chain.calls().total();
    chain.read_bridge(BRIDGE, TO.number.minus(1), TO).await.expect("read");
    assert_eq!(chain.calls().total() - before, 2, "one for the logs, one for the state");
    assert_eq!(asked.lock().expect("not poisoned")[0]["blockHash"], json!(TO.hash));
}

#[tokio::test(start_paused = true)]
async fn a_range_that_is_too_large_is_split_and_grows_again() {
    let spans = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&spans);
    let node = wire(move |method, params| {
        if method != "eth_getLogs" {
            return basics(method, params);
        }
        if params[0].get("blockHash").is_some() {
            return Answer::Result(json!([]));
        }
        let asked = asked(params, 0);
        let span = asked.end() - asked.start() + 1;
        seen.lock().expect("not poisoned").push(span);
        if span > 100 {
            return Answer::Error(-32005, "query returned more than 10000 results".to_owned());
        }
        Answer::Result(json!([]))
    });
    let chain = connect(support::config(CHAIN_ID, 1), vec![node]).await;
    let to = BlockRef { number: BlockNumber::new(5_000), hash: B256::repeat_byte(7) };
    chain.read_bridge(BRIDGE, BlockNumber::new(0), to).await.expect("read");
    let spans = spans.lock().expect("not poisoned");
    let answered: u64 = spans.iter().filter(|span| **span <= 100).sum();
    assert!((4_999..=5_000).contains(&answered), "every block once, not {answered}");
    assert!(spans.len() < 150, "{} calls", spans.len());
}

#[tokio::test(start_paused = true)]
async fn state_is_believed_only_with_a_quorum() {
    let honest = || node(Vec::new());
    let liar = || {
        wire(|method, params| match method {
            "eth_call" => {
                Answer::Result(json!(alloy::primitives::hex::encode_prefixed(stood_at(4, 5))))
            }
            _ => basics(method, params),
        })
    };
    let broken = || {
        wire(|method, params| match method {
            "eth_call" => Answer::Broken,
            _ => basics(method, params),
        })
    };
    let config = || ChainConfig { quorum: 2, ..support::config(CHAIN_ID, 3) };
    let ask = |nodes: Vec<RpcService>| async move {
        let chain = connect(config(), nodes).await;
        chain.bridge_state(BRIDGE, TO).await
    };
    let state = ask(vec![liar(), honest(), honest()]).await.expect("two agree");
    assert_eq!(state.outgoing.count, Count::new(3));
    let fault = ask(vec![liar(), honest(), broken()]).await.expect_err("one each");
    assert_eq!(fault, RpcFault::Disagreement { want: 2, agreed: 1 });
    let fault = ask(vec![broken(), honest(), broken()]).await.expect_err("one alone");
    assert_eq!(fault, RpcFault::QuorumUnavailable { want: 2, answered: 1 });
}

#[tokio::test]
async fn what_is_no_bridge_is_told() {
    let empty = wire(|method, params| match method {
        "eth_call" => Answer::Result(json!("0x")),
        _ => basics(method, params),
    });
    let chain = connect(support::config(CHAIN_ID, 1), vec![empty]).await;
    let fault = chain.bridge_state(BRIDGE, TO).await.expect_err("no bridge");
    assert!(matches!(fault, RpcFault::Malformed(_)), "{fault}");
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_of_another_chain_is_named() {
    let other = wire(|method, _| match method {
        "eth_chainId" => Answer::Result(json!("0x1")),
        _ => Answer::Broken,
    });
    let connected =
        EvmChain::connect_over(support::config(CHAIN_ID, 2), vec![node(Vec::new()), other]).await;
    let Err(ConnectError::WrongChain { endpoint, got, want, .. }) = connected else {
        panic!("not refused: {connected:?}");
    };
    assert_eq!(endpoint, "node-1");
    assert_eq!((got, want), (ChainId::new(1), ChainId::new(CHAIN_ID)));
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_is_down_at_the_start_does_not_prevent_it() {
    let down = || wire(|_, _| Answer::Broken);
    let config = || support::config(CHAIN_ID, 2);
    let chain = EvmChain::connect_over(config(), vec![down(), node(Vec::new())]).await;
    assert_eq!(chain.expect("connects").latest().await.expect("answers"), TO);
    let connected = EvmChain::connect_over(config(), vec![down(), down()]).await;
    assert!(matches!(connected, Err(ConnectError::Unreachable { answering: 0, .. })));
}
