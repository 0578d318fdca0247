//! One set of definitions for reading and for the JSON Schema.
//!
//! A type that implements [`Decode`] says both how it is read and what its schema is; [`keys!`] does so for a map with
//! known keys, from one list of them. Nothing else knows a key's name, so decoder and schema cannot drift apart.

use serde_json::{Map, Value as Json, json};

use crate::problem::{Problems, Spot};
use crate::tree::{Key, Node, Value};

/// A value and where it stands; line 0 when it is a default.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) at: Spot,
}

impl<T> At<T> {
    /// A value that nobody wrote.
    pub(crate) fn unwritten(value: T) -> Self {
        Self { value, at: Spot::default() }
    }
}

/// Read from a file, all problems noted, and described by a schema.
pub(crate) trait Decode: Sized {
    /// The value; none when it is unusable, which is then among the problems.
    fn decode(node: &Node<'_>, problems: &mut Problems) -> Option<Self>;

    /// Its JSON Schema; sections put theirs into `defs`.
    fn schema(defs: &mut Defs) -> Json;

    /// As it would be written, for the default in the schema.
    fn written(&self) -> Json {
        Json::Null
    }
}

/// Schemas of sections, by title.
pub(crate) type Defs = Map<String, Json>;

/// One scalar that is read by itself.
pub(crate) trait Scalar: Sized {
    /// What it is, with its article: `a duration such as ...`.
    const WHAT: &'static str;

    /// From its text; an error is a sentence about it.
    fn parse(text: &str) -> Result<Self, String>;

    /// Its JSON Schema.
    fn schema() -> Json;

    /// As it would be written.
    fn written(&self) -> Json;
}

/// Gives scalars their [`Decode`].
macro_rules! scalars {
    ($($type:ty),* $(,)?) => {$(
        impl Decode for $type {
            fn decode(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
                $crate::decode::shape::scalar(node, problems)
            }

            fn schema(_defs: &mut Defs) -> Json {
                <Self as Scalar>::schema()
            }

            fn written(&self) -> Json {
                Scalar::written(self)
            }
        }
    )*};
}
pub(crate) use scalars;

pub(crate) fn scalar<T: Scalar>(node: &Node<'_>, problems: &mut Problems) -> Option<T> {
    let Value::Scalar(text) = &node.value else {
        wrong_type(node, T::WHAT, problems);
        return None;
    };
    match T::parse(text) {
        Ok(value) => Some(value),
        Err(message) => {
            problems.add("bad-value", node.at, message);
            None
        }
    }
}

pub(crate) fn wrong_type(node: &Node<'_>, wanted: &str, problems: &mut Problems) {
    let message = format!("expected {wanted}, found {}", node.value.what());
    problems.add("wrong-type", node.at, message);
}

/// The entries of a map.
pub(crate) fn entries<'n, 's>(
    node: &'n Node<'s>,
    wanted: &str,
    problems: &mut Problems,
) -> Option<&'n [(Key<'s>, Node<'s>)]> {
    match &node.value {
        Value::Map(entries) => Some(entries),
        Value::Nothing | Value::Scalar(_) | Value::List(_) => {
            wrong_type(node, wanted, problems);
            None
        }
    }
}

pub(crate) fn unknown_key(key: &Key<'_>, title: &str, known: &[&'static str], problems: &mut Problems) {
    let help = match problems.nearest(&key.text, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("its keys are `{}`", known.join("`, `")),
    };
    let message = format!("unknown key `{}` in {title}", key.text);
    problems.add_with_help("unknown-key", key.at, message, help);
}

/// Notes a key that is written twice, once under another name for it.
pub(crate) fn twice_named(key: &Key<'_>, name: &str, first: Spot, problems: &mut Problems) {
    problems.twice("the key", name, first, key.at);
}

impl<T: Decode> Decode for At<T> {
    fn decode(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        T::decode(node, problems).map(|value| Self { value, at: node.at })
    }

    fn schema(defs: &mut Defs) -> Json {
        T::schema(defs)
    }

    fn written(&self) -> Json {
        self.value.written()
    }
}

/// A list.
impl<T: Decode> Decode for Vec<At<T>> {
    fn decode(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let Value::List(items) = &node.value else {
            wrong_type(node, "a list", problems);
            return None;
        };
        Some(items.iter().filter_map(|item| At::decode(item, problems)).collect())
    }

