//! Several batches of a lane on their way at once, and what becomes of those behind one that fails.
#![allow(missing_docs, clippy::unwrap_used)]

mod world;

use std::time::Duration;

use twinspan_bridge::io::{Input, Purpose};
use twinspan_bridge::machine::RUNS_MAX;
use world::{Death, RELAYERS, TAKEOVER, TERM_BLOCKS, Tell, World};

/// A world in which `requests` are certified, and the relayer whose turn it is has sent what it may.
fn backlog(requests: usize) -> (World, usize) {
    let mut world = World::new();
    for at in (0..requests).step_by(50) {
        world.source.mine(50.min(requests - at));
    }
    for relayer in 0..RELAYERS {
        world.observe(relayer, 1_000, Death::Never);
    }
    while !world.network.is_empty() {
        world.receive(0, Death::Never);
    }
    let sent = |relayer: &usize| !world.relayers[*relayer].account.pending.is_empty();
    let senders: Vec<usize> = (0..RELAYERS).filter(sent).collect();
    assert_eq!(senders.len(), 1, "one of them is first");
    (world, senders[0])
}

/// The runs that `relayer` has on their way.
fn runs(world: &World, relayer: usize) -> Vec<(u64, u64)> {
    let run = |sent: &world::Sent| match sent.intent().0 {
        Purpose::Deliver { first, end } => (first.get(), end.get()),
        Purpose::Attest { .. } => panic!("nothing is posted"),
    };
    world.relayers[relayer].account.pending.iter().map(run).collect()
}

fn handed(world: &World) -> u64 {
    world.destination.handed.len() as u64
}

/// Lets `relayer`, alone, read and send for as long as it takes.
fn finish_alone(world: &mut World, relayer: usize) {
    let all = world.source.requests().count() as u64;
    for _ in 0..60 {
        if handed(world) == all {
            return;
        }
        world.now += Duration::from_secs(1);
        world.look(relayer, Death::Never);
        world.step(relayer, Input::Tick, Death::Never);
        while world.land(0, Tell::Now) {}
    }
    panic!("{} of {all} handed over by relayer {relayer} alone", handed(world));
}

#[test]
fn a_backlog_flies_in_several_batches_without_a_gap() {
    let (mut world, sender) = backlog(600);
    let first = runs(&world, sender);
    assert_eq!(first.len(), RUNS_MAX);
    assert_eq!(first[0].0, 0);
    assert!(first.windows(2).all(|pair| pair[0].1 == pair[1].0), "{first:?}");
    while world.land(0, Tell::Now) {}
    assert_eq!(handed(&world), first[RUNS_MAX - 1].1, "one block may hold them all");
    world.look(sender, Death::Never);
    assert_eq!(runs(&world, sender)[0].0, handed(&world));
    finish_alone(&mut world, sender);
    assert_eq!(world.reverted, 0);
}

#[test]
fn what_another_submitter_overtakes_is_planned_anew_from_the_destinations_count() {
    let (mut world, sender) = backlog(600);
    world.deliver_as_stranger(sender, 10);
    assert_eq!(handed(&world), 10);
    world.look(sender, Death::Never);
    let planned = runs(&world, sender);
    assert_eq!(planned[RUNS_MAX].0, 10, "at once, without waiting for its own to revert");
    finish_alone(&mut world, sender);
    assert_eq!(world.reverted, RUNS_MAX, "only what was on its way is wasted");
}

#[test]
fn behind_a_batch_that_is_dropped_the_others_revert_and_nothing_is_lost() {
    let (mut world, sender) = backlog(600);
    let before = runs(&world, sender);
    assert!(world.land(0, Tell::Now));
    assert!(world.abandon(0, Tell::Now), "the second one");
    assert_eq!(runs(&world, sender), before[2..], "nothing is planned on what is not there");
    while world.land(0, Tell::Now) {}
    assert_eq!(handed(&world), before[0].1);
    assert_eq!(world.reverted, before.len() - 2);
    world.look(sender, Death::Never);
    world.now += Duration::from_secs(1);
    world.step(sender, Input::Tick, Death::Never);
    let again = runs(&world, sender);
    assert_eq!(again.len(), 1, "what failed is tried alone: {again:?}");
    assert_eq!(again[0].0, before[1].0);
    assert!(again[0].1 < before[1].1, "and shorter");
    finish_alone(&mut world, sender);
}

