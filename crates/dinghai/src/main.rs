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
enum Command {
    /// Read, verify, export, sign and erase from what happened
    Ledger(commands::ledger::LedgerArgs),
    /// One service of the shop that the demo keeps standing
    #[command(hide = true)]
    DemoShop(commands::demo_shop::DemoShopArgs),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Ledger(args) => commands::ledger::run(&args),
        Command::DemoShop(args) => commands::demo_shop::run(&args),
    };
    done.unwrap_or_else(|error| {
        eprintln!("dinghai: {error:#}");
        ExitCode::FAILURE
    })
}
