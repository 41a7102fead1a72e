//! An account against a scripted node: whatever happens, each intent ends, and once.
#![expect(clippy::disallowed_methods, reason = "a test starts what it watches, and ends with it")]

use std::sync::Arc;
use std::time::Duration;

use crate::support;
use crate::support::node::{CHAIN_ID, FakeNode, SendFault};
use crate::support::rig::{BRIDGE, Rig, config, intent, is_mined, signer};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use twinspan_bridge::finality::FinalityRule;
use twinspan_bridge::ids::AccountNonce;
use twinspan_chains::transactions::{
    Account, AccountKey, Command, CommandRefused, MemoryStore, Outcome, TransactionStore,
};
use twinspan_chains::{ChainConfig, EvmChain};

#[tokio::test(start_paused = true)]
async fn an_intent_is_mined_and_told_once() {
    let node = FakeNode::with_fees();
    let mut rig = Rig::start(&node, config(), MemoryStore::default()).await;
    rig.handle.submit(intent(1)).await.expect("taken");
    rig.handle.submit(intent(1)).await.expect("taken");
    let resolved = rig.mine_until_outcome().await;
    assert_eq!(resolved.id, intent(1).id);
    assert!(is_mined(&resolved));
    rig.settle(10).await;
    assert_eq!(node.executed(BRIDGE), [intent(1).input]);
    assert!(rig.outcomes.try_recv().is_err(), "told once");
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_intent_that_is_done_is_told_again_but_not_sent_again() {
    let node = FakeNode::without_fees();
    let mut rig = Rig::start(&node, config(), MemoryStore::default()).await;
    rig.handle.submit(intent(1)).await.expect("taken");
    let first = rig.mine_until_outcome().await;
    rig.handle.submit(intent(1)).await.expect("taken");
    assert_eq!(rig.outcome().await, first);
    rig.settle(3).await;
    assert_eq!(node.executed(BRIDGE).len(), 1);
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn steady_state_costs_one_call_a_head_and_none_when_idle() {
    let node = FakeNode::without_fees();
    let chain = EvmChain::connect_over(config(), vec![node.service()]).await.expect("connects");
    let (sender, mut outcomes) = mpsc::channel(16);
    let (account, handle) = Account::new(chain.clone(), signer(), MemoryStore::default(), sender);
    let cancel = CancellationToken::new();
    let running = tokio::spawn(account.run(cancel.clone()));
    let mut heads = chain.heads();
    let watching = tokio::spawn(async move {
        loop {
            heads.next().await;
        }
    });
    tokio::time::sleep(Duration::from_secs(3)).await;

    let reads_of_heads = |node: &FakeNode| node.calls("eth_getBlockByNumber");
    let before = (node.all_calls(), reads_of_heads(&node));
    for _ in 0..20 {
        node.mine_empty();
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let by_watcher = reads_of_heads(&node) - before.1;
    assert_eq!(node.all_calls() - before.0, by_watcher, "an idle account makes no call");

    let before = node.all_calls() - reads_of_heads(&node);
    handle.submit(intent(1)).await.expect("taken");
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(node.all_calls() - reads_of_heads(&node) - before, 1, "only the broadcast");
    node.mine();
    assert!(is_mined(&outcomes.recv().await.expect("an outcome")));
    let spent = node.all_calls() - reads_of_heads(&node) - before;
    assert!(spent <= 3, "broadcast, receipt and perhaps the balance, not {spent}");
    watching.abort();
    cancel.cancel();
    running.await.expect("no panic").expect("no fault");
}

#[tokio::test(start_paused = true)]
async fn each_fault_of_a_broadcast_is_survived() {
    let faults: &[(&str, &[SendFault])] = &[
        ("dropped", &[SendFault::Dropped, SendFault::Dropped]),
        ("answer lost", &[SendFault::AnswerLost]),
        ("already known", &[SendFault::Duplicated]),
        ("connection broken", &[SendFault::Broken, SendFault::Broken, SendFault::Broken]),
        ("pool full", &[SendFault::Refused("txpool is full")]),
        ("insufficient funds", &[SendFault::Refused("insufficient funds for gas")]),
        ("underpriced", &[SendFault::Refused("transaction underpriced")]),
        ("replacement", &[SendFault::Refused("replacement transaction underpriced")]),
        ("nonce too low, wrongly", &[SendFault::Refused("nonce too low")]),
        ("nonce too high, wrongly", &[SendFault::Refused("nonce too high")]),
    ];
    for (name, faults) in faults {
        for node in [FakeNode::with_fees(), FakeNode::without_fees()] {
            let mut rig = Rig::start(&node, config(), MemoryStore::default()).await;
            node.next_sends(faults.iter().cloned());
            for n in 1..=3 {
                rig.handle.submit(intent(n)).await.expect("taken");
            }
            for _ in 1..=3 {
                let resolved = rig.mine_until_outcome().await;
                assert!(is_mined(&resolved), "{name}: {resolved:?}");
            }
            rig.settle(3).await;
            let mut executed = node.executed(BRIDGE);
            executed.sort();
            assert_eq!(executed.len(), 3, "{name}: each intent once");
            rig.stop().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_transaction_goes_out_again_with_the_same_bytes() {
    let node = FakeNode::without_fees();
    let mut rig = Rig::start(&node, config(), MemoryStore::default()).await;
    node.next_sends([SendFault::Dropped, SendFault::Dropped, SendFault::Dropped]);
    rig.handle.submit(intent(1)).await.expect("taken");
    assert!(is_mined(&rig.mine_until_outcome().await));
    let arrived = node.arrived();
    assert!(arrived.len() >= 4);
    assert!(arrived.iter().all(|raw| *raw == arrived[0]), "zero-fee transactions never change");
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_broadcast_that_broke_is_tried_again_in_seconds_without_any_head() {
    let node = FakeNode::with_fees();
    let rig = Rig::start(&node, config(), MemoryStore::default()).await;
    node.next_sends([SendFault::Broken, SendFault::Broken]);
    rig.handle.submit(intent(1)).await.expect("taken");
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(node.pool_len(), 1);
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_fee_cap_is_kept_and_the_same_bytes_go_on() {
    let node = FakeNode::with_fees();
    let mut config = config();
    config.fees.max_fee_per_gas = Some(1_500_000_000);
    let mut rig = Rig::start(&node, config, MemoryStore::default()).await;
    rig.handle.submit(intent(1)).await.expect("taken");
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        node.mine_empty();
    }
    assert_eq!(rig.handle.snapshot().pending[0].siblings, 1);
    let arrived = node.arrived();
    assert!(arrived.len() > 10 && arrived.iter().all(|raw| *raw == arrived[0]));
    assert!(is_mined(&rig.mine_until_outcome().await));
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_stuck_transaction_is_replaced_by_a_better_paid_sibling() {
    let node = FakeNode::with_fees();
    let mut rig = Rig::start(&node, config(), MemoryStore::default()).await;
    rig.handle.submit(intent(1)).await.expect("taken");
    // Blocks come, but nobody takes it.
    for _ in 0..70 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        node.mine_empty();
    }
    let snapshot = rig.handle.snapshot();
    assert_eq!(snapshot.pending.len(), 1);
    assert!(snapshot.pending[0].siblings >= 2, "{snapshot:?}");
    assert!(is_mined(&rig.mine_until_outcome().await));
    assert_eq!(node.executed(BRIDGE).len(), 1, "one of the siblings");
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_transaction_that_became_too_dear_is_replaced_once_it_costs_half() {
    let node = FakeNode::with_fees();
    let mut rig = Rig::start(&node, config(), MemoryStore::default()).await;
    node.set_base_fee(100 * 10_u128.pow(12));
    node.mine_empty();
    tokio::time::sleep(Duration::from_secs(5)).await;
    rig.handle.submit(intent(1)).await.expect("taken");
    rig.settle(10).await;
    let snapshot = rig.handle.snapshot();
    let pending = &snapshot.pending[0];
    assert_eq!(pending.waits_for.as_deref(), Some("the account to be topped up"));
    assert_eq!(pending.siblings, 1, "what cannot be paid is not raised");
    node.set_base_fee(10_u128.pow(9));
    assert!(is_mined(&rig.mine_until_outcome().await));
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_lies_about_fees_does_not_make_us_offer_what_we_cannot_pay() {
    for lie in [0, 10_u128.pow(17)] {
        let node = FakeNode::with_fees();
        let liar = node.service_with_base_fee(lie);
        let mut config = support::config(CHAIN_ID, 3);
        config.quorum = 2;
        let services = vec![liar, node.service(), node.service()];
        let mut rig = Rig::start_over(services, &node, config, MemoryStore::default()).await;
        for n in 1..=3 {
            rig.settle(1).await;
            rig.handle.submit(intent(n)).await.expect("taken");
            assert!(is_mined(&rig.mine_until_outcome().await));
        }
        assert_eq!(node.arrived().len(), 3, "each was offered what it took at once");
        rig.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_tells_an_account_nonce_past_all_bounds_is_passed_over() {
    let node = FakeNode::with_fees();
    let services = vec![node.service_with_count(u64::MAX), node.service()];
    let config = support::config(CHAIN_ID, 2);
    let mut rig = Rig::start_over(services, &node, config, MemoryStore::default()).await;
    for n in 1..=2 {
        rig.handle.submit(intent(n)).await.expect("taken");
        assert!(is_mined(&rig.mine_until_outcome().await));
    }
    assert_eq!(node.arrived_nonces(), [0, 1]);
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_foreign_transaction_on_our_account_abandons_the_intent() {
    let node = FakeNode::without_fees();
    let mut rig = Rig::start(&node, config(), MemoryStore::default()).await;
    node.next_sends([SendFault::Dropped]);
    rig.handle.submit(intent(1)).await.expect("taken");
    tokio::time::sleep(Duration::from_millis(10)).await;
    node.mine_foreign(signer().address());
    let resolved = rig.mine_until_outcome().await;
    assert!(matches!(resolved.outcome, Outcome::Abandoned { .. }), "{resolved:?}");
    // The account works on, and the same intent may be tried anew.
    rig.handle.submit(intent(1)).await.expect("taken");
    assert!(is_mined(&rig.mine_until_outcome().await));
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_gap_left_by_a_lost_store_is_filled() {
    let node = FakeNode::without_fees();
    let store = Arc::new(MemoryStore::default());
    let mut rig = Rig::start(&node, config(), Arc::clone(&store)).await;
    node.next_sends([SendFault::Dropped]);
    for n in 1..=2 {
        rig.handle.submit(intent(n)).await.expect("taken");
    }
    tokio::time::sleep(Duration::from_millis(10)).await;
    rig.cancel.cancel();
    rig.running.await.expect("no panic").expect("no fault");
    // The record of the first is gone; the second waits behind the gap.
    let account = AccountKey {
        chain_id: twinspan_bridge::ids::ChainId::new(CHAIN_ID),
        address: signer().address(),
    };
    store.remove(account, AccountNonce::new(0)).await.expect("removed");
    rig = Rig::start(&node, config(), store).await;
    let resolved = rig.mine_until_outcome().await;
    assert_eq!(resolved.id, intent(2).id);
    assert!(is_mined(&resolved));
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn intents_reach_the_node_in_the_order_in_which_they_were_submitted() {
    let node = FakeNode::with_fees();
    let slow = node.service_slow_once(Duration::from_millis(400));
    let chain = EvmChain::connect_over(config(), vec![slow]).await.expect("connects");
    let (sender, mut outcomes) = mpsc::channel(16);
    let (account, handle) = Account::new(chain, signer(), MemoryStore::default(), sender);
    let cancel = CancellationToken::new();
    let running = tokio::spawn(account.run(cancel.clone()));
    for n in 1..=4 {
        handle.submit(intent(n)).await.expect("taken");
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let wanted: Vec<u64> = (0..4).collect();
    assert_eq!(node.arrived_nonces(), wanted, "the first was held up, and nothing overtook it");
    node.mine();
    for n in 1..=4 {
        let waited = tokio::time::timeout(Duration::from_secs(60), outcomes.recv()).await;
        let resolved = waited.expect("in time").expect("the account runs");
        assert_eq!(resolved.id, intent(n).id, "ends are told in that order too");
    }
    cancel.cancel();
    running.await.expect("no panic").expect("no fault");
}

#[tokio::test(start_paused = true)]
async fn a_revert_is_told_as_one() {
    let node = FakeNode::with_fees();
    node.refuse(BRIDGE);
    let mut rig = Rig::start(&node, config(), MemoryStore::default()).await;
    rig.handle.submit(intent(1)).await.expect("taken");
    let resolved = rig.mine_until_outcome().await;
    assert!(matches!(resolved.outcome, Outcome::Reverted { .. }), "{resolved:?}");
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_impossible_transaction_is_given_up_and_its_place_filled() {
    let node = FakeNode::with_fees();
    let mut rig = Rig::start(&node, config(), MemoryStore::default()).await;
    node.next_sends([SendFault::Refused("exceeds block gas limit")]);
    rig.handle.submit(intent(1)).await.expect("taken");
    rig.handle.submit(intent(2)).await.expect("taken");
    let mut outcomes = [rig.mine_until_outcome().await, rig.mine_until_outcome().await];
    outcomes.sort_by_key(|resolved| resolved.id);
    assert!(
        matches!(&outcomes[0].outcome, Outcome::Abandoned { reason } if reason.contains("gas"))
    );
    assert!(is_mined(&outcomes[1]), "what comes after it is not held back");
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_dropped_intent_ends_as_abandoned() {
    let node = FakeNode::with_fees();
    let mut rig = Rig::start(&node, config(), MemoryStore::default()).await;
    rig.handle.submit(intent(1)).await.expect("taken");
    tokio::time::sleep(Duration::from_secs(1)).await;
    let nonce = rig.handle.snapshot().pending[0].nonce;
    let filler = rig.handle.command(nonce, Command::Drop).await.expect("dropped");
    assert_ne!(filler.transaction, None);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let resolved = rig.mine_until_outcome().await;
    assert!(
        matches!(&resolved.outcome, Outcome::Abandoned { reason } if reason == "dropped by the operator")
    );
    assert!(node.executed(BRIDGE).is_empty());
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_order_to_bump_raises_the_fee_at_once_where_there_is_one() {
    let node = FakeNode::with_fees();
    let mut rig = Rig::start(&node, config(), MemoryStore::default()).await;
    rig.handle.submit(intent(1)).await.expect("taken");
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = rig.handle.snapshot().pending[0].clone();
    let bumped = rig.handle.command(before.nonce, Command::Bump).await.expect("bumped");
    assert_ne!(bumped.transaction, before.transaction);
    assert_ne!(bumped.fees, before.fees);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(node.arrived().len(), 2, "and it is broadcast");
    assert!(is_mined(&rig.mine_until_outcome().await));
    let late = rig.handle.command(before.nonce, Command::Bump).await;
    assert_eq!(late, Err(CommandRefused::NotPending(before.nonce)));
    rig.stop().await;

    let node = FakeNode::without_fees();
    let rig = Rig::start(&node, config(), MemoryStore::default()).await;
    rig.handle.submit(intent(1)).await.expect("taken");
    tokio::time::sleep(Duration::from_secs(1)).await;
    let nonce = rig.handle.snapshot().pending[0].nonce;
    assert_eq!(rig.handle.command(nonce, Command::Bump).await, Err(CommandRefused::NoRoom));
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_a_reorganisation_takes_back_is_sent_again() {
    let node = FakeNode::with_fees();
    let config = ChainConfig { finality: FinalityRule::Confirmations(12), ..config() };
    let mut rig = Rig::start(&node, config, MemoryStore::default()).await;
    rig.handle.submit(intent(1)).await.expect("taken");
    let first = rig.mine_until_outcome().await;
    let Outcome::Mined { block, .. } = &first.outcome else { panic!("mined") };
    let depth = node.height() - block.get() + 1;
    node.reorganise(depth as usize);
    assert!(node.executed(BRIDGE).is_empty(), "taken back");
    let again = rig.mine_until_outcome().await;
    assert!(is_mined(&again));
    assert_ne!(again.outcome, first.outcome, "it is in another block now");
    let arrived = node.arrived();
    assert!(arrived.iter().all(|raw| *raw == arrived[0]), "the same bytes");
    rig.settle(14).await;
    assert_eq!(node.executed(BRIDGE).len(), 1);
    rig.stop().await;
}
