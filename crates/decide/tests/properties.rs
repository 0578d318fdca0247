//! What has to be so whatever happens.
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod stage;

use std::collections::BTreeSet;

use dinghai_decide::{budget, lint};
use dinghai_estate::{InstanceId, PlaceId};
use dinghai_record::{
    Action, Condition, Event, FindingKind, IncidentState, Performed, PlanEnd, PlanState, Severity,
    StepOutcome, StepState, Subject,
};
use proptest::prelude::*;
use stage::{Is, Stage, shop};

#[derive(Clone, Debug)]
enum Happens {
    Instance(usize, Is),
    Found(usize, u8),
    PlaceLost(usize),
    Cleared(usize),
    ServiceFound(usize, u8),
    HeldLost(Option<bool>),
    Failing(Option<u64>),
    Approve,
    Step,
    Fails,
    Wait(u64),
}

fn is() -> impl Strategy<Value = Is> {
    prop_oneof![Just(Is::Up), Just(Is::Dead), Just(Is::Doubtful), Just(Is::Unknown), Just(Is::Stopped)]
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        3 => (0usize..17, is()).prop_map(|(which, is)| Happens::Instance(which, is)),
        3 => (0usize..17, 0u8..5).prop_map(|(which, kind)| Happens::Found(which, kind)),
        1 => (0usize..3).prop_map(Happens::PlaceLost),
        2 => (0usize..20).prop_map(Happens::Cleared),
        2 => (0usize..4, 0u8..3).prop_map(|(which, kind)| Happens::ServiceFound(which, kind)),
        1 => prop_oneof![Just(None), Just(Some(true)), Just(Some(false))].prop_map(Happens::HeldLost),
        1 => prop::option::of(0u64..100).prop_map(Happens::Failing),
        1 => Just(Happens::Approve),
        6 => Just(Happens::Step),
        1 => Just(Happens::Fails),
        2 => (1u64..700).prop_map(Happens::Wait),
    ]
}

fn nth<T: Clone>(items: impl Iterator<Item = T>, n: usize) -> Option<T> {
    let items: Vec<T> = items.collect();
    (!items.is_empty()).then(|| items[n % items.len()].clone())
}

fn happen(stage: &mut Stage, what: Happens) -> Result<(), TestCaseError> {
    match what {
        Happens::Instance(which, is) => {
            let id = nth(stage.known.keys().cloned(), which).unwrap();
            stage.known.insert(id, is);
        }
        Happens::Found(which, kind) => {
            let id = nth(stage.known.keys().cloned(), which).unwrap();
            let kind = [
                FindingKind::InstanceDown,
                FindingKind::InstanceHung,
                FindingKind::InstanceSlow,
                FindingKind::Disagreement,
                FindingKind::Silent,
            ][usize::from(kind)];
            let about = Subject::Instance(id.clone());
            stage.raise(kind, about, Severity::Warning, &[id.as_str()]);
        }
        Happens::PlaceLost(which) => stage.place_lost(shop::ZONES[which]),
        Happens::Cleared(which) => {
            if let Some(key) = nth(stage.book.findings.keys().cloned(), which) {
                stage.apply(Event::FindingCleared { key, reasons: Vec::new() });
            }
        }
        Happens::ServiceFound(which, kind) => {
            let service = nth(stage.estate.services.keys().cloned(), which).unwrap();
            let kind = [FindingKind::BelowMinimum, FindingKind::RedundancyGone, FindingKind::RequestsFailing]
                [usize::from(kind)];
            stage.service_finding(kind, service.as_str(), Severity::Critical);
        }
        Happens::HeldLost(held) => {
            stage.lost_places = held.map(|held| held.then(|| PlaceId::from("hz-a")).into_iter().collect());
        }
        Happens::Failing(percent) => stage.failed_percent = percent,
        Happens::Approve => {
            let waiting = stage.book.open_plans().find(|record| record.state == PlanState::Waiting);
            if let Some(plan) = waiting.map(|record| record.plan.id) {
                stage.apply(Event::PlanApproved { plan, by: dinghai_record::Actor::Automaton });
            }
        }
        Happens::Step => {
            stage.start_plans();
            one_step(stage)?;
        }
        Happens::Fails => {
            let running = stage.book.open_plans().find(|record| record.state == PlanState::Running);
            if let Some(plan) = running.map(|record| record.plan.id) {
                stage.apply(Event::PlanUndoing { plan, reasons: Vec::new() });
                stage.apply(Event::PlanEnded { plan, end: PlanEnd::Undone, reasons: Vec::new() });
            }
        }
        Happens::Wait(seconds) => stage.wait_s(seconds),
    }
    Ok(())
}

