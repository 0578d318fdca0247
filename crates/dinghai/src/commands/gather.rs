//! What one path says: the estates in it, each looked at.
//!
//! Shared by `check`, `diff`, `what-if` and `init`. A folder with a `dinghai.yaml` is that estate, with what it imports. A folder without
//! one is walked: each `dinghai.yaml` in it is an estate with what it imports, and everything else is read root by root.

mod mend;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use dinghai_estate::{Acceptance, Decoded, Estate, Inventory, Unseen};
use dinghai_import::{Import, Imported, Joining, SourceFile, import};
use dinghai_risk::{Report, look, look_at_estate};

use super::check::walk::{Walked, walk};
use super::check::{file_of, read};

/// The name of an estate's file.
const ESTATE_FILE: &str = "dinghai.yaml";

/// Files that are named where nothing can be read.
const SHOWN: usize = 10;

/// Everything that was gathered under one path.
#[derive(Default)]
pub(crate) struct Gathered {
    /// The estates, by name.
    pub(crate) estates: Vec<Gained>,
    /// Estates' files with their mistakes, when there are any.
    pub(crate) decoded: Vec<Decoded>,
    /// The text of every file that was read, by path.
    pub(crate) sources: BTreeMap<String, String>,
    /// Values that must never be shown.
    pub(crate) secrets: BTreeSet<String>,
    /// What could not be read at all.
    pub(crate) unread: Vec<Unseen>,
    /// Files of no format that is read.
    pub(crate) other: BTreeSet<String>,
    /// How many files were understood.
    pub(crate) understood: usize,
}

/// One estate.
pub(crate) struct Gained {
    /// What was found in it.
    pub(crate) report: Report,
    /// Its own declaration, when it has one.
    pub(crate) estate: Option<Estate>,
    /// The files of that declaration with their texts, its root first named.
    declared: Option<mend::Declared>,
    /// The files that it imports or was found in.
    files: BTreeSet<String>,
}

impl Gathered {
    /// What was found, one for each estate.
    pub(crate) fn reports(&self) -> Vec<Report> {
        self.estates.iter().map(|gained| gained.report.clone()).collect()
    }

    /// What the estates accept.
    pub(crate) fn accepts(&self) -> Vec<Acceptance> {
        let estates = self.estates.iter().filter_map(|gained| gained.estate.as_ref());
        estates.flat_map(|estate| estate.accepts.iter().cloned()).collect()
    }

    /// Whether there is something to judge, and nothing that was meant to be read was refused.
    pub(crate) fn usable(&self) -> bool {
        !self.unusable() && !self.estates.is_empty()
    }

    /// Why there is nothing to look at, for a person who named a path.
    pub(crate) fn nothing(&self, path: &Path) -> String {
        let mut why = format!(
            "nothing in `{}` is read here; name a folder with a `dinghai.yaml`, or with Terraform, Kubernetes, Compose, HAProxy, \
             nginx, keepalived or Patroni files",
            path.display()
        );
        let unread = self.unread.iter().map(|unseen| match unseen.origin.line {
            0 => format!("{}: {}", unseen.origin.file, unseen.what),
            _ => format!("{}: {}", unseen.origin, unseen.what),
        });
        let other = self.other.iter().map(|path| format!("{path}: of no format that is read"));
        let all: Vec<String> = unread.chain(other).collect();
        for line in all.iter().take(SHOWN) {
            why.push_str(&format!("\n  {line}"));
        }
        if all.len() > SHOWN {
            why.push_str(&format!("\n  … and {} more", all.len() - SHOWN));
        }
        why
    }

    /// Whether a `dinghai.yaml` has mistakes, so that it cannot be used.
    pub(crate) fn unusable(&self) -> bool {
        self.decoded.iter().any(|decoded| decoded.estate.is_none())
    }

    /// Reads what lies under a path: a folder, a file, or `-` for standard input.
    pub(crate) fn of(path: &Path) -> anyhow::Result<Self> {
        let mut gathered = Self::default();
        let is_estate = match path.is_dir() {
            true => path.join(ESTATE_FILE).is_file(),
            false => says_estate(path),
        };
        if is_estate {
            gathered.estate(path)?;
            gathered.told();
            return Ok(gathered);
        }
        let walked = walk(path, &mut std::io::stdin())?;
        let mut files = gathered.take(walked);
        let estates: Vec<String> = files
            .iter()
            .filter(|file| file_name(&file.path) == ESTATE_FILE)
            .map(|file| file.path.clone())
            .collect();
        let mut claimed: BTreeSet<String> = estates.iter().cloned().collect();
        for estate in &estates {
            claimed.extend(gathered.estate(Path::new(estate))?);
        }
        files.retain(|file| !claimed.contains(&file.path));
        let found = import(&files, Joining::Apart);
        gathered.imported(found);
        gathered.estates.sort_by(|a, b| a.report.inventory.name.cmp(&b.report.inventory.name));
        gathered.told();
        Ok(gathered)
    }

