//! Plain `.tf` files: what they declare, with `count`, `for_each`, variables, locals and modules worked out.

mod convert;
mod declared;
mod emit;
mod eval;
pub(crate) mod folder;
mod function;
mod json;
mod lines;
mod lower;
mod operator;
mod stack;
mod template;
mod term;
mod text;
mod traverse;
mod world;

use std::collections::{BTreeMap, BTreeSet};

use dinghai_estate::Origin;

pub(crate) use declared::local;
pub(crate) use folder::{Folder, is_code, is_values, parted};

use self::world::World;
use super::read::Read;
use crate::SourceFile;

/// Reads the root in the folder `root`; `files` are those of the root and of every folder that may be a module.
pub(crate) fn read(root: &str, files: &[&SourceFile]) -> Read {
    stack::with(|| read_here(root, files)).unwrap_or_else(|| {
        let mut read = Read::default();
        let origin = Origin { file: root.to_owned(), line: 0, column: 0 };
        read.unseen(origin, "the `.tf` files of this folder could not be worked out");
        read
    })
}

/// The folders with `.tf` files, each with the local folders that it calls as modules.
pub(crate) fn calls(files: &[&SourceFile]) -> BTreeMap<String, BTreeSet<String>> {
    let called = || {
        let folders = folders(files).into_iter();
        folders.map(|(path, folder)| (path, super::roots::called(&folder))).collect()
    };
    stack::with(called).unwrap_or_default()
}

fn folders(files: &[&SourceFile]) -> BTreeMap<String, Folder> {
    let mut of: BTreeMap<&str, Vec<&SourceFile>> = BTreeMap::new();
    for file in files.iter().copied().filter(|file| is_code(&file.path) || is_values(&file.path)) {
        of.entry(parted(&file.path).0).or_default().push(file);
    }
    of.retain(|_, files| files.iter().any(|file| is_code(&file.path)));
    of.into_iter().map(|(path, files)| (path.to_owned(), Folder::of(path, &files))).collect()
}

fn read_here(root: &str, files: &[&SourceFile]) -> Read {
    let folders = folders(files);
    let mut read = Read::default();
    let Some(folder) = folders.get(root) else { return read };
    let mut world = World::new(&folders, folder);
    world.emit(&mut read);
    // What is broken in a folder that nobody uses here is another root's concern.
    let used: BTreeSet<&str> = world.instances.iter().map(|instance| instance.folder.path.as_str()).collect();
    for folder in folders.values().filter(|folder| used.contains(folder.path.as_str())) {
        for unseen in &folder.unseen {
            read.unseen(unseen.origin.clone(), unseen.what.clone());
        }
    }
    read.hide_known_secrets();
    read
}

#[cfg(test)]
mod tests;
