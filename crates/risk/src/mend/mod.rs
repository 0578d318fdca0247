//! Changes to files that might remove a finding: small ones first.
//!
//! These are proposals, made by looking at the text of the lines behind a finding. None is believed: whoever shows one first makes it
//! in memory, reads the files again and sees whether the finding is gone and nothing worse has come. So a proposal may be a
//! guess, and only what was seen to work is shown.

mod argument;
mod elsewhere;
mod replicas;

use dinghai_estate::Origin;

use crate::{Edit, Finding, Report, Sources};

/// Proposals for one finding, at most: each costs a reading of all files.
const MOST: usize = 24;

/// The text of files by path.
pub(crate) struct Text<'t> {
    sources: &'t Sources,
}

/// Changes that might remove a finding of the report, the smallest first. `sources` has the text of the files that the report was
/// made from.
pub fn proposals(report: &Report, finding: &Finding, sources: &Sources) -> Vec<Vec<Edit>> {
    let text = Text::of(sources);
    let mut all = elsewhere::proposals(report, finding, &text);
    all.extend(argument::proposals(report, finding, &text));
    all.extend(replicas::proposals(report, finding, &text));
    all.sort_by_key(|edits| {
        let lines: usize = edits.iter().map(|edit| edit.add.len().max(edit.remove as usize)).sum();
        (edits.len(), lines)
    });
    let mut seen: Vec<Vec<Edit>> = Vec::new();
    for edits in all {
        if !seen.contains(&edits) {
            seen.push(edits);
        }
    }
    seen.truncate(MOST);
    seen
}

/// The text of a file with edits made, none of which may touch the lines of another one. Edits of other files are left out.
pub fn with_edits(path: &str, text: &str, edits: &[Edit]) -> String {
    let mut here: Vec<&Edit> = edits.iter().filter(|edit| edit.file == path).collect();
    here.sort_by_key(|edit| edit.line);
    let mut lines = text.split('\n');
    let (mut made, mut next) = (Vec::new(), 1);
    for edit in here {
        while next < edit.line {
            let Some(line) = lines.next() else { break };
            made.push(line.to_owned());
            next += 1;
        }
        made.extend(edit.add.iter().cloned());
        for _ in 0..edit.remove {
            lines.next();
            next += 1;
        }
    }
    made.extend(lines.map(str::to_owned));
    made.join("\n")
}

impl<'t> Text<'t> {
    pub(crate) fn of(sources: &'t Sources) -> Self {
        Self { sources }
    }

    /// The lines of a file.
    pub(crate) fn lines(&self, file: &str) -> impl Iterator<Item = &'t str> {
        self.sources.get(file).map_or("", String::as_str).lines()
    }

    /// The line of an origin; none for a whole file or a line that is not there.
    pub(crate) fn line(&self, origin: &Origin) -> Option<&'t str> {
        let before = usize::try_from(origin.line).ok()?.checked_sub(1)?;
        self.lines(&origin.file).nth(before)
    }

    /// The files, by path.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&'t str, &'t str)> {
        self.sources.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }
}

/// One line for another.
pub(crate) fn instead(origin: &Origin, line: String) -> Edit {
    Edit { file: origin.file.clone(), line: origin.line, remove: 1, add: vec![line] }
}

/// Where `word` stands in `line` as a word of its own, in bytes.
pub(crate) fn word_at(line: &str, word: &str) -> Option<usize> {
    let is_part = |sign: char| sign.is_alphanumeric() || matches!(sign, '-' | '_' | '.');
    line.match_indices(word).map(|(at, _)| at).find(|at| {
        let before = line.get(..*at).and_then(|before| before.chars().next_back());
        let after = line.get(at + word.len()..).and_then(|after| after.chars().next());
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

/// The spaces at the beginning of a line.
pub(crate) fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_made_at_their_lines_whatever_their_order() {
        let edit = |line, remove, add: &[&str]| Edit {
            file: "a".to_owned(),
            line,
            remove,
            add: add.iter().map(|line| (*line).to_owned()).collect(),
        };
        let edits = [edit(4, 0, &["new"]), edit(2, 1, &["two"]), edit(3, 1, &[])];
        assert_eq!(with_edits("a", "1\n2\n3\n4\n", &edits), "1\ntwo\nnew\n4\n");
        assert_eq!(with_edits("b", "1\n2\n", &edits), "1\n2\n");
        assert_eq!(with_edits("a", "1", &[edit(9, 0, &["end"])]), "1\nend");
    }

    #[test]
    fn a_word_is_found_only_as_a_whole() {
        assert_eq!(word_at("zone = \"hz-a\"", "hz-a"), Some(8));
        assert_eq!(word_at("zone = \"hz-ab\"", "hz-a"), None);
        assert_eq!(word_at("hz-a-x, hz-a", "hz-a"), Some(8));
    }
}
