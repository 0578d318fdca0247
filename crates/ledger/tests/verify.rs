//! Verification finds whatever was done to the rows behind its back.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail so")]

mod support;

use std::path::Path;

use dinghai_ledger::{Break, Checkpoint, VerifyReport, open_reader};
use dinghai_ports::Store;
use dinghai_record::Seq;
use proptest::prelude::*;
use support::{adopted, blob, open, resumed_by, sql};
use tempfile::TempDir;

const ENTRIES: i64 = 6;

/// A closed ledger of [`ENTRIES`] entries and a checkpoint of all of them that is held elsewhere.
async fn written() -> (TempDir, Checkpoint) {
    let dir = TempDir::new().unwrap();
    let ledger = open(dir.path()).await;
    for n in 2..ENTRIES {
        ledger.append(vec![adopted(n.unsigned_abs())]).await.unwrap();
    }
    ledger.append(vec![resumed_by("p-1", "Wang Li"), adopted(9)]).await.unwrap();
    let checkpoint = ledger.checkpoint().await.unwrap();
    ledger.close().await;
    (dir, checkpoint)
}

async fn verify(dir: &TempDir, kept: &[Checkpoint]) -> VerifyReport {
    open_reader(dir.path()).await.unwrap().verify(kept).await.unwrap()
}

/// What somebody does to the rows.
#[derive(Clone, Debug)]
enum Tampering {
    EditByte { column: &'static str, row: i64, at: usize, flip: u8 },
    EditNumber { column: &'static str, row: i64, by: i64 },
    Delete { row: i64 },
    Swap { one: i64, other: i64 },
    Duplicate { row: i64, to: i64 },
    Truncate { after: i64 },
    Rename { row: i64 },
}

impl Tampering {
    async fn apply(&self, dir: &Path) {
        let text = match self {
            Self::EditByte { column, row, at, flip } => {
                let mut bytes = blob(dir, &format!("SELECT {column} FROM entries WHERE seq = {row}")).await;
                let at = at % bytes.len();
                bytes[at] ^= flip;
                format!("UPDATE entries SET {column} = x'{}' WHERE seq = {row}", hex::encode(bytes))
            }
            Self::EditNumber { column, row, by } => {
                format!("UPDATE entries SET {column} = {column} + {by} WHERE seq = {row}")
            }
            Self::Rename { row } => format!("UPDATE entries SET writer = writer || 'x' WHERE seq = {row}"),
            Self::Delete { row } => format!("DELETE FROM entries WHERE seq = {row}"),
            Self::Swap { one, other } => format!(
                "UPDATE entries SET seq = -1 WHERE seq = {one}; UPDATE entries SET seq = {one} WHERE seq = {other};
                 UPDATE entries SET seq = {other} WHERE seq = -1"
            ),
            // Everything from `to` on moves up, and a copy of `row` is put in.
            Self::Duplicate { row, to } => format!(
                "CREATE TABLE copy AS SELECT * FROM entries WHERE seq = {row};
                 UPDATE entries SET seq = -seq - 1 WHERE seq >= {to};
                 UPDATE entries SET seq = -seq WHERE seq < 0;
                 INSERT INTO entries SELECT writer, {to}, at, lease, schema, prev, body, hash FROM copy;
                 DROP TABLE copy"
            ),
            Self::Truncate { after } => {
                format!("DELETE FROM entries WHERE seq > {after}; DELETE FROM checkpoints")
            }
        };
        sql(dir, &text).await;
    }
}

fn tampering() -> impl Strategy<Value = Tampering> {
    let row = || 1..=ENTRIES;
    prop_oneof![
        4 => (prop::sample::select(vec!["body", "prev", "hash"]), row(), any::<usize>(), 1..=u8::MAX)
            .prop_map(|(column, row, at, flip)| Tampering::EditByte { column, row, at, flip }),
        2 => (prop::sample::select(vec!["at", "lease", "schema", "seq"]), row(), prop_oneof![Just(1000i64), Just(-2000)])
            .prop_map(|(column, row, by)| Tampering::EditNumber { column, row, by }),
        1 => row().prop_map(|row| Tampering::Rename { row }),
        1 => row().prop_map(|row| Tampering::Delete { row }),
        1 => (row(), 1..ENTRIES).prop_map(|(one, by)| Tampering::Swap { one, other: (one - 1 + by) % ENTRIES + 1 }),
        1 => (row(), 1..=ENTRIES + 1).prop_map(|(row, to)| Tampering::Duplicate { row, to }),
        1 => (0..ENTRIES).prop_map(|after| Tampering::Truncate { after }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn whatever_is_done_to_one_row_is_found(tampering in tampering()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let report = runtime.block_on(async {
            let (dir, kept) = written().await;
            tampering.apply(dir.path()).await;
            verify(&dir, &[kept]).await
        });
        prop_assert!(!report.is_sound(), "{:?}", report);
    }
}

#[tokio::test]
async fn an_untouched_ledger_is_sound_and_says_so_twice() {
    let (dir, kept) = written().await;
    let report = verify(&dir, std::slice::from_ref(&kept)).await;
    assert!(report.is_sound(), "{report:?}");
    assert_eq!((report.chains[0].entries, report.chains[0].head), (6, Seq(6)));
    assert_eq!(report.checkpoints.len(), 2);
    assert_eq!(verify(&dir, &[kept]).await, report);
}

#[tokio::test]
async fn the_first_bad_entry_is_named_with_how_it_shows() {
    for (text, bad) in [
        ("UPDATE entries SET body = CAST(body || ' ' AS BLOB) WHERE seq = 3", (3, Break::Edited)),
        ("DELETE FROM entries WHERE seq = 3", (4, Break::Misplaced { due: Seq(3) })),
        ("UPDATE entries SET hash = zeroblob(31) WHERE seq = 2", (2, Break::Malformed)),
    ] {
        let (dir, _) = written().await;
        sql(dir.path(), text).await;
        assert_eq!(verify(&dir, &[]).await.chains[0].first_bad, Some(bad), "{text}");
    }
}

/// The end that was cut off together with the checkpoints in the store shows only by one that was held elsewhere.
#[tokio::test]
async fn a_cut_off_end_shows_by_a_checkpoint_held_elsewhere_and_only_by_that() {
    let (dir, kept) = written().await;
    Tampering::Truncate { after: 4 }.apply(dir.path()).await;
    assert!(verify(&dir, &[]).await.is_sound());
    let report = verify(&dir, &[kept]).await;
    assert!(report.checkpoints[0].problems[0].starts_with("entry #6 of "), "{report:?}");
}

#[tokio::test]
async fn a_checkpoint_of_another_store_or_key_does_not_pass() {
    let (dir, _) = written().await;
    let (_other, foreign) = written().await;
    let report = verify(&dir, &[foreign]).await;
    let problems = report.checkpoints[1].problems.join("; ");
    assert!(problems.contains("not `checkpoint.pub`") && problems.contains("it is of store"), "{problems}");
}
