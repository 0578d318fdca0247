//! `cargo xtask eval NAME`: how good Dinghai is at what it says, measured on what it has not seen.

mod infra;

use anyhow::Result;
use clap::{Args, Subcommand};

#[derive(Args)]
pub(crate) struct EvalArgs {
    #[command(subcommand)]
    name: Eval,
}

#[derive(Subcommand)]
enum Eval {
    /// How much `check` understands of other people's infrastructures, what it finds, and how long it takes.
    Infra(infra::InfraArgs),
}

pub(crate) fn run(args: &EvalArgs) -> Result<()> {
    match &args.name {
        Eval::Infra(args) => infra::run(args),
    }
}
