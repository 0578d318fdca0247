//! `dinghai drill list | run | show`.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use dinghai_estate::{ActionKind, DrillId};
use dinghai_pages::{fault, reason, span, text};
use dinghai_record::{DrillRecord, DrillRunId, DrillState, Measures};
use serde::Deserialize;

use super::controller::{Where, post};
use super::output::say;
use super::reading::{Reading, Show, print_json, table};

/// Rehearse failures on purpose.
#[derive(Debug, clap::Args)]
pub(crate) struct DrillArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// List the estate's drills and their last verdicts.
    List(Show),
    /// Break something on purpose, undo it, measure.
    Run(RunArgs),
    /// Show a run of a drill: its expectations, what was measured, and why the verdict is what it is.
    Show {
        /// The run's number, `3` or `D-3`, or a drill's name for its last run.
        run: String,
        #[command(flatten)]
        show: Show,
    },
}

#[derive(Debug, clap::Args)]
struct RunArgs {
    /// The drill's name.
    drill: String,
    #[command(flatten)]
    place: Where,
    /// Let plans of these kinds act on what the drill touches, where `auto` is not yet earned; `all` for every kind.
    #[arg(long, value_delimiter = ',', value_name = "KIND", num_args = 0..=1, require_equals = true, default_missing_value = "all")]
    consent: Vec<String>,
    /// Return at once and do not wait for the verdict.
    #[arg(long)]
    no_wait: bool,
    /// Print the run as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Deserialize)]
struct Begun {
    run: DrillRunId,
}

/// The kinds of action that a consent can name.
const KINDS: [(&str, ActionKind); 4] = [
    ("restart", ActionKind::Restart),
    ("shift-traffic", ActionKind::ShiftTraffic),
    ("scale", ActionKind::Scale),
    ("promote", ActionKind::Promote),
];

pub(crate) fn run(args: &DrillArgs) -> anyhow::Result<ExitCode> {
    match &args.verb {
        Verb::List(show) => list(show),
        Verb::Run(args) => begin(args),
        Verb::Show { run, show } => {
            let reading = show.read()?;
            let record = find(&reading, run)?;
            if show.json {
                print_json(record)?;
            } else {
                print(&reading, record, show);
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn list(show: &Show) -> anyhow::Result<ExitCode> {
    let reading = show.read()?;
    let last = |drill: &DrillId| reading.book.drills.values().rev().find(|run| run.drill == *drill);
    if show.json {
        let drills: Vec<_> = reading
            .estate
            .drills
            .iter()
            .map(|(id, drill)| serde_json::json!({ "id": id, "drill": drill, "last": last(id) }))
            .collect();
        print_json(&drills)?;
        return Ok(ExitCode::SUCCESS);
    }
    let format = show.format();
    let heading = |key: &str| text(format.language, key, &[]);
    let mut rows =
        table(&["cli-drill", "cli-breaks", "cli-holds", "cli-last-verdict", "cli-last-run"].map(heading));
    for (id, drill) in &reading.estate.drills {
        let breaks = match &drill.fault {
            dinghai_estate::DrillFault::KillInstance(id) => format!("kill-instance {id}"),
            dinghai_estate::DrillFault::HangInstance(id) => format!("hang-instance {id}"),
            dinghai_estate::DrillFault::KillPlace(id) => format!("kill-place {id}"),
        };
        let run = last(id);
        rows.add_row([
            id.to_string(),
            breaks,
            span(format.language, drill.hold),
            run.map_or(heading("cli-never-run"), |run| {
                dinghai_pages::drill_state(format.language, run.state)
            }),
            run.map_or(String::new(), |run| format.moment(run.started.0, reading.now)),
        ]);
    }
    say!("{rows}");
    Ok(ExitCode::SUCCESS)
}

fn begin(args: &RunArgs) -> anyhow::Result<ExitCode> {
    let consent = consent(&args.consent)?;
    let path = format!("/api/v1/drills/{}/run", args.drill);
    let begun: Begun = post(&args.place.data, &path, &serde_json::json!({ "consent": consent }))?;
    if args.no_wait {
        say!("{} has begun; `dinghai drill show {}` tells how it goes", begun.run, begun.run.0);
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("{} has begun", begun.run);
    let show = Show::of(&args.place.data, args.json);
    let reading = wait_for_end(&show, begun.run)?;
    let Some(record) = reading.book.drills.get(&begun.run) else {
        bail!("{} is not in the ledger", begun.run)
    };
    if args.json {
        print_json(record)?;
    } else {
        print(&reading, record, &show);
    }
    let passed = record.state == DrillState::Ended(dinghai_record::Verdict::Passed);
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Waits until the run has ended, and says on standard error how far it has come.
fn wait_for_end(show: &Show, run: DrillRunId) -> anyhow::Result<Reading> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let language = super::reading::language();
    let mut said = None;
    loop {
        let reading = show.read()?;
        let state = reading.book.drills.get(&run).map(|record| record.state);
        if state != said {
            if let Some(state) = state {
                eprintln!("  {}", dinghai_pages::drill_state(language, state));
            }
            said = state;
        }
        if state.is_some_and(|state| !state.is_open()) {
            return Ok(reading);
        }
        // The timer belongs to the runtime, so it is made inside.
        runtime.block_on(async { tokio::time::sleep(Duration::from_millis(300)).await });
    }
}

fn consent(words: &[String]) -> anyhow::Result<BTreeSet<ActionKind>> {
    if words.iter().any(|word| word == "all") {
        return Ok(KINDS.iter().map(|(_, kind)| *kind).collect());
    }
    words
        .iter()
        .map(|word| match KINDS.iter().find(|(name, _)| name == word) {
            Some((_, kind)) => Ok(*kind),
            None => {
                bail!("`{word}` is not a kind of action; use restart, shift-traffic, scale, promote or all")
            }
        })
        .collect()
}

fn find<'a>(reading: &'a Reading, run: &str) -> anyhow::Result<&'a DrillRecord> {
    let number = run.trim_start_matches("D-").parse().map(DrillRunId).ok();
    let by_number = number.and_then(|number| reading.book.drills.get(&number));
    let by_name = || reading.book.drills.values().rev().find(|record| record.drill.as_str() == run);
    match by_number.or_else(by_name) {
        Some(record) => Ok(record),
        None => bail!("there is no run `{run}` of a drill; `dinghai drill list` lists the drills"),
    }
}

fn print(reading: &Reading, record: &DrillRecord, show: &Show) {
    let format = show.format();
    let language = format.language;
    say!("{} {}: {}", record.run, record.drill, dinghai_pages::drill_state(language, record.state));
    say!("{}  {}", fault(language, &record.fault), format.moment(record.started.0, reading.now));
    for each in &record.reasons {
        say!("  – {}", reason(language, each));
    }
    let Measures {
        requests, failed, rescued, failing_ms, ejected_ms, incident_ms, acted_ms, healed_ms, ..
    } = record.measures;
    let unknown = || text(language, "cli-unknown", &[]);
    let count = |n: Option<u64>| n.map_or_else(unknown, |n| dinghai_pages::count(language, n));
    let time = |ms: Option<u64>| ms.map_or_else(unknown, |ms| span(language, Duration::from_millis(ms)));
    let rows = [
        ("cli-requests", count(requests)),
        ("cli-failed", count(failed)),
        ("cli-rescued", count(rescued)),
        ("cli-failing", time(failing_ms)),
        ("cli-ejected", time(ejected_ms)),
        ("cli-incident-after", time(incident_ms)),
        ("cli-acted", time(acted_ms)),
        ("cli-healed", time(healed_ms)),
    ];
    for (key, value) in rows {
        say!("  {:<34} {value}", text(language, key, &[]));
    }
}
