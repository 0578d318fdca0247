//! `dinghai console-link`: a link that signs one person in, once.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use dinghai_clock::{Clock, SystemClock};
use dinghai_serve::{Role, new_link};

use super::output::say;

/// Make a link that signs one person in to the console, once.
///
/// Whoever can write into the data folder can make one; there is no password.
#[derive(Debug, clap::Args)]
pub(crate) struct LinkArgs {
    /// The data folder of `dinghai run`
    #[arg(long, env = "DINGHAI_DATA", default_value = ".dinghai", value_name = "DIR")]
    data: PathBuf,
    /// What the person may do
    #[arg(long, value_enum, default_value = "operator")]
    role: Rights,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Rights {
    /// Look
    Viewer,
    /// Look, approve, decline, drill and halt
    Operator,
    /// Everything
    Admin,
}

pub(crate) fn run(args: &LinkArgs) -> anyhow::Result<ExitCode> {
    let role = match args.role {
        Rights::Viewer => Role::Viewer,
        Rights::Operator => Role::Operator,
        Rights::Admin => Role::Admin,
    };
    let link = new_link(&args.data, role, SystemClock::new().now())?;
    let console = super::run::console(&args.data).with_context(|| {
        format!("no console has listened for `{}` yet; start `dinghai run`", args.data.display())
    })?;
    say!("{}{}", console.url, link.path);
    Ok(ExitCode::SUCCESS)
}
