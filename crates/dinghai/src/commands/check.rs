//! `dinghai check`: files only, no account, no network: what is wrong, what breaks, and why.

mod baseline;
mod clean;
mod disk;
pub(crate) mod exit;
mod json;
mod markdown;
mod mistakes;
mod rules;
mod sarif;
mod tell;
mod terminal;
pub(crate) mod walk;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use dinghai_clock::{Clock, Day, SystemClock, Timestamp};
use dinghai_pages::check::Run;
use dinghai_pages::{Format as Values, Language};
use dinghai_risk::judge;
use jiff::tz::TimeZone;

use super::gather::Gathered;
use super::output::{print, put};
use super::reading::language;
pub(crate) use disk::{file_of, read};
use exit::FailOn;
pub(crate) use mistakes::problems_page;
pub(crate) use rules::every_rule;

use tell::{Format, Telling};
use terminal::{Colour, Paint, Show};

/// Say what breaks, what is weak and what nobody can tell, from files alone
///
/// Ends with 0 when nothing is weak or broken, 1 when the worst finding is weak, 2 when it is broken, 3 when the input could not be
/// used.
#[derive(clap::Args)]
pub(crate) struct CheckArgs {
    /// The estate's file, or the folder to look at
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Show everything that was found, instead of one screen
    #[arg(long)]
    all: bool,
    /// List what was understood by kind of resource
    #[arg(long)]
    coverage: bool,
    /// How to tell it
    #[arg(long, value_enum, default_value = "terminal")]
    format: Format,
    /// The same as `--format json`
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// Write it to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Fail from this state on
    #[arg(long, value_enum, default_value = "weak")]
    fail_on: FailOn,
    /// The same as `--fail-on weak`
    #[arg(long, value_enum, hide = true, conflicts_with = "fail_on")]
    deny: Option<Deny>,
    /// Count only findings that are not in this file
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Write what is found to this file, as a baseline for later runs
    #[arg(long, value_name = "FILE")]
    write_baseline: Option<PathBuf>,
    /// When to use colours
    #[arg(long, value_enum, default_value = "auto")]
    color: Colour,
    /// The language of everything but the findings: `en` or `zh`; that of the terminal unless said
    #[arg(long, value_parser = tongue)]
    lang: Option<Language>,
    /// Take this day for today when it comes to what is accepted until a day
    #[arg(long, value_name = "YYYY-MM-DD")]
    today: Option<Day>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Deny {
    /// Every weakness.
    Warnings,
}

fn tongue(tag: &str) -> Result<Language, String> {
    Language::of(tag).ok_or_else(|| format!("`{tag}` is not spoken here; write `en` or `zh`"))
}

pub(crate) fn run(args: &CheckArgs) -> anyhow::Result<ExitCode> {
    Ok(exit::or_unusable(told(args).map(ExitCode::from)))
}

fn told(args: &CheckArgs) -> anyhow::Result<u8> {
    let clock = SystemClock::new();
    let began = clock.now();
    let mut looked = Gathered::of(&args.path)?;
    if looked.estates.is_empty() && !looked.unusable() {
        anyhow::bail!("{}", looked.nothing(&args.path));
    }
    looked.mend();
    let known = match &args.baseline {
        Some(path) => baseline::read(path)?,
        None => BTreeSet::new(),
    };
    let today = args.today.unwrap_or_else(|| day(began));
    let root = args.path.to_string_lossy();
    let accepts = looked.accepts();
    let reports = looked.reports();
    let secrets = clean::Secrets::of(&looked.secrets, &looked.sources, &reports);
    let mut judgement = judge(reports, &accepts, &known, today, &root);
    if let Some(path) = &args.write_baseline {
        let text = baseline::text(&secrets.clean(judgement))?;
        put(path, text.as_bytes())
            .with_context(|| format!("cannot write the baseline `{}`", path.display()))?;
        // What was just written down is known from now on.
        judgement = judge(looked.reports(), &accepts, &baseline::read(path)?, today, &root);
    }
    let fail_on = if args.deny.is_some() { FailOn::Weak } else { args.fail_on };
    let exit = match looked.usable() {
        true => exit::code(judgement.worst(), fail_on),
        false => exit::UNUSABLE,
    };
    let run = Run {
        command: command(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        now: began,
        took: Some(clock.now().since(began)),
        exit,
        files: looked.understood,
    };
    let values = Values { language: args.lang.unwrap_or_else(language), zone: TimeZone::system() };
    let colours = args.output.is_none() && args.color.wanted() || args.color == Colour::Always;
    let show = Show { all: args.all, coverage: args.coverage, width: width(), paint: Paint(colours) };
    let compared = args.baseline.is_some() || args.write_baseline.is_some();
    let telling =
        Telling { looked: &looked, judgement, secrets: &secrets, run: &run, values: &values, show, compared };
    let format = if args.json { Format::Json } else { args.format };
    let text = telling.text(format)?;
    match &args.output {
        Some(path) => {
            std::fs::write(path, text).with_context(|| format!("cannot write `{}`", path.display()))?
        }
        None => print(format_args!("{text}")),
    }
    Ok(exit)
}

/// The command as it was typed, for those who read a report later.
fn command() -> String {
    let words = std::env::args().skip(1).map(|word| match word.contains([' ', '"', '\'', '$', '`']) {
        true => format!("'{}'", word.replace('\'', "'\\''")),
        false => word,
    });
    std::iter::once("dinghai".to_owned()).chain(words).collect::<Vec<_>>().join(" ")
}

/// The day in this machine's zone.
fn day(now: Timestamp) -> Day {
    let now = jiff::Timestamp::from_microsecond(now.as_micros()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let today = now.to_zoned(TimeZone::system());
    Day::new(today.year(), today.month(), today.day()).unwrap_or_else(|| day(Timestamp::EPOCH))
}

/// Columns of the terminal.
fn width() -> usize {
    terminal_size::terminal_size().map_or(100, |(width, _)| usize::from(width.0))
}

#[cfg(test)]
mod tests;
