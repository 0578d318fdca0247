//! `cargo xtask eval NAME`: how good Dinghai is at what it says, measured on what it has not seen.

mod bounds;
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
    /// Composed worst cases of recovery beside what real HAProxy, keepalived and nginx do. Needs root.
    Bounds(bounds::BoundsArgs),
    /// How much `check` understands of other people's infrastructures, what it finds, and how long it takes.
    Infra(infra::InfraArgs),
}

pub(crate) fn run(args: &EvalArgs) -> Result<()> {
    match &args.name {
        Eval::Bounds(args) => bounds::run(args),
        Eval::Infra(args) => infra::run(args),
    }
}
