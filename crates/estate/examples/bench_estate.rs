//! How long a large estate takes to read and to lint.
//!
//! `bench_estate [FILE]` makes an estate of 10,000 services and 50,000 instances over four levels of places as text,
//! decodes it and lints it five times each, prints the medians and writes them to FILE as JSON.

use std::error::Error;
use std::fmt::Write;
use std::time::Duration;

use dinghai_clock::{Clock, SystemClock};
use dinghai_estate::{FailureDomains, Files, decode, lint};

const SERVICES: usize = 10_000;
const INSTANCES_EACH: usize = 5;
const REGIONS: usize = 4;
const ZONES_EACH: usize = 3;
const RACKS_EACH: usize = 10;
const NODES_EACH: usize = 20;
const RUNS: usize = 5;
const GOAL: Duration = Duration::from_secs(1);

struct Text(String);

impl Files for Text {
    fn read(&self, _: &str) -> Result<String, String> {
        Ok(self.0.clone())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let files = Text(estate()?);
    let clock = SystemClock::new();
    let (mut decodes, mut lints) = (Vec::new(), Vec::new());
    let (mut instances, mut found) = (0, 0);
    for _ in 0..RUNS {
        let start = clock.now();
        let decoded = decode("dinghai.yaml", &files);
        let read = clock.now();
        let Some(estate) = decoded.estate else {
            return Err(format!("the estate has mistakes: {:?}", decoded.problems.first()).into());
        };
        let before_lint = clock.now();
        found = lint(&estate, &FailureDomains::of(&estate)).len();
        lints.push(clock.now().since(before_lint));
        decodes.push(read.since(start));
        instances = estate.instances().count();
    }
    let (decode, lint) = (median(decodes), median(lints));
    let total = decode + lint;
    println!("{SERVICES} services, {instances} instances, {} bytes, {found} findings", files.0.len());
    println!("{:<14} {:>9}", "median of 5", "ms");
    for (what, took) in [("parse", decode), ("graph and lint", lint), ("together", total)] {
        println!("{what:<14} {:>9.1}", took.as_secs_f64() * 1e3);
    }
    println!("goal: together below {} ms: {}", GOAL.as_millis(), if total < GOAL { "met" } else { "missed" });
    if let Some(file) = std::env::args().nth(1) {
        let figures = serde_json::json!({
            "services": SERVICES,
            "instances": instances,
            "bytes": files.0.len(),
            "findings": found,
            "runs": RUNS,
            "parse_ms": decode.as_secs_f64() * 1e3,
            "lint_ms": lint.as_secs_f64() * 1e3,
            "total_ms": total.as_secs_f64() * 1e3,
            "goal_ms": GOAL.as_millis(),
            "met": total < GOAL,
        });
        std::fs::write(file, serde_json::to_string_pretty(&figures)?)?;
    }
    Ok(())
}

fn median(mut spans: Vec<Duration>) -> Duration {
    spans.sort_unstable();
    spans.get(spans.len() / 2).copied().unwrap_or_default()
}

/// Services in the words of a file: five instances each on nodes of all zones, a probe, and needs on earlier services.
fn estate() -> Result<String, std::fmt::Error> {
    let mut text = String::from("estate: large\nplaces:\n");
    let mut nodes = Vec::new();
    for region in 0..REGIONS {
        writeln!(text, "  r{region}: {{ kind: region, vendor: v{} }}", region % 2)?;
        for zone in 0..ZONES_EACH {
            writeln!(text, "  r{region}-z{zone}: {{ kind: zone, within: r{region} }}")?;
            for rack in 0..RACKS_EACH {
                writeln!(text, "  r{region}-z{zone}-k{rack}: {{ kind: rack, within: r{region}-z{zone} }}")?;
                for node in 0..NODES_EACH {
                    let id = format!("r{region}-z{zone}-k{rack}-n{node}");
                    writeln!(text, "  {id}: {{ kind: node, within: r{region}-z{zone}-k{rack} }}")?;
                    nodes.push(id);
                }
            }
        }
    }
    text.push_str("services:\n");
    for service in 0..SERVICES {
        let tier = if service % 4 == 0 { "core" } else { "secondary" };
        writeln!(text, "  s{service}:\n    tier: {tier}\n    minimum: 2\n    survive: zone\n    instances:")?;
        for instance in 0..INSTANCES_EACH {
            // A step that is coprime to the number of nodes spreads the instances of a service over zones.
            let place = (service * 7 + instance * 487) % nodes.len();
            let number = service * INSTANCES_EACH + instance;
            writeln!(
                text,
                "      - {{ at: {}, address: 10.{}.{}.{}:8080, run: {{ process: [./s{service}, --port, \"8080\"] }} }}",
                nodes.get(place).map_or("", String::as_str),
                number / 65_536,
                number / 256 % 256,
                number % 256,
            )?;
        }
        writeln!(text, "    probe: {{ http: /healthz, every: 200ms, timeout: 300ms }}")?;
        if service > 8 {
            // Core services need core services.
            let hard = service / 8 * 4;
            let soft = hard + 1;
            writeln!(
                text,
                "    needs:\n      - s{hard}\n      - {{ service: s{soft}, kind: soft, fallback: empty }}"
            )?;
        }
    }
    Ok(text)
}
