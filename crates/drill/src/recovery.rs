//! Whether everything is as it was before the drill, and since when.

use std::collections::BTreeSet;
use std::time::Duration;

use dinghai_clock::Timestamp;
use dinghai_estate::ServiceId;
use dinghai_record::{
    Action, Condition, DrillRecord, Holds, IncidentState, PlanRecord, Reason, StepOutcome, StepState,
};

use crate::{Inputs, scope};

/// An answer counts as one from after the fault when it came this long after the fault was undone; earlier ones may
/// have been under way when it struck.
const AFTERWARDS: Duration = Duration::from_secs(1);

/// The services that the run touches.
pub(crate) fn services<'a>(inputs: &Inputs<'a>, record: &DrillRecord) -> &'a BTreeSet<ServiceId> {
    static NONE: BTreeSet<ServiceId> = BTreeSet::new();
    inputs.book.drill_scope.get(&record.run).map_or(&NONE, |(_, services)| services)
}

/// Everything that is not yet as it was. Empty: the estate has recovered.
pub(crate) fn missing(inputs: &Inputs<'_>, record: &DrillRecord, mended: Timestamp) -> Vec<Reason> {
    let Inputs { estate, book, world, .. } = *inputs;
    let services = services(inputs, record);
    let mut missing = Vec::new();
    for instance in scope::instances(estate, services, false) {
        let (id, of) = (&instance.id, |code| Reason::new(code).with("instance", &instance.id));
        let answering = Condition::Answering { instances: vec![id.clone()], lasting: Duration::ZERO };
        match world.holds_since(&answering, mended.plus(AFTERWARDS)) {
            Holds::Yes => {}
            Holds::No(_) => missing.push(of("drill-instance-still-down")),
            Holds::Unknown(_) => missing.push(of("drill-instance-not-seen-since")),
        }
        let share = book.share(id, false);
        if share != 100 {
            missing.push(of("drill-weight-held").with("share", share));
        }
        if world.instances.get(id).is_some_and(|seen| !seen.ejected_by.is_empty()) {
            missing.push(of("drill-still-ejected"));
        }
    }
    for spare in scope::instances(estate, services, true) {
        let share = book.share(&spare.id, true);
        if share != 0 {
            missing.push(Reason::new("drill-spare-serves").with("instance", &spare.id).with("share", share));
        }
    }
    for incident in record.incidents.iter().filter_map(|id| book.incidents.get(id)) {
        if incident.state == IncidentState::Open && !incident.standing.is_empty() {
            missing.push(Reason::new("drill-incident-stands").with("incident", incident.id));
        }
    }
    for plan in plans(inputs, record).filter(|plan| plan.state.is_open()) {
        missing.push(Reason::new("drill-plan-open").with("plan", plan.plan.id));
    }
    missing
}

/// When the last instance in scope came up and the last weight was set; the end of the fault when that was later.
pub(crate) fn healed_at(inputs: &Inputs<'_>, record: &DrillRecord, mended: Timestamp) -> Timestamp {
    let up = scope::instances(inputs.estate, services(inputs, record), false)
        .filter_map(|instance| inputs.world.instances.get(&instance.id))
        .map(|seen| seen.since);
    let weighed = plans(inputs, record).flat_map(|plan| plan.plan.steps.iter().zip(&plan.steps)).filter_map(
        |(step, at)| match (&step.action, &at.state) {
            (Action::Weigh(_), StepState::Ended(StepOutcome::Done(_))) => at.ended,
            _ => None,
        },
    );
    up.chain(weighed).fold(mended, Timestamp::max)
}

/// The plans of the incidents that the run caused.
fn plans<'a>(inputs: &Inputs<'a>, record: &'a DrillRecord) -> impl Iterator<Item = &'a PlanRecord> {
    let book = inputs.book;
    record
        .incidents
        .iter()
        .filter_map(|id| book.incidents.get(id))
        .flat_map(|incident| &incident.plans)
        .filter_map(|plan| book.plans.get(plan))
}
