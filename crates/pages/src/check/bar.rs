//! The composed recovery: one bar for today, one with the fix, and the table of terms.

use std::time::Duration;

use dinghai_estate::Certainty;
use dinghai_risk::{Bound, Term};
use maud::{Markup, html};

use super::scale::{small, step, width};
use super::told::Told;

const WIDE: f64 = 1000.0;
/// Where time 0 is.
const LEFT: f64 = 84.0;
/// What is kept free on the right, for how much is over.
const RIGHT: f64 = 110.0;
/// Height of one row of labels.
const LABEL: f64 = 18.0;
/// Rows of labels above the bar.
const LEVELS: usize = 6;
/// Size of the labels' letters.
const SIZE: f64 = 11.5;
/// The tones of the parts, one after the other.
const TONES: [&str; 5] = ["seg-a", "seg-b", "seg-c", "seg-d", "seg-e"];

pub(super) fn bar(told: &Told<'_>, bound: &Bound) -> Markup {
    let promised = bound.promised.as_ref().map(|(time, _)| *time);
    let total = bound.total();
    let longest = total.max(promised.unwrap_or_default()).as_secs_f64();
    let unit = step(longest, 6.0);
    let end = (longest / unit).ceil().max(1.0) * unit;
    let mut sheet = Sheet { end, promised, top: 0.0 };
    let labels = labels(told, &sheet, &bound.terms);
    let levels = labels.iter().map(|label| label.level + 1).max().unwrap_or(1);
    sheet.top = LABEL * small(levels) + 10.0;
    let bottom = sheet.top + 34.0 + if bound.fixed.is_some() { 62.0 } else { 0.0 } + 16.0;
    let terms: Vec<String> =
        bound.terms.iter().map(|term| format!("{} {}", term.name, told.span(term.value))).collect();
    let words = told.say(
        "check-bar-told",
        &[("service", bound.service.to_string()), ("today", told.span(total)), ("terms", terms.join(", "))],
    );
    html! {
        h3 { (told.say("check-bar", &[])) }
        div.scroll tabindex="0" role="region" aria-label=(told.say("check-bar", &[])) {
            svg.fig.wide viewBox={ "0 0 " (WIDE) " " (bottom + 30.0) } role="img" aria-label=(words) {
                (axis(&sheet, unit, bottom))
                (row(told, &sheet, &bound.terms, "check-today", sheet.top))
                (labelled(&sheet, &labels))
                @if let Some(fixed) = &bound.fixed { (row(told, &sheet, fixed, "check-fixed", sheet.top + 62.0)) }
                @if let Some(promised) = promised { (promise(told, &sheet, promised, bottom)) }
            }
        }
        (table(told, bound))
    }
}

struct Sheet {
    /// Seconds at the end of the axis.
    end: f64,
    promised: Option<Duration>,
    /// Where the first bar begins.
    top: f64,
}

impl Sheet {
    fn x(&self, seconds: f64) -> f64 {
        round(LEFT + (WIDE - LEFT - RIGHT) * seconds / self.end)
    }
}

fn round(x: f64) -> f64 {
    (x * 10.0).round() / 10.0
}

fn letter(n: usize) -> char {
    char::from(b'a' + u8::try_from(n % 26).unwrap_or(0))
}

fn axis(sheet: &Sheet, unit: f64, bottom: f64) -> Markup {
    let mut ticks = Vec::new();
    let mut at = 0.0;
    while at <= sheet.end + unit / 2.0 && ticks.len() < 20 {
        ticks.push(at);
        at += unit;
    }
    let last = ticks.len().saturating_sub(1);
    html! {
        path.g-edge d={ "M" (LEFT) " " (bottom) "H" (sheet.x(sheet.end)) } {}
        @for (n, tick) in ticks.iter().enumerate() {
            @let x = sheet.x(*tick);
            @let near = sheet.promised.is_some_and(|promised| (sheet.x(promised.as_secs_f64()) - x).abs() < 52.0);
            path.g-rule d={ "M" (x) " " (sheet.top - 6.0) "V" (bottom) } {}
            @if !near { text.mid-t x=(x) y=(bottom + 17.0) { (round(*tick)) @if n == last { " s" } } }
        }
    }
}

/// One bar with what it comes to, against the promise.
fn row(told: &Told<'_>, sheet: &Sheet, terms: &[Term], name: &str, y: f64) -> Markup {
    let total: Duration = terms.iter().map(|term| term.value).sum();
    let kept = sheet.promised.is_none_or(|promised| total <= promised);
    let class = match sheet.promised {
        None => "tq",
        Some(_) if kept => "t-h",
        Some(_) => "t-f",
    };
    let against = sheet.promised.map(|promised| match kept {
        true => told.say("check-to-spare", &[("time", told.span(promised.saturating_sub(total)))]),
        false => told.say("check-over", &[("time", told.span(total.saturating_sub(promised)))]),
    });
    let after = sheet.x(total.as_secs_f64());
    // Words to spare stand behind the promise's line when the bar ends before it.
    let after =
        sheet.promised.filter(|_| kept).map_or(after, |promised| after.max(sheet.x(promised.as_secs_f64())));
    html! {
        text.tk x="0" y=(y + 15.0) { (told.say(name, &[])) }
        text.(class) x="0" y=(y + 31.0) { (told.span(total)) }
        @for (n, (from, to, term)) in parts(sheet, terms).into_iter().enumerate() {
            @let wide = (to - from - 1.5).max(0.5);
            rect.(TONES.get(n % TONES.len()).copied().unwrap_or("seg-a")) x=(from) y=(y) width=(round(wide)) height="34" {}
            @if term.source.certainty != Certainty::Declared {
                rect x=(from) y=(y) width=(round(wide)) height="34" fill="url(#hi)" {}
            }
            @if wide >= 13.0 { text.t-p.mid-t x=(round(from + wide / 2.0)) y=(y + 21.5) { (letter(n)) } }
        }
        @if let Some(against) = against { text.(class) x=(after + 7.0) y=(y + 21.5) { (against) } }
    }
}

