//! Runs the commands of the README, so that they stay true.
//!
//! Blocks marked `sh` are commands, run in order by `bash -euo pipefail` in the root of the clone; blocks marked
//! `console` show what a person does beside a running program, and are not run. `cargo xtask` is left out, since this is
//! it, and `cargo demo` runs last, ends by itself and leaves its figures in `target/demo.json`.

use anyhow::{Context, Result, bail};

use crate::tool;

pub(super) fn check() -> Result<()> {
    let file = tool::root().join("README.md");
    let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let (demos, others): (Vec<&str>, Vec<&str>) =
        commands(&text).into_iter().partition(|command| command.starts_with("cargo demo"));
    if demos.is_empty() {
        bail!("README.md shows no `cargo demo` in a block marked `sh`");
    }
    for command in others.into_iter().filter(|command| !command.starts_with("cargo xtask")) {
        tool::call("bash", &["-euo", "pipefail", "-c", command])?;
    }
    demo()
}

fn demo() -> Result<()> {
    let figures = tool::target().join("demo.json");
    std::fs::create_dir_all(tool::target()).context("cannot make the target folder")?;
    let mut demo = tool::command("cargo")?;
    tool::run(demo.args(["demo", "--exit", "--json"]).arg(&figures))?;
    let text = std::fs::read_to_string(&figures)
        .with_context(|| format!("the demo left no figures in {}", figures.display()))?;
    println!("figures: {}", figures.display());
    let figures =
        serde_json::from_str(&text).with_context(|| format!("{} is not JSON", figures.display()))?;
    super::demo::judge(&figures)
}

/// The command lines of the blocks marked `sh`, without comments.
fn commands(text: &str) -> Vec<&str> {
    let mut inside = None;
    let mut commands = Vec::new();
    for line in text.lines().map(str::trim) {
        match (inside, line.strip_prefix("```")) {
            (None, Some(mark)) => inside = Some(mark == "sh"),
            (Some(_), Some(_)) => inside = None,
            (Some(true), None) => {
                let command = line.split(" #").next().unwrap_or_default().trim();
                if !command.is_empty() && !command.starts_with('#') {
                    commands.push(command);
                }
            }
            (_, None) => {}
        }
    }
    commands
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_blocks_marked_sh_are_commands() {
        let text = "a `x`\n```sh\n# first\ncargo demo   # two minutes\n\ncargo build\n```\n```console\n$ no\n```\n```\nno\n```\n";
        assert_eq!(commands(text), ["cargo demo", "cargo build"]);
    }
}
