//! The words of states, without shapes and colours, for the command line.

use std::time::Duration;

use dinghai_estate::PromiseTarget;
use dinghai_prove::PromiseState;
use dinghai_record::{DrillState, PlanState, StepClass, StepOutcome, StepState};

use crate::event_line::{plan_end, verdict};
use crate::{Language, format, text};

/// How far a plan has come.
pub fn plan_state(language: Language, state: PlanState) -> String {
    let key = match state {
        PlanState::Proposed => "plan-proposed",
        PlanState::Waiting => "plan-waits",
        PlanState::Approved => "plan-approved",
        PlanState::Shadowed => "plan-shadowed",
        PlanState::Refused => "plan-refused",
        PlanState::Declined => "plan-declined",
        PlanState::Running => "plan-running",
        PlanState::Undoing => "plan-undoing",
        PlanState::Ended(end) => return plan_end(language, end),
    };
    text(language, key, &[])
}

/// Whether and how a step can be taken back.
pub fn step_class(language: Language, class: &StepClass) -> String {
    let key = match class {
        StepClass::NoAct => "class-no-act",
        StepClass::Reversible(_) => "class-reversible",
        StepClass::Compensable(_) => "class-compensable",
        StepClass::Final(_) => "class-final",
    };
    text(language, key, &[])
}

/// How far a step has come.
pub fn step_state(language: Language, state: &StepState) -> String {
    let key = match state {
        StepState::NotStarted => "step-not-started",
        StepState::Started => "step-started",
        StepState::Unknown => "step-unknown",
        StepState::Ended(StepOutcome::Done(_)) => "step-done",
        StepState::Ended(StepOutcome::Failed(_)) => "step-failed",
        StepState::Undoing => "step-undoing",
        StepState::UndoUnknown => "step-undo-unknown",
        StepState::Undone(StepOutcome::Done(_)) => "step-undone",
        StepState::Undone(StepOutcome::Failed(_)) => "step-undo-failed",
    };
    text(language, key, &[])
}

/// How far a run of a drill has come.
pub fn drill_state(language: Language, state: DrillState) -> String {
    let key = match state {
        DrillState::Steady => "drill-steady",
        DrillState::Broken => "drill-broken",
        DrillState::Recovering => "drill-recovering",
        DrillState::Ended(showed) => return verdict(language, showed),
    };
    text(language, key, &[])
}

/// Whether a promise is proven.
pub fn promise_state(language: Language, state: PromiseState) -> String {
    let key = match state {
        PromiseState::Kept => "kept",
        PromiseState::Broken => "broken",
        PromiseState::Unproven => "unproven",
        PromiseState::Expired => "expired",
    };
    text(language, key, &[])
}

/// What is promised: `≤ 2 s`.
pub fn promise_target(language: Language, target: &PromiseTarget) -> String {
    match target {
        PromiseTarget::Within(within) => format!("≤ {}", format::span(language, *within)),
        PromiseTarget::AtLeast(share) => format!("≥ {}", format::percent(language, *share)),
    }
}

/// What was measured of a promise with that target: milliseconds for a time, a share 0–1 for a share.
pub fn promise_measure(language: Language, target: &PromiseTarget, measured: f64) -> String {
    match target {
        PromiseTarget::Within(_) => {
            format::span(language, Duration::from_secs_f64((measured / 1000.0).max(0.0)))
        }
        PromiseTarget::AtLeast(_) => format::percent(language, measured),
    }
}
