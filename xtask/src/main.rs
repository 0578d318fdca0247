//! Developer commands: `setup`, `ci`, `bench`, `eval`, `fuzz`.

mod bench;
mod ci;
mod eval;
mod fuzz;
mod setup;
mod tool;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Developer commands of Dinghai.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Everything that must hold before a change is merged.
    Ci(ci::CiArgs),
    /// Install what the tests need.
    Setup,
    /// Measure, beside a yardstick in the same run.
    Bench(bench::BenchArgs),
    /// Try it on what it has not seen.
    Eval(eval::EvalArgs),
    /// Feed it hostile files.
    Fuzz(fuzz::FuzzArgs),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Ci(args) => ci::run(&args),
        Command::Setup => setup::run().map(|()| ExitCode::SUCCESS),
        Command::Bench(args) => bench::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Eval(args) => eval::run(&args).map(|()| ExitCode::SUCCESS),
        Command::Fuzz(args) => fuzz::run(&args).map(|()| ExitCode::SUCCESS),
    };
    done.unwrap_or_else(|error| {
        eprintln!("xtask: {error:#}");
        ExitCode::FAILURE
    })
}
