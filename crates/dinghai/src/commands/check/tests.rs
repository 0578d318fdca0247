//! Every form of the report, over one shop with planted secrets.

use std::collections::BTreeSet;
use std::time::Duration;

use dinghai_pages::check::Run;
use dinghai_pages::{Format as Values, Language};
use dinghai_risk::{Report, judge};
use jiff::tz::{TimeZone, offset};

use super::clean::Secrets;
use super::tell::{Format, Telling};
use super::terminal::{Paint, Show};
use crate::commands::gather::Gathered;

#[path = "../../../../pages/tests/shop/mod.rs"]
mod shop;

const PLAIN: Show = Show { all: false, coverage: false, width: 100, paint: Paint(false) };

fn told(format: Format, reports: Vec<Report>, show: Show) -> String {
    let looked = Gathered::of_reports(reports.clone(), shop::sources());
    let run = Run {
        command: "dinghai check ./infra".into(),
        version: "0.1.0".into(),
        now: "2026-11-23T01:10:04Z".parse().unwrap(),
        took: Some(Duration::from_millis(210)),
        exit: 2,
        files: 41,
    };
    let values = Values { language: Language::En, zone: TimeZone::fixed(offset(8)) };
    let secrets = Secrets::of(&looked.secrets, &looked.sources, &reports);
    let today = "2026-11-23".parse().unwrap();
    let judgement = judge(reports, &shop::acceptances(), &BTreeSet::new(), today, "");
    let telling = Telling {
        looked: &looked,
        judgement,
        secrets: &secrets,
        run: &run,
        values: &values,
        show,
        compared: true,
    };
    telling.text(format).unwrap()
}

#[test]
fn the_terminal_shows_one_screen() {
    let page = told(Format::Terminal, vec![shop::report()], PLAIN);
    assert!(page.lines().count() <= 42, "{page}");
    assert!(page.lines().all(|line| line.chars().count() <= 100), "{page}");
    insta::assert_snapshot!(page);
}

#[test]
fn the_terminal_shows_everything_when_asked() {
    let show = Show { all: true, coverage: true, ..PLAIN };
    insta::assert_snapshot!(told(Format::Terminal, vec![shop::report(), shop::sound()], show));
}

#[test]
fn many_inventories_stay_on_one_screen() {
    let reports: Vec<Report> = (0..30).map(|_| shop::report()).collect();
    let page = told(Format::Terminal, reports, PLAIN);
    assert!(page.lines().count() <= 60, "{page}");
    assert!(page.contains("and 26 more"), "{page}");
}

#[test]
fn colours_change_no_word() {
    let painted = told(Format::Terminal, vec![shop::report()], Show { paint: Paint(true), ..PLAIN });
    let mut bare = String::new();
    for (n, part) in painted.split('\x1b').enumerate() {
        bare.push_str(if n == 0 { part } else { part.split_once('m').unwrap().1 });
    }
    assert_ne!(painted, bare);
    assert_eq!(bare, told(Format::Terminal, vec![shop::report()], PLAIN));
}

#[test]
fn narrow_terminals_are_kept_to() {
    let page = told(Format::Terminal, vec![shop::report()], Show { width: 60, all: true, ..PLAIN });
    let long: Vec<&str> = page.lines().filter(|line| line.chars().count() > 60).collect();
    // A table of kinds is as wide as its words; all else keeps to the width.
    assert_eq!(long, Vec::<&str>::new());
}

#[test]
fn markdown_reads_as_a_comment() {
    insta::assert_snapshot!(told(Format::Markdown, vec![shop::report()], PLAIN));
}

#[test]
fn json_has_the_documented_shape() {
    insta::assert_snapshot!(told(Format::Json, vec![shop::report()], PLAIN));
}

#[test]
fn sarif_is_what_its_schema_says() {
    let schema: serde_json::Value =
        serde_json::from_str(include_str!("../../../tests/sarif/sarif-schema-2.1.0.json")).unwrap();
    let mut compiler = boon::Compiler::new();
    compiler.enable_format_assertions();
    compiler.add_resource("sarif.json", schema).unwrap();
    let mut schemas = boon::Schemas::new();
    let index = compiler.compile("sarif.json", &mut schemas).unwrap();
    for reports in [vec![], vec![shop::report(), shop::sound()], vec![odd()]] {
        let text = told(Format::Sarif, reports, PLAIN);
        let log = serde_json::from_str(&text).unwrap();
        if let Err(error) = schemas.validate(&log, index) {
            panic!("{error:#}\n{text}");
        }
    }
    let mut broken: serde_json::Value =
        serde_json::from_str(&told(Format::Sarif, vec![odd()], PLAIN)).unwrap();
    broken["runs"][0]["results"][0]["level"] = "terrible".into();
    assert!(schemas.validate(&broken, index).is_err(), "the schema is not applied");
}

