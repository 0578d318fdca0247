//! Kubernetes objects as they stand in files, and finding them again.

use std::collections::BTreeMap;

use dinghai_estate::Origin;

use crate::value::Node;

/// Lists inside lists, at most.
const DEEPEST: usize = 8;

/// One object.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Object {
    /// Its API group, such as `apps`; empty for the core.
    pub(crate) group: String,
    pub(crate) kind: String,
    /// None when the file leaves that to whoever applies it.
    pub(crate) namespace: Option<String>,
    pub(crate) name: String,
    pub(crate) body: Node,
}

impl Object {
    /// A document as an object; none when it has no kind. Configuration of programs has no name.
    pub(crate) fn of(body: Node) -> Option<Self> {
        let api = body.get("apiVersion").and_then(Node::str).unwrap_or_default();
        let group = api.rsplit_once('/').map_or("", |(group, _)| group).to_owned();
        let kind = body.get("kind").and_then(Node::str)?.to_owned();
        let metadata = body.get("metadata");
        let text = |key: &str| metadata.and_then(|metadata| metadata.get(key)).and_then(Node::text);
        let name = text("name").or_else(|| text("generateName")).unwrap_or_default();
        let namespace = text("namespace");
        Some(Self { group, kind, namespace, name, body })
    }

    /// `Deployment shop/cart`.
    pub(crate) fn title(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("{} {namespace}/{}", self.kind, self.name),
            None => format!("{} {}", self.kind, self.name),
        }
    }

    /// The line with its name; that of its kind where it has none.
    pub(crate) fn origin(&self) -> Origin {
        match self.body.at(&["metadata", "name"]) {
            Some(_) => self.body.origin_at(&["metadata", "name"]),
            None => self.body.origin_of("kind"),
        }
    }

    /// What its specification holds at the end of several keys.
    pub(crate) fn spec(&self, keys: &[&str]) -> Option<&Node> {
        self.body.get("spec")?.at(keys)
    }

    /// An annotation.
    pub(crate) fn annotation(&self, name: &str) -> Option<&Node> {
        self.body.at(&["metadata", "annotations"])?.get(name)
    }

    /// Whether two objects may be in one namespace: a file that names none may be applied to any.
    pub(crate) fn beside(&self, namespace: Option<&str>) -> bool {
        match (self.namespace.as_deref(), namespace) {
            (Some(own), Some(other)) => own == other,
            _ => true,
        }
    }
}

/// The objects of a document, lists opened; `rest` takes what is no object.
pub(crate) fn objects(document: Node, found: &mut Vec<Object>, rest: &mut Vec<Node>) {
    open(document, 0, found, rest);
}

fn open(document: Node, depth: usize, found: &mut Vec<Object>, rest: &mut Vec<Node>) {
    let is_list = document.get("kind").and_then(Node::str).is_some_and(|kind| kind.ends_with("List"));
    match document.get("items") {
        Some(items) if is_list && depth < DEEPEST => {
            for item in items.items() {
                open(item.clone(), depth + 1, found, rest);
            }
        }
        _ => match Object::of(document.clone()) {
            Some(object) if document.get("apiVersion").is_some() => found.push(object),
            _ if document.says_something() => rest.push(document),
            _ => {}
        },
    }
}

/// All objects of one root.
#[derive(Debug, Default)]
pub(crate) struct Objects {
    all: Vec<Object>,
    by_name: BTreeMap<(String, String), Vec<usize>>,
}

impl Objects {
    /// Indexes objects, in one order whatever that of the files.
    pub(crate) fn new(mut all: Vec<Object>) -> Self {
        all.sort_by(|one, other| {
            let key = |object: &Object| {
                (object.body.file.clone(), object.body.line, object.kind.clone(), object.name.clone())
            };
            key(one).cmp(&key(other))
        });
        let mut by_name: BTreeMap<(String, String), Vec<usize>> = BTreeMap::new();
        for (index, object) in all.iter().enumerate() {
            by_name.entry((object.kind.clone(), object.name.clone())).or_default().push(index);
        }
        Self { all, by_name }
    }

    pub(crate) fn all(&self) -> &[Object] {
        &self.all
    }

    pub(crate) fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Object> {
        self.all.iter().filter(move |object| object.kind == kind)
    }

    /// The object of a kind and name that is in the namespace, or may be.
    pub(crate) fn named(&self, kind: &str, name: &str, namespace: Option<&str>) -> Option<&Object> {
        let found = self.by_name.get(&(kind.to_owned(), name.to_owned()))?;
        let found = || found.iter().filter_map(|index| self.all.get(*index));
        found()
            .find(|object| object.namespace.as_deref() == namespace)
            .or_else(|| found().find(|object| object.beside(namespace)))
    }
}
