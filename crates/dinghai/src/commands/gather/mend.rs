//! The smallest change that removes a finding: tried before it is shown.
//!
//! Every proposal is made in memory, the files are read and looked at again, and only one with which the finding is gone and
//! nothing weak or broken has come is kept. So what is shown as a diff was seen to work.

use std::collections::BTreeMap;

use dinghai_estate::{Estate, Files, decode};
use dinghai_import::{Joining, SourceFile, import};
use dinghai_risk::{
    Edit, Finding, Fix, Report, Sources, State, diff, look, look_at_estate, proposals, with_edits,
};

use super::{Gained, Gathered};

/// Readings of one estate's files, at most.
const READINGS: usize = 80;
/// Bytes of an estate's files up to which changes are tried.
const LARGEST: usize = 2 * 1024 * 1024;
/// Bytes that are read again in all, at most: the worst findings come first and are served first.
const READ_AGAIN: usize = 4 * 1024 * 1024;

/// The files in which an estate is declared.
pub(crate) struct Declared {
    /// The first of them.
    pub(crate) root: String,
    /// Their texts, by path.
    pub(crate) sources: BTreeMap<String, String>,
}

impl Files for Declared {
    fn read(&self, path: &str) -> Result<String, String> {
        self.sources.get(path).cloned().ok_or_else(|| "there is no such file".to_owned())
    }
}

impl Declared {
    /// The estate with edits made; none when it would be none any more.
    fn edited(&self, edits: &[Edit]) -> Option<(Self, Estate)> {
        let edited = |(path, text): (&String, &String)| (path.clone(), with_edits(path, text, edits));
        let declared = Self { root: self.root.clone(), sources: self.sources.iter().map(edited).collect() };
        let estate = decode(&declared.root, &declared).estate?;
        Some((declared, estate))
    }

    fn bytes(&self) -> usize {
        self.sources.values().map(String::len).sum()
    }
}

impl Gathered {
    /// Looks for the change that removes each finding that is not unknown.
    pub(crate) fn mend(&mut self) {
        let mut estates = std::mem::take(&mut self.estates);
        for gained in &mut estates {
            let files: Vec<SourceFile> = gained
                .files
                .iter()
                .filter_map(|path| {
                    Some(SourceFile { path: path.clone(), text: self.sources.get(path)?.clone() })
                })
                .collect();
            let own = gained.declared.as_ref().map_or(0, Declared::bytes);
            let bytes = own + files.iter().map(|file| file.text.len()).sum::<usize>();
            if bytes <= LARGEST {
                let readings = READINGS.min(READ_AGAIN / bytes.max(1));
                gained.mend(&files, &self.sources, readings);
            }
        }
        self.estates = estates;
    }
}

impl Gained {
    fn mend(&mut self, files: &[SourceFile], sources: &Sources, readings: usize) {
        let mut left = readings;
        let mut found: Vec<(usize, Fix)> = Vec::new();
        for (place, finding) in self.report.findings.iter().enumerate() {
            if left == 0 {
                break;
            }
            let open = finding.fix.as_ref().is_none_or(|fix| fix.edits.is_empty());
            if finding.state == State::Unknown || !open {
                continue;
            }
            for edits in proposals(&self.report, finding, sources) {
                if left == 0 {
                    break;
                }
                left -= 1;
                let Some(after) = again(self.declared.as_ref(), &self.report.inventory.name, files, &edits)
                else {
                    continue;
                };
                if removes(&self.report, finding, &after) {
                    let sentence = finding.fix.as_ref().map(|fix| fix.sentence.clone()).unwrap_or_default();
                    found.push((place, Fix { sentence, edits, checked: Some(seen(finding, &after)) }));
                    break;
                }
            }
        }
        for (place, fix) in found {
            self.report
                .findings
                .get_mut(place)
                .into_iter()
                .for_each(|finding| finding.fix = Some(fix.clone()));
        }
    }
}

/// The report with the edits made; none when the estate is no longer there.
fn again(declared: Option<&Declared>, name: &str, files: &[SourceFile], edits: &[Edit]) -> Option<Report> {
    let edited: Vec<SourceFile> = files
        .iter()
        .map(|file| SourceFile { path: file.path.clone(), text: with_edits(&file.path, &file.text, edits) })
        .collect();
    let mut sources: Sources = edited.iter().map(|file| (file.path.clone(), file.text.clone())).collect();
    let Some(declared) = declared else {
        let found = import(&edited, Joining::Apart).estates;
        let same = found.into_iter().find(|found| found.inventory.name == name)?;
        return Some(look(same.inventory, &sources));
    };
    let (declared, estate) = declared.edited(edits)?;
    sources.extend(declared.sources);
    let imported = match estate.imports.is_empty() {
        true => None,
        false => Some(import(&edited, Joining::Together(name)).estates.into_iter().next()?.inventory),
    };
    Some(look_at_estate(&estate, imported, &sources))
}

/// Whether the finding is gone and nothing weak or broken has come.
fn removes(before: &Report, finding: &Finding, after: &Report) -> bool {
    let change = diff(before, after);
    let gone = change.gone.iter().any(|gone| gone.rule == finding.rule && gone.about == finding.about);
    let new = change.new.iter().any(|new| new.state > State::Unknown);
    // A core service that is no longer one is no better off.
    let same_core = change.core.gone.is_empty() && change.core.new.is_empty();
    gone && !new && same_core && change.lost.is_empty() && change.worse.is_empty() && !doubts(before, after)
}

/// Whether nobody can tell any more of a place through whose loss a core service stood.
fn doubts(before: &Report, after: &Report) -> bool {
    after.core.iter().any(|core| {
        let known = before.core.iter().find(|known| known.service == core.service);
        known.is_some_and(|known| core.unknown.iter().any(|place| known.holds.contains(place)))
    })
}

/// What was seen with the change made.
fn seen(finding: &Finding, after: &Report) -> String {
    let core = after.core.iter().find(|core| finding.about.contains(&core.service) && core.holds.len() > 1);
    match core.filter(|core| core.stops.is_empty() && !finding.lost.is_empty()) {
        Some(core) => {
            let holds: Vec<&str> = core.holds.iter().map(|place| place.as_str()).collect();
            format!("with it {} stands through the loss of any one of {}", core.service, holds.join(", "))
        }
        None => "with it the finding is gone and no other has come".to_owned(),
    }
}
