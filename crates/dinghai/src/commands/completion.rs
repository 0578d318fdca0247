//! `dinghai completion SHELL`: completions for a shell.

use std::process::ExitCode;

use clap_complete::Shell;

/// Print completions for a shell.
#[derive(Debug, clap::Args)]
pub(crate) struct CompletionArgs {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(args: &CompletionArgs, mut program: clap::Command) -> anyhow::Result<ExitCode> {
    clap_complete::generate(args.shell, &mut program, "dinghai", &mut std::io::stdout());
    Ok(ExitCode::SUCCESS)
}
