//! What a drill showed: measures against expectations.

use std::time::Duration;

use dinghai_clock::{Timestamp, format_span};
use dinghai_estate::{Expectation, InstanceId};
use dinghai_record::{DrillRecord, Measures, Reason, Verdict, measure_response, measure_traffic, percent};

use crate::Inputs;

/// What was measured from the fault to `to`.
pub(crate) fn measures(
    inputs: &Inputs<'_>,
    record: &DrillRecord,
    broken: Timestamp,
    to: Timestamp,
) -> Measures {
    let struck = record.fault.instances().iter().cloned().collect::<std::collections::BTreeSet<InstanceId>>();
    let response = measure_response(inputs.book, &record.incidents, &struck, broken);
    Measures {
        ejected_ms: response.ejected_ms,
        incident_ms: response.incident_ms,
        acted_ms: response.acted_ms,
        ..measure_traffic(inputs.estate, &inputs.world.traffic, broken, to)
    }
}

/// The verdict on a drill that has recovered. A limit that was missed outweighs one that could not be measured, and
/// that outweighs those that were met.
pub(crate) fn judge(expect: &Expectation, measures: &Measures) -> (Verdict, Vec<Reason>) {
    let mut verdict = Verdict::Passed;
    let mut reasons = Vec::new();
    let mut rule = |met: Option<bool>, reason: Reason| {
        verdict = match (met, verdict) {
            (Some(false), _) | (_, Verdict::Failed) => Verdict::Failed,
            (None, _) | (_, Verdict::Unknown) => Verdict::Unknown,
            (Some(true), other) => other,
        };
        reasons.push(reason);
    };
    if let Some(limit) = expect.failed_requests {
        let share = share(measures);
        let met = share.map(|share| limit.admits(share));
        let reason = told(met, "drill-failed-share").with("limit", percent(limit.limit));
        rule(met, share.map_or(reason.clone(), |share| reason.with("share", percent(share))));
    }
    for (code, limit, measured) in [
        ("drill-failing", expect.failing_within, measures.failing_ms),
        ("drill-healed", expect.healed_within, measures.healed_ms),
    ] {
        let Some(limit) = limit else { continue };
        let measured = measured.map(Duration::from_millis);
        let met = measured.map(|measured| measured <= limit);
        let reason = told(met, code).with("limit", format_span(limit));
        rule(met, measured.map_or(reason.clone(), |measured| reason.with("measured", format_span(measured))));
    }
    if reasons.is_empty() {
        reasons.push(Reason::new("drill-recovered-nothing-expected"));
    }
    (verdict, reasons)
}

fn told(met: Option<bool>, what: &str) -> Reason {
    Reason::new(&format!(
        "{what}-{}",
        match met {
            Some(true) => "met",
            Some(false) => "missed",
            None => "not-measured",
        }
    ))
}

/// The failed share, where there was something to fail.
fn share(measures: &Measures) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    match (measures.failed, measures.requests) {
        (Some(failed), Some(requests)) if requests > 0 => Some(failed as f64 / requests as f64),
        _ => None,
    }
}
