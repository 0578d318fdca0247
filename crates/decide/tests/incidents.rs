//! How incidents open, grow, merge, change grade and close.
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod stage;

use std::collections::BTreeSet;

use dinghai_estate::{ActionKind, Autonomy, PlaceId, ServiceId};
use dinghai_record::{
    Approval, Event, Fault, FindingKind, Grade, IncidentId, IncidentState, PlanState, Severity, Subject,
};
use stage::{Is, Stage, shop};

fn grade(stage: &Stage) -> Grade {
    stage.book.incidents[&IncidentId(1)].grade
}

#[test]
fn the_life_of_an_incident() {
    let mut stage = Stage::proven(shop::shop());
    stage.say("hz-a dies");
    stage.place_lost("hz-a");
    for service in ["storefront", "order", "payment"] {
        stage.service_finding(FindingKind::RedundancyGone, service, Severity::Warning);
    }
    stage.lost_places = Some(BTreeSet::from([PlaceId::from("hz-a")]));
    stage.settle();
    stage.start_plans();
    stage.act();
    stage.settle();
    stage.wait_s(20);
    stage.say("hz-a takes starts again");
    stage.lost_places = Some(BTreeSet::new());
    stage.act();
    stage.wait_s(2);
    stage.clear_all();
    stage.settle();
    stage.wait_s(599);
    stage.settle();
    stage.wait_s(1);
    stage.settle();
    insta::assert_snapshot!(stage.log);
    assert_eq!(stage.book.incidents[&IncidentId(1)].state, IncidentState::Closed);
    assert!(stage.known.iter().all(|(id, is)| (*is == Is::Stopped) == id.as_str().ends_with(".2")));
}

#[test]
fn one_killed_instance_is_restarted() {
    let mut stage = Stage::proven(shop::shop());
    stage.set(Is::Dead, |id| id == "order@hz-b");
    stage.instance_down("order@hz-b");
    stage.settle();
    assert!(stage.book.plans.is_empty(), "a lost place has time to show itself");
    stage.wait_s(2);
    stage.settle();
    stage.start_plans();
    stage.act();
    stage.clear_all();
    stage.settle();
    insta::assert_snapshot!(stage.log);
}

#[test]
fn a_hung_instance_is_replaced_first_where_the_rest_is_below_the_minimum() {
    let mut estate = shop::shop();
    estate.services.get_mut(&ServiceId::from("order")).unwrap().minimum = 3;
    let mut stage = Stage::proven(estate);
    stage.set(Is::Doubtful, |id| id == "order@hz-a");
    let about = Subject::Instance(shop::id("order@hz-a"));
    stage.raise(FindingKind::InstanceHung, about, Severity::Critical, &["order@hz-a"]);
    stage.wait_s(2);
    stage.settle();
    insta::assert_snapshot!(stage.log);
}

#[test]
fn instances_that_are_not_ours_are_held_and_waited_for() {
    let mut estate = shop::shop();
    estate.services.get_mut(&ServiceId::from("recommend")).unwrap().instances[0].run = None;
    let mut stage = Stage::proven(estate);
    stage.set(Is::Dead, |id| id == "recommend@hz-a");
    stage.instance_down("recommend@hz-a");
    stage.wait_s(2);
    stage.settle();
    insta::assert_snapshot!(stage.log);
}

#[test]
fn findings_that_prove_to_be_one_trouble_merge() {
    let mut stage = Stage::proven(shop::shop());
    stage.set(Is::Dead, |id| id == "storefront@hz-b" || id == "payment@hz-c");
    stage.instance_down("storefront@hz-b");
    stage.instance_down("payment@hz-c");
    stage.settle();
    assert_eq!(stage.book.open_incidents().count(), 2);
    stage.wait_s(1);
    stage.service_finding(FindingKind::RequestsFailing, "storefront", Severity::Warning);
    stage.settle();
    insta::assert_snapshot!(stage.log);
    assert_eq!(stage.book.open_incidents().count(), 1);
}

