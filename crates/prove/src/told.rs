//! Numbers as reasons carry them.

use std::time::Duration;

use dinghai_clock::{Timestamp, format_span};
use dinghai_estate::PromiseTarget;
use dinghai_record::percent;

/// A target: `2s` or `99.5 %`.
pub(crate) fn target(target: &PromiseTarget) -> String {
    match target {
        PromiseTarget::Within(limit) => format_span(*limit),
        PromiseTarget::AtLeast(share) => percent(*share),
    }
}

/// A measure of that target's kind; a time to the millisecond.
pub(crate) fn measured(target: &PromiseTarget, measured: f64) -> String {
    match target {
        PromiseTarget::Within(_) => {
            let seconds = Duration::try_from_secs_f64(measured.round() / 1000.0);
            seconds.map_or_else(|_| measured.to_string(), format_span)
        }
        PromiseTarget::AtLeast(_) => percent(measured),
    }
}

/// How long between two times, as finely as matters: days in hours, hours in minutes, anything less in seconds.
pub(crate) fn span(from: Timestamp, to: Timestamp) -> String {
    let seconds = to.since(from).as_secs();
    let unit = match seconds {
        0..3600 => 1,
        3600..86_400 => 60,
        _ => 3600,
    };
    format_span(Duration::from_secs(seconds - seconds % unit))
}

/// The time of day, UTC, to the millisecond: `14:02:07.412`.
pub(crate) fn clock(at: Timestamp) -> String {
    at.to_string().chars().skip(11).take(12).collect()
}
