//! YAML as a tree in which every node knows where it stands.
//!
//! The events of the YAML parser are put together here, without recursion. What can make a small file huge or deep is
//! bounded: nesting by [`DEEPEST`], and what aliases stand for, all together, by [`ALIASED`] nodes. Anchors, aliases and
//! merge keys (`<<`) work; tags of one's own, keys that are not plain text and a second document do not, and are
//! problems. A duplicate key is a problem that names both places.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span, Tag};

use crate::problem::{Problems, Spot};

/// Lists and maps inside each other, at most.
const DEEPEST: usize = 48;
/// Nodes that all aliases of one file stand for together, at most.
const ALIASED: u64 = 100_000;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Node<'s> {
    pub(crate) at: Spot,
    pub(crate) value: Value<'s>,
}

/// What stands there.
#[derive(Clone, Debug)]
pub(crate) enum Value<'s> {
    /// Nothing, `~` or `null`.
    Nothing,
    /// A word, number or text, as written.
    Scalar(Cow<'s, str>),
    /// A list.
    List(Vec<Node<'s>>),
    /// A map, in written order; each key once.
    Map(Vec<(Key<'s>, Node<'s>)>),
}

/// A key of a map.
#[derive(Clone, Debug)]
pub(crate) struct Key<'s> {
    pub(crate) at: Spot,
    pub(crate) text: Cow<'s, str>,
}

impl Value<'_> {
    /// What it is, for messages.
    pub(crate) fn what(&self) -> String {
        match self {
            Self::Nothing => "nothing".to_owned(),
            Self::Scalar(text) => format!("`{text}`"),
            Self::List(_) => "a list".to_owned(),
            Self::Map(_) => "a map".to_owned(),
        }
    }
}

/// A list or map that is being read.
struct Open<'s> {
    start: Marker,
    anchor: usize,
    /// Nodes in it so far, those that aliases stand for included.
    weight: u64,
    inside: Inside<'s>,
}

enum Inside<'s> {
    List(Vec<Node<'s>>),
    Map(Vec<(Key<'s>, Node<'s>)>, Option<Key<'s>>),
}

struct Builder<'s, 'p> {
    file: u32,
    problems: &'p mut Problems,
    open: Vec<Open<'s>>,
    anchors: BTreeMap<usize, (Node<'s>, u64)>,
    aliased: u64,
    root: Option<Node<'s>>,
}

/// Reads one file's text. None when it is not YAML that can be used; the reason is then among the problems.
pub(crate) fn read<'s>(text: &'s str, file: u32, problems: &mut Problems) -> Option<Node<'s>> {
    let mut builder =
        Builder { file, problems, open: Vec::new(), anchors: BTreeMap::new(), aliased: 0, root: None };
    let mut documents = 0;
    let mut parser = Parser::new_from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
    while let Some(event) = parser.next_event() {
        let (event, span) = match event {
            Ok(event) => event,
            Err(error) => {
                let at = spot(file, *error.marker(), 1);
                let message = format!("this is not YAML: {}", error.info());
                let help = "look at the indentation, quotes and colons here and on the line above";
                builder.problems.add_with_help("yaml", at, message, help);
                return None;
            }
        };
        if matches!(event, Event::DocumentStart(_)) {
            documents += 1;
            if documents > 1 {
                let at = spot(file, span.start, 3);
                let help = "put it into a file of its own and name that under `include`";
                let message = "a second document begins here; a file holds one";
                builder.problems.add_with_help("yaml", at, message, help);
                return builder.root;
            }
        }
        builder.take(event, span)?;
    }
    builder.root
}

