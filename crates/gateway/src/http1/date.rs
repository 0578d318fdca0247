//! The `Date` of answers, written once a second.

use dinghai_clock::Timestamp;
use jiff::fmt::strtime;

/// The time as HTTP writes it (RFC 9110, section 5.6.7), kept until the second is over.
#[derive(Debug, Default)]
pub(crate) struct Date {
    second: i64,
    text: String,
}

impl Date {
    /// The date at `now`.
    pub(crate) fn at(&mut self, now: Timestamp) -> &str {
        let second = now.as_micros().div_euclid(1_000_000);
        if self.text.is_empty() || second != self.second {
            self.second = second;
            self.text = written(second).unwrap_or_default();
        }
        &self.text
    }
}

fn written(second: i64) -> Option<String> {
    let at = jiff::Timestamp::from_second(second).ok()?;
    strtime::format("%a, %d %b %Y %H:%M:%S GMT", &at.to_zoned(jiff::tz::TimeZone::UTC)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_written_as_the_rfc_writes_it() {
        let mut date = Date::default();
        let at = Timestamp::from_micros(784_111_777_000_000);
        assert_eq!(date.at(at), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(date.at(Timestamp::from_micros(784_111_777_999_999)), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(date.at(Timestamp::from_micros(784_111_778_000_000)), "Sun, 06 Nov 1994 08:49:38 GMT");
    }
}
