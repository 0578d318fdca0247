//! No file names a path of somebody's machine: what is built or told here must hold everywhere.

use anyhow::{Context, Result, bail};

use crate::tool;

/// Top folders of machines that this is developed on.
const TOPS: [&str; 2] = ["work", "root"];

pub(super) fn check() -> Result<()> {
    let listed = tool::command("git")?
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .output()
        .context("`git ls-files` could not be started")?;
    let root = tool::root();
    let mut problems = Vec::new();
    let mut read = 0;
    for path in String::from_utf8_lossy(&listed.stdout).split_terminator('\0') {
        // What is no text, or was deleted and not yet committed, names nothing.
        let Ok(text) = std::fs::read_to_string(root.join(path)) else { continue };
        read += 1;
        problems.extend(findings(&text).map(|line| format!("{path}:{line} names a path of one machine")));
    }
    if !problems.is_empty() {
        bail!("{}", problems.join("\n"));
    }
    println!("{read} text files name no path of one machine");
    Ok(())
}

/// Lines (from 1) that name an absolute path below one of the top folders.
fn findings(text: &str) -> impl Iterator<Item = usize> {
    text.lines().enumerate().filter(|(_, line)| names_a_machine(line)).map(|(at, _)| at + 1)
}

fn names_a_machine(line: &str) -> bool {
    TOPS.iter().map(|top| format!("/{top}/")).any(|path| {
        line.match_indices(&path).any(|(at, _)| {
            let before = line.get(..at).and_then(|before| before.chars().next_back());
            !before.is_some_and(|before| before.is_alphanumeric() || "._-}*/".contains(before))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absolute_path_is_found_and_a_part_of_another_is_not() {
        let path = |before: &str, top: &str| format!("{before}/{top}/x");
        assert!(names_a_machine(&path("cd ", "root")));
        assert!(names_a_machine(&path("\"", "work")));
        assert!(!names_a_machine(&path("target", "work")));
        assert!(!names_a_machine("the root of the work"));
        let text = format!("fine\n{}\n", path("", "work"));
        assert_eq!(findings(&text).collect::<Vec<_>>(), [2]);
    }
}
