//! How far the running drill has come.
//!
//! Everything is read anew at each tick from the drill's plan, the incidents it caused and the world, so a controller
//! that takes over goes on where the last one stood.
//!
//! - **Steady**: the plan waits for the steady state. When it ends without having broken anything, the drill did not
//!   begin.
//! - **Broken**: the fault went in when its step was journalled, a little before the hand did it, so that no time is
//!   measured too short. A stop condition turns the plan back, and the executor mends.
//! - **Recovering**: until all in scope is as before; then it is judged. After [`GIVE_UP`] it has failed, with what is
//!   missing. A drill that was stopped recovers like any other, because the automatons need its consent to clear up;
//!   under a halt they do nothing, so then it ends at once.

use std::time::Duration;

use dinghai_clock::{Timestamp, format_span};
use dinghai_estate::Expectation;
use dinghai_record::{
    Action, DrillRecord, DrillState, Event, Fault, Grade, Measures, PlanEnd, PlanRecord, PlanState, Reason,
    StepOutcome, StepRecord, StepState, Verdict, percent, reported_until,
};

use crate::{Inputs, judge, recovery};

/// How long the steady state and the plan's admission may take before the drill is given up.
const STEADY_WITHIN: Duration = Duration::from_secs(120);

/// How long after the end of the fault a drill that does not recover is given up.
const GIVE_UP: Duration = Duration::from_secs(600);

/// How long gateways may take to report the last seconds before they count as not reported.
const REPORT_WITHIN: Duration = Duration::from_secs(5);

/// A failed share stops a drill only after this long and this many requests: before, it says little.
const STOP_AFTER: Duration = Duration::from_secs(2);
const STOP_REQUESTS: u64 = 50;

/// The share of failed requests that stops a drill whose declaration has gone meanwhile.
const STOP_ABOVE: f64 = 0.05;

/// What is to be written about the drill that runs, if one does. The same inputs yield the same events, and none once
/// these are written.
pub fn proceed(inputs: &Inputs<'_>) -> Vec<Event> {
    let Some(record) = inputs.book.open_drill() else {
        return Vec::new();
    };
    let Some(plan) = record.plan.and_then(|plan| inputs.book.plans.get(&plan)) else {
        return vec![ended(record, Verdict::Refused, vec![Reason::new("drill-without-plan")])];
    };
    match (record.state, record.broken, record.mended) {
        (DrillState::Steady, ..) => steady(inputs, record, plan),
        (DrillState::Broken, Some(broken), _) => while_broken(inputs, record, plan, broken),
        (DrillState::Recovering, Some(broken), Some(mended)) => {
            recovering(inputs, record, plan, broken, mended)
        }
        _ => Vec::new(),
    }
}

fn steady(inputs: &Inputs<'_>, record: &DrillRecord, plan: &PlanRecord) -> Vec<Event> {
    let run = record.run;
    let broke = step(plan, |action| matches!(action, Action::Break(_)));
    let began = broke.filter(|at| at.state != StepState::NotStarted).and_then(|at| at.started);
    if let Some((happened, _)) = began
        && (broke.is_some_and(|at| is_done(&at.state)) || !plan.state.is_open())
    {
        let mut events = vec![Event::DrillBroke { run, happened }];
        if matches!(record.fault, Fault::KillInstance(_)) {
            events.push(Event::DrillMended { run, happened });
        }
        return events;
    }
    if !plan.state.is_open() {
        return vec![ended(record, Verdict::Refused, why_it_did_not_begin(plan))];
    }
    if began.is_some() {
        return turn_back(inputs, record, plan, None);
    }
    let waited = inputs.now.since(record.started.0);
    let late = (waited > STEADY_WITHIN)
        .then(|| Reason::new("drill-not-admitted").with("after", format_span(STEADY_WITHIN)));
    let against: Vec<Reason> = stops(inputs, record, None).into_iter().chain(late).collect();
    match plan.state {
        _ if against.is_empty() => Vec::new(),
        PlanState::Running => vec![Event::PlanUndoing { plan: plan.plan.id, reasons: against }],
        PlanState::Approved => {
            let withdrawn = PlanEnd::Withdrawn;
            let end = Event::PlanEnded { plan: plan.plan.id, end: withdrawn, reasons: against.clone() };
            vec![end, ended(record, Verdict::Refused, against)]
        }
        _ => Vec::new(),
    }
}

fn while_broken(
    inputs: &Inputs<'_>,
    record: &DrillRecord,
    plan: &PlanRecord,
    broken: Timestamp,
) -> Vec<Event> {
    let run = record.run;
    let mend = step(plan, |action| matches!(action, Action::Mend(_)));
    let broke = step(plan, |action| matches!(action, Action::Break(_)));
    let mended = mend.filter(|at| is_done(&at.state)).and_then(|at| at.started.map(|(at, _)| at));
    let undone = broke
        .filter(|at| matches!(at.state, StepState::Undone(StepOutcome::Done(_))))
        .and_then(|at| at.ended);
    if let Some(happened) = mended.or(undone) {
        return vec![Event::DrillMended { run, happened }];
    }
    if !plan.state.is_open() {
        let mut reasons = plan.turned_back.clone();
        reasons.insert(0, Reason::new("drill-fault-not-undone").with("fault", &record.fault));
        let measures = judge::measures(inputs, record, broken, last_reported(inputs));
        return vec![Event::DrillEnded { run, verdict: Verdict::Failed, measures, reasons }];
    }
    turn_back(inputs, record, plan, Some(broken))
}

