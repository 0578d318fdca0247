//! One finding in full: the counterexample, the failure domains, the lines behind it, the composed bound, and the fix.

use dinghai_risk::Fix;
use maud::{Markup, html};

use super::diff::{Change, ChangedFile, changes};
use super::excerpt::{Excerpt, Row, excerpts};
use super::findings::Numbered;
use super::page::{code, state};
use super::told::Told;
use super::{bar, picture};

/// Excerpts and diffs beyond these are only named.
const PIECES: usize = 4;
/// Lines of one file's diff.
const LINES: usize = 16;

pub(super) fn article(told: &Told<'_>, each: &Numbered<'_>) -> Markup {
    let finding = each.finding;
    let picture = picture::picture(told, each);
    let found = excerpts(&finding.because, told.lines);
    html! {
        article.finding #(each.id) { section.sec {
            header {
                h2 { (each.id) "\u{2002}" (code(&capital(&finding.title))) }
                p { (state(told, Some(finding.state))) " \u{2002}" (told.say("check-rule", &[("rule", finding.rule.to_owned())]))
                    " · " (told.certainty(finding.certainty)) }
            }
            @if !finding.sentence.is_empty() { p.sayer { (emphasised(&capital(&finding.sentence), each)) } }
            @match (finding.bound.as_ref(), picture) {
                (None, Some(picture)) if !picture.whole => {
                    div.two { div { h3 { (told.say("check-domains", &[])) } (picture.figure) } div { (why(told, &found, false)) } }
                }
                (None, Some(picture)) => {
                    h3 { (told.say("check-domains", &[])) }
                    (picture.figure)
                    (why(told, &found, true))
                }
                (bound, _) => {
                    @if let Some(bound) = bound { (bar::bar(told, bound)) }
                    (why(told, &found, true))
                }
            }
            @if let Some(fix) = &finding.fix { (fixed(told, fix)) }
        } }
    }
}

/// A sentence begins with a capital, unless it begins with a name.
pub(super) fn capital(sentence: &str) -> String {
    let first = sentence.split_whitespace().next().unwrap_or_default();
    let word = !first.is_empty() && first.chars().all(|sign| sign.is_ascii_lowercase());
    let mut signs = sentence.chars();
    match signs.next() {
        Some(sign) if word => sign.to_uppercase().chain(signs).collect(),
        _ => sentence.to_owned(),
    }
}

/// The sentence with the places that are lost in bold, and words in backticks as code.
fn emphasised(sentence: &str, each: &Numbered<'_>) -> Markup {
    let mut names: Vec<&str> = each.finding.lost.iter().map(|lost| lost.place.as_str()).collect();
    // Of names that begin alike the longest is meant.
    names.sort_by_key(|name| std::cmp::Reverse(name.len()));
    html! {
        @for (n, part) in sentence.split('`').enumerate() {
            @if n % 2 == 1 { code { (part) } } @else {
                @for (bold, words) in parted(part, &names) { @if bold { b { (words) } } @else { (words) } }
            }
        }
        @if !sentence.ends_with(['.', '。']) && !sentence.is_empty() { "." }
    }
}

/// A text in pieces: those that are one of the names, and what stands between.
fn parted<'t>(text: &'t str, names: &[&str]) -> Vec<(bool, &'t str)> {
    let word = |sign: char| sign.is_alphanumeric() || matches!(sign, '-' | '_' | '/' | '@');
    let mut pieces = Vec::new();
    let (mut from, mut at) = (0, 0);
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let begins = !text.get(..at).is_some_and(|before| before.ends_with(word));
        let whole = |name: &&&str| {
            !name.is_empty() && rest.strip_prefix(**name).is_some_and(|after| !after.starts_with(word))
        };
        match names.iter().find(whole).filter(|_| begins) {
            Some(name) => {
                pieces.push((false, text.get(from..at).unwrap_or_default()));
                pieces.push((true, rest.get(..name.len()).unwrap_or_default()));
                at += name.len();
                from = at;
            }
            None => at += rest.chars().next().map_or(1, char::len_utf8),
        }
    }
    pieces.push((false, text.get(from..).unwrap_or_default()));
    pieces
}