#[test]
fn a_lost_place_takes_over_the_incident_of_its_first_instance() {
    let mut stage = Stage::proven(shop::shop());
    stage.set(Is::Dead, |id| id == "order@hz-a");
    stage.instance_down("order@hz-a");
    stage.settle();
    stage.wait_s(1);
    stage.clear_all();
    stage.place_lost("hz-a");
    stage.settle();
    assert_eq!(stage.book.incidents.len(), 1);
    assert_eq!(stage.book.incidents[&IncidentId(1)].about, Subject::Place(PlaceId::from("hz-a")));
    assert_eq!(grade(&stage), Grade::P1);
}

#[test]
fn a_grade_rises_with_what_is_lost_and_falls_with_what_comes_back() {
    let mut stage = Stage::new(shop::shop());
    stage.set(Is::Dead, |id| id == "order@hz-b");
    stage.instance_down("order@hz-b");
    stage.settle();
    assert_eq!(grade(&stage), Grade::P3);
    stage.service_finding(FindingKind::RedundancyGone, "order", Severity::Warning);
    stage.settle();
    assert_eq!(grade(&stage), Grade::P2);
    stage.service_finding(FindingKind::BelowMinimum, "order", Severity::Critical);
    stage.settle();
    assert_eq!(grade(&stage), Grade::P1);
    stage.failed_percent = Some(60);
    stage.service_finding(FindingKind::RequestsFailing, "order", Severity::Critical);
    stage.settle();
    assert_eq!(grade(&stage), Grade::P0);
    stage.failed_percent = Some(30);
    stage.settle();
    assert_eq!(grade(&stage), Grade::P0, "above half of the threshold it stays");
    stage.failed_percent = Some(1);
    stage.settle();
    assert_eq!(grade(&stage), Grade::P1);
    assert_eq!(stage.book.incidents[&IncidentId(1)].worst, Grade::P0);
    insta::assert_snapshot!(stage.log);
}

#[test]
fn a_secondary_service_that_is_down_is_p2_and_half_of_the_core_below_minimum_is_p0() {
    let mut stage = Stage::new(shop::shop());
    stage.set(Is::Dead, |id| id.starts_with("recommend"));
    stage.instance_down("recommend@hz-a");
    stage.settle();
    assert_eq!(grade(&stage), Grade::P2);

    let mut stage = Stage::new(shop::shop());
    stage.service_finding(FindingKind::BelowMinimum, "order", Severity::Critical);
    stage.service_finding(FindingKind::BelowMinimum, "payment", Severity::Critical);
    stage.settle();
    assert_eq!(grade(&stage), Grade::P0);
}

#[test]
fn without_a_count_the_graph_tells_whether_a_path_fails() {
    let mut stage = Stage::new(shop::shop());
    stage.set(Is::Dead, |id| id.starts_with("payment@"));
    stage.instance_down("payment@hz-a");
    stage.settle();
    assert_eq!(grade(&stage), Grade::P0, "storefront needs order needs payment");

    let mut stage = Stage::new(shop::shop());
    stage.set(Is::Unknown, |id| id.starts_with("payment@"));
    stage.instance_down("payment@hz-a");
    stage.settle();
    assert_eq!(grade(&stage), Grade::P3, "unknown is not down");
}

#[test]
fn unknown_never_closes_an_incident() {
    let mut stage = Stage::proven(shop::shop());
    stage.set(Is::Dead, |id| id == "order@hz-b");
    stage.instance_down("order@hz-b");
    stage.settle();
    stage.set(Is::Unknown, |_| true);
    stage.lost_places = None;
    for _ in 0..20 {
        stage.wait_s(600);
        stage.settle();
    }
    assert_eq!(stage.book.incidents[&IncidentId(1)].state, IncidentState::Open);
}

#[test]
fn a_note_opens_no_incident() {
    let mut stage = Stage::new(shop::shop());
    stage.raise(FindingKind::Silent, Subject::Hand, Severity::Note, &[]);
    stage.settle();
    assert!(stage.book.incidents.is_empty());
}

