//! What automatons may do: as granted, and as it acts while evidence lives.

use std::collections::BTreeSet;

use dinghai_estate::{ActionKind, Autonomy, ServiceId};
use dinghai_record::{FiledEvidence, Proof};
use maud::{Markup, html};

use crate::Scene;
use crate::frame::section;
use crate::shape::shape;
use crate::stand::Stand;

/// The newest evidence that this kind of action works on this service.
fn newest<'a>(scene: &'a Scene<'_>, service: &ServiceId, kind: ActionKind) -> Option<&'a FiledEvidence> {
    scene
        .book
        .evidence
        .values()
        .filter(|filed| {
            matches!(&filed.evidence.shows, Proof::Action { service: s, kind: k, worked: true }
                if s == service && *k == kind)
        })
        .max_by_key(|filed| filed.evidence.at)
}

/// How a grant acts now: `auto` without living evidence acts as `ask`.
fn effective(scene: &Scene<'_>, service: &ServiceId, kind: ActionKind) -> (Autonomy, Autonomy) {
    let granted = scene.estate.services.get(service).map(|s| s.granted(kind)).unwrap_or_default();
    let lives = newest(scene, service, kind).is_some_and(|filed| filed.lives(scene.now));
    match granted {
        Autonomy::Auto if !lives => (granted, Autonomy::Ask),
        other => (granted, other),
    }
}

fn word(scene: &Scene<'_>, autonomy: Autonomy) -> String {
    match autonomy {
        Autonomy::Off => scene.say("autonomy-off", &[]),
        Autonomy::Shadow => scene.say("autonomy-shadow", &[]),
        Autonomy::Ask => scene.say("autonomy-ask", &[]),
        Autonomy::Auto => scene.say("autonomy-auto", &[]),
    }
}

/// A kind of action.
pub(crate) fn kind_word(scene: &Scene<'_>, kind: ActionKind) -> String {
    match kind {
        ActionKind::Restart => scene.say("kind-restart", &[]),
        ActionKind::ShiftTraffic => scene.say("kind-shift-traffic", &[]),
        ActionKind::Scale => scene.say("kind-scale", &[]),
        ActionKind::Promote => scene.say("kind-promote", &[]),
    }
}

fn why_not(scene: &Scene<'_>, service: &ServiceId, kind: ActionKind) -> String {
    let values = |more: Vec<(&'static str, String)>| {
        let mut all = vec![("service", service.to_string()), ("kind", kind_word(scene, kind))];
        all.extend(more);
        all
    };
    match newest(scene, service, kind) {
        None => scene.say("unearned-never", &values(vec![])),
        Some(filed) => match &filed.voided {
            Some((fact, then, now, at)) => scene.say(
                "unearned-void",
                &values(vec![
                    ("fact", fact.clone()),
                    ("then", then.clone()),
                    ("now", now.clone().unwrap_or_else(|| scene.say("gone", &[]))),
                    ("at", scene.moment(*at)),
                ]),
            ),
            None => scene.say(
                "unearned-old",
                &values(vec![("at", scene.moment(filed.evidence.at)), ("age", scene.age(filed.evidence.at))]),
            ),
        },
    }
}

pub(crate) fn autonomy(scene: &Scene<'_>, stand: &Stand<'_>) -> Markup {
    let mut kinds = vec![ActionKind::Restart, ActionKind::ShiftTraffic, ActionKind::Scale];
    if scene.estate.services.values().any(|s| s.granted(ActionKind::Promote) != Autonomy::Shadow) {
        kinds.push(ActionKind::Promote);
    }
    let mut counts = [0_usize; 4];
    let mut notes = BTreeSet::new();
    for service in &stand.services {
        for kind in &kinds {
            let (granted, acts) = effective(scene, service.id, *kind);
            if let Some(count) = counts.get_mut(acts as usize) {
                *count += 1;
            }
            if granted != acts {
                notes.insert(why_not(scene, service.id, *kind));
            }
        }
    }
    let [_, shadow, ask, auto] = counts;
    let aside = html! { p { (scene.say("autonomy-counts", &[
        ("auto", scene.n(auto)), ("ask", scene.n(ask)), ("shadow", scene.n(shadow)),
    ])) } };
    let body = html! {
        table.auto {
            thead { tr { th { (scene.say("service", &[])) } @for kind in &kinds { th { (kind_word(scene, *kind)) } } } }
            tbody { @for service in &stand.services { tr {
                th scope="row" { (service.id) }
                @for kind in &kinds {
                    @let (granted, acts) = effective(scene, service.id, *kind);
                    @match (granted, acts) {
                        (Autonomy::Auto, Autonomy::Ask) => td.q title=(why_not(scene, service.id, *kind)) {
                            (shape("seal")) " " (word(scene, acts)) sup { "1" }
                        },
                        (_, Autonomy::Auto) => td.a { (word(scene, acts)) },
                        _ => td { (word(scene, acts)) },
                    }
                }
            } } }
        }
        @if !notes.is_empty() {
            p.note { sup { "1" } " " (scene.say("granted-auto-asks", &[])) " "
                @for note in notes.iter().take(2) { (note) " " }
                @if notes.len() > 2 { (scene.say("and-more", &[("n", scene.n(notes.len() - 2))])) " " }
                (scene.say("earn-by-drill", &[]))
            }
        }
    };
    section("autonomy", 6, &scene.say("autonomy", &[]), &aside, &body)
}
