//! How fast the ledger acknowledges, beside a bare loop of batched inserts on the same disk.
//!
//! `bench_ledger OUT.json [DIR]`: 256 appenders on one chain, 1 KiB entries, each acknowledged when it is durable, in
//! rounds that alternate with the bare loop: one connection with the same pragmas that inserts batches of the same
//! rows, of the size that our groups had in the round before, and hashes nothing. Also times a sync of 4 KiB appended to a file there.
//! Figures of one run are only good against each other.

use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use dinghai_clock::{Clock, SystemClock};
use dinghai_ledger::SqliteLedger;
use dinghai_ports::Store;
use dinghai_record::{Event, Seq};
use serde_json::json;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

type Failure = Box<dyn std::error::Error>;

const APPENDERS: u64 = 256;
const BODY_BYTES: usize = 1024;
const ROUNDS: usize = 8;
const ROUND: Duration = Duration::from_secs(2);

/// What one round reached.
struct Round {
    entries_per_s: f64,
    entries_per_commit: f64,
}

fn main() -> Result<(), Failure> {
    let mut args = std::env::args().skip(1);
    let out = PathBuf::from(args.next().ok_or("usage: bench_ledger OUT.json [DIR]")?);
    let dir = args
        .next()
        .map_or_else(|| std::env::current_dir().map(|dir| dir.join("target")), |dir| Ok(dir.into()))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let report = runtime.block_on(bench(tempfile::tempdir_in(dir)?.path()))?;
    writeln!(std::fs::File::create(&out)?, "{}", serde_json::to_string_pretty(&report)?)?;
    Ok(())
}

async fn bench(dir: &Path) -> Result<serde_json::Value, Failure> {
    let clock = SystemClock::new();
    let mut syncs = time_syncs(&dir.join("sync"), &clock)?;
    let (p50, p99) = (percentile(&mut syncs, 50), percentile(&mut syncs, 99));
    println!("fdatasync of 4 KiB appended: p50 {p50:.0} us, p99 {p99:.0} us");

    let (mut ours, mut bare, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for n in 1..=ROUNDS {
        let us = round_of_ours(&dir.join(format!("ours-{n}")), &clock).await?;
        let them = round_of_bare(&dir.join(format!("bare-{n}")), us.entries_per_commit, &clock).await?;
        println!(
            "round {n}: ledger {:.0} entries/s in commits of {:.0}; bare {:.0}",
            us.entries_per_s, us.entries_per_commit, them.entries_per_s
        );
        ratios.push(us.entries_per_s / them.entries_per_s);
        ours.push(us.entries_per_s);
        bare.push(them.entries_per_s);
    }
    let (ours, bare, ratio) =
        (percentile(&mut ours, 50), percentile(&mut bare, 50), percentile(&mut ratios, 50));
    println!(
        "medians: ledger {ours:.0} entries/s, bare {bare:.0} entries/s, ratio {ratio:.2} (goal: 0.3 or more)"
    );
    Ok(json!({
        "appenders": APPENDERS, "body_bytes": BODY_BYTES, "rounds": ROUNDS,
        "ledger_entries_per_s": ours, "bare_entries_per_s": bare, "ratio": ratio, "goal_ratio": 0.3,
        "ratios": ratios, "fdatasync_p50_us": p50, "fdatasync_p99_us": p99,
    }))
}

/// An event whose JSON has [`BODY_BYTES`] bytes.
fn event() -> Event {
    let frame = json!({"kind": "bench", "fill": ""}).to_string().len();
    Event::Other(json!({"kind": "bench", "fill": "x".repeat(BODY_BYTES - frame)}))
}

async fn round_of_ours(dir: &Path, clock: &SystemClock) -> Result<Round, Failure> {
    let ledger = Arc::new(SqliteLedger::open(dir, Arc::new(clock.clone())).await?);
    let start = clock.now();
    let mut appenders = tokio::task::JoinSet::new();
    for _ in 0..APPENDERS {
        let (ledger, clock) = (Arc::clone(&ledger), clock.clone());
        appenders.spawn(async move {
            while clock.now().since(start) < ROUND {
                ledger.append(vec![event()]).await?;
            }
            Ok::<(), dinghai_ports::StoreError>(())
        });
    }
    while let Some(done) = appenders.join_next().await {
        done??;
    }
    let took = clock.now().since(start);
    // The entries of one commit share one time.
    let entries = ledger.read(Seq(0), usize::MAX).await?;
    let mut commits: Vec<_> = entries.iter().map(|entry| entry.at).collect();
    commits.dedup();
    let round = Round {
        entries_per_s: entries.len() as f64 / took.as_secs_f64(),
        entries_per_commit: entries.len() as f64 / commits.len().max(1) as f64,
    };
    if let Ok(ledger) = Arc::try_unwrap(ledger) {
        ledger.close().await;
    }
    Ok(round)
}

async fn round_of_bare(file: &Path, batch: f64, clock: &SystemClock) -> Result<Round, Failure> {
    let mut conn = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("secure_delete", "ON")
        .disable_statement_logging()
        .connect()
        .await?;
    sqlx::query("CREATE TABLE entries (seq INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT")
        .execute(&mut conn)
        .await?;
    let batch = (batch.round() as usize).max(1);
    let rows = vec!["(?)"; batch].join(", ");
    let text: Arc<str> = format!("INSERT INTO entries (body) VALUES {rows}").into();
    let body = serde_json::to_vec(&event())?;
    let start = clock.now();
    let mut entries = 0;
    while clock.now().since(start) < ROUND {
        sqlx::query("BEGIN IMMEDIATE").execute(&mut conn).await?;
        let mut insert = sqlx::query(AssertSqlSafe(Arc::clone(&text)));
        for _ in 0..batch {
            insert = insert.bind(body.as_slice());
        }
        insert.execute(&mut conn).await?;
        sqlx::query("COMMIT").execute(&mut conn).await?;
        entries += batch;
    }
    let took = clock.now().since(start);
    conn.close().await?;
    Ok(Round { entries_per_s: entries as f64 / took.as_secs_f64(), entries_per_commit: batch as f64 })
}

/// How long each of many syncs of a freshly appended 4 KiB takes, in microseconds.
fn time_syncs(path: &Path, clock: &SystemClock) -> Result<Vec<f64>, Failure> {
    let file = std::fs::File::create(path)?;
    let block = [7; 4096];
    let mut times = Vec::new();
    for n in 0..500u64 {
        file.write_all_at(&block, n * 4096)?;
        let start = clock.now();
        file.sync_data()?;
        times.push(clock.now().since(start).as_secs_f64() * 1e6);
    }
    Ok(times)
}

fn percentile(values: &mut [f64], percent: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    values
        .get((values.len() * percent / 100).min(values.len().saturating_sub(1)))
        .copied()
        .unwrap_or(f64::NAN)
}
