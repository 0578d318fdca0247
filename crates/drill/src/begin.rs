//! Whether a drill may begin, and the plan that it is.
//!
//! The plan waits until all in scope answers, breaks, holds, and mends. Breaking is `reversible` by mending where the
//! hand can mend (a hung process goes on, a lost place takes starts again). A killed instance cannot be brought back as
//! it was, so breaking it is `compensable` by starting it; there is nothing to mend, the fault is over as soon as it
//! is in, and the hold only keeps the stop rules' way back open for a moment. Whether somebody starts it again is what
//! the drill is to show.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use dinghai_clock::format_span;
use dinghai_estate::{Drill, DrillId, ServiceId};
use dinghai_record::{
    Action, Actor, Approval, Condition, Consent, Event, Fault, FaultOrder, Grade, Health, IncidentRecord,
    Plan, PlanId, PlanPurpose, PlanState, Reason, Step, StepClass, StepNo, Taking, percent,
};

use crate::{Inputs, scope};

/// How long everything in scope has to answer without a break before anything is broken.
const STEADY_FOR: Duration = Duration::from_secs(1);

/// How long the steady state may take to show itself.
const STEADY_WITHIN: Duration = Duration::from_secs(30);

/// The hand undoes a fault by itself this long after the plan would have: long enough for a new controller to take
/// over the plan first.
const LEASE_MARGIN: Duration = Duration::from_secs(30);

/// How long the stop rules can take back the killing of an instance.
const KILL_HOLD: Duration = Duration::from_secs(2);

/// The longest that breaking or mending may take.
const STRIKE_WITHIN: Duration = Duration::from_secs(10);

/// Traffic is steady by what was counted in this long.
const TRAFFIC_WINDOW: Duration = Duration::from_secs(5);

/// The events that begin a run of the drill, or every reason why it may not. Nothing is broken yet.
///
/// It refuses when the drill is not known or cannot be made, another one or a plan runs, automatons are halted, an
/// incident of grade P0 to P2 is open, the steady state does not show (unknown is not steady), or the fault would take
/// a service below its minimum by itself.
pub fn begin(
    inputs: &Inputs<'_>,
    drill: &DrillId,
    by: Actor,
    consent: Consent,
) -> Result<Vec<Event>, Vec<Reason>> {
    let Inputs { estate, book, world, .. } = *inputs;
    let declared =
        estate.drills.get(drill).ok_or_else(|| vec![Reason::new("drill-unknown").with("drill", drill)])?;
    let mut against = occupied(inputs);
    let fault = match scope::fault(estate, world, declared) {
        Ok(fault) => fault,
        Err(more) => {
            against.extend(more);
            return Err(against);
        }
    };
    let services = scope::services(estate, &fault);
    against.extend(unsteady(inputs, &services, declared.stop_above));
    against.extend(too_few(inputs, &fault));
    if !against.is_empty() {
        return Err(against);
    }
    let (run, plan) = (book.next_drill(), book.next_plan());
    let places = scope::places(estate, &fault);
    let plan = Plan {
        id: plan,
        parent: None,
        purpose: PlanPurpose::Drill(run),
        title: Reason::new("drill-plan").with("drill", drill).with("fault", &fault),
        steps: steps(inputs, &services, &fault, declared),
        takes: taking(inputs, &fault),
        needs: BTreeMap::new(),
        reasons: vec![Reason::new("drill-hypothesis").with("fault", &fault)],
        seen: book.head,
    };
    let decided = decided(plan.id, drill);
    Ok(vec![
        Event::DrillStarted { run, drill: drill.clone(), fault, by, consent, places, services },
        Event::PlanProposed { plan },
        decided,
    ])
}

/// The consent of the person who ran the drill is what lets its plan run.
fn decided(plan: PlanId, drill: &DrillId) -> Event {
    Event::PlanDecided {
        plan,
        approval: Approval::Run,
        reasons: vec![Reason::new("drill-consented").with("drill", drill)],
    }
}

/// What else goes on that a drill may not be added to.
fn occupied(inputs: &Inputs<'_>) -> Vec<Reason> {
    let book = inputs.book;
    let mut against = Vec::new();
    if let Some((_, since, _)) = &book.halted {
        against.push(Reason::new("drill-halted").with("since", since));
    }
    if let Some(open) = book.open_drill() {
        let reason = Reason::new("drill-already-runs").with("run", open.run).with("drill", &open.drill);
        against.push(reason);
    }
    for incident in book.open_incidents().filter(|i| i.grade <= Grade::P2 && !is_aftermath(inputs, i)) {
        let reason = Reason::new("drill-incident-open").with("incident", incident.id);
        against.push(reason.with("grade", incident.grade).with("since", incident.since));
    }
    let acting = |state| matches!(state, PlanState::Approved | PlanState::Running | PlanState::Undoing);
    for plan in book.open_plans().filter(|plan| acting(plan.state)) {
        against.push(Reason::new("drill-plan-runs").with("plan", plan.plan.id));
    }
    against
}