#[test]
fn trouble_in_the_quiet_time_joins_only_when_it_is_the_same() {
    let mut stage = Stage::new(shop::shop());
    stage.instance_down("order@hz-b");
    stage.settle();
    stage.clear_all();
    stage.settle();
    stage.wait_s(30);
    stage.instance_down("order@hz-c");
    stage.settle();
    assert_eq!(stage.book.incidents.len(), 2);
    stage.clear_all();
    stage.instance_down("order@hz-b");
    stage.settle();
    assert_eq!(stage.book.incidents.len(), 2);
    assert_eq!(stage.book.incidents[&IncidentId(1)].standing.len(), 1);
}

#[test]
fn an_incident_in_the_scope_of_a_drill_is_put_down_to_it() {
    let mut stage = Stage::new(shop::shop());
    let fault = Fault::KillInstance(shop::id("payment@hz-a"));
    stage.drill(
        fault,
        &[ActionKind::Restart, ActionKind::ShiftTraffic],
        &["hz-a"],
        &["payment", "order", "storefront"],
    );
    stage.set(Is::Dead, |id| id == "payment@hz-a");
    stage.instance_down("payment@hz-a");
    stage.raise(FindingKind::Silent, Subject::Gateway("public".into()), Severity::Critical, &[]);
    stage.wait_s(2);
    stage.settle();
    assert_eq!(stage.book.incidents[&IncidentId(1)].drill.map(|run| run.0), Some(1));
    assert_eq!(stage.book.incidents[&IncidentId(2)].drill, None);
    let plan = stage.book.plans.values().next().unwrap();
    assert_eq!(plan.state, PlanState::Approved, "the consent lets it act without evidence");
    assert_eq!(plan.verdict.as_ref().unwrap().1[0].code, "drill-consents");
}

#[test]
fn a_place_that_a_drill_holds_lost_is_waited_for() {
    let mut stage = Stage::proven(shop::shop());
    let fault = Fault::KillPlace { place: PlaceId::from("hz-a"), instances: Vec::new() };
    stage.drill(fault, &[], &["hz-a"], &["order"]);
    stage.set(Is::Dead, |id| id == "order@hz-a");
    stage.instance_down("order@hz-a");
    stage.wait_s(2);
    stage.settle();
    assert!(stage.log.contains("await release of hz-a"), "{}", stage.log);
}

fn decided_with(autonomy: Autonomy, proven: bool) -> Option<Approval> {
    let mut estate = shop::shop();
    let order = estate.services.get_mut(&ServiceId::from("order")).unwrap();
    order.autonomy.insert(ActionKind::Restart, autonomy);
    let mut stage = if proven { Stage::proven(estate) } else { Stage::new(estate) };
    stage.set(Is::Dead, |id| id == "order@hz-b");
    stage.instance_down("order@hz-b");
    stage.wait_s(2);
    stage.settle();
    stage.book.plans.values().next().and_then(|record| Some(record.verdict.as_ref()?.0))
}

#[test]
fn a_plan_may_do_as_much_as_the_weakest_of_what_it_needs() {
    assert_eq!(decided_with(Autonomy::Auto, true), Some(Approval::Run));
    assert_eq!(decided_with(Autonomy::Ask, true), Some(Approval::Ask));
    assert_eq!(decided_with(Autonomy::Shadow, true), Some(Approval::Shadow));
    assert_eq!(decided_with(Autonomy::Auto, false), Some(Approval::Ask), "auto has to be earned");
}

#[test]
fn what_is_off_is_left_out_of_the_plan() {
    let mut estate = shop::shop();
    let order = estate.services.get_mut(&ServiceId::from("order")).unwrap();
    order.autonomy.insert(ActionKind::Restart, Autonomy::Off);
    let mut stage = Stage::proven(estate);
    stage.set(Is::Dead, |id| id == "order@hz-b");
    stage.instance_down("order@hz-b");
    stage.wait_s(2);
    stage.settle();
    assert!(!stage.log.contains("restart order"), "{}", stage.log);
    assert!(stage.log.contains("await answers of order@hz-b"), "{}", stage.log);
    assert!(stage.log.contains("because autonomy-off"), "{}", stage.log);
}

