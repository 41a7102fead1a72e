//! Four machines on one lane under random orders, losses, crashes and lies.
#![allow(missing_docs, clippy::unwrap_used, clippy::wildcard_enum_match_arm)]

mod world;

use std::time::Duration;

use alloy_primitives::B256;
use proptest::prelude::*;
use twinspan_bridge::checkpoint::Checkpoint;
use twinspan_bridge::ids::{Count, Epoch};
use twinspan_bridge::io::{Alarm, Input};
use twinspan_bridge::lane_head::LanePosition;
use twinspan_bridge::relayer_set::RelayerSet;
use twinspan_bridge::status::Hold;
use world::{COSIGN_TIMEOUT, Death, RELAYERS, TAKEOVER, Tell, World, key, lane, set};

/// One thing that happens in the world.
#[derive(Clone, Debug)]
enum Event {
    Mine(usize),
    Observe(usize, u64, Death),
    Look(usize, Death),
    Receive(usize, Death),
    Lose(usize),
    Duplicate(usize),
    Land(usize, Tell),
    Abandon(usize, Tell),
    Tell(usize),
    Stranger(usize, usize),
    Reorganise(usize),
    Finalise(usize),
    SignLate(usize),
    Wait(u64),
    Kill(usize),
    Wipe(usize),
    Cut(usize, usize),
    Heal,
    Rotate,
    Lie(usize, u64, u8),
}

fn death() -> impl Strategy<Value = Death> {
    prop_oneof![
        8 => Just(Death::Never),
        1 => Just(Death::BeforeCommit),
        2 => (0_usize..4).prop_map(Death::AfterActions),
    ]
}

fn tell() -> impl Strategy<Value = Tell> {
    prop_oneof![Just(Tell::Now), Just(Tell::Later)]
}

fn event() -> impl Strategy<Value = Event> {
    let who = 0..RELAYERS;
    prop_oneof![
        4 => (0_usize..90).prop_map(Event::Mine),
        8 => (who.clone(), 1_u64..4, death()).prop_map(|(r, n, d)| Event::Observe(r, n, d)),
        6 => (who.clone(), death()).prop_map(|(r, d)| Event::Look(r, d)),
        12 => (any::<usize>(), death()).prop_map(|(at, d)| Event::Receive(at, d)),
        2 => any::<usize>().prop_map(Event::Lose),
        1 => any::<usize>().prop_map(Event::Duplicate),
        6 => (any::<usize>(), tell()).prop_map(|(at, tell)| Event::Land(at, tell)),
        1 => (any::<usize>(), tell()).prop_map(|(at, tell)| Event::Abandon(at, tell)),
        2 => who.clone().prop_map(Event::Tell),
        1 => (any::<usize>(), 1_usize..60).prop_map(|(at, n)| Event::Stranger(at, n)),
        1 => (1_usize..6).prop_map(Event::Reorganise),
        1 => (1_usize..6).prop_map(Event::Finalise),
        3 => any::<usize>().prop_map(Event::SignLate),
        6 => (0_u64..6).prop_map(Event::Wait),
        2 => who.clone().prop_map(Event::Kill),
        1 => who.clone().prop_map(Event::Wipe),
        1 => (who.clone(), who.clone()).prop_map(|(a, b)| Event::Cut(a, b)),
        1 => Just(Event::Heal),
        1 => Just(Event::Rotate),
        2 => (who, 1_u64..200, any::<u8>()).prop_map(|(to, count, h)| Event::Lie(to, count, h)),
    ]
}

/// The relayer whose key is stolen: it signs whatever the thief likes.
const LIAR: usize = 3;

/// The relayer whose key is somewhere else: its signatures come late and in any order.
const SLOW: usize = 2;

