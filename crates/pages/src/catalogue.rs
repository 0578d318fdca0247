//! The message catalogue: every sentence that a person reads, in both languages.
//!
//! Each file holds tables `[reason.CODE]`, `[text.KEY]` or `[event.KIND]` with `en` and `zh`, and `one` where English
//! needs another sentence when `{n}` is 1. Placeholders stand in braces. `**` in a sentence begins and ends bold
//! words, which [`rich`] renders and [`text`] drops. The files are part of the program; they are parsed once.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use dinghai_record::Reason;
use maud::{Markup, html};
use serde::Deserialize;

use crate::spoken;

/// A language that the catalogue speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Simplified Chinese.
    Zh,
}

impl Language {
    /// The BCP 47 tag, for `<html lang>` and cookies.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh",
        }
    }

    /// The language of a tag such as `zh-CN`; none when the catalogue does not speak it.
    pub fn of(tag: &str) -> Option<Self> {
        match tag.trim().split(['-', '_', '.']).next()? {
            "en" => Some(Self::En),
            "zh" => Some(Self::Zh),
            _ => None,
        }
    }

    /// The first language of an `Accept-Language` header that the catalogue speaks, in the order of its weights.
    pub fn accepted(header: &str) -> Option<Self> {
        let mut offers: Vec<(f32, Self)> = header
            .split(',')
            .filter_map(|offer| {
                let (tag, weight) = offer.split_once(";q=").unwrap_or((offer, "1"));
                Some((weight.trim().parse().ok()?, Self::of(tag)?))
            })
            .collect();
        offers.sort_by(|a, b| b.0.total_cmp(&a.0));
        offers.first().map(|(_, language)| *language)
    }
}

/// One sentence in both languages.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sentence {
    pub(crate) en: String,
    pub(crate) zh: String,
    #[serde(default)]
    pub(crate) one: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Catalogue {
    #[serde(default)]
    pub(crate) reason: BTreeMap<String, Sentence>,
    #[serde(default)]
    pub(crate) text: BTreeMap<String, Sentence>,
    #[serde(default)]
    pub(crate) event: BTreeMap<String, Sentence>,
}

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        /// Every file of the catalogue, by name.
        pub(crate) const FILES: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../messages/", $name, ".toml")))),*];
    };
}

files![
    "access", "act", "check", "cli", "decide", "detect", "drill", "engine", "event", "gateway", "hands",
    "pages", "prove", "record", "sim"
];

/// A file that can not be read is left out; a test proves that there is none.
fn catalogue() -> &'static Catalogue {
    static CATALOGUE: OnceLock<Catalogue> = OnceLock::new();
    CATALOGUE.get_or_init(|| {
        let mut whole = Catalogue::default();
        for (_, source) in FILES {
            if let Ok(file) = toml::from_str::<Catalogue>(source) {
                whole.reason.extend(file.reason);
                whole.text.extend(file.text);
                whole.event.extend(file.event);
            }
        }
        whole
    })
}

/// The sentence of an event's kind.
pub(crate) fn event_sentence(kind: &str) -> Option<&'static Sentence> {
    catalogue().event.get(kind)
}

impl Sentence {
    fn template<'a>(&'a self, language: Language, value_of_n: Option<&str>) -> &'a str {
        match (language, &self.one) {
            (Language::En, Some(one)) if value_of_n == Some("1") => one,
            (Language::En, _) => &self.en,
            (Language::Zh, _) => &self.zh,
        }
    }

    /// The sentence with its placeholders filled; bold marks are kept.
    pub(crate) fn fill(&self, language: Language, values: &[(&str, String)]) -> String {
        let of_n = values.iter().find(|(name, _)| *name == "n").map(|(_, value)| value.as_str());
        fill(self.template(language, of_n), values)
    }
}

/// Puts the values into the braces of their names. A brace that has no value stays as it is.
fn fill(template: &str, values: &[(&str, String)]) -> String {
    let mut out = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        match after.split_once('}') {
            Some((name, tail)) => {
                match values.iter().find(|(each, _)| *each == name) {
                    Some((_, value)) => out.push_str(value),
                    None => out.extend(["{", name, "}"]),
                }
                rest = tail;
            }
            None => {
                out.push('{');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

/// What stands in the place of a sentence that is not in the catalogue; the brackets are looked for by tests.
fn missing(key: &str) -> String {
    format!("⟦{key}⟧")
}

/// A sentence of the screens or the command line. A key that is not in the catalogue comes back in `⟦ ⟧`.
pub fn text(language: Language, key: &str, values: &[(&str, String)]) -> String {
    known(language, key, values).unwrap_or_else(|| missing(key))
}

/// The same when the catalogue knows the key.
pub(crate) fn known(language: Language, key: &str, values: &[(&str, String)]) -> Option<String> {
    let sentence = catalogue().text.get(key)?;
    Some(sentence.fill(language, values).replace("**", ""))
}

/// The same sentence as HTML, with its bold words. Values are escaped.
pub fn rich(language: Language, key: &str, values: &[(&str, String)]) -> Markup {
    let Some(sentence) = catalogue().text.get(key) else {
        return html! { (missing(key)) };
    };
    let of_n = values.iter().find(|(name, _)| *name == "n").map(|(_, value)| value.as_str());
    let template = sentence.template(language, of_n);
    html! {
        @for (n, part) in template.split("**").enumerate() {
            @if n % 2 == 1 { b { (fill(part, values)) } } @else { (fill(part, values)) }
        }
    }
}

/// A reason as a sentence, its values in the reader's language. A code that the catalogue does not know is shown with
/// its values as they are.
pub fn reason(language: Language, reason: &Reason) -> String {
    match catalogue().reason.get(&reason.code) {
        Some(sentence) => {
            let spoken = |name: &str, value: &str| spoken::spoken(language, name, value);
            let values: Vec<(&str, String)> =
                reason.with.iter().map(|(name, value)| (name.as_str(), spoken(name, value))).collect();
            sentence.fill(language, &values)
        }
        None => reason.to_string(),
    }
}

/// A reason as a sentence that stands by itself: its first letter is a capital, unless it begins with a name.
pub fn sentence(language: Language, given: &Reason) -> String {
    let said = reason(language, given);
    // The values under these names are words of ours, not names of the estate.
    const WORDS: [&str; 4] = ["{plan}", "{step}", "{kind}", "{fault}"];
    let begins_with_a_word = catalogue().reason.get(&given.code).is_some_and(|sentence| {
        language == Language::En
            && (sentence.en.starts_with(|c: char| c.is_ascii_lowercase())
                || WORDS.iter().any(|name| sentence.en.starts_with(name)))
    });
    let mut letters = said.chars();
    match letters.next() {
        Some(first) if begins_with_a_word => first.to_uppercase().chain(letters).collect(),
        _ => said,
    }
}

#[cfg(test)]
#[path = "catalogue_tests.rs"]
mod tests;