#[test]
fn a_restart_in_between_sends_nothing_twice() {
    let (mut world, sender) = backlog(600);
    let before = runs(&world, sender);
    assert!(world.land(0, Tell::Later));
    world.restart(sender);
    world.look(sender, Death::Never);
    let after = runs(&world, sender);
    assert_eq!(after[..3], before[1..], "what was on its way still is, once");
    assert_eq!(after.len(), RUNS_MAX, "and one more follows");
    finish_alone(&mut world, sender);
    assert_eq!(world.reverted, 0);
}

#[test]
fn a_batch_in_a_block_that_was_not_read_yet_is_not_sent_again() {
    let (mut world, sender) = backlog(60);
    while world.land(0, Tell::Now) {}
    world.step(sender, Input::Tick, Death::Never);
    assert!(runs(&world, sender).iter().all(|run| run.0 > 0), "{:?}", runs(&world, sender));
    finish_alone(&mut world, sender);
    assert_eq!(world.reverted, 0);
}

#[test]
fn a_reorganisation_below_what_is_on_its_way_costs_only_gas() {
    let (mut world, sender) = backlog(600);
    world.deliver_as_stranger(sender, 10);
    while world.land(0, Tell::Now) {}
    world.look(sender, Death::Never);
    assert_eq!(runs(&world, sender)[0].0, 10);
    // The stranger's block is gone, and nobody sends it again; what reverted comes before what is planned.
    world.reorganise(100);
    assert_eq!(handed(&world), 0);
    finish_alone(&mut world, sender);
}

#[test]
fn a_reorganisation_of_our_own_batches_sends_the_same_ones_again() {
    let (mut world, sender) = backlog(600);
    let before = runs(&world, sender);
    while world.land(0, Tell::Now) {}
    world.look(sender, Death::Never);
    world.reorganise(3);
    assert_eq!(runs(&world, sender)[..3], before[1..]);
    finish_alone(&mut world, sender);
    assert_eq!(world.reverted, 0);
}

#[test]
fn a_batch_that_a_reorganisation_swallowed_is_sent_anew_after_a_while() {
    let (mut world, sender) = backlog(60);
    while world.land(0, Tell::Now) {}
    world.reorganise(100);
    world.relayers[sender].account.pending.clear();
    let swallowed = world.now;
    finish_alone(&mut world, sender);
    assert!(world.now - swallowed >= TAKEOVER, "it may still come back");
}

#[test]
fn a_quiet_lane_sends_one_batch_at_a_time() {
    let (mut world, sender) = backlog(10);
    world.source.mine(10);
    for relayer in 0..RELAYERS {
        world.observe(relayer, 1, Death::Never);
    }
    while !world.network.is_empty() {
        world.receive(0, Death::Never);
    }
    assert_eq!(
        runs(&world, sender),
        [(0, 10)],
        "ten more are worth no transaction of their own yet"
    );
    assert!(world.land(0, Tell::Now));
    world.look(sender, Death::Never);
    assert_eq!(runs(&world, sender), [(10, 20)]);
}

#[test]
fn a_turn_of_the_term_sends_nothing_that_is_on_its_way() {
    let (mut world, sender) = backlog(600);
    for _ in 0..4 * TERM_BLOCKS {
        world.source.mine(0);
        for relayer in 0..RELAYERS {
            world.observe(relayer, 1, Death::Never);
        }
    }
    for relayer in (0..RELAYERS).filter(|relayer| *relayer != sender) {
        assert_eq!(runs(&world, relayer), [], "it was relayer {sender}'s turn when it was ready");
    }
    while world.land(0, Tell::Now) {}
    for relayer in 0..RELAYERS {
        world.look(relayer, Death::Never);
    }
    let senders = (0..RELAYERS).filter(|relayer| !runs(&world, *relayer).is_empty()).count();
    assert_eq!(senders, 1, "whose turn it is now goes on");
    world.settle();
    assert_eq!(world.reverted, 0);
}

#[test]
fn two_submitters_at_once_hand_everything_over_once() {
    let (mut world, sender) = backlog(600);
    // The destination stands still for so long that the others take over.
    world.now += TAKEOVER * 4;
    for relayer in 0..RELAYERS {
        world.step(relayer, Input::Tick, Death::Never);
    }
    let sent: Vec<_> = (0..RELAYERS).map(|relayer| runs(&world, relayer)).collect();
    assert!(sent.iter().all(|runs| *runs == sent[0] && runs.len() == RUNS_MAX), "{sent:?}");
    let mut turn = 0;
    while world.land(turn, Tell::Now) {
        turn += 1;
    }
    assert_eq!(handed(&world), sent[0][RUNS_MAX - 1].1, "each batch counts once");
    assert_eq!(world.reverted, RUNS_MAX * (RELAYERS - 1));
    finish_alone(&mut world, sender);
}
