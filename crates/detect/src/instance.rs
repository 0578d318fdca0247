//! Findings about one instance: down, hung, slow, flapping, and contradicted.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use dinghai_clock::format_span;
use dinghai_estate::{Instance, InstanceId};
use dinghai_record::{
    Cause, FindingKind, Health, ProcessState, Reason, Severity, Sighting, Subject, Vantage,
};

use crate::capacity::Standing;
use crate::diagnose::{Inputs, by_agreement};
use crate::senses::Watched;
use crate::verdict::{Verdict, Verdicts, key};
use crate::view::{FLAP_WINDOW, FLAPS, SLOW_OF};

/// A contradiction younger than this is one vantage point being quicker than another.
const DISAGREE_FOR: Duration = Duration::from_secs(2);
/// Slow from this many of the last answers on, and not slow any more at this many.
const SLOW_FROM: usize = 6;
const SLOW_NO_MORE: usize = 2;

/// Verdicts on every instance. Those in `lost` are explained by a place.
pub(crate) fn judge(inputs: &Inputs<'_>, lost: &BTreeMap<InstanceId, Subject>) -> Verdicts {
    let mut verdicts = Vec::new();
    for (_, instance) in inputs.estate.instances() {
        let (Some(sighting), Some(watched)) =
            (inputs.sighting(instance), inputs.senses.watched(&instance.id))
        else {
            continue;
        };
        let about = |kind| key(kind, Subject::Instance(instance.id.clone()));
        let (down, hung) = down_or_hung(inputs, instance, sighting, lost.get(&instance.id));
        verdicts.push((about(FindingKind::InstanceDown), down));
        verdicts.push((about(FindingKind::InstanceHung), hung));
        verdicts.push((about(FindingKind::InstanceSlow), slow(inputs, instance, watched)));
        verdicts.push((about(FindingKind::InstanceFlapping), flapping(inputs, instance, watched)));
        verdicts.push((about(FindingKind::Disagreement), disagreement(inputs, instance, sighting)));
    }
    verdicts
}

fn down_or_hung(
    inputs: &Inputs<'_>,
    instance: &Instance,
    sighting: &Sighting,
    lost: Option<&Subject>,
) -> (Verdict, Verdict) {
    let both = |reason: &dyn Fn() -> Reason| (Verdict::gone(reason()), Verdict::gone(reason()));
    if let Some(place) = lost {
        return both(&|| {
            Reason::new("part-of-place-lost").with("instance", &instance.id).with("place", place)
        });
    }
    match inputs.counts(instance) {
        Standing::Up => {
            let took =
                sighting.took_us.map_or_else(|| "?".to_owned(), |us| format_span(Duration::from_micros(us)));
            both(&|| Reason::new("answers-again").with("instance", &instance.id).with("took", &took))
        }
        Standing::Unknown | Standing::Starting => (Verdict::CannotTell, Verdict::CannotTell),
        Standing::Down if !inputs.in_use(instance) => {
            if inputs.share(instance).is_none() {
                return (Verdict::CannotTell, Verdict::CannotTell);
            }
            both(&|| Reason::new("spare-stands-by").with("instance", &instance.id))
        }
        Standing::Down => is_down(inputs, instance, sighting),
    }
}

fn is_down(inputs: &Inputs<'_>, instance: &Instance, sighting: &Sighting) -> (Verdict, Verdict) {
    let about = Subject::Instance(instance.id.clone());
    let was_hung = inputs.open(FindingKind::InstanceHung, about.clone()).is_some();
    let hung = match &sighting.process {
        Some(ProcessState::Running { .. }) => was_hung || times_out(sighting),
        Some(_) => false,
        // The hand is silent: what was found of the process stays.
        None => was_hung,
    };
    let sayers: Vec<String> = sighting
        .by
        .iter()
        .filter(|(_, says)| matches!(says, Health::Down(_)))
        .map(|(vantage, says)| match says {
            Health::Down(cause) => format!("{vantage}: {cause}"),
            Health::Up | Health::Unknown => vantage.to_string(),
        })
        .collect();
    let failures = inputs
        .senses
        .watched(&instance.id)
        .and_then(|watched| watched.views.get(&Vantage::Controller))
        .map_or(0, |view| view.in_a_row());
    let stands = |kind: FindingKind, code: &str| {
        Verdict::stands(
            &key(kind, about.clone()),
            sighting.since,
            by_agreement(sighting.agreed),
            BTreeSet::from([instance.id.clone()]),
            sighting.agreed,
            Reason::new(code)
                .with("instance", &instance.id)
                .with("vantages", sayers.len())
                .with("causes", sayers.join(", "))
                .with("failures", failures),
        )
    };
    if hung {
        let other = Reason::new("process-is-there").with("instance", &instance.id);
        (Verdict::gone(other), stands(FindingKind::InstanceHung, "instance-hung"))
    } else {
        let other = Reason::new("not-only-hung").with("instance", &instance.id);
        (stands(FindingKind::InstanceDown, "instance-down"), Verdict::gone(other))
    }
}

