//! `dinghai explain`: what a rule of `check` is about.

use std::process::ExitCode;

use anyhow::bail;
use dinghai_estate::{Rule, Severity};

use super::check::every_rule;

/// Say what a rule of `check` is about, or list the rules
#[derive(clap::Args)]
pub(crate) struct ExplainArgs {
    /// The rule, such as `survive`; all in short when not given
    rule: Option<String>,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &ExplainArgs) -> anyhow::Result<ExitCode> {
    let rules = every_rule();
    let Some(id) = &args.rule else {
        match args.json {
            true => println!("{}", serde_json::to_string_pretty(&rules)?),
            false => print!("{}", list(&rules)),
        }
        return Ok(ExitCode::SUCCESS);
    };
    let Some(rule) = rules.iter().find(|rule| rule.id == id) else {
        let known: Vec<&str> = rules.iter().map(|rule| rule.id).collect();
        bail!("there is no rule `{id}`; the rules are `{}`", known.join("`, `"));
    };
    match args.json {
        true => println!("{}", serde_json::to_string_pretty(rule)?),
        false => print!("{}", page(rule)),
    }
    Ok(ExitCode::SUCCESS)
}

fn severity(rule: &Rule) -> &'static str {
    match rule.severity {
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

/// Each rule with the first sentence of its reason.
fn list(rules: &[Rule]) -> String {
    let line = |rule: &Rule| {
        let first = rule.why.split_inclusive(". ").next().unwrap_or_default();
        format!("{:<22} {:<8} {}\n", rule.id, severity(rule), first.trim_end())
    };
    rules.iter().map(line).collect()
}

fn page(rule: &Rule) -> String {
    let example: String = rule.example.lines().map(|line| format!("    {line}\n")).collect();
    format!("{} ({})\n\n{}\n\nFor example:\n\n{example}\n{}\n", rule.id, severity(rule), rule.why, rule.fix)
}
