//! `dinghai check`: files only, no account, no network: what is wrong, what breaks, and why.

mod breaks;
mod disk;
mod page;
#[allow(dead_code, reason = "called once `check` reads folders of other people's files")]
mod walk;

use std::path::PathBuf;
use std::process::ExitCode;

use dinghai_estate::{Estate, FailureDomains, Lint, Severity, lint};

use super::output::{print, say};
pub(crate) use disk::read;
pub(crate) use page::problems_page;

/// Say what is wrong with an estate's files, and what is weak in the estate
///
/// Ends with 0 when there is no error, 1 when a weakness is an error, 2 when a file cannot be read or used.
#[derive(clap::Args)]
pub(crate) struct CheckArgs {
    /// The estate's file, or the folder with its `dinghai.yaml`
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Print what was found as JSON
    #[arg(long)]
    json: bool,
    /// Show everything that stops core services, up to three places lost together
    #[arg(long)]
    all: bool,
    /// Treat these as errors
    #[arg(long, value_enum)]
    deny: Option<Deny>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Deny {
    /// Every weakness.
    Warnings,
}

pub(crate) fn run(args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let decoded = read(&args.path);
    let found = decoded.estate.as_ref().map(findings).unwrap_or_default();
    let cuts = decoded.estate.as_ref().map(|estate| (estate, breaks::of(estate)));
    if args.json {
        let cuts = cuts.map(|(_, cuts)| breaks::json(&cuts));
        say!("{}", page::json(&decoded, &found, cuts.as_ref())?);
    } else {
        print(format_args!("{}{}", problems_page(&decoded)?, page::findings_page(&decoded, &found)?));
        print(format_args!(
            "{}",
            cuts.map_or_else(String::new, |(estate, cuts)| breaks::page(estate, &cuts, args.all))
        ));
        say!("{}", page::summary(&decoded, &found));
    }
    let least = match args.deny {
        Some(Deny::Warnings) => Severity::Warning,
        None => Severity::Error,
    };
    Ok(match (&decoded.estate, found.iter().any(|lint| lint.severity >= least)) {
        (None, _) => ExitCode::from(2),
        (Some(_), true) => ExitCode::from(1),
        (Some(_), false) => ExitCode::SUCCESS,
    })
}

fn findings(estate: &Estate) -> Vec<Lint> {
    lint(estate, &FailureDomains::of(estate))
}
