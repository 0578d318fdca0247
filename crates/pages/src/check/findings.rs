//! The table of findings.

use dinghai_estate::Inventory;
use dinghai_risk::{Finding, Judgement, Mark, Report, Standing, State};
use maud::{Markup, html};

use super::page::{code, state};
use super::told::Told;

/// A finding with its number on the page.
pub(super) struct Numbered<'a> {
    /// `F-01`.
    pub(super) id: String,
    pub(super) finding: &'a Finding,
    pub(super) mark: &'a Mark,
    pub(super) report: &'a Report,
}

impl Numbered<'_> {
    pub(super) fn counts(&self) -> bool {
        self.mark.standing == Standing::Counts
    }

    pub(super) fn inventory(&self) -> &Inventory {
        &self.report.inventory
    }
}

/// Every finding of every inventory: those that count first, and of those the worst.
pub(super) fn number(judgement: &Judgement) -> Vec<Numbered<'_>> {
    let mut all: Vec<(&Finding, &Mark, &Report)> = Vec::new();
    for judged in &judgement.reports {
        all.extend(judged.each().map(|(finding, mark)| (finding, mark, &judged.report)));
    }
    all.sort_by_key(|(finding, mark, _)| {
        (mark.standing != Standing::Counts, std::cmp::Reverse(finding.state))
    });
    let id = |n: usize| format!("F-{n:02}");
    let numbered = all.into_iter().enumerate();
    numbered.map(|(n, (finding, mark, report))| Numbered { id: id(n + 1), finding, mark, report }).collect()
}

pub(super) fn table(told: &Told<'_>, numbered: &[Numbered<'_>]) -> Markup {
    let several = told.judgement.reports.len() > 1;
    html! {
        @if numbered.is_empty() { p.note { (told.say("check-no-findings", &[])) } } @else {
            table.index {
                caption.vh { (told.say("check-findings", &[])) }
                thead { tr {
                    th { (told.say("check-col-finding", &[])) }
                    th { (told.say("check-col-state", &[])) }
                    th { (told.say("check-col-says", &[])) }
                    @if several { th.hide { (told.say("check-col-inventory", &[])) } }
                    th.hide { (told.say("check-col-where", &[])) }
                    th.hide { (told.say("check-col-sure", &[])) }
                } }
                tbody { @for each in numbered { (row(told, each, several)) } }
            }
        }
    }
}

fn row(told: &Told<'_>, each: &Numbered<'_>, several: bool) -> Markup {
    let place = each.finding.because.first().map(|because| because.origin.to_string()).unwrap_or_default();
    let shown = tail(&place);
    html! {
        tr {
            th.nw scope="row" { @if each.told_in_full() { a href={ "#" (each.id) } { (each.id) } } @else { (each.id) } }
            td { (standing(told, each)) }
            td {
                (code(&each.finding.title))
                @if each.finding.state == State::Unknown && each.counts() && !each.finding.sentence.is_empty() {
                    " " span.quiet { (code(&each.finding.sentence)) }
                }
                @if let Standing::Accepted(acceptance) = &each.mark.standing {
                    " " span.quiet { (told.say("check-accepted-until", &[("until", acceptance.until.to_string()), ("reason", acceptance.reason.clone())])) }
                }
            }
            @if several { td.hide { (each.inventory().name) } }
            td.mono.hide.nw[shown.chars().count() <= 40] title=[(shown != place).then_some(&place)] { (shown) }
            td.hide.nw { (told.certainty(each.finding.certainty)) }
        }
    }
}

/// The end of a long path: the last folder and the file.
fn tail(place: &str) -> String {
    const WIDE: usize = 28;
    let parts: Vec<&str> = place.split('/').collect();
    match parts.as_slice() {
        [_, .., folder, file] if place.chars().count() > WIDE => format!("…/{folder}/{file}"),
        _ => place.to_owned(),
    }
}

/// The state, or why it does not count.
fn standing(told: &Told<'_>, each: &Numbered<'_>) -> Markup {
    let set_aside = match each.mark.standing {
        Standing::Counts => return state(told, Some(each.finding.state)),
        Standing::Known => "check-known",
        Standing::Accepted(_) => "check-accepted",
    };
    html! { (state(told, Some(each.finding.state))) " " span.quiet { (told.say(set_aside, &[])) } }
}
