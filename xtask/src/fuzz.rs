//! `cargo xtask fuzz import`: hostile files by the thousand, and the page that holds the last result.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use serde::Deserialize;

use crate::tool;

/// The page with the last result, and the line after which it stands.
const PAGE: &str = "docs/fuzzing.md";
const MARK: &str = "<!-- Below: written by `cargo xtask fuzz import --record`. -->";
const PACKAGE: &str = "dinghai-import";
const EXAMPLE: &str = "fuzz_import";
/// The file in which a run leaves its figures.
const FIGURES: &str = "figures.json";

#[derive(Args)]
pub(crate) struct FuzzArgs {
    /// What is given hostile files.
    name: Target,
    /// How long; with `--each`, for every format.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Which inputs: the same seed makes the same ones.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Spoil only files of this format.
    #[arg(long, conflicts_with = "each")]
    format: Option<Format>,
    /// Take the formats one by one.
    #[arg(long)]
    each: bool,
    /// So many formats at the same time.
    #[arg(long, default_value_t = 1, requires = "each")]
    jobs: usize,
    /// Write the last results of all formats into the page that holds them.
    #[arg(long)]
    record: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Target {
    /// The readers of other people's infrastructure.
    Import,
}

/// Formats that have a parser.
#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// Terraform's own language.
    Terraform,
    /// Terraform's plans and states.
    TerraformJson,
    Kubernetes,
    Kustomize,
    Helm,
    Compose,
    Haproxy,
    Nginx,
    Keepalived,
    /// Patroni and etcd.
    Patroni,
}

/// What a run wrote.
#[derive(Deserialize)]
struct Outcome {
    seed: u64,
    seconds: u64,
    all: Figures,
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
    let Target::Import = args.name;
    let mut build = tool::command("cargo")?;
    build.args(["build", "--profile", "fuzz", "--locked", "-p", PACKAGE, "--example", EXAMPLE]);
    tool::run(&mut build)?;
    let outcomes = if args.each { each(args)? } else { vec![one(args, args.format)?] };
    if args.record {
        record(&last()?)?;
    }
    let failed = outcomes.iter().filter(|(_, outcome)| !outcome.failures.is_empty()).count();
    if failed > 0 {
        bail!("inputs of {failed} of {} runs failed", outcomes.len())
    }
    Ok(())
}

/// Every format for its time, some at the same time.
fn each(args: &FuzzArgs) -> Result<Vec<(String, Outcome)>> {
    let left = Mutex::new(Format::value_variants().iter());
    let next = || left.lock().ok().and_then(|mut left| left.next().copied());
    let work = || {
        let formats = std::iter::from_fn(next);
        formats.map(|format| one(args, Some(format))).collect::<Vec<_>>()
    };
    let done: Vec<_> = std::thread::scope(|scope| {
        let started: Vec<_> = (0..args.jobs.max(1)).map(|_| scope.spawn(work)).collect();
        started.into_iter().map(std::thread::ScopedJoinHandle::join).collect()
    });
    // A format whose run was killed takes nothing from the others.
    let mut outcomes = Vec::new();
    let mut killed = Vec::new();
    for part in done {
        for outcome in part.map_err(|_| anyhow::anyhow!("a run ended badly"))? {
            match outcome {
                Ok(outcome) => outcomes.push(outcome),
                Err(error) => killed.push(format!("{error:#}")),
            }
        }
    }
    if !killed.is_empty() {
        bail!("{}", killed.join("\n"));
    }
    Ok(outcomes)
}

/// The last run of each format that had one.
fn last() -> Result<Vec<(String, Outcome)>> {
    let mut outcomes = Vec::new();
    for format in Format::value_variants() {
        let name = name(Some(*format));
        if let Some(outcome) = figures(&folder(&name))? {
            outcomes.push((name, outcome));
        }
    }
    outcomes.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(outcomes)
}

/// Where the runs of a format leave what they found.
fn folder(format: &str) -> PathBuf {
    tool::target().join("fuzzed").join(format)
}

/// The word for a format, and for all of them together.
fn name(format: Option<Format>) -> String {
    let word = format.and_then(|format| format.to_possible_value());
    word.map_or_else(|| "all".to_owned(), |word| word.get_name().to_owned())
}

/// What a run has written into its folder, when it came to that.
fn figures(folder: &Path) -> Result<Option<Outcome>> {
    let Ok(text) = fs::read_to_string(folder.join(FIGURES)) else { return Ok(None) };
    serde_json::from_str(&text).context("the figures are not what was expected").map(Some)
}

/// One run; its figures are read back from what it wrote.
fn one(args: &FuzzArgs, format: Option<Format>) -> Result<(String, Outcome)> {
    let name = name(format);
    let chosen = format.map(|_| name.as_str());
    let folder = folder(&name);
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    // What stands there is of an earlier run.
    drop(fs::remove_file(folder.join(FIGURES)));
    let mut fuzz = std::process::Command::new(tool::target().join("fuzz/examples").join(EXAMPLE));
    fuzz.args(["run", &args.seconds.to_string(), &args.seed.to_string()]).arg(&folder).args(chosen);
    let ended = tool::run(&mut fuzz);
    let Some(outcome) = figures(&folder)? else {
        let at = fs::read_to_string(folder.join("at")).unwrap_or_default();
        bail!(
            "an input killed the run: `cargo run --profile fuzz -p {PACKAGE} --example {EXAMPLE} -- only {} {} {}` tries \
             it again ({})",
            at.trim(),
            args.seed,
            chosen.unwrap_or_default(),
            ended.err().map_or_else(String::new, |error| format!("{error:#}")),
        );
    };
    Ok((name, outcome))
}

fn record(outcomes: &[(String, Outcome)]) -> Result<()> {
    let path = tool::root().join(PAGE);
    let page = fs::read_to_string(&path).with_context(|| format!("cannot read {PAGE}"))?;
    let Some((before, _)) = page.split_once(MARK) else { bail!("{PAGE} has lost the line `{MARK}`") };
    fs::write(&path, format!("{before}{MARK}\n\n{}", table(outcomes)?))
        .with_context(|| format!("cannot write {PAGE}"))
}

fn table(outcomes: &[(String, Outcome)]) -> Result<String> {
    let mut text = String::from(
        "| files spoilt | seconds | seed | inputs | MiB | slowest | most memory |\n|---|---:|---:|---:|---:|---:|---:|\n",
    );
    for (format, Outcome { seed, seconds, all, .. }) in outcomes {
        let Figures { inputs, bytes, slowest_ms, largest_mib } = all;
        let mib = bytes / 1024 / 1024;
        writeln!(
            text,
            "| {format} | {seconds} | {seed} | {inputs} | {mib} | {slowest_ms:.0} ms | {largest_mib} MiB |"
        )?;
    }
    text.push('\n');
    if outcomes.iter().all(|(_, outcome)| outcome.failures.is_empty()) {
        text.push_str("Nothing panicked, nothing got stuck, and no order of files made a difference.\n");
    }
    for (format, outcome) in outcomes {
        for Failure { what, first, count } in &outcome.failures {
            writeln!(text, "- {format}: {count} times, first with input {first}: {what}")?;
        }
    }
    Ok(text)
}
