//! Findings about recovery: what takes longer than promised, and what nobody notices.

use std::collections::BTreeSet;
use std::time::Duration;

use dinghai_estate::{
    Certainty, Feature, FoundService, Inventory, MechanismKind, Origin, Presence, Role, ServiceId, Source,
};

use super::compose::of_service;
use super::detect::{Notices, notices};
use super::way::Ways;
use super::{Failure, fix};
use crate::{Because, Bound, Edit, Finding, Fix, Lost, State};

/// What is wrong with how an inventory recovers. `bounds` are its own ([`super::bounds`]); `lines` gives the text of a line, for the fix.
///
/// Rules: `recovery-bound` for a worst case that is longer than promised, one for each service that is recovered, and
/// `no-detection` for a failure that nothing notices.
pub fn recovery_findings(
    inventory: &Inventory,
    bounds: &[Bound],
    lines: &dyn Fn(&Origin) -> Option<String>,
) -> Vec<Finding> {
    let ways = Ways::of(inventory);
    let mut told = BTreeSet::new();
    let mut findings = Vec::new();
    for bound in bounds {
        let Some((within, origin)) = bound.promised.clone() else { continue };
        // One cause is told once, however many failures and places bring it about.
        let cause = bound.terms.iter().max_by_key(|term| term.value).map(|term| term.source.origin.clone());
        if bound.total() > within && told.insert((bound.service.clone(), cause)) {
            findings.push(too_long(inventory, &ways, bound.clone(), (within, origin), lines));
        }
    }
    let pooled = pooled(inventory);
    for found in &inventory.services {
        findings.extend(unnoticed(inventory, &ways, &pooled, found, lines));
    }
    findings
}

fn too_long(
    inventory: &Inventory,
    ways: &Ways<'_>,
    mut bound: Bound,
    (within, promise): (Duration, Origin),
    lines: &dyn Fn(&Origin) -> Option<String>,
) -> Finding {
    let service = bound.service.clone();
    let way = inventory.services.get_key_value(&service).map_or_else(Vec::new, |(id, _)| ways.up(id));
    let total = bound.total();
    let fix = fix::fix(inventory, &way, &bound, within, lines);
    bound.fixed = fix.as_ref().map(|(_, terms)| terms.clone());
    let kind = bound.lost.as_ref().and_then(|place| Some((place, inventory.places.get(place)?.kind)));
    let (begins, lost) = match kind {
        Some((place, kind)) => (format!("lose {kind} {place}"), vec![Lost { place: place.clone(), kind }]),
        None => {
            let patroni = of_service(inventory, &service)
                .any(|mechanism| matches!(mechanism.kind, MechanismKind::Patroni { .. }));
            let begins = match fix::failure_of(inventory, &way, &bound) {
                Some(Failure::Refuses) if patroni => {
                    format!("let PostgreSQL crash on the primary of {service} while its Patroni lives,")
                }
                Some(Failure::Hangs) => format!("let an instance of {service} hang"),
                Some(Failure::Vanishes) => format!("let an instance of {service} vanish"),
                Some(Failure::Refuses) | None => format!("let an instance of {service} die"),
            };
            (begins, Vec::new())
        }
    };
    let parts: Vec<String> = bound
        .terms
        .iter()
        .filter(|term| !term.value.is_zero())
        .map(|term| format!("{} {} ({})", term.name, short(term.value), term.source.origin))
        .collect();
    let mut because: Vec<Because> = Vec::new();
    for term in bound.terms.iter().filter(|term| !term.value.is_zero()) {
        let line = Because { origin: term.source.origin.clone(), note: term.says.clone() };
        if !because.contains(&line) {
            because.push(line);
        }
    }
    because.push(Because { origin: promise, note: format!("{} promised", short(within)) });
    Finding {
        rule: "recovery-bound",
        state: State::Broken,
        title: format!("{service} may need {} to recover; {} promised", short(total), short(within)),
        sentence: format!(
            "{begins} right after it was seen to be well, and its users wait up to {}: {}",
            short(total),
            parts.join(", ")
        ),
        about: way.into_iter().cloned().collect(),
        lost,
        because,
        certainty: bound.terms.iter().map(|term| term.source.certainty).min().unwrap_or(Certainty::Derived),
        fix: fix.map(|(fix, _)| fix),
        bound: Some(bound),
    }
}

