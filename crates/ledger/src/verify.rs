//! Whether what is stored is what was written.

use std::collections::BTreeMap;

use dinghai_clock::Timestamp;
use dinghai_record::{Hash, Seq, WriterId};
use futures::TryStreamExt;
use serde::Serialize;
use sqlx::Row;
use sqlx::sqlite::SqliteConnection;

use crate::chain::{Link, Malformed};
use crate::checkpoint::{self, Checkpoint};
use crate::{LedgerError, schema};

/// What a verification found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VerifyReport {
    /// The store's incarnation.
    pub store: String,
    /// Every chain.
    pub chains: Vec<ChainReport>,
    /// Every checkpoint that was checked: those in the store, then those given.
    pub checkpoints: Vec<CheckpointReport>,
    /// What SQLite says is wrong with its file.
    pub file: Vec<String>,
}

/// One chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChainReport {
    /// Whose.
    pub writer: WriterId,
    /// How many entries it has.
    pub entries: u64,
    /// The place of the last one.
    pub head: Seq,
    /// Its stored hash.
    pub hash: Hash,
    /// The first entry that is not what was written, as stored, and how that shows.
    pub first_bad: Option<(i64, Break)>,
}

/// How it shows that a chain is not what was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Break {
    /// Its columns are out of range.
    Malformed,
    /// It should have had this place: entries are missing before it, or it was moved or put in.
    Misplaced {
        /// The place that was due.
        due: Seq,
    },
    /// Its bytes do not have its hash: it was edited.
    Edited,
    /// It does not name the entry before it: that one was edited and hashed anew, or swapped.
    Unlinked,
    /// Its lease is lower than that of the one before it: no controller writes so.
    LeaseFell,
}

/// One checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckpointReport {
    /// When it was signed.
    pub at: Timestamp,
    /// Where it was.
    pub origin: Origin,
    /// What does not agree; empty when all does.
    pub problems: Vec<String>,
}

/// Where a checkpoint was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// In the store itself, where whoever edits entries can remove it.
    Store,
    /// Handed in from elsewhere.
    Given,
}

impl VerifyReport {
    /// Whether nothing was found.
    pub fn is_sound(&self) -> bool {
        self.file.is_empty()
            && self.chains.iter().all(|chain| chain.first_bad.is_none())
            && self.checkpoints.iter().all(|checkpoint| checkpoint.problems.is_empty())
    }

    /// Up to where this chain is vouched for by a checkpoint held elsewhere, when one was given.
    pub fn vouched(&self, writer: &WriterId, given: &[Checkpoint]) -> Option<Seq> {
        let heads = given.iter().flat_map(|checkpoint| &checkpoint.heads);
        heads.filter(|head| head.writer == *writer).map(|head| head.seq).max()
    }
}

/// Verifies everything that one transaction sees.
pub(crate) async fn verify(
    conn: &mut SqliteConnection,
    store: &WriterId,
    key: Option<String>,
    given: &[Checkpoint],
) -> Result<VerifyReport, LedgerError> {
    sqlx::query("BEGIN").execute(&mut *conn).await?;
    let report = verify_snapshot(conn, store, key, given).await;
    sqlx::query("COMMIT").execute(&mut *conn).await?;
    report
}

