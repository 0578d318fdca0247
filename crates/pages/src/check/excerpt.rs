//! The lines behind a finding, with a few around each, as a reader wants to see them.

use std::collections::BTreeMap;

use dinghai_risk::Because;

/// Lines before and after one that is meant.
const AROUND: usize = 2;
/// Lines between two that are still shown as one piece.
const APART: usize = 3;
/// Signs of a line that are shown; files of machines have lines of megabytes.
const WIDEST: usize = 120;

/// Some lines of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt<'a> {
    /// The file.
    pub file: &'a str,
    /// The lines; none when the file cannot be shown, or nobody says which line.
    pub rows: Vec<Row>,
    /// What is said of the file as a whole, or of lines that cannot be shown: line 0 for the file.
    pub notes: Vec<(u32, &'a str)>,
}

/// One line of an excerpt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its number, from 1.
    pub number: u32,
    /// Its text, without tabs and cut where it is long.
    pub text: String,
    /// Whether it is meant.
    pub hit: bool,
    /// What it says for the finding: the sign under which the note begins, how many signs are marked, and the note.
    pub notes: Vec<(usize, usize, String)>,
}

/// Excerpts of the files behind a finding, in the order in which they tell it.
pub fn excerpts<'a>(because: &'a [Because], lines: &BTreeMap<String, Vec<String>>) -> Vec<Excerpt<'a>> {
    let mut files: Vec<(&str, Vec<&Because>)> = Vec::new();
    for each in because {
        match files.iter_mut().find(|(file, _)| *file == each.origin.file) {
            Some((_, of_file)) => of_file.push(each),
            None => files.push((&each.origin.file, vec![each])),
        }
    }
    files.into_iter().flat_map(|(file, of_file)| of(file, &of_file, lines.get(file))).collect()
}