/// What nobody notices about a service, the worst of it only.
fn unnoticed(
    inventory: &Inventory,
    ways: &Ways<'_>,
    pooled: &BTreeSet<&ServiceId>,
    (id, service): (&ServiceId, &FoundService),
    lines: &dyn Fn(&Origin) -> Option<String>,
) -> Option<Finding> {
    let mechanisms = || of_service(inventory, id).map(|mechanism| &mechanism.kind);
    let moves = mechanisms().any(|kind| matches!(kind, MechanismKind::Vrrp { .. }));
    let absent = match service.features.get(&Feature::Probe) {
        Some(Presence::Absent(source)) => Some(source),
        _ => None,
    };
    let alone = service.running().count() < 2 && service.open.is_none();
    let (title, sentence, source, fix) = match absent {
        Some(source) if moves => (
            format!("{id} stays on a machine whose balancer has died"),
            format!(
                "let the balancer behind {id} die while its machine lives, and the address stays there with nobody behind it: no \
                 tracked script lowers the priority far enough ({})",
                source.origin
            ),
            source.clone(),
            Some(Fix {
                sentence: "track a script that fails when the balancer does not answer, with weight 0 or one that reaches below the standby"
                    .to_owned(),
                edits: Vec::new(),
                checked: None,
            }),
        ),
        Some(source) if pooled.contains(id) && !alone => (
            format!("nobody checks whether {id} answers"),
            format!(
                "let a server of {id} die, and its share of the requests goes on failing until a person takes it out ({})",
                source.origin
            ),
            source.clone(),
            checked(source, lines),
        ),
        _ => {
            // One mechanism that notices is enough.
            let answers: Vec<Notices> = mechanisms().map(|kind| notices(kind, Failure::Hangs)).collect();
            let blind = answers.iter().find_map(|answer| match answer {
                Notices::Never(source) => Some(source.clone()),
                Notices::After(_) | Notices::Elsewhere => None,
            })?;
            if moves || alone || answers.iter().any(|answer| matches!(answer, Notices::After(_))) {
                return None;
            }
            (
                format!("nobody notices when a server of {id} hangs"),
                format!(
                    "let a program behind {id} stop without closing its port, and checks go on passing while its share of the \
                     requests waits in vain: they only connect ({})",
                    blind.origin
                ),
                blind,
                Some(Fix {
                    sentence: "let the check ask for an answer, such as by HTTP, and not only connect".to_owned(),
                    edits: Vec::new(),
                    checked: None,
                }),
            )
        }
    };
    Some(Finding {
        rule: "no-detection",
        state: State::Weak,
        title,
        sentence,
        about: ways.up(id).into_iter().cloned().collect(),
        lost: Vec::new(),
        because: vec![Because { origin: source.origin, note: String::new() }],
        certainty: source.certainty,
        bound: None,
        fix,
    })
}

/// The services of which `no-detection` says what is missing, so that no other rule has to.
pub(crate) fn unnoticed_services(inventory: &Inventory) -> BTreeSet<&ServiceId> {
    let (ways, pooled) = (Ways::of(inventory), pooled(inventory));
    let found = inventory
        .services
        .iter()
        .filter(|found| unnoticed(inventory, &ways, &pooled, *found, &|_| None).is_some());
    found.map(|(id, _)| id).collect()
}

/// The services over which a balancer spreads requests.
fn pooled(inventory: &Inventory) -> BTreeSet<&ServiceId> {
    let balancers = inventory.services.values().filter(|service| service.role == Role::Balancer);
    balancers.flat_map(|service| service.needs.iter().map(|need| &need.service)).collect()
}

/// The `server` line with a check, where it is HAProxy's.
fn checked(source: &Source, lines: &dyn Fn(&Origin) -> Option<String>) -> Option<Fix> {
    let origin = &source.origin;
    let line = lines(origin).filter(|line| {
        let mut words = line.split_whitespace();
        words.next() == Some("server") && words.nth(1).is_some() && !line.contains([';', '#'])
    })?;
    Some(Fix {
        sentence: "check the server".to_owned(),
        edits: vec![Edit {
            file: origin.file.clone(),
            line: origin.line,
            remove: 1,
            add: vec![format!("{} check", line.trim_end())],
        }],
        checked: None,
    })
}

/// A duration for reading: to a tenth of a second from one second on, and to the millisecond below, rounded up.
pub(super) fn short(span: Duration) -> String {
    let millis = span.as_micros().div_ceil(1_000);
    match millis {
        0..1_000 => format!("{millis}ms"),
        _ if millis.is_multiple_of(1_000) => format!("{}s", millis / 1_000),
        _ => {
            let tenths = millis.div_ceil(100);
            format!("{}.{}s", tenths / 10, tenths % 10)
        }
    }
}
