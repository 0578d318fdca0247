//! Faults that no plan may have, whoever made it.

use std::collections::{BTreeMap, BTreeSet};

use dinghai_estate::{Estate, Instance, InstanceId};
use dinghai_record::{Action, Plan, Reason, Step, StepClass};

use crate::capacity::is_routed;
use crate::steps::acted_on;

/// Everything that is wrong with a plan; nothing when it may run.
///
/// Steps are numbered from 1; finals come last; an undo differs from what it undoes; what changes something is verified
/// (breaking and mending are not: a drill's measures judge them); what is acted on is declared and, where a
/// process is touched, ours; a service is never left without any share while instances of it live that the plan does
/// not take; and whatever the plan makes unable to serve is named in what it takes, because the action budget counts by
/// that.
pub fn lint(estate: &Estate, plan: &Plan) -> Vec<Reason> {
    let mut faults = Vec::new();
    let at = |code: &str, step: &Step| Reason::new(code).with("step", step.no.0);
    if plan.steps.is_empty() {
        faults.push(Reason::new("plan-empty"));
    }
    let mut final_seen = false;
    let mut started: BTreeSet<&InstanceId> = BTreeSet::new();
    let taken: BTreeSet<&InstanceId> = plan.takes.instances.values().flatten().collect();
    let mut shares: BTreeMap<&InstanceId, u8> = BTreeMap::new();
    for (n, step) in (1u64..).zip(&plan.steps) {
        if step.no.0 != n {
            faults.push(at("plan-misnumbered", step).with("expected", n));
        }
        let is_final = matches!(step.class, StepClass::Final(_));
        if final_seen && !is_final {
            faults.push(at("plan-final-not-last", step));
        }
        final_seen |= is_final;
        if matches!(&step.class, StepClass::Reversible(undo) if **undo == step.action) {
            faults.push(at("plan-undo-undoes-nothing", step));
        }
        if changes_something(&step.action) && step.class == StepClass::NoAct {
            faults.push(at("plan-act-without-class", step));
        }
        if changes_something(&step.action) && !is_fault(&step.action) && step.verify.is_none() {
            faults.push(at("plan-act-unverified", step));
        }
        for id in acted_on(&step.action) {
            match estate.instance(id) {
                None => faults.push(at("plan-instance-undeclared", step).with("instance", id)),
                Some((_, instance)) if touches_process(&step.action) && instance.run.is_none() => {
                    faults.push(at("plan-instance-not-ours", step).with("instance", id));
                }
                Some(_) => {}
            }
        }
        for id in disabled(&step.action) {
            if !taken.contains(id) && !started.contains(id) {
                faults.push(at("plan-takes-unnamed", step).with("instance", id));
            }
        }
        match &step.action {
            Action::Start(ids) => started.extend(ids),
            Action::Weigh(weights) => {
                shares.extend(weights.iter().map(|(id, share)| (id, *share)));
                faults.extend(
                    shareless(estate, &shares, &taken)
                        .map(|id| at("plan-no-share", step).with("service", id)),
                );
            }
            _ => {}
        }
    }
    faults
}

const fn changes_something(action: &Action) -> bool {
    matches!(
        action,
        Action::Weigh(_)
            | Action::Start(_)
            | Action::Stop(_)
            | Action::Restart(_)
            | Action::Exec { .. }
            | Action::Http { .. }
            | Action::Break(_)
    )
}

const fn is_fault(action: &Action) -> bool {
    matches!(action, Action::Break(_) | Action::Mend(_))
}

const fn touches_process(action: &Action) -> bool {
    matches!(action, Action::Start(_) | Action::Stop(_) | Action::Restart(_) | Action::Break(_))
}

/// The instances that an action makes unable to serve for a while.
pub(crate) fn disabled(action: &Action) -> Vec<&InstanceId> {
    match action {
        Action::Weigh(shares) => shares.iter().filter(|(_, share)| **share == 0).map(|(id, _)| id).collect(),
        Action::Stop(ids) | Action::Restart(ids) => ids.iter().collect(),
        Action::Break(order) => order.fault.instances().iter().collect(),
        _ => Vec::new(),
    }
}

/// Routed services none of whose instances has a share, although some are not among those taken.
fn shareless<'a>(
    estate: &'a Estate,
    shares: &BTreeMap<&InstanceId, u8>,
    taken: &BTreeSet<&InstanceId>,
) -> impl Iterator<Item = &'a dinghai_estate::ServiceId> {
    let share = |instance: &Instance| {
        shares.get(&instance.id).copied().unwrap_or(if instance.spare { 0 } else { 100 })
    };
    estate
        .services
        .iter()
        .filter(move |(id, service)| {
            let weighed = service.instances.iter().any(|instance| shares.contains_key(&instance.id));
            let without = service.instances.iter().all(|instance| share(instance) == 0);
            let alive = service.instances.iter().any(|each| !each.spare && !taken.contains(&each.id));
            weighed && without && alive && is_routed(estate, id)
        })
        .map(|(id, _)| id)
        .collect::<Vec<_>>()
        .into_iter()
}