fn apply(world: &mut World, event: Event) {
    match event {
        Event::Mine(n) => world.source.mine(n),
        Event::Observe(relayer, blocks, death) => world.observe(relayer, blocks, death),
        Event::Look(relayer, death) => world.look(relayer, death),
        Event::Receive(at, death) => world.receive(at, death),
        Event::Lose(at) if !world.network.is_empty() => {
            world.network.swap_remove(at % world.network.len());
        }
        Event::Duplicate(at) if !world.network.is_empty() => {
            let copy = world.network[at % world.network.len()];
            world.network.push(copy);
        }
        Event::Land(at, tell) => drop(world.land(at, tell)),
        Event::Abandon(at, tell) => drop(world.abandon(at, tell)),
        Event::Tell(relayer) => drop(world.tell(relayer)),
        Event::Stranger(at, requests) => world.deliver_as_stranger(at, requests),
        Event::Reorganise(blocks) => world.reorganise(blocks),
        Event::SignLate(at) => drop(world.sign_late(at)),
        Event::Finalise(blocks) => world.destination.finalise(blocks),
        Event::Wait(seconds) => {
            world.now += Duration::from_secs(seconds);
            for relayer in 0..RELAYERS {
                world.step(relayer, Input::Tick, Death::Never);
            }
        }
        Event::Kill(relayer) => world.restart(relayer),
        Event::Wipe(relayer) => world.wipe(relayer),
        Event::Cut(a, b) if a != b => world.cut.push((a.min(b), a.max(b))),
        Event::Heal => world.cut.clear(),
        Event::Rotate => {
            let epoch = world.destination.set.epoch().get() + 1;
            world.destination.set = set(epoch);
            for relayer in 0..RELAYERS {
                let set = world.destination.set.clone();
                world.step(relayer, Input::RelayerSetRead(set), Death::Never);
            }
        }
        Event::Lie(to, count, head) => {
            let position = LanePosition { count: Count::new(count), head: B256::repeat_byte(head) };
            let epoch = world.destination.set.epoch();
            let lie = key(LIAR).sign(Checkpoint { lane: lane(), epoch, position });
            world.network.push((to, *lie.get()));
        }
        Event::Lose(_) | Event::Duplicate(_) | Event::Cut(..) => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, max_shrink_iters: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// S1, S2, S3 and S6 hold at every moment, and when faults stop every request is handed over.
    #[test]
    fn the_lane_is_safe_under_any_order_and_live_when_faults_stop(
        events in prop::collection::vec(event(), 1..220)
    ) {
        let mut world = World::new();
        world.slow_signer = Some(SLOW);
        for event in events {
            apply(&mut world, event);
        }
        world.cut.clear();
        world.settle();
        world.check_destination();
    }
}

#[test]
fn with_all_peers_cut_off_the_destination_chain_is_the_message_bus() {
    let mut world = World::new();
    for a in 0..RELAYERS {
        for b in a + 1..RELAYERS {
            world.cut.push((a, b));
        }
    }
    world.source.mine(10);
    let before = world.now;
    world.settle();
    let posted = world.destination.recorded.len();
    // The third adds its own, which it need not post, to the two that it reads from the chain.
    assert!(posted >= 2, "a quorum less one was posted, not {posted}");
    assert!(world.now - before >= COSIGN_TIMEOUT, "the fallback waits for peers first");
}

#[test]
fn connected_peers_post_nothing_on_chain() {
    let mut world = World::new();
    for _ in 0..30 {
        world.source.mine(5);
        world.settle();
    }
    assert!(world.destination.recorded.is_empty());
}

#[test]
fn any_three_of_four_finish_without_the_fourth() {
    for dead in 0..RELAYERS {
        let mut world = World::new();
        world.relayers.remove(dead);
        // Messages go by index: the dead one's place is taken by nobody.
        world.source.mine(7);
        for round in 0..40 {
            world.now += Duration::from_secs(1);
            for relayer in 0..3 {
                world.observe(relayer, 10, Death::Never);
                world.look(relayer, Death::Never);
                world.step(relayer, Input::Tick, Death::Never);
            }
            world.network.retain(|(to, _)| *to < 3);
            while !world.network.is_empty() {
                world.receive(0, Death::Never);
            }
            while world.land(0, Tell::Now) {}
            let own: Vec<_> = (0..3)
                .flat_map(|r| {
                    world.relayers[r].machine.own_attestations().copied().collect::<Vec<_>>()
                })
                .collect();
            for attestation in own {
                for to in 0..3 {
                    world.network.push((to, attestation));
                }
            }
            if world.destination.handed.len() == 7 {
                let takeovers =
                    Duration::from_secs(round) / u32::try_from(TAKEOVER.as_secs()).unwrap();
                assert!(takeovers <= Duration::from_secs(4));
                break;
            }
        }
        assert_eq!(world.destination.handed.len(), 7, "without relayer {dead}");
    }
}

#[test]
fn two_of_four_hand_nothing_over() {
    let mut world = World::new();
    world.source.mine(7);
    for _ in 0..100 {
        world.now += Duration::from_secs(1);
        for relayer in 0..2 {
            world.observe(relayer, 10, Death::Never);
            world.look(relayer, Death::Never);
            world.step(relayer, Input::Tick, Death::Never);
        }
        world.network.retain(|(to, _)| *to < 2);
        while !world.network.is_empty() {
            world.receive(0, Death::Never);
        }
        while world.land(0, Tell::Now) {}
    }
    assert!(world.destination.handed.is_empty());
}

#[test]
fn a_relayer_on_a_lost_branch_abstains_up_to_what_it_signed_and_resumes_by_itself() {
    let mut world = World::new();
    world.source.mine(3);
    world.settle();
    // Relayer 0's node sits on a branch of its own: it signs count 5 there.
    world.source.salt = 1;
    world.source.mine(2);
    world.observe(0, 1, Death::Never);
    world.network.clear();
    // The others see another block in its place.
    world.source.blocks.pop();
    world.source.salt = 2;
    world.source.mine(2);
    world.unlink(0);
    world.observe(0, 10, Death::Never);
    assert!(world.alarms.iter().any(|(who, a)| *who == 0 && matches!(a, Alarm::Conflict(_))));
    world.restart(0);
    let up_to = Count::new(5);
    assert_eq!(world.relayers[0].machine.hold(), Some(Hold::Reorganised { up_to }));
    // The other three are a quorum. S6 is checked at every release.
    world.settle();
    world.look(0, Death::Never);
    assert_eq!(world.relayers[0].machine.hold(), None);
    world.source.mine(1);
    world.settle();
    assert!(world.alarms.iter().all(|(who, _)| *who == 0), "{:?}", world.alarms);
}

#[test]
fn a_signature_that_comes_when_its_history_is_gone_is_not_let_out() {
    let mut world = World::new();
    world.slow_signer = Some(0);
    world.source.salt = 1;
    world.source.mine(2);
    world.observe(0, 1, Death::Never);
    // The history changes while the signer, far away, still signs what was asked first.
    world.source.blocks.pop();
    world.source.salt = 2;
    world.source.mine(2);
    world.unlink(0);
    world.observe(0, 1, Death::Never);
    assert_eq!(world.unsigned.len(), 2, "the same count on both histories");
    assert!(world.sign_late(0));
    assert!(world.network.is_empty(), "nothing was let out: {:?}", world.network);
    assert!(world.sign_late(0));
    assert!(!world.network.is_empty(), "the history that is there is attested");
    world.settle();
    assert!(world.alarms.is_empty(), "{:?}", world.alarms);
}

#[test]
fn a_signature_that_comes_during_a_pause_is_asked_for_again_after_it() {
    let mut world = World::new();
    world.slow_signer = Some(0);
    world.source.mine(2);
    world.observe(0, 1, Death::Never);
    let at = world.destination.position;
    let paused = |paused| Input::DestinationAdvanced { newest: at, settled: at, paused };
    world.step(0, paused(true), Death::Never);
    assert!(world.sign_late(0));
    assert!(world.network.is_empty(), "a paused bridge is attested nothing");
    world.step(0, paused(false), Death::Never);
    assert_eq!(world.unsigned.len(), 1);
    world.settle();
}

#[test]
fn without_a_quorum_besides_it_a_human_resumes_the_lane() {
    let mut world = World::new();
    world.source.salt = 1;
    world.source.mine(2);
    for relayer in 0..2 {
        world.observe(relayer, 1, Death::Never);
    }
    world.network.clear();
    let wrong = world.source.blocks.pop().unwrap();
    world.source.salt = 2;
    world.source.mine(wrong.len());
    for relayer in 0..2 {
        world.unlink(relayer);
        world.observe(relayer, 1, Death::Never);
    }
    for _ in 0..50 {
        world.now += Duration::from_secs(1);
        for relayer in 0..RELAYERS {
            world.observe(relayer, 1, Death::Never);
            world.look(relayer, Death::Never);
        }
        while !world.network.is_empty() {
            world.receive(0, Death::Never);
        }
        while world.land(0, Tell::Now) {}
    }
    assert!(world.destination.handed.is_empty(), "two of four cannot hand over");
    assert_eq!(world.relayers[0].machine.status().epoch, 1);
    // The owner starts a new epoch: old signatures are void, so nothing contradicts them.
    world.destination.set = set(2);
    for relayer in 0..RELAYERS {
        world.step(relayer, Input::RelayerSetRead(set(2)), Death::Never);
        world.step(relayer, Input::Resumed, Death::Never);
    }
    assert_eq!(world.destination.set.epoch(), Epoch::new(2));
    world.settle();
}

#[test]
fn a_diverged_destination_halts_the_lane_without_a_signature() {
    let mut world = World::new();
    world.source.mine(5);
    world.observe(0, 1, Death::Never);
    world.network.clear();
    let elsewhere = LanePosition { count: Count::new(3), head: B256::repeat_byte(1) };
    let input = Input::DestinationAdvanced { newest: elsewhere, settled: elsewhere, paused: false };
    world.step(0, input, Death::Never);
    world.source.mine(5);
    world.observe(0, 1, Death::Never);
    assert_eq!(world.relayers[0].machine.hold(), Some(Hold::DestinationDiverged));
    assert!(world.network.is_empty(), "nothing was signed: {:?}", world.network);
}

#[test]
fn a_revoked_member_no_longer_counts_and_the_others_attestations_still_do() {
    let mut world = World::new();
    world.source.mine(5);
    for relayer in 0..RELAYERS {
        world.observe(relayer, 1, Death::Never);
    }
    while !world.network.is_empty() {
        world.receive(0, Death::Never);
    }
    while world.abandon(0, Tell::Now) {}
    // Every relayer holds four attestations. Relayer 0 is revoked within the epoch.
    let rest: Vec<_> = (1..RELAYERS).map(|relayer| key(relayer).address()).collect();
    let revoked = RelayerSet::new(Epoch::new(1), 3, rest).unwrap();
    world.destination.set = revoked.clone();
    for relayer in 0..RELAYERS {
        world.step(relayer, Input::RelayerSetRead(revoked.clone()), Death::Never);
    }
    for _ in 0..20 {
        world.now += Duration::from_secs(1);
        for relayer in 1..RELAYERS {
            world.step(relayer, Input::Tick, Death::Never);
        }
        while world.land(0, Tell::Now) {}
    }
    assert_eq!(world.destination.handed.len(), 5, "without a word between relayers");
}

#[test]
fn relayers_that_restart_while_the_source_stands_still_hand_over_what_is_there() {
    let mut world = World::new();
    world.source.mine(3);
    for relayer in 0..RELAYERS {
        world.observe(relayer, 1, Death::Never);
    }
    world.network.clear();
    for relayer in 0..RELAYERS {
        world.restart(relayer);
    }
    world.settle();
}
