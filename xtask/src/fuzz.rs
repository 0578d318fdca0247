//! `cargo xtask fuzz import`: hostile files by the thousand, and the page that holds the last result.

use std::fmt::Write;
use std::fs;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use serde::Deserialize;

use crate::tool;

/// The page with the last result, and the line after which it stands.
const PAGE: &str = "docs/fuzzing.md";
const MARK: &str = "<!-- Below: written by `cargo xtask fuzz import --record`. -->";

#[derive(Args)]
pub(crate) struct FuzzArgs {
    /// What is given hostile files.
    name: Target,
    /// How long.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Which inputs: the same seed makes the same ones.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Write the result into the page that holds the last one.
    #[arg(long)]
    record: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Target {
    /// The readers of Terraform, Kubernetes, Compose, HAProxy, nginx, keepalived and Patroni files.
    Import,
}

/// What the run wrote.
#[derive(Deserialize)]
struct Outcome {
    seed: u64,
    seconds: u64,
    all: Figures,
    kinds: std::collections::BTreeMap<String, Figures>,
    failures: Vec<Failure>,
}

#[derive(Deserialize)]
struct Figures {
    inputs: u64,
    bytes: u64,
    slowest_ms: f64,
    largest_mib: u64,
}

#[derive(Deserialize)]
struct Failure {
    what: String,
    first: u64,
    count: u64,
}

pub(crate) fn run(args: &FuzzArgs) -> Result<()> {
    let (package, example) = match args.name {
        Target::Import => ("dinghai-import", "fuzz_import"),
    };
    let folder = tool::target().join("fuzz");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let figures = folder.join("import.json");
    // What stands there is of an earlier run.
    drop(fs::remove_file(&figures));
    let mut fuzz = tool::command("cargo")?;
    fuzz.args(["run", "--profile", "fuzz", "--locked", "-p", package, "--example", example, "--"]);
    let ended = tool::run(fuzz.args([args.seconds.to_string(), args.seed.to_string()]).arg(&folder));
    let Ok(text) = fs::read_to_string(&figures) else {
        let at = fs::read_to_string(folder.join("at")).unwrap_or_default();
        let seed = args.seed;
        bail!(
            "input {at} killed the run: `cargo run --profile fuzz -p {package} --example {example} -- only {} {seed}` \
             tries it again",
            at.trim()
        );
    };
    if args.record {
        let outcome: Outcome =
            serde_json::from_str(&text).context("the figures are not what was expected")?;
        record(&outcome)?;
    }
    ended
}

fn record(outcome: &Outcome) -> Result<()> {
    let path = tool::root().join(PAGE);
    let page = fs::read_to_string(&path).with_context(|| format!("cannot read {PAGE}"))?;
    let Some((before, _)) = page.split_once(MARK) else { bail!("{PAGE} has lost the line `{MARK}`") };
    fs::write(&path, format!("{before}{MARK}\n\n{}", table(outcome)?))
        .with_context(|| format!("cannot write {PAGE}"))
}

fn table(outcome: &Outcome) -> Result<String> {
    let mut text = format!("{} s, seed {}.\n\n", outcome.seconds, outcome.seed);
    text.push_str("| files changed | inputs | MiB | slowest | most memory |\n|---|---:|---:|---:|---:|\n");
    let kinds = outcome.kinds.iter().map(|(kind, figures)| (format!("`{kind}`"), figures));
    for (kind, figures) in kinds.chain([("any".to_owned(), &outcome.all)]) {
        let Figures { inputs, bytes, slowest_ms, largest_mib } = figures;
        let mib = bytes / 1024 / 1024;
        writeln!(text, "| {kind} | {inputs} | {mib} | {slowest_ms:.0} ms | {largest_mib} MiB |")?;
    }
    text.push('\n');
    if outcome.failures.is_empty() {
        text.push_str("Nothing panicked, nothing got stuck, and no order of files made a difference.\n");
    }
    for Failure { what, first, count } in &outcome.failures {
        writeln!(text, "- {count} times, first with input {first}: {what}")?;
    }
    Ok(text)
}