/// Where each part begins and ends.
fn parts<'t>(sheet: &Sheet, terms: &'t [Term]) -> Vec<(f64, f64, &'t Term)> {
    let mut at = 0.0;
    terms
        .iter()
        .map(|term| {
            let from = at;
            at += term.value.as_secs_f64();
            (sheet.x(from), sheet.x(at), term)
        })
        .collect()
}

/// A label above a part: its words, its row from the bottom, where it begins, and where its part does.
struct Label {
    words: String,
    level: usize,
    x: f64,
    part: f64,
}

/// Letter, time and source of each part. A label begins where its part does; one that has no room before the next goes a row
/// up, with a line down to its part, which then meets no other label. What has no room at all stands in the table only.
fn labels(told: &Told<'_>, sheet: &Sheet, terms: &[Term]) -> Vec<Label> {
    let mut begins = [f64::MAX; LEVELS];
    let mut placed = Vec::new();
    for (n, (from, _, term)) in parts(sheet, terms).into_iter().enumerate().rev() {
        let file = term.source.origin.file.rsplit('/').next().unwrap_or_default();
        let place = match (file.is_empty(), term.source.origin.line) {
            (true, _) => String::new(),
            (false, 0) => format!(" {file}"),
            (false, line) => format!(" {file}:{line}"),
        };
        let words = format!("{} {}{place}", letter(n), told.span(term.value));
        let wide = width(&words, SIZE * 1.1);
        let x = from.min(WIDE - wide).max(0.0);
        let Some(level) = begins.iter().position(|begin| x + wide + 10.0 <= *begin) else { continue };
        // Rows below are taken from here on to the left: the line runs down there.
        for begin in begins.iter_mut().take(level + 1) {
            *begin = begin.min(x);
        }
        placed.push(Label { words, level, x: round(x), part: from });
    }
    placed
}

fn labelled(sheet: &Sheet, labels: &[Label]) -> Markup {
    html! {
        @for label in labels {
            @let y = sheet.top - 8.0 - LABEL * small(label.level);
            text.tm x=(label.x) y=(y) { (label.words) }
            @if label.level > 0 { path.g-edge d={ "M" (label.part + 1.0) " " (y + 4.0) "V" (sheet.top) } {} }
        }
    }
}

fn promise(told: &Told<'_>, sheet: &Sheet, promised: Duration, bottom: f64) -> Markup {
    let x = sheet.x(promised.as_secs_f64());
    html! {
        path.g-risk d={ "M" (x) " " (sheet.top - 6.0) "V" (bottom + 4.0) } {}
        text.t-w.mid-t x=(x) y=(bottom + 18.0) { (told.say("check-promised", &[("time", told.span(promised))])) }
    }
}

fn table(told: &Told<'_>, bound: &Bound) -> Markup {
    let fixed = bound.fixed.as_deref();
    let total: Option<Duration> = fixed.map(|terms| terms.iter().map(|term| term.value).sum());
    let keeps = |time: Duration| bound.promised.as_ref().map(|(promised, _)| time <= *promised);
    let class = |keeps: Option<bool>| match keeps {
        Some(true) => "holds",
        Some(false) => "fails",
        None => "plain",
    };
    let hatched = bound.terms.iter().any(|term| term.source.certainty != Certainty::Declared);
    html! {
        table.terms {
            thead { tr {
                th {} th { (told.say("check-term", &[])) } th { (told.say("check-source", &[])) }
                th.hide { (told.say("check-col-says", &[])) }
                th.num { (told.say("check-today", &[])) }
                @if fixed.is_some() { th.num { (told.say("check-fixed", &[])) } }
            } }
            tbody {
                @for (n, term) in bound.terms.iter().enumerate() { tr {
                    td.let { (letter(n)) }
                    td { (term.name) }
                    td.mono { (term.source.origin) }
                    td.mono.hide { (term.says) }
                    td.num { b { (told.span(term.value)) } }
                    @if let Some(fixed) = fixed { td.num { (fixed.get(n).map_or_else(String::new, |term| told.span(term.value))) } }
                } }
                tr {
                    td {} td { b { (told.say("check-bound", &[])) } }
                    td.mono { @if let Some((_, origin)) = &bound.promised { (origin) } }
                    td.hide { @if let Some((promised, _)) = &bound.promised { (told.say("check-promised", &[("time", told.span(*promised))])) } }
                    td.num { b.(class(keeps(bound.total()))) { (told.span(bound.total())) } }
                    @if let Some(total) = total { td.num { b.(class(keeps(total))) { (told.span(total)) } } }
                }
            }
        }
        @if hatched { p.note { (told.say("check-hatched", &[])) } }
    }
}
