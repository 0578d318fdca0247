//! `dinghai completion SHELL`: completions for a shell.

use std::process::ExitCode;

use clap_complete::Shell;

use super::output::print;

/// Print completions for a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "\
  bash  dinghai completion bash > ~/.local/share/bash-completion/completions/dinghai
  zsh   dinghai completion zsh > \"${fpath[1]}/_dinghai\"
  fish  dinghai completion fish > ~/.config/fish/completions/dinghai.fish")]
pub(crate) struct CompletionArgs {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(args: &CompletionArgs, mut program: clap::Command) -> anyhow::Result<ExitCode> {
    // Made whole first: the generator panics when its reader has seen enough.
    let mut script = vec![];
    clap_complete::generate(args.shell, &mut program, "dinghai", &mut script);
    print(format_args!("{}", String::from_utf8_lossy(&script)));
    Ok(ExitCode::SUCCESS)
}