impl<'s> Builder<'s, '_> {
    /// None when the file has to be given up.
    fn take(&mut self, event: Event<'s>, span: Span) -> Option<()> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_tag(tag.as_deref(), span);
                let plain = style == ScalarStyle::Plain && tag.is_none();
                let value = match plain && matches!(&*text, "" | "~" | "null" | "Null" | "NULL") {
                    true => Value::Nothing,
                    false => Value::Scalar(text),
                };
                let length = match span.end.line() == span.start.line() {
                    true => span.len(),
                    false => 1,
                };
                let at = spot(self.file, span.start, length);
                self.finish(Node { at, value }, anchor, 1);
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_tag(tag.as_deref(), span);
                self.open(span.start, anchor, Inside::List(Vec::new()))?;
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_tag(tag.as_deref(), span);
                self.open(span.start, anchor, Inside::Map(Vec::new(), None))?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span),
            Event::Alias(anchor) => self.alias(anchor, span)?,
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => {}
        }
        Some(())
    }

    fn refuse_tag(&mut self, tag: Option<&Tag>, span: Span) {
        if let Some(tag) = tag.filter(|tag| !tag.is_yaml_core_schema()) {
            let at = spot(self.file, span.start, tag.to_string().chars().count());
            let message = format!("the tag `{tag}` means nothing here");
            self.problems.add_with_help("yaml", at, message, "remove the tag");
        }
    }

    fn open(&mut self, start: Marker, anchor: usize, inside: Inside<'s>) -> Option<()> {
        if self.open.len() >= DEEPEST {
            let at = spot(self.file, start, 1);
            let message = format!("lists and maps are nested deeper than {DEEPEST} levels");
            let help = "an estate needs about ten; look for a bracket that was not closed";
            self.problems.add_with_help("too-deep", at, message, help);
            return None;
        }
        self.open.push(Open { start, anchor, weight: 1, inside });
        Some(())
    }

    fn close(&mut self, end: Span) {
        let Some(open) = self.open.pop() else { return };
        // The end of a bracket's span takes in the blanks after it, so it is counted from its start.
        let bracket = usize::from(!end.is_empty());
        let whole = match open.start.line() == end.start.line() {
            true => (end.start.index() + bracket).saturating_sub(open.start.index()),
            false => 1,
        };
        let mut at = spot(self.file, open.start, whole);
        let value = match open.inside {
            Inside::List(items) => Value::List(items),
            Inside::Map(entries, _) => {
                if let Some((first, _)) = entries.first().filter(|(first, _)| first.at.line == at.line)
                    && first.at.column == at.column
                {
                    at.length = first.at.length;
                }
                Value::Map(self.unique(entries))
            }
        };
        self.finish(Node { at, value }, open.anchor, open.weight);
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Option<()> {
        let at = spot(self.file, span.start, span.len());
        let Some((_, weight)) = self.anchors.get(&anchor) else {
            let help = "an alias can only repeat what has ended before it";
            self.problems.add_with_help("yaml", at, "this alias is part of what it repeats", help);
            return None;
        };
        let weight = *weight;
        self.aliased = self.aliased.saturating_add(weight);
        if self.aliased > ALIASED {
            let message = format!("the aliases of this file stand for more than {ALIASED} values");
            let help = "write the values out, or spread them over several files";
            self.problems.add_with_help("too-large", at, message, help);
            return None;
        }
        let node = self.anchors.get(&anchor).map(|(node, _)| node.clone())?;
        self.finish(node, 0, weight);
        Some(())
    }

    /// Puts a whole node where it belongs.
    fn finish(&mut self, node: Node<'s>, anchor: usize, weight: u64) {
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), weight));
        }
        let Some(open) = self.open.last_mut() else {
            self.root.get_or_insert(node);
            return;
        };
        open.weight = open.weight.saturating_add(weight);
        match &mut open.inside {
            Inside::List(items) => items.push(node),
            Inside::Map(entries, waiting) => match waiting.take() {
                Some(key) => entries.push((key, node)),
                None => {
                    let at = node.at;
                    let text = match node.value {
                        Value::Scalar(text) => text,
                        other => {
                            let message = format!("a key must be plain text, this is {}", other.what());
                            self.problems.add("yaml", at, message);
                            Cow::Borrowed("")
                        }
                    };
                    *waiting = Some(Key { at, text });
                }
            },
        }
    }

    /// The entries with each key once: merge keys followed, duplicates noted, unusable keys (noted before) left out.
    fn unique(&mut self, entries: Vec<(Key<'s>, Node<'s>)>) -> Vec<(Key<'s>, Node<'s>)> {
        let mut merged = Vec::new();
        let mut kept: Vec<(Key<'s>, Node<'s>)> = Vec::with_capacity(entries.len());
        let mut index: HashMap<Cow<'s, str>, Spot> = HashMap::new();
        let large = entries.len() > 16;
        for (key, node) in entries {
            if key.text == "<<" {
                self.merge(node, &mut merged);
                continue;
            }
            let before = match large {
                true => index.insert(key.text.clone(), key.at),
                false => kept.iter().find_map(|(other, _)| (other.text == key.text).then_some(other.at)),
            };
            match before {
                Some(first) if !key.text.is_empty() => {
                    self.problems.twice("the key", &key.text, first, key.at);
                }
                _ if key.text.is_empty() => {}
                _ => kept.push((key, node)),
            }
        }
        if !merged.is_empty() {
            let mut present: HashSet<_> = kept.iter().map(|(key, _)| key.text.clone()).collect();
            kept.extend(merged.into_iter().filter(|(key, _)| present.insert(key.text.clone())));
        }
        kept
    }

    fn merge(&mut self, node: Node<'s>, into: &mut Vec<(Key<'s>, Node<'s>)>) {
        let at = node.at;
        match node.value {
            Value::Map(entries) => into.extend(entries),
            Value::List(items) if items.iter().all(|item| matches!(item.value, Value::Map(_))) => {
                for item in items {
                    self.merge(item, into);
                }
            }
            Value::Nothing | Value::Scalar(_) | Value::List(_) => {
                let message = "a merge key (`<<`) takes a map or a list of maps";
                self.problems.add_with_help("yaml", at, message, "write `<<: *name` after `&name`");
            }
        }
    }
}

