//! Random faults, and the laws under them.

#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod stage;

use std::sync::Arc;

use dinghai_sim::{Campaign, Defect, Law, Script, play, run_campaign, run_episode};

fn campaign(incidents: u64, defect: Option<Defect>) -> Campaign {
    Campaign { estate: stage::shop(), incidents, seed: 1, threads: 2, defect }
}

#[test]
fn under_random_faults_every_law_holds() {
    let report = run_campaign(&campaign(40, None)).unwrap();
    assert!(report.incidents >= 40, "{report:?}");
    assert!(report.violations.is_empty(), "{:#?}", report.violations);
}

#[test]
fn the_same_seed_gives_the_same_campaign_on_any_number_of_threads() {
    let one = Campaign { threads: 1, ..campaign(4, None) };
    let three = Campaign { threads: 3, ..campaign(4, None) };
    assert_eq!(run_campaign(&one).unwrap(), run_campaign(&three).unwrap());
    let (script, first) = run_episode(&one, 2).unwrap();
    let again = play(&Script::parse(&script.to_string()).unwrap(), one.estate, None).unwrap();
    assert_eq!(first.story, again.story);
}

/// A zone dies and comes back: every stage has something to do.
const ZONE: &str = "proven\nat 7s lose hz-a\nat 12s give-back hz-a\nuntil 20s\n";

/// Something dies, and then nobody sees anything any more.
const SILENCE: &str = "autonomy shadow\nat 4s kill order@hz-a\nat 6s silence hand\nat 6s silence gateway public\n\
                       at 6s silence controller\nuntil 14s\n";

/// The laws that a run with a defect breaks; without the defect the same run breaks none.
fn broken_by(script: &str, defect: Defect) -> Vec<Law> {
    let script = Script::parse(script).unwrap();
    let sound = play(&script, stage::shop(), None).unwrap();
    assert!(sound.violations.is_empty(), "{:#?}", sound.violations);
    let broken = play(&script, stage::shop(), Some(defect)).unwrap();
    let mut laws: Vec<Law> = broken.violations.iter().map(|violation| violation.law).collect();
    laws.sort();
    laws.dedup();
    laws
}

#[test]
fn a_hand_that_stops_what_it_should_not_is_caught_taking_a_service_below_its_minimum() {
    assert!(broken_by(ZONE, Defect::HeavyHand).contains(&Law::MinimumHeld));
}

#[test]
fn an_order_that_nothing_was_written_for_is_caught() {
    assert_eq!(broken_by(ZONE, Defect::UnwrittenOrder), [Law::JournalledFirst]);
}

#[test]
fn clearing_what_nobody_knows_is_caught() {
    assert!(broken_by(SILENCE, Defect::WishfulClearing).contains(&Law::UnknownStays));
}

#[test]
fn a_stage_that_never_settles_is_caught() {
    assert_eq!(broken_by(ZONE, Defect::Fidget), [Law::SettlesAtOnce]);
}

#[test]
fn a_campaign_ends_on_an_estate_on_which_nothing_goes_wrong() {
    let mut estate = Arc::unwrap_or_clone(stage::shop());
    estate.services.clear();
    estate.gateways.clear();
    estate.drills.clear();
    let campaign = Campaign { estate: Arc::new(estate), ..campaign(2, None) };
    let report = run_campaign(&campaign).unwrap();
    assert_eq!((report.episodes, report.incidents), (8, 0));
}
