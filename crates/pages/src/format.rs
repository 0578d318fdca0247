//! Numbers, durations, money and times as people read them, in the language they read.
//!
//! Thousands are set off by a narrow no-break space in English and a comma in Chinese; a no-break space stands before
//! a unit and before %; a minus is a minus sign. Durations have at most two units. Times are of 24 hours, and the page
//! says the zone once.

use std::time::Duration;

use dinghai_clock::Timestamp;
use dinghai_estate::Money;
use jiff::tz::TimeZone;

use crate::Language;

/// No-break space.
const NB: char = '\u{a0}';
/// Narrow no-break space.
const NNB: char = '\u{202f}';
/// Minus sign.
const MINUS: char = '\u{2212}';

/// What is needed to write a value for a reader.
#[derive(Clone, Debug)]
pub struct Format {
    /// The reader's language.
    pub language: Language,
    /// The zone in which times are written.
    pub zone: TimeZone,
}

fn grouped(language: Language, digits: &str) -> String {
    let separator = match language {
        Language::En => NNB,
        Language::Zh => ',',
    };
    let mut out = String::with_capacity(digits.len() + digits.len() / 3 * 3);
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            out.push(separator);
        }
        out.push(digit);
    }
    out
}

/// A whole number: `41 012`.
pub fn count(language: Language, n: u64) -> String {
    grouped(language, &n.to_string())
}

/// A number with at most `places` decimals, trailing zeros cut: `0.4`.
pub fn decimal(language: Language, value: f64, places: usize) -> String {
    let text = format!("{:.places$}", value.abs());
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    let part = part.trim_end_matches('0');
    let mut out = String::new();
    if value < 0.0 && text.chars().any(|c| c.is_ascii_digit() && c != '0') {
        out.push(MINUS);
    }
    out.push_str(&grouped(language, whole));
    if !part.is_empty() {
        out.push('.');
        out.push_str(part);
    }
    out
}

/// A share 0–1 as percent, with as many decimals as it needs to not read as nothing: `0.007 %`, `33 %`.
pub fn percent(language: Language, share: f64) -> String {
    let percent = share * 100.0;
    let places = match percent.abs() {
        p if p >= 10.0 => 0,
        p if p >= 1.0 => 1,
        p if p >= 0.1 => 2,
        _ => 3,
    };
    format!("{}{NB}%", decimal(language, percent, places))
}

const UNITS: [(u64, &str, &str); 3] = [(86_400, "d", "天"), (3_600, "h", "小时"), (60, "min", "分")];

fn unit(language: Language, en: &'static str, zh: &'static str) -> &'static str {
    match language {
        Language::En => en,
        Language::Zh => zh,
    }
}

/// A duration in at most two units: `38 ms`, `0.4 s`, `4 min 24 s`, `2 d 21 h`.
pub fn span(language: Language, span: Duration) -> String {
    let say = |n: u64, en, zh| format!("{}{NB}{}", count(language, n), unit(language, en, zh));
    let seconds = span.as_secs_f64();
    if span.is_zero() {
        return say(0, "s", "秒");
    }
    if seconds < 0.1 {
        let millis = span.as_micros().div_ceil(1000);
        return say(u64::try_from(millis).unwrap_or(u64::MAX), "ms", "毫秒");
    }
    if seconds < 59.95 {
        return format!("{}{NB}{}", decimal(language, seconds, 1), unit(language, "s", "秒"));
    }
    let mut whole = span.as_millis().saturating_add(500) / 1000;
    let mut parts = Vec::new();
    for (scale, en, zh) in UNITS.into_iter().chain([(1, "s", "秒")]) {
        let n = whole / u128::from(scale);
        whole %= u128::from(scale);
        if n > 0 || !parts.is_empty() {
            parts.push((n, en, zh));
        }
    }
    parts
        .into_iter()
        .take(2)
        .filter(|(n, _, _)| *n > 0)
        .map(|(n, en, zh)| say(u64::try_from(n).unwrap_or(u64::MAX), en, zh))
        .collect::<Vec<_>>()
        .join(" ")
}

/// How long ago: as [`span`], in whole seconds from ten seconds on.
pub fn age(language: Language, ago: Duration) -> String {
    if ago.as_secs() >= 10 { span(language, Duration::from_secs(ago.as_secs())) } else { span(language, ago) }
}

/// An amount: `11 250 USD`, `9.90 CNY`.
pub fn money(language: Language, amount: &Money) -> String {
    let (whole, part) = (amount.cents.unsigned_abs() / 100, amount.cents.unsigned_abs() % 100);
    let mut out = String::new();
    if amount.cents < 0 {
        out.push(MINUS);
    }
    out.push_str(&count(language, whole));
    if part > 0 {
        out.push_str(&format!(".{part:02}"));
    }
    out.push(NB);
    out.push_str(&amount.currency);
    out
}

