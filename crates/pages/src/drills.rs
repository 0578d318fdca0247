//! Drills: what each would do, when it was last done and what it showed; and one run.

use std::time::Duration;

use dinghai_estate::{ActionKind, Drill, DrillFault, DrillId, Expectation};
use dinghai_record::{DrillRecord, DrillState, Entry, Measures, Verdict};
use maud::{Markup, html};

use crate::autonomy::kind_word;
use crate::event_line::{consented, event_line, verdict};
use crate::frame::{Tab, page, section, token};
use crate::shape::{Tone, status, toned};
use crate::timeline::because;
use crate::{Scene, phrase};

fn would(scene: &Scene<'_>, drill: &Drill) -> String {
    let hold = scene.span(drill.hold);
    match &drill.fault {
        DrillFault::KillInstance(id) => scene.say("would-kill-instance", &[("instance", id.to_string())]),
        DrillFault::HangInstance(id) => {
            scene.say("would-hang-instance", &[("instance", id.to_string()), ("hold", hold)])
        }
        DrillFault::KillPlace(place) => {
            let there = scene
                .estate
                .instances()
                .filter(|(_, i)| !i.spare && scene.estate.places_around(i).contains(place));
            scene.say(
                "would-kill-place",
                &[("place", place.to_string()), ("n", scene.n(there.count())), ("hold", hold)],
            )
        }
    }
}

fn shown(scene: &Scene<'_>, state: DrillState) -> Markup {
    match state {
        DrillState::Steady => status(Tone::Plain, "live", &scene.say("drill-steady", &[])),
        DrillState::Broken => status(Tone::Plain, "live", &scene.say("drill-broken", &[])),
        DrillState::Recovering => status(Tone::Plain, "live", &scene.say("drill-recovering", &[])),
        DrillState::Ended(showed) => {
            let word = verdict(scene.language(), showed);
            match showed {
                Verdict::Passed => status(Tone::Holds, "kept", &word),
                Verdict::Failed => status(Tone::Fails, "down", &word),
                Verdict::Stopped | Verdict::Refused => status(Tone::Weak, "wait", &word),
                Verdict::Unknown => status(Tone::Unknown, "unk", &word),
            }
        }
    }
}

fn expected(scene: &Scene<'_>, expect: &Expectation) -> Vec<String> {
    let mut all = Vec::new();
    if let Some(limit) = expect.failed_requests {
        all.push(scene.say(
            "expect-failed",
            &[("sign", sign(limit.inclusive).to_owned()), ("limit", scene.percent(limit.limit))],
        ));
    }
    if let Some(within) = expect.failing_within {
        all.push(scene.say("expect-failing-within", &[("span", scene.span(within))]));
    }
    if let Some(within) = expect.healed_within {
        all.push(scene.say("expect-healed-within", &[("span", scene.span(within))]));
    }
    all
}

const fn sign(inclusive: bool) -> &'static str {
    if inclusive { "≤" } else { "<" }
}

fn last<'a>(scene: &'a Scene<'_>, id: &DrillId) -> Option<&'a DrillRecord> {
    scene.book.drills.values().rev().find(|record| record.drill == *id)
}

/// Every drill of the estate, and the runs. `limit` runs are shown.
pub fn drills(scene: &Scene<'_>, limit: usize) -> Markup {
    let passed = scene.estate.drills.keys().filter(|id| {
        last(scene, id).is_some_and(|record| record.state == DrillState::Ended(Verdict::Passed))
    });
    let (passed, all) = (passed.count(), scene.estate.drills.len());
    let (tone, name) = match (passed, all) {
        (_, 0) => (Tone::Unknown, "unk"),
        (p, a) if p == a => (Tone::Holds, "kept"),
        _ => (Tone::Weak, "weak"),
    };
    let sentence = match all {
        0 => scene.say("drills-none", &[]),
        _ => scene.say("drills-passed", &[("n", scene.n(passed)), ("all", scene.n(all))]),
    };
    let main = html! {
        div.verdict #verdict data-live { (toned(tone, name)) h1 { (sentence) } p { (scene.say("drills-explained", &[])) } }
        div #open-drill data-live { @if let Some(open) = scene.book.open_drill() {
            p.note { (shown(scene, open.state)) " " a href={ "/drills/runs/" (open.run.0) } { (open.run) " " (open.drill) } }
        } }
        div.drills { @for (id, drill) in &scene.estate.drills { (card(scene, id, drill)) } }
        div #runs-here data-live { @if !scene.book.drills.is_empty() { (runs(scene, limit)) } }
    };
    page(scene, Tab::Drills, &sentence, &main)
}

