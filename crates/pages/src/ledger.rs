//! The ledger, page by page, and one entry with everything in it.

use dinghai_record::{Approval, Entry, Event, Reason, Seq, StepOutcome};
use maud::{Markup, html};

use crate::Scene;
use crate::event_line::event_line;
use crate::frame::{Tab, page, section};
use crate::shape::{Tone, shape, toned};
use crate::timeline::because;

/// One page of the ledger.
#[derive(Clone, Debug)]
pub struct LedgerPage {
    /// The entries, newest first.
    pub entries: Vec<Entry>,
    /// Only this kind is shown.
    pub kind: Option<String>,
    /// The page of newer ones begins before this entry.
    pub newer: Option<Seq>,
    /// The page of older ones begins before this entry.
    pub older: Option<Seq>,
}

/// The kinds that a reader may choose among.
const KINDS: [&str; 9] = [
    "incident-opened",
    "finding-raised",
    "reflex-reported",
    "plan-proposed",
    "step-ended",
    "drill-ended",
    "evidence-filed",
    "evidence-voided",
    "halted",
];

/// Entries, newest first.
pub fn ledger(scene: &Scene<'_>, shown: &LedgerPage) -> Markup {
    let sentence = scene.say("ledger-sentence", &[("n", scene.count(scene.book.head.0))]);
    let link = |before: Option<Seq>, kind: Option<&str>| {
        let mut query = Vec::new();
        if let Some(before) = before {
            query.push(format!("before={}", before.0));
        }
        if let Some(kind) = kind {
            query.push(format!("kind={kind}"));
        }
        format!("/ledger?{}", query.join("&"))
    };
    let kind = shown.kind.as_deref();
    let main = html! {
        div.verdict { (toned(Tone::Plain, "list")) h1 { (sentence) } p {
            (scene.say("ledger-explained", &[("hash", scene.book.hash.short())]))
        } }
        nav.pb-tools aria-label=(scene.say("filter", &[])) {
            a.chip href="/ledger" aria-current=[kind.is_none().then_some("true")] { (scene.say("all-kinds", &[])) }
            @for each in KINDS { a.chip href=(link(None, Some(each))) aria-current=[(kind == Some(each)).then_some("true")] { (each) } }
        }
        table.listing {
            thead { tr { th { (scene.say("number", &[])) } th { (scene.say("when", &[])) } th { (scene.say("kind", &[])) } th { (scene.say("what", &[])) } } }
            tbody { @for entry in &shown.entries {
                @let (class, name, _) = face(&entry.event);
                tr {
                    td.nw { a.mono href={ "/ledger/" (entry.seq.0) } { "#" (scene.count(entry.seq.0)) } }
                    td.nw { (scene.moment(entry.at)) }
                    td.nw { span.(class) { (shape(name)) } " " small.quiet { (entry.event.kind()) } }
                    td.wide { (event_line(scene.language(), &entry.event)) }
                }
            } }
        }
        @if shown.entries.is_empty() { p.note { (scene.say("no-entries", &[])) } }
        p.pager {
            @if let Some(before) = shown.newer { a.btn href=(link(Some(before), kind)) { (scene.say("newer", &[])) } " " }
            @if let Some(before) = shown.older { a.btn href=(link(Some(before), kind)) { (scene.say("older", &[])) } }
        }
    };
    page(scene, Tab::Ledger, &sentence, &main)
}

/// One entry.
pub fn entry(scene: &Scene<'_>, entry: &Entry) -> Markup {
    let title = event_line(scene.language(), &entry.event);
    let json = serde_json::to_string_pretty(&entry.event).unwrap_or_default();
    let (_, name, _) = face(&entry.event);
    let main = html! {
        div.verdict { (toned(Tone::Plain, name)) h1 { (title) } p {
            (scene.say("entry-of", &[
                ("n", scene.count(entry.seq.0)), ("writer", entry.writer.to_string()),
                ("lease", scene.count(entry.lease)), ("at", scene.format.clock_ms(entry.at)),
                ("day", scene.format.day(entry.at, scene.now)),
            ]))
        } }
        (because(scene, reasons(&entry.event)))
        (section("json", 1, &scene.say("as-written", &[]), &html! { p { (scene.say("schema", &[("n", entry.schema.to_string())])) } }, &html! {
            figure.src { pre tabindex="0" { @for line in json.lines() { span { (line) } } } }
            dl.hashes {
                dt { (scene.say("hash-before", &[])) } dd { code { (entry.prev) } }
                dt { (scene.say("hash-own", &[])) } dd { code { (entry.hash) } }
            }
        }))
        p.pager {
            @if entry.seq.0 > 1 { a.btn href={ "/ledger/" (entry.seq.0 - 1) } { "#" (scene.count(entry.seq.0 - 1)) } " " }
            @if entry.seq < scene.book.head { a.btn href={ "/ledger/" (entry.seq.0 + 1) } { "#" (scene.count(entry.seq.0 + 1)) } }
        }
    };
    page(scene, Tab::Ledger, &title, &main)
}

