//! One finding in full.

use dinghai_pages::check::{Change, Excerpt, changes, excerpts};
use dinghai_risk::{Bound, Finding, Fix};

use super::Page;
use super::paint::shape;
use super::wrap::{cut, wide};

/// Pieces of files, and lines of a diff, without `--all`.
const PIECES: usize = 2;
const LINES: usize = 6;

impl Page<'_> {
    pub(super) fn finding(&self, finding: &Finding) -> Vec<String> {
        let paint = self.show.paint;
        let state = Some(finding.state);
        let head = format!("{} {}", shape(state), self.told.state(finding.state));
        let rule = format!("{} · {}", finding.rule, self.told.certainty(finding.certainty));
        let room = self.width.saturating_sub(wide(&head) + wide(&rule) + 4);
        let mut lines = match wide(&finding.title) <= room {
            true => vec![format!(
                "{}  {}  {}",
                paint.state(state, &head),
                paint.bold(&finding.title),
                paint.quiet(&rule)
            )],
            false => {
                let mut lines = vec![format!("{}  {}", paint.state(state, &head), paint.quiet(&rule))];
                lines.extend(self.sentence(&finding.title, 2).iter().map(|line| paint.bold(line)));
                lines
            }
        };
        if finding.about.len() > 1 {
            lines.extend(self.sentence(&self.services(finding), 2).iter().map(|line| paint.quiet(line)));
        }
        if !finding.sentence.is_empty() {
            lines.extend(self.sentence(&finding.sentence, 2));
        }
        lines.extend(self.excerpts(finding));
        if let Some(bound) = &finding.bound {
            lines.extend(self.bound(bound));
        }
        if let Some(fix) = &finding.fix {
            lines.extend(self.fix(fix));
        }
        lines.push(String::new());
        lines
    }

    fn excerpts(&self, finding: &Finding) -> Vec<String> {
        let found = excerpts(&finding.because, self.told.lines);
        let shown = if self.show.all { usize::MAX } else { PIECES };
        let mut lines: Vec<String> = found.iter().take(shown).flat_map(|piece| self.excerpt(piece)).collect();
        let named = |piece: &Excerpt<'_>| match piece.rows.iter().find(|row| row.hit) {
            Some(row) => format!("{}:{}", piece.file, row.number),
            None => piece.file.to_owned(),
        };
        let more: Vec<String> = found.iter().skip(shown).map(named).collect();
        if !more.is_empty() {
            let also = format!("{} {}", self.say("check-also", &[]), more.join(", "));
            lines.extend(self.sentence(&also, 4).iter().map(|line| self.show.paint.quiet(line)));
        }
        lines
    }

    fn excerpt(&self, piece: &Excerpt<'_>) -> Vec<String> {
        let paint = self.show.paint;
        let mut lines = Vec::new();
        let digits = piece.rows.last().map_or(1, |row| row.number.to_string().len()).max(3);
        let gutter = |number: &str| paint.quiet(&format!("  {number:>digits$} │ "));
        let room = self.width.saturating_sub(digits + 5);
        if !piece.rows.is_empty() {
            lines.push(paint.quiet(&format!("  {} ┌ {}", " ".repeat(digits), piece.file)));
        }
        for row in &piece.rows {
            let near =
                |other: &dinghai_pages::check::Row| other.hit && other.number.abs_diff(row.number) <= 1;
            // On one screen one line around each that is meant is enough.
            if !self.show.all && !row.hit && !piece.rows.iter().any(near) {
                continue;
            }
            let text = cut(&row.text, room);
            let text = if row.hit { text } else { paint.quiet(&text) };
            lines.push(format!("{}{text}", gutter(&row.number.to_string())));
            for (at, length, note) in &row.notes {
                let marks = "^".repeat((*length).min(room.saturating_sub(*at)).max(1));
                let fits = at + wide(&marks) + 1 + wide(note) <= room;
                let marked = |words: &str| format!("{}{}{}", gutter(""), " ".repeat(*at), paint.note(words));
                match fits {
                    true => lines.push(marked(&format!("{marks} {note}"))),
                    false => {
                        lines.push(marked(&marks));
                        lines.push(format!("{}{}", gutter(""), paint.note(&cut(note, room))));
                    }
                }
            }
        }
        for (line, note) in &piece.notes {
            let place = if *line > 0 { format!("{}:{line}", piece.file) } else { piece.file.to_owned() };
            let words = if note.is_empty() { place } else { format!("{place}: {note}") };
            lines.extend(self.sentence(&words, 4).iter().map(|line| paint.quiet(line)));
        }
        lines
    }

    /// The composed worst case, one term a line.
    fn bound(&self, bound: &Bound) -> Vec<String> {
        let paint = self.show.paint;
        let column = bound.terms.iter().map(|term| wide(&self.told.span(term.value))).max().unwrap_or(0);
        let mut lines = Vec::new();
        for term in &bound.terms {
            let time = self.told.span(term.value);
            let blanks = " ".repeat(column.saturating_sub(wide(&time)));
            let says = match term.says.is_empty() {
                true => format!("({})", term.source.origin),
                false => format!("({}, {})", term.says, term.source.origin),
            };
            let room = self.width.saturating_sub(column + 5);
            let words = cut(&format!("{} {says}", term.name), room);
            let (name, rest) = words.split_at(term.name.len().min(words.len()));
            lines.push(format!("    {blanks}{time} {name}{}", paint.quiet(rest)));
        }
        let total = self.told.span(bound.total());
        let promised = match &bound.promised {
            Some((promised, origin)) => {
                let promised = self.say("check-promised", &[("time", self.told.span(*promised))]);
                format!("; {promised} ({origin})")
            }
            None => String::new(),
        };
        let blanks = " ".repeat(column.saturating_sub(wide(&total)));
        lines.push(format!("    {blanks}{} {}{promised}", paint.bold(&total), self.say("check-bound", &[])));
        lines
    }

    fn fix(&self, fix: &Fix) -> Vec<String> {
        let paint = self.show.paint;
        let checked = match &fix.checked {
            Some(checked) => format!(" ({checked})"),
            None => String::new(),
        };
        let head = self.say("check-fix-head", &[("fix", format!("{}{checked}", fix.sentence))]);
        let mut lines = self.sentence(&head, 2);
        let mut left = if self.show.all { usize::MAX } else { LINES };
        for file in changes(fix, self.told.lines) {
            if left < 2 {
                break;
            }
            lines.push(paint.quiet(&format!("    {}", file.file)));
            left -= 1;
            for change in &file.changes {
                let (sign, number, text) = match change {
                    Change::Piece(..) => continue,
                    Change::Out(number, text) => ('-', number, text),
                    Change::In(number, text) => ('+', number, text),
                };
                if left == 0 {
                    lines.push(paint.quiet("    …"));
                    break;
                }
                left -= 1;
                let line = cut(&format!("    {sign}{number:<3} {text}"), self.width);
                lines.push(if sign == '-' { paint.gone(&line) } else { paint.come(&line) });
            }
        }
        lines
    }
}