fn spot(file: u32, start: Marker, length: usize) -> Spot {
    let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Spot {
        file,
        line: small(start.line()),
        column: small(start.col().saturating_add(1)),
        length: small(length.max(1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        let mut problems = Problems::new();
        problems.file("f");
        read(text, 0, &mut problems);
        problems.list.into_iter().map(|problem| problem.message).collect()
    }

    #[test]
    fn aliases_and_merge_keys_repeat_what_stands_before() {
        let mut problems = Problems::new();
        let text = "a: &x { k: 1, l: 2 }\nb: { <<: *x, k: 3 }\nc: *x\n";
        let tree = read(text, 0, &mut problems).unwrap();
        assert!(problems.list.is_empty(), "{:?}", problems.list);
        let Value::Map(entries) = tree.value else { panic!() };
        let Value::Map(b) = &entries[1].1.value else { panic!() };
        let keys: Vec<&str> = b.iter().map(|(key, _)| &*key.text).collect();
        assert_eq!(keys, ["k", "l"]);
        assert!(matches!(&b[0].1.value, Value::Scalar(text) if text == "3"));
        assert!(matches!(&entries[2].1.value, Value::Map(c) if c.len() == 2));
    }

    #[test]
    fn a_file_that_grows_by_its_aliases_is_refused() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for n in 1..12 {
            let items = vec![format!("*a{}", n - 1); 9].join(", ");
            text.push_str(&format!("a{n}: &a{n} [{items}]\n"));
        }
        assert_eq!(problems(&text), ["the aliases of this file stand for more than 100000 values"]);
    }

    #[test]
    fn a_file_that_is_too_deep_is_refused() {
        assert_eq!(problems(&"[".repeat(200)), ["lists and maps are nested deeper than 48 levels"]);
        let block: String = (0..200).map(|n| format!("{}a:\n", " ".repeat(n))).collect();
        assert_eq!(problems(&block), ["lists and maps are nested deeper than 48 levels"]);
    }

    #[test]
    fn an_alias_inside_what_it_repeats_is_refused() {
        assert_eq!(problems("a: &x [*x]"), ["this alias is part of what it repeats"]);
    }

    #[test]
    fn a_duplicate_key_names_both_places() {
        let mut problems = Problems::new();
        problems.file("f");
        read("a: 1\nb: 2\na: 3\n", 0, &mut problems);
        let [problem] = &problems.list[..] else { panic!("{:?}", problems.list) };
        assert_eq!((problem.origin.line, problem.also[0].0.line), (3, 1));
    }
}
