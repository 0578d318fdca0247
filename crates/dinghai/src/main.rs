//! `dinghai`: keeps services standing through failures of the cloud they run on, and proves that it would.

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use tracing_subscriber::EnvFilter;

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
    /// See one incident through every floor, on real processes of this machine
    Demo(commands::demo::DemoArgs),
    /// Keep an estate standing
    Run(commands::run::RunArgs),
    /// Say what breaks, what is weak and what nobody can tell, from files alone
    Check(commands::check::CheckArgs),
    /// Write a first `dinghai.yaml` from the files in a folder
    Init(commands::init::InitArgs),
    /// Say what becomes of every service when places, instances or services are lost together
    WhatIf(commands::what_if::WhatIfArgs),
    /// Say what a change does: what stops now that stood before, which findings are new, and which are gone
    Diff(commands::diff::DiffArgs),
    /// Say what a rule of `check` is about, or list the rules
    Explain(commands::explain::ExplainArgs),
    /// Print the JSON Schema of an estate's files
    Schema(commands::schema::SchemaArgs),
    /// List incidents
    Incidents(commands::incidents::IncidentsArgs),
    /// Show or review one incident
    Incident(commands::incidents::IncidentArgs),
    /// List plans
    Plans(commands::plans::PlansArgs),
    /// Show one plan
    Plan(commands::plans::PlanArgs),
    /// Let a waiting plan run
    Approve(commands::plans::ApproveArgs),
    /// Do not let a waiting plan run
    Decline(commands::plans::DeclineArgs),
    /// Rehearse failures on purpose
    Drill(commands::drills::DrillArgs),
    /// Rehearse random failures of an estate in simulated time
    Rehearse(commands::rehearse::RehearseArgs),
    /// Show every promise and its last proof
    Promises(commands::promises::PromisesArgs),
    /// Make a link that signs one person in to the console, once
    ConsoleLink(commands::link::LinkArgs),
    /// Read, verify, export, sign and erase from what happened
    Ledger(commands::ledger::LedgerArgs),
    /// Stop every automaton of a data folder within a second
    Halt(commands::halt::HaltArgs),
    /// Let the automatons of a data folder go on
    Resume(commands::halt::ResumeArgs),
    /// Print completions for a shell
    Completion(commands::completion::CompletionArgs),
    /// Become a program in a session of its own, for the hand
    #[command(hide = true)]
    SessionExec(commands::session_exec::SessionExecArgs),
    /// One service of the shop that the demo keeps standing
    #[command(hide = true)]
    DemoShop(commands::demo_shop::DemoShopArgs),
}

fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_from_env("DINGHAI_LOG").unwrap_or_else(|_| EnvFilter::new("info")))
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    let done = match Cli::parse().command {
        Command::Demo(args) => commands::demo::run(&args),
        Command::Run(args) => commands::run::run(&args),
        Command::Incidents(args) => commands::incidents::list(&args),
        Command::Incident(args) => commands::incidents::one(&args),
        Command::Plans(args) => commands::plans::list(&args),
        Command::Plan(args) => commands::plans::one(&args),
        Command::Approve(args) => commands::plans::approve(&args),
        Command::Decline(args) => commands::plans::decline(&args),
        Command::Drill(args) => commands::drills::run(&args),
        Command::Rehearse(args) => commands::rehearse::run(&args),
        Command::Promises(args) => commands::promises::run(&args),
        Command::ConsoleLink(args) => commands::link::run(&args),
        Command::Completion(args) => commands::completion::run(&args, Cli::command()),
        Command::Check(args) => commands::check::run(&args),
        Command::Init(args) => commands::init::run(&args),
        Command::WhatIf(args) => commands::what_if::run(&args),
        Command::Diff(args) => commands::diff::run(&args),
        Command::Explain(args) => commands::explain::run(&args),
        Command::Schema(args) => commands::schema::run(&args),
        Command::Ledger(args) => commands::ledger::run(&args),
        Command::Halt(args) => commands::halt::run(&args),
        Command::Resume(args) => commands::halt::resume(&args),
        Command::SessionExec(args) => commands::session_exec::run(&args),
        Command::DemoShop(args) => commands::demo_shop::run(&args),
    };
    done.unwrap_or_else(|error| {
        eprintln!("dinghai: {error:#}");
        ExitCode::FAILURE
    })
}
