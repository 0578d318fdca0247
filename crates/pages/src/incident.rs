//! What is said of an incident wherever it appears.

use std::collections::BTreeSet;
use std::time::Duration;

use dinghai_estate::{Instance, InstanceId};
use dinghai_record::{FindingKind, IncidentRecord, IncidentState, Measures, Subject};
use maud::{Markup, html};

use crate::Scene;
use crate::phrase;
use crate::stand::Stand;

/// What it is about, as a title: `hz-a is lost`.
pub(crate) fn title(scene: &Scene<'_>, incident: &IncidentRecord) -> String {
    let of_it = incident.findings.keys().filter(|key| key.about == incident.about);
    let order = |kind: FindingKind| kind as u8;
    match of_it.min_by_key(|key| order(key.kind)) {
        Some(key) => phrase::finding(scene.language(), key),
        None => scene.say("incident-about", &[("about", phrase::subject(scene.language(), &incident.about))]),
    }
}

/// The instances that it takes away: by its standing findings, or by all that it ever had when none stands any more.
pub(crate) fn instances(scene: &Scene<'_>, incident: &IncidentRecord) -> BTreeSet<InstanceId> {
    if !incident.standing.is_empty() {
        let standing = incident.standing.iter().filter_map(|key| scene.book.findings.get(key));
        return standing.flat_map(|standing| standing.finding.instances.iter().cloned()).collect();
    }
    let about: BTreeSet<&Subject> = incident.findings.keys().map(|key| &key.about).collect();
    let touched = |instance: &Instance| {
        about.contains(&Subject::Instance(instance.id.clone()))
            || !instance.spare
                && scene
                    .estate
                    .places_around(instance)
                    .into_iter()
                    .any(|p| about.contains(&Subject::Place(p)))
    };
    scene.estate.instances().map(|(_, i)| i).filter(|i| touched(i)).map(|i| i.id.clone()).collect()
}

/// How far it reaches.
pub(crate) fn radius(scene: &Scene<'_>, stand: &Stand<'_>, incident: &IncidentRecord) -> String {
    let hit = instances(scene, incident).len();
    let all: usize = stand
        .services
        .iter()
        .map(|s| s.count(|mark| !matches!(mark, crate::stand::Mark::Idle | crate::stand::Mark::Asks)))
        .sum();
    scene.say(
        "radius",
        &[
            ("instances", scene.n(hit)),
            ("all", scene.n(all)),
            ("services", scene.n(incident.services.len())),
            ("of", scene.n(stand.services.len())),
        ],
    )
}

/// What was measured. While it is open, what the gateways report now goes before what was written down some time ago.
pub(crate) fn measured(scene: &Scene<'_>, incident: &IncidentRecord) -> Option<Measures> {
    let written = incident.measures.clone();
    match incident.state {
        IncidentState::Open => reported(scene, incident).or(written),
        _ => written.or_else(|| reported(scene, incident)),
    }
}

fn reported(scene: &Scene<'_>, incident: &IncidentRecord) -> Option<Measures> {
    let to = incident.closed.unwrap_or(scene.now);
    let tally = scene
        .world
        .traffic
        .tally(incident.since, to, |gateway, route| scene.estate.user_route(gateway, route))?;
    let failing = tally.last_failure.map(|at| at.since(incident.since)).unwrap_or(Duration::ZERO);
    Some(Measures {
        requests: Some(tally.requests),
        failed: Some(tally.failed),
        rescued: Some(tally.rescued),
        failing_ms: u64::try_from(failing.as_millis()).ok(),
        ..Measures::default()
    })
}

/// What users felt. Not measured is unknown, not zero.
pub(crate) fn users(scene: &Scene<'_>, incident: &IncidentRecord) -> Markup {
    let Some(measures) = measured(scene, incident) else {
        return html! { span.unk { (scene.say("unknown", &[])) } small { (scene.say("no-gateway-counts", &[])) } };
    };
    match (measures.failed, measures.requests) {
        (Some(failed), Some(requests)) => html! {
            (scene.say("failed-of", &[("n", scene.count(failed)), ("requests", scene.count(requests))]))
            small {
                @match measures.failing_ms {
                    Some(ms) if failed > 0 => (scene.say("failing-for", &[("span", scene.millis(ms))])),
                    _ if failed == 0 => (scene.say("none-failed", &[])),
                    _ => (scene.say("failing-unknown", &[])),
                }
            }
        },
        _ => {
            html! { span.unk { (scene.say("unknown", &[])) } small { (scene.say("no-gateway-counts", &[])) } }
        }
    }
}

/// Open, closed, or part of another.
pub(crate) fn state(scene: &Scene<'_>, incident: &IncidentRecord) -> String {
    match (incident.state, incident.closed) {
        (IncidentState::Open, _) => scene.say("open-for", &[("age", scene.age(incident.since))]),
        (IncidentState::Closed, Some(at)) => {
            scene.say("closed-after", &[("span", scene.span(whole(at.since(incident.since))))])
        }
        (IncidentState::Closed, None) => scene.say("closed", &[]),
        (IncidentState::Merged(into), _) => scene.say("merged-into", &[("id", into.to_string())]),
    }
}

/// Seconds are enough for what took long.
pub(crate) fn whole(span: Duration) -> Duration {
    if span.as_secs() < 10 { span } else { Duration::from_secs(span.as_secs()) }
}

/// Whether the incident is about the loss of a place.
pub(crate) fn place(incident: &IncidentRecord) -> Option<&dinghai_estate::PlaceId> {
    match &incident.about {
        Subject::Place(place) => Some(place),
        _ => None,
    }
}
