//! The incident room: grade, blast radius, the decision that waits, the ledger, paths, loss, what users felt.

use std::collections::BTreeMap;

use dinghai_estate::{GatewayId, Route};
use dinghai_record::{Entry, IncidentRecord, IncidentState, PlanState, Second};
use maud::{Markup, html};

use crate::frame::{Tab, grade_head, page, section};
use crate::incident::{instances, measured, place, radius, state, title, users};
use crate::shape::{Tone, mark, shape, status};
use crate::stand::Stand;
use crate::timeline::{because, timeline};
use crate::{Scene, format, money, plan};

/// The room of one incident. `entries` are those of its timeline, oldest first.
pub fn room(scene: &Scene<'_>, incident: &IncidentRecord, entries: &[Entry]) -> Markup {
    let stand = Stand::of(scene);
    let title = title(scene, incident);
    let plans: Vec<_> = incident.plans.iter().filter_map(|id| scene.book.plans.get(id)).collect();
    let waiting = plans.iter().filter(|record| record.state == PlanState::Waiting);
    let main = html! {
        div.inc-head #verdict data-live {
            (grade_head(incident.grade))
            div.ttl { h1 { (title) } }
            p.say { (says(scene, incident)) }
            p.clock {
                b { (clock(scene, incident)) }
                small { (scene.say("incident-since", &[("id", incident.id.to_string()), ("since", scene.moment(incident.since))])) }
                small { (state(scene, incident)) }
                small { a href={ "/incidents/" (incident.id.0) "/review" } { (scene.say("review", &[])) } }
            }
        }
        (facts(scene, &stand, incident))
        div.room {
            div.rail {
                div.asks-here.o1 #asks data-live { @for record in waiting { (plan::ask(scene, &stand, record)) } }
                (section("why", 4, &scene.say("why-grade", &[("grade", incident.grade.to_string())]), &html! {}, &because(scene, &incident.reasons)))
                (paths(scene, &stand, incident))
                (loss(scene, incident))
            }
            div.main-col { (timeline(scene, incident, entries)) (felt(scene, incident)) }
        }
    };
    let name = format!("{} {title}", incident.grade);
    page(scene, Tab::Incidents, &name, &main)
}

fn clock(scene: &Scene<'_>, incident: &IncidentRecord) -> String {
    match incident.closed {
        Some(at) => scene.span(crate::incident::whole(at.since(incident.since))),
        None => scene.age(incident.since),
    }
}

fn says(scene: &Scene<'_>, incident: &IncidentRecord) -> String {
    let plans = || incident.plans.iter().filter_map(|id| scene.book.plans.get(id));
    let running = plans().filter(|r| matches!(r.state, PlanState::Running | PlanState::Undoing)).count();
    let waiting = plans().filter(|r| r.state == PlanState::Waiting).count();
    let mut said = match incident.state {
        IncidentState::Open if incident.standing.is_empty() => scene.say(
            "quiet-closing",
            &[
                ("quiet", scene.span(scene.estate.quiet)),
                ("since", incident.quiet_since.map(|at| scene.moment(at)).unwrap_or_default()),
            ],
        ),
        IncidentState::Open => {
            scene.say("findings-standing", &[("n", scene.n(incident.standing.len()))]) + scene.stop()
        }
        _ => scene.say("incident-over", &[]),
    };
    if running > 0 {
        said += &scene.say("plans-run", &[("n", scene.n(running))]);
    }
    if waiting > 0 {
        said += &scene.say("plans-wait-for-you", &[("n", scene.n(waiting))]);
    }
    if let Some(run) = incident.drill {
        said += &scene.say("made-by-drill", &[("run", run.to_string())]);
    }
    said
}

/// What matters while it is open, and what is left to know when it is over.
fn facts(scene: &Scene<'_>, stand: &Stand<'_>, incident: &IncidentRecord) -> Markup {
    let hit = instances(scene, incident).len();
    html! {
        dl.facts #facts data-live {
            div { dt { (scene.say("blast-radius", &[])) } dd { (scene.say("n-instances", &[("n", scene.n(hit))])) small { (radius(scene, stand, incident)) } } }
            div { dt { (scene.say("users", &[])) } dd { (users(scene, incident)) } }
            @if incident.state == IncidentState::Open { (facts_of_open(scene, stand, incident)) } @else { (facts_of_over(scene, incident)) }
        }
    }
}

/// How fast it went, from the beginning on.
fn facts_of_over(scene: &Scene<'_>, incident: &IncidentRecord) -> Markup {
    let measures = incident.measures.clone().unwrap_or_default();
    let times = [
        ("gateways-acted", measures.ejected_ms, "first-ejection"),
        ("incident-opened", measures.incident_ms, "grade-then"),
        ("we-acted", measures.acted_ms, "first-step"),
    ];
    html! {
        @for (what, after, note) in times { div {
            dt { (scene.say(what, &[])) }
            dd {
                @match after {
                    Some(ms) => (scene.say("after-beginning", &[("span", scene.millis(ms))])),
                    None => span.unk { (scene.say("unknown", &[])) },
                }
                small { (scene.say(note, &[("grade", incident.worst.to_string())])) }
            }
        } }
    }
}

