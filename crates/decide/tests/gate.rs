//! What lint and budget let pass and what they refuse.
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod stage;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use dinghai_decide::{budget, lint};
use dinghai_estate::ServiceId;
use dinghai_record::{
    Action, Actor, Condition, DrillRunId, Event, Fault, FaultOrder, FindingKind, Plan, PlanEnd, PlanId,
    PlanPurpose, Reason, Reservation, Seq, Severity, Step, StepClass, StepNo, Taking,
};
use stage::{Is, Stage, shop};

fn step(no: u64, action: Action, class: StepClass, verify: Option<Condition>) -> Step {
    Step { no: StepNo(no), action, class, verify, within: Duration::from_secs(10) }
}

fn plan(id: u64, purpose: PlanPurpose, takes: &[&str], steps: Vec<Step>) -> Plan {
    let mut taking = Taking::default();
    for instance in takes {
        let service = ServiceId::from(instance.split('@').next().unwrap());
        taking.instances.entry(service).or_default().insert(shop::id(instance));
    }
    Plan {
        id: PlanId(id),
        parent: None,
        purpose,
        title: Reason::new("test"),
        steps,
        takes: taking,
        needs: BTreeMap::new(),
        reasons: Vec::new(),
        seen: Seq(0),
    }
}

fn restart(ids: &[&str]) -> Step {
    let ids: Vec<_> = ids.iter().map(|id| shop::id(id)).collect();
    let verify = Condition::Answering { instances: ids.clone(), lasting: Duration::ZERO };
    step(1, Action::Restart(ids.clone()), StepClass::Compensable(Box::new(Action::Stop(ids))), Some(verify))
}

/// A plan that restarts these, and takes them.
fn restarting(id: u64, ids: &[&str]) -> Plan {
    plan(id, PlanPurpose::BringUp, ids, vec![restart(ids)])
}

fn drill(id: u64, run: u64, instance: &str) -> Plan {
    let order = FaultOrder { fault: Fault::KillInstance(shop::id(instance)), lease: Duration::from_secs(30) };
    let undo = Box::new(Action::Start(vec![shop::id(instance)]));
    let steps = vec![step(1, Action::Break(order), StepClass::Compensable(undo), None)];
    plan(id, PlanPurpose::Drill(DrillRunId(run)), &[instance], steps)
}

fn codes(reasons: &[Reason]) -> Vec<&str> {
    reasons.iter().map(|reason| reason.code.as_str()).collect()
}

fn admit(stage: &Stage, plan: &Plan) -> Result<Reservation, (bool, Vec<String>)> {
    budget::admit(&stage.estate, &stage.book, &stage.world(), plan, stage.now).map_err(|refusal| {
        (refusal.retry, refusal.reasons.iter().map(|reason| reason.code.clone()).collect())
    })
}

fn refused(retry: bool, code: &str) -> Result<Reservation, (bool, Vec<String>)> {
    Err((retry, vec![code.to_owned()]))
}

fn start(stage: &mut Stage, plan: &Plan) {
    let reservation = admit(stage, plan).unwrap();
    let decided =
        Event::PlanDecided { plan: plan.id, approval: dinghai_record::Approval::Run, reasons: Vec::new() };
    stage.apply(Event::PlanProposed { plan: plan.clone() });
    stage.apply(decided);
    stage.apply(Event::PlanStarted { plan: plan.id, reservation });
}

#[test]
fn a_sound_plan_has_no_faults() {
    assert_eq!(lint(&shop::shop(), &restarting(1, &["order@hz-a"])), []);
    assert_eq!(lint(&shop::shop(), &drill(1, 1, "order@hz-a")), []);
}

