//! What was found, as Markdown for a comment on a pull request: the verdict, a table, and the worst findings folded away.

use dinghai_pages::check::{Change, Told, changes, excerpts, verdict, verdict_of};
use dinghai_risk::{Finding, Judged, Report, Standing, State};

/// Findings in full, and rows of the table. A comment of GitHub has at most 65,536 signs.
const FULL: usize = 10;
const ROWS: usize = 50;

pub(crate) fn markdown(told: &Told<'_>) -> String {
    let of_all = verdict(told);
    let mut page = format!("### {} {}\n\n", shape(of_all.state), prose(&of_all.sentence));
    if !of_all.beside.is_empty() {
        page.push_str(&format!("{}\n\n", of_all.beside));
    }
    if told.judgement.reports.len() > 1 {
        page.push_str(&inventories(told));
    }
    let counting: Vec<(&Finding, &Report)> = told
        .judgement
        .reports
        .iter()
        .flat_map(|judged| judged.counting().map(|(finding, _)| (finding, &judged.report)))
        .collect();
    let mut counting = counting;
    counting.sort_by_key(|(finding, _)| std::cmp::Reverse(finding.state));
    page.push_str(&table(told, &counting));
    for (finding, _) in counting.iter().filter(|(finding, _)| finding.state != State::Unknown).take(FULL) {
        page.push_str(&details(told, finding));
    }
    page.push_str(&accepted(told));
    let unseen: Vec<_> =
        told.judgement.reports.iter().flat_map(|judged| &judged.report.inventory.unseen).collect();
    if !unseen.is_empty() {
        page.push_str(&format!(
            "<details><summary>{}: {}</summary>\n\n",
            told.say("check-could-not-see", &[]),
            unseen.len()
        ));
        for each in unseen.iter().take(ROWS) {
            page.push_str(&format!("- {}: {}\n", code(&each.origin.to_string()), each.what));
        }
        if unseen.len() > ROWS {
            page.push_str(&format!(
                "- {}\n",
                told.say("check-unseen-more", &[("n", told.n(unseen.len() - ROWS))])
            ));
        }
        page.push_str("\n</details>\n\n");
    }
    page.push_str(&format!(
        "<sub>{} · dinghai {} · {}</sub>\n",
        code(&told.run.command),
        told.run.version,
        told.say("check-exit", &[("code", told.run.exit.to_string())])
    ));
    page
}

fn shape(state: Option<State>) -> &'static str {
    match state {
        Some(State::Broken) => "❌",
        Some(State::Weak) => "⚠️",
        Some(State::Unknown) => "❔",
        None => "✅",
    }
}

fn inventories(told: &Told<'_>) -> String {
    let row = |judged: &Judged| {
        let verdict = verdict_of(told, judged);
        format!(
            "| {} {} | {} {} |\n",
            shape(verdict.state),
            cell(&judged.report.inventory.name),
            cell(&verdict.sentence),
            cell(&verdict.beside)
        )
    };
    let rows: String = told.judgement.reports.iter().take(ROWS).map(row).collect();
    format!(
        "| {} | {} |\n|---|---|\n{rows}\n",
        told.say("check-col-inventory", &[]),
        told.say("check-col-verdict", &[])
    )
}

fn table(told: &Told<'_>, counting: &[(&Finding, &Report)]) -> String {
    if counting.is_empty() {
        return String::new();
    }
    let several = told.judgement.reports.len() > 1;
    let heads = ["check-col-state", "check-col-says", "check-col-where", "check-col-sure"]
        .map(|key| told.say(key, &[]));
    let mut page = format!("| {} |\n|---|---|---|---|\n", heads.join(" | "));
    for (finding, report) in counting.iter().take(ROWS) {
        let place =
            finding.because.first().map(|because| code(&because.origin.to_string())).unwrap_or_default();
        let of = if several { format!("{}: ", report.inventory.name) } else { String::new() };
        page.push_str(&format!(
            "| {} {} | {}{} | {} | {} |\n",
            shape(Some(finding.state)),
            told.state(finding.state),
            cell(&of),
            cell(&finding.title),
            cell(&place),
            told.certainty(finding.certainty)
        ));
    }
    if counting.len() > ROWS {
        page.push_str(&format!(
            "\n{}\n",
            told.say("check-unseen-more", &[("n", told.n(counting.len() - ROWS))])
        ));
    }
    page + "\n"
}

