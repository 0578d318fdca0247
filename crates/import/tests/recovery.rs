//! From configurations to bounds and findings: what a person reads.

#![expect(clippy::unwrap_used, reason = "what is not there fails its test")]

use std::fmt::Write;
use std::time::Duration;

use dinghai_estate::Origin;
use dinghai_import::{SourceFile, of_machines};
use dinghai_risk::{Failure, Finding, Promised, bounds, recovery_findings};

#[macro_use]
#[path = "bare_metal/mod.rs"]
mod bare_metal;
use bare_metal::bare_metal;

fn within(seconds: u64, failure: Failure) -> Promised {
    let origin = Origin { file: "dinghai.yaml".to_owned(), line: 3, column: 1 };
    Promised { service: None, failure: Some(failure), within: Duration::from_secs(seconds), origin }
}

fn found(files: &[SourceFile], promises: &[Promised]) -> Vec<Finding> {
    let lines = |origin: &Origin| {
        let file = files.iter().find(|file| file.path == origin.file)?;
        file.text.lines().nth(origin.line as usize - 1).map(str::to_owned)
    };
    let inventory = of_machines("fixture", files);
    recovery_findings(&inventory, &bounds(&inventory, promises), &lines)
}

fn shown(findings: &[Finding]) -> String {
    let mut out = String::new();
    for finding in findings {
        writeln!(out, "{} {:?}: {}\n  {}", finding.rule, finding.state, finding.title, finding.sentence)
            .unwrap();
        if let Some(bound) = &finding.bound {
            for (n, term) in bound.terms.iter().enumerate() {
                let fixed = bound.fixed.as_ref().and_then(|fixed| fixed.get(n));
                let fixed = fixed.map(|fixed| format!(" -> {:?}", fixed.value)).unwrap_or_default();
                writeln!(
                    out,
                    "    {} {:?}{fixed}: {} ({})",
                    term.name, term.value, term.says, term.source.origin
                )
                .unwrap();
            }
        }
        if let Some(fix) = &finding.fix {
            writeln!(out, "  fix: {} [{}]", fix.sentence, fix.checked.as_deref().unwrap_or("")).unwrap();
            for edit in &fix.edits {
                writeln!(out, "    {}:{} {:?}", edit.file, edit.line, edit.add).unwrap();
            }
        }
    }
    out
}

#[test]
fn every_wait_until_users_are_served_again_has_its_line() {
    let mut out = String::new();
    for bound in bounds(&of_machines("bare-metal", &bare_metal()), &[]) {
        let lost = bound.lost.as_ref().map_or("an instance", |place| place.as_str());
        writeln!(out, "{} without {lost}: {:?}", bound.service, bound.total()).unwrap();
        for term in &bound.terms {
            writeln!(out, "  {} {:?}: {} ({})", term.name, term.value, term.says, term.source.origin)
                .unwrap();
        }
    }
    insta::assert_snapshot!(out);
}

#[test]
fn what_takes_longer_than_promised_comes_with_the_smallest_change() {
    let promises = [within(40, Failure::Vanishes), within(30, Failure::Refuses), within(20, Failure::Hangs)];
    insta::assert_snapshot!(shown(&found(&bare_metal(), &promises)));
}

#[test]
fn a_fix_meets_the_promise_when_its_lines_are_changed() {
    let promises = [within(40, Failure::Vanishes)];
    let mut files = bare_metal();
    let findings = found(&files, &promises);
    assert!(!findings.is_empty());
    // From the last line on, so that what is put in moves nothing.
    let mut edits: Vec<_> =
        findings.iter().flat_map(|finding| &finding.fix.as_ref().unwrap().edits).collect();
    edits.sort_by_key(|edit| std::cmp::Reverse(edit.line));
    for edit in edits {
        // Each machine's file of the kind says the same.
        let kind = edit.file.rsplit('/').next().unwrap().to_owned();
        for file in files.iter_mut().filter(|file| file.path.ends_with(&kind)) {
            let mut lines: Vec<String> = file.text.lines().map(str::to_owned).collect();
            let at = edit.line as usize - 1;
            lines.splice(at..at + edit.remove as usize, edit.add.clone());
            file.text = lines.join("\n");
        }
    }
    assert_eq!(shown(&found(&files, &promises)), "");
}

#[test]
fn checks_that_only_connect_do_not_notice_a_program_that_hangs() {
    let text = "listen db\n  bind :5432\n  mode tcp\n  server a 10.0.0.1:5432 check\n  server b 10.0.0.2:5432 check\n";
    let file = SourceFile { path: "haproxy.cfg".to_owned(), text: text.to_owned() };
    insta::assert_snapshot!(shown(&found(&[file], &[])));
}

#[test]
fn servers_without_a_check_and_addresses_without_a_script_are_told() {
    let text = "listen db\n  bind :5432\n  server a 10.0.0.1:5432\n  server b 10.0.0.2:5432\n";
    let mut files = bare_metal();
    files.retain(|file| file.path.ends_with("keepalived.conf"));
    for file in &mut files {
        // 150 − 40 is still more than 100: the script never moves the address.
        file.text = file.text.replace("weight -60", "weight -40");
    }
    files.push(SourceFile { path: "haproxy.cfg".to_owned(), text: text.to_owned() });
    insta::assert_snapshot!(shown(&found(&files, &[])));
}
