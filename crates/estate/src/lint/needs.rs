//! What a service leans on, and whether anybody would notice that it fell.

use std::collections::BTreeMap;

use super::{Lint, listed};
use crate::cycle::cycles;
use crate::{Estate, NeedKind, Service, ServiceId, Severity};

pub(super) fn check(id: &ServiceId, service: &Service, estate: &Estate, found: &mut Vec<Lint>) {
    if service.probe.is_none() && !service.instances.is_empty() {
        found.push(Lint {
            rule: "no-probe",
            severity: Severity::Warning,
            about: id.to_string(),
            lost: None,
            origins: vec![service.origin.clone()],
            message: format!("`{id}` has no probe: whether it is up stays unknown until its requests fail"),
            help: "add `probe: { http: /healthz }`, or `probe: { tcp: true }`".to_owned(),
            counterexample: None,
        });
    }
    for need in service.needs.iter().filter(|need| need.kind == NeedKind::Hard) {
        let Some(needed) = estate.services.get(&need.service) else { continue };
        let name = &need.service;
        let weaker = if needed.tier < service.tier {
            format!("it is {} and `{id}` is {}", needed.tier, service.tier)
        } else if needed.survive < service.survive {
            format!(
                "it survives the loss of a {} and `{id}` says it survives the loss of a {}",
                needed.survive, service.survive
            )
        } else {
            continue;
        };
        found.push(Lint {
            rule: "weaker-need",
            severity: Severity::Error,
            about: id.to_string(),
            lost: None,
            origins: vec![need.origin.clone(), needed.origin.clone()],
            message: format!("`{id}` has a hard need on `{name}`, which is weaker: {weaker}"),
            help: format!("make `{name}` as strong, or make the need `kind: soft` with a `fallback`"),
            counterexample: Some(format!(
                "whatever `{name}` does not survive, `{id}` does not survive either"
            )),
        });
    }
}

pub(super) fn check_cycles(estate: &Estate, found: &mut Vec<Lint>) {
    let ids: Vec<&ServiceId> = estate.services.keys().collect();
    let index: BTreeMap<&ServiceId, usize> = ids.iter().enumerate().map(|(n, id)| (*id, n)).collect();
    let hard = |service: &Service| {
        let needs = service.needs.iter().filter(|need| need.kind == NeedKind::Hard);
        needs.filter_map(|need| index.get(&need.service).copied()).collect()
    };
    let edges: Vec<Vec<usize>> = estate.services.values().map(hard).collect();
    for cycle in cycles(&edges) {
        let names: Vec<&ServiceId> = cycle.iter().filter_map(|n| ids.get(*n).copied()).collect();
        let Some(first) = names.first() else { continue };
        let way: Vec<&str> = names.iter().chain([first]).map(|id| id.as_str()).collect();
        let needs = names.iter().zip(names.iter().cycle().skip(1)).filter_map(|(from, to)| {
            let needs = &estate.services.get(*from)?.needs;
            needs.iter().find(|need| need.service == **to).map(|need| need.origin.clone())
        });
        found.push(Lint {
            rule: "hard-need-cycle",
            severity: Severity::Error,
            about: first.to_string(),
            lost: None,
            origins: needs.collect(),
            message: format!("hard needs go round in a circle: {}", way.join(" → ")),
            help: "make one of these needs `kind: soft`, with a `fallback`".to_owned(),
            counterexample: Some(format!(
                "once {} are all down, none of them can come up before the others",
                listed(&names)
            )),
        });
    }
}
