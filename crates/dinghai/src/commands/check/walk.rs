//! A folder of other people's files, read.
//!
//! Only what could say something about an infrastructure is opened, judged by its name ([`of_interest`]); the rest is counted. Hidden
//! folders (`.git`, `.terraform`) and `node_modules` hold copies and caches and are not entered. Nothing that is no plain file is ever
//! opened: a pipe would wait for ever, a device may act on being read.
//!
//! **Links** are followed as far as they stay inside the folder that was named. A linked file is read again under the name of
//! the link, since Terraform users share files between roots that way (`prod/common.tf -> ../common.tf`) and each root
//! is an estate of its own. A link to a folder that contains it ends there, and no folder is entered by links more than [`ENTERED`]
//! times, so that folders that link to each other cost little.
//!
//! What was of interest and could not be read is in [`Walked::skipped`] with its reason: a report that does not say what it did not see
//! is worth nothing. The order is that of the names, whatever the file system says.

mod reading;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::io::Read;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use dinghai_import::SourceFile;

/// The most bytes of all files together.
const TOGETHER: u64 = 1024 * 1024 * 1024;
/// How often one folder is entered by way of links.
const ENTERED: u32 = 16;
/// The most files and folders that are looked at.
const MOST: u32 = 200_000;

/// What was read, and what was not.
#[derive(Debug, Default)]
pub(crate) struct Walked {
    /// The files, by name.
    pub(crate) files: Vec<SourceFile>,
    /// What was of interest and could not be read, by name.
    pub(crate) skipped: Vec<Skipped>,
    /// Files of no interest.
    pub(crate) passed: u32,
    /// Folders that are never entered, such as `.git`.
    pub(crate) closed: u32,
    /// Bytes of all files that were read.
    pub(crate) bytes: u64,
}

/// Something that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Skipped {
    /// Its name, as the files' names are.
    pub(crate) path: String,
    /// Why, and what to do about it: lowercase, no full stop.
    pub(crate) why: String,
}

/// Reads what is in a folder, one file whatever its name, or `stdin` when the root is `-`.
///
/// # Errors
/// There is nothing at `root`, or nothing that can be opened.
pub(crate) fn walk(root: &Path, stdin: &mut dyn Read) -> anyhow::Result<Walked> {
    let mut walked = Walked::default();
    if root == Path::new("-") {
        let text = reading::stream(stdin).map_err(|why| anyhow::anyhow!("standard input: {why}"))?;
        walked.take("stdin".to_owned(), text);
        return Ok(walked);
    }
    let shown = root.display();
    let found = fs::metadata(root).with_context(|| format!("`{shown}` cannot be looked at"))?;
    if found.is_file() {
        let text =
            reading::file(root, reading::largest(root)).map_err(|why| anyhow::anyhow!("`{shown}`: {why}"))?;
        walked.take(name(root), text);
        return Ok(walked);
    }
    if !found.is_dir() {
        bail!(
            "`{shown}` is {}: name a file or a folder, or `-` and send the text to standard input",
            kind(&found)
        );
    }
    let inside = fs::canonicalize(root).with_context(|| format!("`{shown}` cannot be looked at"))?;
    fs::read_dir(root).with_context(|| format!("the folder `{shown}` cannot be listed"))?;
    let mut walk = Walk { inside, walked, entered: BTreeMap::new(), seen: 0, full: false };
    walk.folders(root, &found);
    walk.walked.files.sort_by(|a, b| a.path.cmp(&b.path));
    walk.walked.skipped.sort();
    Ok(walk.walked)
}

impl Walked {
    fn take(&mut self, path: String, text: String) {
        self.bytes = self.bytes.saturating_add(text.len() as u64);
        self.files.push(SourceFile { path, text });
    }

    fn skip(&mut self, path: &Path, why: impl Into<String>) {
        self.skipped.push(Skipped { path: name(path), why: why.into() });
    }
}

/// Device and number: the same for every name of a file or folder.
type Inode = (u64, u64);

struct Walk {
    /// The root without links: what links may lead to.
    inside: PathBuf,
    walked: Walked,
    /// How often folders were entered by links.
    entered: BTreeMap<Inode, u32>,
    seen: u32,
    /// Whether [`MOST`] was reached and told.
    full: bool,
}

/// A folder still to be read, with those that it was reached through.
struct Open {
    path: PathBuf,
    around: Vec<Inode>,
}

impl Walk {
    fn folders(&mut self, root: &Path, found: &Metadata) {
        let path = if root == Path::new(".") { PathBuf::new() } else { root.to_owned() };
        let mut open = vec![Open { path, around: vec![inode(found)] }];
        while let Some(folder) = open.pop() {
            let listed = match folder.path.as_os_str().is_empty() {
                true => fs::read_dir("."),
                false => fs::read_dir(&folder.path),
            };
            let entries = listed.and_then(Iterator::collect::<Result<Vec<_>, _>>);
            let mut entries = match entries {
                Ok(entries) => entries,
                Err(error) => {
                    self.walked.skip(
                        &folder.path,
                        format!("this folder cannot be listed: {}", reading::plain(&error)),
                    );
                    continue;
                }
            };
            entries.sort_by_key(fs::DirEntry::file_name);
            let mut within = Vec::new();
            for entry in entries {
                self.seen = self.seen.saturating_add(1);
                if self.seen > MOST {
                    if !std::mem::replace(&mut self.full, true) {
                        let why = format!("more than {MOST} files and folders: name a smaller folder");
                        self.walked.skip(&folder.path, why);
                    }
                    return;
                }
                within.extend(self.entry(&folder, &entry.file_name()));
            }
            open.extend(within.into_iter().rev());
        }
    }

