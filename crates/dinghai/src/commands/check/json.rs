//! What was found, for programs. The guide documents this shape; `version` changes when a field goes or means something else.

use dinghai_estate::{Certainty, Count, Origin, PlaceId, Source};
use dinghai_pages::check::{Told, verdict, verdict_of};
use dinghai_risk::{Bound, Edit, Finding, Judged, Lost, Mark, Standing, Term};
use serde_json::{Value, json};

use super::clean::Secrets;
use crate::commands::gather::Gathered;

const VERSION: u32 = 1;

pub(crate) fn json(told: &Told<'_>, looked: &Gathered, secrets: &Secrets) -> Value {
    let judgement = told.judgement;
    let standing = |wanted: fn(&Standing) -> bool| {
        let marks = judgement.reports.iter().flat_map(|judged| &judged.marks);
        marks.filter(|mark| wanted(&mark.standing)).count()
    };
    let counting = |state| {
        judgement.reports.iter().filter_map(|judged| judged.counts().get(&state).copied()).sum::<usize>()
    };
    json!({
        "version": VERSION,
        "dinghai": told.run.version,
        "at": told.run.now,
        "exit": told.run.exit,
        "usable": looked.usable(),
        "verdict": verdict(told).sentence,
        "state": judgement.worst(),
        "counts": {
            "broken": counting(dinghai_risk::State::Broken),
            "weak": counting(dinghai_risk::State::Weak),
            "unknown": counting(dinghai_risk::State::Unknown),
            "known": standing(|standing| *standing == Standing::Known),
            "accepted": standing(|standing| matches!(standing, Standing::Accepted(_))),
        },
        "files": { "understood": looked.understood, "other": looked.other },
        "problems": looked.decoded.iter().flat_map(|decoded| &decoded.problems).map(|problem| secrets.problem(problem)).collect::<Vec<_>>(),
        "inventories": judgement.reports.iter().map(|judged| inventory(told, judged)).collect::<Vec<_>>(),
        "unmatched": judgement.unmatched.iter().map(|each| json!({
            "rule": each.rule, "about": each.about, "lost": each.lost, "until": each.until, "at": at(&each.origin),
        })).collect::<Vec<_>>(),
    })
}

fn inventory(told: &Told<'_>, judged: &Judged) -> Value {
    let report = &judged.report;
    let verdict = verdict_of(told, judged);
    let coverage = &report.inventory.coverage;
    json!({
        "name": report.inventory.name,
        "formats": report.inventory.formats,
        "state": verdict.state,
        "verdict": verdict.sentence,
        "findings": judged.each().map(|(finding, mark)| of(finding, mark)).collect::<Vec<_>>(),
        "core": report.core.iter().map(|core| json!({
            "service": core.service, "why": core.why, "at": at(&core.origin), "holds": core.holds, "stops": core.stops,
            "unknown": core.unknown, "truncated": core.truncated,
        })).collect::<Vec<_>>(),
        "accepted": report.accepted.iter().map(|accepted| json!({
            "lost": accepted.lost.iter().map(lost).collect::<Vec<_>>(), "services": accepted.services,
            "sentence": accepted.sentence,
        })).collect::<Vec<_>>(),
        "bounds": report.bounds.iter().map(bound).collect::<Vec<_>>(),
        "services": report.inventory.services.len(),
        "instances": report.inventory.services.values().map(|service| service.instances.len()).sum::<usize>(),
        "coverage": {
            "total": count(&coverage.total()),
            "kinds": coverage.kinds.iter().map(|(kind, of)| (kind.clone(), count(of))).collect::<serde_json::Map<_, _>>(),
        },
        "unseen": report.inventory.unseen.iter().map(|unseen| json!({
            "at": at(&unseen.origin), "what": unseen.what,
        })).collect::<Vec<_>>(),
    })
}

fn of(finding: &Finding, mark: &Mark) -> Value {
    let (standing, acceptance) = match &mark.standing {
        Standing::Counts => ("counts", None),
        Standing::Known => ("known", None),
        Standing::Accepted(acceptance) => ("accepted", Some(acceptance)),
    };
    json!({
        "rule": finding.rule,
        "state": finding.state,
        "fingerprint": mark.fingerprint,
        "standing": standing,
        "acceptance": acceptance.map(|acceptance| json!({
            "reason": acceptance.reason, "until": acceptance.until, "at": at(&acceptance.origin),
        })),
        "title": finding.title,
        "sentence": finding.sentence,
        "about": finding.about,
        "lost": finding.lost.iter().map(lost).collect::<Vec<_>>(),
        "because": finding.because.iter().map(|because| {
            and(at(&because.origin), "note", Some(because.note.as_str().into()))
        }).collect::<Vec<_>>(),
        "certainty": finding.certainty,
        "bound": finding.bound.as_ref().map(bound),
        "fix": finding.fix.as_ref().map(|fix| json!({
            "sentence": fix.sentence, "checked": fix.checked, "edits": fix.edits.iter().map(edit).collect::<Vec<_>>(),
        })),
    })
}

fn at(origin: &Origin) -> Value {
    json!({ "file": origin.file, "line": origin.line, "column": origin.column })
}

fn lost(lost: &Lost) -> Value {
    json!({ "place": lost.place, "kind": lost.kind })
}

fn edit(edit: &Edit) -> Value {
    json!({ "file": edit.file, "line": edit.line, "remove": edit.remove, "add": edit.add })
}

fn bound(bound: &Bound) -> Value {
    let total = |terms: &[Term]| terms.iter().map(|term| term.value.as_secs_f64()).sum::<f64>();
    let lost: Option<&PlaceId> = bound.lost.as_ref();
    json!({
        "service": bound.service,
        "lost": lost,
        "total_s": round(bound.total().as_secs_f64()),
        "promised_s": bound.promised.as_ref().map(|(time, _)| round(time.as_secs_f64())),
        "promised_at": bound.promised.as_ref().map(|(_, origin)| at(origin)),
        "terms": bound.terms.iter().map(term).collect::<Vec<_>>(),
        "fixed_total_s": bound.fixed.as_deref().map(|terms| round(total(terms))),
        "fixed": bound.fixed.as_ref().map(|terms| terms.iter().map(term).collect::<Vec<_>>()),
    })
}

fn term(term: &Term) -> Value {
    let Source { origin, certainty }: &Source = &term.source;
    let certainty: Certainty = *certainty;
    json!({
        "name": term.name, "seconds": round(term.value.as_secs_f64()), "says": term.says, "at": at(origin),
        "certainty": certainty,
    })
}

/// An object with one more field, where there is a value for it.
pub(super) fn and(mut object: Value, key: &str, value: Option<Value>) -> Value {
    if let (Value::Object(fields), Some(value)) = (&mut object, value) {
        fields.insert(key.to_owned(), value);
    }
    object
}

/// Without the noise of binary fractions: to the microsecond.
fn round(seconds: f64) -> f64 {
    (seconds * 1e6).round() / 1e6
}

fn count(count: &Count) -> Value {
    json!({
        "placed": count.placed, "reasoned": count.reasoned, "unknown": count.unknown, "ignored": count.ignored,
    })
}
