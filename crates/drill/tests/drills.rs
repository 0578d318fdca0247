//! Drills from beginning to verdict, told as stories.
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

#[path = "../../record/tests/shop/mod.rs"]
mod shop;

use dinghai_drill::{Inputs, begin, proceed};
use dinghai_estate::*;
use dinghai_record::*;
use shop::*;

fn start(story: &Story, estate: &Estate, world: &World, drill: &str) -> Result<Vec<Event>, Vec<Reason>> {
    let inputs = Inputs { estate, book: &story.book, world, now: world.at };
    begin(&inputs, &drill.into(), operator(), Consent::default())
}

fn refusals(story: &Story, estate: &Estate, world: &World, drill: &str) -> String {
    let refused = start(story, estate, world, drill).expect_err("it begins");
    refused.iter().map(|reason| format!("{reason}\n")).collect()
}

/// Looks once, and again: the same inputs yield the same events.
fn tick(story: &mut Story, world: &World) -> Vec<Event> {
    let estate = estate();
    let look = |story: &Story| proceed(&Inputs { estate: &estate, book: &story.book, world, now: world.at });
    let events = look(story);
    assert_eq!(events, look(story));
    let seconds = (world.at.as_micros() - START * 1_000_000) as f64 / 1e6;
    story.tell(seconds, events.clone());
    events
}

fn begun(drill: &str) -> Story {
    let mut story = Story::default();
    let events = start(&story, &estate(), &world(0.0), drill).expect("it is refused");
    story.tell(0.0, events);
    story.starts_plan(0.1, PlanId(1)).does(0.1, 1.1, PlanId(1), 1);
    story
}

/// Zone hz-a is down since 1.8 s.
fn zone_lost(now: f64) -> World {
    let mut world = world(now);
    for id in ["order@hz-a", "payment@hz-a"] {
        world.instances.insert(id.into(), sighting(false, 1.8, now));
    }
    fail(&mut world, 1, 1, 1.6);
    world
}

/// Zone hz-a is up again since 15 s.
fn zone_back(now: f64) -> World {
    let mut world = world(now);
    for id in ["order@hz-a", "payment@hz-a"] {
        world.instances.insert(id.into(), sighting(true, 15.0, now));
    }
    fail(&mut world, 1, 1, 1.6);
    world
}

/// The fault went in at 1.2 s, was noticed, and was mended at 11.5 s; the zone was healed at 16 s.
fn broken_and_healed() -> Story {
    let mut story = begun("zone-loss");
    assert_eq!(tick(&mut story, &world(1.15)), []);
    story.does(1.2, 1.3, PlanId(1), 2);
    assert_eq!(tick(&mut story, &zone_lost(1.4)).len(), 1);
    story.ejects(1.5, "order@hz-a");
    let about = Subject::Place("hz-a".into());
    let incident = story.incident(2.2, Grade::P1, FindingKind::PlaceLost, about, Some(1));
    let heal = story.heals(2.4, incident);
    story.does(2.5, 2.7, heal, 1);
    assert_eq!(tick(&mut story, &zone_lost(5.0)), []);
    story.does(1.3, 11.3, PlanId(1), 3).does(11.5, 11.6, PlanId(1), 4);
    assert_eq!(tick(&mut story, &zone_lost(11.7)).len(), 1);
    story.ends_plan(11.8, PlanId(1), PlanEnd::Done);
    assert_eq!(tick(&mut story, &zone_lost(12.0)), []);
    story.does(2.8, 12.0, heal, 2).does(12.1, 15.2, heal, 3).does(15.3, 16.0, heal, 4);
    story.ends_plan(16.1, heal, PlanEnd::Done);
    assert_eq!(tick(&mut story, &zone_back(16.2)), [], "findings still stand");
    story.clears(16.5);
    story
}

/// The fault is in, and nothing has noticed yet.
fn struck(drill: &str, at: f64, world: &World) -> Story {
    let mut story = begun(drill);
    story.does(at, at + 0.1, PlanId(1), 2);
    tick(&mut story, world);
    story
}

#[test]
fn a_drill_starts_with_a_plan_that_breaks_and_mends() {
    let events = start(&Story::default(), &estate(), &world(0.0), "zone-loss").unwrap();
    insta::assert_snapshot!("begins_zone_loss", lines(&events));
    let events = start(&Story::default(), &estate(), &world(0.0), "kill-order").unwrap();
    insta::assert_snapshot!("begins_kill_order", lines(&events));
}

#[test]
fn a_drill_passes_once_all_is_as_before() {
    let mut story = broken_and_healed();
    insta::assert_snapshot!("passes", lines(&tick(&mut story, &zone_back(17.5))));
    assert_eq!(tick(&mut story, &zone_back(18.0)), []);
}

#[test]
fn the_last_seconds_of_traffic_are_waited_for() {
    let mut story = broken_and_healed();
    assert_eq!(tick(&mut story, &zone_back(16.9)), [], "second 16 is not reported yet");
}

