//! The start page: what stands, what is lost, what would break next.

use dinghai_record::{IncidentRecord, PlanState, Vantage};
use maud::{Markup, html};

use crate::frame::{Tab, grade_head, page, section};
use crate::shape::{Tone, named, shape, status};
use crate::stand::{Mark, Stand};
use crate::verdict::{headline, outlook, verdict};
use crate::{Scene, autonomy, budget, chart, money, phrase, promises, topology};

/// The start page.
pub fn overview(scene: &Scene<'_>) -> Markup {
    let stand = Stand::of(scene);
    let verdict = verdict(scene, &stand);
    let main = html! {
        (headline(scene, &verdict, &outlook(scene, &stand)))
        div #strips data-live { @for incident in worst_first(scene) { (strip(scene, &stand, incident)) } }
        div.over {
            div {
                (where_it_stands(scene, &stand))
                (chart::core_routes(scene))
                (autonomy::autonomy(scene, &stand))
            }
            div {
                (money::at_risk(scene, &stand))
                (promises::summary(scene))
                (budget::budget(scene, &stand))
                (itself(scene))
            }
        }
    };
    page(scene, Tab::Overview, &verdict.sentence, &main)
}

fn worst_first<'a>(scene: &'a Scene<'_>) -> Vec<&'a IncidentRecord> {
    let mut open: Vec<_> = scene.book.open_incidents().collect();
    open.sort_by_key(|record| (record.grade, record.since));
    open.truncate(3);
    open
}

fn where_it_stands(scene: &Scene<'_>, stand: &Stand<'_>) -> Markup {
    let declared = scene.estate.instances().filter(|(_, instance)| !instance.spare).count();
    let aside = html! { p data-status { (scene.say("stands-counts", &[
        ("up", scene.n(stand.count(Mark::healthy))),
        ("lost", scene.n(stand.count(|mark| mark == Mark::Down))),
        ("unknown", scene.n(stand.count(|mark| mark == Mark::Unknown))),
        ("declared", scene.n(declared)),
        ("spares", scene.n(stand.count(|mark| mark == Mark::SpareUp))),
    ])) } };
    section("stands", 1, &scene.say("stands", &[]), &aside, &topology::topology(scene, stand))
}

fn strip(scene: &Scene<'_>, stand: &Stand<'_>, incident: &IncidentRecord) -> Markup {
    let plans: Vec<_> = incident.plans.iter().filter_map(|id| scene.book.plans.get(id)).collect();
    let running =
        plans.iter().filter(|record| matches!(record.state, PlanState::Running | PlanState::Undoing)).count();
    let waiting = plans.iter().filter(|record| record.state == PlanState::Waiting).count();
    html! {
        section.strip aria-label=(scene.say("live-incident", &[])) {
            (grade_head(incident.grade))
            dl {
                dt { (scene.say("incident-open", &[("id", incident.id.to_string()), ("age", scene.age(incident.since))])) }
                dd { (crate::incident::title(scene, incident)) small { (crate::incident::radius(scene, stand, incident)) } }
            }
            dl { dt { (scene.say("users", &[])) } dd { (crate::incident::users(scene, incident)) } }
            dl {
                dt { (scene.say("plans", &[])) }
                dd {
                    (scene.say("plans-running", &[("n", scene.n(running))]))
                    @for record in plans.iter().filter(|record| record.state == PlanState::Running).take(1) {
                        small { (crate::plan::progress(scene, record)) }
                    }
                }
            }
            @if let Some(run) = incident.drill {
                dl { dt { (scene.say("cause", &[])) } dd { (scene.say("by-drill", &[("run", run.to_string())])) } }
            } @else {
                dl { dt { (scene.say("findings", &[])) } dd { (scene.say("findings-standing", &[("n", scene.n(incident.standing.len()))])) } }
            }
            div.act {
                @if waiting > 0 { small { (shape("seal")) " " (scene.say("plans-wait", &[("n", scene.n(waiting))])) } }
                a.btn.main href={ "/incidents/" (incident.id.0) } { (scene.say("open-room", &[])) }
            }
        }
    }
}

fn itself(scene: &Scene<'_>) -> Markup {
    let aside = html! { p { (scene.say("itself-aside", &[])) } };
    let gateways = scene.estate.gateways.keys().map(|id| Vantage::Gateway(id.clone()));
    let units = gateways.chain([Vantage::Hand]);
    let body = html! {
        p.self {
            span { (named(Tone::Holds, "up", &scene.say("controller", &[]))) " " (scene.say("lease", &[("lease", scene.count(scene.book.lease))])) }
            @for unit in units {
                @let (tone, name, words) = topology::heard(scene, &unit);
                span { (named(tone, name, &phrase::vantage(scene.language(), &unit))) " " (words) }
            }
            @match &scene.refusing {
                None => span {
                    (named(Tone::Holds, "up", &scene.say("ledger", &[]))) " "
                    (scene.say("head-old", &[("age", scene.age(scene.book.as_of))]))
                },
                Some(why) => span { (named(Tone::Fails, "down", &scene.say("ledger", &[]))) " " (why) },
            }
            @if let Some((by, at, _)) = &scene.book.halted {
                span { (status(Tone::Weak, "halt", &scene.say("halted", &[]))) " " (crate::actor(scene.language(), by)) ", " (scene.moment(*at)) }
            }
        }
    };
    section("itself", 7, &scene.say("itself", &[]), &aside, &body)
}
