//! Where a chain stands: its newest block, by nodes that lie or lag, and its final one.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support;
use crate::support::bridge::{CHAIN_ID, NEWEST, basics, header};
use crate::support::connect;
use crate::support::wire::{Answer, wire};
use alloy::primitives::{B256, U64};
use serde_json::json;
use twinspan_bridge::finality::FinalityRule;
use twinspan_chains::{ChainConfig, RpcFault};

#[tokio::test]
async fn a_head_that_no_chain_reaches_is_passed_over() {
    let liar = wire(|method, params| match method {
        "eth_getBlockByNumber" => Answer::Result(header(u64::MAX, NEWEST.hash)),
        "eth_blockNumber" => Answer::Result(json!(U64::MAX)),
        _ => basics(method, params),
    });
    let both = vec![liar.clone(), wire(basics)];
    let chain = connect(support::config(CHAIN_ID, 2), both).await;
    assert_eq!(chain.latest().await, Ok(NEWEST));
    let chain = connect(support::config(CHAIN_ID, 1), vec![liar]).await;
    assert!(matches!(chain.latest().await, Err(RpcFault::Malformed(_))));
}

#[tokio::test]
async fn finality_follows_the_chains_rule() {
    let node = || {
        wire(|method, params| match (method, params[0].as_str()) {
            ("eth_getBlockByNumber", Some("finalized")) => {
                Answer::Result(header(15, B256::repeat_byte(15)))
            }
            ("eth_getBlockByNumber", Some("safe")) => {
                // Ahead of the newest block: a lie.
                Answer::Result(header(25, B256::repeat_byte(25)))
            }
            ("eth_getBlockByNumber", Some("0x12")) => {
                Answer::Result(header(18, B256::repeat_byte(18)))
            }
            _ => basics(method, params),
        })
    };
    let ask = |finality| async move {
        let config = ChainConfig { finality, ..support::config(CHAIN_ID, 1) };
        let chain = connect(config, vec![node()]).await;
        let before = chain.calls().total();
        let block = chain.final_block(NEWEST).await.expect("answered");
        (block.map(|block| block.number.get()), chain.calls().total() - before)
    };
    assert_eq!(ask(FinalityRule::Instant).await, (Some(20), 0));
    assert_eq!(ask(FinalityRule::Finalized).await, (Some(15), 1));
    assert_eq!(ask(FinalityRule::Safe).await, (None, 1));
    assert_eq!(ask(FinalityRule::Confirmations(2)).await, (Some(18), 1));
    assert_eq!(ask(FinalityRule::Confirmations(21)).await, (None, 0));
}

#[tokio::test(start_paused = true)]
async fn heads_are_told_once_and_a_lagging_answer_is_not_believed() {
    let height = Arc::new(Mutex::new(vec![20_u64, 20, 21, 19, 22, 5, 5, 5, 5, 6]));
    let node = wire(move |method, params| match method {
        "eth_getBlockByNumber" => {
            let mut height = height.lock().expect("not poisoned");
            let now = if height.len() > 1 { height.remove(0) } else { height[0] };
            Answer::Result(header(now, B256::repeat_byte(now as u8)))
        }
        _ => basics(method, params),
    });
    let chain = connect(support::config(CHAIN_ID, 1), vec![node]).await;
    let mut heads = chain.heads();
    let mut told = Vec::new();
    for _ in 0..5 {
        let head = tokio::time::timeout(Duration::from_secs(60), heads.next()).await;
        told.push(head.expect("a head").number.get());
    }
    assert_eq!(told, [20, 21, 22, 5, 6], "5 is believed once it stays");
}
