//! How long the cut sets of a large estate take.
//!
//! `bench_check [FILE]` makes an estate of 10,000 services, 1,000 of them core, with 3 to 6 instances each over four levels of
//! places, decodes it once, finds the cut sets of up to three places five times on one thread, prints the median and the
//! most memory that was in use, and writes them to FILE as JSON.

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt::Write;
use std::time::Duration;

use dinghai_clock::{Clock, SystemClock};
use dinghai_estate::{Estate, Files, Inventory, ServiceId, Tier, decode};
use dinghai_risk::{Stands, cut_sets};

/// Services at each depth of need; those of the first are core.
const LAYERS: [usize; 6] = [1_000, 1_800, 1_800, 1_800, 1_800, 1_800];
/// Hard needs of each service on the next layer: a closure of at most 46 services, 6 deep.
const NEEDS: [usize; 6] = [3, 2, 2, 1, 1, 0];
const REGIONS: usize = 4;
const ZONES_EACH: usize = 3;
const RACKS_EACH: usize = 10;
const NODES_EACH: usize = 20;
const ORDER: usize = 3;
const RUNS: usize = 5;
const GOAL: Duration = Duration::from_secs(1);
const GOAL_MIB: u64 = 500;

struct Text(String);

impl Files for Text {
    fn read(&self, _: &str) -> Result<String, String> {
        Ok(self.0.clone())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let files = Text(estate()?);
    let clock = SystemClock::new();
    let start = clock.now();
    let decoded = decode("dinghai.yaml", &files);
    let parse = clock.now().since(start);
    let Some(estate) = decoded.estate else {
        return Err(format!("the estate has mistakes: {:?}", decoded.problems.first()).into());
    };
    let core_ids: BTreeSet<ServiceId> = estate
        .services
        .iter()
        .filter(|(_, service)| service.tier == Tier::Core)
        .map(|(id, _)| id.clone())
        .collect();
    let mut runs = Vec::new();
    let mut orders = [0_usize; ORDER + 1];
    let (mut core, mut truncated) = (0, 0);
    for _ in 0..RUNS {
        let start = clock.now();
        let inventory = Inventory::of(&estate);
        let cuts = cut_sets(&inventory, &core_ids, ORDER, Stands::OnEnough);
        runs.push(clock.now().since(start));
        orders = [0; ORDER + 1];
        for cut in cuts.services().flat_map(|service| cuts.of(service)) {
            orders.get_mut(cut.order()).into_iter().for_each(|count| *count += 1);
        }
        core = cuts.services().count();
        truncated = cuts.services().filter(|service| cuts.truncated(service)).count();
    }
    runs.sort_unstable();
    let took = runs.get(RUNS / 2).copied().unwrap_or_default();
    let closure = estate.services.keys().take(LAYERS[0]).map(|id| closure(&estate, id)).max().unwrap_or(0);
    let memory = peak_mib();
    let met = took < GOAL && memory.is_none_or(|mib| mib < GOAL_MIB);
    let instances = estate.instances().count();
    println!(
        "{} services, {core} core, {instances} instances, closure of at most {closure}",
        estate.services.len()
    );
    println!("cut sets by order: {orders:?}; larger ones may exist for {truncated} services");
    println!("parse {:.1} ms; graph and cut sets {:.1} ms, median of {RUNS}", millis(parse), millis(took));
    println!("most memory in use, the text and the parse included: {memory:?} MiB");
    println!(
        "goal: below {} ms and {GOAL_MIB} MiB: {}",
        GOAL.as_millis(),
        if met { "met" } else { "missed" }
    );
    if let Some(file) = std::env::args().nth(1) {
        let figures = serde_json::json!({
            "services": estate.services.len(),
            "core": core,
            "instances": instances,
            "places": estate.places.len(),
            "closure": closure,
            "order": ORDER,
            "cut_sets_by_order": orders,
            "larger_may_exist": truncated,
            "runs": RUNS,
            "parse_ms": millis(parse),
            "cuts_ms": millis(took),
            "memory_mib": memory,
            "goal_ms": GOAL.as_millis(),
            "goal_mib": GOAL_MIB,
            "met": met,
        });
        std::fs::write(file, serde_json::to_string_pretty(&figures)?)?;
    }
    Ok(())
}

fn millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1e3
}

/// The most memory this process had resident, where the system tells (`VmHWM`, proc(5)).
fn peak_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse::<u64>().ok().map(|kib| kib / 1024)
}

fn closure(estate: &Estate, id: &ServiceId) -> usize {
    let mut seen = BTreeSet::from([id]);
    let mut open = vec![id];
    while let Some(service) = open.pop().and_then(|id| estate.services.get(id)) {
        open.extend(service.needs.iter().map(|need| &need.service).filter(|id| seen.insert(id)));
    }
    seen.len()
}

/// Services in the words of a file, those of one layer after those of the one before.
fn estate() -> Result<String, std::fmt::Error> {
    let mut text = String::from("estate: large\nplaces:\n");
    let mut nodes = Vec::new();
    for region in 0..REGIONS {
        writeln!(text, "  r{region}: {{ kind: region }}")?;
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
    let zone = RACKS_EACH * NODES_EACH;
    let mut number = 0;
    for (layer, (services, needs)) in LAYERS.into_iter().zip(NEEDS).enumerate() {
        for service in 0..services {
            let tier = if layer == 0 { "core" } else { "secondary" };
            writeln!(text, "  l{layer}-s{service}:\n    tier: {tier}\n    survive: zone\n    instances:")?;
            let region = service % REGIONS * ZONES_EACH * zone;
            for instance in 0..3 + service % 4 {
                // Over the zones of one region, at nodes that other services share.
                let node = (service * 7 + layer * 31 + instance * 53) % zone;
                let place =
                    nodes.get(region + instance % ZONES_EACH * zone + node).map_or("", String::as_str);
                let [high, middle, low] = [number / 65_536, number / 256 % 256, number % 256];
                writeln!(text, "      - {{ at: {place}, address: 10.{high}.{middle}.{low}:8080 }}")?;
                number += 1;
            }
            writeln!(text, "    probe: {{ tcp: true }}")?;
            if needs > 0 {
                text.push_str("    needs:\n");
            }
            for need in 0..needs {
                let needed = (service * 11 + need * 487 + 3) % LAYERS.get(layer + 1).copied().unwrap_or(1);
                writeln!(text, "      - l{}-s{needed}", layer + 1)?;
            }
        }
    }
    Ok(text)
}
