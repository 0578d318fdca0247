//! Reading the ledger a page at a time.

use dinghai_engine::Handle;
use dinghai_ports::StoreError;
use dinghai_record::{Entry, Event, IncidentRecord, Seq};

/// Entries of one page for people.
pub(crate) const PAGE: usize = 50;
/// Entries that one request may read at most, whatever it asks for.
const CHUNK: usize = 500;
/// Entries before the opening of an incident among which its beginning is looked for.
const BEFORE: u64 = 200;
/// Entries that one search for a kind looks at before it gives up and lets the reader go on from there.
const LOOKED_AT: u64 = 20_000;

/// One page, newest first, and where the neighbours begin.
pub(crate) struct Page {
    pub(crate) entries: Vec<Entry>,
    pub(crate) older: Option<Seq>,
}

/// Up to [`PAGE`] entries before `before`, newest first, of one kind when one is given.
pub(crate) async fn back(handle: &Handle, before: Seq, kind: Option<&str>) -> Result<Page, StoreError> {
    let mut found = Vec::new();
    let mut end = before.0;
    let floor = before.0.saturating_sub(LOOKED_AT);
    while end > floor.max(1) && found.len() < PAGE {
        let start = end.saturating_sub(CHUNK as u64 + 1).max(floor);
        let wanted = usize::try_from(end - 1 - start).unwrap_or(CHUNK);
        let chunk = handle.journal().read(Seq(start), wanted).await?;
        for entry in chunk.into_iter().rev() {
            end = entry.seq.0;
            if kind.is_none_or(|kind| entry.event.kind() == kind) {
                found.push(entry);
                if found.len() == PAGE {
                    break;
                }
            }
        }
        if found.len() < PAGE {
            end = start + 1;
        }
    }
    Ok(Page { entries: found, older: (end > 1).then_some(Seq(end)) })
}

/// One entry.
pub(crate) async fn one(handle: &Handle, seq: Seq) -> Result<Option<Entry>, StoreError> {
    let Some(before) = seq.0.checked_sub(1) else { return Ok(None) };
    let found = handle.journal().read(Seq(before), 1).await?;
    Ok(found.into_iter().find(|entry| entry.seq == seq))
}

/// The entries of an incident's timeline, oldest first: its own, and from just before it was opened the findings that
/// opened it and what gateways had done by themselves.
pub(crate) async fn of_incident(
    handle: &Handle,
    incident: &IncidentRecord,
) -> Result<Vec<Entry>, StoreError> {
    let opened = incident.opened.1;
    let before = handle.journal().read(Seq(opened.0.saturating_sub(BEFORE + 1)), BEFORE as usize).await?;
    let mut entries: Vec<Entry> = before
        .into_iter()
        .filter(|entry| entry.seq < opened)
        .filter(|entry| match &entry.event {
            Event::FindingRaised { finding } => incident.findings.contains_key(&finding.key),
            Event::ReflexReported { happened, .. } => *happened >= incident.since,
            _ => false,
        })
        .collect();
    entries.extend(wanted(handle, &incident.entries).await?);
    Ok(entries)
}

/// Those of the wanted entries that stand in the last [`LOOKED_AT`] after the first wanted one, oldest first.
async fn wanted(handle: &Handle, wanted: &[Seq]) -> Result<Vec<Entry>, StoreError> {
    let (Some(first), Some(last)) = (wanted.first(), wanted.last()) else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    let mut after = first.0.saturating_sub(1);
    let ceiling = last.0.min(after + LOOKED_AT);
    while after < ceiling {
        let chunk = handle.journal().read(Seq(after), CHUNK).await?;
        let Some(end) = chunk.last().map(|entry| entry.seq.0) else { break };
        found.extend(chunk.into_iter().filter(|entry| wanted.binary_search(&entry.seq).is_ok()));
        after = end;
    }
    Ok(found)
}
