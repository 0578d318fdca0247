//! The values of a reason as people read them.
//!
//! A reason carries its values as text, written exactly and in no language: `1m30s`, `0.25 %`, `hz-a place-lost`,
//! `shift-traffic`, `2026-11-23T06:02:07Z`. Here what such a text plainly is becomes words of the reader's language;
//! whatever is none of it, a name above all, stays as it is.

use std::time::Duration;

use dinghai_clock::{Timestamp, parse_span};

use crate::{Language, catalogue, format};

/// The value that stands under `name` in a reason.
pub(crate) fn spoken(language: Language, name: &str, value: &str) -> String {
    span(language, value)
        .or_else(|| percent(language, value))
        .or_else(|| moment(value))
        .or_else(|| numbered(language, value))
        .or_else(|| kind(language, name, value))
        .or_else(|| about(language, value))
        .unwrap_or_else(|| value.to_owned())
}

fn span(language: Language, value: &str) -> Option<String> {
    let begins_with_a_number = value.starts_with(|c: char| c.is_ascii_digit());
    let span: Duration = begins_with_a_number.then(|| parse_span(value).ok())??;
    Some(format::span(language, span))
}

fn percent(language: Language, value: &str) -> Option<String> {
    let percent: f64 = value.strip_suffix('%')?.trim_end().parse().ok()?;
    Some(format::percent(language, percent / 100.0))
}

/// A reason does not know the reader's zone, so the zone is said.
fn moment(value: &str) -> Option<String> {
    let at: Timestamp = value.ends_with('Z').then(|| value.parse().ok())??;
    let text = at.to_string();
    Some(format!("{} {} UTC", text.get(..10)?, text.get(11..19)?))
}

/// `plan 3` and `step 2`, alone or together.
fn numbered(language: Language, value: &str) -> Option<String> {
    let (key, number) = match value.split_once(' ')? {
        ("plan", number) => ("plan-n", number),
        ("step", number) => ("step-n", number),
        _ => return None,
    };
    let number: u64 = number.parse().ok()?;
    Some(catalogue::text(language, key, &[("n", number.to_string())]))
}

/// A kind of action; only where one is named as such, for a service may be called `restart`.
fn kind(language: Language, name: &str, value: &str) -> Option<String> {
    if name != "kind" && name != "action" {
        return None;
    }
    ["kind", "act"].into_iter().find_map(|what| catalogue::known(language, &format!("{what}-{value}"), &[]))
}

/// A finding, `hz-a place-lost`, and a fault, `kill-place hz-a`.
fn about(language: Language, value: &str) -> Option<String> {
    let say = |key: String, about: &str| catalogue::known(language, &key, &[("about", about.to_owned())]);
    let (first, rest) = value.split_once(' ')?;
    if let Some(fault) = say(format!("break-{first}"), rest) {
        return Some(fault);
    }
    let (about, kind) = value.rsplit_once(' ')?;
    say(format!("finding-{kind}"), about)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn en(name: &str, value: &str) -> String {
        spoken(Language::En, name, value).replace(['\u{a0}', '\u{202f}'], " ")
    }

    #[test]
    fn times_and_shares_are_written_as_everywhere_on_the_page() {
        assert_eq!(en("measured", "2s199ms"), "2.2 s");
        assert_eq!(en("took", "1ms572us"), "2 ms");
        assert_eq!(en("max-age", "30d"), "30 d");
        assert_eq!(en("share", "0.0%"), "0 %");
        assert_eq!(en("limit", "0.5 %"), "0.5 %");
        assert_eq!(en("due", "2026-11-25T06:02:07.412Z"), "2026-11-25 06:02:07 UTC");
        assert_eq!(spoken(Language::Zh, "for", "2s"), "2\u{a0}秒");
    }

    #[test]
    fn findings_faults_and_kinds_are_words_of_the_language() {
        assert_eq!(en("finding", "hz-a place-lost"), "hz-a is lost");
        assert_eq!(spoken(Language::Zh, "finding", "order@hz-c instance-hung"), "order@hz-c 无响应");
        assert_eq!(en("fault", "kill-place hz-a"), "loss of hz-a");
        assert_eq!(en("kind", "shift-traffic"), "shift");
        assert_eq!(spoken(Language::Zh, "plan", "plan 3"), "计划 3");
    }

    #[test]
    fn a_name_stays_what_it_is() {
        for name in
            ["hz-a", "restart", "order@hz-c#2", "3", "E-26", "payment gateway", "5x", "controller: timeout"]
        {
            assert_eq!(en("service", name), name);
        }
    }
}
