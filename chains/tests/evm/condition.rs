//! A chain that stands still, an endpoint that is gone and one that lags are told apart, and cost no more calls.
#![expect(clippy::disallowed_methods, reason = "a test starts what it watches, and ends with it")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::support;
use crate::support::node::FakeNode;
use crate::support::rig::config;
use alloy::rpc::json_rpc::RequestPacket;
use alloy::transports::TransportErrorKind;
use tokio::task::JoinHandle;
use tower::ServiceExt;
use twinspan_chains::condition::{ChainState, EndpointState};
use twinspan_chains::rpc::RpcService;
use twinspan_chains::{ChainConfig, EvmChain};

const STALL: Duration = Duration::from_secs(30);

/// A node whose way may be cut.
fn cuttable(node: &FakeNode, cut: &Arc<AtomicBool>) -> RpcService {
    let (service, cut) = (node.service(), Arc::clone(cut));
    RpcService::new(tower::service_fn(move |packet: RequestPacket| {
        let (service, cut) = (service.clone(), cut.load(Ordering::SeqCst));
        async move {
            if cut {
                return Err(TransportErrorKind::custom_str("no way there"));
            }
            service.oneshot(packet).await
        }
    }))
}

async fn watched(nodes: Vec<RpcService>) -> (EvmChain, JoinHandle<()>) {
    let config =
        ChainConfig { stall_after: STALL, ..support::config(config().chain_id.get(), nodes.len()) };
    let chain = EvmChain::connect_over(config, nodes).await.expect("connects");
    let mut heads = chain.heads();
    let watching = tokio::spawn(async move {
        loop {
            heads.next().await;
        }
    });
    (chain, watching)
}

async fn seconds(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn a_chain_that_stands_still_is_halted_and_asked_no_more_often() {
    let node = FakeNode::with_fees();
    let (chain, watching) = watched(vec![node.service()]).await;
    assert_eq!(chain.condition().state, ChainState::Starting);
    seconds(1).await;
    assert_eq!(chain.condition().state, ChainState::Live);
    let before = node.all_calls();
    seconds(STALL.as_secs() + 1).await;
    let now = chain.condition();
    assert_eq!(now.state, ChainState::Halted);
    assert!(now.advice().contains("no new block for"), "{}", now.advice());
    let each_second = (node.all_calls() - before) as f64 / STALL.as_secs_f64();
    // A look a second, and now and then a comparison of the endpoints.
    assert!(each_second <= 1.5, "{each_second} calls a second");
    node.mine_empty();
    seconds(2).await;
    assert_eq!(chain.condition().state, ChainState::Live);
    assert_eq!(chain.condition().advice(), "");
    watching.abort();
}

#[tokio::test(start_paused = true)]
async fn a_chain_without_any_endpoint_is_unreachable_and_comes_back() {
    let (node, cut) = (FakeNode::with_fees(), Arc::default());
    let (chain, watching) = watched(vec![cuttable(&node, &cut)]).await;
    seconds(1).await;
    cut.store(true, Ordering::SeqCst);
    seconds(40).await;
    let now = chain.condition();
    assert_eq!(now.state, ChainState::Unreachable);
    assert_eq!(now.endpoints[0].state, EndpointState::Dead);
    assert!(now.advice().contains("no endpoint answers"), "{}", now.advice());
    cut.store(false, Ordering::SeqCst);
    for _ in 0..60 {
        node.mine_empty();
        seconds(1).await;
    }
    let now = chain.condition();
    assert_eq!((now.state, now.endpoints[0].state), (ChainState::Live, EndpointState::Up));
    watching.abort();
}

/// The first of two stops following the chain; then it is gone altogether.
#[tokio::test(start_paused = true)]
async fn an_endpoint_that_lags_and_one_that_is_dead_are_named_while_the_chain_lives() {
    let (stale, node, cut) = (FakeNode::with_fees(), FakeNode::with_fees(), Arc::default());
    let (chain, watching) = watched(vec![cuttable(&stale, &cut), node.service()]).await;
    for _ in 0..20 {
        node.mine_empty();
        seconds(1).await;
    }
    let now = chain.condition();
    assert_eq!(now.state, ChainState::Live);
    let states: Vec<_> = now.endpoints.iter().map(|endpoint| endpoint.state).collect();
    assert_eq!(states, [EndpointState::Lagging, EndpointState::Up]);
    assert!(now.advice().contains("node-0 lagging"), "{}", now.advice());
    watching.abort();

    let (chain, watching) = watched(vec![cuttable(&node, &cut), node.service()]).await;
    cut.store(true, Ordering::SeqCst);
    for _ in 0..20 {
        node.mine_empty();
        seconds(1).await;
    }
    let now = chain.condition();
    assert_eq!(now.state, ChainState::Live);
    assert_eq!(now.endpoints[0].state, EndpointState::Dead);
    assert!(now.advice().contains("node-0 dead"), "{}", now.advice());
    watching.abort();
}