/// A report whose files have names that are no URIs, and whose lines are not known.
fn odd() -> Report {
    let mut report = shop::report();
    for finding in &mut report.findings {
        finding.because.truncate(1);
        for because in &mut finding.because {
            because.origin.file = "/srv/a b/ü#?%[1].tf".into();
            (because.origin.line, because.origin.column) = (0, 0);
        }
    }
    report.findings[2].because.clear();
    report
}

#[test]
fn sarif_tells_places_fixes_and_what_was_accepted() {
    let log: serde_json::Value =
        serde_json::from_str(&told(Format::Sarif, vec![shop::report()], PLAIN)).unwrap();
    let results = log["runs"][0]["results"].as_array().unwrap();
    assert_eq!(results.len(), 5);
    assert_eq!(results[0]["level"], "error");
    assert_eq!(results[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "infra/vpc.tf");
    assert_eq!(results[0]["locations"][0]["message"]["text"], "by nat-b, hz-b");
    assert_eq!(results[0]["relatedLocations"].as_array().unwrap().len(), 2);
    let replaced = &results[0]["fixes"][0]["artifactChanges"][0]["replacements"];
    let added = "  route_table_id = alicloud_route_table.c.id\n";
    assert_eq!(replaced[0]["insertedContent"]["text"], added);
    assert_eq!(replaced[1]["deletedRegion"]["endLine"], 11);
    let accepted = results.iter().find(|result| result["ruleId"] == "disk-copy").unwrap();
    assert_eq!(accepted["suppressions"][0]["status"], "accepted");
    assert!(results.iter().all(|result| result["partialFingerprints"]["dinghai/v1"].is_string()));
}

#[test]
fn no_form_shows_a_planted_secret() {
    let mut report = shop::report();
    for (n, planted) in shop::PLANTED.iter().enumerate() {
        let finding = &mut report.findings[n];
        finding.title.push_str(&format!(" {planted}"));
        finding.sentence.push_str(&format!(" with {planted}, \"{planted}\""));
        finding.because[0].note.push_str(planted);
        report.inventory.unseen[0].what.push_str(planted);
        report.accepted[0].sentence.push_str(planted);
        report.core[0].why.push_str(planted);
        if let Some(fix) = &mut finding.fix {
            fix.sentence.push_str(planted);
            fix.edits.iter_mut().for_each(|edit| edit.add.push(format!("  password = \"{planted}\"")));
        }
        // Every line of every file is quoted.
        for (file, text) in shop::sources() {
            for line in 1..=text.lines().count() {
                let origin = dinghai_estate::Origin { file: file.clone(), line: line as u32, column: 1 };
                finding.because.push(dinghai_risk::Because { origin, note: String::new() });
            }
        }
    }
    for format in [Format::Terminal, Format::Json, Format::Sarif, Format::Markdown, Format::Html] {
        let text = told(format, vec![report.clone()], Show { all: true, coverage: true, ..PLAIN });
        for planted in shop::PLANTED {
            assert!(!text.contains(planted), "{format:?} shows {planted}:\n{text}");
        }
        assert!(text.contains("«redacted»"), "{format:?}");
    }
}

#[test]
fn the_order_of_the_reports_and_a_second_run_change_nothing() {
    for format in [Format::Terminal, Format::Json, Format::Sarif, Format::Markdown, Format::Html] {
        let once = told(format, vec![shop::report(), shop::sound()], PLAIN);
        assert_eq!(once, told(format, vec![shop::report(), shop::sound()], PLAIN));
    }
}

#[test]
fn signs_that_control_a_terminal_do_nothing() {
    let mut report = shop::report();
    report.findings[0].title = "a\x1b[2Jb\u{202e}c".into();
    let page = told(Format::Terminal, vec![report], PLAIN);
    assert!(!page.contains('\x1b') && !page.contains('\u{202e}'));
}
