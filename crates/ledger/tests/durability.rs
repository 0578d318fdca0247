//! Each acknowledgement follows its sync, and nothing acknowledged is lost by SIGKILL.
#![expect(clippy::unwrap_used, reason = "a test may fail so")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use dinghai_clock::Rng;
use dinghai_ledger::open_reader;
use dinghai_record::{Hash, Seq};
use tempfile::TempDir;

/// The example that appends and prints each acknowledgement; cargo builds it with the tests.
fn append_loop() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let path = tests.parent().unwrap().parent().unwrap().join("examples/append_loop");
    assert!(path.is_file(), "build it first: cargo build -p dinghai-ledger --example append_loop");
    path
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Reads `ack SEQ HASH` lines.
fn ack(line: &str) -> Option<(Seq, String)> {
    let mut words = line.strip_prefix("ack ")?.split(' ');
    Some((Seq(words.next()?.parse().ok()?), words.next()?.to_owned()))
}

#[test]
fn each_acknowledgement_follows_a_sync_of_what_it_acknowledges() {
    if Command::new("strace").arg("-V").output().is_err() {
        println!("skipped: there is no strace here; `cargo xtask setup` installs it");
        return;
    }
    let dir = TempDir::new().unwrap();
    let trace = dir.path().join("trace");
    let status = Command::new("strace")
        .args(["-f", "-y", "-s", "64", "-e", "trace=fdatasync,fsync,write,pwrite64", "-o"])
        .arg(&trace)
        .arg(append_loop())
        .arg(dir.path().join("data"))
        .args(["40", "1"])
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());

    // One worker: the entry after an acknowledgement is not written before it is printed. So between two printed
    // lines there must be a write to the log, and after the last such write a sync of the log that returned 0.
    let (mut written, mut synced, mut acknowledged) = (false, false, 0);
    for line in whole_calls(&std::fs::read_to_string(&trace).unwrap()) {
        let on_log = line.contains("ledger.sqlite-wal>");
        if on_log && line.contains("pwrite64(") {
            (written, synced) = (true, false);
        } else if on_log && (line.contains("fdatasync(") || line.contains("fsync(")) && line.ends_with("= 0")
        {
            synced = written;
        } else if line.contains("write(1<") && line.contains("\"ack ") {
            assert!(written && synced, "acknowledged before it was synced: {line}");
            (written, synced) = (false, false);
            acknowledged += 1;
        }
    }
    assert_eq!(acknowledged, 40);
}

/// The calls of a trace in the order in which they ended, those that another thread interrupted put together again.
/// A write counts from its end, which is later than its beginning, so this order is never kinder than the real one for
/// syncs; the printed line counts from its beginning.
fn whole_calls(trace: &str) -> Vec<String> {
    let mut begun: BTreeMap<&str, &str> = BTreeMap::new();
    let mut calls = Vec::new();
    for line in trace.lines() {
        let (thread, call) = line.split_once(' ').unwrap();
        let call = call.trim_start();
        if let Some(head) = call.strip_suffix(" <unfinished ...>") {
            if head.starts_with("write(1<") {
                calls.push(head.to_owned());
            } else {
                begun.insert(thread, head);
            }
        } else if call.starts_with("<... ") {
            if let (Some(head), Some((_, tail))) = (begun.remove(thread), call.split_once("resumed>")) {
                calls.push(format!("{head}{tail}"));
            }
        } else {
            calls.push(call.to_owned());
        }
    }
    calls
}

/// Kills the appender at random moments, its start included, on one growing ledger.
#[test]
fn nothing_acknowledged_is_lost_by_killing_the_writer_two_hundred_times() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    let mut rng = Rng::seeded(20_261_123);
    let mut printed: BTreeMap<Seq, String> = BTreeMap::new();
    let (mut kills, mut acknowledging, mut checked) = (0, 0, Seq(0));
    while kills < 200 {
        let acks = run_and_kill(&data, &mut rng);
        kills += 1;
        acknowledging += usize::from(!acks.is_empty());
        for (seq, hash) in acks {
            assert!(printed.insert(seq, hash).is_none(), "{seq} was acknowledged twice");
        }
        if data.join("ledger.sqlite").is_file() && !printed.is_empty() {
            checked = runtime().block_on(check(&data, &printed, checked));
        }
    }
    runtime().block_on(check(&data, &printed, Seq(0)));
    println!(
        "{kills} kills, {acknowledging} of them after an acknowledgement, {} acknowledgements",
        printed.len()
    );
    assert!(acknowledging > kills / 2 && printed.len() > kills);
}

fn run_and_kill(data: &Path, rng: &mut Rng) -> Vec<(Seq, String)> {
    let mut child =
        Command::new(append_loop()).arg(data).args(["0", "2"]).stdout(Stdio::piped()).spawn().unwrap();
    let stdout = child.stdout.take().unwrap();
    let (lines_in, lines) = mpsc::channel();
    let reading = std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if lines_in.send(line).is_err() {
                break;
            }
        }
    });
    // One in four is killed after so long, many of them while they open; the others a moment after so many lines, however
    // slow the machine is.
    let mut seen = Vec::new();
    let patience = match rng.below(4) {
        0 => Duration::from_millis(10 + rng.below(50)),
        _ => Duration::from_secs(30),
    };
    for _ in 0..rng.below(16) {
        match lines.recv_timeout(patience) {
            Ok(line) => seen.push(line),
            Err(_) => break,
        }
    }
    seen.extend(lines.recv_timeout(Duration::from_micros(rng.below(5_000))));
    child.kill().unwrap();
    child.wait().unwrap();
    reading.join().unwrap();
    seen.extend(lines.try_iter());
    seen.iter().filter_map(|line| ack(line)).collect()
}

/// Every acknowledged entry after `after` is there, and the chain verifies, which leaves those before it as they were.
async fn check(data: &Path, printed: &BTreeMap<Seq, String>, after: Seq) -> Seq {
    let reader = open_reader(data).await.unwrap();
    let report = reader.verify(&[]).await.unwrap();
    assert!(report.is_sound(), "{report:?}");
    let entries = reader.read(after, usize::MAX).await.unwrap();
    let stored: BTreeMap<Seq, Hash> = entries.into_iter().map(|entry| (entry.seq, entry.hash)).collect();
    for (seq, hash) in printed.range(after.next()..) {
        assert_eq!(stored.get(seq).map(ToString::to_string).as_ref(), Some(hash), "{seq} was acknowledged");
    }
    stored.keys().next_back().copied().unwrap_or(after)
}
