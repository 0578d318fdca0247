//! The page of `check` as it is written.

#![expect(clippy::unwrap_used, reason = "a fixture that is wrong fails its test")]

mod shop;

use std::time::Duration;

use dinghai_pages::check::{Run, Told, page};
use dinghai_pages::{Format, Language};
use dinghai_risk::Report;
use jiff::tz::{TimeZone, offset};

fn written(language: Language, reports: Vec<Report>) -> String {
    let judgement = shop::judged(reports);
    let run = Run {
        command: "dinghai check ./infra".into(),
        version: "0.1.0".into(),
        now: "2026-11-23T01:10:04Z".parse().unwrap(),
        took: Some(Duration::from_millis(210)),
        exit: 2,
        files: 41,
    };
    let format = Format { language, zone: TimeZone::fixed(offset(8)) };
    page(&Told { judgement: &judgement, lines: &shop::clean_lines(), run: &run, format: &format })
}

/// The page without what is the same on every one: style and drawings.
fn body(page: &str) -> String {
    let (_, main) = page.split_once("<main").unwrap();
    format!("<main{main}").replace("><", ">\n<")
}

#[test]
fn the_page_reads_as_designed() {
    insta::assert_snapshot!(body(&written(Language::En, vec![shop::report()])));
}

#[test]
fn the_page_speaks_chinese() {
    let page = written(Language::Zh, vec![shop::report()]);
    assert!(
        page.contains("<html lang=\"zh\">") && page.contains("shop 无法在失去 hz-b 后继续服务。"),
        "{}",
        body(&page)
    );
    assert!(!page.contains('⟦'), "a text is missing");
}

#[test]
fn several_inventories_are_told_apart() {
    let page = written(Language::En, vec![shop::sound(), shop::report()]);
    assert!(page.contains("shop does not outlive hz-b."), "{}", body(&page));
    assert!(page.contains("staging: nothing weak or broken was found."));
}

#[test]
fn the_page_needs_nothing_beside_it_and_runs_nothing() {
    let mut report = shop::report();
    report.inventory.name = "<script>alert(1)</script>".into();
    report.findings[0].title = "\"><img src=x onerror=alert(1)>".into();
    let page = written(Language::En, vec![report]);
    let (head, rest) = page.split_once("<style>").unwrap();
    let (_, rest) = rest.split_once("</style>").unwrap();
    for forbidden in ["<script", "<img", " style=", "onerror=\"", "http://", "https://", "<link", "@import"] {
        assert!(!head.contains(forbidden) && !rest.contains(forbidden), "{forbidden}");
    }
    assert!(head.contains("default-src 'none'"));
}

#[test]
fn every_class_of_the_page_is_in_the_style_sheet() {
    let page = written(Language::En, vec![shop::report(), shop::sound()]);
    let (_, main) = page.split_once("<body").unwrap();
    for part in main.split("class=\"").skip(1) {
        for class in part.split('"').next().unwrap().split_whitespace() {
            assert!(dinghai_pages::STYLE.contains(&format!(".{class}")), "{class}");
        }
    }
}

#[test]
fn the_same_report_makes_the_same_page() {
    let once = written(Language::En, vec![shop::report()]);
    assert_eq!(once, written(Language::En, vec![shop::report()]));
}

/// Writes the page to look at it: `DINGHAI_PAGE=FILE cargo test -p dinghai-pages --test check_page -- --ignored`.
#[test]
#[ignore = "writes a page to look at"]
fn write_the_page() {
    let file = std::env::var("DINGHAI_PAGE").unwrap();
    std::fs::write(format!("{file}.html"), written(Language::En, vec![shop::report()])).unwrap();
    std::fs::write(format!("{file}.zh.html"), written(Language::Zh, vec![shop::report(), shop::sound()]))
        .unwrap();
}
