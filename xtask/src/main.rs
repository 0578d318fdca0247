//! Developer commands: `setup`, `ci`, `bench`.

mod bench;
mod ci;
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
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Ci(args) => ci::run(&args),
        Command::Setup => setup::run().map(|()| ExitCode::SUCCESS),
        Command::Bench(args) => bench::run(&args).map(|()| ExitCode::SUCCESS),
    };
    done.unwrap_or_else(|error| {
        eprintln!("xtask: {error:#}");
        ExitCode::FAILURE
    })
}
