//! Whether a service outlives what it says it outlives.
//!
//! Every place up to the kind that the service survives is taken away in turn. Spares are counted apart: they help only
//! once they have been started. An instance whose place of that kind is not declared may share one with any other.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Lint, counted, listed};
use crate::{
    Address, Estate, FailureDomains, Instance, InstanceId, PlaceId, PlaceKind, Service, ServiceId, Severity,
    Tier,
};

/// Where the instances of one service stand.
#[derive(Clone, Copy)]
pub(super) struct Standing<'d> {
    pub(super) domains: &'d FailureDomains,
    /// The number of the service's first instance, counted over the estate.
    pub(super) first: usize,
}

impl<'d> Standing<'d> {
    fn places(self, instance: usize) -> &'d [usize] {
        self.domains.numbers(self.first + instance)
    }
}

/// What is gone with one place.
#[derive(Default)]
struct Loss<'e> {
    running: Vec<&'e InstanceId>,
    spares: usize,
}

/// A place whose loss is too much.
struct Blow<'e> {
    place: &'e PlaceId,
    kind: PlaceKind,
    gone: Vec<&'e InstanceId>,
    left: usize,
    spares_left: usize,
}

pub(super) fn check(
    id: &ServiceId,
    service: &Service,
    estate: &Estate,
    standing: Standing<'_>,
    found: &mut Vec<Lint>,
) {
    let minimum = service.minimum as usize;
    let running: Vec<&Instance> = service.instances.iter().filter(|instance| !instance.spare).collect();
    let spares = service.instances.len() - running.len();
    shared_addresses(id, service, found);
    // Its instances stand in other people's files: `check` looks at those.
    if service.instances.is_empty() && !estate.imports.is_empty() {
        return;
    }
    if running.len() < minimum {
        found.push(Lint {
            rule: "minimum-after-loss",
            severity: Severity::Error,
            about: id.to_string(),
            lost: None,
            origins: vec![service.origin.clone()],
            message: format!(
                "`{id}` has {} and a minimum of {minimum}, before anything is lost",
                counted(running.len(), "instance")
            ),
            help: "add instances, or lower `minimum`".to_owned(),
            counterexample: None,
        });
        return;
    }
    let blows = blows(service, running.len(), spares, standing);
    let known_by_wider = known_by_wider(service, running.len(), &blows);
    let (survive, weak) = blows
        .into_iter()
        .filter(|blow| blow.kind <= service.survive && blow.left < minimum.max(1))
        .partition::<Vec<_>, _>(|blow| blow.left == 0);
    if !survive.is_empty() {
        found.push(not_survived(id, service, estate, &survive));
    }
    let (weak, broken) =
        weak.into_iter().partition::<Vec<_>, _>(|blow| blow.left + blow.spares_left >= minimum);
    for (blows, severity) in [(broken, Severity::Error), (weak, Severity::Warning)] {
        found.extend(not_held(id, service, estate, &blows, severity));
    }
    if !known_by_wider {
        unknown_places(id, service, standing, found);
    }
}

/// What each place takes with it, narrow places first.
fn blows<'e>(service: &'e Service, running: usize, spares: usize, standing: Standing<'e>) -> Vec<Blow<'e>> {
    let mut losses: BTreeMap<usize, Loss<'e>> = BTreeMap::new();
    for (n, instance) in service.instances.iter().enumerate() {
        for place in standing.places(n) {
            let loss = losses.entry(*place).or_default();
            match instance.spare {
                true => loss.spares += 1,
                false => loss.running.push(&instance.id),
            }
        }
    }
    let mut blows: Vec<Blow<'e>> = losses
        .into_iter()
        .filter(|(_, loss)| !loss.running.is_empty())
        .filter_map(|(place, loss)| {
            let (place, kind) = standing.domains.by_number(place)?;
            Some(Blow {
                place,
                kind,
                left: running - loss.running.len(),
                gone: loss.running,
                spares_left: spares - loss.spares,
            })
        })
        .collect();
    blows.sort_by_key(|blow| blow.kind);
    blows
}

