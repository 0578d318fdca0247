//! Plain `.tf` files: what they declare, with `count`, `for_each`, variables, locals and modules worked out.

mod convert;
mod declared;
mod emit;
mod eval;
mod folder;
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

use std::collections::BTreeMap;

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

fn read_here(root: &str, files: &[&SourceFile]) -> Read {
    let mut of: BTreeMap<&str, Vec<&SourceFile>> = BTreeMap::new();
    for file in files {
        of.entry(parted(&file.path).0).or_default().push(file);
    }
    let folders: BTreeMap<String, Folder> =
        of.into_iter().map(|(path, files)| (path.to_owned(), Folder::of(path, &files))).collect();
    let mut read = Read::default();
    let Some(folder) = folders.get(root) else { return read };
    let mut world = World::new(&folders, folder);
    world.emit(&mut read);
    // What is broken in a folder that nobody uses here is another root's concern.
    let used: std::collections::BTreeSet<&str> =
        world.instances.iter().map(|instance| instance.folder.path.as_str()).collect();
    for folder in folders.values().filter(|folder| used.contains(folder.path.as_str())) {
        for unseen in &folder.unseen {
            read.unseen(unseen.origin.clone(), unseen.what.clone());
        }
    }
    read.hide_known_secrets();
    read
}