#[test]
fn a_drill_fails_when_an_expectation_is_missed() {
    let mut story = broken_and_healed();
    let mut world = zone_back(17.5);
    fail(&mut world, 4, 40, 4.9);
    insta::assert_snapshot!("fails", lines(&tick(&mut story, &world)));
}

#[test]
fn what_was_not_measured_makes_the_verdict_unknown() {
    let mut story = broken_and_healed();
    let mut world = zone_back(23.0);
    let traffic = std::sync::Arc::make_mut(&mut world.traffic);
    for log in traffic.routes.values_mut().flat_map(|routes| routes.values_mut()) {
        log.retain(|second| second.at_s != START + 7);
    }
    let events = tick(&mut story, &world);
    let [Event::DrillEnded { verdict, measures, .. }] = &events[..] else { panic!("{events:?}") };
    assert_eq!(*verdict, Verdict::Unknown);
    assert_eq!(measures.failed, None);
    assert_eq!(measures.failing_ms, None);
    assert_eq!(measures.healed_ms, Some(4500));
}

#[test]
fn too_many_failed_requests_turn_the_plan_back_and_the_drill_ends_stopped() {
    let mut story = struck("zone-loss", 1.2, &zone_lost(1.4));
    let failing = |now| {
        let mut world = zone_lost(now);
        fail(&mut world, 1, 90, 1.9);
        world
    };
    assert_eq!(tick(&mut story, &failing(2.5)), [], "after 1.3 s a share says little");
    insta::assert_snapshot!("stops", lines(&tick(&mut story, &failing(3.5))));
    assert_eq!(tick(&mut story, &failing(3.5)), []);
    story.undoes(3.6, 3.8, PlanId(1), 2).ends_plan(3.9, PlanId(1), PlanEnd::Undone);
    assert!(matches!(tick(&mut story, &failing(4.0))[..], [Event::DrillMended { .. }]));
    let events = tick(&mut story, &zone_back(20.0));
    assert!(matches!(events[..], [Event::DrillEnded { verdict: Verdict::Stopped, .. }]), "{events:?}");
}

#[test]
fn a_halt_or_trouble_elsewhere_stops_a_drill() {
    let mut story = struck("zone-loss", 1.2, &zone_lost(1.4));
    story.incident(2.2, Grade::P1, FindingKind::PlaceLost, Subject::Place("hz-a".into()), Some(1));
    assert_eq!(tick(&mut story.clone(), &zone_lost(2.3)), [], "its own trouble does not stop it");

    let mut elsewhere = story.clone();
    elsewhere.incident(2.4, Grade::P1, FindingKind::PlaceLost, Subject::Place("hz-b".into()), None);
    let events = tick(&mut elsewhere, &zone_lost(2.5));
    assert!(matches!(events[..], [Event::PlanUndoing { .. }]), "{events:?}");

    story.tell(2.4, [Event::Halted { by: operator(), reason: "stop".into() }]);
    let events = tick(&mut story, &zone_lost(2.5));
    assert!(matches!(events[..], [Event::PlanUndoing { .. }]), "{events:?}");
    story.undoes(2.6, 2.7, PlanId(1), 2).ends_plan(2.8, PlanId(1), PlanEnd::Undone);
    tick(&mut story, &zone_lost(2.9));
    let events = tick(&mut story, &zone_lost(3.0));
    assert!(matches!(events[..], [Event::DrillEnded { verdict: Verdict::Stopped, .. }]), "{events:?}");
}

#[test]
fn a_killed_instance_that_was_not_yet_missed_has_not_recovered() {
    let mut story = begun("kill-order");
    story.does(1.2, 1.3, PlanId(1), 2);
    let events = tick(&mut story, &world(1.4));
    assert!(matches!(events[..], [Event::DrillBroke { .. }, Event::DrillMended { .. }]), "{events:?}");
    story.does(1.3, 3.3, PlanId(1), 3).ends_plan(3.4, PlanId(1), PlanEnd::Done);
    let mut unnoticed = world(3.5);
    unnoticed.instances.get_mut(&"order@hz-a".into()).unwrap().answered = Some(at(1.1));
    assert_eq!(tick(&mut story, &unnoticed), []);
}

#[test]
fn a_drill_that_does_not_recover_is_given_up_and_has_failed() {
    let mut story = struck("zone-loss", 1.2, &zone_lost(1.4));
    story.does(1.3, 11.3, PlanId(1), 3).does(11.5, 11.6, PlanId(1), 4);
    story.ends_plan(11.8, PlanId(1), PlanEnd::Done);
    tick(&mut story, &zone_lost(12.0));
    assert_eq!(tick(&mut story, &zone_lost(600.0)), []);
    insta::assert_snapshot!("gives_up", lines(&tick(&mut story, &zone_lost(612.0))));
}

