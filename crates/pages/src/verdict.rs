//! The verdict: one sentence that says what stands and what is lost.
//!
//! The order of the questions is the order of harm: users fail, a core service is gone, one is short, one can not be
//! told, a place or an instance is lost, all is well. What can not be told is never said to stand.

use std::time::Duration;

use dinghai_clock::Timestamp;
use dinghai_estate::Tier;
use dinghai_record::{Fault, Proof};
use maud::{Markup, html};

use crate::Scene;
use crate::shape::{Tone, toned};
use crate::stand::{Mark, Stand};

/// The sentence with its tone.
pub(crate) struct Verdict {
    pub(crate) tone: Tone,
    pub(crate) shape: &'static str,
    pub(crate) sentence: String,
}

pub(crate) fn verdict(scene: &Scene<'_>, stand: &Stand<'_>) -> Verdict {
    let say = |tone, shape, sentence| Verdict { tone, shape, sentence };
    if scene.world.instances.is_empty() {
        return say(Tone::Unknown, "unk", scene.say("verdict-nothing-seen", &[]));
    }
    let core: Vec<_> = stand.core().collect();
    let gone: Vec<_> =
        core.iter().filter(|s| s.healthy() == 0 && s.unknown() == 0 && s.minimum() > 0).collect();
    if !gone.is_empty() {
        let services = scene.list(gone.iter().map(|service| service.id));
        return say(Tone::Fails, "down", scene.say("verdict-gone", &[("services", services)]));
    }
    if let Some(share) = failing_share(scene).filter(|share| *share >= scene.estate.grades.p1_failed) {
        return say(Tone::Fails, "down", scene.say("verdict-failing", &[("share", scene.percent(share))]));
    }
    if let Some(short) = core.iter().find(|s| s.healthy() + s.unknown() < s.minimum()) {
        let values = [
            ("service", short.id.to_string()),
            ("healthy", scene.n(short.healthy())),
            ("minimum", scene.n(short.minimum())),
        ];
        return say(Tone::Weak, "weak", scene.say("verdict-short", &values));
    }
    if let Some(dim) = core.iter().find(|s| s.healthy() < s.minimum()) {
        let values = [
            ("service", dim.id.to_string()),
            ("healthy", scene.n(dim.healthy())),
            ("unknown", scene.n(dim.unknown())),
            ("minimum", scene.n(dim.minimum())),
        ];
        return say(Tone::Unknown, "unk", scene.say("verdict-unknown", &values));
    }
    let lost = stand.lost_places();
    let all = stand.places.len();
    if !lost.is_empty() {
        let values = [
            ("places", scene.list(&lost)),
            ("left", scene.n(all - lost.len())),
            ("all", scene.n(all)),
            ("n", lost.len().to_string()),
        ];
        return say(Tone::Holds, "kept", scene.say("verdict-place-lost", &values));
    }
    let down = stand.count(|mark| mark == Mark::Down);
    let up = stand.count(Mark::healthy);
    let values = [("n", scene.n(down)), ("up", scene.n(up)), ("all", scene.n(all))];
    let key = if down > 0 { "verdict-instances-down" } else { "verdict-all-up" };
    say(Tone::Holds, "kept", scene.say(key, &values))
}

/// The failed share on core routes of the last ten seconds, when requests were counted.
fn failing_share(scene: &Scene<'_>) -> Option<f64> {
    let core = |gateway: &_, route: &_| {
        let to = scene.estate.serves(gateway, route).and_then(|to| scene.estate.services.get(to));
        scene.estate.user_route(gateway, route) && to.is_some_and(|to| to.tier == Tier::Core)
    };
    let from = scene.now.minus(Duration::from_secs(10));
    scene.world.traffic.tally(from, scene.now, core)?.failed_share()
}

/// What would break next, and when survival was last proven.
pub(crate) fn outlook(scene: &Scene<'_>, stand: &Stand<'_>) -> Markup {
    let losses = stand.next_losses();
    let stops = losses.iter().find(|loss| !loss.stops.is_empty());
    let short = losses.iter().find(|loss| !loss.short.is_empty());
    html! {
        @if let Some((by, at, reason)) = &scene.book.halted {
            span.fails { (scene.rich("halted-since", &[
                ("who", crate::actor(scene.language(), by)),
                ("since", scene.moment(*at)),
                ("reason", reason.clone()),
            ])) } " "
        }
        @if let Some(loss) = stops {
            (scene.rich("next-loss-stops", &[
                ("place", loss.place.to_string()), ("services", scene.list(&loss.stops)),
            ]))
        } @else if let Some(loss) = short {
            @for (service, left, minimum) in loss.short.iter().take(1) {
                (scene.rich("next-loss-short", &[
                    ("place", loss.place.to_string()), ("service", service.to_string()),
                    ("left", scene.n(*left)), ("minimum", scene.n(*minimum)),
                ]))
            }
        } @else if !losses.is_empty() {
            (scene.rich("next-loss-none", &[]))
        }
        " " (last_proof(scene))
    }
}

/// The newest living evidence in which a place was lost and a promise was kept.
fn last_proof(scene: &Scene<'_>) -> Markup {
    let newest = scene
        .book
        .evidence
        .values()
        .filter(|filed| filed.lives(scene.now))
        .filter(|filed| matches!(filed.evidence.shows, Proof::Promise { kept: true, .. }))
        .filter_map(|filed| lost_in(scene, filed).map(|(place, by)| (filed.evidence.at, place, by)))
        .max_by_key(|(at, _, _): &(Timestamp, String, String)| *at);
    match newest {
        Some((at, place, by)) => {
            scene.rich("last-proof", &[("place", place), ("age", scene.age(at)), ("by", by)])
        }
        None => scene.rich("last-proof-none", &[]),
    }
}

fn lost_in(scene: &Scene<'_>, filed: &dinghai_record::FiledEvidence) -> Option<(String, String)> {
    if let Some(run) = filed.evidence.drill {
        return match &scene.book.drills.get(&run)?.fault {
            Fault::KillPlace { place, .. } => Some((place.to_string(), run.to_string())),
            _ => None,
        };
    }
    let incident = scene.book.incidents.get(&filed.evidence.incident?)?;
    match &incident.about {
        dinghai_record::Subject::Place(place) => Some((place.to_string(), incident.id.to_string())),
        _ => None,
    }
}

/// The verdict as it heads a page, with what stands there instead when the controller is silent.
pub(crate) fn headline(scene: &Scene<'_>, verdict: &Verdict, below: &Markup) -> Markup {
    let stale = scene.say("verdict-stale", &[]);
    html! {
        div.verdict #verdict data-live { (toned(verdict.tone, verdict.shape)) h1 data-stale=(stale) { (verdict.sentence) } p { (below) } }
    }
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
mod tests;