/// The reasons that an event carries.
fn reasons(event: &Event) -> &[Reason] {
    match event {
        Event::FindingRaised { finding } | Event::FindingChanged { finding } => &finding.reasons,
        Event::PlanProposed { plan } => &plan.reasons,
        Event::EvidenceFiled { evidence } => &evidence.reasons,
        Event::FindingCleared { reasons, .. }
        | Event::IncidentOpened { reasons, .. }
        | Event::IncidentJoined { reasons, .. }
        | Event::IncidentRegraded { reasons, .. }
        | Event::IncidentMerged { reasons, .. }
        | Event::IncidentClosed { reasons, .. }
        | Event::PlanDecided { reasons, .. }
        | Event::PlanRefused { reasons, .. }
        | Event::PlanUndoing { reasons, .. }
        | Event::PlanEnded { reasons, .. }
        | Event::DrillEnded { reasons, .. } => reasons,
        Event::StepEnded { outcome: StepOutcome::Failed(reasons), .. }
        | Event::UndoEnded { outcome: StepOutcome::Failed(reasons), .. } => reasons,
        _ => &[],
    }
}

/// Colour, shape and word of an entry.
fn face(event: &Event) -> (&'static str, &'static str, &'static str) {
    match event {
        Event::ReflexReported { .. } => ("k-b", "bolt", "face-reflex"),
        Event::FindingRaised { .. } | Event::FindingChanged { .. } => ("fails", "find", "face-finding"),
        Event::FindingCleared { .. } => ("holds", "kept", "face-cleared"),
        Event::IncidentOpened { .. }
        | Event::IncidentJoined { .. }
        | Event::IncidentRegraded { .. }
        | Event::IncidentMerged { .. } => ("k-i", "fork", "face-decision"),
        Event::IncidentMeasured { .. } => ("k-b", "eye", "face-measure"),
        Event::IncidentClosed { .. } => ("holds", "kept", "face-closed"),
        Event::PlanProposed { .. } => ("k-i", "list", "face-plan"),
        Event::PlanDecided { approval: Approval::Ask, .. } => ("weak", "seal", "face-decision"),
        Event::PlanDecided { .. } | Event::PlanRefused { .. } => ("k-i", "fork", "face-decision"),
        Event::PlanApproved { .. } | Event::PlanDeclined { .. } => ("k-i", "seal", "face-person"),
        Event::PlanStarted { .. } => ("k-b", "live", "face-plan"),
        Event::PlanUndoing { .. } | Event::UndoStarted { .. } | Event::UndoEnded { .. } => {
            ("weak", "undo", "face-undo")
        }
        Event::PlanEnded { .. } => ("k-i", "list", "face-plan"),
        Event::StepStarted { .. } => ("k-b", "live", "face-step"),
        Event::StepEnded { outcome: StepOutcome::Done(_), .. } => ("holds", "kept", "face-step"),
        Event::StepEnded { .. } => ("fails", "down", "face-step"),
        Event::DrillStarted { .. }
        | Event::DrillBroke { .. }
        | Event::DrillMended { .. }
        | Event::DrillEnded { .. } => ("k-b", "bolt", "face-drill"),
        Event::EvidenceFiled { .. } => ("holds", "kept", "face-evidence"),
        Event::EvidenceVoided { .. } => ("weak", "expired", "face-evidence"),
        Event::Halted { .. } | Event::Resumed { .. } => ("k-i", "halt", "face-halt"),
        Event::SignedIn { .. } => ("plain", "todo", "face-person"),
        Event::ControllerStarted { .. } | Event::EstateAdopted { .. } => ("plain", "todo", "face-controller"),
        Event::Other(_) => ("unk", "unk", "face-other"),
    }
}