    fn schema(defs: &mut Defs) -> Json {
        json!({ "type": "array", "items": T::schema(defs) })
    }

    fn written(&self) -> Json {
        self.iter().map(Decode::written).collect()
    }
}

/// One value, or a list of them.
#[derive(Debug)]
pub(crate) struct OneOrMany<T>(pub(crate) Vec<At<T>>);

impl<T: Decode> Decode for OneOrMany<T> {
    fn decode(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        match &node.value {
            Value::List(_) => Vec::decode(node, problems).map(Self),
            Value::Nothing | Value::Scalar(_) | Value::Map(_) => {
                At::decode(node, problems).map(|one| Self(vec![one]))
            }
        }
    }

    fn schema(defs: &mut Defs) -> Json {
        let one = T::schema(defs);
        json!({ "anyOf": [one, { "type": "array", "items": one }] })
    }
}

/// A map whose keys are names that the user gives.
#[derive(Debug)]
pub(crate) struct Named<K, V>(pub(crate) Vec<(At<K>, Option<At<V>>)>);

impl<K: Decode, V: Decode> Decode for Named<K, V> {
    fn decode(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        let entries = entries(node, "a map of names", problems)?;
        let read = entries.iter().filter_map(|(key, value)| {
            let name = Node { at: key.at, value: Value::Scalar((*key.text).into()) };
            let name = At::decode(&name, problems);
            let value = At::decode(value, problems);
            name.map(|name| (name, value))
        });
        Some(Self(read.collect()))
    }

    fn schema(defs: &mut Defs) -> Json {
        json!({ "type": "object", "propertyNames": K::schema(defs), "additionalProperties": V::schema(defs) })
    }
}

/// A short form (a scalar), or the long one.
#[derive(Debug)]
pub(crate) enum Short<A, B> {
    /// The scalar.
    Plain(A),
    /// The long form.
    Keys(B),
}

impl<A: Decode, B: Decode> Decode for Short<A, B> {
    fn decode(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
        match &node.value {
            Value::Scalar(_) => A::decode(node, problems).map(Self::Plain),
            Value::Nothing | Value::List(_) | Value::Map(_) => B::decode(node, problems).map(Self::Keys),
        }
    }

    fn schema(defs: &mut Defs) -> Json {
        json!({ "anyOf": [A::schema(defs), B::schema(defs)] })
    }

    fn written(&self) -> Json {
        match self {
            Self::Plain(plain) => plain.written(),
            Self::Keys(keys) => keys.written(),
        }
    }
}

/// One key of a section, for its schema.
pub(crate) struct KeySchema {
    pub(crate) key: &'static str,
    pub(crate) aliases: &'static [&'static str],
    pub(crate) doc: &'static [&'static str],
    pub(crate) schema: Json,
    pub(crate) required: bool,
    pub(crate) default: Json,
}

/// Puts a section's schema into `defs` and returns a reference to it.
pub(crate) fn section(
    defs: &mut Defs,
    title: &str,
    doc: &[&str],
    keys: impl FnOnce(&mut Defs) -> Vec<KeySchema>,
) -> Json {
    let reference = json!({ "$ref": format!("#/$defs/{title}") });
    if defs.contains_key(title) {
        return reference;
    }
    defs.insert(title.to_owned(), Json::Null);
    let mut properties = Map::new();
    let mut required = Vec::new();
    for key in keys(defs) {
        for alias in key.aliases {
            let mut schema = key.schema.clone();
            if let Json::Object(schema) = &mut schema {
                schema.insert("deprecated".to_owned(), Json::Bool(true));
                schema.insert("description".to_owned(), format!("Another name for `{}`.", key.key).into());
            }
            properties.insert((*alias).to_owned(), schema);
        }
        if key.required {
            let names = std::iter::once(key.key).chain(key.aliases.iter().copied());
            required.push(
                json!({ "anyOf": names.map(|name| json!({ "required": [name] })).collect::<Vec<_>>() }),
            );
        }
        let mut schema = key.schema;
        if let Json::Object(schema) = &mut schema {
            schema.insert("description".to_owned(), joined(key.doc).into());
            if !key.default.is_null() {
                schema.insert("default".to_owned(), key.default);
            }
        }
        properties.insert(key.key.to_owned(), schema);
    }
    let mut schema = json!({
        "type": "object",
        "description": joined(doc),
        "properties": properties,
        "additionalProperties": false,
    });
    if let (Json::Object(schema), false) = (&mut schema, required.is_empty()) {
        schema.insert("allOf".to_owned(), required.into());
    }
    defs.insert(title.to_owned(), schema);
    reference
}

