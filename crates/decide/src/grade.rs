//! How bad an incident is, by blast radius on the graph.
//!
//! | grade | when |
//! |---|---|
//! | P0 | a core path fails for at least `p0-failed` of its requests, or `p0-services` of the core services are below their minimum |
//! | P1 | a core path fails for at least `p1-failed`, a core service is below its minimum, or a zone or wider is lost |
//! | P2 | redundancy of a core service is gone, or a secondary service is down |
//! | P3 | anything else |
//!
//! A core path is a route that users reach to a core service, or one of core priority. Its share is measured at the
//! gateways over the last seconds; where they counted too little it comes from the graph: a path fails when something
//! that it hard-needs has no instance left. Unknown instances are neither up nor down there. A measured share has to
//! fall to half of a threshold before it lowers a grade that stands, so that a grade does not flutter.

use std::time::Duration;

use dinghai_estate::{Estate, PlaceKind, Priority, ServiceId, Tier};
use dinghai_record::{Finding, FindingKind, Grade, Health, Reason, Subject};

use crate::capacity::is_in_use;
use crate::scope::{footprint, needed_by};
use crate::{Inputs, heal};

/// Shares are measured over so long.
const WINDOW: Duration = Duration::from_secs(5);
/// Fewer requests than this in the window do not make a share.
const ENOUGH_REQUESTS: u64 = 10;

/// The grade of an incident in which these findings stand, and why not another. `now` is the grade it has, if any.
pub(crate) fn grade(inputs: &Inputs<'_>, standing: &[&Finding], now: Option<Grade>) -> (Grade, Vec<Reason>) {
    let estate = inputs.estate;
    let grades = &estate.grades;
    let core = |id: &ServiceId| estate.services.get(id).is_some_and(|service| service.tier == Tier::Core);
    let of_kind = |kind: FindingKind| standing.iter().filter(move |finding| finding.key.kind == kind);
    let services = |kind| {
        of_kind(kind).filter_map(|finding| match &finding.key.about {
            Subject::Service(service) => Some(service),
            _ => None,
        })
    };
    let worst_path = paths(inputs, standing)
        .into_iter()
        .filter_map(|service| Some((failed_share(inputs, service)?, service)))
        .max_by(|one, other| one.0.total_cmp(&other.0));
    let share = worst_path.map_or(0.0, |(share, _)| share);
    let reaches = |limit: f64, grade: Grade| {
        let holds_already = now.is_some_and(|now| now <= grade);
        worst_path.is_some() && share >= if holds_already { limit / 2.0 } else { limit }
    };
    let below: Vec<&ServiceId> = services(FindingKind::BelowMinimum).filter(|id| core(id)).collect();
    let all_core = estate.services.values().filter(|service| service.tier == Tier::Core).count();
    let percent = |share: f64| format!("{:.1}%", share * 100.0);
    let path_fails = |limit: f64| {
        let path = worst_path.map_or_else(String::new, |(_, service)| service.to_string());
        Reason::new("grade-path-fails")
            .with("service", path)
            .with("share", percent(share))
            .with("limit", percent(limit))
    };
    #[expect(clippy::cast_precision_loss, reason = "counts of services are far below 2^53")]
    let below_share = if all_core == 0 { 0.0 } else { below.len() as f64 / all_core as f64 };
    let mut reasons = Vec::new();

    if reaches(grades.p0_failed, Grade::P0) {
        reasons.push(path_fails(grades.p0_failed));
    }
    if !below.is_empty() && below_share >= grades.p0_services {
        reasons
            .push(Reason::new("grade-core-services-below").with("below", below.len()).with("core", all_core));
    }
    if !reasons.is_empty() {
        return with_hopeless(inputs, standing, Grade::P0, reasons);
    }
    let not_p0 = Reason::new("not-p0")
        .with("share", percent(share))
        .with("limit", percent(grades.p0_failed))
        .with("below", below.len())
        .with("core", all_core);

    if reaches(grades.p1_failed, Grade::P1) {
        reasons.push(path_fails(grades.p1_failed));
    }
    reasons.extend(below.iter().map(|id| Reason::new("grade-core-service-below").with("service", id)));
    reasons.extend(of_kind(FindingKind::PlaceLost).filter_map(|finding| zone_lost(estate, finding)));
    if !reasons.is_empty() {
        reasons.push(not_p0);
        return with_hopeless(inputs, standing, Grade::P1, reasons);
    }

    let thin = services(FindingKind::RedundancyGone).filter(|id| core(id));
    reasons.extend(thin.map(|id| Reason::new("grade-redundancy-gone").with("service", id)));
    let secondary = estate.services.keys().filter(|id| !core(id) && touches(inputs, standing, id));
    let is_below = |id: &ServiceId| services(FindingKind::BelowMinimum).any(|below| below == id);
    let down = secondary.filter(|id| is_below(id) || is_down(inputs, id) == Some(true));
    reasons.extend(down.map(|id| Reason::new("grade-secondary-down").with("service", id)));
    let not_p1 = Reason::new("not-p1").with("share", percent(share)).with("limit", percent(grades.p1_failed));
    if !reasons.is_empty() {
        reasons.push(not_p1);
        return with_hopeless(inputs, standing, Grade::P2, reasons);
    }
    with_hopeless(inputs, standing, Grade::P3, vec![Reason::new("grade-capacity-held"), not_p1])
}