#[test]
fn evidence_that_expired_or_speaks_against_asks_again() {
    for (days, against, code) in [(31, false, "evidence-expired"), (0, true, "evidence-against")] {
        let mut stage = Stage::proven(shop::shop());
        if against {
            stage.wait_s(1);
            stage.prove("order", ActionKind::Restart, false);
        }
        stage.wait_s(days * 86_400);
        stage.set(Is::Dead, |id| id == "order@hz-b");
        stage.instance_down("order@hz-b");
        stage.wait_s(2);
        stage.settle();
        let record = stage.book.plans.values().next().unwrap();
        let (approval, reasons) = record.verdict.clone().unwrap();
        assert_eq!((approval, record.state), (Approval::Ask, PlanState::Waiting));
        assert_eq!(reasons[0].code, code);
    }
}

#[test]
fn a_waiting_plan_is_withdrawn_when_its_facts_are_gone_and_replaced_when_they_change() {
    let mut stage = Stage::new(shop::shop());
    stage.set(Is::Dead, |id| id == "order@hz-b");
    stage.instance_down("order@hz-b");
    stage.wait_s(2);
    stage.settle();
    stage.set(Is::Dead, |id| id == "order@hz-c");
    stage.instance_down("order@hz-c");
    stage.wait_s(2);
    stage.settle();
    stage.set(Is::Up, |id| id.starts_with("order@") && !id.ends_with(".2"));
    stage.clear_all();
    stage.settle();
    insta::assert_snapshot!(stage.log);
    assert_eq!(stage.book.open_plans().count(), 0);
}

#[test]
fn a_shadow_plan_is_recorded_once() {
    let mut estate = shop::shop();
    for service in estate.services.values_mut() {
        service.autonomy.clear();
    }
    let mut stage = Stage::new(estate);
    stage.set(Is::Dead, |id| id == "order@hz-b");
    stage.instance_down("order@hz-b");
    for _ in 0..50 {
        stage.wait_s(60);
        stage.settle();
    }
    let states: Vec<PlanState> = stage.book.plans.values().map(|record| record.state).collect();
    assert_eq!(states, [PlanState::Shadowed]);
}

#[test]
fn a_plan_that_did_not_help_is_followed_by_another_and_then_by_a_question() {
    let mut stage = Stage::proven(shop::shop());
    stage.set(Is::Dead, |id| id == "order@hz-b");
    stage.instance_down("order@hz-b");
    stage.wait_s(2);
    stage.settle();
    for _ in 0..5 {
        stage.start_plans();
        stage.act();
        stage.set(Is::Dead, |id| id == "order@hz-b");
        stage.settle();
        stage.wait_s(120);
        stage.settle();
    }
    let states: Vec<PlanState> = stage.book.plans.values().map(|record| record.state).collect();
    let done = PlanState::Ended(dinghai_record::PlanEnd::Done);
    assert_eq!(states, [done, done, done, PlanState::Waiting]);
}

#[test]
fn what_is_declared_and_stopped_is_brought_up_once_and_only_when_the_hand_is_heard() {
    let mut stage = Stage::new(shop::shop());
    stage.set(Is::Stopped, |_| true);
    stage.lost_places = None;
    stage.settle();
    assert!(stage.book.plans.is_empty(), "the hand is not heard");
    stage.lost_places = Some(BTreeSet::new());
    stage.settle();
    stage.start_plans();
    stage.act();
    stage.settle();
    insta::assert_snapshot!(stage.log);
}

#[test]
fn the_plan_of_a_merged_incident_is_withdrawn() {
    let mut stage = Stage::new(shop::shop());
    stage.set(Is::Dead, |id| id == "storefront@hz-b" || id == "payment@hz-c");
    stage.instance_down("storefront@hz-b");
    stage.instance_down("payment@hz-c");
    stage.wait_s(2);
    stage.settle();
    assert_eq!(stage.book.open_plans().count(), 2);
    stage.service_finding(FindingKind::RequestsFailing, "storefront", Severity::Warning);
    stage.settle();
    assert_eq!(stage.book.open_plans().count(), 1);
    let events: Vec<Event> = stage.ask();
    assert_eq!(events, []);
}
