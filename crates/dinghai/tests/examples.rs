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
