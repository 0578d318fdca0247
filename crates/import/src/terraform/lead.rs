//! From balancers to what stands behind them.
//!
//! A balancer, its listeners, rules, target groups and attachments are resources of their own, and each says only one step of the
//! way ([`Survey::hop`]). Here the steps are walked: what is reached at the end is needed, what the check on the way is
//! becomes the mechanism, and whoever is reached has a probe.

use std::collections::{BTreeMap, BTreeSet};

use dinghai_estate::{Feature, FoundNeed, MechanismKind, NeedKind, Presence, Role, ServiceId, Source};

use super::survey::Survey;

/// Everything behind one service.
struct Behind {
    /// The services, with how it is known.
    services: BTreeMap<ServiceId, (String, Source)>,
    /// The addresses on the way.
    passed: BTreeSet<String>,
}

impl Survey<'_> {
    /// Turns the hops into needs, mechanisms and probes.
    pub(super) fn lead(&mut self) {
        let starts: Vec<(String, ServiceId)> = self
            .hops
            .keys()
            .filter_map(|address| Some((address.clone(), self.service_at(address)?.clone())))
            .collect();
        for (address, from) in starts {
            let behind = self.behind(&address, &from);
            for passed in &behind.passed {
                let Some((kind, source)) = self.checks.get(passed).cloned() else { continue };
                for to in self.behind(passed, &from).services.into_keys() {
                    let present = Presence::Present(source.clone());
                    self.feature(&to, Feature::Probe, present);
                    self.mechanism(&to, Some(from.clone()), kind.clone(), source.clone());
                }
            }
            for (to, (how, source)) in behind.services {
                self.need(&from, &to, &how, source);
            }
        }
    }

    /// Who reaches whom from an address, other services not walked through.
    fn behind(&self, address: &str, from: &ServiceId) -> Behind {
        let mut behind = Behind { services: BTreeMap::new(), passed: [address.to_owned()].into() };
        let mut open = vec![address.to_owned()];
        while let Some(here) = open.pop() {
            for hop in self.hops.get(&here).into_iter().flatten() {
                match self.service_at(&hop.to) {
                    Some(service) if service != from => {
                        behind
                            .services
                            .entry(service.clone())
                            .or_insert_with(|| (hop.how.clone(), hop.source.clone()));
                    }
                    Some(_) => {}
                    None if behind.passed.insert(hop.to.clone()) => open.push(hop.to.clone()),
                    None => {}
                }
            }
        }
        behind
    }

    /// Notes that a service does not work without another; a surer source replaces a less sure one.
    pub(super) fn need(&mut self, from: &ServiceId, to: &ServiceId, how: &str, source: Source) {
        if from == to || !self.fragment.inventory.services.contains_key(to) {
            return;
        }
        let Some(found) = self.fragment.inventory.services.get_mut(from) else { return };
        match found.needs.iter_mut().find(|need| need.service == *to) {
            Some(known) if known.source.certainty < source.certainty => {
                known.how = how.to_owned();
                known.source = source;
            }
            Some(_) => {}
            None => {
                let need =
                    FoundNeed { service: to.clone(), kind: NeedKind::Hard, how: how.to_owned(), source };
                found.needs.push(need);
            }
        }
    }

    /// Compute behind a balancer that nobody scales out.
    pub(super) fn lacks_scaling(&mut self) {
        let services = &self.fragment.inventory.services;
        let balancers = services.values().filter(|service| service.role == Role::Balancer);
        let behind: BTreeSet<ServiceId> =
            balancers.flat_map(|balancer| balancer.needs.iter().map(|need| need.service.clone())).collect();
        for id in behind {
            let Some(found) = self.fragment.inventory.services.get(&id) else { continue };
            let machines = found.resource.contains("_instance.") && found.role == Role::Workload;
            if machines && !found.features.contains_key(&Feature::Scaling) {
                let source = found.source.clone();
                self.feature(&id, Feature::Scaling, Presence::Absent(source));
            }
        }
    }

    /// How the balancer or group at an address checks what is behind it.
    pub(super) fn checks_at(&mut self, address: &str, kind: Option<MechanismKind>, source: Source) {
        if let Some(kind) = kind {
            self.checks.insert(address.to_owned(), (kind, source));
        }
    }
}