fn card(scene: &Scene<'_>, id: &DrillId, drill: &Drill) -> Markup {
    let last = last(scene, id);
    let due = match (drill.every, last.map(|record| record.started.0)) {
        (Some(every), Some(at)) if scene.now.since(at) > every => {
            Some(scene.say("drill-overdue", &[("every", scene.span(every))]))
        }
        (Some(every), _) => Some(scene.say("drill-every", &[("every", scene.span(every))])),
        (None, _) => None,
    };
    let aside = html! { p { (drill.origin) } };
    let body = html! {
        p { (would(scene, drill)) }
        p.note { (scene.say("drill-stops-above", &[("share", scene.percent(drill.stop_above))])) @if let Some(due) = due { " " (due) } }
        ul.why.second {
            @for line in expected(scene, &drill.expect) { li { (line) } }
            @if expected(scene, &drill.expect).is_empty() { li { (scene.say("expect-nothing", &[])) } }
        }
        p { @match last {
            Some(record) => { (shown(scene, record.state)) " " a href={ "/drills/runs/" (record.run.0) } { (record.run) } ", " (scene.say("ago", &[("age", scene.age(record.started.0))])) },
            None => (status(Tone::Plain, "unproven", &scene.say("never-run", &[]))),
        } }
        @if scene.may_operate() { (form(scene, id)) }
    };
    section(&format!("drill-{id}"), 1, id.as_str(), &aside, &body)
}

/// Running a drill breaks something; the button is by itself and the consent is asked each time.
fn form(scene: &Scene<'_>, id: &DrillId) -> Markup {
    let kinds = [ActionKind::Restart, ActionKind::ShiftTraffic, ActionKind::Scale];
    html! {
        form.consent method="post" action={ "/drills/" (id) } {
            (token(scene))
            fieldset {
                legend.quiet { (scene.say("consent-legend", &[])) }
                @for kind in kinds {
                    label { input type="checkbox" name=(consent_field(kind)) value="yes"; " " (kind_word(scene, kind)) }
                }
            }
            button.btn { (scene.say("run-drill", &[("drill", id.to_string())])) }
        }
    }
}

/// The name of the field with which a person consents to a kind of action.
fn consent_field(kind: ActionKind) -> &'static str {
    match kind {
        ActionKind::Restart => "restart",
        ActionKind::ShiftTraffic => "shift-traffic",
        ActionKind::Scale => "scale",
        ActionKind::Promote => "promote",
    }
}

fn runs(scene: &Scene<'_>, limit: usize) -> Markup {
    let body = html! {
        table.listing {
            thead { tr { th { (scene.say("run", &[])) } th { (scene.say("drill", &[])) } th { (scene.say("state", &[])) } th { (scene.say("started", &[])) } th { (scene.say("run-by", &[])) } th.num { (scene.say("failed", &[])) } } }
            tbody { @for record in scene.book.drills.values().rev().take(limit) { tr {
                th scope="row" { a href={ "/drills/runs/" (record.run.0) } { (record.run) } }
                td { (record.drill) } td { (shown(scene, record.state)) } td { (scene.moment(record.started.0)) }
                td { (crate::actor(scene.language(), &record.by)) }
                td.num { (failed(scene, &record.measures)) }
            } } }
        }
    };
    section("runs", 2, &scene.say("runs", &[]), &html! {}, &body)
}

fn failed(scene: &Scene<'_>, measures: &Measures) -> Markup {
    match (measures.failed, measures.requests) {
        (Some(failed), Some(requests)) => {
            html! { (scene.say("failed-of", &[("n", scene.count(failed)), ("requests", scene.count(requests))])) }
        }
        _ => html! { span.unk { (scene.say("unknown", &[])) } },
    }
}

