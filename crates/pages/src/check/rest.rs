//! What could not be seen, what was understood by kind, what core services stand through, and what was accepted.

use dinghai_estate::Unseen;
use dinghai_risk::{Accepted, CoreService, State};
use maud::{Markup, html};

use super::findings::Numbered;
use super::page::code;
use super::told::{Joint, Told};
use crate::shape::{Tone, status};

/// Rows of one table.
const ROWS: usize = 60;

/// How many resources were understood, and how many of them there are. What does not bear on anything is not counted.
pub(super) fn understood(told: &Told<'_>) -> (usize, usize) {
    let totals = told.judgement.reports.iter().map(|judged| judged.report.inventory.coverage.total());
    totals.fold((0, 0), |(known, all), count| {
        let here = (count.placed + count.reasoned) as usize;
        (known + here, all + here + count.unknown as usize)
    })
}

pub(super) fn rest(told: &Told<'_>, numbered: &[Numbered<'_>]) -> Markup {
    html! {
        (unseen(told))
        (core(told))
        (accepted(told))
        (suppressed(told, numbered))
        (coverage(told))
    }
}

fn part(title: &str, aside: &Markup, body: &Markup) -> Markup {
    html! { article.finding { section.sec { header { h2 { (title) } p { (aside) } } (body) } } }
}

fn unseen(told: &Told<'_>) -> Markup {
    let all: Vec<&Unseen> =
        told.judgement.reports.iter().flat_map(|judged| &judged.report.inventory.unseen).collect();
    let unmatched = &told.judgement.unmatched;
    let body = html! {
        @if all.is_empty() && unmatched.is_empty() { p.note { (told.say("check-saw-all", &[])) } } @else {
            table { tbody {
                @for each in all.iter().take(ROWS) { tr {
                    th scope="row" { span.mono { @if each.origin.line > 0 { (each.origin) } @else { (each.origin.file) } } }
                    td { (code(&each.what)) }
                } }
                @for each in unmatched { tr {
                    th scope="row" { span.mono { (each.origin) } }
                    td { (told.say("check-unmatched", &[("rule", each.rule.clone())])) }
                } }
                @if all.len() > ROWS { tr { th {} td.quiet { (told.say("check-unseen-more", &[("n", told.n(all.len() - ROWS))])) } } }
            } }
        }
    };
    let aside = html! { (status(Tone::Unknown, "unk", &told.state(State::Unknown))) " " (told.say("check-not-clean", &[])) };
    part(&told.say("check-could-not-see", &[]), &aside, &body)
}

fn core(told: &Told<'_>) -> Markup {
    let all: Vec<&CoreService> =
        told.judgement.reports.iter().flat_map(|judged| &judged.report.core).collect();
    let list = |places: &[dinghai_estate::PlaceId]| match places.is_empty() {
        true => "–".to_owned(),
        false => told.listed(places, 6, Joint::And),
    };
    let body = html! {
        table.index {
            thead { tr {
                th { (told.say("check-core-service", &[])) } th { (told.say("check-core-holds", &[])) }
                th { (told.say("check-core-stops", &[])) } th { (told.say("check-core-cannot-tell", &[])) }
                th.hide { (told.say("check-core-why", &[])) }
            } }
            tbody { @for each in all.iter().take(ROWS) { tr {
                th scope="row" { (each.service) }
                td { (list(&each.holds)) }
                td { (list(&each.stops)) }
                td { (list(&each.unknown)) @if each.truncated { " " span.quiet { (told.say("check-truncated", &[])) } } }
                td.hide { (code(&each.why)) " " span.quiet.mono { (each.origin) } }
            } } }
        }
        @if all.len() > ROWS { p.note { (told.say("check-unseen-more", &[("n", told.n(all.len() - ROWS))])) } }
    };
    html! { @if !all.is_empty() { (part(&told.say("check-core", &[]), &html! {}, &body)) } }
}

fn accepted(told: &Told<'_>) -> Markup {
    let all: Vec<&Accepted> =
        told.judgement.reports.iter().flat_map(|judged| &judged.report.accepted).collect();
    let body = html! {
        table { tbody { @for each in all.iter().take(ROWS) { tr {
            th scope="row" { (told.listed(each.lost.iter().map(|lost| format!("{} {}", lost.kind, lost.place)), 4, Joint::And)) }
            td { (each.sentence) }
        } } } }
        @if all.len() > ROWS { p.note { (told.say("check-unseen-more", &[("n", told.n(all.len() - ROWS))])) } }
    };
    let aside = html! { (told.say("check-accepted-note", &[])) };
    html! { @if !all.is_empty() { (part(&told.say("check-accepted-losses", &[]), &aside, &body)) } }
}

fn suppressed(told: &Told<'_>, numbered: &[Numbered<'_>]) -> Markup {
    let all: Vec<_> = numbered
        .iter()
        .filter_map(|each| match &each.mark.standing {
            dinghai_risk::Standing::Accepted(acceptance) => Some((each, acceptance)),
            _ => None,
        })
        .collect();
    let body = html! {
        table { tbody { @for (each, acceptance) in &all { tr {
            th scope="row" { (each.id) }
            td { (each.finding.title) }
            td { (told.say("check-accepted-until", &[("until", acceptance.until.to_string()), ("reason", acceptance.reason.clone())])) }
            td.mono { (acceptance.origin) }
        } } } }
    };
    html! { @if !all.is_empty() { (part(&told.say("check-suppressed", &[]), &html! {}, &body)) } }
}

fn coverage(told: &Told<'_>) -> Markup {
    let mut whole = dinghai_estate::Coverage::default();
    for judged in &told.judgement.reports {
        for (kind, count) in &judged.report.inventory.coverage.kinds {
            let sum = whole.kinds.entry(kind.clone()).or_default();
            sum.placed += count.placed;
            sum.reasoned += count.reasoned;
            sum.unknown += count.unknown;
            sum.ignored += count.ignored;
        }
    }
    let total = whole.total();
    let cells = |count: &dinghai_estate::Count| {
        let cell = |n: u32| if n == 0 { "–".to_owned() } else { told.n(n as usize) };
        [count.placed, count.reasoned, count.unknown, count.ignored].map(cell)
    };
    let body = html! {
        table.terms {
            thead { tr {
                th { (told.say("check-kind", &[])) } th.num { (told.say("check-placed", &[])) } th.num { (told.say("check-reasoned", &[])) }
                th.num { (told.say("check-kind-unknown", &[])) } th.num { (told.say("check-ignored", &[])) }
            } }
            tbody {
                @for (kind, count) in &whole.kinds { tr { th scope="row" { (kind) } @for cell in cells(count) { td.num { (cell) } } } }
                tr { th scope="row" { (told.say("check-all", &[])) } @for cell in cells(&total) { td.num { b { (cell) } } } }
            }
        }
    };
    html! { @if !whole.kinds.is_empty() { (part(&told.say("check-coverage", &[]), &html! {}, &body)) } }
}
