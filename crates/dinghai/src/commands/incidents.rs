//! `dinghai incidents` and `dinghai incident show | review`.

use std::process::ExitCode;

use anyhow::bail;
use dinghai_pages::{event_line, reason, span, subject, text};
use dinghai_record::{IncidentId, IncidentRecord, IncidentState};

use super::output::say;
use super::reading::{Reading, Show, print_json, table};

/// List incidents, newest last.
#[derive(Debug, clap::Args)]
pub(crate) struct IncidentsArgs {
    #[command(flatten)]
    show: Show,
    /// Only open ones.
    #[arg(long)]
    open: bool,
    /// At most so many, the newest.
    #[arg(short = 'n', long, default_value_t = 50, value_name = "N")]
    limit: usize,
}

/// Show or review one incident.
#[derive(Debug, clap::Args)]
pub(crate) struct IncidentArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Show its timeline.
    Show {
        /// Its number: `7` or `INC-7`.
        incident: String,
        #[command(flatten)]
        show: Show,
    },
    /// Draft its review in Markdown.
    Review {
        /// Its number: `7` or `INC-7`.
        incident: String,
        #[command(flatten)]
        show: Show,
    },
}

pub(crate) fn list(args: &IncidentsArgs) -> anyhow::Result<ExitCode> {
    let reading = args.show.read()?;
    let wanted = |record: &&IncidentRecord| !args.open || record.state == IncidentState::Open;
    let mut shown: Vec<&IncidentRecord> =
        reading.book.incidents.values().rev().filter(wanted).take(args.limit).collect();
    shown.reverse();
    if args.show.json {
        print_json(&shown)?;
        return Ok(ExitCode::SUCCESS);
    }
    let format = args.show.format();
    let heading = |key: &str| text(format.language, key, &[]);
    if shown.is_empty() {
        say!("{}", heading("cli-no-incidents"));
        return Ok(ExitCode::SUCCESS);
    }
    let mut rows = table(&["cli-incident", "cli-grade", "cli-state", "cli-since", "cli-about"].map(heading));
    for record in shown {
        let state = match record.state {
            IncidentState::Open => heading("cli-open"),
            IncidentState::Closed => heading("cli-closed"),
            IncidentState::Merged(into) => text(format.language, "cli-merged", &[("into", into.to_string())]),
        };
        rows.add_row([
            record.id.to_string(),
            record.worst.to_string(),
            state,
            format.moment(record.since, reading.now),
            subject(format.language, &record.about),
        ]);
    }
    say!("{rows}");
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn one(args: &IncidentArgs) -> anyhow::Result<ExitCode> {
    match &args.verb {
        Verb::Show { incident, show } => {
            let reading = show.read()?;
            let record = find(&reading, incident)?;
            if show.json {
                print_json(record)?;
            } else {
                print(&reading, record, show);
            }
        }
        Verb::Review { incident, show } => review(&show.read()?, incident, show)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn find<'a>(reading: &'a Reading, incident: &str) -> anyhow::Result<&'a IncidentRecord> {
    let number = incident.trim_start_matches("INC-").parse().map(IncidentId);
    match number.ok().and_then(|id| reading.book.incidents.get(&id)) {
        Some(record) => Ok(record),
        None => bail!("there is no incident `{incident}`; `dinghai incidents` lists them"),
    }
}

fn print(reading: &Reading, record: &IncidentRecord, show: &Show) {
    let format = show.format();
    let language = format.language;
    say!("{}  {}  {}", record.grade, record.id, subject(language, &record.about));
    for each in &record.reasons {
        say!("    {}", reason(language, each));
    }
    say!();
    for seq in &record.entries {
        let Some(entry) = reading.entries.iter().find(|entry| entry.seq == *seq) else { continue };
        say!(
            "{}  +{:<10} {:<7} {}",
            format.clock_ms(entry.at),
            span(language, entry.at.since(record.since)),
            entry.seq.to_string(),
            event_line(language, &entry.event)
        );
    }
}

fn review(reading: &Reading, incident: &str, show: &Show) -> anyhow::Result<()> {
    let record = find(reading, incident)?;
    let review =
        dinghai_prove::review(&reading.estate, &reading.book, &reading.entries, record.id, reading.now);
    let Some(review) = review else { bail!("`{incident}` has no review yet") };
    if show.json {
        return print_json(&review);
    }
    let language = show.format().language;
    say!("{}", review.markdown(&|each| reason(language, each)));
    Ok(())
}
