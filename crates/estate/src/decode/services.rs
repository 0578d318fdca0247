//! Services and their instances.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

use super::entrances::secured;
use super::keys::{
    CapacityKeys, InstanceKeys, NeedKeys, NeedWord, ProbeKeys, RunKeys, ServiceKeys, ValueKeys,
};
use super::scalars::Rate;
use super::shape::{At, Short};
use super::unknown;
use crate::problem::{Problems, Spot};
use crate::{
    ActionKind, Capacity, Check, Instance, InstanceId, Need, NeedKind, Place, PlaceId, PlaceKind, ProbeSpec,
    Run, Service, ServiceId, Tier, Value,
};

/// Services by id; one whose body is unusable is known and has none.
pub(super) type Services = BTreeMap<ServiceId, Option<Service>>;

/// The shortest pause between probes, in milliseconds.
const SHORTEST_EVERY_MS: u128 = 100;

/// The services, and the instances that anybody may name.
pub(super) fn assemble(
    declared: BTreeMap<ServiceId, (Spot, Option<ServiceKeys>)>,
    places: &BTreeMap<PlaceId, Place>,
    whole: bool,
    imports: bool,
    problems: &mut Problems,
) -> (Services, HashMap<InstanceId, Spot>) {
    let mut instances = Instances { places, whole, taken: HashMap::new() };
    let ids: BTreeMap<ServiceId, ()> = declared.keys().map(|id| (id.clone(), ())).collect();
    let mut services = Services::new();
    for (id, (at, keys)) in declared {
        let service = keys.map(|keys| {
            let mut all = Vec::new();
            let mut at_place = HashMap::new();
            let listed = keys.instances.into_iter().flat_map(|list| list.value);
            let spares = keys.spares.into_iter().flat_map(|list| list.value);
            for (keys, spare) in listed.map(|keys| (keys, false)).chain(spares.map(|keys| (keys, true))) {
                all.extend(instances.read(&id, keys, spare, &mut at_place, problems));
            }
            let tier = keys.tier.value;
            let needs = keys.needs.into_iter().flat_map(|list| list.value);
            Service {
                tier,
                minimum: keys.minimum.value,
                survive: keys.survive.map_or(usually_survives(tier), |kind| kind.value),
                instances: all,
                probe: keys.probe.and_then(|keys| probe(&keys, problems)),
                tls: keys.tls.and_then(|keys| secured(keys.value)),
                proxy_protocol: keys.proxy_protocol.map(|version| version.value),
                // What other people's files declare is not known here; `check` judges those names.
                needs: read_needs(&id, needs, &ids, whole && !imports, problems),
                autonomy: BTreeMap::from([
                    (ActionKind::Restart, keys.autonomy.value.restart.value),
                    (ActionKind::ShiftTraffic, keys.autonomy.value.shift_traffic.value),
                    (ActionKind::Scale, keys.autonomy.value.scale.value),
                    (ActionKind::Promote, keys.autonomy.value.promote.value),
                ]),
                value: keys.value.and_then(|keys| value(keys, problems)),
                capacity: keys.capacity.and_then(|keys| capacity(&keys, problems)),
                origin: problems.origin(at),
            }
        });
        services.insert(id, service);
    }
    (services, instances.taken)
}

const fn usually_survives(tier: Tier) -> PlaceKind {
    match tier {
        Tier::Core => PlaceKind::Zone,
        Tier::Secondary => PlaceKind::Node,
    }
}

/// Reads instances; their names are unique in the estate.
struct Instances<'p> {
    places: &'p BTreeMap<PlaceId, Place>,
    whole: bool,
    taken: HashMap<InstanceId, Spot>,
}

impl Instances<'_> {
    fn read(
        &mut self,
        service: &ServiceId,
        keys: At<InstanceKeys>,
        spare: bool,
        at_place: &mut HashMap<PlaceId, u32>,
        problems: &mut Problems,
    ) -> Option<Instance> {
        let At { value: keys, at } = keys;
        let stands = keys.at.map(|stands| stands.value.0).unwrap_or_default();
        for place in &stands {
            if self.whole && !self.places.contains_key(&place.value) {
                let known = self.places.keys().map(PlaceId::as_str);
                unknown("place", place.value.as_str(), place.at, known, problems);
            }
        }
        let first = stands.first().map(|place| place.value.clone());
        let (id, at_name) = match (keys.name, first) {
            (Some(name), _) => (name.value, name.at),
            (None, Some(first)) => {
                let count = at_place.entry(first.clone()).or_default();
                *count += 1;
                let id = match *count {
                    1 => format!("{service}@{first}"),
                    again => format!("{service}@{first}.{again}"),
                };
                (InstanceId::new(id), at)
            }
            (None, None) => return None,
        };
        if let Some(taken) = self.taken.insert(id.clone(), at_name) {
            problems.twice("instance", id.as_str(), taken, at_name);
        }
        let run = keys.run.and_then(|keys| run(keys.value, keys.at, problems));
        Some(Instance {
            id,
            at: stands.into_iter().map(|place| place.value).collect(),
            address: keys.address?.value,
            run,
            spare,
            origin: problems.origin(at),
        })
    }
}

fn run(keys: RunKeys, at: Spot, problems: &mut Problems) -> Option<Run> {
    let env = keys.env.into_iter().flat_map(|env| env.value.0);
    let process = keys.process?.value;
    if process.first().is_none_or(|program| program.value.is_empty()) {
        let help = "write program and arguments as a list, such as `[./order, --port, \"9101\"]`";
        problems.add_with_help("bad-value", at, "`process` names no program", help);
    }
    Some(Run {
        process: process.into_iter().map(|word| word.value).collect(),
        env: env.filter_map(|(name, value)| Some((name.value, value?.value))).collect(),
        directory: keys.directory.map(|directory| PathBuf::from(directory.value)),
        restart: keys.restart.value,
        stop_within: keys.stop_within.value,
    })
}