/// Adds what nobody of us can heal, so that an incident without a plan says why.
fn with_hopeless(
    inputs: &Inputs<'_>,
    standing: &[&Finding],
    grade: Grade,
    mut reasons: Vec<Reason>,
) -> (Grade, Vec<Reason>) {
    reasons.extend(heal::hopeless(inputs.estate, standing));
    (grade, reasons)
}

fn zone_lost(estate: &Estate, finding: &Finding) -> Option<Reason> {
    let Subject::Place(id) = &finding.key.about else {
        return None;
    };
    let place = estate.places.get(id).filter(|place| place.kind >= PlaceKind::Zone)?;
    let alike = estate.places.values().filter(|other| other.kind == place.kind).count();
    Some(Reason::new("grade-zone-lost").with("place", id).with("of", alike))
}

fn touches(inputs: &Inputs<'_>, standing: &[&Finding], service: &ServiceId) -> bool {
    standing.iter().any(|finding| footprint(inputs.estate, finding).services.contains(service))
}

/// The services of core paths that fail without something that the findings touch.
fn paths<'a>(inputs: &Inputs<'a>, standing: &[&Finding]) -> Vec<&'a ServiceId> {
    let estate = inputs.estate;
    let mut found: Vec<&ServiceId> = estate
        .gateways
        .iter()
        .flat_map(|(gateway, declared)| declared.routes.iter().map(move |route| (gateway, route)))
        .filter(|(gateway, route)| estate.user_route(gateway, &route.id))
        .filter(|(_, route)| {
            let tier = estate.services.get(&route.to).map(|service| service.tier);
            tier == Some(Tier::Core) || route.priority == Priority::Core
        })
        .map(|(_, route)| &route.to)
        .filter(|to| needed_by(estate, to).iter().any(|service| touches(inputs, standing, service)))
        .collect();
    found.sort();
    found.dedup();
    found
}

/// The share of a path's requests that fail: measured, else from the graph, else not known.
fn failed_share(inputs: &Inputs<'_>, service: &ServiceId) -> Option<f64> {
    let Inputs { estate, world, now, .. } = *inputs;
    let measured = world.traffic.tally(now.minus(WINDOW), now, |gateway, route| {
        estate.user_route(gateway, route) && estate.serves(gateway, route) == Some(service)
    });
    if let Some(tally) = measured.filter(|tally| tally.requests >= ENOUGH_REQUESTS) {
        return tally.failed_share();
    }
    let needed: Vec<Option<bool>> =
        needed_by(estate, service).iter().map(|service| is_down(inputs, service)).collect();
    if needed.contains(&Some(true)) {
        Some(1.0)
    } else if needed.contains(&None) {
        None
    } else {
        Some(0.0)
    }
}

/// Whether no instance in use of the service is left; not known while none is up and one is unknown.
fn is_down(inputs: &Inputs<'_>, id: &ServiceId) -> Option<bool> {
    let Inputs { estate, book, world, .. } = *inputs;
    let service = estate.services.get(id)?;
    let used = || service.instances.iter().filter(|instance| is_in_use(estate, book, id, instance));
    let declared = || service.instances.iter().filter(|instance| !instance.spare);
    let healths: Vec<&Health> = used().chain(declared()).map(|instance| world.health(&instance.id)).collect();
    if used().any(|instance| *world.health(&instance.id) == Health::Up) {
        Some(false)
    } else if healths.iter().any(|health| **health == Health::Unknown) || healths.is_empty() {
        None
    } else {
        Some(true)
    }
}
