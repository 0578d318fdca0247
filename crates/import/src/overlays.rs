//! Which `kustomization.yaml` builds on which, and what plain manifests declare.

use std::collections::{BTreeMap, BTreeSet};

use crate::SourceFile;
use crate::groups::{folder, join};
use crate::value::Node;
use crate::yaml;

/// Keys that name files or folders, as texts or under `path`.
const NAMING: [&str; 12] = [
    "resources",
    "bases",
    "components",
    "crds",
    "configurations",
    "generators",
    "transformers",
    "patches",
    "patchesStrategicMerge",
    "patchesJson6902",
    "replacements",
    "openapi",
];

/// The kustomizations of a tree.
pub(crate) struct Overlays<'f> {
    /// By path what each names: files, and other kustomizations by their own path.
    named: BTreeMap<&'f str, BTreeSet<String>>,
    components: BTreeSet<&'f str>,
}

impl<'f> Overlays<'f> {
    pub(crate) fn of(files: &[&'f SourceFile]) -> Self {
        let by_folder: BTreeMap<&str, &str> =
            files.iter().map(|file| (folder(&file.path), file.path.as_str())).collect();
        let mut named = BTreeMap::new();
        let mut components = BTreeSet::new();
        for file in files {
            let documents = yaml::read(&file.path, &file.text).documents;
            let mut names = BTreeSet::new();
            for document in &documents {
                if document.get("kind").and_then(Node::str) == Some("Component") {
                    components.insert(file.path.as_str());
                }
                for text in NAMING.iter().filter_map(|key| document.get(key)).flat_map(paths) {
                    let path = resolved(folder(&file.path), &text);
                    names.insert(by_folder.get(path.as_str()).map_or(path, |path| (*path).to_owned()));
                }
            }
            named.insert(file.path.as_str(), names);
        }
        Self { named, components }
    }

    /// The overlays that no other one builds on, by path. A component is only ever part of one.
    pub(crate) fn roots(&self) -> impl Iterator<Item = &'f str> {
        let built_on = |path: &str| self.named.iter().any(|(by, names)| *by != path && names.contains(path));
        self.named.keys().copied().filter(move |path| !self.components.contains(path) && !built_on(path))
    }

    /// Components that belong to none of the overlays, by path.
    pub(crate) fn idle(&self, all: &[&'f SourceFile]) -> impl Iterator<Item = &'f str> {
        let used: BTreeSet<&str> = self.roots().flat_map(|root| self.files(root, all)).collect();
        self.components.iter().copied().filter(move |path| !used.contains(path))
    }

    /// Whether any of them names this file.
    pub(crate) fn names(&self, path: &str) -> bool {
        self.named.values().any(|names| names.contains(path))
    }

    /// The files that an overlay is made of, at any depth.
    pub(crate) fn files(&self, root: &'f str, all: &[&'f SourceFile]) -> BTreeSet<&'f str> {
        let mut reached: BTreeSet<&str> = BTreeSet::new();
        let mut open = vec![root];
        while let Some(path) = open.pop() {
            if reached.insert(path) {
                open.extend(self.named.get(path).into_iter().flatten().map(String::as_str));
            }
        }
        all.iter().map(|file| file.path.as_str()).filter(|path| reached.contains(path)).collect()
    }
}

/// Texts in a list, and the `path` of maps in it.
fn paths(node: &Node) -> Vec<String> {
    let path = |item: &Node| item.str().or_else(|| item.get("path").and_then(Node::str)).map(str::to_owned);
    node.items().iter().filter_map(path).filter(|path| !path.contains('\n')).collect()
}

/// A path as seen from a folder, without `.` and `..`.
fn resolved(from: &str, path: &str) -> String {
    let joined = join(from, path);
    let mut parts: Vec<&str> = Vec::new();
    for part in joined.split('/') {
        match part {
            "" if parts.is_empty() => parts.push(""),
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| !matches!(*last, "" | "..")) => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    if parts.is_empty() { ".".to_owned() } else { parts.join("/") }
}

/// What a file of manifests declares, as `Kind namespace/name`.
pub(crate) fn declares(file: &SourceFile) -> BTreeSet<String> {
    let object = |document: &Node| {
        let text = |keys: &[&str]| document.at(keys).and_then(Node::str);
        let kind = text(&["kind"])?;
        // Everybody declares the namespace that he lives in.
        if kind == "Namespace" {
            return None;
        }
        let namespace = text(&["metadata", "namespace"]).unwrap_or_default();
        Some(format!("{kind} {namespace}/{}", text(&["metadata", "name"])?))
    };
    yaml::read(&file.path, &file.text).documents.iter().filter_map(object).collect()
}
