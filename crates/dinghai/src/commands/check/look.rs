//! What there is to look at, and what was found in it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use dinghai_estate::{Acceptance, Decoded};
use dinghai_risk::Report;

use super::{breaks, disk, estate};

/// Everything that was found, with the secrets that the files hold.
pub(crate) struct Looked {
    /// The estate's files, where there are any; with what is wrong in them.
    pub(crate) decoded: Option<Decoded>,
    /// What was found, one for each inventory.
    pub(crate) reports: Vec<Report>,
    /// What the estate accepts.
    pub(crate) accepts: Vec<Acceptance>,
    /// The text of the files, by the names that origins use.
    pub(crate) sources: BTreeMap<String, String>,
    /// Values that are known to be secret, beyond what the texts give away by themselves.
    pub(crate) secrets: BTreeSet<String>,
    /// Files that were read.
    pub(crate) files: usize,
    /// Every cut set of the estate's core services, for programs.
    pub(crate) cuts: Option<serde_json::Value>,
}

/// Looks at a file or folder.
pub(crate) fn look(path: &Path) -> Looked {
    let decoded = disk::read(path);
    let reports = decoded.estate.as_ref().map(estate::report).into_iter().collect();
    Looked {
        reports,
        accepts: decoded.estate.as_ref().map(|estate| estate.accepts.clone()).unwrap_or_default(),
        sources: decoded.sources.clone(),
        secrets: BTreeSet::new(),
        files: decoded.sources.len(),
        cuts: decoded.estate.as_ref().map(|estate| breaks::json(&breaks::of(estate))),
        decoded: Some(decoded),
    }
}

impl Looked {
    /// Whether there is something to judge, and nothing that was meant to be read was refused.
    pub(crate) fn usable(&self) -> bool {
        let refused = self.decoded.as_ref().is_some_and(|decoded| decoded.estate.is_none());
        !refused && !self.reports.is_empty()
    }
}
