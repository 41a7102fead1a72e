//! Following a bridge's events where the state of old blocks is gone: what they do not lead to is not believed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::support;
use crate::support::bridge::{BRIDGE, CHAIN_ID, OTHER, asked, handed_over, header, log, requested};
use crate::support::wire::{Answer, wire};
use alloy::primitives::{B256, U64, U256, hex};
use alloy::sol_types::SolCall;
use serde_json::{Value, json};
use twinspan_bridge::ids::{BlockNumber, BlockRef, Count, Epoch, Nonce};
use twinspan_bridge::lane_head::LanePosition;
use twinspan_bridge::observe::{BridgeState, Milestone};
use twinspan_bridge::request::{AssetKind, Request};
use twinspan_chains::rpc::RpcService;
use twinspan_chains::{ChainConfig, EvmChain, ReadError};
use twinspan_contracts::abi::Bridge;

const TO: BlockRef = BlockRef { number: BlockNumber::new(90), hash: B256::repeat_byte(90) };
const START: Milestone = Milestone {
    block: BlockNumber::new(0),
    outgoing: LanePosition { count: Count::new(0), head: B256::repeat_byte(1) },
    incoming: LanePosition { count: Count::new(0), head: B256::repeat_byte(2) },
};

/// A request in each of the blocks 5, 15, …, 85 and a batch of one in each of 8, 28, 48, 68.
fn history() -> Vec<(u64, Value)> {
    let requests = (0..9).map(|n| {
        let block = 5 + 10 * n;
        (block, log(&requested(n), block, 0))
    });
    let batches = (0..4).flat_map(|n| {
        let block = 8 + 20 * n;
        let delivered = Bridge::BatchDelivered {
            firstNonce: n,
            count: n + 1,
            head: B256::repeat_byte(100 + n as u8),
            submitter: OTHER,
        };
        [(block, log(&handed_over(n), block, 0)), (block, log(&delivered, block, 1))]
    });
    let mut history: Vec<_> = requests.chain(batches).collect();
    history.sort_by_key(|(block, _)| *block);
    history
}

fn outgoing(count: u64) -> LanePosition {
    (0..count).fold(START.outgoing, |at, nonce| {
        let event = requested(nonce);
        let request = Request {
            nonce: Nonce::new(nonce),
            kind: AssetKind::from_u8(event.kind).expect("a kind"),
            sender: event.sender,
            recipient: event.recipient,
            token: event.token,
            counterpart_token: event.counterpartToken,
            amount: event.amount,
            payload: event.payload,
        };
        at.link(request.hash())
    })
}

/// Requests and handed over ones after a block.
fn stood(block: u64) -> (u64, u64) {
    let before = |first: u64, every: u64, all: u64| {
        block.checked_sub(first).map_or(0, |past| (past / every + 1).min(all))
    };
    (before(5, 10, 9), before(8, 20, 4))
}

/// A node that serves these logs, and state of the block [`TO`] alone.
fn pruned(history: Vec<(u64, Value)>) -> RpcService {
    pruned_but(history, |_| false)
}

/// The same, which does not answer for logs from the blocks on for which `fails` says so.
fn pruned_but(
    history: Vec<(u64, Value)>,
    fails: impl Fn(u64) -> bool + Clone + Send + Sync + 'static,
) -> RpcService {
    wire(move |method, params| {
        let result = match method {
            "eth_chainId" => json!(U64::from(CHAIN_ID)),
            "eth_blockNumber" => json!(U64::from(TO.number.get())),
            "eth_getBlockByNumber" => header(TO.number.get(), TO.hash),
            "eth_getLogs" => {
                let asked = asked(params, TO.number.get());
                if fails(*asked.start()) {
                    return Answer::Broken;
                }
                history
                    .iter()
                    .filter(|(block, _)| asked.contains(block))
                    .map(|(_, log)| log.clone())
                    .collect()
            }
            "eth_call" if params[1]["blockHash"] == json!(TO.hash) => {
                let outgoing = outgoing(9);
                let positions = Bridge::positionsReturn {
                    outgoing: Bridge::LanePosition { count: 9, head: outgoing.head },
                    incoming: Bridge::LanePosition { count: 4, head: B256::repeat_byte(103) },
                    epoch: 1,
                    pausedUntil: 0,
                };
                json!(hex::encode_prefixed(Bridge::positionsCall::abi_encode_returns(&positions)))
            }
            "eth_call" => return Answer::Error(-32_000, "missing trie node 2e (path )".to_owned()),
            _ => return Answer::Error(-32_601, format!("no method {method}")),
        };
        Answer::Result(result)
    })
}

