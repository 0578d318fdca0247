//! `cargo xtask eval infra DIR…`: `dinghai check` on other people's infrastructures.
//!
//! Every sub-folder of each DIR is checked by itself with the release binary, as a user would; a DIR without sub-folders is one. The table
//! says how much was understood: a resource counts as placed only when its places are known, so an unknown place lowers the share.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde::Serialize;
use serde_json::Value;

use crate::tool;

#[derive(Args)]
pub(crate) struct InfraArgs {
    /// Folders of infrastructures.
    #[arg(required = true, value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// The program to run, instead of one that is built for it.
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
}

/// One infrastructure.
#[derive(Debug, Default, PartialEq, Serialize)]
struct Row {
    name: String,
    files: Option<u64>,
    estates: u64,
    formats: BTreeSet<String>,
    placed: u64,
    reasoned: u64,
    unknown: u64,
    ignored: u64,
    findings: BTreeMap<String, u64>,
    unseen: u64,
    seconds: f64,
    /// The exit code; none when it was killed.
    exit: Option<i32>,
    /// Why there is no report.
    failed: Option<String>,
}

pub(crate) fn run(args: &InfraArgs) -> Result<()> {
    let binary = match &args.binary {
        Some(binary) => std::path::absolute(binary)?,
        None => build()?,
    };
    let mut rows = Vec::new();
    for root in &args.folders {
        for folder in subfolders(root)? {
            let row = check(&binary, &folder);
            println!("{}", row.line());
            rows.push(row);
        }
    }
    let total = sum(&rows);
    println!("\n{}\n{}", HEAD, rows.iter().chain([&total]).map(Row::line).collect::<Vec<_>>().join("\n"));
    let folder = tool::target().join("eval");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let file = folder.join("infra.json");
    let figures = serde_json::json!({ "infrastructures": rows, "all": total });
    fs::write(&file, serde_json::to_string_pretty(&figures)?)
        .with_context(|| format!("cannot write {}", file.display()))?;
    let broken = rows.iter().filter(|row| row.failed.is_some()).count();
    match broken {
        0 => Ok(()),
        _ => bail!("{broken} of {} could not be checked", rows.len()),
    }
}

fn build() -> Result<PathBuf> {
    tool::call("cargo", &["build", "--release", "--locked", "-p", "dinghai"])?;
    Ok(tool::target().join("release/dinghai"))
}

/// The folders in it, by name; itself when there are none.
fn subfolders(root: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(root).with_context(|| format!("cannot list {}", root.display()))?;
    let mut folders = Vec::new();
    for entry in entries {
        let entry = entry?;
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if !hidden && entry.path().is_dir() {
            folders.push(entry.path());
        }
    }
    folders.sort();
    if folders.is_empty() {
        folders.push(root.to_owned());
    }
    Ok(folders)
}

#[expect(clippy::disallowed_methods, reason = "a developer's command measures how long a program takes")]
fn check(binary: &Path, folder: &Path) -> Row {
    let start = Instant::now();
    let output = Command::new(binary).arg("check").arg(folder).arg("--json").output();
    let took = start.elapsed();
    let name = folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy().into_owned();
    match output {
        Err(error) => Row { name, failed: Some(error.to_string()), ..Row::default() },
        Ok(output) => {
            let report = serde_json::from_slice(&output.stdout);
            let words = String::from_utf8_lossy(&output.stderr).lines().next().unwrap_or_default().to_owned();
            row(name, report.map_err(|_| words), took, output.status.code())
        }
    }
}

fn row(name: String, report: Result<Value, String>, took: Duration, exit: Option<i32>) -> Row {
    let mut row = Row { name, seconds: took.as_secs_f64(), exit, ..Row::default() };
    match report {
        Err(words) => row.failed = Some(words),
        Ok(report) => {
            let files = report.get("files");
            let of = |what: &str| files.and_then(|files| count(files.get(what)));
            row.files = of("understood").into_iter().chain(of("other")).reduce(|a, b| a + b);
            for estate in report.get("inventories").and_then(Value::as_array).into_iter().flatten() {
                row.add(estate);
            }
        }
    }
    row
}

/// A number, or how many a list or map holds.
fn count(value: Option<&Value>) -> Option<u64> {
    match value? {
        Value::Number(number) => number.as_u64(),
        Value::Array(items) => Some(items.len() as u64),
        Value::Object(map) => Some(map.len() as u64),
        _ => None,
    }
}