    /// Reads what lies in a folder as if nobody had written an estate yet: all as one where that is said.
    pub(crate) fn without_estates(folder: &Path, together: Option<&str>) -> anyhow::Result<Self> {
        let mut gathered = Self::default();
        let walked = walk(folder, &mut std::io::empty())?;
        let files = gathered.take(walked);
        gathered.imported(import(&files, together.map_or(Joining::Apart, Joining::Together)));
        Ok(gathered)
    }

    /// What was found elsewhere, as if it had been gathered.
    #[cfg(test)]
    pub(crate) fn of_reports(reports: Vec<Report>, sources: BTreeMap<String, String>) -> Self {
        let gained = |report| Gained { report, estate: None, declared: None, files: BTreeSet::new() };
        Self {
            estates: reports.into_iter().map(gained).collect(),
            sources,
            understood: 41,
            ..Self::default()
        }
    }

    /// Lets the first report tell what belongs to no estate, so that every form of report has it.
    fn told(&mut self) {
        if let Some(first) = self.estates.first_mut() {
            first.report.inventory.unseen.extend(self.unread.iter().cloned());
        }
    }

    /// Keeps the texts, and hands out the files.
    fn take(&mut self, walked: Walked) -> Vec<SourceFile> {
        for file in &walked.files {
            self.sources.insert(file.path.clone(), file.text.clone());
        }
        self.unread.extend(walked.skipped.into_iter().map(|skipped| Unseen {
            origin: dinghai_estate::Origin { file: skipped.path, line: 0, column: 0 },
            what: skipped.why,
        }));
        walked.files
    }

    fn imported(&mut self, found: Import) {
        self.other.extend(found.other);
        self.unread.extend(found.unseen);
        for estate in found.estates {
            let files = estate.files.clone();
            let inventory = self.known(estate);
            let report = look(inventory, &self.sources);
            self.estates.push(Gained { report, estate: None, declared: None, files });
        }
    }

    fn known(&mut self, imported: Imported) -> Inventory {
        self.understood += imported.files.len();
        self.secrets.extend(imported.secrets);
        imported.inventory
    }

    /// Reads an estate with what it imports; returns the files that belong to it.
    fn estate(&mut self, path: &Path) -> anyhow::Result<BTreeSet<String>> {
        let decoded = read(path);
        self.sources.extend(decoded.sources.clone());
        self.understood += decoded.sources.len();
        let mut claimed: BTreeSet<String> = decoded.sources.keys().cloned().collect();
        if let Some(estate) = &decoded.estate {
            let mut files: BTreeMap<String, SourceFile> = BTreeMap::new();
            for (import, origin) in &estate.imports {
                match walk(Path::new(import), &mut std::io::empty()) {
                    Ok(walked) => {
                        let walked = self.take(walked);
                        files.extend(walked.into_iter().map(|file| (file.path.clone(), file)));
                    }
                    Err(error) => {
                        let what = format!("`import: {import}`: {error:#}");
                        self.unread.push(Unseen { origin: origin.clone(), what });
                    }
                }
            }
            files.retain(|path, _| file_name(path) != ESTATE_FILE && !decoded.sources.contains_key(path));
            claimed.extend(files.keys().cloned());
            let paths = files.keys().cloned().collect();
            let files: Vec<SourceFile> = files.into_values().collect();
            let found = import(&files, Joining::Together(&estate.name));
            self.other.extend(found.other);
            self.unread.extend(found.unseen);
            let imported = found.estates.into_iter().next().map(|imported| self.known(imported));
            let told = (!estate.imports.is_empty()).then(|| imported.unwrap_or_default());
            self.estates.push(Gained {
                report: look_at_estate(estate, told, &self.sources),
                estate: Some(estate.clone()),
                declared: Some(mend::Declared {
                    root: file_of(path).to_string_lossy().into_owned(),
                    sources: decoded.sources.clone(),
                }),
                files: paths,
            });
        }
        self.decoded.push(decoded);
        Ok(claimed)
    }
}

/// Whether a file that is no folder is an estate: it is called like one, or says `estate:` at the beginning of a line. One that is
/// not there is read as an estate too, and told to be missing.
fn says_estate(path: &Path) -> bool {
    if path == Path::new("-") {
        return false;
    }
    let yaml = path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml");
    let named = path.file_name().is_some_and(|name| name == ESTATE_FILE);
    // What is no plain file is not opened: a pipe would wait for ever.
    let says = || {
        path.is_file()
            && std::fs::read_to_string(path)
                .is_ok_and(|text| text.lines().any(|line| line.starts_with("estate:")))
    };
    match path.exists() {
        true => (named && path.is_file()) || (yaml && says()),
        false => named || yaml,
    }
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
