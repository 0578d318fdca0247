//! The failure domains of a finding, drawn: what is lost is hatched and says so, and what still runs says whether that helps.

use dinghai_estate::{PlaceId, ServiceId};
use maud::{Markup, html};

use super::findings::Numbered;
use super::scale::{cut, inside, small};
use super::scene::{Boxed, Cell, Column, Left, Row, Scene, Stands, scene};
use super::told::{Joint, Told};
use crate::shape::{Tone, mark};

/// Least width of a column, and of the figure.
const COLUMN: f64 = 150.0;
const LEAST: f64 = 520.0;
/// The figure's width where it has more columns than fit beside the lines, and how many do.
const WHOLE: f64 = 1000.0;
const BESIDE: usize = 3;
/// Between columns, and left and right of all.
const GAP: f64 = 20.0;
const EDGE: f64 = 14.0;
/// Left and right of a box inside of its column.
const INNER: f64 = 10.0;
/// A box, and what is between two of one service.
const BOX: f64 = 50.0;
const BETWEEN: f64 = 8.0;
/// Between two services.
const LEAP: f64 = 46.0;
/// Where columns and boxes begin.
const TOP: f64 = 62.0;
const FIRST: f64 = TOP + 20.0;

/// Where things are.
struct Sheet {
    column: f64,
    wide: f64,
    /// Where each row begins, and where the last one ends.
    rows: Vec<f64>,
    bottom: f64,
}

/// A figure, and whether it takes the whole width of the page.
pub(super) struct Picture {
    pub(super) figure: Markup,
    pub(super) whole: bool,
}

pub(super) fn picture(told: &Told<'_>, each: &Numbered<'_>) -> Option<Picture> {
    let scene = scene(each.inventory(), each.finding)?;
    let sheet = sheet(&scene);
    let names = scene.rows.iter().filter_map(|row| row.service.as_ref());
    let title = told.say("check-picture", &[("services", told.listed(names, 4, Joint::And))]);
    let sums = sums(told, &scene);
    let foot = sheet.bottom + 24.0;
    let height = foot + 18.0 * small(sums.len()) + 2.0;
    let (t, d) = (format!("{}t", each.id), format!("{}d", each.id));
    let whole = scene.columns.len() > BESIDE;
    let figure = html! {
        div.scroll tabindex="0" role="region" aria-label=(title) {
            svg.fig.wide[whole] viewBox={ "0 0 " (sheet.wide) " " (height) } role="img" aria-labelledby={ (t) " " (d) } {
                title id=(t) { (title) }
                desc id=(d) { (each.finding.sentence) }
                @if let Some((kind, place)) = &scene.around {
                    rect.g-rule x="1" y="14" width=(sheet.wide - 2.0) height=(sheet.bottom - 2.0) {}
                    text.tq.mid-t x=(sheet.wide / 2.0) y="11" {
                        (told.say("check-within", &[("kind", kind.to_string()), ("place", cut(place.as_str(), 11.5, 300.0))]))
                    }
                }
                @for (n, column) in scene.columns.iter().enumerate() { (ground(told, &scene, &sheet, n, column)) }
                @for (n, row) in scene.rows.iter().enumerate() { (boxes(told, &sheet, n, row)) }
                @for n in 0..scene.rows.len() { (arrows(&scene, &sheet, n)) }
                @for (n, sum) in sums.iter().enumerate() {
                    text.tq x=(EDGE) y=(foot + 18.0 * small(n)) { (sum) }
                }
            }
        }
    };
    Some(Picture { figure, whole })
}

fn sheet(scene: &Scene) -> Sheet {
    let columns = small(scene.columns.len());
    let least = if scene.columns.len() > BESIDE { WHOLE } else { LEAST };
    let column = ((least - 2.0 * EDGE - GAP * (columns - 1.0)) / columns).max(COLUMN);
    let mut at = FIRST;
    let mut rows = Vec::new();
    for row in &scene.rows {
        rows.push(at);
        let most = row.cells.iter().map(|cell| cell.boxes.len()).max().unwrap_or_default().max(1);
        let more = row.cells.iter().any(|cell| cell.more > 0);
        at += small(most) * (BOX + BETWEEN) - BETWEEN + if more { 18.0 } else { 0.0 } + LEAP;
    }
    Sheet { column, wide: 2.0 * EDGE + columns * (column + GAP) - GAP, rows, bottom: at - LEAP + 20.0 }
}

impl Sheet {
    fn left(&self, column: usize) -> f64 {
        EDGE + small(column) * (self.column + GAP)
    }