fn of<'a>(file: &'a str, because: &[&'a Because], lines: Option<&Vec<String>>) -> Vec<Excerpt<'a>> {
    let shown = |each: &&&Because| {
        lines.is_some_and(|lines| (1..=lines.len()).contains(&(each.origin.line as usize)))
    };
    let (hits, other): (Vec<&&Because>, Vec<&&Because>) = because.iter().partition(shown);
    let notes: Vec<(u32, &str)> = other.iter().map(|each| (each.origin.line, each.note.as_str())).collect();
    let mut numbers: Vec<usize> = hits.iter().map(|each| each.origin.line as usize).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let mut pieces: Vec<(usize, usize)> = Vec::new();
    for number in numbers {
        match pieces.last_mut() {
            Some((_, last)) if number <= *last + 2 * AROUND + APART => *last = number,
            _ => pieces.push((number, number)),
        }
    }
    // The most telling line first, as the finding has it.
    let first = |piece: &(usize, usize)| {
        hits.iter().position(|each| (piece.0..=piece.1).contains(&(each.origin.line as usize)))
    };
    pieces.sort_by_key(first);
    let lines = lines.map(Vec::as_slice).unwrap_or_default();
    let mut found: Vec<Excerpt<'a>> = pieces
        .into_iter()
        .map(|piece| Excerpt { file, rows: rows(piece, &hits, lines), notes: Vec::new() })
        .collect();
    match found.last_mut() {
        Some(last) => last.notes = notes,
        None => found.push(Excerpt { file, rows: Vec::new(), notes }),
    }
    found
}

fn rows((first, last): (usize, usize), hits: &[&&Because], lines: &[String]) -> Vec<Row> {
    let (from, to) = (first.saturating_sub(AROUND).max(1), (last + AROUND).min(lines.len()));
    let blank = |number: usize| lines.get(number - 1).is_none_or(|line| line.trim().is_empty());
    let from = (from..=first).find(|number| !blank(*number) || *number == first).unwrap_or(first);
    let to = (last..=to).rev().find(|number| !blank(*number) || *number == last).unwrap_or(last);
    (from..=to)
        .filter_map(|number| {
            let line = lines.get(number - 1)?.replace('\t', "  ");
            let meant: Vec<&&&Because> =
                hits.iter().filter(|each| each.origin.line as usize == number).collect();
            let column = meant.iter().map(|each| each.origin.column as usize).min().unwrap_or(1).max(1);
            let (text, cut) = around(&line, column);
            let said = meant.iter().filter(|each| !each.note.is_empty()).map(|each| {
                let at = (each.origin.column.max(1) as usize - 1).saturating_sub(cut);
                let at = at.max(indent(&text)).min(text.chars().count().saturating_sub(1));
                (at, word(&text, at), each.note.clone())
            });
            let mut notes: Vec<(usize, usize, String)> = said.collect();
            notes.dedup();
            Some(Row {
                number: u32::try_from(number).unwrap_or(u32::MAX),
                hit: !meant.is_empty(),
                notes,
                text,
            })
        })
        .collect()
}

fn indent(text: &str) -> usize {
    text.chars().take_while(|sign| sign.is_whitespace()).count()
}

/// The line, or what stands around a column of a long one; and how many signs were cut off in front of it.
fn around(line: &str, column: usize) -> (String, usize) {
    let length = line.chars().count();
    if length <= WIDEST {
        return (line.trim_end().to_owned(), 0);
    }
    let from = column.saturating_sub(WIDEST / 3).min(length - WIDEST + 2);
    if from <= 2 {
        return (line.chars().take(WIDEST - 1).chain(['…']).collect(), 0);
    }
    let middle = line.chars().skip(from).take(WIDEST - 2);
    let tail = (from + WIDEST - 2 < length).then_some('…');
    (['…'].into_iter().chain(middle).chain(tail).collect(), from - 1)
}

/// How many signs at that spot belong together.
fn word(text: &str, at: usize) -> usize {
    let ends = |sign: &char| sign.is_whitespace() || matches!(sign, ',' | ';' | '{' | '}' | '[' | ']');
    text.chars().skip(at).take_while(|sign| !ends(sign)).count().clamp(1, 40)
}

#[cfg(test)]
mod tests {
    use dinghai_estate::Origin;

    use super::*;

    fn because(line: u32, column: u32, note: &str) -> Because {
        Because { origin: Origin { file: "a.tf".into(), line, column }, note: note.into() }
    }

    fn file(lines: &[&str]) -> BTreeMap<String, Vec<String>> {
        [("a.tf".to_owned(), lines.iter().map(|line| (*line).to_owned()).collect())].into()
    }

    #[test]
    fn two_lines_stand_around_the_one_that_is_meant() {
        let lines = file(&["a", "b", "c", "d", "e", "f", "g"]);
        let because = [because(4, 1, "here")];
        let found = excerpts(&because, &lines);
        let numbers: Vec<u32> = found[0].rows.iter().map(|row| row.number).collect();
        assert_eq!(numbers, [2, 3, 4, 5, 6]);
        assert_eq!(found[0].rows[2].notes, [(0, 1, "here".to_owned())]);
    }

    #[test]
    fn far_lines_are_two_pieces_and_the_most_telling_comes_first() {
        let text: Vec<String> = (1..=40).map(|n| n.to_string()).collect();
        let lines = [("a.tf".to_owned(), text)].into();
        let because = [because(30, 1, ""), because(5, 1, ""), because(7, 1, "")];
        let found = excerpts(&because, &lines);
        assert_eq!(found.iter().map(|piece| piece.rows[0].number).collect::<Vec<_>>(), [28, 3]);
    }

    #[test]
    fn a_line_that_is_not_there_is_told_and_not_shown() {
        let lines = file(&["a"]);
        let because = [because(9, 1, "gone"), because(0, 0, "whole file")];
        let found = excerpts(&because, &lines);
        assert!(found[0].rows.is_empty());
        assert_eq!(found[0].notes, [(9, "gone"), (0, "whole file")]);
    }

    #[test]
    fn a_long_line_is_cut_around_the_column() {
        let long = format!("{}zone{}", "x".repeat(5000), "y".repeat(5000));
        let because = [because(1, 5001, "the zone")];
        let found = excerpts(&because, &file(&[&long]));
        let row = &found[0].rows[0];
        assert!(row.text.chars().count() <= WIDEST && row.text.contains("zone"), "{}", row.text);
        assert_eq!(row.text.chars().skip(row.notes[0].0).take(4).collect::<String>(), "zone");
    }
}