async fn connect(nodes: Vec<RpcService>) -> EvmChain {
    let config = ChainConfig { log_range_max: 10, ..support::config(CHAIN_ID, nodes.len()) };
    EvmChain::connect_over(config, nodes).await.expect("connects")
}

#[tokio::test]
async fn milestones_are_where_the_lanes_stood() {
    let chain = connect(vec![pruned(history())]).await;
    let old = BlockRef { number: BlockNumber::new(10), hash: B256::repeat_byte(10) };
    let fault = chain.read_bridge(BRIDGE, START.block, old).await.expect_err("no state");
    assert!(fault.is_stateless(), "{fault}");

    let mut milestones = Vec::new();
    let proven = chain.survey(BRIDGE, START, TO, &mut milestones).await.expect("leads there");
    assert_eq!(proven.outgoing, outgoing(9));
    assert!(milestones.len() > 4, "{milestones:?}");
    assert_eq!(milestones.last().map(|milestone| milestone.block), Some(TO.number));
    let mut after = START.block;
    for milestone in milestones {
        let number = milestone.block;
        let (asked, batches) = stood(number.get());
        assert_eq!(milestone.outgoing, outgoing(asked));
        assert_eq!(milestone.incoming.count.get(), batches);
        let to = BlockRef { number, hash: B256::repeat_byte(number.get() as u8) };
        let (outgoing, incoming) = (milestone.outgoing, milestone.incoming);
        let state = BridgeState { outgoing, incoming, epoch: Epoch::new(1), paused_until: 0 };
        let read = chain.read_bridge_known(BRIDGE, after, to, state).await.expect("reads");
        assert_eq!(read.requests.len() as u64, asked - stood(after.get()).0);
        after = number;
    }
}

#[tokio::test(start_paused = true)]
async fn a_survey_that_broke_off_goes_on_where_it_was() {
    let calls = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&calls);
    let breaks_at = 60;
    let is_down = Arc::new(AtomicBool::new(true));
    let down = Arc::clone(&is_down);
    let node = pruned_but(history(), move |from| {
        counted.fetch_add(1, Ordering::Relaxed);
        from >= breaks_at && down.load(Ordering::Relaxed)
    });
    let chain = connect(vec![node]).await;
    let mut milestones = Vec::new();
    let fault = chain.survey(BRIDGE, START, TO, &mut milestones).await.expect_err("it is down");
    assert!(matches!(fault, ReadError::Rpc(_)), "{fault}");
    let last = milestones.last().expect("some way").block.get();
    assert!((40..70).contains(&last), "{last}");
    is_down.store(false, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs(60)).await;
    calls.store(0, Ordering::Relaxed);
    let proven = chain.survey(BRIDGE, START, TO, &mut milestones).await.expect("goes on");
    assert_eq!(proven.outgoing, outgoing(9));
    assert!(calls.load(Ordering::Relaxed) < 9, "only the rest is asked for");
}

#[tokio::test]
async fn whatever_is_hidden_invented_or_altered_leads_elsewhere_and_another_node_is_asked() {
    let hidden = |at: usize| {
        let mut history = history();
        history.remove(at);
        history
    };
    let mut altered = history();
    let dearer = Bridge::ValueTransferRequested { amount: U256::from(1), ..requested(1) };
    altered[3].1 = log(&dearer, 15, 0);
    let mut doubled = history();
    doubled.insert(0, (5, log(&requested(0), 5, 9)));
    let last_batch = history().len() - 3;
    for lie in [hidden(0), hidden(last_batch), altered, doubled] {
        let chain = connect(vec![pruned(lie), pruned(history())]).await;
        let mut milestones = Vec::new();
        let fault = chain.survey(BRIDGE, START, TO, &mut milestones).await.expect_err("it lies");
        assert!(matches!(fault, ReadError::Astray { .. } | ReadError::Log(_)), "{fault}");
        assert!(milestones.is_empty(), "nothing of it is kept");
        let told = chain.survey(BRIDGE, START, TO, &mut milestones).await;
        told.expect("another node tells the truth");
    }
}