fn zoned(zone: &TimeZone, at: Timestamp) -> jiff::Zoned {
    jiff::Timestamp::from_microsecond(at.as_micros())
        .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
        .to_zoned(zone.clone())
}

/// The zone's offset at that time: `+08:00`.
pub fn zone(zone: &TimeZone, at: Timestamp) -> String {
    zoned(zone, at).strftime("%:z").to_string()
}

/// The time of day: `14:02:07`.
pub fn clock(zone: &TimeZone, at: Timestamp) -> String {
    zoned(zone, at).strftime("%H:%M:%S").to_string()
}

impl Format {
    /// The time of day with milliseconds: `14:02:07.412`.
    pub fn clock_ms(&self, at: Timestamp) -> String {
        zoned(&self.zone, at).strftime("%H:%M:%S%.3f").to_string()
    }

    /// Day and time as they stand in a document that is read later: `2026-11-23 09:10:04`.
    pub fn stamp(&self, at: Timestamp) -> String {
        zoned(&self.zone, at).strftime("%Y-%m-%d %H:%M:%S").to_string()
    }

    /// The day: `23 Nov`, `11 月 23 日`; with the year when it is not that of `now`.
    pub fn day(&self, at: Timestamp, now: Timestamp) -> String {
        let (then, today) = (zoned(&self.zone, at), zoned(&self.zone, now));
        let pattern = match (self.language, then.year() == today.year()) {
            (Language::En, true) => "%-d\u{a0}%b",
            (Language::En, false) => "%-d\u{a0}%b\u{a0}%Y",
            (Language::Zh, true) => "%-m\u{a0}月\u{a0}%-d\u{a0}日",
            (Language::Zh, false) => "%Y\u{a0}年\u{a0}%-m\u{a0}月\u{a0}%-d\u{a0}日",
        };
        then.strftime(pattern).to_string()
    }

    /// The time of day, with the day before it when that is not today.
    pub fn moment(&self, at: Timestamp, now: Timestamp) -> String {
        let time = clock(&self.zone, at);
        if zoned(&self.zone, at).date() == zoned(&self.zone, now).date() {
            time
        } else {
            format!("{} {time}", self.day(at, now))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_off_as_the_language_does() {
        assert_eq!(count(Language::En, 41_012), "41\u{202f}012");
        assert_eq!(count(Language::Zh, 41_012), "41,012");
        assert_eq!(count(Language::En, 999), "999");
        assert_eq!(count(Language::Zh, 1_234_567), "1,234,567");
    }

    #[test]
    fn durations_have_at_most_two_units() {
        let say = |millis| span(Language::En, Duration::from_millis(millis)).replace(NB, " ");
        assert_eq!(say(0), "0 s");
        assert_eq!(say(38), "38 ms");
        assert_eq!(say(400), "0.4 s");
        assert_eq!(say(22_600), "22.6 s");
        assert_eq!(say(59_960), "1 min");
        assert_eq!(say(264_000), "4 min 24 s");
        assert_eq!(say((2 * 24 + 21) * 3_600_000 + 5_000), "2 d 21 h");
        assert_eq!(say(3_600_000 + 5_000), "1 h");
        assert_eq!(span(Language::Zh, Duration::from_secs(264)).replace(NB, " "), "4 分 24 秒");
    }

    #[test]
    fn a_small_share_does_not_read_as_nothing() {
        let say = |share| percent(Language::En, share).replace(NB, " ");
        assert_eq!(say(3.0 / 41_012.0), "0.007 %");
        assert_eq!(say(0.333), "33 %");
        assert_eq!(say(0.005), "0.5 %");
        assert_eq!(say(0.0), "0 %");
        assert_eq!(say(1.0), "100 %");
    }

    #[test]
    fn a_minus_is_a_minus_sign() {
        assert_eq!(decimal(Language::En, -17.04, 1), "\u{2212}17");
        assert_eq!(decimal(Language::En, -0.01, 1), "0");
        let debt = Money { cents: -990, currency: "CNY".to_owned() };
        assert_eq!(money(Language::En, &debt), "\u{2212}9.90\u{a0}CNY");
    }

    #[test]
    fn another_day_is_said() {
        let format = Format { language: Language::En, zone: TimeZone::fixed(jiff::tz::offset(8)) };
        let now: Timestamp = "2026-11-23T06:06:31Z".parse().unwrap();
        let then: Timestamp = "2026-11-20T08:40:00Z".parse().unwrap();
        assert_eq!(format.moment(now, now), "14:06:31");
        assert_eq!(format.moment(then, now), "20\u{a0}Nov 16:40:00");
        assert_eq!(zone(&format.zone, now), "+08:00");
    }
}
