//! `dinghai promises`: every promise, its target, its last proof and how old that is.

use std::process::ExitCode;

use dinghai_pages::{age, promise_measure, promise_state, promise_target, text};

use super::output::say;
use super::reading::{Show, print_json, table};

/// Show every promise: target, last proof, how old, and what voided it.
#[derive(Debug, clap::Args)]
pub(crate) struct PromisesArgs {
    #[command(flatten)]
    show: Show,
}

pub(crate) fn run(args: &PromisesArgs) -> anyhow::Result<ExitCode> {
    let reading = args.show.read()?;
    let board = dinghai_prove::board(&reading.estate, &reading.book, reading.now);
    if args.show.json {
        print_json(&board)?;
        return Ok(ExitCode::SUCCESS);
    }
    let format = args.show.format();
    let heading = |key: &str| text(format.language, key, &[]);
    let mut rows = table(
        &["cli-promise", "cli-state", "cli-target", "cli-measured", "cli-last-proof", "cli-void"]
            .map(heading),
    );
    for row in &board.rows {
        let proof = row.proof.as_ref();
        let measured = |value| promise_measure(format.language, &row.target, value);
        let voided = proof.and_then(|proof| proof.voided.as_ref()).map(|voided| voided.fact.clone());
        rows.add_row([
            row.promise.to_string(),
            promise_state(format.language, row.state),
            promise_target(format.language, &row.target),
            row.measured.map_or_else(|| heading("cli-unknown"), measured),
            proof.map_or_else(String::new, |proof| age(format.language, reading.now.since(proof.at))),
            voided.unwrap_or_default(),
        ]);
    }
    say!("{rows}");
    Ok(ExitCode::SUCCESS)
}
