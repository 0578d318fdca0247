//! `cargo xtask ci`: everything that must hold before a change is merged, stage by stage.

mod demo;
mod layers;
mod licences;
mod readme;
mod words;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use cargo_metadata::{Metadata, MetadataCommand};
use clap::{Args, ValueEnum};

use crate::tool;

#[derive(Args)]
pub(crate) struct CiArgs {
    /// Run only these stages.
    #[arg(long, value_enum, value_name = "STAGE")]
    only: Vec<Stage>,
    /// Leave these stages out.
    #[arg(long, value_enum, value_name = "STAGE")]
    skip: Vec<Stage>,
}

/// In the order in which they run: what fails fast comes first.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Stage {
    /// The code is formatted.
    Format,
    /// No file names a path of somebody's machine.
    Words,
    /// The dependency graph is the one in `layers.toml`.
    Layers,
    /// Licences, duplicates and sources of dependencies, by `deny.toml`.
    Deny,
    /// Clippy, warnings refused.
    Lint,
    /// Every test.
    Test,
    /// The examples in the API's documentation.
    Doctest,
    /// The API's documentation, warnings refused.
    Doc,
    /// The commands of the README, the demo last.
    Readme,
}

pub(crate) fn run(args: &CiArgs) -> Result<ExitCode> {
    let chosen =
        |stage: &Stage| (args.only.is_empty() || args.only.contains(stage)) && !args.skip.contains(stage);
    let mut ended = Vec::new();
    for stage in Stage::value_variants().iter().copied().filter(chosen) {
        println!("\n── {} ──", stage.name());
        let (done, took) = timed(|| stage.check());
        let word = if done.is_ok() { "ok" } else { "FAILED" };
        if let Err(error) = &done {
            eprintln!("{error:#}");
        }
        println!("── {}: {word} in {:.1} s", stage.name(), took.as_secs_f64());
        ended.push((stage, done.is_ok(), took));
    }
    Ok(summarise(&ended))
}

fn summarise(ended: &[(Stage, bool, Duration)]) -> ExitCode {
    println!();
    for (stage, ok, took) in ended {
        let word = if *ok { "ok" } else { "FAILED" };
        println!("{:>10}  {word:<6} {:>7.1} s", stage.name(), took.as_secs_f64());
    }
    let total: Duration = ended.iter().map(|(_, _, took)| *took).sum();
    let failed: Vec<String> = ended.iter().filter(|(_, ok, _)| !ok).map(|(stage, ..)| stage.name()).collect();
    if failed.is_empty() {
        println!("ci: {} stages passed in {:.0} s", ended.len(), total.as_secs_f64());
        ExitCode::SUCCESS
    } else {
        println!("ci: FAILED in {} ({:.0} s)", failed.join(", "), total.as_secs_f64());
        ExitCode::FAILURE
    }
}

impl Stage {
    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    fn check(self) -> Result<()> {
        match self {
            Self::Format => tool::call("cargo", &["fmt", "--all", "--check"]),
            Self::Words => words::check(),
            Self::Layers => layers::check(&metadata()?),
            Self::Deny => licences::check(&metadata()?),
            Self::Lint => {
                let clippy = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
                tool::call("cargo", &clippy)
            }
            Self::Test => test(),
            Self::Doctest => tool::call("cargo", &["test", "--doc", "--workspace", "--locked", "--quiet"]),
            Self::Doc => {
                let mut doc = tool::command("cargo")?;
                doc.args(["doc", "--workspace", "--no-deps", "--locked"]).env("RUSTDOCFLAGS", "-D warnings");
                tool::run(&mut doc)
            }
            Self::Readme => readme::check(),
        }
    }
}

fn test() -> Result<()> {
    if !tool::answers("cargo", &["nextest", "--version"])? {
        bail!("cargo-nextest is missing; `cargo xtask setup` installs it");
    }
    tool::call("cargo", &["nextest", "run", "--workspace", "--locked"])
}

/// The graph as it is built for the platforms that we ship for.
fn metadata() -> Result<Metadata> {
    let targets = licences::rules()?.graph.targets;
    let platforms = targets.into_iter().flat_map(|target| ["--filter-platform".to_owned(), target]);
    MetadataCommand::new()
        .current_dir(tool::root())
        .other_options(std::iter::once("--locked".to_owned()).chain(platforms).collect::<Vec<_>>())
        .exec()
        .context("cargo does not tell the dependency graph")
}

#[expect(clippy::disallowed_methods, reason = "a developer's tool times its own stages")]
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let done = work();
    (done, start.elapsed())
}
