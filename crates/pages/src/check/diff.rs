//! The smallest fix as changed lines.

use std::collections::BTreeMap;

use dinghai_risk::{Edit, Fix};

/// What changes in one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedFile<'a> {
    /// The file.
    pub file: &'a str,
    /// Its changed lines and the heads of their pieces, in order.
    pub changes: Vec<Change>,
}

/// One line of a diff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Where a piece begins: the first old line and how many, the first new line and how many.
    Piece(u32, u32, u32, u32),
    /// A line that goes, by its old number.
    Out(u32, String),
    /// A line that comes, by its new number.
    In(u32, String),
}

/// A fix as changed files, in the order of its edits. A line that goes and is not among `lines` is left out.
pub fn changes<'a>(fix: &'a Fix, lines: &BTreeMap<String, Vec<String>>) -> Vec<ChangedFile<'a>> {
    let mut files: Vec<(&str, Vec<&Edit>)> = Vec::new();
    for edit in &fix.edits {
        match files.iter_mut().find(|(file, _)| *file == edit.file) {
            Some((_, edits)) => edits.push(edit),
            None => files.push((&edit.file, vec![edit])),
        }
    }
    files
        .into_iter()
        .map(|(file, mut edits)| {
            edits.sort_by_key(|edit| edit.line);
            let mut changes = Vec::new();
            let mut moved = 0_i64;
            for edit in edits {
                let added = u32::try_from(edit.add.len()).unwrap_or(u32::MAX);
                let new = u32::try_from(i64::from(edit.line) + moved).unwrap_or(edit.line);
                changes.push(Change::Piece(edit.line, edit.remove, new, added));
                let old = lines.get(file).map(Vec::as_slice).unwrap_or_default();
                let from = (edit.line as usize).saturating_sub(1);
                let gone = old.iter().skip(from).take(edit.remove as usize);
                changes
                    .extend((edit.line..).zip(gone).map(|(number, text)| Change::Out(number, text.clone())));
                changes.extend((new..).zip(&edit.add).map(|(number, text)| Change::In(number, text.clone())));
                moved += i64::from(added) - i64::from(edit.remove);
            }
            ChangedFile { file, changes }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_lines_are_numbered_as_they_will_stand() {
        let edit = |line, remove, add: &[&str]| Edit {
            file: "a".into(),
            line,
            remove,
            add: add.iter().map(|line| (*line).to_owned()).collect(),
        };
        let edits = vec![edit(5, 1, &["E"]), edit(2, 0, &["x", "y"])];
        let fix = Fix { sentence: String::new(), edits, checked: None };
        let old = ["a", "b", "c", "d", "e"].map(str::to_owned).to_vec();
        let changed = changes(&fix, &[("a".to_owned(), old)].into());
        let expected = [
            Change::Piece(2, 0, 2, 2),
            Change::In(2, "x".into()),
            Change::In(3, "y".into()),
            Change::Piece(5, 1, 7, 1),
            Change::Out(5, "e".into()),
            Change::In(7, "E".into()),
        ];
        assert_eq!(changed[0].changes, expected);
    }
}
