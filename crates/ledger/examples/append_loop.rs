//! Appends to a ledger and prints `ack SEQ HASH` after each acknowledgement, for the tests that kill and trace it.
//!
//! `append_loop DIR COUNT WORKERS`: each of WORKERS tasks appends until COUNT entries are acknowledged in all; COUNT 0
//! goes on for ever. Prints `open LEASE` first.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dinghai_clock::SystemClock;
use dinghai_ledger::SqliteLedger;
use dinghai_ports::Store;
use dinghai_record::{Actor, Event, Personal};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(dir), Some(count), Some(workers)) = (args.next(), args.next(), args.next()) else {
        return Err("usage: append_loop DIR COUNT WORKERS".into());
    };
    let (count, workers): (u64, u64) = (count.parse()?, workers.parse()?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(run(PathBuf::from(dir), count, workers))
}

async fn run(dir: PathBuf, count: u64, workers: u64) -> Result<(), Box<dyn std::error::Error>> {
    let ledger = Arc::new(SqliteLedger::open(&dir, Arc::new(SystemClock::new())).await?);
    println!("open {}", ledger.fence().lease);
    let left = Arc::new(AtomicU64::new(if count == 0 { u64::MAX } else { count }));
    let mut tasks = tokio::task::JoinSet::new();
    for worker in 0..workers {
        let (ledger, left) = (Arc::clone(&ledger), Arc::clone(&left));
        tasks.spawn(async move {
            while left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
                let by = Actor::Operator(Personal::Known {
                    subject: format!("p-{worker}"),
                    value: "Wang Li".into(),
                });
                for entry in ledger.append(vec![Event::Resumed { by }]).await? {
                    println!("ack {} {}", entry.seq.0, entry.hash);
                }
            }
            Ok::<(), dinghai_ports::StoreError>(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    if let Ok(ledger) = Arc::try_unwrap(ledger) {
        ledger.close().await;
    }
    Ok(())
}
