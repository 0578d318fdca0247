//! Other people's YAML as nodes: several documents in a file, duplicate keys and tags are taken as they come.
//!
//! What can make a small file huge or deep is bounded: nesting by [`DEEPEST`], and what aliases stand for, all together, by
//! [`ALIASED`] nodes. A file that breaks off in the middle still gives the documents before the break.

use std::collections::HashMap;
use std::sync::Arc;

use dinghai_estate::Origin;
use saphyr_parser::{Event, Marker, Parser, ScalarStyle};

use crate::value::{Key, Node, Value};

/// Lists and maps inside each other, at most.
const DEEPEST: usize = 200;
/// Nodes that all aliases of one file stand for together, at most.
const ALIASED: usize = 100_000;

/// The documents of a file, and what is wrong where it breaks off.
pub(crate) struct Documents {
    pub(crate) documents: Vec<Node>,
    pub(crate) broken: Option<(Origin, String)>,
}

enum Inside {
    List(Vec<Node>),
    Map(Vec<(Key, Node)>, Option<Key>),
}

struct Open {
    at: Marker,
    anchor: usize,
    inside: Inside,
}

struct Builder {
    file: Arc<str>,
    open: Vec<Open>,
    anchors: HashMap<usize, (Node, usize)>,
    aliased: usize,
    documents: Vec<Node>,
}

/// Reads one file's text.
pub(crate) fn read(path: &str, text: &str) -> Documents {
    let mut builder = Builder {
        file: path.into(),
        open: Vec::new(),
        anchors: HashMap::new(),
        aliased: 0,
        documents: Vec::new(),
    };
    let mut broken = None;
    for event in Parser::new_from_str(text.strip_prefix('\u{feff}').unwrap_or(text)) {
        let taken = match event {
            Ok((event, span)) => builder.take(event, span.start),
            Err(error) => Err((*error.marker(), format!("not YAML from here on: {}", error.info()))),
        };
        if let Err((at, why)) = taken {
            let column = u32::try_from(at.col() + 1).unwrap_or(u32::MAX);
            let line = u32::try_from(at.line()).unwrap_or(u32::MAX);
            broken = Some((Origin { file: path.to_owned(), line, column }, why));
            break;
        }
    }
    Documents { documents: builder.documents, broken }
}

impl Builder {
    fn take(&mut self, event: Event<'_>, at: Marker) -> Result<(), (Marker, String)> {
        match event {
            Event::Scalar(text, style, anchor, _) => {
                let plain = style == ScalarStyle::Plain;
                let value = match plain && matches!(&*text, "" | "~" | "null" | "Null" | "NULL") {
                    true => Value::Null,
                    false => Value::Text(text.into_owned()),
                };
                let node = self.node(at, value);
                self.finish(node, anchor);
            }
            Event::SequenceStart(anchor, _) => self.begin(at, anchor, Inside::List(Vec::new()))?,
            Event::MappingStart(anchor, _) => self.begin(at, anchor, Inside::Map(Vec::new(), None))?,
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(open) = self.open.pop() {
                    let value = match open.inside {
                        Inside::List(items) => Value::List(items),
                        Inside::Map(entries, _) => Value::Map(merged(entries)),
                    };
                    let node = self.node(open.at, value);
                    self.finish(node, open.anchor);
                }
            }
            Event::Alias(anchor) => {
                let (node, weight) = match self.anchors.get(&anchor) {
                    Some((node, weight)) => (node.clone(), *weight),
                    None => (self.node(at, Value::Unknown("an alias that stands for nothing".to_owned())), 1),
                };
                self.aliased += weight;
                if self.aliased > ALIASED {
                    return Err((at, format!("aliases stand for more than {ALIASED} values")));
                }
                self.finish(node, 0);
            }
            Event::DocumentStart(_) => self.anchors.clear(),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
        Ok(())
    }

    fn node(&self, at: Marker, value: Value) -> Node {
        Node {
            value,
            file: Arc::clone(&self.file),
            line: u32::try_from(at.line()).unwrap_or(u32::MAX),
            column: u32::try_from(at.col() + 1).unwrap_or(u32::MAX),
        }
    }

    fn begin(&mut self, at: Marker, anchor: usize, inside: Inside) -> Result<(), (Marker, String)> {
        if self.open.len() >= DEEPEST {
            return Err((at, format!("lists and maps are nested more than {DEEPEST} deep")));
        }
        self.open.push(Open { at, anchor, inside });
        Ok(())
    }

    fn finish(&mut self, node: Node, anchor: usize) {
        if anchor > 0 {
            self.anchors.insert(anchor, (node.clone(), weight(&node)));
        }
        match self.open.last_mut().map(|open| &mut open.inside) {
            None => self.documents.push(node),
            Some(Inside::List(items)) => items.push(node),
            Some(Inside::Map(entries, key)) => match key.take() {
                Some(key) => entries.push((key, node)),
                None => {
                    let text = node.text().unwrap_or_default();
                    *key = Some(Key { text, line: node.line, column: node.column });
                }
            },
        }
    }
}

/// With merge keys (`<<`) put in: what the map says itself wins.
fn merged(entries: Vec<(Key, Node)>) -> Vec<(Key, Node)> {
    if !entries.iter().any(|(key, _)| key.text == "<<") {
        return entries;
    }
    let (merges, mut own): (Vec<_>, Vec<_>) = entries.into_iter().partition(|(key, _)| key.text == "<<");
    for (_, node) in merges {
        let maps = match node.value {
            Value::List(maps) => maps,
            _ => vec![node],
        };
        for map in maps {
            let Value::Map(entries) = map.value else { continue };
            for (key, node) in entries {
                if !own.iter().any(|(known, _)| known.text == key.text) {
                    own.push((key, node));
                }
            }
        }
    }
    own
}

/// How many nodes it is.
fn weight(node: &Node) -> usize {
    let mut count = 0;
    let mut open = vec![node];
    while let Some(node) = open.pop() {
        count += 1;
        open.extend(node.items());
        open.extend(node.entries().map(|(_, node)| node));
    }
    count
}
