//! Plans: how far each has come, step by step, and the form that lets a waiting one run.

use dinghai_record::{
    Action, PlanEnd, PlanPurpose, PlanRecord, PlanState, StepClass, StepOutcome, StepRecord, StepState,
};
use maud::{Markup, html};

use crate::event_line::plan_end;
use crate::frame::{Tab, page, section, token};
use crate::shape::{Tone, shape, status, toned};
use crate::stand::Stand;
use crate::timeline::because;
use crate::{Scene, phrase};

/// Tone, shape and word of a plan's state.
pub(crate) fn state(scene: &Scene<'_>, state: PlanState) -> (Tone, &'static str, String) {
    match state {
        PlanState::Proposed => (Tone::Plain, "todo", scene.say("plan-proposed", &[])),
        PlanState::Waiting => (Tone::Weak, "seal", scene.say("plan-waits", &[])),
        PlanState::Approved => (Tone::Plain, "live", scene.say("plan-approved", &[])),
        PlanState::Shadowed => (Tone::Plain, "unproven", scene.say("plan-shadowed", &[])),
        PlanState::Refused => (Tone::Weak, "wait", scene.say("plan-refused", &[])),
        PlanState::Declined => (Tone::Plain, "unproven", scene.say("plan-declined", &[])),
        PlanState::Running => (Tone::Plain, "live", scene.say("plan-running", &[])),
        PlanState::Undoing => (Tone::Weak, "undo", scene.say("plan-undoing", &[])),
        PlanState::Ended(end) => {
            let word = plan_end(scene.language(), end);
            match end {
                PlanEnd::Done => (Tone::Holds, "kept", word),
                PlanEnd::Undone => (Tone::Weak, "undo", word),
                PlanEnd::Failed => (Tone::Fails, "down", word),
                PlanEnd::Withdrawn => (Tone::Plain, "unproven", word),
            }
        }
    }
}

/// How far it has come, in one line.
pub(crate) fn progress(scene: &Scene<'_>, record: &PlanRecord) -> String {
    let all = scene.n(record.steps.len());
    let now = record
        .steps
        .iter()
        .position(|step| !matches!(step.state, StepState::Ended(_) | StepState::Undone(_)));
    match (record.state, now) {
        (PlanState::Running, Some(n)) => {
            let what =
                record.plan.steps.get(n).map(|step| phrase::action_inside(scene.language(), &step.action));
            scene.say(
                "running-at",
                &[("step", scene.n(n + 1)), ("all", all), ("what", what.unwrap_or_default())],
            )
        }
        _ => {
            let (_, _, word) = state(scene, record.state);
            scene.say("steps-and-state", &[("n", all), ("state", word)])
        }
    }
}

fn class(scene: &Scene<'_>, class: &StepClass) -> Markup {
    match class {
        StepClass::NoAct => html! { span.undo { (scene.say("class-no-act", &[])) } },
        StepClass::Reversible(_) => {
            html! { span.undo { (shape("undo")) (scene.say("class-reversible", &[])) } }
        }
        StepClass::Compensable(_) => {
            html! { span.undo { (shape("comp")) (scene.say("class-compensable", &[])) } }
        }
        StepClass::Final(_) => html! { span.undo.final { (scene.say("class-final", &[])) } },
    }
}

fn undo(scene: &Scene<'_>, class: &StepClass) -> String {
    let language = scene.language();
    match class {
        StepClass::NoAct => scene.say("undo-nothing", &[]),
        StepClass::Reversible(action) => {
            scene.say("undo-by", &[("action", phrase::action_inside(language, action))])
        }
        StepClass::Compensable(action) => {
            scene.say("compensate-by", &[("action", phrase::action_inside(language, action))])
        }
        StepClass::Final(why) => scene.say("undo-never", &[("why", scene.because(why))]),
    }
}