    fn middle(&self, column: usize) -> f64 {
        self.left(column) + self.column / 2.0
    }

    fn top(&self, row: usize, nth: usize) -> f64 {
        self.rows.get(row).copied().unwrap_or(FIRST) + small(nth) * (BOX + BETWEEN)
    }
}

/// A column with its name.
fn ground(told: &Told<'_>, scene: &Scene, sheet: &Sheet, n: usize, column: &Column) -> Markup {
    let x = sheet.left(n);
    let high = sheet.bottom - TOP;
    let (name, tone, shape, word) = match (&column.place, column.lost) {
        (None, _) => {
            let unknown = told.say("check-place-unknown", &[("kind", scene.kind.to_string())]);
            (String::new(), Tone::Unknown, "unk", unknown)
        }
        (Some(place), true) => (place.to_string(), Tone::Fails, "down", told.say("check-suppose-lost", &[])),
        (Some(place), false) => (place.to_string(), Tone::Holds, "up", told.say("check-up", &[])),
    };
    let shown = cut(&name, 13.5, sheet.column);
    html! {
        @if column.lost {
            rect.f-sheet.g-dead x=(x) y=(TOP) width=(sheet.column) height=(high) {}
            rect x=(x) y=(TOP) width=(sheet.column) height=(high) fill="url(#hc)" {}
        } @else if column.place.is_none() {
            rect.f-sheet.g-soft x=(x) y=(TOP) width=(sheet.column) height=(high) {}
        } @else {
            rect.f-sheet.g-edge x=(x) y=(TOP) width=(sheet.column) height=(high) {}
        }
        text.tk x=(x) y="34" { (shown) @if shown != name { title { (name) } } }
        (mark(tone, shape, x, 43.0, 12.0))
        text.(tone.words()) x=(x + 16.0) y="53.5" { (word) }
    }
}

fn boxes(told: &Told<'_>, sheet: &Sheet, n: usize, row: &Row) -> Markup {
    html! {
        @for (column, cell) in row.cells.iter().enumerate() {
            @for (nth, each) in cell.boxes.iter().enumerate() { (boxed(told, sheet, sheet.left(column) + INNER, sheet.top(n, nth), each)) }
            @if cell.more > 0 {
                text.tq x=(sheet.left(column) + INNER) y=(sheet.top(n, cell.boxes.len()) + 6.0) {
                    (told.say("check-more-here", &[("n", told.n(cell.more))]))
                }
            }
        }
    }
}

fn boxed(told: &Told<'_>, sheet: &Sheet, x: f64, y: f64, each: &Boxed) -> Markup {
    let (tone, shape, word) = match &each.stands {
        Stands::Works => (Tone::Holds, "up", told.say("check-works", &[])),
        Stands::Lost => (Tone::Fails, "down", told.say("check-lost", &[])),
        Stands::NoWay => (Tone::Weak, "weak", told.say("check-no-way", &[])),
        Stands::Spare => (Tone::Plain, "held", told.say("check-spare", &[])),
        Stands::Starved(service) => {
            (Tone::Weak, "weak", told.say("check-starved", &[("service", service.to_string())]))
        }
    };
    let wide = sheet.column - 2.0 * INNER;
    let room = wide - 35.0;
    html! {
        rect.f-paper.g-edge x=(x) y=(y) width=(wide) height=(BOX) { title { (each.name) ": " (word) } }
        (mark(tone, shape, x + 8.5, y + 17.5, 15.0))
        text.tk x=(x + 31.0) y=(y + 21.0) { (inside(&each.name, 13.5, room)) }
        text.(tone.words()) x=(x + 31.0) y=(y + 38.0) { (cut(&word, 12.5, room)) }
    }
}

