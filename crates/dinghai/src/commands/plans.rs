//! `dinghai plans`, `dinghai plan show`, `dinghai approve` and `dinghai decline`.

use std::process::ExitCode;

use anyhow::bail;
use dinghai_pages::{action, condition, reason, text};
use dinghai_record::{PlanId, PlanRecord, StepClass, StepOutcome, StepState};

use super::controller::{Where, post};
use super::output::say;
use super::reading::{Reading, Show, print_json, table};

/// List plans, newest last.
#[derive(Debug, clap::Args)]
pub(crate) struct PlansArgs {
    #[command(flatten)]
    show: Show,
    /// Only those that may still act.
    #[arg(long)]
    open: bool,
    /// At most so many, the newest.
    #[arg(short = 'n', long, default_value_t = 50, value_name = "N")]
    limit: usize,
}

/// Show one plan.
#[derive(Debug, clap::Args)]
pub(crate) struct PlanArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Show its reasons and steps.
    Show {
        /// Its number.
        plan: u64,
        #[command(flatten)]
        show: Show,
    },
}

/// Let a waiting plan run.
#[derive(Debug, clap::Args)]
pub(crate) struct ApproveArgs {
    /// The plan's number.
    plan: u64,
    #[command(flatten)]
    place: Where,
}

/// Do not let a waiting plan run.
#[derive(Debug, clap::Args)]
pub(crate) struct DeclineArgs {
    /// The plan's number.
    plan: u64,
    /// Why; it is kept in the ledger.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    place: Where,
}

pub(crate) fn list(args: &PlansArgs) -> anyhow::Result<ExitCode> {
    let reading = args.show.read()?;
    let wanted = |record: &&PlanRecord| !args.open || record.state.is_open();
    let mut shown: Vec<&PlanRecord> =
        reading.book.plans.values().rev().filter(wanted).take(args.limit).collect();
    shown.reverse();
    if args.show.json {
        print_json(&shown)?;
        return Ok(ExitCode::SUCCESS);
    }
    let format = args.show.format();
    let heading = |key: &str| text(format.language, key, &[]);
    if shown.is_empty() {
        say!("{}", heading("cli-no-plans"));
        return Ok(ExitCode::SUCCESS);
    }
    let mut rows = table(&["cli-plan", "cli-state", "cli-proposed", "cli-what"].map(heading));
    for record in shown {
        rows.add_row([
            record.plan.id.0.to_string(),
            dinghai_pages::plan_state(format.language, record.state),
            format.moment(record.proposed.0, reading.now),
            reason(format.language, &record.plan.title),
        ]);
    }
    say!("{rows}");
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn one(args: &PlanArgs) -> anyhow::Result<ExitCode> {
    let Verb::Show { plan, show } = &args.verb;
    let reading = show.read()?;
    let Some(record) = reading.book.plans.get(&PlanId(*plan)) else {
        bail!("there is no plan {plan}; `dinghai plans` lists them");
    };
    if show.json {
        print_json(record)?;
    } else {
        print(&reading, record, show);
    }
    Ok(ExitCode::SUCCESS)
}

fn print(reading: &Reading, record: &PlanRecord, show: &Show) {
    let format = show.format();
    let language = format.language;
    say!(
        "{} · {} · {}",
        record.plan.id,
        reason(language, &record.plan.title),
        dinghai_pages::plan_state(language, record.state)
    );
    say!("{}", format.moment(record.proposed.0, reading.now));
    let verdict = record.verdict.iter().flat_map(|(_, reasons)| reasons);
    for each in record.plan.reasons.iter().chain(verdict) {
        say!("  – {}", reason(language, each));
    }
    say!();
    for (step, at) in record.plan.steps.iter().zip(&record.steps) {
        say!(
            "  {:>2}  {}  [{}]  {}",
            step.no.0,
            action(language, &step.action),
            dinghai_pages::step_class(language, &step.class),
            dinghai_pages::step_state(language, &at.state)
        );
        if let StepClass::Reversible(undo) | StepClass::Compensable(undo) = &step.class {
            say!("      {}", text(language, "cli-undo", &[("action", action(language, undo))]));
        }
        if let Some(verify) = &step.verify {
            say!(
                "      {}",
                text(language, "cli-verified-by", &[("condition", condition(language, verify))])
            );
        }
        if let StepState::Ended(StepOutcome::Failed(reasons))
        | StepState::Undone(StepOutcome::Failed(reasons)) = &at.state
        {
            for each in reasons {
                say!("      ! {}", reason(language, each));
            }
        }
    }
}

pub(crate) fn approve(args: &ApproveArgs) -> anyhow::Result<ExitCode> {
    let path = format!("/api/v1/plans/{}/approve", args.plan);
    let _: serde_json::Value = post(&args.place.data, &path, &serde_json::json!({}))?;
    say!("plan {} is approved", args.plan);
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn decline(args: &DeclineArgs) -> anyhow::Result<ExitCode> {
    let path = format!("/api/v1/plans/{}/decline", args.plan);
    let _: serde_json::Value = post(&args.place.data, &path, &serde_json::json!({ "reason": args.reason }))?;
    say!("plan {} is declined", args.plan);
    Ok(ExitCode::SUCCESS)
}