/// Whether wider places answer for hidden narrower ones: a node or rack stands in one zone and a zone in one region, so
/// what outlives the loss of each zone outlives the loss of any node, declared or not. Power and network may cross zones.
fn known_by_wider(service: &Service, running: usize, blows: &[Blow<'_>]) -> bool {
    let nests =
        |kind| matches!(kind, PlaceKind::Node | PlaceKind::Rack | PlaceKind::Zone | PlaceKind::Region);
    let answers = |kind: PlaceKind| {
        let gone = || blows.iter().filter(|blow| blow.kind == kind);
        let placed: BTreeSet<&InstanceId> = gone().flat_map(|blow| &blow.gone).copied().collect();
        placed.len() == running && gone().all(|blow| blow.left >= (service.minimum as usize).max(1))
    };
    let wider = blows.iter().map(|blow| blow.kind).filter(|kind| *kind > service.survive && nests(*kind));
    nests(service.survive) && wider.collect::<BTreeSet<_>>().into_iter().any(answers)
}

fn not_survived(id: &ServiceId, service: &Service, estate: &Estate, blows: &[Blow<'_>]) -> Lint {
    let places: Vec<&PlaceId> = blows.iter().map(|blow| blow.place).collect();
    let spares = blows.iter().map(|blow| blow.spares_left).min().unwrap_or(0);
    Lint {
        rule: "survive",
        severity: match service.tier {
            Tier::Core => Severity::Error,
            Tier::Secondary => Severity::Warning,
        },
        about: id.to_string(),
        lost: alone(blows),
        origins: origins(service, estate, blows),
        message: format!(
            "`{id}` says that it survives the loss of a {}, and does not survive the loss of {}",
            service.survive,
            listed(&places)
        ),
        help: format!(
            "put an instance where {} {} not reach, or say a narrower `survive`",
            listed(&places),
            if places.len() == 1 { "does" } else { "do" },
        ),
        counterexample: blows.first().map(|blow| {
            let after = match spares {
                0 => "and there is no spare to start elsewhere".to_owned(),
                _ => format!("until {} elsewhere can be started", counted(spares, "spare")),
            };
            format!("{}: no instance of `{id}` is left, {after}", lost(blow))
        }),
    }
}

fn not_held(
    id: &ServiceId,
    service: &Service,
    estate: &Estate,
    blows: &[Blow<'_>],
    severity: Severity,
) -> Option<Lint> {
    let first = blows.first()?;
    let places: Vec<&PlaceId> = blows.iter().map(|blow| blow.place).collect();
    let minimum = service.minimum;
    let (until, help) = match severity {
        Severity::Error => ("", "add instances elsewhere, or lower `minimum`"),
        Severity::Warning => (
            ", until spares are started",
            "add instances elsewhere, so that nothing has to be started first, or lower `minimum`",
        ),
    };
    let spares = match first.spares_left {
        0 => "no spare can be started elsewhere".to_owned(),
        spares => format!("{} elsewhere can be started", counted(spares, "spare")),
    };
    Some(Lint {
        rule: "minimum-after-loss",
        severity,
        about: id.to_string(),
        lost: alone(blows),
        origins: origins(service, estate, blows),
        message: format!(
            "`{id}` falls below its minimum of {minimum} with the loss of {}{until}",
            listed(&places)
        ),
        help: help.to_owned(),
        counterexample: Some(format!(
            "{}: {} of the {minimum} that are needed {} left; {spares}",
            lost(first),
            first.left,
            if first.left == 1 { "is" } else { "are" },
        )),
    })
}

/// The place, when it is a single one.
fn alone(blows: &[Blow<'_>]) -> Option<(PlaceId, PlaceKind)> {
    match blows {
        [blow] => Some((blow.place.clone(), blow.kind)),
        _ => None,
    }
}

/// `when `hz-a` (zone) is lost, `order@hz-a` goes with it`.
fn lost(blow: &Blow<'_>) -> String {
    let go = if blow.gone.len() == 1 { "goes" } else { "go" };
    format!("when `{}` ({}) is lost, {} {go} with it", blow.place, blow.kind, listed(&blow.gone))
}

/// The service, the places and the instances that are gone with the first of them.
fn origins(service: &Service, estate: &Estate, blows: &[Blow<'_>]) -> Vec<crate::Origin> {
    let places = blows.iter().filter_map(|blow| estate.places.get(blow.place));
    let gone = blows.first().map(|blow| &blow.gone);
    let instances =
        service.instances.iter().filter(|instance| gone.is_some_and(|gone| gone.contains(&&instance.id)));
    std::iter::once(service.origin.clone())
        .chain(places.map(|place| place.origin.clone()))
        .chain(instances.map(|instance| instance.origin.clone()))
        .collect()
}

fn unknown_places(id: &ServiceId, service: &Service, standing: Standing<'_>, found: &mut Vec<Lint>) {
    let is_known = |n: usize| {
        let mut places = standing.places(n).iter().filter_map(|place| standing.domains.by_number(*place));
        places.any(|(_, kind)| kind == service.survive)
    };
    let instances = service.instances.iter().enumerate();
    let hidden = instances.filter(|(n, instance)| !instance.spare && !is_known(*n));
    let hidden: Vec<&Instance> = hidden.map(|(_, instance)| instance).collect();
    if hidden.is_empty() {
        return;
    }
    let names: Vec<&InstanceId> = hidden.iter().map(|instance| &instance.id).collect();
    let origins = hidden.iter().map(|instance| instance.origin.clone());
    found.push(Lint {
        rule: "place-unknown",
        severity: Severity::Warning,
        about: id.to_string(),
        lost: None,
        origins: std::iter::once(service.origin.clone()).chain(origins).collect(),
        message: format!(
            "whether `{id}` survives the loss of a {} is unknown: the {} of {} is not declared",
            service.survive,
            service.survive,
            listed(&names)
        ),
        help: format!(
            "put the places of these instances `within` a place of kind `{}`; if nobody can tell you which, it \
             stays unknown",
            service.survive
        ),
        counterexample: None,
    });
}

fn shared_addresses(id: &ServiceId, service: &Service, found: &mut Vec<Lint>) {
    let mut seen: HashMap<&Address, &Instance> = HashMap::new();
    for instance in &service.instances {
        let Some(first) = seen.insert(&instance.address, instance) else { continue };
        found.push(Lint {
            rule: "shared-address",
            severity: Severity::Error,
            about: id.to_string(),
            lost: None,
            origins: vec![instance.origin.clone(), first.origin.clone()],
            message: format!(
                "`{}` and `{}` have the same address `{}`: they are one instance, counted twice",
                first.id, instance.id, instance.address
            ),
            help: "give each instance its own address, or remove one".to_owned(),
            counterexample: None,
        });
    }
}