fn times_out(sighting: &Sighting) -> bool {
    sighting.by.values().any(|says| *says == Health::Down(Cause::Timeout))
}

fn slow(inputs: &Inputs<'_>, instance: &Instance, watched: &Watched) -> Verdict {
    let view = watched.views.get(&Vantage::Controller).filter(|view| view.fresh(inputs.now));
    let limit = watched.probe.as_ref().and_then(|probe| probe.slow);
    let (Some(view), Some(limit)) = (view, limit) else {
        return Verdict::CannotTell;
    };
    let Some(slow) = view.slow_answers().filter(|_| inputs.in_use(instance)) else {
        return Verdict::CannotTell;
    };
    let says = |code: &str| {
        Reason::new(code)
            .with("instance", &instance.id)
            .with("slow", slow)
            .with("of", SLOW_OF)
            .with("limit", format_span(limit))
    };
    if slow >= SLOW_FROM && view.says(inputs.now) == Health::Up {
        let key = key(FindingKind::InstanceSlow, Subject::Instance(instance.id.clone()));
        let instances = BTreeSet::from([instance.id.clone()]);
        Verdict::stands(&key, inputs.now, Severity::Warning, instances, false, says("instance-slow"))
    } else if slow <= SLOW_NO_MORE && view.says(inputs.now) == Health::Up {
        Verdict::gone(says("instance-quick-again"))
    } else {
        Verdict::CannotTell
    }
}

fn flapping(inputs: &Inputs<'_>, instance: &Instance, watched: &Watched) -> Verdict {
    let views = || watched.views.values().filter(|view| view.fresh(inputs.now));
    let Some(falls) = views().map(|view| view.flaps(inputs.now)).max() else {
        return Verdict::CannotTell;
    };
    let says = |code: &str| {
        Reason::new(code)
            .with("instance", &instance.id)
            .with("falls", falls)
            .with("window", format_span(FLAP_WINDOW))
    };
    if falls >= FLAPS {
        let key = key(FindingKind::InstanceFlapping, Subject::Instance(instance.id.clone()));
        let instances = BTreeSet::from([instance.id.clone()]);
        Verdict::stands(&key, inputs.now, Severity::Warning, instances, false, says("instance-flapping"))
    } else if falls == 0 && inputs.world.health(&instance.id) != &Health::Unknown {
        Verdict::gone(says("instance-steady-again"))
    } else {
        Verdict::CannotTell
    }
}

fn disagreement(inputs: &Inputs<'_>, instance: &Instance, sighting: &Sighting) -> Verdict {
    let say = |up: bool| {
        sighting
            .by
            .iter()
            .filter(|(_, says)| if up { **says == Health::Up } else { matches!(says, Health::Down(_)) })
            .map(|(vantage, _)| vantage.to_string())
            .collect::<Vec<_>>()
    };
    let (ups, downs) = (say(true), say(false));
    let reason = |code: &str| {
        Reason::new(code)
            .with("instance", &instance.id)
            .with("up", ups.join(", "))
            .with("down", downs.join(", "))
    };
    if !ups.is_empty() && !downs.is_empty() {
        let ripe = sighting.health == Health::Unknown && inputs.now.since(sighting.since) >= DISAGREE_FOR;
        if !ripe || !inputs.in_use(instance) {
            return Verdict::CannotTell;
        }
        let key = key(FindingKind::Disagreement, Subject::Instance(instance.id.clone()));
        let instances = BTreeSet::from([instance.id.clone()]);
        Verdict::stands(&key, sighting.since, Severity::Warning, instances, false, reason("disagreement"))
    } else if sighting.agreed {
        Verdict::gone(Reason::new("agree-again").with("instance", &instance.id))
    } else {
        Verdict::CannotTell
    }
}
