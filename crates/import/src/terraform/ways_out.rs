//! By which NAT gateway the machines of a subnet reach what lies outside.
//!
//! A NAT gateway stands in one zone. When the subnets of other zones leave by it too, their machines lose the world with that
//! zone: no image, no package, no partner's API. So the gateway is a place, a network inside its zone, and every machine
//! that leaves by it is there too. Whether a machine needs the world to serve no file says outright; the fact is
//! marked as inferred, and becomes a step of recovery for whatever is scaled out.

use std::collections::{BTreeMap, BTreeSet};

use dinghai_estate::{
    Act, Certainty, Handling, InstanceId, PlaceId, PlaceKind, RecoveryStep, Role, ServiceId, Source,
};

use super::Resource;
use super::ground::At;
use super::index::{argument, base, blocks};
use super::survey::Survey;
use super::zones::Cloud;
use crate::value::Node;

/// Kinds of NAT gateway.
const GATEWAYS: &[&str] = &["aws_nat_gateway", "alicloud_nat_gateway"];
/// Arguments of a route that lead to a gateway or a machine which forwards.
const TARGETS: &[&str] = &["nat_gateway_id", "network_interface_id", "instance_id", "nexthop_id"];

type Ways = BTreeMap<PlaceId, Source>;

impl Survey<'_> {
    /// Finds the ways out of all subnets; what became of each gateway is counted here.
    pub(super) fn find_ways_out(&mut self) {
        let gateways = self.gateways();
        let tables = self.tables(&gateways);
        self.by_association(&tables);
        self.by_snat(&gateways);
    }

    /// The gateways as places, by their address.
    fn gateways(&mut self) -> BTreeMap<String, PlaceId> {
        let all: Vec<&Resource> =
            self.index.all().filter(|resource| GATEWAYS.contains(&resource.kind.as_str())).collect();
        let mut found = BTreeMap::new();
        for resource in all {
            let Some(cloud) = Cloud::of_kind(&resource.kind) else { continue };
            let spot = self.seat(cloud, &resource.body);
            let source = Source::declared(resource.origin.clone());
            let place = self.gateway_place(resource, &found.values().cloned().collect());
            let known = self.fragment.place(&place, PlaceKind::Network, &source);
            known.vendor = Some(cloud.vendor().to_owned());
            let handling = match spot.map(|spot| spot.at) {
                Some(At::Zone(zone, line)) => {
                    known.within.insert(zone, line);
                    Handling::Placed
                }
                _ => {
                    let region = self.ground.region(&mut self.fragment, cloud, &resource.address);
                    let known = self.fragment.place(&place, PlaceKind::Network, &source);
                    known.within.extend(region);
                    // One that the vendor runs in every zone of the region.
                    let regional =
                        argument(&resource.body, "availability_mode").and_then(Node::str) == Some("regional");
                    if regional { Handling::Placed } else { Handling::Unknown }
                }
            };
            self.fragment.count(&resource.kind, handling);
            found.insert(resource.address.clone(), place);
        }
        found
    }

    fn gateway_place(&self, resource: &Resource, taken: &BTreeSet<PlaceId>) -> PlaceId {
        let label = resource.address.rsplit('.').next().unwrap_or(&resource.address);
        let plain = base(label);
        let copy = label.strip_prefix(plain).unwrap_or_default().replace('"', "");
        let name = plain.replace('_', "-");
        let name = if name.contains("nat") { name } else { format!("nat-{name}") };
        let id = PlaceId::new(format!("{name}{copy}"));
        let free = !taken.contains(&id) && !self.fragment.inventory.places.contains_key(&id);
        if free { id } else { PlaceId::new(resource.address.as_str()) }
    }

    /// The ways out of every route table, by its address.
    fn tables(&self, gateways: &BTreeMap<String, PlaceId>) -> BTreeMap<String, Ways> {
        let mut tables: BTreeMap<String, Ways> = BTreeMap::new();
        let everything = |route: &Node| {
            let to = ["cidr_block", "destination_cidr_block", "destination_cidrblock"];
            to.iter().filter_map(|key| argument(route, key)).any(|node| node.str() == Some("0.0.0.0/0"))
        };
        let mut routes: Vec<(String, &Node)> = Vec::new();
        for resource in self.index.all() {
            match resource.kind.as_str() {
                "aws_route_table" | "aws_default_route_table" => {
                    routes.extend(
                        blocks(&resource.body, "route")
                            .into_iter()
                            .map(|route| (resource.address.clone(), route)),
                    );
                }
                "aws_route" | "alicloud_route_entry" => {
                    let tables =
                        argument(&resource.body, "route_table_id").map(|node| self.index.meant(node));
                    let tables = tables.unwrap_or_default().into_iter();
                    routes.extend(tables.map(|table| (table.address.clone(), &resource.body)));
                }
                _ => {}
            }
        }
        for (table, route) in routes.into_iter().filter(|(_, route)| everything(route)) {
            for node in TARGETS.iter().filter_map(|key| argument(route, key)) {
                let ways =
                    self.index.meant(node).into_iter().filter_map(|meant| gateways.get(&meant.address));
                let ways: Ways = ways.map(|place| (place.clone(), Source::derived(node.origin()))).collect();
                // Several: the files tell only that it is one of them.
                if ways.len() == 1 {
                    tables.entry(table.clone()).or_default().extend(ways);
                }
            }
        }
        tables
    }

    fn by_association(&mut self, tables: &BTreeMap<String, Ways>) {
        let kinds = ["aws_route_table_association", "alicloud_route_table_attachment"];
        for resource in self.index.all().filter(|resource| kinds.contains(&resource.kind.as_str())) {
            let of = |key: &str| {
                argument(&resource.body, key).map(|node| self.index.meant(node)).unwrap_or_default()
            };
            let subnets = of("subnet_id").into_iter().chain(of("vswitch_id"));
            let ways = of("route_table_id").into_iter().filter_map(|table| tables.get(&table.address));
            let ways: Vec<&Ways> = ways.collect();
            // The line that attaches the table is the one to change; the route is as good for other subnets.
            let line = argument(&resource.body, "route_table_id").map(Node::origin);
            if let ([ways], Some(line)) = (ways.as_slice(), line) {
                for subnet in subnets {
                    let known = self.ways_out.entry(subnet.address.clone()).or_default();
                    known.extend(ways.keys().map(|place| (place.clone(), Source::derived(line.clone()))));
                }
            }
        }
    }

    /// alicloud: a SNAT entry says for which vswitch, or which range of addresses, a gateway is the way out.
    fn by_snat(&mut self, gateways: &BTreeMap<String, PlaceId>) {
        let vswitches: Vec<&Resource> = self.index.of("alicloud_vswitch").collect();
        for entry in self.index.of("alicloud_snat_entry") {
            let Some(table) = argument(&entry.body, "snat_table_id") else { continue };
            let ways: Vec<&PlaceId> = self
                .index
                .meant(table)
                .into_iter()
                .filter_map(|meant| gateways.get(&meant.address))
                .collect();
            let [place] = ways.as_slice() else { continue };
            let by_id = argument(&entry.body, "source_vswitch_id");
            let by_range = argument(&entry.body, "source_cidr");
            let mut subnets: Vec<(String, Source)> = Vec::new();
            if let Some(node) = by_id {
                let meant = self.index.meant(node).into_iter();
                subnets.extend(meant.map(|meant| (meant.address.clone(), Source::derived(node.origin()))));
            }
            if let Some((node, range)) = by_range.and_then(|node| Some((node, Range::of(node.str()?)?))) {
                let inside = vswitches.iter().filter(|vswitch| {
                    let block = argument(&vswitch.body, "cidr_block").and_then(Node::str).and_then(Range::of);
                    block.is_some_and(|block| range.holds(&block))
                });
                subnets
                    .extend(inside.map(|vswitch| (vswitch.address.clone(), Source::derived(node.origin()))));
            }
            for (subnet, source) in subnets {
                self.ways_out.entry(subnet).or_default().insert((*place).clone(), source);
            }
        }
    }

    /// Puts machines at the gateways by which they leave.
    pub(super) fn take_ways_out(&mut self) {
        let mut steps: Vec<(ServiceId, PlaceId, Source)> = Vec::new();
        for (id, service) in &mut self.fragment.inventory.services {
            if service.role != Role::Workload {
                continue;
            }
            for instance in &mut service.instances {
                let subnet: Option<&String> = self.subnet_of.get::<InstanceId>(&instance.id);
                for (place, line) in subnet.and_then(|subnet| self.ways_out.get(subnet)).into_iter().flatten()
                {
                    let source = Source { origin: line.origin.clone(), certainty: Certainty::Inferred };
                    instance.at.insert(place.clone(), source);
                    if service.scaling.is_some() || service.resource.contains("aws_ecs_service.") {
                        steps.push((id.clone(), place.clone(), line.clone()));
                    }
                }
            }
        }
        for (service, place, source) in steps {
            let how = format!("a new copy fetches what it runs by way of {place}");
            let (service, place) = (Some(service), Some(place));
            self.step(RecoveryStep { act: Act::ScaleOut, service, needs: None, place, how, source });
        }
    }
}

/// A range of IPv4 addresses.
struct Range {
    first: u32,
    bits: u32,
}

impl Range {
    fn of(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/')?;
        let address: std::net::Ipv4Addr = address.parse().ok()?;
        let bits: u32 = bits.parse().ok().filter(|bits| *bits <= 32)?;
        Some(Self { first: u32::from(address), bits })
    }

    fn holds(&self, other: &Self) -> bool {
        let mask = u32::MAX.checked_shl(32 - self.bits).unwrap_or(0);
        self.bits <= other.bits && (self.first & mask) == (other.first & mask)
    }
}

#[cfg(test)]
mod tests {
    use super::Range;

    #[test]
    fn a_range_holds_the_ranges_inside() {
        let holds = |outer: &str, inner: &str| Range::of(outer).unwrap().holds(&Range::of(inner).unwrap());
        assert!(holds("10.0.0.0/8", "10.1.2.0/24"));
        assert!(holds("0.0.0.0/0", "10.1.2.0/24"));
        assert!(!holds("10.1.0.0/16", "10.2.0.0/24"));
        assert!(!holds("10.1.0.0/24", "10.1.0.0/16"));
        assert!(Range::of("10.1.0.0/99").is_none());
    }
}