/// Doc lines as one paragraph.
pub(crate) fn joined(doc: &[&str]) -> String {
    let lines: Vec<&str> = doc.iter().map(|line| line.trim()).collect();
    lines.join(" ")
}

/// Declares a section: a map with known keys. Each key has a doc, a field, a type, its name, other names that work and
/// are not advertised, and either `required`, `default(value)` or nothing.
macro_rules! keys {
    ($($(#[doc = $doc:literal])+ $name:ident ($title:literal) {
        $($(#[doc = $about:literal])+
        $field:ident : $type:ty = $key:literal $(| $alias:literal)* $(, $mark:ident $(($default:expr))?)? ;)*
    })*) => {$(
        $(#[doc = $doc])+
        #[derive(Debug)]
        pub(crate) struct $name {
            $($(#[doc = $about])+ pub(crate) $field: keys!(@slot $type $(, $mark)?),)*
            /// Whether a key is written whose value could not be used, so that its absence says nothing.
            #[allow(dead_code, reason = "only sections of which exactly one key counts ask for it")]
            pub(crate) lacking: bool,
        }

        impl Decode for $name {
            fn decode(node: &Node<'_>, problems: &mut Problems) -> Option<Self> {
                let entries = $crate::decode::shape::entries(node, concat!("a map (", $title, ")"), problems)?;
                $(let mut $field: Option<(Spot, Option<At<$type>>)> = None;)*
                for (key, value) in entries {
                    match &*key.text {
                        $($key $(| $alias)* => match &$field {
                            None => $field = Some((key.at, At::decode(value, problems))),
                            Some((first, _)) => $crate::decode::shape::twice_named(key, $key, *first, problems),
                        },)*
                        _ => $crate::decode::shape::unknown_key(key, $title, &[$($key),*], problems),
                    }
                }
                $($(keys!(@missing $mark $field, node, $title, $key, problems);)?)*
                let lacking = $(matches!($field, Some((_, None))))||*;
                Some(Self {
                    lacking,
                    $($field: keys!(@fill ($field.and_then(|(_, value)| value)) $(, $mark $(($default))?)?),)*
                })
            }

            fn schema(defs: &mut Defs) -> Json {
                $crate::decode::shape::section(defs, $title, &[$($doc),+], |defs| vec![$(
                    $crate::decode::shape::KeySchema {
                        key: $key,
                        aliases: &[$($alias),*],
                        doc: &[$($about),+],
                        schema: <$type as Decode>::schema(defs),
                        required: keys!(@required $($mark)?),
                        default: keys!(@default $type $(, $mark $(($default))?)?),
                    },
                )*])
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self { lacking: false, $($field: keys!(@fill (None) $(, $mark $(($default))?)?),)* }
            }
        }
    )*};
    (@slot $type:ty, default) => { At<$type> };
    (@slot $type:ty $(, required)?) => { Option<At<$type>> };
    (@fill ($value:expr), default($default:expr)) => { $value.unwrap_or_else(|| At::unwritten($default)) };
    (@fill ($value:expr) $(, required)?) => { $value };
    (@required required) => { true };
    (@required $($mark:ident)?) => { false };
    (@default $type:ty, default($default:expr)) => {{
        let default: $type = $default;
        Decode::written(&default)
    }};
    (@default $type:ty $(, required)?) => { Json::Null };
    (@missing required $field:ident, $node:ident, $title:literal, $key:literal, $problems:ident) => {
        if $field.is_none() {
            $crate::decode::shape::missing($node.at, $title, $key, $problems);
        }
    };
    (@missing default $($rest:tt)*) => {};
}
pub(crate) use keys;

pub(crate) fn missing(at: Spot, title: &str, key: &str, problems: &mut Problems) {
    let message = format!("this {title} has no `{key}`");
    let help = format!("add `{key}: ...`");
    problems.add_with_help("missing-key", at, message, help);
}

pub(crate) fn unknown_promise(key: &Key<'_>, known: &[&str], problems: &mut Problems) {
    let help = match problems.nearest(&key.text, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known promises are `{}`", known.join("`, `")),
    };
    problems.add_with_help("unknown-reference", key.at, format!("unknown promise `{}`", key.text), help);
}