#[test]
fn every_fault_of_a_plan_is_named() {
    let estate = shop::shop();
    let weigh = |share: u8, ids: &[&str]| {
        Action::Weigh(ids.iter().map(|id| (shop::id(id), share)).collect::<BTreeMap<_, _>>())
    };
    let done = || Some(Condition::Running(vec![shop::id("order@hz-a")]));
    let start = || Action::Start(vec![shop::id("order@hz-a")]);
    let stop = || StepClass::Reversible(Box::new(Action::Stop(vec![shop::id("order@hz-a")])));
    let last = || StepClass::Final(Reason::new("test"));
    let all = ["order@hz-a", "order@hz-b", "order@hz-c"];
    let faults = |takes: &[&str], steps: Vec<Step>| {
        let faults = lint(&estate, &plan(1, PlanPurpose::BringUp, takes, steps));
        codes(&faults).into_iter().map(str::to_owned).collect::<BTreeSet<_>>()
    };
    let only = |code: &str| BTreeSet::from([code.to_owned()]);
    assert_eq!(faults(&[], vec![]), only("plan-empty"));
    assert_eq!(faults(&[], vec![step(2, start(), stop(), done())]), only("plan-misnumbered"));
    let finals = vec![step(1, start(), last(), done()), step(2, start(), stop(), done())];
    assert_eq!(faults(&[], finals), only("plan-final-not-last"));
    let same = StepClass::Reversible(Box::new(start()));
    assert_eq!(faults(&[], vec![step(1, start(), same, done())]), only("plan-undo-undoes-nothing"));
    assert_eq!(faults(&[], vec![step(1, start(), StepClass::NoAct, done())]), only("plan-act-without-class"));
    assert_eq!(faults(&[], vec![step(1, start(), stop(), None)]), only("plan-act-unverified"));
    let unheard = Action::Start(vec![shop::id("order@moon")]);
    assert_eq!(faults(&[], vec![step(1, unheard, stop(), done())]), only("plan-instance-undeclared"));
    assert_eq!(faults(&[], vec![restart(&["order@hz-a"])]), only("plan-takes-unnamed"));
    let back = StepClass::Reversible(Box::new(weigh(100, &all)));
    let unserved = faults(&all[..2], vec![step(1, weigh(0, &all), back, done())]);
    assert!(unserved.contains("plan-no-share"), "{unserved:?}");
    let mut foreign = shop::shop();
    foreign.services.get_mut(&ServiceId::from("order")).unwrap().instances[0].run = None;
    let theirs = lint(&foreign, &restarting(1, &["order@hz-a"]));
    assert_eq!(codes(&theirs), ["plan-instance-not-ours"]);
}

#[test]
fn what_two_vantage_points_agree_is_dead_is_free() {
    let mut stage = Stage::new(shop::shop());
    stage.set(Is::Dead, |id| id.starts_with("order@") || id.starts_with("payment@"));
    let admitted = admit(&stage, &restarting(1, &["order@hz-a", "order@hz-b", "order@hz-c"])).unwrap();
    assert!(admitted.healthy.is_empty() && admitted.places.is_empty());
}

#[test]
fn what_is_unknown_or_dead_to_one_alone_counts_as_healthy() {
    for is in [Is::Unknown, Is::Doubtful] {
        let mut stage = Stage::new(shop::shop());
        stage.set(is, |id| id == "order@hz-a");
        let admitted = admit(&stage, &restarting(1, &["order@hz-a"])).unwrap();
        assert_eq!(admitted.healthy.values().flatten().count(), 1);
        stage.set(is, |id| id == "order@hz-b");
        assert_eq!(admit(&stage, &restarting(1, &["order@hz-a"])), refused(true, "budget-minimum"));
    }
}

#[test]
fn plans_that_run_and_plans_that_ended_in_the_window_share_one_budget() {
    let mut stage = Stage::new(shop::shop());
    stage.estate.budget.places = 3;
    stage.estate.services.get_mut(&ServiceId::from("order")).unwrap().minimum = 0;
    start(&mut stage, &restarting(1, &["order@hz-a"]));
    assert_eq!(admit(&stage, &restarting(2, &["order@hz-b"])), refused(true, "budget-service"));
    assert!(admit(&stage, &restarting(2, &["payment@hz-b"])).is_ok(), "another service has its own");
    stage.apply(Event::PlanEnded { plan: PlanId(1), end: PlanEnd::Done, reasons: Vec::new() });
    assert_eq!(admit(&stage, &restarting(2, &["order@hz-b"])), refused(true, "budget-service"));
    assert!(admit(&stage, &restarting(2, &["order@hz-a"])).is_ok(), "the same instance counts once");
    stage.wait_s(601);
    assert!(admit(&stage, &restarting(2, &["order@hz-b"])).is_ok(), "the window has passed");
    let too_many = restarting(2, &["order@hz-a", "order@hz-b"]);
    assert_eq!(admit(&stage, &too_many), refused(false, "budget-service"));
}

