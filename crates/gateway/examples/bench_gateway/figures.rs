//! Medians over the rounds, and ratios within them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::wrk::Run;

/// The proxy that the others are measured against.
const OURS: &str = "dinghai";

/// The runs of each row, by proxy, in the order of the rounds.
#[derive(Default)]
pub(crate) struct Figures {
    order: Vec<&'static str>,
    rows: BTreeMap<&'static str, BTreeMap<&'static str, Vec<Run>>>,
}

/// One row of the result.
struct Line {
    row: &'static str,
    proxy: &'static str,
    median: Run,
    /// Our CPU for a request divided by this proxy's, in the same round.
    cpu_ratio: f64,
    p99_ratio: f64,
}

pub(crate) struct Told(Vec<Line>);

impl Figures {
    pub(crate) fn add(&mut self, row: &'static str, proxy: &'static str, run: Run) {
        if !self.order.contains(&row) {
            self.order.push(row);
        }
        self.rows.entry(row).or_default().entry(proxy).or_default().push(run);
    }

    pub(crate) fn told(&self) -> Told {
        let mut lines = vec![];
        for row in &self.order {
            let Some(proxies) = self.rows.get(row) else { continue };
            let ours = proxies.get(OURS).map(Vec::as_slice).unwrap_or_default();
            for (proxy, runs) in proxies {
                let ratio = |of: fn(&Run) -> f64| {
                    median(ours.iter().zip(runs).map(|(ours, theirs)| of(ours) / of(theirs)).collect())
                };
                let middle = |of: fn(&Run) -> f64| median(runs.iter().map(of).collect());
                let median = Run {
                    per_second: middle(|run| run.per_second),
                    cpu_us: middle(|run| run.cpu_us),
                    p99_ms: middle(|run| run.p99_ms),
                    rss_mb: middle(|run| run.rss_mb),
                    errors: runs.iter().map(|run| run.errors).sum(),
                };
                let (cpu_ratio, p99_ratio) = (ratio(|run| run.cpu_us), ratio(|run| run.p99_ms));
                lines.push(Line { row, proxy, median, cpu_ratio, p99_ratio });
            }
        }
        Told(lines)
    }
}

impl Told {
    pub(crate) fn table(&self) -> String {
        let mut text = String::from(
            "| row | proxy | req/s | CPU µs/req | p99 ms | RSS MB | errors | our CPU ÷ | our p99 ÷ |\n|---|---|---|---|---|---|---|---|---|",
        );
        for Line { row, proxy, median, cpu_ratio, p99_ratio } in &self.0 {
            let Run { per_second, cpu_us, p99_ms, rss_mb, errors } = median;
            text.push_str(&format!(
                "\n| {row} | {proxy} | {per_second:.0} | {cpu_us:.2} | {p99_ms:.2} | {rss_mb:.0} | {errors} | {cpu_ratio:.2} | {p99_ratio:.2} |"
            ));
        }
        text
    }

    pub(crate) fn json(&self, rounds: usize, seconds: usize) -> Value {
        let line = |line: &Line| {
            json!({
                "row": line.row,
                "proxy": line.proxy,
                "requests_per_second": line.median.per_second,
                "cpu_us_per_request": line.median.cpu_us,
                "p99_ms": line.median.p99_ms,
                "rss_mb": line.median.rss_mb,
                "errors": line.median.errors,
                "our_cpu_ratio": line.cpu_ratio,
                "our_p99_ratio": line.p99_ratio,
            })
        };
        json!({ "rounds": rounds, "seconds": seconds, "rows": self.0.iter().map(line).collect::<Vec<_>>() })
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let at = |at: usize| values.get(at).copied().unwrap_or(f64::NAN);
    if values.len() % 2 == 1 { at(middle) } else { f64::midpoint(at(middle.wrapping_sub(1)), at(middle)) }
}