fn probe(keys: &At<ProbeKeys>, problems: &mut Problems) -> Option<ProbeSpec> {
    let At { value: keys, at } = keys;
    let asked = |flag: &Option<At<bool>>| flag.as_ref().is_some_and(|flag| flag.value);
    let checks = [
        keys.http.as_ref().map(|path| Check::Http(path.value.0.clone())),
        asked(&keys.tcp).then_some(Check::Tcp),
        asked(&keys.process).then_some(Check::Process),
    ];
    let mut checks: Vec<Check> = checks.into_iter().flatten().collect();
    if checks.len() > 1 || (checks.is_empty() && !keys.lacking) {
        let message = "a probe asks exactly one question";
        let help = "write one of `http: /healthz`, `tcp: true` and `process: true`";
        problems.add_with_help("bad-value", *at, message, help);
    }
    if keys.every.value.as_millis() < SHORTEST_EVERY_MS {
        let message = format!("`every` is below {SHORTEST_EVERY_MS}ms");
        let help = "shorter pauses load what is probed and find nothing sooner";
        problems.add_with_help("bad-value", keys.every.at, message, help);
    }
    if keys.timeout.value.is_zero() {
        problems.add("bad-value", keys.timeout.at, "with a `timeout` of nothing every probe fails");
    }
    if let Some(slow) = keys.slow.as_ref().filter(|slow| slow.value >= keys.timeout.value) {
        let message = "`slow` is not shorter than `timeout`: a slow answer would be a failure first";
        problems.add_with_help("bad-value", slow.at, message, "lower `slow`, or raise `timeout`");
    }
    Some(ProbeSpec {
        check: checks.pop()?,
        every: keys.every.value,
        timeout: keys.timeout.value,
        fall: keys.fall.value.get(),
        rise: keys.rise.value.get(),
        slow: keys.slow.as_ref().map(|slow| slow.value),
    })
}

fn read_needs(
    service: &ServiceId,
    needs: impl Iterator<Item = At<Short<ServiceId, NeedKeys>>>,
    known: &BTreeMap<ServiceId, ()>,
    whole: bool,
    problems: &mut Problems,
) -> Vec<Need> {
    let mut read = Vec::new();
    let mut seen = BTreeSet::new();
    for At { value, at } in needs {
        let (needed, kind) = match value {
            Short::Plain(needed) => (At { value: needed, at }, NeedKind::Hard),
            Short::Keys(keys) => {
                let Some(needed) = keys.service else { continue };
                let fallback = keys.fallback;
                let kind = match (keys.kind.value, fallback) {
                    (NeedWord::Soft, fallback) => {
                        NeedKind::Soft { fallback: fallback.map(|fallback| fallback.value) }
                    }
                    (NeedWord::Hard, None) => NeedKind::Hard,
                    (NeedWord::Hard, Some(fallback)) => {
                        let help = "add `kind: soft`, or remove `fallback`";
                        let message = "a hard need has no `fallback`";
                        problems.add_with_help("bad-value", fallback.at, message, help);
                        NeedKind::Hard
                    }
                };
                (needed, kind)
            }
        };
        let name = needed.value.as_str();
        if needed.value == *service {
            let message = format!("`{name}` needs itself");
            problems.add_with_help("bad-value", needed.at, message, "remove this need");
        } else if whole && !known.contains_key(&needed.value) {
            unknown("service", name, needed.at, known.keys().map(ServiceId::as_str), problems);
        } else if !seen.insert(needed.value.clone()) {
            let message = format!("`{service}` needs `{name}` twice");
            problems.add_with_help("duplicate", needed.at, message, "keep one of the two");
        }
        read.push(Need { service: needed.value, kind, origin: problems.origin(at) });
    }
    read
}

fn value(keys: At<ValueKeys>, problems: &mut Problems) -> Option<Value> {
    let At { value: keys, at } = keys;
    let come_back = match keys.come_back {
        None => None,
        Some(shares) => match &shares.value[..] {
            [low, likely, high] => Some([low.value.0, likely.value.0, high.value.0]),
            other => {
                let message = format!("`come-back` has {} shares, it takes three", other.len());
                let help = "write those for the low, the likely and the high loss, such as `[50%, 25%, 0%]`";
                problems.add_with_help("bad-value", shares.at, message, help);
                None
            }
        },
    };
    Some(Value {
        visits_per_minute: keys.visits.map(|rate| rate.value.0),
        conversion: keys.conversion.map(|share| share.value.0),
        order: keys.order.map(|order| order.value),
        come_back,
        origin: problems.origin(at),
    })
}

fn capacity(keys: &At<CapacityKeys>, problems: &mut Problems) -> Option<Capacity> {
    let At { value: keys, at } = keys;
    if let Some(each) = keys.each.as_ref().filter(|each| each.value.0 <= 0.0) {
        let help = "write what one instance carries, such as `500/s`";
        problems.add_with_help("bad-value", each.at, "an instance that carries nothing is of no use", help);
    }
    let a_second = |rate: Rate| rate.0 / 60.0;
    Some(Capacity {
        each: a_second(keys.each.as_ref()?.value),
        peak: a_second(keys.peak.as_ref()?.value),
        surge: keys.surge.value.0,
        origin: problems.origin(*at),
    })
}