/// The excerpts; side by side where they have the whole width.
fn why(told: &Told<'_>, found: &[Excerpt<'_>], wide: bool) -> Markup {
    let named = |piece: &Excerpt<'_>| match piece.rows.iter().find(|row| row.hit) {
        Some(row) => format!("{}:{}", piece.file, row.number),
        None => piece.file.to_owned(),
    };
    let more: Vec<String> = found.iter().skip(PIECES).map(named).collect();
    let shown = found.iter().take(PIECES);
    html! {
        @if !found.is_empty() {
            h3.gap[wide] { (told.say("check-why", &[])) }
            @if wide && found.len() > 1 { div.two { @for piece in shown { (source(piece)) } } } @else { @for piece in shown { (source(piece)) } }
            @if !more.is_empty() { p.note { (told.say("check-also", &[])) " " span.mono { (more.join(", ")) } } }
        }
    }
}

fn source(piece: &Excerpt<'_>) -> Markup {
    html! {
        figure.src {
            figcaption { span { (piece.file) } }
            @if !piece.rows.is_empty() {
                pre tabindex="0" { @for row in &piece.rows { (line(row)) } }
            }
            @for (number, note) in &piece.notes {
                pre { span.hit.why { @if *number > 0 { ":" (number) " " } (note) } }
            }
        }
    }
}

fn line(row: &Row) -> Markup {
    html! {
        span.hit[row.hit] { span.ln { (row.number) } (row.text) }
        @for (at, length, note) in &row.notes {
            span.hit.why { span.ln {} (" ".repeat(*at)) ("^".repeat(*length)) " " (note) }
        }
    }
}

fn fixed(told: &Told<'_>, fix: &Fix) -> Markup {
    let files = changes(fix, told.lines);
    let (added, removed) =
        files.iter().flat_map(|file| &file.changes).fold((0, 0), |(added, removed), change| match change {
            Change::Piece(..) => (added, removed),
            Change::Out(..) => (added, removed + 1),
            Change::In(..) => (added + 1, removed),
        });
    let n_lines = |n| told.say("check-n-lines", &[("n", told.n(n))]);
    let size = told.say(
        "check-fix-size",
        &[
            ("files", told.say("check-n-files", &[("n", told.n(files.len()))])),
            ("added", n_lines(added)),
            ("removed", n_lines(removed)),
        ],
    );
    html! {
        h3.gap {
            (code(&told.say("check-fix", &[("fix", fix.sentence.clone())])))
            @if !files.is_empty() { " " span.quiet { (size) } }
            @if let Some(checked) = &fix.checked { " " (told.say("check-checked", &[("checked", checked.clone())])) }
        }
        @for file in &files { (diff(told, file)) }
    }
}

fn diff(told: &Told<'_>, file: &ChangedFile<'_>) -> Markup {
    let more = file.changes.len().saturating_sub(LINES);
    html! {
        figure.src {
            figcaption { span { (file.file) } span.quiet { (told.say("check-diff", &[])) } }
            pre tabindex="0" { @for change in file.changes.iter().take(LINES) {
                @match change {
                    Change::Piece(old, out, new, new_lines) => { span.hunk { span.ln {} "@@ -" (old) "," (out) " +" (new) "," (new_lines) " @@" } }
                    Change::Out(number, text) => { span.del { span.ln { "-" (number) } (text) } }
                    Change::In(number, text) => { span.add { span.ln { "+" (number) } (text) } }
                }
            } }
            @if more > 0 { pre { span.hunk { (told.say("check-unseen-more", &[("n", told.n(more))])) } } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_whole_words_and_the_longest_is_meant() {
        let pieces = parted(
            "lose nat[i] and hz-b: hz-b1 stays, node of hz-b goes",
            &["node of hz-b", "nat[i]", "hz-b"],
        );
        let bold: Vec<&str> = pieces.iter().filter(|(bold, _)| *bold).map(|(_, words)| *words).collect();
        assert_eq!(bold, ["nat[i]", "hz-b", "node of hz-b"]);
        assert_eq!(
            pieces.iter().map(|(_, words)| *words).collect::<String>(),
            "lose nat[i] and hz-b: hz-b1 stays, node of hz-b goes"
        );
    }
}
