//! `cargo xtask bench NAME`: runs a benchmark and keeps its figures as JSON.

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};

use crate::tool;

#[derive(Args)]
pub(crate) struct BenchArgs {
    /// What to measure.
    name: Bench,
}

#[derive(Clone, Copy, ValueEnum)]
enum Bench {
    /// Durable appends by many writers at once, beside a bare batched-insert loop on the same disk.
    Ledger,
    /// Reading and linting an estate of 10,000 services and 50,000 instances.
    Estate,
    /// What a request through the gateway costs, beside nginx and haproxy.
    Gateway,
    /// The cut sets of 1,000 core services among 10,000.
    Check,
}

pub(crate) fn run(args: &BenchArgs) -> Result<()> {
    let (package, example, file) = match args.name {
        Bench::Ledger => ("dinghai-ledger", "bench_ledger", "ledger.json"),
        Bench::Estate => ("dinghai-estate", "bench_estate", "estate.json"),
        Bench::Gateway => ("dinghai-gateway", "bench_gateway", "gateway.json"),
        Bench::Check => ("dinghai-risk", "bench_check", "check.json"),
    };
    let folder = tool::target().join("bench");
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut bench = tool::command("cargo")?;
    bench.args(["run", "--release", "--locked", "-p", package, "--example", example, "--"]);
    tool::run(bench.arg(folder.join(file)))
}
