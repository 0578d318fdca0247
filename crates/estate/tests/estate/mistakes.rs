//! One file for each mistake, named for it, and beside it what is said of it.
//!
//! `X.txt` holds the problems of `X.yaml`: `line:column+length code: message`, then help and further places.

use std::fmt::Write;

use crate::disk::Disk;
use dinghai_estate::{Origin, Problem, decode};

fn told(problems: &[Problem], root: &str) -> String {
    let place = |origin: &Origin, length: u32| {
        let file = if origin.file == root { String::new() } else { format!("{}:", origin.file) };
        format!("{file}{}:{}+{length}", origin.line, origin.column)
    };
    let mut text = String::new();
    for problem in problems {
        let at = place(&problem.origin, problem.length);
        writeln!(text, "{at} {}: {}", problem.code, problem.message).unwrap();
        if let Some(help) = &problem.help {
            writeln!(text, "  help: {help}").unwrap();
        }
        for (origin, length, note) in &problem.also {
            writeln!(text, "  also {}: {note}", place(origin, *length)).unwrap();
        }
    }
    text
}

#[test]
fn each_mistake_is_told_as_its_text_says() {
    let folder = Disk::folder("mistakes");
    let mut wrong = Vec::new();
    for name in folder.names("yaml") {
        let decoded = decode(&name, &folder);
        let got = told(&decoded.problems, &name);
        let text = name.replace(".yaml", ".txt");
        if got != folder.text(&text) {
            wrong.push(format!("== {text}, got:\n{got}"));
        }
        assert!(decoded.estate.is_none(), "{name}: an estate with an error is not used");
        assert_eq!(decode(&name, &folder).problems, decoded.problems, "{name}: the same twice");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
