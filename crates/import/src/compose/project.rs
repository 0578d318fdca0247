//! The files of a Compose project as one document: overrides, `extends` and `include`.
//!
//! Follows the merge rules of the Compose specification: maps are merged, single values and commands replaced, lists joined.
//! Every value keeps the line that said it last, so that what an override sets points at the override.

use std::collections::BTreeSet;

use dinghai_estate::{Origin, Unseen};

use super::variables::{self, Variables};
use crate::SourceFile;
use crate::value::{Key, Node, Value};
use crate::yaml;

/// The project as Compose would see it.
#[derive(Default)]
pub(super) struct Project {
    /// The merged document; none when no file holds one.
    pub(super) whole: Option<Node>,
    pub(super) unseen: Vec<Unseen>,
    /// The folder of the first file, with `/` at its end; empty for none.
    pub(super) folder: String,
}

/// Reads the project: files with a Compose name in the order in which they are given, the others where these refer to them.
pub(super) fn read(files: &[&SourceFile]) -> Project {
    let named: Vec<&SourceFile> = files.iter().copied().filter(|file| has_compose_name(&file.path)).collect();
    let mut main: Vec<&SourceFile> = match named.is_empty() {
        true => files.iter().copied().filter(|file| is_yaml(&file.path)).collect(),
        false => named,
    };
    // The base first, whatever the order of the files; then the override that Compose takes by itself; then others by name.
    main.sort_by_key(|file| (rank(&file.path), file.path.clone()));
    let folder = main.first().map_or("", |file| folder_of(&file.path)).to_owned();
    let env = files.iter().find(|file| file.path == format!("{folder}.env"));
    let mut reading = Reading {
        files,
        variables: env.map(|file| variables::of_env_file(&file.text)).unwrap_or_default(),
        project: Project { folder, ..Project::default() },
        open: BTreeSet::new(),
    };
    let mut whole = None;
    for file in main {
        let Some(document) = reading.document(file) else { continue };
        whole = Some(match whole {
            Some(base) => merge(base, document, ""),
            None => document,
        });
    }
    reading.project.whole = whole;
    reading.project
}

/// Whether Compose would take a file of this name for one of its own.
pub(crate) fn has_compose_name(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let stem = name.strip_suffix(".yaml").or_else(|| name.strip_suffix(".yml"));
    stem.is_some_and(|stem| {
        let first = stem.split(['.', '_']).next().unwrap_or_default();
        first == "compose"
            || first == "docker-compose"
            || first == "docker-stack"
            || first.starts_with("docker-compose-")
    })
}

fn is_yaml(path: &str) -> bool {
    path.ends_with(".yaml") || path.ends_with(".yml")
}

fn rank(path: &str) -> u8 {
    let name = path.rsplit('/').next().unwrap_or_default();
    match name.split('.').collect::<Vec<_>>().as_slice() {
        ["compose" | "docker-compose" | "docker-stack", _] => 0,
        [_, "override", _] => 1,
        _ => 2,
    }
}

fn folder_of(path: &str) -> &str {
    path.rfind('/').and_then(|end| path.get(..=end)).unwrap_or_default()
}

/// Folds `./` and `../` of a path away.
pub(super) fn join(folder: &str, path: &str) -> String {
    let whole = if path.starts_with('/') { path.to_owned() } else { format!("{folder}{path}") };
    let absolute = whole.starts_with('/');
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
    format!("{}{}", if absolute { "/" } else { "" }, parts.join("/"))
}

struct Reading<'a> {
    files: &'a [&'a SourceFile],
    variables: Variables,
    project: Project,
    /// What is being extended or included just now, against circles.
    open: BTreeSet<String>,
}