#[test]
fn healthy_capacity_is_taken_out_of_one_place_only() {
    let mut stage = Stage::new(shop::shop());
    start(&mut stage, &restarting(1, &["order@hz-a"]));
    assert_eq!(admit(&stage, &restarting(2, &["payment@hz-b"])), refused(true, "budget-places"));
    assert!(admit(&stage, &restarting(2, &["payment@hz-a"])).is_ok());
}

#[test]
fn nothing_healthy_is_taken_below_the_minimum() {
    let mut stage = Stage::new(shop::shop());
    stage.set(Is::Dead, |id| id == "order@hz-b");
    assert_eq!(admit(&stage, &restarting(1, &["order@hz-a"])), refused(true, "budget-minimum"));
    stage.estate.services.get_mut(&ServiceId::from("order")).unwrap().minimum = 3;
    assert_eq!(admit(&stage, &restarting(1, &["order@hz-a"])), refused(false, "budget-minimum"));
}

#[test]
fn a_drill_spends_nothing_while_an_incident_that_is_not_its_own_is_open() {
    let mut stage = Stage::new(shop::shop());
    stage.service_finding(FindingKind::RedundancyGone, "payment", Severity::Warning);
    stage.settle();
    assert_eq!(admit(&stage, &drill(1, 1, "order@hz-a")), refused(true, "budget-kept-for-incident"));
    assert!(admit(&stage, &restarting(1, &["order@hz-a"])).is_ok());
}

#[test]
fn nothing_starts_or_goes_on_while_we_are_halted_but_mending_does() {
    let mut stage = Stage::new(shop::shop());
    let plan = restarting(1, &["order@hz-a"]);
    start(&mut stage, &plan);
    stage.apply(Event::Halted { by: Actor::Automaton, reason: "test".to_owned() });
    assert_eq!(admit(&stage, &restarting(2, &["order@hz-a"])), refused(true, "halted"));
    let recheck =
        |step: &Step| budget::recheck(&stage.estate, &stage.book, &stage.world(), &plan, step, stage.now);
    assert!(recheck(&plan.steps[0]).unwrap_err().retry);
    let mend = Action::Mend(Fault::HangInstance(shop::id("order@hz-a")));
    assert_eq!(recheck(&step(2, mend, StepClass::NoAct, None)), Ok(()));
}

#[test]
fn a_step_is_asked_again_of_the_world_as_it_is_then() {
    let mut stage = Stage::new(shop::shop());
    let plan = restarting(1, &["order@hz-a"]);
    start(&mut stage, &plan);
    let recheck = |stage: &Stage| {
        budget::recheck(&stage.estate, &stage.book, &stage.world(), &plan, &plan.steps[0], stage.now)
    };
    assert_eq!(recheck(&stage), Ok(()));
    stage.set(Is::Dead, |id| id == "order@hz-b");
    assert_eq!(codes(&recheck(&stage).unwrap_err().reasons), ["budget-minimum"]);
}

#[test]
fn what_came_back_to_life_since_the_plan_began_counts_again() {
    let mut stage = Stage::new(shop::shop());
    stage.set(Is::Dead, |id| id == "order@hz-a" || id == "order@hz-b");
    let plan = restarting(1, &["order@hz-a", "order@hz-b"]);
    start(&mut stage, &plan);
    stage.set(Is::Up, |id| id == "order@hz-a" || id == "order@hz-b");
    let again = budget::recheck(&stage.estate, &stage.book, &stage.world(), &plan, &plan.steps[0], stage.now);
    assert!(again.is_err());
}
