//! A finding as a result.

use dinghai_risk::{Because, Edit, Finding, Fix, Mark, Report, Standing, State};
use serde_json::{Value, json};

use super::{and, artifact, location};

pub(super) fn result(report: &Report, finding: &Finding, mark: &Mark, index: usize, compared: bool) -> Value {
    let text = match finding.sentence.is_empty() || finding.sentence == finding.title {
        true => finding.title.clone(),
        false => format!("{}: {}", finding.title, finding.sentence),
    };
    let result = json!({
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": match finding.state {
            State::Broken => "error",
            State::Weak => "warning",
            State::Unknown => "note",
        },
        "message": { "text": text },
        "locations": finding.because.iter().take(1).map(|because| located(because, None)).collect::<Vec<_>>(),
        "relatedLocations": finding.because.iter().skip(1).zip(1..)
            .map(|(because, id)| located(because, Some(id))).collect::<Vec<_>>(),
        "partialFingerprints": { "dinghai/v1": mark.fingerprint },
        "properties": {
            "inventory": report.inventory.name,
            "state": finding.state,
            "certainty": finding.certainty,
            "about": finding.about,
            "lost": finding.lost.iter().map(|lost| &lost.place).collect::<Vec<_>>(),
            "boundSeconds": finding.bound.as_ref().map(|bound| bound.total().as_secs_f64()),
        },
    });
    let state = match mark.standing {
        Standing::Known => "unchanged",
        Standing::Counts | Standing::Accepted(_) => "new",
    };
    let accepted = match &mark.standing {
        Standing::Accepted(acceptance) => {
            let why = format!("{} (until {})", acceptance.reason, acceptance.until);
            let place = location(&acceptance.origin);
            Some(
                json!([{ "kind": "external", "status": "accepted", "justification": why, "location": place }]),
            )
        }
        Standing::Counts | Standing::Known => None,
    };
    let fixes = finding.fix.as_ref().filter(|fix| !fix.edits.is_empty()).map(|fix| json!([fixed(fix)]));
    let result = and(result, "baselineState", compared.then(|| state.into()));
    and(and(result, "suppressions", accepted), "fixes", fixes)
}

fn located(because: &Because, id: Option<u32>) -> Value {
    let note = (!because.note.is_empty()).then(|| json!({ "text": because.note }));
    and(and(location(&because.origin), "message", note), "id", id.map(Value::from))
}

fn fixed(fix: &Fix) -> Value {
    let mut files: Vec<(&str, Vec<Value>)> = Vec::new();
    for edit in &fix.edits {
        match files.iter_mut().find(|(file, _)| *file == edit.file) {
            Some((_, replaced)) => replaced.push(replacement(edit)),
            None => files.push((&edit.file, vec![replacement(edit)])),
        }
    }
    let changes: Vec<Value> = files
        .into_iter()
        .map(|(file, replaced)| json!({ "artifactLocation": artifact(file), "replacements": replaced }))
        .collect();
    json!({ "description": { "text": fix.sentence }, "artifactChanges": changes })
}

/// Whole lines: from the beginning of the first to that of the one after the last. Nothing is taken out between a spot and itself.
fn replacement(edit: &Edit) -> Value {
    let line = edit.line.max(1);
    let text: String = edit.add.iter().map(|line| format!("{line}\n")).collect();
    json!({
        "deletedRegion": {
            "startLine": line, "startColumn": 1, "endLine": line.saturating_add(edit.remove), "endColumn": 1,
        },
        "insertedContent": { "text": text },
    })
}
