//! `cargo xtask bench gateway`: what a request costs, beside nginx and haproxy in the same run.
//!
//! One core is the proxy's, another is shared by `wrk` and by the instances (one nginx on three ports), so that all
//! three proxies meet the same. In each round each row is run with each proxy, in an order that turns from round to round:
//! on a shared machine only the ratio of two runs next to each other means something. Told are medians over the rounds, and
//! medians of the ratios of each round. CPU is user and system time of the proxy's process from `/proc/PID/stat`.
//!
//! Settings of the peers are in `proxies.rs`. Ours runs as the product runs it, with probes and every protection on.

mod figures;
mod proxies;
mod wrk;

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use dinghai_clock::SystemClock;
use dinghai_gateway::GatewayConfig;

use crate::figures::Figures;
use crate::proxies::Stage;
use crate::wrk::Row;

type Failed = Box<dyn Error + Send + Sync>;

/// Rounds, and seconds of each run; changed by `DINGHAI_BENCH_ROUNDS` and `DINGHAI_BENCH_SECONDS`.
const ROUNDS: usize = 6;
const SECONDS: usize = 3;

fn main() -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.as_slice() {
        // The gateway under test: this program again, on a core of its own.
        [word, folder] if word == "serve" => runtime.block_on(serve(PathBuf::from(folder))),
        [file] => runtime.block_on(bench(PathBuf::from(file))),
        _ => Err("name the file that the figures go to".into()),
    }
}

async fn serve(folder: PathBuf) -> Result<(), Failed> {
    let socket = folder.join("gateway.sock");
    let config = GatewayConfig { id: "bench".into(), dir: folder, socket };
    let end = async {
        // It ends with its parent, which kills it.
        std::future::pending::<()>().await;
    };
    Ok(dinghai_gateway::run(config, Arc::new(SystemClock::new()), end).await?)
}

async fn bench(file: PathBuf) -> Result<(), Failed> {
    let rounds = setting("DINGHAI_BENCH_ROUNDS", ROUNDS);
    let seconds = setting("DINGHAI_BENCH_SECONDS", SECONDS);
    let only = std::env::var("DINGHAI_BENCH_ROW").ok();
    let stage = Stage::set().await?;
    let mut figures = Figures::default();
    for round in 0..rounds {
        for row in Row::all().iter().filter(|row| only.as_ref().is_none_or(|only| row.name.contains(only))) {
            for turn in 0..stage.proxies.len() {
                let at = (round + turn) % stage.proxies.len();
                let Some(proxy) = stage.proxies.get(at) else { continue };
                let run = wrk::run(proxy, row, seconds).await?;
                println!("round {round}, {}, {}: {run}", row.name, proxy.name);
                figures.add(row.name, proxy.name, run);
            }
        }
    }
    stage.end().await?;
    let told = figures.told();
    println!("\n{}", told.table());
    std::fs::write(&file, serde_json::to_string_pretty(&told.json(rounds, seconds))?)?;
    println!("\nwritten to {}", file.display());
    Ok(())
}

fn setting(name: &str, usual: usize) -> usize {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(usual)
}
