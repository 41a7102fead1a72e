//! An account under everything at once: crashes at every write, and long runs of faults by chance.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use crate::support::node::{FakeNode, SendFault};
use crate::support::rig::{BRIDGE, CrashingStore, Rig, config, intent, is_mined};
use alloy::primitives::{B256, Bytes};
use twinspan_bridge::finality::FinalityRule;
use twinspan_chains::ChainConfig;
use twinspan_chains::transactions::{AccountStopped, Intent, IntentId, MemoryStore, Resolved};

/// Runs three intents over a store that crashes at its `crash_at`-th write; whether it did crash.
/// `stuck`: blocks leave our transactions out for so long at first that they are replaced.
async fn survives_a_crash_at(crash_at: usize, after: bool, fees: bool, stuck: bool) -> bool {
    let node = if fees { FakeNode::with_fees() } else { FakeNode::without_fees() };
    let config = ChainConfig { finality: FinalityRule::Confirmations(3), ..config() };
    let store = Arc::new(CrashingStore {
        kept: Arc::new(MemoryStore::default()),
        writes: AtomicUsize::new(0),
        crash_at,
        after,
    });
    node.next_sends([SendFault::Dropped, SendFault::AnswerLost]);
    let mut ended: Vec<IntentId> = Vec::new();
    let mut crashed = false;
    // The first life and, after the crash, the second one.
    for _ in 0..2 {
        let mut rig = Rig::start(&node, config.clone(), Arc::clone(&store)).await;
        for n in (1..=3).filter(|n| !ended.contains(&intent(*n).id)) {
            // As the relayer does: whatever has no outcome yet is submitted again.
            let _ = rig.handle.submit(intent(n)).await;
        }
        for block in 0..180 {
            let soon = tokio::time::timeout(Duration::from_secs(1), rig.outcomes.recv()).await;
            match soon {
                Ok(Some(resolved)) => {
                    assert!(is_mined(&resolved), "{resolved:?}");
                    if !ended.contains(&resolved.id) {
                        ended.push(resolved.id);
                    }
                }
                Ok(None) => break,
                Err(_) if stuck && block < 40 => node.mine_empty(),
                Err(_) => node.mine(),
            }
        }
        if !rig.running.is_finished() {
            rig.stop().await;
            break;
        }
        let fault = rig.running.await.expect("no panic").expect_err("the crash");
        assert!(matches!(fault, AccountStopped::Store(_)), "{fault}");
        crashed = true;
    }
    assert_eq!(ended.len(), 3, "every intent ends (write {crash_at}, after: {after})");
    let mut executed = node.executed(BRIDGE);
    executed.sort();
    let wanted: Vec<Bytes> = (1..=3).map(|n| intent(n).input).collect();
    assert_eq!(executed, wanted, "each intent once (write {crash_at}, after: {after})");
    if !fees {
        let different: BTreeSet<Bytes> = node.arrived().into_iter().collect();
        assert_eq!(different.len(), 3, "the same bytes before and after the crash");
    }
    crashed
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_write_loses_and_repeats_nothing() {
    for (fees, stuck) in [(false, false), (true, false), (true, true)] {
        for after in [false, true] {
            let mut crash_at = 0;
            while survives_a_crash_at(crash_at, after, fees, stuck).await {
                crash_at += 1;
                assert!(crash_at < 100, "writes are bounded");
            }
            let wanted = if stuck { 12 } else { 9 };
            assert!(crash_at >= wanted, "{wanted} writes at the least, not {crash_at} in all");
        }
    }
}

/// Batches of a campaign, over both kinds of chains.
const BATCHES: u64 = 1_000;

/// Blocks that may still be taken back.
const UNFINAL: u64 = 8;

/// Blocks without any misfortune within which all is in order.
const CALM_BLOCKS: usize = 600;

/// Batches that wait for their end at once.
const AT_ONCE: usize = 24;

/// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

fn batch(n: u64) -> Intent {
    let input = Bytes::copy_from_slice(&n.to_be_bytes());
    Intent { id: IntentId(B256::left_padding_from(&input)), input, ..intent(1) }
}

fn any_fault(chance: &mut Chance) -> SendFault {
    match chance.below(10) {
        0 => SendFault::Dropped,
        1 => SendFault::AnswerLost,
        2 => SendFault::Duplicated,
        3 => SendFault::Broken,
        4 => SendFault::Refused("txpool is full"),
        5 => SendFault::Refused("insufficient funds for gas"),
        6 => SendFault::Refused("transaction underpriced"),
        7 => SendFault::Refused("replacement transaction underpriced"),
        8 => SendFault::Refused("nonce too low"),
        _ => SendFault::Refused("nonce too high"),
    }
}

/// One campaign: what became of every batch, and of the account.
struct Campaign {
    node: FakeNode,
    kept: Arc<MemoryStore>,
    chance: Chance,
    asked: u64,
    ended: BTreeMap<IntentId, Resolved>,
    crashes: usize,
    reorganisations: usize,
}

impl Campaign {
    /// One life of the account, to a crash or the end of all batches.
    async fn life(&mut self, batches: u64) {
        let store = Arc::new(CrashingStore {
            kept: Arc::clone(&self.kept),
            writes: AtomicUsize::new(0),
            crash_at: 20 + self.chance.below(400) as usize,
            after: self.chance.one_in(2),
        });
        let config = ChainConfig { finality: FinalityRule::Confirmations(UNFINAL), ..config() };
        let mut rig = Rig::start(&self.node, config, store).await;
        // As the relayer does: whatever has no outcome yet is submitted again.
        for n in (0..self.asked).filter(|n| !self.ended.contains_key(&batch(*n).id)) {
            let _ = rig.handle.submit(batch(n)).await;
        }
        while self.ended.len() < batches as usize {
            while self.asked < batches && (self.asked as usize - self.ended.len()) < AT_ONCE {
                let _ = rig.handle.submit(batch(self.asked)).await;
                self.asked += 1;
            }
            self.misfortune();
            let wait = Duration::from_millis(100 + self.chance.below(2_000));
            match tokio::time::timeout(wait, rig.outcomes.recv()).await {
                Ok(Some(resolved)) => {
                    assert!(is_mined(&resolved), "{resolved:?}");
                    self.ended.insert(resolved.id, resolved);
                }
                Ok(None) => break,
                Err(_) => self.node.mine(),
            }
        }
        if self.ended.len() == batches as usize {
            // Calm weather now: what a reorganisation took back is mined again.
            self.node.forgive();
            for _ in 0..CALM_BLOCKS {
                let done = self.node.executed(BRIDGE).len() >= batches as usize;
                if done || rig.running.is_finished() {
                    break;
                }
                rig.settle(1).await;
            }
            rig.settle(2 * UNFINAL as usize).await;
        }
        if rig.running.is_finished() {
            let fault = rig.running.await.expect("no panic").expect_err("the crash");
            assert!(matches!(fault, AccountStopped::Store(_)), "{fault}");
            self.crashes += 1;
        } else {
            rig.stop().await;
        }
    }

    /// Chances of the node and of the chain.
    fn misfortune(&mut self) {
        if self.chance.one_in(3) {
            let faults = 1 + self.chance.below(3);
            let faults: Vec<_> = (0..faults).map(|_| any_fault(&mut self.chance)).collect();
            self.node.next_sends(faults);
        }
        if self.chance.one_in(20) {
            self.node.empty_pool();
        }
        if self.chance.one_in(25) && self.node.height() > UNFINAL {
            self.node.reorganise(1 + self.chance.below(UNFINAL - 2) as usize);
            self.reorganisations += 1;
        }
    }
}

/// Runs one campaign; everything that it counts, for people.
async fn campaign(seed: u64, batches: u64, fees: bool) -> String {
    let node = if fees { FakeNode::with_fees() } else { FakeNode::without_fees() };
    let mut campaign = Campaign {
        node,
        kept: Arc::default(),
        chance: Chance(seed),
        asked: 0,
        ended: BTreeMap::new(),
        crashes: 0,
        reorganisations: 0,
    };
    let mut lives = 0;
    loop {
        let crashes = campaign.crashes;
        campaign.life(batches).await;
        lives += 1;
        assert!(lives < 1_000, "seed {seed}: it comes to an end");
        if campaign.ended.len() == batches as usize && campaign.crashes == crashes {
            break;
        }
    }
    let mut executed = campaign.node.executed(BRIDGE);
    executed.sort();
    let wanted: Vec<Bytes> = (0..batches).map(|n| batch(n).input).collect();
    assert_eq!(executed.len(), wanted.len(), "seed {seed}: as many as were asked for");
    assert_eq!(executed, wanted, "seed {seed}: each batch once");
    format!(
        "seed {seed}, fees {fees}: {batches} batches, {} crashes, {} reorganisations, {} broadcasts",
        campaign.crashes,
        campaign.reorganisations,
        campaign.node.arrived().len(),
    )
}

/// `TWINSPAN_CAMPAIGN_SEED` picks another run, `TWINSPAN_CAMPAIGN_RUNS` more of them.
#[tokio::test(start_paused = true)]
async fn a_thousand_batches_end_once_each_whatever_happens() {
    let number = |name: &str, otherwise: u64| {
        std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
    };
    let seed = number("TWINSPAN_CAMPAIGN_SEED", 1);
    for run in 0..number("TWINSPAN_CAMPAIGN_RUNS", 1) {
        for fees in [true, false] {
            println!("{}", campaign(seed + run, BATCHES / 2, fees).await);
        }
    }
}