fn details(told: &Told<'_>, finding: &Finding) -> String {
    let mut page = format!(
        "<details><summary>{} {} ({})</summary>\n\n",
        shape(Some(finding.state)),
        html(&finding.title),
        html(finding.rule)
    );
    if !finding.sentence.is_empty() {
        page.push_str(&format!("{}\n\n", prose(&finding.sentence)));
    }
    for piece in excerpts(&finding.because, told.lines).iter().take(3).filter(|piece| !piece.rows.is_empty())
    {
        let mut text = String::new();
        for row in &piece.rows {
            text.push_str(&format!("{:>4} {} {}\n", row.number, if row.hit { '>' } else { ' ' }, row.text));
            for (at, length, note) in &row.notes {
                text.push_str(&format!("       {}{} {note}\n", " ".repeat(*at), "^".repeat(*length)));
            }
        }
        page.push_str(&format!("{}\n{}", code(piece.file), fenced("", &text)));
    }
    if let Some(bound) = &finding.bound {
        page.push_str(&format!(
            "| {} | {} | {} |\n|---|---|--:|\n",
            told.say("check-term", &[]),
            told.say("check-source", &[]),
            told.say("check-today", &[])
        ));
        for term in &bound.terms {
            page.push_str(&format!(
                "| {} | {} | {} |\n",
                cell(&term.name),
                cell(&code(&term.source.origin.to_string())),
                told.span(term.value)
            ));
        }
        let promised = bound
            .promised
            .as_ref()
            .map(|(promised, _)| told.say("check-promised", &[("time", told.span(*promised))]));
        page.push_str(&format!(
            "| **{}** | {} | **{}** |\n\n",
            told.say("check-bound", &[]),
            promised.unwrap_or_default(),
            told.span(bound.total())
        ));
    }
    if let Some(fix) = &finding.fix {
        page.push_str(&format!("{}\n\n", prose(&told.say("check-fix", &[("fix", fix.sentence.clone())]))));
        for file in changes(fix, told.lines) {
            let mut text = format!("--- {0}\n+++ {0}\n", file.file);
            for change in &file.changes {
                text.push_str(&match change {
                    Change::Piece(old, out, new, come) => format!("@@ -{old},{out} +{new},{come} @@\n"),
                    Change::Out(_, line) => format!("-{line}\n"),
                    Change::In(_, line) => format!("+{line}\n"),
                });
            }
            page.push_str(&fenced("diff", &text));
        }
        if let Some(checked) = &fix.checked {
            page.push_str(&format!(
                "{}\n\n",
                prose(&told.say("check-checked", &[("checked", checked.clone())]))
            ));
        }
    }
    page + "</details>\n\n"
}

fn accepted(told: &Told<'_>) -> String {
    let mut lines = String::new();
    for (finding, mark) in told.judgement.reports.iter().flat_map(Judged::each) {
        if let Standing::Accepted(acceptance) = &mark.standing {
            let until = [("until", acceptance.until.to_string()), ("reason", acceptance.reason.clone())];
            lines.push_str(&format!(
                "- {}: {}\n",
                prose(&finding.title),
                prose(&told.say("check-accepted-until", &until))
            ));
        }
    }
    match lines.is_empty() {
        true => String::new(),
        false => format!(
            "<details><summary>{}</summary>\n\n{lines}\n</details>\n\n",
            told.say("check-suppressed", &[])
        ),
    }
}

/// Text that is nothing but text: no tags, no emphasis, no links.
fn prose(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut in_code = false;
    for sign in text.chars() {
        match sign {
            '`' => in_code = !in_code,
            '<' if !in_code => {
                out.push_str("&lt;");
                continue;
            }
            '*' | '_' | '[' | ']' | '#' | '|' if !in_code => out.push('\\'),
            '\n' => {
                out.push(' ');
                continue;
            }
            _ => {}
        }
        out.push(sign);
    }
    if in_code { out.replace('`', "'") } else { out }
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\n', " ")
}

/// In a table a bar ends the cell, even inside of code.
fn cell(text: &str) -> String {
    match text.starts_with('`') {
        true => text.replace('|', "\\|"),
        false => prose(text),
    }
}

fn code(text: &str) -> String {
    format!("`{}`", text.replace('`', "'").replace('\n', " "))
}

/// A block of code whose fence is longer than any in it.
fn fenced(language: &str, text: &str) -> String {
    let mut longest = 2;
    let mut run = 0;
    for sign in text.chars() {
        run = if sign == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest + 1);
    format!("{fence}{language}\n{text}{fence}\n\n")
}
