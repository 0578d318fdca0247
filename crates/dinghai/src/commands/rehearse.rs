//! `dinghai rehearse`: random faults on a simulated estate, and scenarios written by people.
//!
//! The engine is the real one; machines, processes, gateways, hand, ledger and time are simulated. Nothing of the
//! estate is started or asked. An instance without `run` is simulated as somebody else's: they start it again.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use dinghai_clock::{Clock, SystemClock, format_span};
use dinghai_estate::{Decoded, Estate, Files, decode};
use dinghai_sim::{Campaign, CampaignReport, Played, SHOP, Script, play, run_campaign, run_episode};
use serde_json::json;

use super::check::{problems_page, read};
use super::reading::{print_json, table};

/// Rehearse random failures of an estate in simulated time
///
/// Ends with 0 when every law held, 1 when one was broken, 2 when a file cannot be read or used.
#[derive(Debug, clap::Args)]
pub(crate) struct RehearseArgs {
    /// The estate's file, or the folder with its `dinghai.yaml`; a small shop when not stated
    estate: Option<PathBuf>,
    /// Go on until so many incidents were opened
    #[arg(long, default_value_t = 1000, conflicts_with_all = ["episode", "scenario"])]
    incidents: u64,
    /// What everything is drawn from; the same seed gives the same campaign
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Play only this episode of the campaign and tell it line by line
    #[arg(long, value_name = "NUMBER", conflicts_with = "scenario")]
    episode: Option<u64>,
    /// Play this scenario and tell it line by line
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
    /// How many episodes are played at once; as many as there are processors when not stated
    #[arg(long)]
    threads: Option<usize>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &RehearseArgs) -> anyhow::Result<ExitCode> {
    let script = match &args.scenario {
        Some(file) => {
            let text =
                std::fs::read_to_string(file).with_context(|| format!("cannot read `{}`", file.display()))?;
            match Script::parse(&text) {
                Ok(script) => Some((file, script)),
                Err(error) => return Ok(refuse(file, &error)),
            }
        }
        None => None,
    };
    let named = script.as_ref().and_then(|(file, script)| Some(file.with_file_name(script.estate.as_ref()?)));
    let decoded = match args.estate.clone().or(named) {
        Some(path) => read(&path),
        None => decode("shop.yaml", &Shop),
    };
    eprint!("{}", problems_page(&decoded)?);
    let Decoded { estate: Some(estate), .. } = decoded else { return Ok(ExitCode::from(2)) };
    let estate = Arc::new(estate);
    if let Some((file, script)) = script {
        return match play(&script, estate, None) {
            Ok(played) => tell(args, &script, &played),
            Err(error) => Ok(refuse(file, &error)),
        };
    }
    let threads =
        args.threads.or_else(|| std::thread::available_parallelism().ok().map(Into::into)).unwrap_or(1);
    let campaign = Campaign { estate, incidents: args.incidents, seed: args.seed, threads, defect: None };
    match args.episode {
        Some(number) => {
            let (script, played) = run_episode(&campaign, number)?;
            tell(args, &script, &played)
        }
        None => rehearse(args, &campaign),
    }
}

/// The shop that comes with the program.
struct Shop;

impl Files for Shop {
    fn read(&self, _: &str) -> Result<String, String> {
        Ok(SHOP.to_owned())
    }
}

fn refuse(file: &Path, error: &dyn std::fmt::Display) -> ExitCode {
    for line in error.to_string().lines() {
        eprintln!("dinghai: {}: {line}", file.display());
    }
    ExitCode::from(2)
}

fn ends_with(broken: bool) -> ExitCode {
    if broken { ExitCode::from(1) } else { ExitCode::SUCCESS }
}

/// One script and what came of it.
fn tell(args: &RehearseArgs, script: &Script, played: &Played) -> anyhow::Result<ExitCode> {
    if args.json {
        let story: Vec<&str> = played.story.lines().collect();
        print_json(
            &json!({ "script": script.to_string(), "story": story, "violations": played.violations }),
        )?;
    } else {
        print!("{script}--\n{}", played.story);
    }
    Ok(ends_with(!played.violations.is_empty()))
}

fn rehearse(args: &RehearseArgs, campaign: &Campaign) -> anyhow::Result<ExitCode> {
    let clock = SystemClock::new();
    let began = clock.now();
    let report = run_campaign(campaign)?;
    let took = clock.now().since(began);
    if args.json {
        let mut value = serde_json::to_value(&report)?;
        if let Some(object) = value.as_object_mut() {
            object.insert("took_ms".to_owned(), json!(u64::try_from(took.as_millis())?));
        }
        print_json(&value)?;
    } else {
        print!("{}", page(&report, &campaign.estate, took));
    }
    Ok(ends_with(!report.violations.is_empty()))
}

fn page(report: &CampaignReport, estate: &Estate, took: Duration) -> String {
    let whole = |seconds| format_span(Duration::from_secs(seconds));
    let mut text = format!(
        "{}: {} incidents in {} episodes, {} of simulated time in {}, seed {}\n{} ledger entries; in {} episodes \
         every finding had cleared at the end\n",
        estate.name,
        report.incidents,
        report.episodes,
        whole(report.simulated_s),
        format_span(Duration::from_millis(u64::try_from(took.as_millis()).unwrap_or(u64::MAX))),
        report.seed,
        report.entries,
        report.recovered,
    );
    text.push_str(&histogram("FAULTS", report.faults.iter().map(|(name, count)| (name.clone(), *count))));
    let an_episode = report.faults_an_episode.iter().map(|(faults, count)| (faults.to_string(), *count));
    text.push_str(&histogram("FAULTS AN EPISODE", an_episode));
    for (title, counts) in
        [("INCIDENTS BY WORST GRADE", &report.grades), ("PLANS", &report.plans), ("DRILLS", &report.drills)]
    {
        text.push_str(&histogram(title, counts.iter().map(|(name, count)| (name.clone(), *count))));
    }
    if report.violations.is_empty() {
        text.push_str("\nevery law held\n");
    } else {
        let mut rows = table(&["EPISODE", "LAW", "AT", "WHAT"].map(str::to_owned));
        for (episode, violation) in &report.violations {
            let at = violation.at.to_string();
            rows.add_row([episode.to_string(), violation.law.to_string(), at, violation.what.clone()]);
        }
        text.push_str(&format!(
            "\n{rows}\n\n{} violations; `dinghai rehearse --seed {} --episode NUMBER` plays one of these again\n",
            report.violations.len(),
            report.seed,
        ));
    }
    text
}

/// Bars of up to forty signs, the longest for the most.
fn histogram(title: &str, counts: impl Iterator<Item = (String, u64)>) -> String {
    let counts: Vec<(String, u64)> = counts.collect();
    let most = counts.iter().map(|(_, count)| *count).max().unwrap_or_default();
    if most == 0 {
        return String::new();
    }
    let mut rows = table(&[title, "", ""].map(str::to_owned));
    for (name, count) in counts {
        let signs = usize::try_from((count * 40).div_ceil(most)).unwrap_or_default();
        rows.add_row([name, count.to_string(), "#".repeat(signs)]);
    }
    format!("\n{}\n", rows.to_string().lines().map(str::trim_end).collect::<Vec<_>>().join("\n"))
}
