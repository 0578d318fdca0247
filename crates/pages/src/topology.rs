//! The topology: gateways on the left, services as rows, places as columns; the same facts as a table on narrow
//! screens.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use dinghai_estate::{NeedKind, PlaceId, ServiceId};
use dinghai_record::Vantage;
use maud::{Markup, html};

use crate::Scene;
use crate::shape::{Tone, mark, shape, status, toned};
use crate::stand::{Mark, PlaceStand, PlaceState, ServiceStand, Stand};

const ROW: f64 = 47.0;
const TOP: f64 = 50.0;
const NAMES: f64 = 208.0;
const LANES: f64 = 356.0;
const COLUMN: f64 = 140.0;
const GAP: f64 = 14.0;

/// Widths that depend on what is drawn.
struct Sheet {
    rows: BTreeMap<ServiceId, f64>,
    first_column: f64,
    width: f64,
    height: f64,
}

pub(crate) fn topology(scene: &Scene<'_>, stand: &Stand<'_>) -> Markup {
    let lanes = lanes(stand);
    let lane_count = lanes.iter().map(|lane| lane.at + 1).max().unwrap_or(0);
    let first_column = (LANES + 22.0 * small(lane_count) + 14.0).max(436.0);
    let rows: BTreeMap<ServiceId, f64> = stand
        .services
        .iter()
        .enumerate()
        .map(|(n, service)| (service.id.clone(), TOP + 42.0 + ROW * small(n)))
        .collect();
    let bottom = TOP + 18.0 + ROW * small(stand.services.len());
    let width = first_column + (COLUMN + GAP) * small(stand.places.len().max(3));
    let sheet = Sheet { rows, first_column, width, height: bottom.max(190.0) };
    html! {
        div.scroll tabindex="0" role="region" aria-label=(scene.say("topology", &[])) {
            svg.fig.topo viewBox={ "0 0 " (sheet.width) " " (sheet.height + 10.0) } role="img" aria-label=(told(scene, stand)) {
                @for (n, place) in stand.places.iter().enumerate() {
                    (column(scene, stand, place, sheet.first_column + (COLUMN + GAP) * small(n), &sheet))
                }
                (gateways(scene, &sheet))
                @for service in &stand.services { (row(scene, stand, service, &sheet)) }
                @for lane in &lanes { (need(lane, &sheet)) }
            }
        }
        div.topo-table { (table(scene, stand)) }
        (key(scene, stand))
    }
}

#[expect(clippy::cast_precision_loss, reason = "rows and columns are few")]
fn small(n: usize) -> f64 {
    n as f64
}

fn told(scene: &Scene<'_>, stand: &Stand<'_>) -> String {
    scene.say(
        "topology-told",
        &[
            ("services", scene.n(stand.services.len())),
            ("places", scene.list(stand.places.iter().map(|place| &place.id))),
            ("up", scene.n(stand.count(Mark::healthy))),
            ("down", scene.n(stand.count(|mark| mark == Mark::Down))),
            ("unknown", scene.n(stand.count(|mark| mark == Mark::Unknown))),
        ],
    )
}

/// Tone, shape and words of a place's state.
pub(crate) fn place_words(scene: &Scene<'_>, place: &PlaceStand) -> (Tone, &'static str, String) {
    match place.state {
        PlaceState::Up => (Tone::Holds, "up", scene.say("up", &[])),
        PlaceState::Part { down, of } => {
            (Tone::Weak, "weak", scene.say("part-down", &[("down", scene.n(down)), ("of", scene.n(of))]))
        }
        PlaceState::Lost(Some(since)) => {
            (Tone::Fails, "down", scene.say("lost-since", &[("since", scene.moment(since))]))
        }
        PlaceState::Lost(None) => (Tone::Fails, "down", scene.say("lost", &[])),
        PlaceState::Unknown => (Tone::Unknown, "unk", scene.say("unknown", &[])),
        PlaceState::Empty => (Tone::Plain, "todo", scene.say("nothing-here", &[])),
    }
}