/// Hard needs and ways out of one row.
fn arrows(scene: &Scene, sheet: &Sheet, n: usize) -> Markup {
    let Some(row) = scene.rows.get(n) else { return html! {} };
    let mut lines = Vec::new();
    for needed in row.needs.iter().filter(|needed| **needed > n) {
        for (column, cell) in row.cells.iter().enumerate() {
            let Some(last) = cell.boxes.len().checked_sub(1) else { continue };
            let Some((to, first)) = nearest(scene, *needed, column) else { continue };
            let live = cell.boxes.iter().any(|each| each.stands != Stands::Lost);
            let from = sheet.top(n, last) + BOX + if cell.more > 0 { 18.0 } else { 0.0 };
            lines.push(Line {
                from: (column, from),
                to: (to, sheet.top(*needed, 0)),
                live,
                reached: first,
                far: *needed > n + 1,
            });
        }
    }
    let ways = scene.rows.len() - 1;
    if row.service.is_some() {
        for (column, cell) in row.cells.iter().enumerate() {
            for (nth, each) in cell.boxes.iter().enumerate() {
                let Some((to, place, target)) = each.way.as_ref().and_then(|way| way_out(scene, way)) else {
                    continue;
                };
                let last = nth + 1 == cell.boxes.len();
                let from = sheet.top(n, nth) + BOX;
                let live = each.stands != Stands::Lost;
                let far = ways > n + 1 || !last;
                let to = (to, sheet.top(ways, place));
                lines.push(Line {
                    from: (column, from),
                    to,
                    live,
                    reached: target.stands != Stands::Lost,
                    far,
                });
            }
        }
    }
    // What is gone needs nothing any more: its lines are drawn only where they cross nothing.
    lines.retain(|line| line.live || !line.far && line.from.0 == line.to.0);
    html! { @for (k, line) in lines.iter().enumerate() { (arrow(sheet, line, k)) } }
}

struct Line {
    from: (usize, f64),
    to: (usize, f64),
    /// Whether something still runs at its beginning, and whether its end is there.
    live: bool,
    reached: bool,
    /// Whether boxes stand between.
    far: bool,
}

fn arrow(sheet: &Sheet, line: &Line, k: usize) -> Markup {
    let (class, head) = match (line.live, line.reached) {
        (true, true) => ("g-hard", Some("url(#ah)")),
        (true, false) => ("g-risk", Some("url(#ao)")),
        (false, _) => ("g-dead", None),
    };
    let (from, to) = (sheet.middle(line.from.0), sheet.middle(line.to.0));
    let end = line.to.1 - 2.0;
    // Lines of one gap run at different heights, so that each can be followed.
    let turn = end - 12.0 - 5.0 * small(k % 4);
    let path = if line.far {
        // Around the boxes in between: by the edge of its own column.
        let lane = sheet.left(line.from.0) + sheet.column - INNER / 2.0;
        let side = sheet.left(line.from.0) + sheet.column - INNER;
        let start = line.from.1 - BOX / 2.0;
        format!("M{side} {start}H{lane}V{turn}H{to}V{end}")
    } else if line.from.0 == line.to.0 {
        format!("M{from} {}V{end}", line.from.1)
    } else {
        format!("M{from} {}V{turn}H{to}V{end}", line.from.1)
    };
    html! { path.(class) marker-end=[head] d=(path) {} }
}

/// The column of a row that is nearest and has a box that works, or a box at all; and whether it works.
fn nearest(scene: &Scene, row: usize, column: usize) -> Option<(usize, bool)> {
    let cells: Vec<(usize, &Cell)> =
        scene.rows.get(row)?.cells.iter().enumerate().filter(|(_, cell)| !cell.boxes.is_empty()).collect();
    let works =
        |cell: &Cell| cell.boxes.iter().any(|each| !matches!(each.stands, Stands::Lost | Stands::Spare));
    let (at, cell) =
        cells.into_iter().min_by_key(|(at, cell)| (*at != column, !works(cell), at.abs_diff(column)))?;
    Some((at, works(cell)))
}

/// Where a way out is drawn.
fn way_out<'s>(scene: &'s Scene, way: &PlaceId) -> Option<(usize, usize, &'s Boxed)> {
    let row = scene.rows.last().filter(|row| row.service.is_none())?;
    row.cells.iter().enumerate().find_map(|(column, cell)| {
        let place = cell.boxes.iter().position(|each| each.way.as_ref() == Some(way))?;
        Some((column, place, cell.boxes.get(place)?))
    })
}

/// What is left of each service.
fn sums(told: &Told<'_>, scene: &Scene) -> Vec<String> {
    let of = |(service, left): &(ServiceId, Option<Left>)| match left {
        Some(of) => told.say(
            "check-left-of",
            &[
                ("left", told.n(of.left)),
                ("running", told.n(of.running)),
                ("service", service.to_string()),
                ("needed", told.n(of.needed)),
            ],
        ),
        None => format!("{service}: {}", told.say("check-open", &[])),
    };
    let mut sums: Vec<String> = scene.left.iter().map(of).collect();
    if scene.more > 0 {
        sums.push(told.say("check-unseen-more", &[("n", told.n(scene.more))]));
    }
    sums
}
