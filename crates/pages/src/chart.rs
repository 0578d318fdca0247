//! Charts made on the server. Missing data is a gap with hatching: never joined, never zero.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::time::Duration;

use dinghai_clock::Timestamp;
use dinghai_estate::{GatewayId, Route};
use dinghai_record::Second;
use maud::{Markup, html};

use crate::Scene;
use crate::frame::section;

const WINDOW_S: i64 = 600;
const STEP_S: i64 = 10;
const WIDTH: f64 = 220.0;

/// One step of the window; none when nothing was reported in it.
type Step = Option<(f64, f64)>;

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn float(n: u64) -> f64 {
    n as f64
}

/// Rate and failed share by step, oldest first. A step's rate is over the seconds that were reported.
fn steps(log: Option<&VecDeque<Second>>, end_s: i64) -> Vec<Step> {
    let start = end_s - WINDOW_S;
    let mut sums = vec![(0_u64, 0_u64, 0_u64); usize::try_from(WINDOW_S / STEP_S).unwrap_or(0)];
    for second in log.into_iter().flatten() {
        let step = usize::try_from((second.at_s - start).div_euclid(STEP_S)).ok();
        if let Some(sum) = step.and_then(|step| sums.get_mut(step)) {
            *sum = (sum.0 + 1, sum.1 + second.requests, sum.2 + second.failed);
        }
    }
    sums.into_iter()
        .map(|(seconds, requests, failed)| {
            let share = if requests == 0 { 0.0 } else { float(failed) / float(requests) };
            (seconds > 0).then(|| (float(requests) / float(seconds), share))
        })
        .collect()
}

/// The smallest of 1, 2, 5 times a power of ten that is not less than `most`.
fn axis_end(most: f64) -> f64 {
    if most <= 0.0 {
        return 1.0;
    }
    let scale = 10_f64.powf(most.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|n| n * scale).find(|end| *end >= most).unwrap_or(most)
}

/// A spark line of `values` on an axis from 0 to `end`.
fn spark(values: &[Option<f64>], end: f64, class: &str, event: Option<f64>, told: &str) -> Markup {
    #[expect(clippy::cast_precision_loss, reason = "a chart has few steps")]
    let x = |n: usize| WIDTH * n as f64 / (values.len().max(2) - 1) as f64;
    let mut lines: Vec<String> = Vec::new();
    let mut gaps: Vec<(usize, usize)> = Vec::new();
    let mut open = false;
    for (n, value) in values.iter().enumerate() {
        match value {
            Some(value) => {
                if !open {
                    lines.push(String::new());
                }
                if let Some(line) = lines.last_mut() {
                    let _ = write!(line, "{:.1},{:.1} ", x(n), 31.0 - 28.0 * (value / end).min(1.0));
                }
                open = true;
            }
            None => {
                match gaps.last_mut() {
                    Some((_, last)) if *last + 1 == n => *last = n,
                    _ => gaps.push((n, n)),
                }
                open = false;
            }
        }
    }
    html! {
        svg.spark viewBox="0 0 220 34" preserveAspectRatio="none" role="img" aria-label=(told) {
            path.ax d="M0 31.5H220" {}
            @for (first, last) in gaps {
                rect x=(x(first)) y="4" width=(x(last) - x(first) + 3.0) height="27" fill="url(#hm)" opacity=".55" {}
            }
            @if let Some(at) = event { path.now d={ "M" (at) " 1V32" } {} }
            @for line in lines { polyline.(class) points=(line.trim_end()) {} }
        }
    }
}

/// Traffic and failures of the routes that lead to core services.
pub(crate) fn core_routes(scene: &Scene<'_>) -> Markup {
    let end_s = scene.now.as_micros().div_euclid(1_000_000);
    let routes: Vec<(&GatewayId, &Route)> = scene
        .estate
        .gateways
        .iter()
        .flat_map(|(id, gateway)| gateway.routes.iter().map(move |route| (id, route)))
        .filter(|(id, route)| scene.estate.user_route(id, &route.id) && scene.is_core(route))
        .take(6)
        .collect();
    if routes.is_empty() {
        return html! {};
    }
    let all: Vec<_> =
        routes.iter().map(|(gateway, route)| (*route, steps(log(scene, gateway, route), end_s))).collect();
    let worst =
        all.iter().flat_map(|(_, steps)| steps).flatten().map(|(_, share)| *share).fold(0.0, f64::max);
    let share_end = axis_end(worst.max(0.001));
    let event = scene.book.open_incidents().map(|record| record.since).max();
    let event_x = event.and_then(|at| across(at, end_s));
    let gap = all.iter().any(|(_, steps)| steps.iter().any(Option::is_none));
    let aside = html! { p {
        (scene.say("routes-aside", &[("axis", scene.percent(share_end))]))
        @if event_x.is_some() { (scene.say("routes-event", &[])) }
    } };
    let body = html! {
        table.routes {
            thead { tr {
                th { (scene.say("route", &[])) } th { (scene.say("requests", &[])) } th.num { (scene.say("now", &[])) }
                th { (scene.say("failed-share", &[])) } th.num { (scene.say("in-window", &[])) }
            } }
            tbody { @for (route, steps) in &all { (line(scene, route, steps, share_end, event_x)) } }
        }
        @if gap { p.note { (scene.say("routes-gap", &[])) } }
    };
    section("routes", 4, &scene.say("routes-title", &[]), &aside, &body)
}

