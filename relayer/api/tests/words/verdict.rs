//! One word for a lane, from what it says of itself.

use twinspan_api::lane::{Hold, Lane, LaneStatus, Reason, Standing};

use crate::examples;

fn lane(change: impl FnOnce(&mut LaneStatus)) -> Lane {
    let mut lane = examples::status().pairs.swap_remove(0).lanes.swap_remove(0);
    lane.abstains = None;
    if let Some(status) = &mut lane.status {
        status.hold = None;
        change(status);
    }
    lane
}

#[track_caller]
fn check(lane: &Lane, is: Standing, why: &str) {
    let verdict = lane.verdict();
    assert_eq!(verdict.is, is);
    assert!(verdict.why.contains(why), "{verdict:?}, want {why}");
}

#[test]
fn every_hold_has_a_word_and_what_to_do() {
    let of = |hold: Hold| lane(|status| status.hold = Some(hold));
    check(&of(Hold::DestinationDiverged), Standing::Halted, "recover it");
    check(&of(Hold::Recovering), Standing::Recovering, "asking peers");
    check(&of(Hold::RelayerSetUnknown), Standing::Starting, "relayer set");
    check(&of(Hold::NotAMember), Standing::Observing, "ask the bridge's owner");
    check(&of(Hold::Paused), Standing::Paused, "paused");
    check(&of(Hold::Reorganised { up_to: 7 }), Standing::Abstaining, "up to count 7");
    check(&of(Hold::Unknown), Standing::Abstaining, "does not know");
}

#[test]
fn a_lane_that_signs_is_told_by_what_its_requests_wait_for() {
    let mut starting = lane(|_| {});
    starting.status = None;
    check(&starting, Standing::Starting, "reading the chains");
    check(&lane(|status| status.newest = status.linked), Standing::Ok, "");
    check(&lane(|_| {}), Standing::Delivering, "2 requests; waiting for the submitter's batch");
    let uncertified = lane(|status| status.certified = status.newest.count);
    check(&uncertified, Standing::Certifying, "2 requests; 2 of 3 attestations");
    let mut stale = lane(|_| {});
    stale.abstains = Some(Reason::SourceStale);
    check(&stale, Standing::Abstaining, "no new blocks");
    // A hold says more than what members are told.
    if let Some(status) = &mut stale.status {
        status.hold = Some(Hold::Paused);
    }
    check(&stale, Standing::Paused, "paused");
}

#[test]
fn what_is_well_works_or_is_about_to() {
    let well = Standing::ALL.into_iter().filter(|standing| standing.is_well());
    let wanted = [Standing::Ok, Standing::Delivering, Standing::Certifying, Standing::Starting];
    assert_eq!(well.collect::<Vec<_>>(), wanted);
    let unready = Standing::ALL.into_iter().filter(|standing| !standing.is_ready());
    let wanted = [Standing::Starting, Standing::Recovering, Standing::Halted];
    assert_eq!(unready.collect::<Vec<_>>(), wanted);
    assert!(!Standing::Unknown.is_well());
}
