//! What several of these tests need.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::path::Path;
use std::sync::Arc;

use dinghai_clock::{Timestamp, VirtualClock};
use dinghai_ledger::SqliteLedger;
use dinghai_record::{Actor, Event, Hash, Personal};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};

pub(crate) fn clock() -> Arc<VirtualClock> {
    Arc::new(VirtualClock::at(Timestamp::from_micros(1_795_442_527_412_003)))
}

pub(crate) async fn open(dir: &Path) -> SqliteLedger {
    SqliteLedger::open(dir, clock()).await.unwrap()
}

pub(crate) fn adopted(generation: u64) -> Event {
    Event::EstateAdopted { name: "shop".into(), generation, digest: Hash::default() }
}

pub(crate) fn resumed_by(subject: &str, value: &str) -> Event {
    Event::Resumed { by: Actor::Person(Personal::Known { subject: subject.into(), value: value.into() }) }
}

/// Runs SQL in the ledger's file, as somebody who tampers would.
pub(crate) async fn sql(dir: &Path, text: &str) {
    let options = SqliteConnectOptions::new().filename(dir.join("ledger.sqlite")).create_if_missing(true);
    let mut conn = options.connect().await.unwrap();
    conn.execute(sqlx::raw_sql(AssertSqlSafe(text.to_owned()))).await.unwrap();
    conn.close().await.unwrap();
}

/// The one blob that the query answers.
pub(crate) async fn blob(dir: &Path, query: &str) -> Vec<u8> {
    use sqlx::Row;
    let options = SqliteConnectOptions::new().filename(dir.join("ledger.sqlite"));
    let mut conn = options.connect().await.unwrap();
    let row = sqlx::query(AssertSqlSafe(query.to_owned())).fetch_one(&mut conn).await.unwrap();
    row.get(0)
}
