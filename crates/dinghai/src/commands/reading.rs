//! What the reading verbs read: the ledger of a data folder, folded, and the estate that was last in force.
//!
//! They need no controller, so they work while everything else is down.

use std::path::{Path, PathBuf};

use anyhow::Context;
use dinghai_clock::{Clock, SystemClock, Timestamp};
use dinghai_estate::Estate;
use dinghai_ledger::open_reader;
use dinghai_pages::{Format, Language};
use dinghai_record::{Book, Entry};
use jiff::tz::TimeZone;

use super::output::say;

/// Entries read at once.
const PAGE: usize = 1000;

/// Where to read and how to show it.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(crate) struct Show {
    /// The data folder of `dinghai run`.
    #[arg(long, env = "DINGHAI_DATA", default_value = ".dinghai", value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// Show times in UTC instead of this machine's zone.
    #[arg(long)]
    utc: bool,
}

/// The past of one data folder.
pub(crate) struct Reading {
    /// The estate that was last in force.
    pub(crate) estate: Estate,
    /// The fold of the ledger.
    pub(crate) book: Book,
    /// The ledger.
    pub(crate) entries: Vec<Entry>,
    /// The time of reading.
    pub(crate) now: Timestamp,
}

impl Show {
    /// How the run of a verb that acts is shown.
    pub(crate) fn of(data: &Path, json: bool) -> Self {
        Self { data: data.to_owned(), json, utc: false }
    }

    /// How values are written for this reader.
    pub(crate) fn format(&self) -> Format {
        let zone = if self.utc { TimeZone::UTC } else { TimeZone::system() };
        Format { language: language(), zone }
    }

    /// Reads the folder.
    pub(crate) fn read(&self) -> anyhow::Result<Reading> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(read(&self.data))
    }
}

/// The language of the terminal, by `LC_ALL`, `LC_MESSAGES` and `LANG`.
pub(crate) fn language() -> Language {
    ["LC_ALL", "LC_MESSAGES", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
        .and_then(|tag| Language::of(&tag))
        .unwrap_or_default()
}

/// Where the controller keeps the estate that is in force.
pub(crate) fn estate_file(data: &Path) -> PathBuf {
    data.join("estate.json")
}

/// The estate that was last in force.
pub(crate) fn estate(data: &Path) -> anyhow::Result<Estate> {
    let file = estate_file(data);
    let text = std::fs::read(&file).with_context(|| {
        format!("cannot read `{}`; `dinghai run` writes it when it first starts", file.display())
    })?;
    serde_json::from_slice(&text).with_context(|| {
        format!("`{}` is damaged; `dinghai run` writes it anew when it starts", file.display())
    })
}

async fn read(data: &Path) -> anyhow::Result<Reading> {
    let reader = open_reader(data).await?;
    let estate = estate(data)?;
    let (mut book, mut entries) = (Book::default(), vec![]);
    loop {
        let page = reader.read(book.head, PAGE).await?;
        let last = page.len() < PAGE;
        for entry in page {
            if let Err(error) = book.apply(&entry) {
                eprintln!("dinghai: entry {} is left out: {error}", entry.seq);
            }
            entries.push(entry);
        }
        if last {
            break;
        }
    }
    Ok(Reading { estate, book, entries, now: SystemClock::new().now() })
}

/// A table without frames, for terminals.
pub(crate) fn table(headings: &[String]) -> comfy_table::Table {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING).set_header(headings);
    table
}

/// Prints a value as JSON.
pub(crate) fn print_json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    say!("{}", serde_json::to_string_pretty(value)?);
    Ok(())
}