fn facts_of_open(scene: &Scene<'_>, stand: &Stand<'_>, incident: &IncidentRecord) -> Markup {
    let short: Vec<_> = stand
        .services
        .iter()
        .filter(|s| incident.services.contains(s.id) && s.healthy() < s.minimum())
        .collect();
    let tight: Vec<_> = stand
        .services
        .iter()
        .filter(|s| incident.services.contains(s.id) && s.healthy() == s.minimum())
        .map(|s| s.id)
        .collect();
    let worse = would_be_p0(scene, stand);
    html! {
        div {
            dt { (scene.say("below-minimum", &[])) }
            dd {
                @if short.is_empty() { (scene.say("none", &[])) } @else { span.fails { (scene.list(short.iter().map(|s| format!("{} {}/{}", s.id, s.healthy(), s.minimum())))) } }
                @if !tight.is_empty() { small { (scene.say("none-to-spare", &[("services", scene.list(tight))])) } }
            }
        }
        div { dt { (scene.say("would-be-p0", &[])) } dd { (worse.0) small { (worse.1) } } }
        div { dt { (scene.say("closes-when", &[])) } dd { (scene.say("findings-clear", &[])) small { (scene.say("and-quiet", &[("quiet", scene.span(scene.estate.quiet))])) } } }
    }
}

/// The next place whose loss puts so many core services below their minimum that the grade is P0.
fn would_be_p0(scene: &Scene<'_>, stand: &Stand<'_>) -> (String, String) {
    let core = stand.core().count();
    #[expect(clippy::cast_precision_loss, reason = "services are few")]
    let share = |n: usize| n as f64 / core.max(1) as f64;
    let already = stand.core().filter(|s| s.healthy() < s.minimum()).count();
    let next = stand.next_losses().into_iter().find(|loss| {
        let newly = loss.stops.len() + loss.short.len();
        share(newly.max(already)) >= scene.estate.grades.p0_services
    });
    match next {
        Some(loss) => {
            let services = loss.stops.iter().chain(loss.short.iter().map(|(id, _, _)| id));
            (
                scene.say("losing", &[("place", loss.place.to_string())]),
                scene.say("below-minimum-then", &[("services", scene.list(services))]),
            )
        }
        None => (
            scene.say("no-single-place", &[]),
            scene.say("or-failed-share", &[("share", scene.percent(scene.estate.grades.p0_failed))]),
        ),
    }
}

fn routes_to<'a>(scene: &'a Scene<'_>, incident: &IncidentRecord) -> Vec<(&'a GatewayId, &'a Route)> {
    scene
        .estate
        .gateways
        .iter()
        .flat_map(|(id, gateway)| gateway.routes.iter().map(move |route| (id, route)))
        .filter(|(_, route)| incident.services.contains(&route.to))
        .take(12)
        .collect()
}

fn paths(scene: &Scene<'_>, stand: &Stand<'_>, incident: &IncidentRecord) -> Markup {
    let routes = routes_to(scene, incident);
    let to = incident.closed.unwrap_or(scene.now);
    let body = html! {
        @if routes.is_empty() { p.note { (scene.say("no-routes", &[])) } }
        @else { table {
            thead { tr { th { (scene.say("path", &[])) } th { (scene.say("now", &[])) } th.num { (scene.say("failed", &[])) } th.num { (scene.say("of-all", &[])) } } }
            tbody { @for (gateway, route) in routes {
                @let tally = scene.world.traffic.tally(incident.since, to, |g, r| g == gateway && *r == route.id);
                tr {
                    th scope="row" { code { (route.path) } " " span.quiet { (route.to) } }
                    td { (path_state(scene, stand, route)) }
                    @match tally {
                        Some(tally) => { td.num { (scene.count(tally.failed)) } td.num { (scene.count(tally.requests)) } }
                        None => td.num colspan="2" { span.unk { (scene.say("unknown", &[])) } },
                    }
                }
            } }
        } }
    };
    let aside = html! { p { (scene.say("measured-at-gateway", &[])) } };
    section("paths", 5, &scene.say("affected-paths", &[]), &aside, &body)
}

fn path_state(scene: &Scene<'_>, stand: &Stand<'_>, route: &Route) -> Markup {
    let Some(service) = stand.services.iter().find(|service| *service.id == route.to) else {
        return html! {};
    };
    match (service.healthy(), service.unknown()) {
        (0, 0) => status(Tone::Fails, "down", &scene.say("down", &[])),
        (0, _) => status(Tone::Unknown, "unk", &scene.say("unknown", &[])),
        (n, _) if n < service.minimum() => status(Tone::Weak, "weak", &scene.say("holds-short", &[])),
        (n, _) if n == service.minimum() => {
            status(Tone::Weak, "weak", &scene.say("holds-none-to-spare", &[]))
        }
        _ => status(Tone::Holds, "up", &scene.say("holds", &[])),
    }
}