fn step_state(scene: &Scene<'_>, step: &StepRecord) -> Markup {
    let took = match (step.started, step.ended) {
        (Some((from, _)), Some(to)) => Some(scene.span(to.since(from))),
        _ => None,
    };
    let since = step.started.map(|(from, _)| scene.age(from)).unwrap_or_default();
    let took = || took.clone().unwrap_or_default();
    match &step.state {
        StepState::NotStarted => status(Tone::Plain, "todo", &scene.say("step-not-started", &[])),
        StepState::Started => status(Tone::Plain, "live", &scene.say("step-running", &[("age", since)])),
        StepState::Unknown => status(Tone::Unknown, "unk", &scene.say("step-unknown", &[])),
        StepState::Ended(StepOutcome::Done(_)) => {
            status(Tone::Holds, "kept", &scene.say("step-verified", &[("span", took())]))
        }
        StepState::Ended(StepOutcome::Failed(_)) => {
            status(Tone::Fails, "down", &scene.say("step-failed", &[]))
        }
        StepState::Undoing => status(Tone::Weak, "undo", &scene.say("step-undoing", &[])),
        StepState::UndoUnknown => status(Tone::Unknown, "unk", &scene.say("step-undo-unknown", &[])),
        StepState::Undone(StepOutcome::Done(_)) => {
            status(Tone::Plain, "undo", &scene.say("step-undone", &[]))
        }
        StepState::Undone(StepOutcome::Failed(_)) => {
            status(Tone::Fails, "down", &scene.say("step-undo-failed", &[]))
        }
    }
}

/// The steps, each with its undo and how far it has come.
pub(crate) fn steps(scene: &Scene<'_>, record: &PlanRecord) -> Markup {
    html! {
        ol.steps { @for (step, at) in record.plan.steps.iter().zip(&record.steps) { li {
            span.n { (step.no.0) }
            span {
                (phrase::action(scene.language(), &step.action))
                small {
                    (undo(scene, &step.class)) (scene.stop())
                    @if let Some(check) = &step.verify {
                        (scene.say("verified-by", &[("condition", phrase::condition(scene.language(), check))])) (scene.stop())
                    }
                    (scene.say("gives-up", &[("span", scene.span(step.within))]))
                }
                @if let StepState::Ended(StepOutcome::Failed(reasons)) | StepState::Undone(StepOutcome::Failed(reasons)) = &at.state {
                    (because(scene, reasons))
                }
            }
            (class(scene, &step.class))
            (step_state(scene, at))
        } } }
    }
}

/// The section that asks a person: steps, reasons, effect, and the form.
pub(crate) fn ask(scene: &Scene<'_>, stand: &Stand<'_>, record: &PlanRecord) -> Markup {
    let id = record.plan.id.0;
    html! {
        section.ask.o1 id={ "plan-" (id) } data-live aria-labelledby={ "h-ask-" (id) } {
            p { (status(Tone::Weak, "seal", &scene.say("waits-for-approval", &[]))) " " span.quiet { (scene.age(record.proposed.0)) } }
            h2 id={ "h-ask-" (id) } { (scene.say("plan-n-title", &[("n", id.to_string()), ("title", scene.because(&record.plan.title))])) }
            ol.steps { @for step in &record.plan.steps { li {
                span.n { (step.no.0) }
                span { (phrase::action(scene.language(), &step.action)) small { (undo(scene, &step.class)) } }
                (class(scene, &step.class))
            } } }
            div.second { (because(scene, &record.plan.reasons)) @if let Some((_, reasons)) = &record.verdict { (because(scene, reasons)) } }
            (preview(scene, stand, record))
            p.note { (scene.say("plan-valid", &[("seen", format!("#{}", scene.count(record.plan.seen.0))), ("digest", record.plan.digest().short())])) }
            @if scene.may_operate() {
                form method="post" action={ "/plans/" (id) } {
                    (token(scene)) input type="hidden" name="digest" value=(record.plan.digest());
                    label for={ "why-" (id) } { (scene.say("reason-label", &[])) }
                    input.field id={ "why-" (id) } name="why" autocomplete="off" maxlength="500";
                    div.grow {
                        button.btn.main name="do" value="approve" { (shape("seal")) (scene.say("approve-plan", &[("n", id.to_string())])) }
                        button.btn name="do" value="decline" { (scene.say("decline", &[])) }
                    }
                }
            } @else { p.note { (scene.say("only-operators-approve", &[])) } }
        }
    }
}