    /// Looks at one entry of a folder; a folder is given back, to be read later.
    fn entry(&mut self, folder: &Open, file_name: &std::ffi::OsStr) -> Option<Open> {
        let path = folder.path.join(file_name);
        let label = file_name.to_string_lossy();
        let link = fs::symlink_metadata(&path);
        let linked = link.as_ref().is_ok_and(Metadata::is_symlink);
        let found = match link.and_then(|found| if linked { fs::metadata(&path) } else { Ok(found) }) {
            Ok(found) => found,
            Err(error) => {
                if of_interest(&path) {
                    let why = match linked {
                        true => "this link leads nowhere".to_owned(),
                        false => reading::plain(&error),
                    };
                    self.walked.skip(&path, why);
                } else {
                    self.walked.passed += 1;
                }
                return None;
            }
        };
        if found.is_dir() {
            if never_entered(&label) {
                self.walked.closed += 1;
                return None;
            }
            return self.folder(folder, path, &found, linked);
        }
        if !of_interest(&path) {
            self.walked.passed += 1;
        } else if !found.is_file() {
            let why = format!("it is {}, not a file: it was not opened", kind(&found));
            self.walked.skip(&path, why);
        } else if linked && !self.is_inside(&path) {
            self.walked.skip(
                &path,
                "this link leads out of the folder that was named: name a folder that holds both",
            );
        } else {
            self.file(&path, &found);
        }
        None
    }

    fn folder(&mut self, outer: &Open, path: PathBuf, found: &Metadata, linked: bool) -> Option<Open> {
        let this = inode(found);
        if linked {
            if !self.is_inside(&path) {
                self.walked.skip(
                    &path,
                    "this link leads out of the folder that was named: name a folder that holds both",
                );
                return None;
            }
            if outer.around.contains(&this) {
                self.walked.skip(&path, "this link leads back to a folder that contains it");
                return None;
            }
            let entered = self.entered.entry(this).or_default();
            *entered += 1;
            if *entered > ENTERED {
                self.walked.skip(&path, format!("more than {ENTERED} links lead to this folder"));
                return None;
            }
        }
        let mut around = outer.around.clone();
        around.push(this);
        Some(Open { path, around })
    }

    fn file(&mut self, path: &Path, found: &Metadata) {
        let largest = reading::largest(path);
        if found.len() > largest {
            self.walked.skip(path, reading::too_large(largest));
        } else if self.walked.bytes.saturating_add(found.len()) > TOGETHER {
            self.walked.skip(path, "all files together are larger than 1 GiB: name a smaller folder");
        } else {
            match reading::file(path, largest) {
                Ok(text) => self.walked.take(name(path), text),
                Err(why) => self.walked.skip(path, why),
            }
        }
    }

    fn is_inside(&self, path: &Path) -> bool {
        fs::canonicalize(path).is_ok_and(|real| real.starts_with(&self.inside))
    }
}

fn inode(found: &Metadata) -> Inode {
    (found.dev(), found.ino())
}

/// Whether a folder of that name holds nothing that people wrote about their infrastructure.
fn never_entered(label: &str) -> bool {
    label.starts_with('.') || matches!(label, "node_modules" | "__pycache__")
}

/// Whether a file of that name could say something about an infrastructure.
fn of_interest(path: &Path) -> bool {
    const KINDS: [&str; 8] = ["yaml", "yml", "json", "tf", "tfvars", "tfstate", "cfg", "conf"];
    let label = path.file_name().map(|label| label.to_string_lossy()).unwrap_or_default();
    // Compose takes the values of its variables from `.env`; other hidden files are for other tools.
    if label.starts_with('.') {
        return label == ".env";
    }
    let kind = path.extension().map(|kind| kind.to_string_lossy().to_lowercase());
    // nginx as Debian ships it keeps its servers in files without an ending.
    let sites = || path.parent().is_some_and(|folder| folder.ends_with("sites-enabled"));
    match kind {
        Some(kind) => KINDS.contains(&&*kind),
        None => label == "Kustomization" || sites(),
    }
}

/// What something is that is neither file nor folder.
fn kind(found: &Metadata) -> &'static str {
    let kind = found.file_type();
    match () {
        () if kind.is_fifo() => "a pipe",
        () if kind.is_socket() => "a socket",
        () if kind.is_char_device() || kind.is_block_device() => "a device",
        () => "nothing that is known here",
    }
}

/// A path as people see it. What could move a terminal's cursor is replaced.
fn name(path: &Path) -> String {
    path.to_string_lossy()
        .chars()
        .map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c })
        .collect()
}