/// One run of a drill. `entries` are the ledger's, oldest first.
pub fn run(scene: &Scene<'_>, record: &DrillRecord, entries: &[Entry]) -> Markup {
    let title = scene.say(
        "run-title",
        &[("run", record.run.to_string()), ("fault", phrase::fault(scene.language(), &record.fault))],
    );
    let main = html! {
        div.verdict #verdict data-live { (toned(Tone::Plain, "bolt")) h1 { (title) } p {
            (shown(scene, record.state)) (scene.stop())
            (scene.say("run-by-with", &[("who", crate::actor(scene.language(), &record.by)), ("consent", consented(scene.language(), &record.consent))]))
        } }
        div.room {
            div.rail {
                (section("why", 2, &scene.say("why", &[]), &html! {}, &html! {
                    @if record.reasons.is_empty() { p.note { (scene.say("not-judged-yet", &[])) } } @else { (because(scene, &record.reasons)) }
                }))
                (section("caused", 3, &scene.say("caused", &[]), &html! {}, &html! {
                    @if record.incidents.is_empty() { p.note { (scene.say("no-incident", &[])) } }
                    @for id in &record.incidents { p { a href={ "/incidents/" (id.0) } { (id) } } }
                    @if let Some(plan) = record.plan { p { a href={ "/plans/" (plan.0) } { (scene.say("plan-n", &[("n", plan.0.to_string())])) } } }
                }))
            }
            div.main-col {
                (measures(scene, record))
                (section("entries", 4, &scene.say("entries", &[]), &html! {}, &html! {
                    table.listing { tbody { @for entry in entries { tr {
                        td.nw { (scene.format.clock_ms(entry.at)) } td.wide { (event_line(scene.language(), &entry.event)) }
                        td.num { a.mono href={ "/ledger/" (entry.seq.0) } { "#" (scene.count(entry.seq.0)) } }
                    } } } }
                }))
            }
        }
    };
    page(scene, Tab::Drills, &title, &main)
}

/// What is measured, its value, and what was expected of it with whether that was met.
type MeasureRow = (String, Option<String>, Option<(String, Option<bool>)>);

fn measures(scene: &Scene<'_>, record: &DrillRecord) -> Markup {
    let expect = scene.estate.drills.get(&record.drill).map(|drill| drill.expect.clone()).unwrap_or_default();
    let m = &record.measures;
    let time = |ms: Option<u64>| ms.map(|ms| scene.millis(ms));
    let count = |n: Option<u64>| n.map(|n| scene.count(n));
    let within = |limit: Option<Duration>, ms: Option<u64>| {
        limit.map(|limit| {
            (format!("≤ {}", scene.span(limit)), ms.map(|ms| Duration::from_millis(ms) <= limit))
        })
    };
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    let share = match (m.failed, m.requests) {
        (Some(failed), Some(requests)) if requests > 0 => Some(failed as f64 / requests as f64),
        _ => None,
    };
    let limit = expect.failed_requests.map(|limit| {
        (
            format!("{} {}", sign(limit.inclusive), scene.percent(limit.limit)),
            share.map(|share| limit.admits(share)),
        )
    });
    let rows: [MeasureRow; 9] = [
        (scene.say("measure-requests", &[]), count(m.requests), None),
        (scene.say("measure-failed", &[]), count(m.failed), None),
        (scene.say("measure-share", &[]), share.map(|share| scene.percent(share)), limit),
        (scene.say("measure-rescued", &[]), count(m.rescued), None),
        (scene.say("measure-failing", &[]), time(m.failing_ms), within(expect.failing_within, m.failing_ms)),
        (scene.say("measure-ejected", &[]), time(m.ejected_ms), None),
        (scene.say("measure-incident", &[]), time(m.incident_ms), None),
        (scene.say("measure-acted", &[]), time(m.acted_ms), None),
        (scene.say("measure-healed", &[]), time(m.healed_ms), within(expect.healed_within, m.healed_ms)),
    ];
    let body = html! {
        table.listing {
            thead { tr { th { (scene.say("measure", &[])) } th.num { (scene.say("measured", &[])) } th.num { (scene.say("expected", &[])) } th { (scene.say("met", &[])) } } }
            tbody { @for (what, value, expected) in rows { tr {
                th scope="row" { (what) }
                td.num { @match value { Some(value) => b { (value) }, None => span.unk { (scene.say("unknown", &[])) } } }
                @match expected {
                    Some((limit, met)) => {
                        td.num { (limit) }
                        td { @match met {
                            Some(true) => (status(Tone::Holds, "kept", &scene.say("yes", &[]))),
                            Some(false) => (status(Tone::Fails, "down", &scene.say("no", &[]))),
                            None => (status(Tone::Unknown, "unk", &scene.say("unknown", &[]))),
                        } }
                    }
                    None => { td.num.quiet { "–" } td.quiet { (scene.say("not-judged", &[])) } }
                }
            } } }
        }
    };
    section("measures", 1, &scene.say("measures", &[]), &html! {}, &body)
}