/// The share of declared weight that the instances at a place have, when it is one for all of them.
fn weight(scene: &Scene<'_>, stand: &Stand<'_>, place: &PlaceId) -> Option<String> {
    let mut shares: Vec<u8> = stand
        .services
        .iter()
        .flat_map(|service| &service.instances)
        .filter(|each| {
            each.column.as_ref() == Some(place) && each.mark != Mark::Idle && each.mark != Mark::Asks
        })
        .map(|each| scene.book.share(&each.instance.id, each.instance.spare))
        .collect();
    shares.sort_unstable();
    shares.dedup();
    let percent = |share: u8| scene.percent(f64::from(share) / 100.0);
    match shares.as_slice() {
        [] => None,
        [0] => Some(scene.say("weight-held", &[("share", percent(0))])),
        [share] => Some(scene.say("weight", &[("share", percent(*share))])),
        [low, .., high] => {
            Some(scene.say("weight-range", &[("low", low.to_string()), ("high", percent(*high))]))
        }
    }
}

fn column(scene: &Scene<'_>, stand: &Stand<'_>, place: &PlaceStand, x: f64, sheet: &Sheet) -> Markup {
    let (tone, name, words) = place_words(scene, place);
    let lost = matches!(place.state, PlaceState::Lost(_));
    let label = place.id.as_str();
    let at = x + 8.5 * small(label.chars().count()) + 6.0;
    html! {
        @if lost {
            rect.g-dead x=(x) y=(TOP) width=(COLUMN) height=(sheet.height - TOP) fill="none" {}
            rect x=(x) y=(TOP) width=(COLUMN) height=(sheet.height - TOP) fill="url(#hc)" {}
        } @else {
            rect.f-sheet.g-rule x=(x) y=(TOP) width=(COLUMN) height=(sheet.height - TOP) {}
        }
        text.tk x=(x) y="22" { (label) }
        (mark(tone, name, at, 11.5, 12.0))
        text.(tone.words()) x=(at + 17.0) y="22" { (words) }
        @if let Some(weight) = weight(scene, stand, &place.id) { text.tq x=(x) y="40" { (weight) } }
    }
}

/// Whether a unit of ours was heard lately.
pub(crate) fn heard(scene: &Scene<'_>, vantage: &Vantage) -> (Tone, &'static str, String) {
    match scene.world.heard.get(vantage) {
        Some(at) if scene.now.since(*at) <= Duration::from_secs(3) => {
            (Tone::Holds, "up", scene.say("heard", &[("age", scene.age(*at))]))
        }
        Some(at) => (Tone::Unknown, "unk", scene.say("not-heard-for", &[("age", scene.age(*at))])),
        None => (Tone::Unknown, "unk", scene.say("never-heard", &[])),
    }
}

fn gateways(scene: &Scene<'_>, sheet: &Sheet) -> Markup {
    let boxes = scene.estate.gateways.len().max(1);
    let step = (sheet.height - TOP) / small(boxes);
    html! {
        @for (n, (id, gateway)) in scene.estate.gateways.iter().enumerate() {
            @let middle = TOP + step * (small(n) + 0.5);
            @let (tone, name, _) = heard(scene, &Vantage::Gateway(id.clone()));
            @let words = if tone == Tone::Holds { scene.say("up", &[]) } else { scene.say("unknown", &[]) };
            rect.f-sheet.g-ink x="2" y=(middle - 38.0) width="96" height="76" {}
            text.tk.mid-t x="50" y=(middle - 16.0) { (scene.say("gateway", &[])) }
            text.tq.mid-t x="50" y=(middle + 1.0) { (cut(id.as_str(), 14)) }
            (mark(tone, name, 9.0, middle + 14.0, 11.0))
            text.(tone.words()) x="24" y=(middle + 24.0) { (cut(&words, 12)) }
            @if let Some(rate) = rate(scene, id) { text.tq.mid-t x="50" y=(middle - 48.0) { (rate) } }
            @let ways = ways(scene, id, gateway);
            @for (k, (to, (path, public))) in ways.iter().enumerate() {
                @if let Some(y) = sheet.rows.get(to) {
                    @let from = middle - 26.0 + 52.0 * (small(k) + 0.5) / small(ways.len());
                    path.g-route.thin[!public] marker-end="url(#ab)"
                        d={ "M98 " (from) "H114 C 128 " (from) " 112 " (y) " 138 " (y) "H200" } {}
                    text.tq.tm x="130" y=(y - 6.0) { (cut(path, 11)) }
                }
            }
        }
    }
}

