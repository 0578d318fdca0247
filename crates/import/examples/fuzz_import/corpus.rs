//! Files to begin with: the example infrastructures and a few files of what these have none of, each folder a set that belongs
//! together.

use std::fs;
use std::io;
use std::path::Path;

use dinghai_import::SourceFile;

/// The sets of files under a folder, by name; every sub-folder of `root` is one.
///
/// # Errors
/// A folder or file cannot be read.
pub(crate) fn sets(root: &Path) -> io::Result<Vec<Vec<SourceFile>>> {
    let mut folders: Vec<_> = fs::read_dir(root)?.collect::<Result<_, _>>()?;
    folders.sort_by_key(fs::DirEntry::file_name);
    let mut sets = Vec::new();
    for folder in folders.iter().map(fs::DirEntry::path).filter(|path| path.is_dir()) {
        let mut files = Vec::new();
        read(&folder, &folder, &mut files)?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        sets.push(files);
    }
    sets.retain(|files: &Vec<SourceFile>| !files.is_empty());
    Ok(sets)
}

fn read(root: &Path, folder: &Path, files: &mut Vec<SourceFile>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            read(root, &path, files)?;
        } else if path.extension().is_none_or(|kind| kind != "md") {
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
            files.extend(fs::read_to_string(&path).ok().map(|text| SourceFile { path: name, text }));
        }
    }
    Ok(())
}
