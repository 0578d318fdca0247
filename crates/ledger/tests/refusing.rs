//! A full disk and a read-only file: said plainly, nothing acknowledged lost, and it goes on by itself.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail so")]

mod support;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use dinghai_ledger::SqliteLedger;
use dinghai_ports::{Store, StoreError, StoreState};
use dinghai_record::{Entry, Seq};
use support::{adopted, open};
use tempfile::TempDir;

async fn append(ledger: &SqliteLedger, n: u64) -> Result<Vec<Entry>, StoreError> {
    ledger.append(vec![adopted(n)]).await
}

/// Waits until the ledger takes entries again by itself, with nobody appending.
async fn recovers(ledger: &SqliteLedger) {
    let waited = tokio::time::timeout(Duration::from_secs(20), async {
        while ledger.state() != StoreState::Writable {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    waited.await.expect("the ledger does not recover");
}

/// Nothing that was acknowledged is lost, nothing that was refused is there, and the chain goes on.
async fn holds_exactly(ledger: &SqliteLedger, acknowledged: &[Entry]) {
    assert_eq!(ledger.read(Seq(0), usize::MAX).await.unwrap(), acknowledged);
    let report = ledger.reader().verify(&[]).await.unwrap();
    assert!(report.is_sound(), "{report:?}");
}

/// Fills the disk below an open ledger: `dir` must be on a file system of its own that `grow` makes larger.
async fn outlives_a_full_disk(dir: &Path, grow: impl FnOnce()) {
    let ledger = open(&dir.join("data")).await;
    let mut acknowledged = Vec::new();
    let refusal = loop {
        match append(&ledger, 1).await {
            Ok(entries) => acknowledged.extend(entries),
            Err(refusal) => break refusal,
        }
    };
    assert!(matches!(refusal, StoreError::Refusing(_)), "{refusal}");
    assert!(matches!(ledger.state(), StoreState::Refusing(_)));
    holds_exactly(&ledger, &acknowledged).await;
    assert!(matches!(append(&ledger, 2).await, Err(StoreError::Refusing(_))));
    grow();
    acknowledged.extend(append(&ledger, 3).await.unwrap());
    assert_eq!(ledger.state(), StoreState::Writable);
    holds_exactly(&ledger, &acknowledged).await;
    ledger.close().await;
    holds_exactly(&open(&dir.join("data")).await, &acknowledged).await;
}

fn run(program: &str, args: &[&str]) -> bool {
    Command::new(program).args(args).status().is_ok_and(|status| status.success())
}

/// Runs this test binary's `inner` test in a mount namespace of its own, where it may mount as it likes.
fn in_own_mounts(inner: &str) {
    if !run("unshare", &["-m", "true"]) {
        println!("skipped: this user may not make a mount namespace");
        return;
    }
    let tests = std::env::current_exe().unwrap();
    let mut command = Command::new("unshare");
    command.args(["-m", "--propagation", "private"]).arg(tests).args([
        inner,
        "--exact",
        "--ignored",
        "--nocapture",
    ]);
    assert!(command.status().unwrap().success());
}

#[test]
fn a_full_disk_is_refused_and_recovered_from() {
    in_own_mounts("inside_a_small_file_system");
}

#[tokio::test]
#[ignore = "run by a_full_disk_is_refused_and_recovered_from, in a mount namespace of its own"]
async fn inside_a_small_file_system() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().to_str().unwrap().to_owned();
    assert!(run("mount", &["-t", "tmpfs", "-o", "size=512k", "tmpfs", &path]));
    outlives_a_full_disk(dir.path(), || assert!(run("mount", &["-o", "remount,size=64m", &path]))).await;
    assert!(run("umount", &["-l", &path]));
}

/// The immutable flag makes the file system refuse writes even through files that are open already.
#[tokio::test]
async fn a_file_that_turns_read_only_is_refused_and_recovers_by_itself() {
    let dir = TempDir::new().unwrap();
    let flag = |sign: &str| {
        ["ledger.sqlite", "ledger.sqlite-wal"]
            .iter()
            .all(|name| run("chattr", &[&format!("{sign}i"), dir.path().join(name).to_str().unwrap()]))
    };
    let ledger = open(dir.path()).await;
    let mut acknowledged = append(&ledger, 1).await.unwrap();
    if !flag("+") {
        flag("-");
        println!("skipped: this user or file system does not allow `chattr +i`");
        return;
    }
    let refusal = append(&ledger, 2).await;
    let state = ledger.state();
    let again = append(&ledger, 3).await;
    assert!(flag("-"));
    assert!(matches!(refusal, Err(StoreError::Refusing(_))), "{refusal:?}");
    assert!(matches!(again, Err(StoreError::Refusing(_))), "{again:?}");
    assert!(matches!(state, StoreState::Refusing(_)));
    recovers(&ledger).await;
    holds_exactly(&ledger, &acknowledged).await;
    acknowledged.extend(append(&ledger, 4).await.unwrap());
    holds_exactly(&ledger, &acknowledged).await;
}

#[test]
fn a_read_only_file_system_refuses_to_open_and_can_still_be_read() {
    in_own_mounts("inside_a_read_only_mount");
}

#[tokio::test]
#[ignore = "run by a_read_only_file_system_refuses_to_open_and_can_still_be_read, in a mount namespace of its own"]
async fn inside_a_read_only_mount() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().to_str().unwrap().to_owned();
    let ledger = open(dir.path()).await;
    let acknowledged = append(&ledger, 1).await.unwrap();
    ledger.close().await;
    assert!(run("mount", &["--bind", &path, &path]) && run("mount", &["-o", "remount,bind,ro", &path]));
    let refused = SqliteLedger::open(dir.path(), support::clock()).await.err().unwrap();
    assert!(refused.to_string().contains("cannot be"), "{refused}");
    let reader = dinghai_ledger::open_reader(dir.path()).await.unwrap();
    assert_eq!(reader.last(5).await.unwrap(), acknowledged);
    assert!(run("umount", &["-l", &path]));
}