async fn verify_snapshot(
    conn: &mut SqliteConnection,
    store: &WriterId,
    key: Option<String>,
    given: &[Checkpoint],
) -> Result<VerifyReport, LedgerError> {
    let (mut kept, mut unreadable) = (Vec::new(), Vec::new());
    for row in sqlx::query("SELECT id, at, body FROM checkpoints ORDER BY id").fetch_all(&mut *conn).await? {
        let (id, at): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
        match Checkpoint::from_json(row.try_get(2)?) {
            Ok(checkpoint) if checkpoint.at.as_micros() == at => kept.push(checkpoint),
            _ => unreadable.push(CheckpointReport {
                at: Timestamp::from_micros(at),
                origin: Origin::Store,
                problems: vec![format!("checkpoint {id} in the store is not what was written")],
            }),
        }
    }
    let of = |origin, checkpoints: &[Checkpoint]| -> Vec<_> {
        checkpoints.iter().map(|each| (origin, each.clone())).collect()
    };
    let checkpoints = [of(Origin::Store, &kept), of(Origin::Given, given)].concat();
    let mut wanted: BTreeMap<(WriterId, Seq), Option<Hash>> = BTreeMap::new();
    for (_, checkpoint) in &checkpoints {
        wanted.extend(checkpoint.heads.iter().map(|head| ((head.writer.clone(), head.seq), None)));
    }

    let mut chains = Vec::new();
    for writer in checkpoint::writers(conn).await? {
        chains.push(walk(conn, writer, &mut wanted).await?);
    }
    let mut reports = unreadable;
    for (origin, checkpoint) in &checkpoints {
        let problems = problems(checkpoint, store, key.as_deref(), &wanted);
        reports.push(CheckpointReport { at: checkpoint.at, origin: *origin, problems });
    }
    Ok(VerifyReport {
        store: store.0.clone(),
        chains,
        checkpoints: reports,
        file: file_problems(conn).await?,
    })
}

/// Recomputes one chain and notes the hashes that checkpoints ask for.
async fn walk(
    conn: &mut SqliteConnection,
    writer: WriterId,
    wanted: &mut BTreeMap<(WriterId, Seq), Option<Hash>>,
) -> Result<ChainReport, LedgerError> {
    let mut report = ChainReport { writer, entries: 0, head: Seq(0), hash: Hash::default(), first_bad: None };
    let query = sqlx::query(schema::entries("WHERE writer = ? ORDER BY seq")).bind(report.writer.0.clone());
    let mut rows = query.fetch(conn);
    let mut lease = 0;
    while let Some(row) = rows.try_next().await? {
        report.entries += 1;
        let (place, fault) = match Link::from_row(&row)? {
            Err(Malformed(seq)) => (seq, Some(Break::Malformed)),
            Ok(link) => {
                let due = report.head.next();
                let fault = if link.seq != due {
                    Some(Break::Misplaced { due })
                } else if link.digest() != link.hash {
                    Some(Break::Edited)
                } else if link.prev != report.hash {
                    Some(Break::Unlinked)
                } else if link.lease < lease {
                    Some(Break::LeaseFell)
                } else {
                    None
                };
                if let Some(seen) = wanted.get_mut(&(link.writer.clone(), link.seq)) {
                    *seen = Some(link.hash);
                }
                (report.head, report.hash, lease) = (link.seq, link.hash, link.lease);
                (crate::chain::as_sql(link.seq.0), fault)
            }
        };
        if let (None, Some(fault)) = (&report.first_bad, fault) {
            report.first_bad = Some((place, fault));
        }
    }
    Ok(report)
}

fn problems(
    checkpoint: &Checkpoint,
    store: &WriterId,
    key: Option<&str>,
    seen: &BTreeMap<(WriterId, Seq), Option<Hash>>,
) -> Vec<String> {
    let mut problems = Vec::new();
    if !checkpoint.is_genuine() {
        problems.push("its signature does not fit: it was altered after it was signed".to_owned());
    } else if key.is_some_and(|key| key != checkpoint.key) {
        problems.push(format!("it was signed with key {}, which is not `checkpoint.pub`", checkpoint.key));
    }
    if checkpoint.store != store.0 {
        problems.push(format!("it is of store {}, and this is {store}", checkpoint.store));
    }
    for head in &checkpoint.heads {
        match seen.get(&(head.writer.clone(), head.seq)).copied().flatten() {
            Some(hash) if hash == head.hash => {}
            Some(_) => problems.push(format!("entry {} of {} is another one now", head.seq, head.writer)),
            None => problems.push(format!("entry {} of {} is missing", head.seq, head.writer)),
        }
    }
    problems
}

/// What SQLite finds in its own file; see <https://www.sqlite.org/pragma.html#pragma_integrity_check>.
async fn file_problems(conn: &mut SqliteConnection) -> Result<Vec<String>, LedgerError> {
    let rows = sqlx::query("PRAGMA integrity_check(10)").fetch_all(conn).await?;
    let mut found = Vec::new();
    for row in rows {
        let line: String = row.try_get(0)?;
        if line != "ok" {
            found.push(line);
        }
    }
    Ok(found)
}
