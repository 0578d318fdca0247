//! Ledgers of older programs stay readable and verify.
#![expect(clippy::unwrap_used, reason = "a test may fail so")]

mod support;

use dinghai_ledger::open_reader;
use dinghai_ports::Store;
use dinghai_record::{Event, Reason, Seq, StepOutcome};
use support::{adopted, open, sql};
use tempfile::TempDir;

#[tokio::test]
async fn a_ledger_of_schema_0_is_read_verifies_and_is_carried_on() {
    let dir = TempDir::new().unwrap();
    sql(dir.path(), include_str!("fixtures/schema-0.sql")).await;
    let reader = open_reader(dir.path()).await.unwrap();
    let report = reader.verify(&[]).await.unwrap();
    assert!(report.is_sound(), "{report:?}");

    let entries = reader.read(Seq(0), 10).await.unwrap();
    assert!(entries.iter().all(|entry| entry.schema == 0 && !matches!(entry.event, Event::Other(_))));
    let Event::StepEnded { outcome, observed, .. } = &entries[5].event else {
        panic!("{:?}", entries[5]);
    };
    assert!(!observed);
    assert_eq!(*outcome, StepOutcome::Failed(vec![Reason::new("not-verified")]));

    let ledger = open(dir.path()).await;
    let more = ledger.append(vec![adopted(2)]).await.unwrap();
    assert_eq!((more[0].seq, more[0].prev), (Seq(7), entries[5].hash));
    assert!(ledger.reader().verify(&[]).await.unwrap().is_sound());
}
