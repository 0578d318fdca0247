//! Names that records give to services.

use std::collections::BTreeSet;

use dinghai_estate::{Certainty, Handling, MechanismKind, Role, ServiceId, Source};

use super::survey::Survey;
use crate::value::Node;

impl Survey<'_> {
    /// A record gives a name to whatever its targets mean.
    pub(super) fn named(
        &mut self,
        targets: &[&Node],
        name: &str,
        private: bool,
        kind: Option<MechanismKind>,
        source: &Source,
    ) -> Handling {
        let mut services: BTreeSet<ServiceId> = BTreeSet::new();
        for node in targets {
            services.extend(self.services(node).into_iter().map(|(service, _)| service));
            services.extend(self.behind_addresses(node));
            let items = if node.items().is_empty() { std::slice::from_ref(*node) } else { node.items() };
            for text in items.iter().filter_map(Node::str) {
                let host = text.trim_end_matches('.').to_lowercase();
                services.extend(self.fragment.names.get(&host).into_iter().flatten().cloned());
            }
        }
        let name = name.trim_end_matches('.');
        for service in &services {
            if name.contains('.') {
                self.fragment.known_as(service, name);
            }
            if let Some(kind) = &kind {
                self.mechanism(service, None, kind.clone(), source.clone());
            }
            let front = self.fragment.inventory.services.get(service).map(|service| service.role);
            let front = matches!(front, Some(Role::Balancer | Role::Workload));
            let known = self.public.contains_key(service);
            if !private && !known && front && self.addressed.contains_key(service) {
                let source = Source { origin: source.origin.clone(), certainty: Certainty::Derived };
                let by =
                    if name.is_empty() { "a public DNS name".to_owned() } else { format!("DNS name {name}") };
                self.public.insert(service.clone(), (by, source));
            }
        }
        if services.is_empty() { Handling::Unknown } else { Handling::Reasoned }
    }

    /// Services that an address of its own, such as an elastic IP, belongs to.
    fn behind_addresses(&self, node: &Node) -> BTreeSet<ServiceId> {
        let addresses = ["aws_eip", "alicloud_eip", "alicloud_eip_address"];
        let meant = self.index.meant(node).into_iter();
        let meant = meant.filter(|resource| addresses.contains(&resource.kind.as_str()));
        let mut found = BTreeSet::new();
        for resource in meant {
            let machine = super::index::argument(&resource.body, "instance");
            found.extend(
                machine.map(|node| self.services(node)).unwrap_or_default().into_iter().map(|(id, _)| id),
            );
            let hops = self.hops.get(&resource.address).into_iter().flatten();
            found.extend(hops.filter_map(|hop| self.service_at(&hop.to)).cloned());
        }
        found
    }
}