/// What would change, and what the plan does not mend.
fn preview(scene: &Scene<'_>, stand: &Stand<'_>, record: &PlanRecord) -> Markup {
    let started: Vec<_> = record
        .plan
        .steps
        .iter()
        .filter_map(|step| match &step.action {
            Action::Start(ids) | Action::Restart(ids) => Some(ids),
            _ => None,
        })
        .flatten()
        .collect();
    let gains = stand.services.iter().filter_map(|service| {
        let gain = service
            .instances
            .iter()
            .filter(|i| !i.mark.healthy() && started.contains(&&i.instance.id))
            .count();
        (gain > 0).then_some((service, gain))
    });
    let taken: usize = stand
        .services
        .iter()
        .map(|service| {
            let taking = record.plan.takes.instances.get(service.id);
            service
                .instances
                .iter()
                .filter(|i| i.mark.healthy() && taking.is_some_and(|t| t.contains(&i.instance.id)))
                .count()
        })
        .sum();
    let yes = |yes: bool| {
        if yes {
            status(Tone::Fails, "down", &scene.say("yes", &[]))
        } else {
            status(Tone::Holds, "up", &scene.say("no", &[]))
        }
    };
    let finals = record.plan.steps.iter().any(|step| matches!(step.class, StepClass::Final(_)));
    html! {
        table.prev {
            caption.vh { (scene.say("effect-caption", &[])) }
            thead { tr { th { (scene.say("effect", &[])) } th.num { (scene.say("now", &[])) } th.num { (scene.say("after", &[])) } } }
            tbody {
                @for (service, gain) in gains {
                    @let (now, after) = (service.healthy(), service.healthy() + gain);
                    tr { th scope="row" { (scene.say("healthy-of", &[("service", service.id.to_string())])) } td.num { (scene.n(now)) } td.num { b { (scene.n(after)) } } }
                    tr { th scope="row" { (scene.say("may-be-lost", &[("service", service.id.to_string())])) }
                        td.num { (scene.n(now.saturating_sub(service.minimum()))) } td.num { b { (scene.n(after.saturating_sub(service.minimum()))) } } }
                }
                tr { th scope="row" { (scene.say("healthy-taken", &[])) } td.num {} td.num { @if taken == 0 { (scene.say("none", &[])) } @else { (scene.n(taken)) } } }
                tr { th scope="row" { (scene.say("can-be-undone", &[])) } td.num {} td.num { @if finals { (status(Tone::Weak, "weak", &scene.say("not-all", &[]))) } @else { (scene.say("yes", &[])) } } }
                @for loss in stand.next_losses().iter().filter(|loss| !loss.stops.is_empty()) {
                    @let still = loss.stops.iter().any(|id| stand.services.iter().filter(|s| s.id == id).all(|service| {
                        !service.instances.iter().any(|i| started.contains(&&i.instance.id) && !i.around.contains(&loss.place))
                    }));
                    tr { th scope="row" { (scene.say("losing-still-stops", &[("place", loss.place.to_string()), ("services", scene.list(&loss.stops))])) } td.num { (yes(true)) } td.num { (yes(still)) } }
                }
            }
        }
    }
}

fn purpose(scene: &Scene<'_>, purpose: &PlanPurpose) -> Markup {
    match purpose {
        PlanPurpose::BringUp => html! { (scene.say("purpose-bring-up", &[])) },
        PlanPurpose::Heal(id) => {
            html! { (scene.say("purpose-heal", &[])) " " a href={ "/incidents/" (id.0) } { (id) } }
        }
        PlanPurpose::Drill(run) => {
            html! { (scene.say("purpose-drill", &[])) " " a href={ "/drills/runs/" (run.0) } { (run) } }
        }
    }
}

