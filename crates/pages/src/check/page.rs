//! The page: verdict, findings, each finding with its reasons and its fix, and what could not be seen.

use dinghai_risk::State;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::findings::{Numbered, number};
use super::told::{Told, look};
use super::{article, findings, rest, verdict, verdict_of};
use crate::shape::{Tone, drawings, shape, toned};
use crate::{STYLE, format};

/// Nothing is fetched and nothing runs, whatever the names in somebody's files look like.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// The whole page, which needs nothing beside it.
pub fn page(told: &Told<'_>) -> String {
    let verdict = verdict(told);
    let numbered = number(told.judgement);
    let (tone, name) = verdict.state.map_or((Tone::Holds, "kept"), look);
    let title =
        told.say("check-title", &[("verdict", verdict.sentence.trim_end_matches(['.', '。']).to_owned())]);
    let zone = format::zone(&told.format.zone, told.run.now);
    let page = html! {
        (DOCTYPE)
        html lang=(told.language().tag()) {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · Dinghai" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (drawings())
                a.skip href="#main" { (told.say("skip", &[])) }
                header.head { div.wrap.rep {
                    span.brand { (shape("mark")) span { "Dinghai " i lang="zh" { "定海" } " · " (told.say("check-brand", &[])) } }
                    div.end { p.asof {
                        b { (told.format.stamp(told.run.now)) } " " (zone) br;
                        (told.say("check-files-only", &[]))
                    } }
                } }
                main #main .wrap.rep {
                    div.verdict { (toned(tone, name)) h1 { (unbroken(&verdict.sentence)) } p { (code(&verdict.beside)) } }
                    (meta(told))
                    (inventories(told))
                    (findings::table(told, &numbered))
                    @for each in numbered.iter().filter(|each| each.told_in_full()) { (article::article(told, each)) }
                    (rest::rest(told, &numbered))
                }
                footer.foot { div.wrap.rep { span {
                    (code(&told.say("check-foot", &[("version", told.run.version.clone())])))
                } } }
            }
        }
    };
    page.into_string()
}

/// How it was run, and over what.
fn meta(told: &Told<'_>) -> Markup {
    let reports = || told.judgement.reports.iter().map(|judged| &judged.report.inventory);
    let services = reports().map(|inventory| inventory.services.len()).sum();
    let instances = reports()
        .flat_map(|inventory| inventory.services.values())
        .map(|service| service.instances.len())
        .sum();
    let (known, all) = rest::understood(told);
    html! {
        p.meta {
            span { code { (told.run.command) } }
            span { b { "dinghai " (told.run.version) } }
            span { (told.say("check-files", &[("n", told.n(told.run.files))])) }
            @if all > 0 { span { b { (told.say("check-understood", &[("known", told.n(known)), ("all", told.n(all))])) } } }
            span { (told.say("check-services", &[("n", told.n(services))])) ", " (told.say("check-instances", &[("n", told.n(instances))])) }
            @if let Some(took) = told.run.took { span { (told.span(took)) } }
            span { (told.say("check-exit", &[("code", told.run.exit.to_string())])) }
        }
    }
}

/// One line for each inventory, when there are several.
fn inventories(told: &Told<'_>) -> Markup {
    let reports = &told.judgement.reports;
    html! {
        @if reports.len() > 1 {
            table.index {
                thead { tr { th { (told.say("check-col-inventory", &[])) } th { (told.say("check-col-state", &[])) } th { (told.say("check-col-verdict", &[])) } } }
                tbody { @for judged in reports {
                    @let verdict = verdict_of(told, judged);
                    tr {
                        th scope="row" { (judged.report.inventory.name) }
                        td { (state(told, verdict.state)) }
                        td { (verdict.sentence) " " span.quiet { (code(&verdict.beside)) } }
                    }
                } }
            }
        }
    }
}

/// Shape and word of a state; sound when nothing counts.
pub(super) fn state(told: &Told<'_>, state: Option<State>) -> Markup {
    match state {
        Some(state) => {
            let (tone, name) = look(state);
            crate::shape::status(tone, name, &told.state(state))
        }
        None => crate::shape::status(Tone::Holds, "kept", &told.say("check-sound", &[])),
    }
}

/// A sentence whose names are not broken at their hyphens.
fn unbroken(sentence: &str) -> Markup {
    html! {
        @for (n, word) in sentence.split(' ').enumerate() {
            @if n > 0 { " " }
            @if word.contains('-') && word.len() <= 24 { span.nw { (word) } } @else { (word) }
        }
    }
}

/// A sentence whose words in backticks are code.
pub(super) fn code(sentence: &str) -> Markup {
    html! {
        @for (n, part) in sentence.split('`').enumerate() {
            @if n % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

impl Numbered<'_> {
    /// What counts and is weak or broken gets an article of its own.
    pub(super) fn told_in_full(&self) -> bool {
        self.counts() && self.finding.state != State::Unknown
    }
}
