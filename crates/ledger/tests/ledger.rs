//! What a ledger promises to those who append and read.
#![expect(clippy::unwrap_used, reason = "a test may fail so")]

mod support;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use dinghai_clock::Clock;
use dinghai_ledger::{LedgerError, SqliteLedger, erasable, erase, open_reader, sign_checkpoint};
use dinghai_ports::{Store, StoreError, StoreState};
use dinghai_record::{Event, Hash, Seq};
use serde_json::json;
use support::{adopted, blob, clock, open, resumed_by, sql};
use tempfile::TempDir;

/// Every byte of the store's files.
fn bytes_on_disk(dir: &Path) -> Vec<u8> {
    ["ledger.sqlite", "ledger.sqlite-wal"]
        .iter()
        .filter_map(|name| std::fs::read(dir.join(name)).ok())
        .flatten()
        .collect()
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[tokio::test]
async fn what_is_appended_is_read_back_in_order_and_after_reopening() {
    let dir = TempDir::new().unwrap();
    let ledger = open(dir.path()).await;
    let mut written = ledger.append(vec![adopted(1), adopted(2)]).await.unwrap();
    written.extend(ledger.append(vec![resumed_by("p-1", "Wang Li")]).await.unwrap());
    assert_eq!(written.iter().map(|entry| entry.seq.0).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(written[1].prev, written[0].hash);
    assert_eq!(ledger.read(Seq(0), 10).await.unwrap(), written);
    assert_eq!(ledger.read(Seq(1), 1).await.unwrap(), written[1..2]);
    assert_eq!(ledger.read(Seq(3), 10).await.unwrap(), []);
    ledger.close().await;

    let again = open(dir.path()).await;
    assert_eq!(again.read(Seq(0), 10).await.unwrap(), written);
    let more = again.append(vec![adopted(3)]).await.unwrap();
    assert_eq!((more[0].seq, more[0].prev), (Seq(4), written[2].hash));
    assert!(again.reader().verify(&[]).await.unwrap().is_sound());
}

#[tokio::test]
async fn each_opening_raises_the_lease_and_keeps_the_incarnation() {
    let dir = TempDir::new().unwrap();
    let first = open(dir.path()).await;
    let before = first.fence().clone();
    first.close().await;
    let second = open(dir.path()).await;
    assert_eq!(second.fence().lease, before.lease + 1);
    assert!(before.admits(second.fence()));
    assert!(!second.fence().admits(&before));
}

#[tokio::test]
async fn a_second_dinghai_on_one_folder_is_refused_and_told_who_has_it() {
    let dir = TempDir::new().unwrap();
    let _first = open(dir.path()).await;
    let refused = SqliteLedger::open(dir.path(), clock()).await.err().unwrap();
    assert!(refused.to_string().contains(&format!("process {}", std::process::id())), "{refused}");
}

#[tokio::test]
async fn one_whose_lease_was_taken_over_is_fenced() {
    let dir = TempDir::new().unwrap();
    let first = open(dir.path()).await;
    first.append(vec![adopted(1)]).await.unwrap();
    // As when a network file system forgets its locks.
    std::fs::remove_file(dir.path().join("lock")).unwrap();
    let second = open(dir.path()).await;
    let refused = first.append(vec![adopted(2)]).await.unwrap_err();
    assert!(matches!(refused, StoreError::Fenced { ours: 1, theirs: 2 }), "{refused}");
    let entries = second.append(vec![adopted(3)]).await.unwrap();
    assert_eq!(entries[0].seq, Seq(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_appends_make_one_sound_chain_and_each_gets_its_own_entries() {
    let dir = TempDir::new().unwrap();
    let ledger = Arc::new(open(dir.path()).await);
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..64u64 {
        let ledger = Arc::clone(&ledger);
        tasks.spawn(async move {
            for round in 0..5 {
                let events = vec![adopted(n * 100 + round), adopted(n * 100 + round)];
                let entries = ledger.append(events.clone()).await.unwrap();
                assert_eq!(entries[1].prev, entries[0].hash);
                assert_eq!(entries.into_iter().map(|entry| entry.event).collect::<Vec<_>>(), events);
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    let report = ledger.reader().verify(&[]).await.unwrap();
    assert!(report.is_sound(), "{report:?}");
    assert_eq!(report.chains[0].entries, 640);
}

#[tokio::test]
async fn a_name_is_never_on_the_disk_in_clear() {
    let dir = TempDir::new().unwrap();
    let ledger = open(dir.path()).await;
    ledger.append(vec![resumed_by("p-1", "Wang Li-Unmistakable")]).await.unwrap();
    let bytes = bytes_on_disk(dir.path());
    assert!(contains(&bytes, b"p-1") && !contains(&bytes, b"Unmistakable"));
}

#[tokio::test]
async fn an_erased_person_reads_as_erased_and_the_chain_still_verifies() {
    let dir = TempDir::new().unwrap();
    let ledger = open(dir.path()).await;
    ledger.append(vec![resumed_by("p-1", "Wang Li"), resumed_by("p-2", "Li Na")]).await.unwrap();
    let key = blob(dir.path(), "SELECT key FROM subject_keys WHERE subject = 'p-1'").await;
    assert!(contains(&bytes_on_disk(dir.path()), &key));
    let before = ledger.checkpoint().await.unwrap();

    assert_eq!(erasable(dir.path(), "p-1").await.unwrap().entries, 1);
    erase(dir.path(), "p-1").await.unwrap();
    assert!(!contains(&bytes_on_disk(dir.path()), &key), "the key is still on the disk");

    let by =
        |entry: &dinghai_record::Entry| serde_json::to_value(&entry.event).unwrap()["by"]["person"].clone();
    let entries = ledger.read(Seq(0), 10).await.unwrap();
    assert_eq!(by(&entries[0]), json!({"$erased": {"subject": "p-1"}}));
    assert_eq!(by(&entries[1]), json!({"$personal": {"subject": "p-2", "value": "Li Na"}}));
    assert!(ledger.reader().verify(&[before]).await.unwrap().is_sound());
    assert!(matches!(erase(dir.path(), "p-1").await, Err(LedgerError::NoSubject { .. })));

    // One who comes back gets a new key; what was erased stays erased.
    ledger.append(vec![resumed_by("p-1", "Wang Li")]).await.unwrap();
    let entries = ledger.read(Seq(0), 10).await.unwrap();
    assert_eq!(by(&entries[0]), json!({"$erased": {"subject": "p-1"}}));
    assert_eq!(by(&entries[2]), json!({"$personal": {"subject": "p-1", "value": "Wang Li"}}));
    ledger.erase("p-1").await.unwrap();
    assert_eq!(by(&ledger.read(Seq(2), 1).await.unwrap()[0]), json!({"$erased": {"subject": "p-1"}}));
}

#[tokio::test]
async fn a_kind_that_is_not_known_is_kept_as_it_is_and_unknown_fields_are_ignored() {
    let dir = TempDir::new().unwrap();
    let ledger = open(dir.path()).await;
    let unknown = Event::Other(json!({"kind": "comet-seen", "tail": 7}));
    ledger.append(vec![unknown.clone(), Event::Other(json!({
        "kind": "estate-adopted", "name": "shop", "generation": 1, "digest": Hash::default(), "newer": true,
    }))]).await.unwrap();
    let entries = ledger.read(Seq(0), 10).await.unwrap();
    assert_eq!(entries[0].event, unknown);
    assert_eq!(entries[1].event, adopted(1));
}

#[tokio::test]
async fn a_reader_reads_beside_a_writer_and_an_empty_folder_has_no_ledger() {
    let dir = TempDir::new().unwrap();
    let absent = open_reader(dir.path()).await.err().unwrap();
    assert!(matches!(absent, LedgerError::Absent { .. }), "{absent}");
    let ledger = open(dir.path()).await;
    let reader = open_reader(dir.path()).await.unwrap();
    for n in 1..=5 {
        ledger.append(vec![adopted(n)]).await.unwrap();
        assert_eq!(reader.head().await.unwrap(), Seq(n));
    }
    let last = reader.last(2).await.unwrap();
    assert_eq!(last.iter().map(|entry| entry.seq.0).collect::<Vec<_>>(), [4, 5]);
    assert_eq!(reader.entry(Seq(5)).await.unwrap(), last[1]);
    let missing = reader.entry(Seq(6)).await.unwrap_err();
    assert_eq!(missing.to_string(), "there is no entry #6; the last one is #5");
}

#[tokio::test]
async fn a_ledger_of_a_newer_program_and_a_file_that_is_none_are_refused() {
    let dir = TempDir::new().unwrap();
    open(dir.path()).await.close().await;
    sql(dir.path(), "PRAGMA user_version = 99").await;
    let newer = SqliteLedger::open(dir.path(), clock()).await.err().unwrap();
    assert!(matches!(newer, LedgerError::Newer { found: 99, .. }), "{newer}");
    let other = TempDir::new().unwrap();
    std::fs::write(
        other.path().join("ledger.sqlite"),
        "not a database, but long enough to be looked at".repeat(40),
    )
    .unwrap();
    let foreign = open_reader(other.path()).await.err().unwrap();
    assert!(matches!(foreign, LedgerError::Foreign { .. }), "{foreign}");
}

#[tokio::test]
async fn a_checkpoint_is_signed_beside_the_writer_and_not_over_a_damaged_ledger() {
    let dir = TempDir::new().unwrap();
    let ledger = open(dir.path()).await;
    ledger.append(vec![adopted(1), adopted(2)]).await.unwrap();
    let clock = clock();
    clock.advance(Duration::from_secs(1));
    let checkpoint = sign_checkpoint(dir.path(), &*clock).await.unwrap();
    assert_eq!((checkpoint.at, checkpoint.heads[0].seq), (clock.now(), Seq(2)));
    assert!(checkpoint.is_genuine());
    let mut forged = checkpoint.clone();
    forged.heads[0].seq = Seq(1);
    assert!(!forged.is_genuine());
    assert!(!ledger.reader().verify(&[forged]).await.unwrap().is_sound());
    sql(dir.path(), "UPDATE entries SET at = at + 1 WHERE seq = 1").await;
    assert!(matches!(sign_checkpoint(dir.path(), &*clock).await, Err(LedgerError::Unsound)));
    assert!(matches!(ledger.read(Seq(0), 9).await, Err(StoreError::Damaged(_))));
}

#[tokio::test]
async fn a_checkpoint_is_written_by_itself_after_many_entries() {
    let dir = TempDir::new().unwrap();
    let ledger = open(dir.path()).await;
    for _ in 0..5 {
        ledger.append((0..1000).map(adopted).collect()).await.unwrap();
    }
    let report = ledger.reader().verify(&[]).await.unwrap();
    assert!(report.is_sound(), "{report:?}");
    assert_eq!(report.checkpoints.len(), 1);
}

#[tokio::test]
async fn the_key_that_signs_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let dir = TempDir::new().unwrap();
    let ledger = open(&dir.path().join("data")).await;
    let mode = |name: &str| std::fs::metadata(dir.path().join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("data"), mode("data/checkpoint.key")), (0o700, 0o600));
    assert_eq!(ledger.state(), StoreState::Writable);
    assert_eq!(mode("data/ledger.sqlite") & 0o077, 0);
}