/// Whether an incident stays open only for the quiet time after a drill that is over.
fn is_aftermath(inputs: &Inputs<'_>, incident: &IncidentRecord) -> bool {
    let drill_over = incident
        .drill
        .and_then(|run| inputs.book.drills.get(&run))
        .is_some_and(|record| !record.state.is_open());
    drill_over && incident.standing.is_empty()
}

/// Whatever keeps us from saying that all in scope is as it should be.
fn unsteady(inputs: &Inputs<'_>, services: &BTreeSet<ServiceId>, stop_above: f64) -> Vec<Reason> {
    let Inputs { estate, world, now, .. } = *inputs;
    let mut against = Vec::new();
    for instance in scope::instances(estate, services, false) {
        match world.health(&instance.id) {
            Health::Up => {}
            Health::Down(cause) => against
                .push(Reason::new("drill-instance-down").with("instance", &instance.id).with("cause", cause)),
            Health::Unknown => {
                against.push(Reason::new("drill-instance-unknown").with("instance", &instance.id));
            }
        }
    }
    let routed = estate.gateways.iter().flat_map(|(id, gateway)| gateway.routes.iter().map(move |r| (id, r)));
    if !routed.into_iter().any(|(gateway, route)| estate.user_route(gateway, &route.id)) {
        return against;
    }
    let tally = world.traffic.tally(now.minus(TRAFFIC_WINDOW), now, |g, r| estate.user_route(g, r));
    match tally.and_then(|tally| tally.failed_share()) {
        None => {
            against.push(Reason::new("drill-no-traffic").with("window", format_span(TRAFFIC_WINDOW)));
        }
        Some(share) if share >= stop_above => against.push(
            Reason::new("drill-traffic-failing")
                .with("share", percent(share))
                .with("limit", percent(stop_above)),
        ),
        Some(_) => {}
    }
    against
}

/// Services that the fault by itself would leave with fewer than their minimum: that breaks the promise instead of
/// testing it.
fn too_few(inputs: &Inputs<'_>, fault: &Fault) -> Vec<Reason> {
    let Inputs { estate, world, .. } = *inputs;
    let mut against = Vec::new();
    for id in taking(inputs, fault).instances.keys() {
        let Some(service) = estate.services.get(id) else { continue };
        let left = service
            .instances
            .iter()
            .filter(|i| !fault.instances().contains(&i.id) && *world.health(&i.id) == Health::Up)
            .count();
        if left < usize::try_from(service.minimum).unwrap_or(usize::MAX) {
            let reason = Reason::new("drill-would-break-minimum").with("service", id);
            against.push(reason.with("left", left).with("minimum", service.minimum));
        }
    }
    against
}

fn taking(inputs: &Inputs<'_>, fault: &Fault) -> Taking {
    let mut taking = Taking::default();
    for (service, instance) in fault.instances().iter().filter_map(|id| inputs.estate.instance(id)) {
        taking.instances.entry(service.clone()).or_default().insert(instance.id.clone());
    }
    taking
}

fn steps(inputs: &Inputs<'_>, services: &BTreeSet<ServiceId>, fault: &Fault, drill: &Drill) -> Vec<Step> {
    let steady = Condition::Answering {
        instances: scope::instances(inputs.estate, services, false).map(|i| i.id.clone()).collect(),
        lasting: STEADY_FOR,
    };
    let (class, hold) = match fault {
        Fault::KillInstance(id) => {
            (StepClass::Compensable(Box::new(Action::Start(vec![id.clone()]))), drill.hold.min(KILL_HOLD))
        }
        Fault::HangInstance(_) | Fault::KillPlace { .. } => {
            (StepClass::Reversible(Box::new(Action::Mend(fault.clone()))), drill.hold)
        }
    };
    let order = FaultOrder { fault: fault.clone(), lease: hold + LEASE_MARGIN };
    // The fault is not verified by silence: something may start the instance again faster than its silence shows.
    let mut acts = vec![
        (Action::Await(steady), StepClass::NoAct, None, STEADY_WITHIN),
        (Action::Break(order), class, None, STRIKE_WITHIN),
        (Action::Hold { lasting: hold }, StepClass::NoAct, None, hold + STRIKE_WITHIN),
    ];
    // Mending takes back a change of ours and leaves nothing of its own that could be taken back.
    match fault {
        Fault::KillInstance(_) => {}
        Fault::HangInstance(_) => {
            acts.push((Action::Mend(fault.clone()), StepClass::NoAct, None, STRIKE_WITHIN));
        }
        Fault::KillPlace { place, .. } => {
            let released = Some(Condition::PlaceReleased(place.clone()));
            acts.push((Action::Mend(fault.clone()), StepClass::NoAct, released, STRIKE_WITHIN));
        }
    }
    (1..)
        .zip(acts)
        .map(|(no, (action, class, verify, within))| Step { no: StepNo(no), action, class, verify, within })
        .collect()
}
