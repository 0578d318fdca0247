//! Where users come in, and what lies outside.

use std::collections::BTreeSet;

use dinghai_estate::{Certainty, NeedKind, PublicEntry, Role, ServiceId, Source};

use super::ground::{At, Spot};
use super::index::argument;
use super::survey::{Member, Survey};
use crate::fragment::Want;
use crate::value::Node;

impl<'a> Survey<'a> {
    /// Users reach this service from the internet.
    pub(super) fn entry(&mut self, service: &ServiceId, by: &str, source: Source) {
        let by = format!("internet-facing {by}");
        self.public.entry(service.clone()).or_insert((by, source));
    }

    /// It has an address of its own on the internet; whether anybody is admitted there, security groups say.
    pub(super) fn has_address(&mut self, service: &ServiceId, source: Source) {
        self.addressed.entry(service.clone()).or_insert(source);
    }

    /// What an argument names has an address of its own on the internet.
    pub(super) fn exposed(&mut self, body: &Node, key: &str) {
        let Some(node) = argument(body, key) else { return };
        for (service, _) in self.services(node) {
            self.has_address(&service, Source::declared(node.origin()));
        }
    }

    /// Balancers that face the internet, and machines with an address whose web ports are open to all, are entries.
    pub(super) fn entries(&mut self) {
        let balanced: BTreeSet<ServiceId> = self
            .fragment
            .inventory
            .services
            .values()
            .filter(|service| service.role == Role::Balancer)
            .flat_map(|service| service.needs.iter().map(|need| need.service.clone()))
            .collect();
        for (service, (by, source)) in std::mem::take(&mut self.public) {
            self.push_entry(service, by, source);
        }
        for (service, address) in std::mem::take(&mut self.addressed) {
            let role = self.fragment.inventory.services.get(&service).map(|service| service.role);
            let balancer = role == Some(Role::Balancer);
            let machine = role == Some(Role::Workload) && !balanced.contains(&service);
            if balancer {
                let by = format!("public address of {service}");
                self.push_entry(service, by, address);
            } else if machine && let Some(rule) = self.open_to_world.get(&service) {
                let source = Source { origin: rule.origin.clone(), certainty: Certainty::Derived };
                let by = format!("web ports of {service}, open to every address");
                self.push_entry(service, by, source);
            }
        }
        self.fragment
            .inventory
            .entries
            .sort_by(|left, right| (&left.service, &left.by).cmp(&(&right.service, &right.by)));
    }

    fn push_entry(&mut self, service: ServiceId, by: String, source: Source) {
        if !self.fragment.inventory.entries.iter().any(|entry| entry.service == service) {
            self.fragment.inventory.entries.push(PublicEntry { service, by, source });
        }
    }

    /// One node in every zone that the spots name.
    pub(super) fn one_each(&mut self, member: &Member<'a>, spots: Vec<Spot>) {
        let mut seen = BTreeSet::new();
        for spot in spots {
            let new = match &spot.at {
                At::Zone(place, _) | At::Region(place, _) => seen.insert(place.clone()),
                _ => true,
            };
            if new {
                let source = match &spot.at {
                    At::Zone(_, source) | At::Region(_, source) => source.clone(),
                    _ => Source::declared(member.resource.origin.clone()),
                };
                self.stand(member, &spot, source, false);
            }
        }
    }

    /// One node that the vendor keeps up in its region whatever zone is lost.
    pub(super) fn region_wide(&mut self, member: &Member<'a>) {
        let spot = self.regional(member);
        self.stand(member, &spot, Source::declared(member.resource.origin.clone()), false);
    }

    /// One that is everywhere.
    pub(super) fn world(&mut self, member: &Member<'a>) {
        let spot = Spot { at: At::World, subnet: None };
        self.stand(member, &spot, Source::declared(member.resource.origin.clone()), false);
    }

    /// Needs a host that may be somebody else's.
    pub(super) fn wants_host(&mut self, from: &ServiceId, node: &Node, how: &str) {
        let Some(text) = node.str() else { return };
        let host = text.rsplit_once("://").map_or(text, |(_, rest)| rest);
        let host = host.split(['/', '?']).next().unwrap_or_default();
        // Whatever stands before an `@` is somebody's name and password.
        let host = host.rsplit('@').next().unwrap_or_default();
        if host.contains('.') {
            self.fragment.wants(Want {
                from: from.clone(),
                name: host.to_owned(),
                kind: NeedKind::Hard,
                how: how.to_owned(),
                source: Source::declared(node.origin()),
                outside: true,
            });
        }
    }

    /// Names by which others reach a member's service, as a state knows them.
    pub(super) fn answers_to(&mut self, member: &Member<'a>) {
        const NAMES: &[&str] = &[
            "dns_name",
            "endpoint",
            "reader_endpoint",
            "address",
            "connection_string",
            "connection_domain",
            "private_connection_prefix",
            "configuration_endpoint",
            "configuration_endpoint_address",
            "primary_endpoint_address",
            "reader_endpoint_address",
            "repository_url",
            "bootstrap_brokers",
            "private_dns",
            "private_ip",
            "public_ip",
            "bucket_regional_domain_name",
            "bucket_domain_name",
            "intranet_endpoint",
            "extranet_endpoint",
            "end_point",
        ];
        for key in NAMES {
            let texts = argument(&member.resource.body, key).and_then(Node::str).unwrap_or_default();
            for text in texts.split(',').filter(|text| text.contains('.')) {
                let host = text.rsplit_once("://").map_or(text, |(_, rest)| rest);
                let host = host.split('/').next().unwrap_or_default();
                if !host.contains('@') && host != "0.0.0.0" {
                    self.fragment.known_as(&member.service, host);
                    if let Some((bare, _)) = host.split_once(':') {
                        self.fragment.known_as(&member.service, bare);
                    }
                }
            }
        }
    }
}
