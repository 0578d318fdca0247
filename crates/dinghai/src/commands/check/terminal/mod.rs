//! What `check` says on a terminal: for each inventory its verdict, then the findings, worst first, then what was and what was not
//! understood. Without `--all` it fits on one screen and says what it left out.

mod block;
mod paint;
mod wrap;

use dinghai_pages::check::{Joint, Told, Verdict, verdict_of};
use dinghai_risk::{Finding, Judged, Mark, Standing, State};

use paint::shape;
pub(crate) use paint::{Colour, Paint};
use wrap::{cut, wrap};

/// Lines of one screen.
const SCREEN: usize = 40;
/// Columns at most.
const WIDEST: usize = 100;
/// Accepted losses, and things that could not be seen, without `--all`.
const NAMED: usize = 3;
/// Inventories with a verdict of their own, without `--all`.
const INVENTORIES: usize = 4;

/// How much is shown, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Show {
    /// Everything.
    pub(crate) all: bool,
    /// Resources by kind.
    pub(crate) coverage: bool,
    /// Columns of the terminal.
    pub(crate) width: usize,
    /// Whether there are colours.
    pub(crate) paint: Paint,
}

/// The report.
pub(crate) fn page(told: &Told<'_>, show: &Show) -> String {
    let mut judged: Vec<&Judged> = told.judgement.reports.iter().collect();
    judged.sort_by_key(|judged| std::cmp::Reverse(judged.worst()));
    let page = Page { told, show: *show, width: show.width.clamp(40, WIDEST) };
    let tail = page.tail();
    let mut room = SCREEN.saturating_sub(tail.len() + 1);
    let mut lines = Vec::new();
    let several = judged.len() > 1;
    for (n, judged) in judged.iter().enumerate() {
        if !show.all && n >= INVENTORIES {
            let more = told.say("check-more", &[("n", told.n(told.judgement.reports.len() - n))]);
            lines.push(show.paint.quiet(&more));
            lines.push(String::new());
            break;
        }
        // What is left of the screen is shared with the inventories that come.
        let share = room / (told.judgement.reports.len().min(INVENTORIES) - n.min(INVENTORIES - 1)).max(1);
        let of = page.inventory(judged, if several { share.max(4) } else { room }, n == 0, several);
        room = room.saturating_sub(of.len());
        lines.extend(of);
    }
    lines.extend(tail);
    lines.iter().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// One line about it all.
pub(crate) fn summary(told: &Told<'_>, show: &Show) -> String {
    let worst = told.judgement.worst();
    let key = match (told.run.exit, worst) {
        (0, Some(State::Unknown)) => "check-summary-0-unknown",
        (0, _) => "check-summary-0",
        (1, Some(State::Unknown)) => "check-summary-1-unknown",
        (1, _) => "check-summary-1",
        (2, _) => "check-summary-2",
        _ => "check-summary-3",
    };
    let state = match told.run.exit {
        0 => worst.filter(|state| *state == State::Unknown),
        1 => Some(worst.unwrap_or(State::Weak)),
        _ => Some(State::Broken),
    };
    let words = told.say(key, &[]);
    let explain = match worst {
        Some(_) => format!("({})", told.say("check-explain", &[])),
        None => String::new(),
    };
    let fits = wrap::wide(&words) + wrap::wide(&explain) < show.width;
    let between = if explain.is_empty() {
        ""
    } else if fits {
        " "
    } else {
        "\n"
    };
    format!("{}{between}{}\n", show.paint.state(state, &words), show.paint.quiet(&explain))
}

struct Page<'p> {
    told: &'p Told<'p>,
    show: Show,
    width: usize,
}