/// One way to each service: the first path that leads there and whether users reach it.
fn ways(
    scene: &Scene<'_>,
    id: &dinghai_estate::GatewayId,
    gateway: &dinghai_estate::Gateway,
) -> Vec<(ServiceId, (String, bool))> {
    let mut ways: Vec<(ServiceId, (String, bool))> = Vec::new();
    for route in &gateway.routes {
        if !ways.iter().any(|(to, _)| *to == route.to) {
            ways.push((route.to.clone(), (route.path.clone(), scene.estate.user_route(id, &route.id))));
        }
    }
    ways
}

/// Requests a second over the last five whole seconds that were reported.
fn rate(scene: &Scene<'_>, id: &dinghai_estate::GatewayId) -> Option<String> {
    let to = scene.now.minus(Duration::from_secs(2));
    let from = to.minus(Duration::from_secs(4));
    let tally = scene
        .world
        .traffic
        .tally(from, to, |gateway, route| gateway == id && scene.estate.user_route(gateway, route))?;
    Some(scene.say("rate", &[("n", scene.count(tally.requests / 5))]))
}

fn row(scene: &Scene<'_>, stand: &Stand<'_>, service: &ServiceStand<'_>, sheet: &Sheet) -> Markup {
    let y = sheet.rows.get(service.id).copied().unwrap_or(TOP);
    html! {
        path.g-rule d={ "M206 " (y + 23.5) "H" (sheet.width - GAP) } {}
        text.tk x=(NAMES) y=(y - 1.0) { (cut(service.id.as_str(), 17)) }
        text.tq x=(NAMES) y=(y + 14.0) { (tier(scene, service)) }
        @for (n, place) in stand.places.iter().enumerate() {
            (cell(scene, service, &place.id, sheet.first_column + (COLUMN + GAP) * small(n) + 12.0, y))
        }
    }
}

fn tier(scene: &Scene<'_>, service: &ServiceStand<'_>) -> String {
    let minimum = scene.n(service.minimum());
    match service.is_core() {
        true => scene.say("core-minimum", &[("minimum", minimum)]),
        false => scene.say("secondary-minimum", &[("minimum", minimum)]),
    }
}

fn marks(service: &ServiceStand<'_>, place: &PlaceId) -> Vec<Mark> {
    let mut marks: Vec<Mark> = service
        .instances
        .iter()
        .filter(|each| each.column.as_ref() == Some(place) && each.mark != Mark::Idle)
        .map(|each| each.mark)
        .collect();
    marks.sort_by_key(|mark| *mark as u8);
    marks
}

fn cell(scene: &Scene<'_>, service: &ServiceStand<'_>, place: &PlaceId, x: f64, y: f64) -> Markup {
    let marks = marks(service, place);
    let shown = marks.len().min(4);
    html! {
        @for (n, each) in marks.iter().take(4).enumerate() {
            @let (tone, name) = each.shape();
            (mark(tone, name, x + 23.0 * small(n), y - 8.0, 16.0))
        }
        @let words = cell_words(scene, &marks);
        @let tone = if marks.contains(&Mark::Asks) { Tone::Weak } else { Tone::Plain };
        text.(tone.words()) x=(x + 23.0 * small(shown) + 4.0) y=(y + 4.0) { (words) }
    }
}

fn cell_words(scene: &Scene<'_>, marks: &[Mark]) -> String {
    let count = |wanted: Mark| marks.iter().filter(|mark| **mark == wanted).count();
    let n = |wanted| [("n", scene.n(count(wanted)))];
    if marks.is_empty() {
        scene.say("none-declared", &[])
    } else if count(Mark::Down) > 0 {
        scene.say("n-lost", &n(Mark::Down))
    } else if count(Mark::Unknown) > 0 {
        scene.say("n-unknown", &n(Mark::Unknown))
    } else if count(Mark::Asks) > 0 {
        scene.say("asks", &[])
    } else if count(Mark::SpareUp) > 0 {
        scene.say("spare", &[])
    } else if marks.len() > 4 {
        scene.say("n-up", &n(Mark::Up))
    } else {
        String::new()
    }
}

/// A need, drawn in the space between names and places.
struct Lane {
    from: ServiceId,
    to: ServiceId,
    soft: bool,
    at: usize,
}

