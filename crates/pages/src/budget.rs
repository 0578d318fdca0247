//! The action budget: what may be taken of healthy capacity, and what running plans hold of it.

use maud::{Markup, html};

use crate::Scene;
use crate::frame::section;
use crate::shape::Tone;
use crate::shape::status;
use crate::stand::{ServiceStand, Stand};

/// Healthy instances of a service that running plans hold, and those that plans took inside the window.
fn taken(scene: &Scene<'_>, service: &ServiceStand<'_>) -> usize {
    let held = scene.book.open_plans().filter_map(|record| record.reservation.as_ref());
    let recent =
        scene.book.spent.values().filter(|(_, ended)| scene.now.since(*ended) <= scene.estate.budget.window);
    held.chain(recent.map(|(reservation, _)| reservation))
        .filter_map(|reservation| reservation.healthy.get(service.id))
        .map(std::collections::BTreeSet::len)
        .sum()
}

/// How many more may be taken now.
fn may_take(scene: &Scene<'_>, service: &ServiceStand<'_>) -> usize {
    let taken = taken(scene, service);
    let limit = (scene.estate.budget.per_service as usize).saturating_sub(taken);
    limit.min(service.healthy().saturating_sub(service.minimum()))
}

pub(crate) fn budget(scene: &Scene<'_>, stand: &Stand<'_>) -> Markup {
    let aside =
        html! { p { (scene.say("budget-window", &[("window", scene.span(scene.estate.budget.window))])) } };
    let free: usize = stand.services.iter().map(|service| may_take(scene, service)).sum();
    let held: usize = stand.services.iter().map(|service| taken(scene, service)).sum();
    let healthy: usize = stand.services.iter().map(ServiceStand::healthy).sum();
    let body = html! {
        table.budget {
            thead { tr {
                th { (scene.say("service", &[])) } th { (scene.say("healthy", &[])) }
                th.num { (scene.say("have-need", &[])) } th.num { (scene.say("may-take", &[])) }
            } }
            tbody { @for service in &stand.services { tr {
                th scope="row" { (service.id) }
                td { (dots(scene, service)) }
                td.num { (scene.n(service.healthy())) " / " (scene.n(service.minimum())) }
                td.num {
                    @match may_take(scene, service) {
                        0 => (status(Tone::Weak, "wait", "0")),
                        n => b { (scene.n(n)) },
                    }
                }
            } } }
        }
        p.note { (scene.rich("budget-note", &[
            ("free", scene.n(free)), ("healthy", scene.n(healthy)), ("held", scene.n(held)),
            ("places", scene.count(u64::from(scene.estate.budget.places))),
        ])) }
    };
    section("budget", 5, &scene.say("budget", &[]), &aside, &body)
}

/// Needed capacity filled, spare capacity as rings.
fn dots(scene: &Scene<'_>, service: &ServiceStand<'_>) -> Markup {
    let (healthy, minimum) = (service.healthy(), service.minimum());
    let told = scene.say("healthy-needed", &[("healthy", scene.n(healthy)), ("minimum", scene.n(minimum))]);
    html! {
        svg.fig viewBox="0 0 96 14" role="img" aria-label=(told) {
            @for n in 0..healthy.min(5) {
                @let x = 8 + 18 * n;
                @if n < minimum { circle.f-ink cx=(x) cy="7" r="5.5" {} } @else { circle.g-ink cx=(x) cy="7" r="5" {} }
            }
            @if healthy > 5 { text x="88" y="11" { "…" } }
        }
    }
}