fn recovering(
    inputs: &Inputs<'_>,
    record: &DrillRecord,
    plan: &PlanRecord,
    broken: Timestamp,
    mended: Timestamp,
) -> Vec<Event> {
    if plan.state.is_open() {
        return turn_back(inputs, record, plan, Some(broken));
    }
    let Inputs { estate, book, world, now } = *inputs;
    let stopped = match plan.state {
        PlanState::Ended(PlanEnd::Done) => None,
        _ => Some(plan.turned_back.clone()),
    };
    let mut missing = recovery::missing(inputs, record, mended);
    if missing.is_empty() {
        let healed = recovery::healed_at(inputs, record, mended);
        let reported = reported_until(estate, &world.traffic).is_some_and(|until| until > healed);
        let has_gateway = !estate.gateways.is_empty();
        if has_gateway && !reported && now.since(healed.max(mended)) < REPORT_WITHIN {
            return Vec::new();
        }
        let healed_ms = u64::try_from(healed.since(mended).as_millis()).ok();
        let measures = Measures { healed_ms, ..judge::measures(inputs, record, broken, healed) };
        let (verdict, reasons) = match stopped {
            Some(reasons) => (Verdict::Stopped, reasons),
            None => judge::judge(&expectation(inputs, record), &measures),
        };
        return vec![Event::DrillEnded { run: record.run, verdict, measures, reasons }];
    }
    let halted_after_stop = stopped.is_some() && book.halted.is_some();
    if !halted_after_stop && now.since(mended) <= GIVE_UP {
        return Vec::new();
    }
    let measures = judge::measures(inputs, record, broken, last_reported(inputs));
    let (verdict, mut reasons) = match stopped {
        Some(reasons) => (Verdict::Stopped, reasons),
        None => (Verdict::Failed, Vec::new()),
    };
    reasons.push(Reason::new("drill-not-recovered").with("after", format_span(whole_seconds(now, mended))));
    reasons.append(&mut missing);
    vec![Event::DrillEnded { run: record.run, verdict, measures, reasons }]
}

/// Turns the plan back when a stop condition holds and it still goes forward.
fn turn_back(
    inputs: &Inputs<'_>,
    record: &DrillRecord,
    plan: &PlanRecord,
    broken: Option<Timestamp>,
) -> Vec<Event> {
    if plan.state != PlanState::Running {
        return Vec::new();
    }
    let reasons = stops(inputs, record, broken);
    if reasons.is_empty() { Vec::new() } else { vec![Event::PlanUndoing { plan: plan.plan.id, reasons }] }
}

/// The stop conditions that hold.
fn stops(inputs: &Inputs<'_>, record: &DrillRecord, broken: Option<Timestamp>) -> Vec<Reason> {
    let Inputs { estate, book, world, now } = *inputs;
    let mut reasons = Vec::new();
    if let Some((_, since, _)) = &book.halted {
        reasons.push(Reason::new("drill-stop-halted").with("since", since));
    }
    for incident in book.open_incidents().filter(|incident| !incident.standing.is_empty()) {
        let told = |code| Reason::new(code).with("incident", incident.id).with("grade", incident.grade);
        match incident.grade {
            Grade::P0 => reasons.push(told("drill-stop-grade")),
            Grade::P1 if incident.drill != Some(record.run) => reasons.push(told("drill-stop-elsewhere")),
            Grade::P1 | Grade::P2 | Grade::P3 => {}
        }
    }
    let limit = estate.drills.get(&record.drill).map_or(STOP_ABOVE, |drill| drill.stop_above);
    if let Some(broken) = broken.filter(|broken| now.since(*broken) >= STOP_AFTER)
        && let Some(tally) = world.traffic.tally(broken, now, |g, r| estate.user_route(g, r))
        && tally.requests >= STOP_REQUESTS
        && let Some(share) = tally.failed_share().filter(|share| *share > limit)
    {
        reasons.push(
            Reason::new("drill-stop-failing")
                .with("share", percent(share))
                .with("limit", percent(limit))
                .with("requests", tally.requests),
        );
    }
    reasons
}

fn why_it_did_not_begin(plan: &PlanRecord) -> Vec<Reason> {
    let failed = plan.steps.iter().filter_map(|at| match &at.state {
        StepState::Ended(StepOutcome::Failed(reasons)) => Some(reasons),
        _ => None,
    });
    let mut reasons: Vec<Reason> = plan.turned_back.iter().chain(failed.flatten()).cloned().collect();
    if reasons.is_empty()
        && let Some((_, verdict)) = &plan.verdict
    {
        reasons.clone_from(verdict);
    }
    reasons.dedup();
    reasons.insert(0, Reason::new("drill-did-not-begin"));
    reasons
}

fn expectation(inputs: &Inputs<'_>, record: &DrillRecord) -> Expectation {
    inputs.estate.drills.get(&record.drill).map(|drill| drill.expect.clone()).unwrap_or_default()
}

/// The end of what gateways have reported so far; now, when they have reported nothing.
fn last_reported(inputs: &Inputs<'_>) -> Timestamp {
    let until = reported_until(inputs.estate, &inputs.world.traffic);
    until.map_or(inputs.now, |until| until.minus(Duration::from_micros(1)).min(inputs.now))
}

fn ended(record: &DrillRecord, verdict: Verdict, reasons: Vec<Reason>) -> Event {
    Event::DrillEnded { run: record.run, verdict, measures: Measures::default(), reasons }
}

fn step(plan: &PlanRecord, is: impl Fn(&Action) -> bool) -> Option<&StepRecord> {
    plan.plan.steps.iter().zip(&plan.steps).find(|(step, _)| is(&step.action)).map(|(_, at)| at)
}

const fn is_done(state: &StepState) -> bool {
    matches!(state, StepState::Ended(StepOutcome::Done(_)))
}

fn whole_seconds(now: Timestamp, mended: Timestamp) -> Duration {
    Duration::from_secs(now.since(mended).as_secs())
}