impl Row {
    fn add(&mut self, estate: &Value) {
        self.estates += 1;
        let formats = estate.get("formats").and_then(Value::as_array).into_iter().flatten();
        self.formats.extend(formats.filter_map(Value::as_str).map(str::to_owned));
        let total = estate.get("coverage").and_then(|coverage| coverage.get("total"));
        let of = |handling: &str| total.and_then(|total| total.get(handling)?.as_u64()).unwrap_or(0);
        self.placed += of("placed");
        self.reasoned += of("reasoned");
        self.unknown += of("unknown");
        self.ignored += of("ignored");
        for finding in estate.get("findings").and_then(Value::as_array).into_iter().flatten() {
            let state = finding.get("state").and_then(Value::as_str).unwrap_or("?");
            *self.findings.entry(state.to_owned()).or_default() += 1;
        }
        self.unseen += count(estate.get("unseen")).unwrap_or(0);
    }

    /// Of what matters, how much has known places: those placed among those placed or unknown.
    fn share(&self) -> Option<u64> {
        (self.placed * 100).checked_div(self.placed + self.unknown)
    }

    fn line(&self) -> String {
        if let Some(failed) = &self.failed {
            return format!("{:<32} failed: {failed}", self.name);
        }
        let shown = |number: Option<u64>| number.map_or_else(|| "–".to_owned(), |number| number.to_string());
        let state = |state: &str| self.findings.get(state).copied().unwrap_or(0);
        format!(
            "{:<32} {:>5} {:>7} {:>6} {:>8} {:>7} {:>7} {:>5} {:>6} {:>4} {:>7} {:>6} {:>7.2}  {}",
            self.name,
            shown(self.files),
            self.estates,
            self.placed,
            self.reasoned,
            self.unknown,
            self.ignored,
            self.share().map_or_else(|| "–".to_owned(), |share| format!("{share} %")),
            state("broken"),
            state("weak"),
            state("unknown"),
            self.unseen,
            self.seconds,
            self.formats.iter().map(String::as_str).collect::<Vec<_>>().join(", "),
        )
    }
}

const HEAD: &str = "infrastructure                   files estates placed reasoned unknown ignored share broken weak unknown unseen seconds  formats";

fn sum(rows: &[Row]) -> Row {
    let mut total = Row { name: "all".to_owned(), ..Row::default() };
    for row in rows {
        total.files = total.files.into_iter().chain(row.files).reduce(|a, b| a + b);
        total.estates += row.estates;
        total.formats.extend(row.formats.iter().cloned());
        total.placed += row.placed;
        total.reasoned += row.reasoned;
        total.unknown += row.unknown;
        total.ignored += row.ignored;
        total.unseen += row.unseen;
        total.seconds += row.seconds;
        for (state, count) in &row.findings {
            *total.findings.entry(state.clone()).or_default() += count;
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Value {
        let estate = |state: &str| {
            serde_json::json!({
                "formats": ["terraform"],
                "coverage": { "total": { "placed": 3, "reasoned": 2, "unknown": 1, "ignored": 0 }, "kinds": {} },
                "unseen": [{}],
                "findings": [{ "state": state }],
            })
        };
        serde_json::json!({
            "files": { "understood": 2, "other": ["c.json"] },
            "inventories": [estate("broken"), estate("unknown")],
        })
    }

    #[test]
    fn estates_of_a_report_add_up() {
        let row = row("x".to_owned(), Ok(report()), Duration::from_millis(20), Some(1));
        assert_eq!((row.files, row.estates, row.unseen), (Some(3), 2, 2));
        assert_eq!((row.placed, row.reasoned, row.unknown, row.ignored), (6, 4, 2, 0));
        assert_eq!(row.share(), Some(75), "what is unknown does not count as placed");
        assert_eq!(row.findings, BTreeMap::from([("broken".to_owned(), 1), ("unknown".to_owned(), 1)]));
        assert_eq!(sum(&[row]).placed, 6);
    }

    #[test]
    fn what_gives_no_report_says_why() {
        let row = row("x".to_owned(), Err("panicked".to_owned()), Duration::ZERO, None);
        assert!(row.line().contains("failed: panicked"));
    }

    #[test]
    fn nothing_to_place_has_no_share() {
        assert_eq!(Row::default().share(), None);
    }
}
