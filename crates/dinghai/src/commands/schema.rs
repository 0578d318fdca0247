//! `dinghai schema`: the JSON Schema of the estate's files.

use std::process::ExitCode;

use super::output::say;

/// Print the JSON Schema of an estate's files, for completion in an editor
#[derive(clap::Args)]
pub(crate) struct SchemaArgs {}

pub(crate) fn run(_args: &SchemaArgs) -> anyhow::Result<ExitCode> {
    say!("{}", serde_json::to_string_pretty(&dinghai_estate::json_schema())?);
    Ok(ExitCode::SUCCESS)
}
