//! Promises, and the drills that prove them.

use std::collections::{BTreeMap, HashMap};

use super::keys::{DrillKeys, ExpectKeys, FaultKeys, Off, Profile, PromiseKeys, Stated};
use super::shape::{At, Short};
use super::unknown;
use crate::catalogue::KnownPromise;
use crate::problem::{Problems, Spot};
use crate::{
    Drill, DrillFault, DrillId, Expectation, InstanceId, Origin, Place, PlaceId, Promise, PromiseId,
    PromiseTarget,
};

pub(super) fn assemble(
    profile: Option<At<Profile>>,
    stated: Vec<Stated>,
    problems: &mut Problems,
) -> BTreeMap<PromiseId, Promise> {
    let mut promises = BTreeMap::new();
    if profile.is_none_or(|profile| profile.value == Profile::Standard) {
        let max_age = PromiseKeys::default().max_age.value;
        for known in crate::promise_catalogue() {
            let promise = Promise {
                target: known.standard.clone(),
                max_age,
                origin: Origin { file: "profile standard".to_owned(), ..Origin::default() },
            };
            promises.insert(PromiseId::new(known.id), promise);
        }
    }
    let mut seen: BTreeMap<PromiseId, Spot> = BTreeMap::new();
    for (id, promise) in stated {
        if let Some(first) = seen.insert(id.value.clone(), id.at) {
            problems.twice("promise", id.value.as_str(), first, id.at);
        }
        match promise.value {
            Short::Plain(Off::Off) => {
                promises.remove(&id.value);
            }
            Short::Keys(keys) => {
                let Some(known) = KnownPromise::of(id.value.as_str()) else { continue };
                let promise = Promise {
                    max_age: keys.max_age.value,
                    target: target(known, keys, promise.at, problems),
                    origin: problems.origin(id.at),
                };
                promises.insert(id.value, promise);
            }
        }
    }
    promises
}

/// The stated target when it is of the promise's kind, the standard one when none is stated.
fn target(known: &KnownPromise, keys: PromiseKeys, at: Spot, problems: &mut Problems) -> PromiseTarget {
    match (&known.standard, keys.within, keys.at_least) {
        (PromiseTarget::Within(_), Some(within), None) => PromiseTarget::Within(within.value),
        (PromiseTarget::AtLeast(_), None, Some(share)) => PromiseTarget::AtLeast(share.value.0),
        (standard, None, None) => standard.clone(),
        (standard, ..) => {
            let (kind, help) = match standard {
                PromiseTarget::Within(_) => ("a time", "write its target as `within: 30s`"),
                PromiseTarget::AtLeast(_) => ("a share", "write its target as `at-least: 99.9%`"),
            };
            let message = format!("`{}` promises {kind}", known.id);
            problems.add_with_help("bad-value", at, message, help);
            standard.clone()
        }
    }
}

pub(super) fn drills(
    declared: BTreeMap<DrillId, (Spot, Option<DrillKeys>)>,
    places: &BTreeMap<PlaceId, Place>,
    instances: &HashMap<InstanceId, Spot>,
    whole: bool,
    problems: &mut Problems,
) -> BTreeMap<DrillId, Drill> {
    let mut drills = BTreeMap::new();
    for (id, (at, keys)) in declared {
        let Some(keys) = keys else { continue };
        let mut known_instance = |named: &At<InstanceId>| {
            if whole && !instances.contains_key(&named.value) {
                let mut known: Vec<&str> = instances.keys().map(InstanceId::as_str).collect();
                known.sort_unstable();
                unknown("instance", named.value.as_str(), named.at, known, problems);
            }
        };
        let Some(At { value: fault, at: at_fault }) = keys.fault else { continue };
        fault.kill_instance.iter().chain(&fault.hang_instance).for_each(&mut known_instance);
        if let Some(named) = &fault.kill_place
            && whole
            && !places.contains_key(&named.value)
        {
            let known = places.keys().map(PlaceId::as_str);
            unknown("place", named.value.as_str(), named.at, known, problems);
        }
        let Some(fault) = one_fault(fault, at_fault, problems) else { continue };
        let drill = Drill {
            fault,
            hold: keys.hold.value,
            every: keys.every.map(|every| every.value.0),
            expect: expectation(&keys.expect.value),
            stop_above: keys.stop_above.value.0,
            origin: problems.origin(at),
        };
        drills.insert(id, drill);
    }
    drills
}

fn one_fault(keys: FaultKeys, at: Spot, problems: &mut Problems) -> Option<DrillFault> {
    let lacking = keys.lacking;
    let faults = [
        keys.kill_place.map(|place| DrillFault::KillPlace(place.value)),
        keys.kill_instance.map(|instance| DrillFault::KillInstance(instance.value)),
        keys.hang_instance.map(|instance| DrillFault::HangInstance(instance.value)),
    ];
    let mut faults: Vec<DrillFault> = faults.into_iter().flatten().collect();
    if faults.len() > 1 || (faults.is_empty() && !lacking) {
        let help = "write one of `kill-place`, `kill-instance` and `hang-instance`";
        problems.add_with_help("bad-value", at, "a drill has exactly one fault", help);
    }
    faults.pop()
}

fn expectation(keys: &ExpectKeys) -> Expectation {
    Expectation {
        failed_requests: keys.failed_requests.as_ref().map(|limit| limit.value),
        failing_within: keys.failing_within.as_ref().map(|within| within.value),
        healed_within: keys.healed_within.as_ref().map(|within| within.value),
    }
}
