//! `dinghai explain`: what a rule of `check` is about.

use std::process::ExitCode;

use anyhow::bail;
use dinghai_estate::Severity;
use dinghai_risk::State;
use serde::Serialize;

/// Say what a rule of `check` is about, or list the rules
#[derive(clap::Args)]
pub(crate) struct ExplainArgs {
    /// The rule, such as `single-point`; all in short when not given
    rule: Option<String>,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// A rule of either catalogue.
#[derive(Clone, Copy, Serialize)]
#[serde(untagged)]
enum Rule {
    /// Over whatever was read.
    Inventory(&'static dinghai_risk::Rule),
    /// Over `dinghai.yaml`.
    Estate(&'static dinghai_estate::Rule),
}

/// What people read of a rule.
struct Told {
    id: &'static str,
    weighs: &'static str,
    title: &'static str,
    why: &'static str,
    example: &'static str,
    fix: &'static str,
}

pub(crate) fn run(args: &ExplainArgs) -> anyhow::Result<ExitCode> {
    let rules = rules();
    let Some(id) = &args.rule else {
        match args.json {
            true => println!("{}", serde_json::to_string_pretty(&rules)?),
            false => print!("{}", list(&rules)),
        }
        return Ok(ExitCode::SUCCESS);
    };
    let Some(rule) = rules.iter().find(|rule| rule.told().id == id) else {
        let known: Vec<&str> = rules.iter().map(|rule| rule.told().id).collect();
        bail!("there is no rule `{id}`; the rules are `{}`", known.join("`, `"));
    };
    match args.json {
        true => println!("{}", serde_json::to_string_pretty(rule)?),
        false => print!("{}", page(&rule.told())),
    }
    Ok(ExitCode::SUCCESS)
}

/// All of them, by id.
fn rules() -> Vec<Rule> {
    let over_inventories = dinghai_risk::rules().iter().map(Rule::Inventory);
    let mut rules: Vec<Rule> =
        over_inventories.chain(dinghai_estate::rules().iter().map(Rule::Estate)).collect();
    rules.sort_by_key(|rule| rule.told().id);
    rules
}

impl Rule {
    fn told(self) -> Told {
        match self {
            Self::Inventory(&dinghai_risk::Rule { id, state, title, why, example, fix }) => {
                let weighs = match state {
                    State::Unknown => "unknown",
                    State::Weak => "weak",
                    State::Broken => "broken",
                };
                Told { id, weighs, title, why, example, fix }
            }
            Self::Estate(&dinghai_estate::Rule { id, severity, title, why, example, fix }) => {
                let weighs = match severity {
                    Severity::Warning => "warning",
                    Severity::Error => "error",
                };
                Told { id, weighs, title, why, example, fix }
            }
        }
    }
}

fn list(rules: &[Rule]) -> String {
    let line = |rule: &Rule| {
        let Told { id, weighs, title, .. } = rule.told();
        format!("{id:<22} {weighs:<8} {title}\n")
    };
    rules.iter().map(line).collect()
}

fn page(rule: &Told) -> String {
    let Told { id, weighs, title, why, example, fix } = rule;
    let example: String = example.lines().map(|line| format!("    {line}\n")).collect();
    format!("{id} ({weighs}): {title}\n\n{why}\n\nFor example:\n\n{example}\n{fix}\n")
}
