//! `dinghai session-exec`, hidden: what the hand runs to start a process. See `docs/adr/0005-hand-and-supervisor.md`.

use std::ffi::OsString;
use std::process::ExitCode;

/// Open a session, wait to be let go, and become a program.
#[derive(Debug, clap::Args)]
pub(crate) struct SessionExecArgs {
    /// The program and its arguments.
    #[arg(last = true, required = true)]
    program: Vec<OsString>,
}

/// Returns only when the program does not run.
#[expect(clippy::unnecessary_wraps, reason = "commands have one shape")]
pub(crate) fn run(args: &SessionExecArgs) -> anyhow::Result<ExitCode> {
    Ok(dinghai_hands::session_exec(&args.program))
}
