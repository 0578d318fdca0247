//! The pages of `dinghai ledger`.

use std::io::{Result, Write};
use std::path::Path;

use dinghai_clock::Timestamp;
use dinghai_ledger::{Break, Checkpoint, Erasable, Origin, VerifyReport};
use dinghai_pages::{Language, event_line};
use dinghai_record::Entry;
use jiff::tz::TimeZone;

/// How a page is written for its reader.
pub(super) struct Reader {
    language: Language,
    zone: TimeZone,
}

impl Reader {
    pub(super) fn new(language: Language, utc: bool) -> Self {
        Self { language, zone: if utc { TimeZone::UTC } else { TimeZone::system() } }
    }

    fn show(&self, at: Timestamp) -> String {
        match jiff::Timestamp::from_microsecond(at.as_micros()) {
            Ok(at) => at.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M:%S%.3f %Z").to_string(),
            Err(_) => at.to_string(),
        }
    }
}

/// One entry in one line.
pub(super) fn line(entry: &Entry, reader: &Reader, out: &mut dyn Write) -> Result<()> {
    let (seq, kind) = (entry.seq.to_string(), entry.event.kind());
    writeln!(
        out,
        "{seq:>6}  {}  {kind:<18}  {}",
        reader.show(entry.at),
        event_line(reader.language, &entry.event)
    )
}

/// One entry with all it has.
pub(super) fn whole(entry: &Entry, reader: &Reader, out: &mut dyn Write) -> Result<()> {
    writeln!(out, "{} {}: {}", entry.seq, entry.event.kind(), event_line(reader.language, &entry.event))?;
    writeln!(out, "  written  {}", reader.show(entry.at))?;
    writeln!(out, "  by       {}, lease {}, schema {}", entry.writer, entry.lease, entry.schema)?;
    writeln!(out, "  hash     {}", entry.hash)?;
    writeln!(out, "  after    {}", entry.prev)?;
    let event = serde_json::to_string_pretty(&entry.event).map_err(std::io::Error::other)?;
    for text in event.lines() {
        writeln!(out, "  {text}")?;
    }
    Ok(())
}

/// What a verification found, what that shows, and what it cannot show.
pub(super) fn verification(
    report: &VerifyReport,
    given: &[Checkpoint],
    reader: &Reader,
    out: &mut dyn Write,
) -> Result<()> {
    for chain in &report.chains {
        let entries = count(chain.entries, "entry", "entries");
        write!(out, "chain {}: {entries}, last {} {}: ", chain.writer, chain.head, chain.hash.short())?;
        match &chain.first_bad {
            None => writeln!(out, "every hash fits")?,
            Some((seq, how)) => writeln!(out, "damaged from #{seq} on: {}", broken(how))?,
        }
    }
    if report.chains.is_empty() {
        writeln!(out, "no entries yet")?;
    }
    for checkpoint in &report.checkpoints {
        let origin = match checkpoint.origin {
            Origin::Store => "in the store",
            Origin::Given => "that you kept",
        };
        let found = if checkpoint.problems.is_empty() {
            "agrees".to_owned()
        } else {
            format!("does not agree: {}", checkpoint.problems.join("; "))
        };
        writeln!(out, "checkpoint of {} {origin}: {found}", reader.show(checkpoint.at))?;
    }
    for problem in &report.file {
        writeln!(out, "the file itself: {problem}")?;
    }
    if !report.is_sound() {
        writeln!(
            out,
            "\nThis ledger is not what was written. Keep a copy of the data folder as it is before anything else."
        )?;
        return Ok(());
    }
    writeln!(out, "\nThe ledger is sound.")?;
    writeln!(out, "This shows that no entry was edited, left out, swapped or put in on its own.")?;
    let vouched: Vec<_> =
        report.chains.iter().filter_map(|chain| report.vouched(&chain.writer, given)).collect();
    match vouched.iter().max() {
        Some(seq) => writeln!(
            out,
            "Up to {seq} your checkpoint vouches for it. It cannot show that everything after {seq} was not cut off or \
             written anew by somebody who may write this folder."
        ),
        None => writeln!(
            out,
            "It cannot show that the end was not cut off, or all of it written anew, by somebody who may write this \
             folder: for that, keep checkpoints elsewhere (`dinghai ledger checkpoint --out FILE`) and verify against \
             them (`--checkpoint FILE`)."
        ),
    }
}

fn broken(how: &Break) -> String {
    match how {
        Break::Malformed => "its columns are not those of an entry".to_owned(),
        Break::Misplaced { due } => format!("{due} was due there, so something is missing, moved or put in"),
        Break::Edited => "its bytes do not have its hash, so it was edited".to_owned(),
        Break::Unlinked => "it does not follow the entry before it".to_owned(),
        Break::LeaseFell => "its lease is lower than that of the entry before it".to_owned(),
    }
}

/// That a checkpoint was written.
pub(super) fn signed(
    checkpoint: &Checkpoint,
    path: &Path,
    reader: &Reader,
    out: &mut dyn Write,
) -> Result<()> {
    for head in &checkpoint.heads {
        writeln!(out, "signed {} up to {} at {}", head.writer, head.seq, reader.show(checkpoint.at))?;
    }
    writeln!(out, "written to `{}`; keep it where this machine cannot reach", path.display())
}

/// What an erasure does.
pub(super) fn erasable(found: &Erasable, out: &mut dyn Write) -> Result<()> {
    let entries = count(found.entries, "entry", "entries");
    writeln!(out, "erasing `{}` destroys its key; there is no way back:", found.subject)?;
    writeln!(out, "  - its fields in {entries} read as erased from then on; the entries stay")?;
    writeln!(out, "  - the chains still verify, because hashes cover only what is sealed")?;
    writeln!(out, "  - copies of this folder, such as backups, keep their own key: erase there too")
}

/// A number and its noun.
fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
