//! The pages as a person reads them.

use std::path::Path;
use std::sync::Arc;

use clap::Parser;
use dinghai_clock::{Timestamp, VirtualClock};
use dinghai_ledger::SqliteLedger;
use dinghai_pages::Language;
use dinghai_ports::Store;
use dinghai_record::{Actor, Cause, Event, Hash, Performed, Personal, PlanId, Reason, StepNo, StepOutcome};
use serde_json::json;
use tempfile::TempDir;

use super::{LedgerArgs, work};

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    args: LedgerArgs,
}

/// A closed ledger with a little of everything.
async fn written(dir: &Path) {
    let clock = VirtualClock::at(Timestamp::from_micros(1_795_442_527_412_003));
    let ledger = SqliteLedger::open(dir, Arc::new(clock)).await.unwrap();
    let person = Personal::Known { subject: "p-7f3a".into(), value: "Wang Li".into() };
    let (plan, step) = (PlanId(3), StepNo(1));
    let failed = StepOutcome::Failed(vec![Reason::new("not-verified").with("instance", "order@hz-b")]);
    let done = StepOutcome::Done(Performed { changed: true, notes: Vec::new() });
    ledger
        .append(vec![
            Event::ControllerStarted { version: "0.1.0".into(), lease: 1 },
            Event::EstateAdopted { name: "shop".into(), generation: 1, digest: Hash::of(b"shop") },
            Event::ReflexReported {
                gateway: "public".into(),
                instance: "order@hz-a".into(),
                happened: Timestamp::EPOCH,
                ejected: Some(Cause::Refused),
            },
            Event::PlanApproved { plan, by: Actor::Person(person.clone()) },
            Event::StepStarted { plan, step, attempt: 1 },
            Event::StepEnded { plan, step, outcome: failed, observed: true },
            Event::UndoEnded { plan, step, outcome: done },
            Event::Halted { by: Actor::Operator(person), reason: "looking".into() },
            Event::Other(json!({"kind": "comet-seen"})),
        ])
        .await
        .unwrap();
    ledger.close().await;
}

/// The page of `dinghai ledger …`, and whether it went well.
async fn page(dir: &Path, words: &[&str]) -> (String, bool) {
    let data = dir.to_str().unwrap();
    let cli = Cli::try_parse_from([&["ledger", "--utc", "--data", data], words].concat()).unwrap();
    let mut out = Vec::new();
    match work(&cli.args, Language::En, &mut out).await {
        Ok(well) => (steady(&String::from_utf8(out).unwrap(), data), well),
        Err(error) => (steady(&format!("dinghai: {error:#}\n"), data), false),
    }
}

/// The text without what differs from run to run: the folder, and digits of hashes and of the store's id.
fn steady(text: &str, dir: &str) -> String {
    let text = text.replace(dir, "DIR");
    let mut steady = String::new();
    for word in text.split_inclusive(|c: char| !(c.is_ascii_alphanumeric() || c == '…')) {
        let hex = word.trim_end_matches(|c: char| !(c.is_ascii_alphanumeric() || c == '…'));
        let is_hex = hex.chars().all(|c| c.is_ascii_hexdigit() || c == '…');
        if is_hex && (hex.len() >= 32 || hex.contains('…')) {
            steady.push_str("HEX");
            steady.push_str(&word[hex.len()..]);
        } else {
            steady.push_str(word);
        }
    }
    steady
}

#[tokio::test]
async fn tail_tells_each_entry_in_a_line() {
    let dir = TempDir::new().unwrap();
    written(dir.path()).await;
    insta::assert_snapshot!(page(dir.path(), &["tail"]).await.0);
    assert_eq!(page(dir.path(), &["tail", "-n", "2"]).await.0.lines().count(), 2);
    assert_eq!(page(dir.path(), &["tail", "-n", "0"]).await.0, "");
}

