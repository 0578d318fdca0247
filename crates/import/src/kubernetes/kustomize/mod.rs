//! Kustomize: the objects to which a `kustomization.yaml` renders, without running it.
//!
//! Done in Kustomize's own order: resources and bases, components, generated ConfigMaps, then patches, namespace, names,
//! labels, replicas and images. Every value keeps the line that said it last: a count that an overlay sets points at the overlay.
//! Generated names carry no hash, neither where they are made nor where they are used.
//!
//! What would take Kustomize itself (remote resources, charts, plugins, `replacements`, `vars`) is `unseen`, with the command to run.

mod inline;
mod merge;
mod pointer;
mod target;
mod transform;

use std::collections::{BTreeMap, BTreeSet};

use dinghai_estate::{Origin, Unseen};

use super::object::{self, Object};
use crate::SourceFile;
use crate::value::{Key, Node, Value};
use crate::yaml;

/// Kustomizations that one may draw in, counted each time, at most.
const MOST: u32 = 1000;

/// Bytes that are read or laid over objects, counted each time, at most: a few lines can ask for much.
const MOST_BYTES: usize = 256 * 1024 * 1024;

/// What a kustomization renders to.
#[derive(Debug, Default)]
pub(crate) struct Rendered {
    pub(crate) objects: Vec<Node>,
    pub(crate) unseen: Vec<Unseen>,
}

/// An object on its way, with the names that it had before.
#[derive(Clone, Debug)]
struct Item {
    node: Node,
    former: Vec<String>,
}

impl Item {
    fn new(node: Node) -> Self {
        Self { node, former: Vec::new() }
    }

    fn kind(&self) -> String {
        self.node.get("kind").and_then(Node::text).unwrap_or_default()
    }

    /// The name that it has and those that it had: patches may use any of them.
    fn names(&self) -> impl Iterator<Item = String> {
        let own = self.node.at(&["metadata", "name"]).and_then(Node::text);
        own.into_iter().chain(self.former.iter().cloned())
    }
}

/// Whether a file of that name is a kustomization.
pub(crate) fn is_kustomization(path: &str) -> bool {
    NAMES.contains(&path.rsplit('/').next().unwrap_or_default())
}

const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Renders the kustomization at a path, given all files of the tree.
pub(crate) fn render(files: &[&SourceFile], path: &str) -> Rendered {
    let by_path = files.iter().map(|file| (join("", &file.path), *file)).collect();
    let mut kitchen =
        Kitchen { files: by_path, open: BTreeSet::new(), left: MOST, bytes: MOST_BYTES, unseen: Vec::new() };
    let mut items = Vec::new();
    kitchen.build(&join("", path), &mut items);
    Rendered { objects: items.into_iter().map(|item| item.node).collect(), unseen: kitchen.unseen }
}

fn folder_of(path: &str) -> &str {
    path.rfind('/').and_then(|end| path.get(..=end)).unwrap_or_default()
}

fn inside(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// Folds `./` and `../` of a path away.
fn join(folder: &str, path: &str) -> String {
    let whole = if path.starts_with('/') { path.to_owned() } else { format!("{folder}{path}") };
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    let root = if whole.starts_with('/') { "/" } else { "" };
    format!("{root}{}", parts.join("/"))
}

fn is_remote(entry: &str) -> bool {
    entry.contains("://")
        || entry.starts_with("git@")
        || entry.contains("?ref=")
        || entry.starts_with("github.com/")
}

struct Kitchen<'a> {
    files: BTreeMap<String, &'a SourceFile>,
    /// Kustomizations that are being built just now, against circles.
    open: BTreeSet<String>,
    left: u32,
    bytes: usize,
    unseen: Vec<Unseen>,
}

impl<'a> Kitchen<'a> {
    fn unseen(&mut self, origin: Origin, what: impl Into<String>) {
        let unseen = Unseen { origin, what: what.into() };
        if !self.unseen.contains(&unseen) {
            self.unseen.push(unseen);
        }
    }

