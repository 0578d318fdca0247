//! `dinghai diff`: what a change does to what stands, for the people who review it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use dinghai_clock::format_span;
use dinghai_risk::{Diff, Finding, Report, State, Turned, diff};

use super::check::exit;
use super::gather::Gathered;
use super::output::say;

/// Say what a change does: what stops now that stood before, which findings are new, and which are gone
///
/// Ends with 0 when the change brings nothing weak or broken, 1 when it brings something weak, 2 when something broken, 3 when the
/// input cannot be used.
#[derive(clap::Args)]
pub(crate) struct DiffArgs {
    /// The files before the change, as for `check`
    before: PathBuf,
    /// The files after it
    after: PathBuf,
    /// Print as JSON
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
    /// Print as Markdown, for a comment on a pull request
    #[arg(long)]
    markdown: bool,
}

/// One estate of both sides.
struct Pair {
    name: String,
    diff: Diff,
}

pub(crate) fn run(args: &DiffArgs) -> anyhow::Result<ExitCode> {
    Ok(exit::or_unusable(answer(args)))
}

fn answer(args: &DiffArgs) -> anyhow::Result<ExitCode> {
    let (before, after) = (Gathered::of(&args.before)?, Gathered::of(&args.after)?);
    for (gathered, path) in [(&before, &args.before), (&after, &args.after)] {
        if gathered.unusable() {
            bail!("an estate's file has mistakes; `dinghai check {}` shows them", path.display());
        }
        if gathered.estates.is_empty() {
            bail!("{}", gathered.nothing(path));
        }
    }
    let pairs = pairs(args, &before, &after);
    match () {
        () if args.json => {
            let all: Vec<serde_json::Value> = pairs
                .iter()
                .map(|pair| serde_json::json!({ "estate": pair.name, "diff": pair.diff }))
                .collect();
            say!("{}", serde_json::to_string_pretty(&all)?);
        }
        () => say!("{}", page(&pairs, args.markdown)),
    }
    Ok(match pairs.iter().filter_map(|pair| pair.diff.worst()).max() {
        Some(State::Broken) => ExitCode::from(2),
        Some(State::Weak) => ExitCode::from(1),
        Some(State::Unknown) | None => ExitCode::SUCCESS,
    })
}

/// The estates of both sides by name, seen from each side's own path. One that is on one side only is compared with nothing.
fn pairs(args: &DiffArgs, before: &Gathered, after: &Gathered) -> Vec<Pair> {
    let by_name = |gathered: &'_ Gathered, path: &PathBuf| -> BTreeMap<String, Report> {
        let prefix = path.display().to_string();
        let name = |name: &str| {
            let name = name.strip_prefix(&prefix).unwrap_or(name).trim_start_matches('/');
            if name.is_empty() { ".".to_owned() } else { name.to_owned() }
        };
        let all = gathered.estates.iter();
        all.map(|gained| (name(&gained.report.inventory.name), gained.report.clone())).collect()
    };
    let (old, new) = (by_name(before, &args.before), by_name(after, &args.after));
    if let ([(_, before)], [(name, after)]) =
        (old.iter().collect::<Vec<_>>().as_slice(), new.iter().collect::<Vec<_>>().as_slice())
    {
        return vec![Pair { name: (*name).clone(), diff: diff(before, after) }];
    }
    let names: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let nothing = dinghai_risk::look(dinghai_estate::Inventory::default(), &BTreeMap::new());
    let pair = |name: &String| Pair {
        name: name.clone(),
        diff: diff(old.get(name).unwrap_or(&nothing), new.get(name).unwrap_or(&nothing)),
    };
    names.into_iter().map(pair).collect()
}

fn page(pairs: &[Pair], markdown: bool) -> String {
    let changed: Vec<&Pair> = pairs.iter().filter(|pair| !pair.diff.is_empty()).collect();
    if changed.is_empty() {
        return "this change makes nothing weaker or stronger\n".to_owned();
    }
    let mut page = String::new();
    for pair in changed {
        let (head, bullet) = if markdown { ("### ", "- ") } else { ("", "  ") };
        page.push_str(&format!("{head}{}\n", pair.name));
        for line in lines(&pair.diff) {
            page.push_str(&format!("{bullet}{line}\n"));
        }
        page.push('\n');
    }
    page.truncate(page.trim_end().len());
    page.push('\n');
    page
}

fn lines(diff: &Diff) -> Vec<String> {
    let mut lines = Vec::new();
    let turned = |list: &[Turned], word: &str, mark: &str, lines: &mut Vec<String>| {
        for turned in list.iter().filter(|turned| !turned.is_new) {
            lines.push(format!(
                "{mark} this change makes the loss of {} {word} {}",
                turned.place, turned.service
            ));
        }
    };
    turned(&diff.lost, "stop", "✗", &mut lines);
    turned(&diff.won, "no longer stop", "●", &mut lines);
    let shown = |sign: &str, finding: &Finding| {
        let at = finding.because.first().map(|because| format!(" ({})", because.origin)).unwrap_or_default();
        format!("{sign} {} {}: {}{at}", word(finding.state), finding.rule, finding.sentence)
    };
    lines.extend(diff.new.iter().map(|finding| shown("+", finding)));
    lines.extend(diff.worse.iter().map(|(before, finding)| {
        format!("! {} → {}: {}", word(*before), word(finding.state), finding.sentence)
    }));
    lines.extend(
        diff.gone
            .iter()
            .map(|finding| format!("- gone: {} {}: {}", word(finding.state), finding.rule, finding.title)),
    );
    let span = |span: Option<Duration>| span.map_or_else(|| "unknown".to_owned(), format_span);
    lines.extend(diff.bounds.iter().map(|change| {
        let place = change.place.as_ref().map_or_else(|| "an instance".to_owned(), |place| place.to_string());
        format!(
            "~ recovery of {} from the loss of {place} takes at most {} instead of {}",
            change.service,
            span(change.after),
            span(change.before)
        )
    }));
    lines.extend(diff.core.new.iter().map(|service| format!("+ core service {service}")));
    lines.extend(diff.core.gone.iter().map(|service| format!("- core service {service}")));
    lines
}

fn word(state: State) -> &'static str {
    match state {
        State::Broken => "broken",
        State::Weak => "weak",
        State::Unknown => "unknown",
    }
}
