//! What was tried, what failed, and what was worst.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use dinghai_import::SourceFile;
use serde_json::{Value, json};

/// Why an input failed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Failure {
    /// The importers panicked: where, and with what words.
    Panic(String),
    /// The order of the files made a difference.
    Order,
}

/// Figures of the inputs in which files of one ending were changed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures {
    inputs: u64,
    bytes: u64,
    /// The longest, and the input's number.
    slowest: (Duration, u64),
    /// The most memory that was in use, in MiB, and the input's number.
    largest: (u64, u64),
}

/// What came of all inputs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    all: Figures,
    by_kind: BTreeMap<String, Figures>,
    /// Failures with the first input that showed each, and how many did.
    pub(crate) failures: BTreeMap<Failure, (u64, u64)>,
}

impl Figures {
    fn count(&mut self, number: u64, bytes: u64, took: Duration, mib: u64) {
        self.inputs += 1;
        self.bytes += bytes;
        self.slowest = self.slowest.max((took, number));
        self.largest = self.largest.max((mib, number));
    }

    fn json(&self) -> Value {
        json!({
            "inputs": self.inputs,
            "bytes": self.bytes,
            "slowest_ms": self.slowest.0.as_secs_f64() * 1e3,
            "slowest_input": self.slowest.1,
            "largest_mib": self.largest.0,
            "largest_input": self.largest.1,
        })
    }
}

impl Tally {
    pub(crate) fn count(
        &mut self,
        number: u64,
        kinds: &[String],
        files: &[SourceFile],
        took: Duration,
        mib: u64,
    ) {
        let bytes = files.iter().map(|file| file.text.len() as u64).sum();
        self.all.count(number, bytes, took, mib);
        let kinds: std::collections::BTreeSet<&String> = kinds.iter().collect();
        for kind in kinds {
            self.by_kind.entry(kind.clone()).or_default().count(number, bytes, took, mib);
        }
    }

    /// Notes a failure; whether it is a new one.
    pub(crate) fn failed(&mut self, number: u64, failure: Failure) -> bool {
        let (_, count) = self.failures.entry(failure).or_insert((number, 0));
        *count += 1;
        *count == 1
    }

    pub(crate) fn json(&self, seed: u64, seconds: u64) -> Value {
        let failures: Vec<Value> = self
            .failures
            .iter()
            .map(|(failure, (first, count))| json!({ "what": failure.to_string(), "first": first, "count": count }))
            .collect();
        let kinds: BTreeMap<&String, Value> =
            self.by_kind.iter().map(|(kind, figures)| (kind, figures.json())).collect();
        json!({ "seed": seed, "seconds": seconds, "all": self.all.json(), "kinds": kinds, "failures": failures })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panic(what) => write!(f, "panic at {what}"),
            Self::Order => f.write_str("the order of the files made a difference"),
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:8} {:>9} {:>9} {:>12} {:>9}", "changed", "inputs", "MiB", "slowest ms", "most MiB")?;
        let all = "all".to_owned();
        for (kind, figures) in self.by_kind.iter().chain([(&all, &self.all)]) {
            let mib = figures.bytes / 1024 / 1024;
            let slowest = figures.slowest.0.as_secs_f64() * 1e3;
            writeln!(f, "{kind:8} {:>9} {mib:>9} {slowest:>12.1} {:>9}", figures.inputs, figures.largest.0)?;
        }
        for (failure, (first, count)) in &self.failures {
            writeln!(f, "failed {count} times, first with input {first}: {failure}")?;
        }
        match self.failures.is_empty() {
            true => f.write_str("nothing failed"),
            false => Ok(()),
        }
    }
}

/// Lets the system forget the most memory that was in use (`clear_refs`, proc(5)), so that each input has its own.
pub(crate) fn forget_peak() {
    drop(std::fs::write("/proc/self/clear_refs", "5"));
}

/// The most memory that was in use since then, in MiB; 0 where the system does not tell (`VmHWM`, proc(5)).
pub(crate) fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) / 1024
}
