//! Programs that we call, and where those live that we installed ourselves.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// The root of the clone.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Where cargo puts what it builds.
pub(crate) fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Where tools are installed that this machine lacks: in `DINGHAI_CACHE` when it is set, so that they outlive the clone.
pub(crate) fn tools() -> PathBuf {
    env::var_os("DINGHAI_CACHE").map_or_else(target, PathBuf::from).join("tools")
}

/// A command in the root of the clone that finds our tools.
pub(crate) fn command(program: &str) -> Result<Command> {
    let path = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths([tools().join("bin")].into_iter().chain(env::split_paths(&path)))
        .context("`PATH` cannot be extended by our tools")?;
    let mut command = Command::new(program);
    command.current_dir(root()).env("PATH", path).stdin(Stdio::null());
    Ok(command)
}

/// Runs it with its output shown; anything but success is an error.
pub(crate) fn call(program: &str, args: &[&str]) -> Result<()> {
    run(command(program)?.args(args))
}

/// As [`call`], for a command made elsewhere.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let shown = show(command);
    println!("$ {shown}");
    let status = command.status().with_context(|| format!("`{shown}` could not be started"))?;
    if !status.success() {
        bail!("`{shown}` ended with {status}");
    }
    Ok(())
}

/// Whether it can be called and says so.
pub(crate) fn answers(program: &str, args: &[&str]) -> Result<bool> {
    let mut command = command(program)?;
    command.args(args).stdout(Stdio::null()).stderr(Stdio::null());
    Ok(command.status().is_ok_and(|status| status.success()))
}

fn show(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