/// Every plan, those that wait first. `limit` ended ones are shown.
pub fn plans(scene: &Scene<'_>, limit: usize) -> Markup {
    let stand = Stand::of(scene);
    let (open, over): (Vec<&PlanRecord>, Vec<_>) =
        scene.book.plans.values().rev().partition(|r| r.state.is_open());
    let waiting: Vec<_> = open.iter().filter(|r| r.state == PlanState::Waiting).collect();
    let (tone, name, sentence) = match waiting.len() {
        0 if open.is_empty() => (Tone::Holds, "kept", scene.say("plans-none-open", &[])),
        0 => (Tone::Plain, "live", scene.say("plans-open", &[("n", scene.n(open.len()))])),
        n => (Tone::Weak, "seal", scene.say("plans-waiting", &[("n", scene.n(n))])),
    };
    let main = html! {
        div.verdict #verdict data-live { (toned(tone, name)) h1 { (sentence) } p { (scene.say("plans-explained", &[])) } }
        div.asks #asks data-live { @for record in waiting { (ask(scene, &stand, record)) } }
        div #lists data-live {
            @if !open.is_empty() { (list(scene, "open", "plans-open-title", &open)) }
            @if !over.is_empty() {
                (list(scene, "over", "plans-over-title", over.get(..limit).unwrap_or(&over)))
                @if over.len() > limit { p.note { (scene.say("plans-more", &[("n", scene.n(over.len() - limit))])) } }
            }
        }
    };
    page(scene, Tab::Plans, &sentence, &main)
}

fn list(scene: &Scene<'_>, id: &str, heading: &str, records: &[&PlanRecord]) -> Markup {
    let body = html! {
        table.listing {
            thead { tr { th { (scene.say("plan", &[])) } th { (scene.say("state", &[])) } th { (scene.say("purpose", &[])) } th { (scene.say("proposed", &[])) } th { (scene.say("decided-by", &[])) } } }
            tbody { @for record in records {
                @let (tone, name, word) = state(scene, record.state);
                tr {
                    th scope="row" { a href={ "/plans/" (record.plan.id.0) } { (scene.say("plan-n-title", &[("n", record.plan.id.0.to_string()), ("title", scene.because(&record.plan.title))])) } }
                    td { (status(tone, name, &word)) }
                    td { (purpose(scene, &record.plan.purpose)) }
                    td { (scene.moment(record.proposed.0)) }
                    td { @match &record.by { Some(by) => (crate::actor(scene.language(), by)), None => (scene.say("by-itself", &[])) } }
                }
            } }
        }
    };
    section(id, 1, &scene.say(heading, &[]), &html! {}, &body)
}

/// One plan.
pub fn plan(scene: &Scene<'_>, record: &PlanRecord) -> Markup {
    let stand = Stand::of(scene);
    let (tone, name, word) = state(scene, record.state);
    let title = scene.say(
        "plan-n-title",
        &[("n", record.plan.id.0.to_string()), ("title", scene.because(&record.plan.title))],
    );
    let aside = html! { p { (scene.say("digest", &[])) " " code { (record.plan.digest().short()) } } };
    let body = html! {
        (steps(scene, record))
        @if let Some(held) = &record.reservation {
            p.note { (scene.say("holds-budget", &[("n", scene.n(held.healthy.values().map(std::collections::BTreeSet::len).sum())), ("since", scene.moment(held.at))])) }
        }
    };
    let why = html! {
        (because(scene, &record.plan.reasons))
        @if let Some((decided, reasons)) = &record.verdict {
            p { b { (crate::event_line::approval(scene.language(), *decided)) } } (because(scene, reasons))
        }
        @if let Some(by) = &record.by { p { (scene.say("decided-by-who", &[("who", crate::actor(scene.language(), by))])) } }
    };
    let main = html! {
        div.verdict #verdict data-live { (toned(tone, name)) h1 { (title) } p { (status(tone, name, &word)) (scene.comma()) (purpose(scene, &record.plan.purpose)) (scene.comma()) (scene.say("proposed-at", &[("at", scene.moment(record.proposed.0))])) } }
        div.room {
            div.rail {
                div.asks-here.o1 #asks data-live { @if record.state == PlanState::Waiting { (ask(scene, &stand, record)) } }
                (section("why", 3, &scene.say("why", &[]), &html! {}, &why))
            }
            div.main-col { (section("steps", 2, &scene.say("steps", &[]), &aside, &body)) }
        }
    };
    page(scene, Tab::Plans, &title, &main)
}
