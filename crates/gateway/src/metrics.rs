//! The same figures for Prometheus, in its text format 0.0.4.

use std::fmt::{Display, Write};
use std::sync::atomic::Ordering::Relaxed;

use dinghai_wire::{LATENCY_BOUNDS_US, RouteCounters};

use crate::core::Core;
use crate::status::{broken_certificates, certificates};

/// One figure of a route.
type Count = fn(&RouteCounters) -> u64;

/// Renders all metrics.
pub(crate) fn render(core: &Core, halted: bool) -> String {
    let routing = core.routing.load_full();
    let mut page = Page(String::new());
    let routes: Vec<(String, RouteCounters, u64)> = routing
        .routes()
        .map(|route| {
            let labels = format!("route=\"{}\",service=\"{}\"", quote(&route.spec.id), quote(&route.spec.to));
            (labels, route.counters.totals(&route.spec.to), route.counters.took_us())
        })
        .collect();
    let by_route: [(&str, &str, Count); 6] = [
        ("requests_total", "Requests that have ended.", |route| route.requests),
        ("failed_total", "Requests that failed for the client.", |route| route.failed),
        ("failed_unsafe_total", "Failed requests that were not idempotent.", |route| route.failed_unsafe),
        ("cut_total", "Requests cut after their response had begun.", |route| route.cut),
        ("rescued_total", "Requests answered after being repeated elsewhere.", |route| route.rescued),
        ("retry_refused_total", "Retries that the budget did not grant.", |route| route.retry_refused),
    ];
    for (name, help, value) in by_route {
        page.head(name, "counter", help);
        for (labels, totals, _) in &routes {
            page.line(name, labels, value(totals));
        }
    }
    page.head("request_seconds", "histogram", "Time from a request's head to the end of its answer.");
    for (labels, totals, took_us) in &routes {
        page.histogram(labels, totals, *took_us);
    }
    page.head("redirected_total", "counter", "Requests that a redirect sent elsewhere.");
    for redirect in routing.redirects() {
        let labels = format!("route=\"{}\"", quote(&redirect.spec.id));
        page.line("redirected_total", &labels, redirect.sent.load(Relaxed));
    }
    page.head("retries_left", "gauge", "Whole retries in the budget of a service.");
    for (id, service) in &routing.services {
        page.line("retries_left", &format!("service=\"{}\"", quote(id)), service.purse.left());
    }
    let by_instance: [(&str, &str); 3] = [
        ("instance_in_flight", "Requests under way to an instance."),
        ("instance_ejected", "Whether an instance is out of rotation."),
        ("instance_share", "The share of its weight that an instance serves, in percent."),
    ];
    for (name, help) in by_instance {
        page.head(name, "gauge", help);
        for (id, service) in &routing.services {
            for member in &service.members {
                let labels = format!("instance=\"{}\",service=\"{}\"", quote(&member.instance.id), quote(id));
                let value = match name {
                    "instance_in_flight" => u64::from(member.instance.in_flight()),
                    "instance_ejected" => u64::from(!member.instance.is_passing()),
                    _ => u64::from(member.share),
                };
                page.line(name, &labels, value);
            }
        }
    }
    page.head(
        "certificate_expiry_timestamp_seconds",
        "gauge",
        "Until when a certificate is good, in Unix time.",
    );
    for view in certificates(core, &routing) {
        let Some(until) = view.until else { continue };
        let labels = format!("of=\"{}\",path=\"{}\"", quote(&view.of), quote(&view.path));
        page.line("certificate_expiry_timestamp_seconds", &labels, until.as_micros().div_euclid(1_000_000));
    }
    let broken = broken_certificates(core, &routing);
    page.head(
        "certificates_broken",
        "gauge",
        "Users of certificate files that cannot be used as they are now.",
    );
    page.line("certificates_broken", "", broken.len());
    for (name, kind, help, value) in [
        (
            "turned_away_total",
            "counter",
            "Connections that ended before their first request: no PROXY header, no handshake, or not in time.",
            core.turned_away.load(Relaxed),
        ),
        ("reflexes_total", "counter", "Ejections and readmissions.", core.reflexes.count()),
        (
            "unrouted_total",
            "counter",
            "Requests refused before they had a route.",
            core.unrouted.load(Relaxed),
        ),
        ("generation", "gauge", "The generation of the route table in force.", routing.generation()),
        ("halted", "gauge", "Whether automatons are halted here.", u64::from(halted)),
    ] {
        page.head(name, kind, help);
        page.line(name, "", value);
    }
    page.0
}

struct Page(String);

impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        self.write(format_args!(
            "# HELP dinghai_gateway_{name} {help}\n# TYPE dinghai_gateway_{name} {kind}\n"
        ));
    }

    fn line(&mut self, name: &str, labels: &str, value: impl Display) {
        match labels.is_empty() {
            true => self.write(format_args!("dinghai_gateway_{name} {value}\n")),
            false => self.write(format_args!("dinghai_gateway_{name}{{{labels}}} {value}\n")),
        }
    }

    fn histogram(&mut self, labels: &str, totals: &RouteCounters, took_us: u64) {
        let mut sum = 0;
        for (at, count) in totals.latency.iter().enumerate() {
            sum += count;
            let bound = LATENCY_BOUNDS_US.get(at).map_or("+Inf".to_owned(), |us| seconds(*us));
            self.line("request_seconds_bucket", &format!("{labels},le=\"{bound}\""), sum);
        }
        self.line("request_seconds_sum", labels, seconds(took_us));
        self.line("request_seconds_count", labels, sum);
    }

    fn write(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _ = self.0.write_fmt(text);
    }
}

fn seconds(us: u64) -> String {
    let text = format!("{}.{:06}", us / 1_000_000, us % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn quote(label: &impl Display) -> String {
    label.to_string().replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn microseconds_are_written_as_seconds() {
        assert_eq!(seconds(500), "0.0005");
        assert_eq!(seconds(2_500_000), "2.5");
        assert_eq!(seconds(30_000_000), "30");
        assert_eq!(seconds(0), "0");
    }
}
