//! Reading the ledger a page at a time.

use dinghai_engine::Handle;
use dinghai_ports::StoreError;
use dinghai_record::{Entry, IncidentRecord, Seq};

/// Entries of one page for people.
pub(crate) const PAGE: usize = 50;
/// Entries that one request may read at most, whatever it asks for.
const CHUNK: usize = 500;
/// Entries before the opening of an incident, and after its last one, among which what belongs to it is looked for.
const AROUND: u64 = 500;
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

/// The entries of an incident and those around it, oldest first: from before it was opened, where what gateways did by
/// themselves and the drill that caused it stand, to after its last one, where late reports do.
pub(crate) async fn around(handle: &Handle, incident: &IncidentRecord) -> Result<Vec<Entry>, StoreError> {
    let opened = incident.opened.1;
    let last = incident.entries.last().copied().unwrap_or(opened).max(opened);
    let mut after = opened.0.saturating_sub(AROUND + 1);
    let ceiling = last.0.saturating_add(AROUND).min(after + LOOKED_AT);
    let mut found = Vec::new();
    while after < ceiling {
        let left = usize::try_from(ceiling - after).unwrap_or(CHUNK);
        let chunk = handle.journal().read(Seq(after), left.min(CHUNK)).await?;
        let Some(end) = chunk.last().map(|entry| entry.seq.0) else { break };
        found.extend(chunk);
        after = end;
    }
    Ok(found)
}
