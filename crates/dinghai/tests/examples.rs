//! The estates that we show are whole, and as strong as they say.

use std::path::{Path, PathBuf};

use dinghai_estate::{Decoded, FailureDomains, Files, decode, lint};

struct Folder(PathBuf);

impl Files for Folder {
    fn read(&self, path: &str) -> Result<String, String> {
        std::fs::read_to_string(self.0.join(path)).map_err(|error| error.to_string())
    }
}

/// One estate that stands in a text, under any name.
struct Text(String);

impl Files for Text {
    fn read(&self, _path: &str) -> Result<String, String> {
        Ok(self.0.clone())
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn weaknesses(Decoded { estate, problems, .. }: &Decoded) -> Vec<String> {
    let mut all: Vec<String> =
        problems.iter().map(|problem| format!("{} {}", problem.origin, problem.message)).collect();
    if let Some(estate) = estate {
        let domains = FailureDomains::of(estate);
        all.extend(lint(estate, &domains).iter().map(|lint| format!("{} {}", lint.rule, lint.about)));
    }
    all
}

#[test]
fn the_examples_have_no_problem_and_no_weakness() {
    let mut seen = 0;
    for folder in std::fs::read_dir(root().join("examples")).unwrap() {
        let folder = folder.unwrap().path();
        // Those in `infra` are weak on purpose; see the tests below.
        if folder.ends_with("infra") {
            continue;
        }
        let decoded = decode("dinghai.yaml", &Folder(folder.clone()));
        assert_eq!(weaknesses(&decoded), Vec::<String>::new(), "{}", folder.display());
        assert!(decoded.estate.is_some());
        seen += 1;
    }
    assert!(seen > 0);
}

#[test]
fn the_estates_in_the_guide_are_whole() {
    let mut seen = 0;
    for page in std::fs::read_dir(root().join("docs/guide")).unwrap() {
        let page = page.unwrap().path();
        let text = std::fs::read_to_string(&page).unwrap();
        let blocks = text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
        for block in blocks.filter(|block| block.starts_with("estate:")) {
            let decoded = decode("dinghai.yaml", &Text(block.to_owned()));
            assert!(decoded.problems.is_empty(), "{}: {:#?}", page.display(), decoded.problems);
            seen += 1;
        }
    }
    assert!(seen > 0);
}

#[expect(clippy::unwrap_used, reason = "a folder that cannot be listed fails its test")]
fn infrastructures() -> Vec<PathBuf> {
    let folders = std::fs::read_dir(root().join("examples/infra")).unwrap();
    let mut folders: Vec<PathBuf> =
        folders.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

#[test]
fn every_example_infrastructure_says_what_is_expected_of_it() {
    assert_eq!(infrastructures().len(), 7);
    for folder in infrastructures() {
        for page in ["README.md", "expected.md"] {
            assert!(folder.join(page).is_file(), "{} has no {page}", folder.display());
        }
    }
}

/// What reads as `file.ext:12` in a text.
fn lines_named(text: &str) -> Vec<(String, usize)> {
    let words = text.split(|c: char| c.is_whitespace() || "`|,()".contains(c));
    let named = words.filter_map(|word| {
        let (file, rest) = word.split_once(':')?;
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        let known = ["tf", "yaml", "yml", "cfg", "conf", "json"];
        let kind = file.rsplit_once('.')?.1;
        Some((file.to_owned(), digits.parse().ok()?)).filter(|_| known.contains(&kind))
    });
    named.collect()
}

#[test]
fn lines_of_expected_findings_are_there_and_say_something() {
    for folder in infrastructures() {
        let expected = std::fs::read_to_string(folder.join("expected.md")).unwrap();
        for (file, number) in lines_named(&expected) {
            let text = std::fs::read_to_string(folder.join(&file)).unwrap_or_default();
            let said = text.lines().nth(number - 1).unwrap_or_default();
            assert!(!said.trim().is_empty(), "{}: {file}:{number} says nothing", folder.display());
        }
    }
}

#[test]
fn the_estate_files_of_example_infrastructures_are_read() {
    let mut seen = 0;
    for folder in infrastructures().into_iter().filter(|folder| folder.join("dinghai.yaml").is_file()) {
        let decoded = decode("dinghai.yaml", &Folder(folder.clone()));
        assert_eq!(weaknesses(&decoded), Vec::<String>::new(), "{}", folder.display());
        seen += 1;
    }
    assert_eq!(seen, 3);
}