impl Reading<'_> {
    /// One file with its variables, includes and extensions.
    fn document(&mut self, file: &SourceFile) -> Option<Node> {
        let documents = yaml::read(&file.path, &file.text);
        if let Some((origin, what)) = documents.broken {
            self.project.unseen.push(Unseen { origin, what });
        }
        let document = variables::put_in(documents.documents.into_iter().next()?, &self.variables);
        let folder = folder_of(&file.path).to_owned();
        let mut whole = document.clone();
        for include in document.get("include").map(Node::items).unwrap_or_default() {
            let paths = include.get("path").unwrap_or(include).texts();
            for path in paths {
                if let Some(included) = self.other(&folder, &path, include.origin()) {
                    whole = merge(included, whole, "");
                }
            }
        }
        Some(self.extended(whole, &folder))
    }

    /// Another file of the project.
    fn other(&mut self, folder: &str, path: &str, origin: Origin) -> Option<Node> {
        let full = join(folder, path);
        let Some(file) = self.files.iter().copied().find(|file| join("", &file.path) == full) else {
            let what =
                format!("`{path}` is not among the files that were looked at: check it together with them");
            self.project.unseen.push(Unseen { origin, what });
            return None;
        };
        if !self.open.insert(full.clone()) {
            return None;
        }
        let document = self.document(file);
        self.open.remove(&full);
        document
    }

    /// With every `extends` of its services put in.
    fn extended(&mut self, whole: Node, folder: &str) -> Node {
        let Some(services) = whole.get("services").cloned() else { return whole };
        let names: Vec<String> = services.entries().map(|(key, _)| key.text.clone()).collect();
        let mut done = Vec::new();
        for name in names {
            let mut way = BTreeSet::new();
            if let Some(service) = self.service(&services, &name, folder, &mut way) {
                let key = services.entries().find(|(key, _)| key.text == name).map(|(key, _)| key.clone());
                done.extend(key.map(|key| (key, service)));
            }
        }
        let Value::Map(entries) = &whole.value else { return whole };
        let entries = entries.iter().map(|(key, node)| match key.text.as_str() {
            "services" => (key.clone(), node.with(Value::Map(done.clone()))),
            _ => (key.clone(), node.clone()),
        });
        whole.with(Value::Map(entries.collect()))
    }

    fn service(
        &mut self,
        services: &Node,
        name: &str,
        folder: &str,
        way: &mut BTreeSet<String>,
    ) -> Option<Node> {
        let service = services.get(name)?.clone();
        let Some(extends) = service.get("extends") else { return Some(service) };
        if !way.insert(name.to_owned()) {
            let what = format!("service `{name}` extends itself");
            self.project.unseen.push(Unseen { origin: extends.origin(), what });
            return Some(service);
        }
        let base = extends.get("service").unwrap_or(extends).text()?;
        let parent = match extends.get("file").and_then(Node::text) {
            None => self.service(services, &base, folder, way),
            Some(path) => {
                let other = self.other(folder, &path, extends.origin());
                other.and_then(|other| other.get("services")?.get(&base).cloned())
            }
        };
        Some(match parent {
            Some(parent) => merge(parent, service.clone(), name),
            None => service,
        })
    }
}

/// One node over another.
fn merge(base: Node, over: Node, key: &str) -> Node {
    let (base, over) = match key {
        "environment" | "labels" | "depends_on" | "networks" | "extra_hosts" | "args" | "volumes_from" => {
            (mapped(base), mapped(over))
        }
        _ => (base, over),
    };
    match (base.value, over.value) {
        (Value::Map(mut entries), Value::Map(own)) => {
            for (name, node) in own {
                match entries.iter().position(|(known, _)| known.text == name.text) {
                    Some(index) => {
                        let (known, before) = entries.remove(index);
                        let inner = name.text.clone();
                        entries.insert(index, (known, merge(before, node, &inner)));
                    }
                    None => entries.push((name, node)),
                }
            }
            Node { value: Value::Map(entries), file: base.file, line: base.line, column: base.column }
        }
        (Value::List(mut items), Value::List(own)) if !matches!(key, "command" | "entrypoint" | "test") => {
            for item in own {
                if !items.iter().any(|known| known.value == item.value) {
                    items.push(item);
                }
            }
            Node { value: Value::List(items), file: base.file, line: base.line, column: base.column }
        }
        (value, Value::Null) if value != Value::Null => {
            Node { value, file: base.file, line: base.line, column: base.column }
        }
        (_, value) => Node { value, file: over.file, line: over.line, column: over.column },
    }
}

/// A list of `KEY=value` or of names as a map.
pub(super) fn mapped(node: Node) -> Node {
    let Value::List(items) = &node.value else { return node };
    let entries = items.iter().filter_map(|item| {
        let text = item.text()?;
        let (key, value) = match text.split_once('=') {
            Some((key, value)) => (key.to_owned(), Value::Text(value.to_owned())),
            None => (text, Value::Null),
        };
        Some((Key { text: key, line: item.line, column: item.column }, item.with(value)))
    });
    node.with(Value::Map(entries.collect()))
}