/// Puts each need into the first lane in which it crosses no other.
fn lanes(stand: &Stand<'_>) -> Vec<Lane> {
    let row: BTreeMap<&ServiceId, usize> =
        stand.services.iter().enumerate().map(|(n, service)| (service.id, n)).collect();
    let mut lanes: Vec<Lane> = Vec::new();
    let mut spans: Vec<(usize, usize, usize)> = Vec::new();
    let mut needs: Vec<(usize, usize, bool, &ServiceId, &ServiceId)> = stand
        .services
        .iter()
        .flat_map(|service| {
            service
                .service
                .needs
                .iter()
                .map(move |need| (service.id, &need.service, need.kind != NeedKind::Hard))
        })
        .filter_map(|(from, to, soft)| Some((*row.get(from)?, *row.get(to)?, soft, from, to)))
        .collect();
    needs.sort_by_key(|(from, to, ..)| from.abs_diff(*to));
    for (from, to, soft, a, b) in needs {
        let (low, high) = (from.min(to), from.max(to));
        let at = (0..)
            .find(|lane| !spans.iter().any(|(l, s, e)| l == lane && low < *e && *s < high))
            .unwrap_or_default();
        spans.push((at, low, high));
        lanes.push(Lane { from: a.clone(), to: b.clone(), soft, at });
    }
    lanes
}

fn need(lane: &Lane, sheet: &Sheet) -> Markup {
    let row = |id| sheet.rows.get(id).copied().unwrap_or(TOP);
    let (from, to) = (row(&lane.from), row(&lane.to));
    let x = LANES + 22.0 * small(lane.at);
    let down = to > from;
    let (start, end) = if down { (from + 3.0, to - 5.0) } else { (from - 8.0, to + 5.0) };
    let bend = if down { 6.0 } else { -6.0 };
    let mut path = String::new();
    let _ = write!(
        path,
        "M336 {start}H{}Q{x} {start} {x} {}V{}Q{x} {end} {} {end}H338",
        x - 6.0,
        start + bend,
        end - bend,
        x - 6.0
    );
    html! { path class=(if lane.soft { "g-soft" } else { "g-hard" }) marker-end="url(#ah)" d=(path) {} }
}

/// At most `most` characters, with an ellipsis when there were more.
pub(crate) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

fn table(scene: &Scene<'_>, stand: &Stand<'_>) -> Markup {
    html! {
        table {
            caption.vh { (scene.say("topology-table", &[])) }
            thead { tr {
                th { (scene.say("service", &[])) }
                @for place in &stand.places {
                    @let (tone, name, words) = place_words(scene, place);
                    th { (place.id) br; (status(tone, name, &words)) }
                }
            } }
            tbody { @for service in &stand.services { tr {
                th scope="row" { (service.id) }
                @for place in &stand.places {
                    @let marks = marks(service, &place.id);
                    td {
                        span.nw { @for each in &marks { @let (tone, name) = each.shape(); (toned(tone, name)) " " } }
                        small data-status { @match cell_words(scene, &marks).as_str() {
                            "" => (scene.say("n-up", &[("n", scene.n(marks.len()))])),
                            words => (words),
                        } }
                    }
                }
            } } }
        }
    }
}

fn key(scene: &Scene<'_>, stand: &Stand<'_>) -> Markup {
    let unknown = stand.count(|mark| mark == Mark::Unknown);
    html! {
        p.key {
            span.holds { (shape("up")) (scene.say("up", &[])) }
            span.holds { (shape("spare")) (scene.say("spare-started", &[])) }
            span.weak { (shape("held")) (scene.say("spare-asks", &[])) }
            span.fails { (shape("down")) (scene.say("lost", &[])) }
            span.unk { (shape("unk")) @if unknown == 0 { (scene.say("unknown-none", &[])) } @else { (scene.say("unknown", &[])) } }
            span.ln-only { svg.ln.fig viewBox="0 0 24 8" aria-hidden="true" { path.g-route d="M0 4h24" {} } (scene.say("route", &[])) }
            span.ln-only { svg.ln.fig viewBox="0 0 24 8" aria-hidden="true" { path.g-hard d="M0 4h24" {} } (scene.say("hard-need", &[])) }
            span.ln-only { svg.ln.fig viewBox="0 0 24 8" aria-hidden="true" { path.g-soft d="M1 4h23" {} } (scene.say("soft-need", &[])) }
        }
    }
}