fn log<'a>(scene: &'a Scene<'_>, gateway: &GatewayId, route: &Route) -> Option<&'a VecDeque<Second>> {
    scene.world.traffic.routes.get(gateway)?.get(&route.id)
}

/// Where a time stands on the window, when it is inside.
fn across(at: Timestamp, end_s: i64) -> Option<f64> {
    let ago = end_s - at.as_micros().div_euclid(1_000_000);
    let ago = u32::try_from(ago).ok().filter(|ago| i64::from(*ago) < WINDOW_S)?;
    Some(WIDTH * (1.0 - f64::from(ago) / 600.0))
}

fn line(scene: &Scene<'_>, route: &Route, steps: &[Step], share_end: f64, event: Option<f64>) -> Markup {
    let rates: Vec<Option<f64>> = steps.iter().map(|step| step.map(|(rate, _)| rate)).collect();
    let shares: Vec<Option<f64>> = steps.iter().map(|step| step.map(|(_, share)| share)).collect();
    let end = axis_end(rates.iter().flatten().copied().fold(0.0, f64::max));
    let now = rates.last().copied().flatten().or_else(|| rates.iter().rev().nth(1).copied().flatten());
    let number = |value: f64| crate::decimal(scene.language(), value, usize::from(value < 10.0));
    let now_said = now.map_or_else(|| scene.say("unknown", &[]), number);
    let window = scene.now.minus(Duration::from_secs(600));
    let tally = scene.world.traffic.tally(window, scene.now, |_, id| *id == route.id);
    let told = scene
        .say("route-told", &[("route", route.path.clone()), ("now", now_said.clone()), ("end", number(end))]);
    html! {
        tr {
            th scope="row" { code { (route.path) } }
            td.sp { (spark(&rates, end, "l", event, &told)) }
            td.num { b { (now_said) } " " span.quiet { (scene.say("per-second", &[])) br; " " small { (scene.say("axis", &[("end", number(end))])) } } }
            @match tally {
                Some(tally) => {
                    @let values = [("failed", scene.count(tally.failed)), ("requests", scene.count(tally.requests)), ("route", route.path.clone())];
                    td.sp { (spark(&shares, share_end, "e", event, &scene.say("failed-told", &values))) }
                    td.num { b { (scene.count(tally.failed)) } " " span.quiet { (scene.say("failed", &[])) br; " " small { (scene.say("of", &[("n", scene.count(tally.requests))])) } } }
                }
                None => {
                    td.sp { (spark(&shares, share_end, "e", event, &scene.say("no-samples", &[]))) }
                    td.num { span.unk { (scene.say("unknown", &[])) } " " span.quiet { br; small { (scene.say("no-samples", &[])) } } }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(at_s: i64, requests: u64, failed: u64) -> Second {
        Second { at_s, requests, failed, ..Second::default() }
    }

    #[test]
    fn a_step_without_a_report_is_a_gap_and_not_zero() {
        let log = VecDeque::from([second(1_000, 10, 0), second(1_001, 20, 3), second(1_590, 0, 0)]);
        let steps = steps(Some(&log), 1_600);
        assert_eq!(steps.len(), 60);
        assert_eq!(steps[0], Some((15.0, 0.1)));
        assert_eq!(steps[1], None);
        assert_eq!(steps[59], Some((0.0, 0.0)));
        let drawn = spark(&[Some(1.0), None, Some(1.0)], 2.0, "l", None, "told").into_string();
        assert_eq!(drawn.matches("<polyline").count(), 2, "{drawn}");
        assert!(drawn.contains("url(#hm)"));
    }

    #[test]
    fn an_axis_ends_at_a_round_number() {
        assert_eq!(axis_end(0.0), 1.0);
        assert_eq!(axis_end(486.0), 500.0);
        assert_eq!(axis_end(1_200.0), 2_000.0);
        assert!((axis_end(0.0007) - 0.001).abs() < 1e-9);
    }
}