    fn file(&self, path: &str) -> Option<&'a SourceFile> {
        self.files.get(path).copied()
    }

    /// Whether so many bytes more may be worked on.
    fn may(&mut self, bytes: usize, origin: Origin) -> bool {
        match self.bytes.checked_sub(bytes) {
            Some(left) => {
                self.bytes = left;
                true
            }
            None => {
                self.unseen(origin, "this kustomization asks for more than is looked at");
                false
            }
        }
    }

    fn documents(&mut self, file: &SourceFile) -> Vec<Node> {
        if !self.may(file.text.len(), Origin { file: file.path.clone(), line: 0, column: 0 }) {
            return Vec::new();
        }
        let read = yaml::read(&file.path, &file.text);
        if let Some((origin, why)) = read.broken {
            self.unseen(origin, why);
        }
        read.documents
    }

    /// Adds what the kustomization at a path makes to `items`, and does to these what it says.
    fn build(&mut self, path: &str, items: &mut Vec<Item>) {
        let Some(file) = self.file(path) else {
            self.unseen(
                Origin { file: path.to_owned(), line: 0, column: 0 },
                "this kustomization was not looked at",
            );
            return;
        };
        if self.left == 0 || !self.open.insert(path.to_owned()) {
            self.unseen(
                Origin { file: file.path.clone(), line: 0, column: 0 },
                "this kustomization draws in itself, or too many others",
            );
            return;
        }
        self.left -= 1;
        if let Some(document) = self.documents(file).into_iter().next() {
            // A component works on what is there already; anything else only on what is its own.
            if document.get("kind").and_then(Node::str) == Some("Component") {
                self.follow(&document, file, path, items);
            } else {
                let mut own = Vec::new();
                self.follow(&document, file, path, &mut own);
                items.append(&mut own);
            }
        }
        self.open.remove(path);
    }

    fn follow(&mut self, document: &Node, file: &SourceFile, path: &str, items: &mut Vec<Item>) {
        let folder = folder_of(path);
        let list = |key: &str| document.get(key).map(|node| node.items().to_vec()).unwrap_or_default();
        for entry in list("resources").iter().chain(&list("bases")) {
            self.resource(entry, folder, items);
        }
        for entry in list("components") {
            let Some(text) = entry.text() else { continue };
            match self.kustomization(&join(folder, &text)) {
                Some(path) => self.build(&path, items),
                None => self.missing(&entry, &text, folder),
            }
        }
        for (key, kind) in [("configMapGenerator", "ConfigMap"), ("secretGenerator", "Secret")] {
            for entry in list(key) {
                self.generate(&entry, kind, folder, items);
            }
        }
        for key in [
            "helmCharts",
            "helmChartInflationGenerator",
            "generators",
            "transformers",
            "replacements",
            "vars",
            "validators",
        ] {
            if document.get(key).is_some_and(Node::says_something) {
                let shown = if folder.is_empty() { "." } else { folder.trim_end_matches('/') };
                let what = format!(
                    "`{key}` takes Kustomize itself: run `kustomize build {shown} > rendered.yaml && dinghai check rendered.yaml`"
                );
                self.unseen(document.origin_of(key), what);
            }
        }
        for entry in list("patchesStrategicMerge") {
            self.patch(&entry, &entry, None, file, folder, items);
        }
        for entry in list("patches").iter().chain(&list("patchesJson6902")) {
            if let Some(patch) = entry.get("path").or_else(|| entry.get("patch")) {
                self.patch(entry, patch, entry.get("target"), file, folder, items);
            }
        }
        if let Some(namespace) = document.get("namespace").filter(|node| node.text().is_some()) {
            transform::namespace(items, namespace);
        }
        let word = |key: &str| document.get(key).and_then(Node::text).unwrap_or_default();
        let (prefix, suffix) = (word("namePrefix"), word("nameSuffix"));
        if !prefix.is_empty() || !suffix.is_empty() {
            transform::rename(items, &prefix, &suffix);
        }
        if let Some(labels) = document.get("commonLabels") {
            transform::label(items, labels, true, true);
        }
        for entry in list("labels") {
            let says = |key: &str| entry.get(key).and_then(Node::truth) == Some(true);
            if let Some(pairs) = entry.get("pairs") {
                transform::label(items, pairs, says("includeSelectors"), says("includeTemplates"));
            }
        }
        for entry in list("replicas") {
            if !transform::replicas(items, &entry) {
                let name = entry.get("name").and_then(Node::text).unwrap_or_default();
                self.unseen(
                    entry.origin(),
                    format!("`replicas` names `{name}`, which is not among the resources"),
                );
            }
        }
        for entry in list("images") {
            transform::image(items, &entry);
        }
    }

    /// The kustomization in a folder.
    fn kustomization(&self, folder: &str) -> Option<String> {
        NAMES.iter().map(|name| inside(folder, name)).find(|path| self.files.contains_key(path))
    }

    fn missing(&mut self, entry: &Node, text: &str, folder: &str) {
        let shown = if folder.is_empty() { "." } else { folder.trim_end_matches('/') };
        let why =
            if is_remote(text) { "lies elsewhere" } else { "is not among the files that were looked at" };
        let what = format!(
            "`{text}` {why}: run `kustomize build {shown} > rendered.yaml && dinghai check rendered.yaml`"
        );
        self.unseen(entry.origin(), what);
    }

    fn resource(&mut self, entry: &Node, folder: &str, items: &mut Vec<Item>) {
        let Some(text) = entry.text() else { return };
        let full = join(folder, &text);
        if is_remote(&text) {
            self.missing(entry, &text, folder);
        } else if let Some(file) = self.file(&full) {
            let mut objects = Vec::new();
            for document in self.documents(file) {
                object::objects(document, &mut objects, &mut Vec::new());
            }
            items.extend(objects.into_iter().map(|object: Object| Item::new(object.body)));
        } else if let Some(path) = self.kustomization(&full) {
            self.build(&path, items);
        } else {
            self.missing(entry, &text, folder);
        }
    }

    /// A ConfigMap or Secret of literals, files and files of variables.
    fn generate(&mut self, entry: &Node, kind: &str, folder: &str, items: &mut Vec<Item>) {
        let Some(name) = entry.get("name").cloned() else { return };
        let key = |text: &str, at: &Node| Key { text: text.to_owned(), line: at.line, column: at.column };
        let mut data = Vec::new();
        for literal in entry.get("literals").map(Node::items).unwrap_or_default() {
            if let Some((name, value)) = literal.str().and_then(|text| text.split_once('=')) {
                data.push((key(name, literal), literal.with(Value::Text(value.to_owned()))));
            }
        }
        let named = |list: &str| entry.get(list).map(|node| node.items().to_vec()).unwrap_or_default();
        for at in named("envs").iter().chain(&named("files")).chain(entry.get("env")) {
            let Some(text) = at.text() else { continue };
            let (shown, path) =
                text.split_once('=').unwrap_or((text.rsplit('/').next().unwrap_or_default(), &text));
            let Some(file) = self.file(&join(folder, path)) else { continue };
            let whole = named("files").contains(at);
            if whole {
                data.push((key(shown, at), at.with(Value::Text(file.text.clone()))));
                continue;
            }
            for (line, number) in file.text.lines().zip(1_u32..) {
                if let Some((name, value)) =
                    line.split_once('=').filter(|_| !line.trim_start().starts_with('#'))
                {
                    let node = Node {
                        value: Value::Text(value.to_owned()),
                        file: file.path.as_str().into(),
                        line: number,
                        column: 1,
                    };
                    data.push((key(name.trim(), &node), node));
                }
            }
        }
        let text = name.text().unwrap_or_default();
        let merges = entry.get("behavior").and_then(Node::str) == Some("merge");
        let known = items.iter_mut().find(|item| item.kind() == kind && item.names().any(|own| own == text));
        match known {
            Some(item) => {
                if !merges {
                    transform::put(&mut item.node, &["data"], entry.with(Value::Map(Vec::new())));
                }
                for (key, value) in data {
                    transform::put(&mut item.node, &["stringData", &key.text], value.clone());
                    transform::put(&mut item.node, &["data", &key.text], value);
                }
            }
            None => {
                let map = |entries| entry.with(Value::Map(entries));
                let mut metadata = vec![(key("name", entry), name)];
                metadata.extend(entry.get("namespace").map(|node| (key("namespace", node), node.clone())));
                let field = if kind == "Secret" { "stringData" } else { "data" };
                items.push(Item::new(map(vec![
                    (key("apiVersion", entry), entry.with(Value::Text("v1".to_owned()))),
                    (key("kind", entry), entry.with(Value::Text(kind.to_owned()))),
                    (key("metadata", entry), map(metadata)),
                    (key(field, entry), map(data)),
                ])));
            }
        }
    }

    /// One patch: a file's path or the patch itself, as a piece of an object or as a list of changes.
    fn patch(
        &mut self,
        entry: &Node,
        patch: &Node,
        target: Option<&Node>,
        file: &SourceFile,
        folder: &str,
        items: &mut Vec<Item>,
    ) {
        let text = patch.text().unwrap_or_default();
        let mut size = text.len().max(64);
        let documents = match (
            text.contains('\n') || text.trim_start().starts_with(['{', '[']),
            patch.entries().next(),
        ) {
            (_, Some(_)) => vec![patch.clone()],
            (true, None) => inline::documents(patch, &file.text),
            (false, None) => match self.file(&join(folder, &text)) {
                Some(file) => {
                    size = file.text.len();
                    self.documents(file)
                }
                None => {
                    self.missing(patch, &text, folder);
                    return;
                }
            },
        };
        for document in documents {
            let mut kept = Vec::with_capacity(items.len());
            let mut hit = false;
            for item in items.drain(..) {
                let applies = match target {
                    Some(target) => target::selects(target, &item),
                    None => Some(is_for(&document, &item)),
                };
                if applies.is_none() {
                    self.unseen(
                        entry.origin(),
                        "the target of this patch is a pattern that is not understood here",
                    );
                }
                if applies != Some(true) || !self.may(size, entry.origin()) {
                    kept.push(item);
                    continue;
                }
                hit = true;
                if matches!(document.value, Value::List(_)) {
                    match pointer::apply(item.node.clone(), &document) {
                        Ok(node) => kept.push(Item { node, ..item }),
                        Err(why) => {
                            self.unseen(document.origin(), format!("this patch does not fit: {why}"));
                            kept.push(item);
                        }
                    }
                    continue;
                }
                let own_kind = {
                    let api = item.node.get("apiVersion").and_then(Node::str).unwrap_or_default();
                    let group = api.rsplit_once('/').map_or("", |(group, _)| group);
                    !group.contains('.') || group.ends_with(".k8s.io")
                };
                // A patch with a target may carry any name; the object keeps its own.
                let name = item.node.at(&["metadata", "name"]).cloned();
                if let Some(mut node) = merge::merge(item.node, &document, own_kind) {
                    if let Some(name) = name {
                        transform::put(&mut node, &["metadata", "name"], name);
                    }
                    kept.push(Item { node, former: item.former });
                }
            }
            *items = kept;
            if !hit {
                self.unseen(document.origin(), "this patch is for no object among the resources");
            }
        }
    }
}

/// Whether a patch without a target names the object.
fn is_for(patch: &Node, item: &Item) -> bool {
    let text = |node: &Node, keys: &[&str]| node.at(keys).and_then(Node::text);
    let group = |node: &Node| {
        let api = text(node, &["apiVersion"]).unwrap_or_default();
        api.rsplit_once('/').map_or_else(String::new, |(group, _)| group.to_owned())
    };
    let namespace = |node: &Node| text(node, &["metadata", "namespace"]);
    let name = text(patch, &["metadata", "name"]);
    let same_namespace = namespace(patch).is_none()
        || namespace(&item.node).is_none()
        || namespace(patch) == namespace(&item.node);
    text(patch, &["kind"]) == Some(item.kind())
        && group(patch) == group(&item.node)
        && same_namespace
        && item.names().any(|own| Some(own) == name)
}

#[cfg(test)]
mod tests;