/// Counts the lines that a page has got.
struct Lines(tokio::sync::watch::Sender<usize>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let lines = bytes.iter().filter(|byte| **byte == b'\n').count();
        self.0.send_modify(|count| *count += lines);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn tail_follows_what_a_running_controller_writes() {
    let dir = TempDir::new().unwrap();
    written(dir.path()).await;
    let ledger = SqliteLedger::open(dir.path(), Arc::new(VirtualClock::default())).await.unwrap();
    let data = dir.path().to_str().unwrap();
    let cli = Cli::try_parse_from(["ledger", "--data", data, "tail", "-n", "2", "--follow"]).unwrap();
    let (count, mut counted) = tokio::sync::watch::channel(0);
    let mut out = Lines(count);
    let story = async {
        counted.wait_for(|lines| *lines == 2).await.unwrap();
        ledger.append(vec![Event::Resumed { by: Actor::Automaton }]).await.unwrap();
        counted.wait_for(|lines| *lines == 3).await.unwrap();
    };
    tokio::select! {
        ended = work(&cli.args, Language::En, &mut out) => panic!("it does not go on: {ended:?}"),
        told = tokio::time::timeout(std::time::Duration::from_secs(20), story) => told.unwrap(),
    }
}

#[tokio::test]
async fn show_tells_one_entry_whole() {
    let dir = TempDir::new().unwrap();
    written(dir.path()).await;
    insta::assert_snapshot!(page(dir.path(), &["show", "4"]).await.0);
    insta::assert_snapshot!("show_missing", page(dir.path(), &["show", "40"]).await.0);
}

#[tokio::test]
async fn verify_says_what_it_can_and_cannot_see() {
    let dir = TempDir::new().unwrap();
    written(dir.path()).await;
    let (text, sound) = page(dir.path(), &["verify"]).await;
    assert!(sound);
    insta::assert_snapshot!(text);

    let kept = dir.path().join("kept.json");
    let kept = kept.to_str().unwrap();
    let (_, well) = page(dir.path(), &["checkpoint", "--out", kept]).await;
    assert!(well);
    let (text, sound) = page(dir.path(), &["verify", "--checkpoint", kept]).await;
    assert!(sound && text.contains("Up to #9 your checkpoint vouches for it"), "{text}");

    // A ledger that was made anew does not agree with what was kept.
    std::fs::remove_file(dir.path().join("ledger.sqlite")).unwrap();
    written(dir.path()).await;
    let (text, sound) = page(dir.path(), &["verify", "--checkpoint", kept]).await;
    assert!(!sound);
    let text: Vec<_> = text.lines().filter(|line| !line.starts_with("checkpoint of")).collect();
    insta::assert_snapshot!("verify_damaged", text.join("\n"));
}

#[tokio::test]
async fn erase_shows_what_it_does_and_does_it_only_when_told_to() {
    let dir = TempDir::new().unwrap();
    written(dir.path()).await;
    let (shown, done) = page(dir.path(), &["erase", "p-7f3a"]).await;
    assert!(!done);
    insta::assert_snapshot!(shown);
    assert!(page(dir.path(), &["show", "4"]).await.0.contains("Wang Li"));
    assert!(page(dir.path(), &["erase", "p-7f3a", "--yes"]).await.1);
    assert!(page(dir.path(), &["show", "4"]).await.0.contains("a person whose name was erased"));
    assert!(page(dir.path(), &["verify"]).await.1);
    insta::assert_snapshot!("erase_again", page(dir.path(), &["erase", "p-7f3a", "--yes"]).await.0);
}

#[tokio::test]
async fn export_writes_every_entry_as_a_line_of_json() {
    let dir = TempDir::new().unwrap();
    written(dir.path()).await;
    let (text, _) = page(dir.path(), &["export", "--from", "3"]).await;
    let seqs: Vec<u64> = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["seq"].as_u64().unwrap())
        .collect();
    assert_eq!(seqs, (3..=9).collect::<Vec<_>>());
}

#[tokio::test]
async fn where_there_is_no_ledger_it_says_so() {
    let dir = TempDir::new().unwrap();
    insta::assert_snapshot!(page(dir.path(), &["tail"]).await.0);
}
