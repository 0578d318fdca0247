//! The catalogue is whole: both languages, equal placeholders, every code and key that the sources use.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::*;

fn placeholders(template: &str) -> BTreeSet<String> {
    template
        .split('{')
        .skip(1)
        .filter_map(|rest| rest.split_once('}'))
        .map(|(name, _)| name.to_owned())
        .collect()
}

fn parsed() -> Vec<(&'static str, Catalogue)> {
    FILES
        .iter()
        .map(|(name, source)| match toml::from_str(source) {
            Ok(file) => (*name, file),
            Err(error) => panic!("messages/{name}.toml: {error}"),
        })
        .collect()
}

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for item in std::fs::read_dir(folder).unwrap().flatten() {
        let path = item.path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            into.push(path);
        }
    }
}

/// The text literals that follow `call` in every source of these crates, tests left out.
fn literals(crates: &[PathBuf], call: &str) -> Vec<(String, PathBuf)> {
    let mut files = Vec::new();
    for each in crates {
        sources(&each.join("src"), &mut files);
    }
    let mut found = Vec::new();
    for file in files.into_iter().filter(|file| !file.to_string_lossy().contains("test")) {
        let source = std::fs::read_to_string(&file).unwrap();
        let real = source.split("#[cfg(test)]").next().unwrap_or_default();
        for rest in real.split(call).skip(1) {
            let rest = rest.trim_start();
            if let Some((literal, _)) = rest.strip_prefix('"').and_then(|rest| rest.split_once('"')) {
                found.push((literal.to_owned(), file.clone()));
            }
        }
    }
    found
}

fn workspace_crates() -> Vec<PathBuf> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    std::fs::read_dir(crates)
        .unwrap()
        .flatten()
        .map(|item| item.path())
        .filter(|path| path.join("src").is_dir())
        .collect()
}

#[test]
fn every_file_of_messages_is_embedded() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("messages");
    let there: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .flatten()
        .filter_map(|item| item.file_name().to_str()?.strip_suffix(".toml").map(str::to_owned))
        .collect();
    let embedded: BTreeSet<String> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(embedded, there);
}

#[test]
fn both_languages_say_the_same_with_the_same_values() {
    for (name, file) in parsed() {
        for (key, sentence) in file.reason.iter().chain(&file.text).chain(&file.event) {
            assert!(!sentence.en.trim().is_empty(), "{name}: {key} has no English");
            assert!(!sentence.zh.trim().is_empty(), "{name}: {key} has no Chinese");
            let (en, zh) = (placeholders(&sentence.en), placeholders(&sentence.zh));
            assert_eq!(en, zh, "{name}: placeholders of {key}");
            if let Some(one) = &sentence.one {
                assert!(placeholders(one).is_subset(&en), "{name}: placeholders of {key}, one");
            }
        }
    }
}

#[test]
fn a_code_stands_in_one_file_only() {
    let mut seen = std::collections::BTreeMap::new();
    for (name, file) in parsed() {
        for code in file.reason.keys() {
            if let Some(other) = seen.insert(code.clone(), name) {
                panic!("`{code}` stands in {other}.toml and in {name}.toml");
            }
        }
    }
}

#[test]
fn every_reason_in_the_workspace_has_a_sentence() {
    let known = catalogue();
    let missing: BTreeSet<String> = literals(&workspace_crates(), "Reason::new(")
        .into_iter()
        .filter(|(code, _)| !known.reason.contains_key(code))
        .map(|(code, file)| format!("{code} ({})", file.display()))
        .collect();
    assert!(missing.is_empty(), "no sentence for: {missing:#?}");
}

#[test]
fn every_text_the_pages_use_is_in_the_catalogue() {
    let pages = [PathBuf::from(env!("CARGO_MANIFEST_DIR"))];
    let known = catalogue();
    let calls = [".say(", ".rich(", "text(language, ", "rich(language, "];
    let missing: BTreeSet<String> = calls
        .iter()
        .flat_map(|call| literals(&pages, call))
        .filter(|(key, _)| !known.text.contains_key(key))
        .map(|(key, file)| format!("{key} ({})", file.display()))
        .collect();
    assert!(missing.is_empty(), "no text for: {missing:#?}");
}

#[test]
fn an_unknown_code_is_shown_with_its_values() {
    let strange = Reason::new("from-the-future").with("place", "hz-a");
    assert_eq!(reason(Language::En, &strange), "from-the-future (place: hz-a)");
}

#[test]
fn bold_words_are_rendered_and_values_are_escaped() {
    let sentence = rich(
        Language::En,
        "next-loss-stops",
        &[("place", "<script>".to_owned()), ("services", "order".to_owned())],
    );
    let out = sentence.into_string();
    assert!(out.contains("<b>&lt;script&gt;</b>"), "{out}");
}

#[test]
fn the_accepted_language_follows_the_weights() {
    assert_eq!(Language::accepted("fr, zh-CN;q=0.8, en;q=0.5"), Some(Language::Zh));
    assert_eq!(Language::accepted("en-GB,zh;q=0.1"), Some(Language::En));
    assert_eq!(Language::accepted("fr"), None);
}