fn loss(scene: &Scene<'_>, incident: &IncidentRecord) -> Markup {
    let body = money::lost(scene, &measured(scene, incident).unwrap_or_default());
    section("loss", 6, &scene.say("loss", &[]), &html! {}, &body)
}

/// Requests second by second around the beginning: answered, rescued, failed. A second nobody reported is hatched.
fn felt(scene: &Scene<'_>, incident: &IncidentRecord) -> Markup {
    const BEFORE: i64 = 3;
    const SECONDS: i64 = 17;
    let start = incident.since.as_micros().div_euclid(1_000_000) - BEFORE;
    let mut seconds: BTreeMap<i64, Second> = BTreeMap::new();
    let routes = scene.world.traffic.routes.iter().flat_map(|(gateway, routes)| {
        routes.iter().filter(move |(route, _)| scene.estate.user_route(gateway, route))
    });
    for (_, log) in routes {
        for each in log.iter().filter(|each| (start..start + SECONDS).contains(&each.at_s)) {
            let sum = seconds.entry(each.at_s).or_default();
            sum.requests += each.requests;
            sum.failed += each.failed;
            sum.rescued += each.rescued;
        }
    }
    if seconds.is_empty() {
        let body = html! { p.note { span.unk { (scene.say("unknown", &[])) } " " (scene.say("seconds-not-kept", &[])) } };
        return section("felt", 3, &scene.say("what-users-felt", &[]), &html! {}, &body);
    }
    let most = seconds.values().map(|s| s.requests).max().unwrap_or(1).max(1);
    let (failed, rescued): (u64, u64) =
        (seconds.values().map(|s| s.failed).sum(), seconds.values().map(|s| s.rescued).sum());
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    let high = |n: u64| 84.0 * n as f64 / most as f64;
    let told = scene.say("felt-told", &[("failed", scene.count(failed)), ("rescued", scene.count(rescued))]);
    let now = scene.now.as_micros().div_euclid(1_000_000);
    let place = |n: i64| 44.0 + 41.0 * f64::from(i32::try_from(n).unwrap_or(0));
    let label = |n: i64| dinghai_clock::Timestamp::from_micros((start + n) * 1_000_000);
    let body = html! {
        div.scroll tabindex="0" role="region" aria-label=(scene.say("what-users-felt", &[])) {
            svg.fig viewBox="0 34 780 152" role="img" aria-label=(told) {
                text.tq.end-t x="38" y="70" { (scene.count(most)) } text.tq.end-t x="38" y="154" { "0" }
                @for n in 0..SECONDS {
                    @let x = place(n);
                    @match seconds.get(&(start + n)) {
                        Some(second) => {
                            @let (all, saved) = (high(second.requests), high(second.rescued));
                            rect.f-rule x=(x) y=(150.0 - all) width="35" height=(all - saved) {}
                            @if second.rescued > 0 { rect.f-blue x=(x) y=(150.0 - saved.max(2.0)) width="35" height=(saved.max(2.0)) {} }
                            @if second.failed > 0 {
                                (mark(Tone::Fails, "down", x + 4.0, 150.0 - all - 17.0, 13.0))
                                text.t-f x=(x + 20.0) y=(150.0 - all - 6.0) { (scene.count(second.failed)) }
                            }
                        }
                        // What is still to come is no gap.
                        None if start + n >= now => {}
                        None => rect x=(x) y="66" width="35" height="84" fill="url(#hm)" {},
                    }
                    @if n % 4 == BEFORE % 4 { text.tq x=(x) y="168" { (format::clock(&scene.format.zone, label(n))) } }
                }
                path.g-edge d="M40 150H744" {}
                path.g-dead d={ "M" (place(BEFORE)) " 60V158" } {}
            }
        }
        p.key {
            span { svg.sh viewBox="0 0 16 16" aria-hidden="true" { rect.f-rule x="2" y="2" width="12" height="12" {} } (scene.say("answered", &[])) }
            span { svg.sh viewBox="0 0 16 16" aria-hidden="true" { rect.f-blue x="2" y="2" width="12" height="12" {} } (scene.say("rescued", &[("n", scene.count(rescued))])) }
            span.fails { (shape("down")) (scene.say("failed-n", &[("n", scene.count(failed))])) }
            span.unk { svg.sh viewBox="0 0 16 16" aria-hidden="true" { rect x="2" y="2" width="12" height="12" fill="url(#hm)" {} } (scene.say("not-reported", &[])) }
        }
    };
    let aside = html! { p { (scene.say("felt-aside", &[])) @if let Some(place) = place_of(incident) { ", " (place) } } };
    section("felt", 3, &scene.say("what-users-felt", &[]), &aside, &body)
}

fn place_of(incident: &IncidentRecord) -> Option<String> {
    place(incident).map(ToString::to_string)
}
