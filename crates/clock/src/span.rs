//! Durations as people write them: `200ms`, `2s`, `5m`, `1h30m`, `30d`.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serializer};

/// The text is not a duration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpanError(String);

impl fmt::Display for SpanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a duration such as `200ms`, `2s`, `5m`, `1h30m` or `30d`", self.0)
    }
}

impl std::error::Error for SpanError {}

/// Largest unit first; what [`format_span`] writes is what [`parse_span`] reads.
const UNITS: [(&str, u64); 6] = [
    ("d", 86_400_000_000),
    ("h", 3_600_000_000),
    ("m", 60_000_000),
    ("s", 1_000_000),
    ("ms", 1_000),
    ("us", 1),
];

/// Reads a duration. Every number needs a unit; a fraction is allowed (`1.5s`). Microsecond resolution.
pub fn parse_span(text: &str) -> Result<Duration, SpanError> {
    let refuse = || SpanError(text.to_owned());
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(refuse());
    }
    let mut micros = 0f64;
    while !rest.is_empty() {
        let number_end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).ok_or_else(refuse)?;
        let (number, tail) = rest.split_at(number_end);
        let unit_end = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        let number: f64 = number.parse().map_err(|_| refuse())?;
        let (_, scale) = UNITS.iter().find(|(name, _)| *name == unit.trim()).ok_or_else(refuse)?;
        #[expect(clippy::cast_precision_loss, reason = "unit scales are far below 2^53")]
        let scale = *scale as f64;
        micros += number * scale;
        rest = tail;
    }
    if !micros.is_finite() || micros > 1e18 {
        return Err(refuse());
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be in range just above"
    )]
    let micros = micros.round() as u64;
    Ok(Duration::from_micros(micros))
}

/// Writes a duration exactly (to the microsecond), largest unit first: `1h30m`, `200ms`, `0s`.
pub fn format_span(span: Duration) -> String {
    let mut left = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
    let mut text = String::new();
    for (unit, scale) in UNITS {
        let count = left / scale;
        if count > 0 {
            text.push_str(&count.to_string());
            text.push_str(unit);
            left %= scale;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

/// Serde: a duration as text.
pub fn serialize<S: Serializer>(span: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format_span(*span))
}

/// Serde: a duration from text.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_span(&text).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_durations_as_people_write_them() {
        assert_eq!(parse_span("200ms"), Ok(Duration::from_millis(200)));
        assert_eq!(parse_span("1h30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(parse_span("1.5s"), Ok(Duration::from_millis(1500)));
        assert_eq!(parse_span("30d"), Ok(Duration::from_secs(30 * 86_400)));
    }

    #[test]
    fn a_number_without_a_unit_is_refused() {
        for text in ["", "5", "ms", "5 parsecs", "-1s", "1..5s"] {
            assert!(parse_span(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn reads_what_it_writes(micros in 0u64..1_000_000_000_000) {
            let span = Duration::from_micros(micros);
            prop_assert_eq!(parse_span(&format_span(span)), Ok(span));
        }
    }
}
