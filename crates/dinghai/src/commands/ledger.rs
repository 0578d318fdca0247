//! `dinghai ledger`: read, verify, export, sign and erase from what happened.
//!
//! Everything but `erase` and `checkpoint` only reads, and all of it works beside a running controller.

use std::io::{ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, Subcommand};
use dinghai_clock::SystemClock;
use dinghai_ledger::{Checkpoint, LedgerError, LedgerReader, erasable, erase, open_reader, sign_checkpoint};
use dinghai_pages::Language;
use dinghai_record::{Entry, Seq};
use serde_json::json;

mod page;
#[cfg(test)]
mod tests;

use page::Reader;

use super::reading::language;

/// How many entries are read at a time where all of them are wanted.
const PAGE: usize = 1000;

/// How often `--follow` looks for new entries.
const LOOK: Duration = Duration::from_millis(200);

#[derive(Args)]
pub(crate) struct LedgerArgs {
    #[command(subcommand)]
    verb: Verb,
    /// The data folder
    #[arg(long, global = true, env = "DINGHAI_DATA", default_value = "./.dinghai", value_name = "DIR")]
    data: PathBuf,
    /// Show times in UTC instead of the local time zone
    #[arg(long, global = true)]
    utc: bool,
}

#[derive(Subcommand)]
enum Verb {
    /// Show the last entries
    Tail {
        /// How many
        #[arg(short = 'n', long = "entries", default_value_t = 20, value_name = "N",
              value_parser = clap::value_parser!(u32).range(0..=10_000))]
        count: u32,
        /// Go on with new entries as they are written
        #[arg(short, long)]
        follow: bool,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Show one entry whole
    Show {
        /// Its number
        #[arg(value_name = "SEQ")]
        seq: u64,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Recompute every hash and say what is not as it was written
    Verify {
        /// A checkpoint that you kept elsewhere; may be given more than once
        #[arg(long, value_name = "FILE")]
        checkpoint: Vec<PathBuf>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Write entries as JSON, one a line
    Export {
        /// The first entry
        #[arg(long, default_value_t = 1, value_name = "SEQ")]
        from: u64,
        /// Where to; standard output unless given
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Verify, then sign the heads of all chains; keep the result where this machine cannot reach
    Checkpoint {
        /// Where to; standard output unless given
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Destroy the key of a person, so that their fields can never be read again
    Erase {
        /// The id that stands as `subject` beside the person's fields
        subject: String,
        /// Do it; without this it is only shown what would be done
        #[arg(long)]
        yes: bool,
    },
}

pub(crate) fn run(args: &LedgerArgs) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match runtime.block_on(work(args, language(), &mut std::io::stdout().lock())) {
        Ok(true) => Ok(ExitCode::SUCCESS),
        Ok(false) => Ok(ExitCode::FAILURE),
        // Whoever read our output has seen enough.
        Err(error) if is_broken_pipe(&error) => Ok(ExitCode::SUCCESS),
        Err(error) => Err(error),
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}

/// Does what was asked; false when it found the ledger damaged, or did not do it for want of `--yes`.
async fn work(args: &LedgerArgs, language: Language, out: &mut dyn Write) -> anyhow::Result<bool> {
    let shown = Reader::new(language, args.utc);
    let reader = open_reader(&args.data).await?;
    match &args.verb {
        Verb::Tail { count, follow, json } => tail(&reader, *count, *follow, *json, &shown, out).await?,
        Verb::Show { seq, json } => {
            let entry = reader.entry(Seq(*seq)).await?;
            if *json {
                writeln!(out, "{}", serde_json::to_string_pretty(&entry)?)?;
            } else {
                page::whole(&entry, &shown, out)?;
            }
        }
        Verb::Verify { checkpoint, json } => {
            let kept = checkpoint.iter().map(read_checkpoint).collect::<anyhow::Result<Vec<_>>>()?;
            let report = reader.verify(&kept).await?;
            if *json {
                let report = json!({ "sound": report.is_sound(), "report": report });
                writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?;
            } else {
                page::verification(&report, &kept, &shown, out)?;
            }
            return Ok(report.is_sound());
        }
        Verb::Export { from, out: to } => match to {
            None => export(&reader, *from, out).await?,
            Some(path) => {
                let file = std::fs::File::create(path).with_context(|| cannot_write(path))?;
                let mut file = std::io::BufWriter::new(file);
                export(&reader, *from, &mut file).await?;
                file.flush().with_context(|| cannot_write(path))?;
            }
        },
        Verb::Checkpoint { out: to } => {
            let signed = sign_checkpoint(&args.data, &SystemClock::new()).await?;
            let text = serde_json::to_string_pretty(&signed)?;
            match to {
                None => writeln!(out, "{text}")?,
                Some(path) => {
                    std::fs::write(path, text + "\n").with_context(|| cannot_write(path))?;
                    page::signed(&signed, path, &shown, out)?;
                }
            }
        }
        Verb::Erase { subject, yes } => return erase_person(args, subject, *yes, out).await,
    }
    Ok(true)
}

async fn tail(
    reader: &LedgerReader,
    count: u32,
    follow: bool,
    json: bool,
    shown: &Reader,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let mut seen = Seq(reader.head().await?.0.saturating_sub(u64::from(count)));
    let mut left = usize::try_from(count)?;
    loop {
        let wanted = if follow { PAGE } else { left.min(PAGE) };
        let entries = reader.read(seen, wanted).await?;
        for entry in &entries {
            write_line(entry, json, shown, out)?;
            seen = entry.seq;
        }
        left = left.saturating_sub(entries.len());
        if follow && entries.is_empty() {
            out.flush()?;
            tokio::time::sleep(LOOK).await;
        } else if !follow && (entries.is_empty() || left == 0) {
            return Ok(());
        }
    }
}

fn write_line(entry: &Entry, json: bool, shown: &Reader, out: &mut dyn Write) -> anyhow::Result<()> {
    if json {
        writeln!(out, "{}", serde_json::to_string(entry)?)?;
    } else {
        page::line(entry, shown, out)?;
    }
    Ok(())
}

async fn export(reader: &LedgerReader, from: u64, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut seen = Seq(from.saturating_sub(1));
    loop {
        let entries = reader.read(seen, PAGE).await?;
        for entry in &entries {
            writeln!(out, "{}", serde_json::to_string(entry)?)?;
            seen = entry.seq;
        }
        if entries.is_empty() {
            return Ok(());
        }
    }
}

fn read_checkpoint(path: &PathBuf) -> anyhow::Result<Checkpoint> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("`{}` cannot be read", path.display()))?;
    Checkpoint::from_json(&text).with_context(|| format!("in `{}`", path.display()))
}

fn cannot_write(path: &std::path::Path) -> String {
    format!("`{}` cannot be written", path.display())
}

async fn erase_person(
    args: &LedgerArgs,
    subject: &str,
    yes: bool,
    out: &mut dyn Write,
) -> anyhow::Result<bool> {
    match erasable(&args.data, subject).await {
        Ok(found) => page::erasable(&found, out)?,
        // The key may be gone with a copy left in the log: with `--yes` the log is cut all the same.
        Err(LedgerError::NoSubject { .. }) if yes => {}
        Err(error) => return Err(error.into()),
    }
    if !yes {
        writeln!(out, "nothing was done; add `--yes` to do it")?;
        return Ok(false);
    }
    erase(&args.data, subject).await?;
    writeln!(out, "done: the key of `{subject}` is destroyed")?;
    Ok(true)
}