#[test]
fn a_steady_state_that_does_not_show_breaks_nothing() {
    let mut story = Story::default();
    let events = start(&story, &estate(), &world(0.0), "zone-loss").unwrap();
    story.tell(0.0, events).starts_plan(0.1, PlanId(1));
    let (plan, step) = (PlanId(1), StepNo(1));
    let outcome = StepOutcome::Failed(vec![reason("waited-in-vain").with("for", "30s")]);
    story.tell(0.2, [Event::StepStarted { plan, step, attempt: 1 }]);
    story.tell(30.2, [Event::StepEnded { plan, step, outcome, observed: false }]);
    story.tell(30.3, [Event::PlanUndoing { plan, reasons: vec![] }]);
    story.ends_plan(30.4, plan, PlanEnd::Undone);
    insta::assert_snapshot!("not_steady", lines(&tick(&mut story, &world(30.5))));
}

#[test]
fn a_fault_that_could_not_be_undone_is_said() {
    let mut story = struck("zone-loss", 1.2, &zone_lost(1.4));
    let (plan, step) = (PlanId(1), StepNo(2));
    let undoing = Event::PlanUndoing { plan, reasons: vec![reason("outcome-unknown")] };
    let outcome = StepOutcome::Failed(vec![reason("outcome-unknown")]);
    let undone = Event::UndoEnded { plan, step, outcome };
    story.tell(2.0, [undoing, Event::UndoStarted { plan, step }, undone]);
    story.ends_plan(2.1, plan, PlanEnd::Failed);
    let events = tick(&mut story, &zone_lost(2.5));
    let [Event::DrillEnded { verdict: Verdict::Failed, reasons, .. }] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(reasons[0].code, "drill-fault-not-undone");
}

#[test]
fn a_drill_is_refused_with_every_reason() {
    let (calm, estate) = (Story::default(), estate());
    let mut told = String::new();
    let mut add = |what: &str, text: String| told.push_str(&format!("{what}\n{text}\n"));

    add("unknown drill", refusals(&calm, &estate, &world(0.0), "flood"));

    let mut story = calm.clone();
    story.incident(-5.0, Grade::P1, FindingKind::PlaceLost, Subject::Place("hz-b".into()), None);
    story.tell(-1.0, [Event::Halted { by: operator(), reason: "stop".into() }]);
    add("incident and halt", refusals(&story, &estate, &world(0.0), "zone-loss"));

    add("another runs", refusals(&begun("hang-order"), &estate, &world(2.0), "zone-loss"));

    let mut weak = world(0.0);
    weak.instances.insert("payment@hz-b".into(), sighting(false, -3.0, 0.0));
    weak.instances.remove(&InstanceId::from("order@hz-c"));
    add("down and unknown", refusals(&calm, &estate, &weak, "zone-loss"));

    let mut silent = world(0.0);
    silent.traffic = Default::default();
    add("no traffic", refusals(&calm, &estate, &silent, "zone-loss"));

    let mut failing = world(0.0);
    for second in -5..0 {
        fail(&mut failing, second, 8, second as f64);
    }
    add("failing traffic", refusals(&calm, &estate, &failing, "zone-loss"));

    let mut foreign = estate.clone();
    foreign.services.get_mut(&"order".into()).unwrap().instances[0].run = None;
    add("not ours", refusals(&calm, &foreign, &world(0.0), "kill-order"));

    let mut nothing = estate.clone();
    nothing.services.values_mut().for_each(|service| service.instances[0].run = None);
    add("nothing of ours there", refusals(&calm, &nothing, &world(0.0), "zone-loss"));
    insta::assert_snapshot!("refused", told);
}

#[test]
fn the_quiet_time_after_a_drill_does_not_keep_the_next_one_waiting() {
    let mut story = broken_and_healed();
    tick(&mut story, &zone_back(17.5));
    assert!(story.book.open_incidents().next().is_some());
    assert!(start(&story, &estate(), &zone_back(20.0), "hang-order").is_ok());
}

#[test]
fn a_controller_that_takes_over_goes_on() {
    let mut story = begun("zone-loss");
    story.does(1.2, 1.3, PlanId(1), 2);
    story.tell(1.35, [Event::ControllerStarted { version: "0.1.0".into(), lease: 2 }]);
    assert!(matches!(tick(&mut story, &zone_lost(1.4))[..], [Event::DrillBroke { .. }]));
}

proptest::proptest! {
    #[test]
    fn nothing_is_broken_while_anything_in_scope_is_not_known_to_be_up(seen in proptest::collection::vec(0u8..3, 6)) {
        let mut world = world(0.0);
        let ids: Vec<InstanceId> = estate().instances().filter(|(_, i)| !i.spare).map(|(_, i)| i.id.clone()).collect();
        for (id, seen) in ids.iter().zip(&seen) {
            match seen {
                0 => {}
                1 => drop(world.instances.insert(id.clone(), sighting(false, -3.0, 0.0))),
                _ => drop(world.instances.remove(id)),
            }
        }
        let begins = start(&Story::default(), &estate(), &world, "zone-loss").is_ok();
        proptest::prop_assert_eq!(begins, seen.iter().all(|seen| *seen == 0));
    }
}
