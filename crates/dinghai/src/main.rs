//! `dinghai`: keeps services standing through failures of the cloud they run on, and proves that it would.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod commands;

/// Keeps services standing through failures of the cloud they run on, and proves that it would.
#[derive(Parser)]
#[command(name = "dinghai", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {}

fn main() -> ExitCode {
    match Cli::parse().command {}
}