impl Page<'_> {
    fn say(&self, key: &str, values: &[(&str, String)]) -> String {
        self.told.say(key, values)
    }

    /// Lines of a sentence, each after `indent` blanks.
    fn sentence(&self, words: &str, indent: usize) -> Vec<String> {
        let blanks = " ".repeat(indent);
        wrap(words, self.width - indent).into_iter().map(|line| format!("{blanks}{line}")).collect()
    }

    /// `first` is the worst one: its worst finding is told in full whatever the room.
    fn inventory(&self, judged: &Judged, room: usize, first: bool, several: bool) -> Vec<String> {
        let Verdict { state, sentence, beside } = verdict_of(self.told, judged);
        let paint = self.show.paint;
        let mut lines: Vec<String> = Vec::new();
        for (n, line) in wrap(&sentence, self.width - 2).iter().enumerate() {
            let before = if n == 0 { shape(state) } else { " " };
            lines.push(format!("{} {}", paint.state(state, before), paint.bold(line)));
        }
        lines.extend(self.sentence(&beside, 2).iter().map(|line| paint.quiet(line)));
        lines.push(String::new());
        let counting: Vec<(&Finding, &Mark)> = judged.counting().collect();
        let accepted = if self.show.all || !several { self.accepted(judged) } else { Vec::new() };
        let mut left = room.saturating_sub(lines.len() + accepted.len() + 1);
        let mut shown = 0;
        for (finding, _) in &counting {
            let full = self.finding(finding);
            let short = self.one_line(finding);
            let more = counting.len() - shown > 1;
            let block = match self.show.all {
                true => full,
                false if shown == 0 && first => full,
                false if full.len() + usize::from(more) <= left && finding.state != State::Unknown => full,
                false if short.len() < left => short,
                false => break,
            };
            shown += 1;
            left = left.saturating_sub(block.len());
            lines.extend(block);
        }
        // Short ones stand close together; a gap follows the last.
        if shown > 0 && lines.last().is_some_and(|line| !line.is_empty()) {
            lines.push(String::new());
        }
        if shown < counting.len() {
            let more = self.say("check-more", &[("n", self.told.n(counting.len() - shown))]);
            lines.push(paint.quiet(&more));
            lines.push(String::new());
        }
        lines.extend(self.set_aside(judged));
        lines.extend(accepted);
        lines
    }

    /// A finding on one line.
    fn one_line(&self, finding: &Finding) -> Vec<String> {
        let place =
            finding.because.first().map(|because| format!("  {}", because.origin)).unwrap_or_default();
        let state = Some(finding.state);
        let word = format!("{} {:<8}", shape(state), self.told.state(finding.state));
        let free = |place: &str| self.width.saturating_sub(wrap::wide(&word) + wrap::wide(place) + 1);
        // The words are the more telling: a long path gives way to its file's name, and then altogether.
        let place = match place.rsplit_once('/') {
            Some((_, file)) if free(&place) < wrap::wide(&finding.title) => format!("  …/{file}"),
            _ => place,
        };
        let rest = free(&place);
        let (rest, place) = match rest < 24 {
            true => (self.width - wrap::wide(&word) - 1, String::new()),
            false => (rest, place),
        };
        let title = cut(&finding.title, rest);
        let paint = self.show.paint;
        vec![format!("{} {title}{}", paint.state(state, &word), paint.quiet(&place))]
    }

    /// Findings that do not count, with `--all`.
    fn set_aside(&self, judged: &Judged) -> Vec<String> {
        if !self.show.all {
            return Vec::new();
        }
        let mut lines = Vec::new();
        for (finding, mark) in judged.each() {
            let why = match &mark.standing {
                Standing::Counts => continue,
                Standing::Known => self.say("check-known", &[]),
                Standing::Accepted(acceptance) => {
                    let until = acceptance.until.to_string();
                    self.say(
                        "check-accepted-until",
                        &[("until", until), ("reason", acceptance.reason.clone())],
                    )
                }
            };
            lines.extend(self.one_line(finding));
            lines.extend(self.sentence(&why, 11).iter().map(|line| self.show.paint.quiet(line)));
        }
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines
    }

    /// Losses that stop core services and were accepted: fewest places first, as they are given.
    fn accepted(&self, judged: &Judged) -> Vec<String> {
        let most = if self.show.all { usize::MAX } else { 2 };
        let all: Vec<_> =
            judged.report.accepted.iter().filter(|accepted| accepted.lost.len() <= most).collect();
        if all.is_empty() {
            return Vec::new();
        }
        let named = if self.show.all { usize::MAX } else { NAMED };
        let mut lines = vec![self.say("check-accepted-head", &[])];
        for accepted in all.iter().take(named) {
            lines.extend(self.sentence(&accepted.sentence, 4).iter().enumerate().map(|(n, line)| match n {
                0 => line.replacen("    ", "  - ", 1),
                _ => line.clone(),
            }));
        }
        if all.len() > named {
            lines.push(format!("  {}", self.say("check-more", &[("n", self.told.n(all.len() - named))])));
        }
        if self.show.all && judged.report.core.iter().any(|core| core.truncated) {
            lines.push(format!("  {}", self.say("check-truncated", &[])));
        }
        lines.push(String::new());
        lines
    }

    /// What was understood, what could not be seen, and acceptances that fit nothing.
    fn tail(&self) -> Vec<String> {
        let paint = self.show.paint;
        let mut lines = Vec::new();
        let mut total = dinghai_estate::Count::default();
        for judged in &self.told.judgement.reports {
            let count = judged.report.inventory.coverage.total();
            total.placed += count.placed;
            total.reasoned += count.reasoned;
            total.unknown += count.unknown;
        }
        let n = |n: u32| self.told.n(n as usize);
        if total.placed + total.reasoned + total.unknown > 0 {
            let values = [
                ("known", n(total.placed + total.reasoned)),
                ("all", n(total.placed + total.reasoned + total.unknown)),
                ("placed", n(total.placed)),
                ("reasoned", n(total.reasoned)),
                ("unknown", n(total.unknown)),
            ];
            lines.extend(self.sentence(&self.say("check-coverage-line", &values), 0));
        }
        if self.show.coverage {
            lines.extend(self.coverage());
        }
        lines.extend(self.unseen());
        for acceptance in &self.told.judgement.unmatched {
            let words = self.say("check-unmatched", &[("rule", acceptance.rule.clone())]);
            lines.extend(self.sentence(&format!("{}: {words}", acceptance.origin), 0));
        }
        if !lines.is_empty() {
            lines.push(String::new());
        }
        if !paint.0 { lines } else { lines.into_iter().map(|line| paint.quiet(&line)).collect() }
    }

    fn unseen(&self) -> Vec<String> {
        let inventories = self.told.judgement.reports.iter().map(|judged| &judged.report.inventory);
        let all: Vec<_> = inventories.flat_map(|inventory| &inventory.unseen).collect();
        if all.is_empty() {
            return Vec::new();
        }
        let named = if self.show.all { usize::MAX } else { NAMED };
        let mut lines = vec![self.say("check-unseen-head", &[])];
        for unseen in all.iter().take(named) {
            let place = match unseen.origin.line {
                0 => unseen.origin.file.clone(),
                _ => unseen.origin.to_string(),
            };
            lines.extend(self.sentence(&format!("{place}: {}", unseen.what), 2));
        }
        if all.len() > named {
            lines.push(format!(
                "  {}",
                self.say("check-unseen-more", &[("n", self.told.n(all.len() - named))])
            ));
        }
        lines
    }

    /// Resources by kind, over all inventories.
    fn coverage(&self) -> Vec<String> {
        let mut kinds: std::collections::BTreeMap<&str, dinghai_estate::Count> =
            std::collections::BTreeMap::new();
        for judged in &self.told.judgement.reports {
            for (kind, count) in &judged.report.inventory.coverage.kinds {
                let sum = kinds.entry(kind).or_default();
                sum.placed += count.placed;
                sum.reasoned += count.reasoned;
                sum.unknown += count.unknown;
                sum.ignored += count.ignored;
            }
        }
        let heads = ["check-kind", "check-placed", "check-reasoned", "check-kind-unknown", "check-ignored"];
        let mut rows = vec![heads.map(|key| self.say(key, &[]))];
        rows.extend(kinds.iter().map(|(kind, count)| {
            let cell = |n: u32| if n == 0 { "–".to_owned() } else { n.to_string() };
            [
                (*kind).to_owned(),
                cell(count.placed),
                cell(count.reasoned),
                cell(count.unknown),
                cell(count.ignored),
            ]
        }));
        let widths: Vec<usize> = (0..heads.len())
            .map(|column| {
                rows.iter().filter_map(|row| row.get(column)).map(|cell| wrap::wide(cell)).max().unwrap_or(0)
            })
            .collect();
        let line = |row: &[String; 5]| {
            let cells = row.iter().zip(&widths).enumerate().map(|(n, (cell, width))| {
                let blanks = " ".repeat(width.saturating_sub(wrap::wide(cell)));
                if n == 0 { format!("{cell}{blanks}") } else { format!("{blanks}{cell}") }
            });
            format!("  {}", cells.collect::<Vec<_>>().join("  "))
        };
        rows.iter().map(line).collect()
    }

    /// The services that stop, for the title of a finding.
    fn services(&self, finding: &Finding) -> String {
        self.told.listed(&finding.about, 4, Joint::And)
    }
}