/// The next step of every running plan that the budget admits, as a hand that always succeeds does it. What we take
/// away may never leave a service that held its minimum below it.
fn one_step(stage: &mut Stage) -> Result<(), TestCaseError> {
    let running: Vec<_> =
        stage.book.open_plans().filter(|record| record.state == PlanState::Running).cloned().collect();
    for record in running {
        let plan = &record.plan;
        let next = plan.steps.iter().zip(&record.steps).find(|(_, at)| at.state == StepState::NotStarted);
        let Some((step, _)) = next else {
            stage.apply(Event::PlanEnded { plan: plan.id, end: PlanEnd::Done, reasons: Vec::new() });
            continue;
        };
        let world = stage.world();
        if budget::recheck(&stage.estate, &stage.book, &world, plan, step, stage.now).is_err() {
            continue;
        }
        let waits = matches!(&step.action, Action::Await(condition) if match condition {
            Condition::Answering { instances, .. } => instances.iter().any(|id| stage.known[id] != Is::Up),
            Condition::PlaceReleased(place) => stage.lost_places.as_ref().is_none_or(|lost| lost.contains(place)),
            _ => false,
        });
        if waits {
            continue;
        }
        let removed: BTreeSet<InstanceId> = match &step.action {
            Action::Weigh(shares) => {
                shares.iter().filter(|(_, share)| **share == 0).map(|(id, _)| id.clone()).collect()
            }
            Action::Stop(ids) | Action::Restart(ids) => ids.iter().cloned().collect(),
            _ => BTreeSet::new(),
        };
        for (id, service) in &stage.estate.services {
            let serves = |instance: &&dinghai_estate::Instance| {
                stage.known[&instance.id] == Is::Up && stage.book.share(&instance.id, instance.spare) > 0
            };
            let before: Vec<_> = service.instances.iter().filter(serves).collect();
            let left = before.iter().filter(|instance| !removed.contains(&instance.id)).count();
            let minimum = usize::try_from(service.minimum).unwrap();
            prop_assert!(
                left == before.len() || left >= minimum,
                "{} of {} leaves {left} of {} of {id}\n{}",
                step.no,
                plan.id,
                before.len(),
                stage.log
            );
        }
        let (plan, step) = (plan.id, step.clone());
        stage.apply(Event::StepStarted { plan, step: step.no, attempt: 1 });
        match &step.action {
            Action::Start(ids) | Action::Restart(ids) => {
                stage.known.extend(ids.iter().map(|id| (id.clone(), Is::Up)));
            }
            Action::Stop(ids) => stage.known.extend(ids.iter().map(|id| (id.clone(), Is::Stopped))),
            _ => {}
        }
        let outcome = StepOutcome::Done(Performed { changed: true, notes: Vec::new() });
        stage.apply(Event::StepEnded { plan, step: step.no, outcome, observed: false });
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn decisions_settle_and_no_plan_breaks_a_minimum(story in prop::collection::vec(happens(), 1..60)) {
        let mut stage = Stage::proven(shop::shop());
        for what in story {
            happen(&mut stage, what)?;
            stage.settle();
            for record in stage.book.plans.values() {
                prop_assert_eq!(lint(&stage.estate, &record.plan), []);
            }
            for incident in stage.book.incidents.values() {
                if incident.state == IncidentState::Closed {
                    prop_assert!(incident.standing.is_empty(), "closed while something stands\n{}", stage.log);
                }
            }
            for finding in stage.book.findings.values() {
                let housed = finding.incident.and_then(|id| stage.book.incidents.get(&id));
                let open = housed.is_some_and(|incident| incident.state == IncidentState::Open);
                prop_assert!(open || finding.finding.severity < Severity::Warning, "{} is lost\n{}", finding.finding.key, stage.log);
            }
        }
    }
}
