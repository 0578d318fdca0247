//! What users felt and how fast we were: the one measurement that drills and incidents share.
//!
//! Only what gateways counted counts, over the routes that users reach, in whole seconds. A second that a gateway did
//! not report makes everything that was counted over it unknown: a measure is missing rather than too good. A request
//! that failed in the same second before the beginning is counted too, for the same cause.

use std::collections::{BTreeMap, BTreeSet};

use dinghai_clock::Timestamp;
use dinghai_estate::{Estate, GatewayId, InstanceId, ServiceId};

use crate::{Book, IncidentId, Measures, Traffic};

const SECOND: i64 = 1_000_000;

/// What users felt from `from` to `to`: requests, failed (by service, and as orders), rescued, and the time to the
/// last failure. All of it is missing when a gateway that users reach did not report one of these seconds.
pub fn measure_traffic(estate: &Estate, traffic: &Traffic, from: Timestamp, to: Timestamp) -> Measures {
    if !is_reported(estate, traffic, from, to) {
        return Measures::default();
    }
    let count = |to_service: Option<&ServiceId>| {
        traffic.tally(from, to, |gateway, route| {
            estate.user_route(gateway, route)
                && to_service.is_none_or(|service| estate.serves(gateway, route) == Some(service))
        })
    };
    let Some(sum) = count(None) else {
        return Measures::default();
    };
    let failed_by: BTreeMap<ServiceId, u64> = estate
        .services
        .keys()
        .filter_map(|service| Some((service.clone(), count(Some(service))?.failed)))
        .filter(|(_, failed)| *failed > 0)
        .collect();
    let failing_ms = match (sum.failed, sum.last_failure) {
        (0, _) => Some(0),
        (_, Some(last)) => Some(millis(from, last)),
        (_, None) => None,
    };
    Measures {
        requests: Some(sum.requests),
        failed: Some(sum.failed),
        rescued: Some(sum.rescued),
        failed_orders: orders(estate, &failed_by),
        failed_by,
        failing_ms,
        until: Some(Timestamp::from_micros((to.as_micros().div_euclid(SECOND) + 1) * SECOND)),
        ..Measures::default()
    }
}

/// How fast we were from `from` on: the first ejection of one of `instances`, the first of `incidents` opened, and the
/// first step of one of their plans.
pub fn measure_response(
    book: &Book,
    incidents: &BTreeSet<IncidentId>,
    instances: &BTreeSet<InstanceId>,
    from: Timestamp,
) -> Measures {
    let records = || incidents.iter().filter_map(|id| book.incidents.get(id));
    let ejected = book.ejections.iter().filter(|(at, id)| *at >= from && instances.contains(id));
    let acted = records()
        .flat_map(|incident| &incident.plans)
        .filter_map(|plan| book.plans.get(plan))
        .flat_map(|plan| &plan.steps)
        .filter_map(|step| step.started.map(|(at, _)| at));
    Measures {
        ejected_ms: ejected.map(|(at, _)| *at).min().map(|at| millis(from, at)),
        incident_ms: records().map(|incident| incident.opened.0).min().map(|at| millis(from, at)),
        acted_ms: acted.min().map(|at| millis(from, at)),
        ..Measures::default()
    }
}

/// The end of the last second that every gateway that users reach has reported.
pub fn reported_until(estate: &Estate, traffic: &Traffic) -> Option<Timestamp> {
    user_gateways(estate)
        .map(|gateway| seconds(traffic, gateway).max())
        .reduce(|one, other| Some(one?.min(other?)))
        .flatten()
        .map(|second| Timestamp::from_micros((second + 1) * SECOND))
}

/// How many orders failed requests stand for: one each, or the stated conversion's share of them; none where no
/// service has a stated value.
fn orders(estate: &Estate, failed_by: &BTreeMap<ServiceId, u64>) -> Option<u64> {
    let mut orders = None;
    for (id, service) in &estate.services {
        let Some(value) = service.value.as_ref().filter(|value| value.order.is_some()) else {
            continue;
        };
        let failed = failed_by.get(id).copied().unwrap_or(0);
        *orders.get_or_insert(0.0) += as_f64(failed) * value.conversion.unwrap_or(1.0);
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count of requests times a share is in range and not negative"
    )]
    orders.map(|orders: f64| orders.round() as u64)
}

fn is_reported(estate: &Estate, traffic: &Traffic, from: Timestamp, to: Timestamp) -> bool {
    let (first, last) = (from.as_micros().div_euclid(SECOND), to.as_micros().div_euclid(SECOND));
    let mut any = false;
    for gateway in user_gateways(estate) {
        any = true;
        let reported: BTreeSet<i64> = seconds(traffic, gateway).collect();
        if !(first..=last).all(|second| reported.contains(&second)) {
            return false;
        }
    }
    any
}

/// Every second that the gateway reported for any route: it reports all of its routes together.
fn seconds<'a>(traffic: &'a Traffic, gateway: &GatewayId) -> impl Iterator<Item = i64> + 'a {
    let routes = traffic.routes.get(gateway).into_iter();
    routes.flat_map(|routes| routes.values().flatten().map(|second| second.at_s))
}

fn user_gateways(estate: &Estate) -> impl Iterator<Item = &GatewayId> {
    let reached = |(id, gateway): &(&GatewayId, &dinghai_estate::Gateway)| {
        gateway.routes.iter().any(|route| estate.user_route(id, &route.id))
    };
    estate.gateways.iter().filter(reached).map(|(id, _)| id)
}

fn millis(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.since(from).as_millis()).unwrap_or(u64::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
const fn as_f64(count: u64) -> f64 {
    count as f64
}
