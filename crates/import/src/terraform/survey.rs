//! The survey of one root: what every kind of resource adds to, and asks.
//!
//! Kinds of resource stand in tables ([`Kind`] for what runs, [`Tie`] for what connects it). A row says what a resource is for
//! and which few lines of code read it; everything that does not differ from kind to kind is done once, here and in the
//! modules beside: names, regions, release protection, security groups, ways out, coverage.

use std::collections::{BTreeMap, BTreeSet};

use dinghai_estate::{
    Feature, FoundInstance, FoundService, Handling, InstanceId, Mechanism, MechanismKind, Origin, PlaceId,
    PlaceKind, Presence, Role, ServiceId, Source, Unknown, UnknownKind,
};

use super::Resource;
use super::ground::{At, Ground, Look, Spot};
use super::index::Index;
use super::zones::Cloud;
use crate::fragment::Fragment;
use crate::value::Node;

/// A kind of resource that runs, or keeps something: it becomes a service.
pub(super) struct Kind {
    pub(super) name: &'static str,
    pub(super) role: Role,
    /// Arguments that name the resource of which this one is a part, such as the cluster of a node, with that one's kind.
    pub(super) joins: &'static [(&'static str, &'static str)],
    pub(super) make: for<'a> fn(&mut Survey<'a>, &Member<'a>),
}

/// A kind of resource that connects others, or says something about them.
pub(super) struct Tie {
    pub(super) name: &'static str,
    pub(super) tie: for<'a> fn(&mut Survey<'a>, &'a Resource) -> Handling,
}

/// It takes part by what others read of it, and says nothing by itself.
pub(super) fn reasoned<'a>(_: &mut Survey<'a>, _: &'a Resource) -> Handling {
    Handling::Reasoned
}

/// A resource as a part of a service.
#[derive(Clone, Debug)]
pub(super) struct Member<'a> {
    pub(super) service: ServiceId,
    pub(super) cloud: Cloud,
    pub(super) resource: &'a Resource,
    /// The address that declares its service, all copies together.
    pub(super) declared: &'a str,
    /// Whether it is a part of a service that another resource declares.
    pub(super) joined: bool,
}

/// One step from a balancer to what it leads to, or from an alarm to whom it tells.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hop {
    pub(super) to: String,
    pub(super) how: String,
    pub(super) source: Source,
}

/// Everything that is found out.
pub(super) struct Survey<'a> {
    pub(super) index: Index<'a>,
    pub(super) ground: Ground,
    pub(super) fragment: Fragment,
    pub(super) members: BTreeMap<&'a str, Member<'a>>,
    /// What a service runs, besides its own resources: launch templates, task definitions.
    pub(super) runs: BTreeMap<ServiceId, Vec<&'a Resource>>,
    /// From an address to the next ones.
    pub(super) hops: BTreeMap<String, BTreeSet<Hop>>,
    /// How target groups and listeners check what is behind them, by their address.
    pub(super) checks: BTreeMap<String, (MechanismKind, Source)>,
    /// By which places the traffic of a subnet leaves, by the subnet's address.
    pub(super) ways_out: BTreeMap<String, BTreeMap<PlaceId, Source>>,
    /// How many instances have the same name but for their number.
    pub(super) numbers: BTreeMap<String, u32>,
    /// The subnet by which an instance is where it is.
    pub(super) subnet_of: BTreeMap<InstanceId, String>,
    /// Services whose web ports every address may reach, with the rule.
    pub(super) open_to_world: BTreeMap<ServiceId, Source>,
    /// Balancers that the internet reaches, with the line that says so.
    pub(super) public: BTreeMap<ServiceId, (String, Source)>,
    /// Services with an address of their own on the internet.
    pub(super) addressed: BTreeMap<ServiceId, Source>,
}

impl<'a> Survey<'a> {
    /// The service that a resource is part of.
    pub(super) fn service_at(&self, address: &str) -> Option<&ServiceId> {
        self.members.get(address).map(|member| &member.service)
    }

    /// The services that a node means, with the attribute by which.
    pub(super) fn services(&self, node: &Node) -> Vec<(ServiceId, &'a Resource)> {
        let meant = self.index.meant(node).into_iter();
        let mut found: Vec<(ServiceId, &'a Resource)> =
            meant.filter_map(|meant| Some((self.service_at(&meant.address)?.clone(), meant))).collect();
        found.dedup_by(|left, right| left.0 == right.0);
        found
    }

    /// The spots that a node names.
    pub(super) fn spots(&mut self, cloud: Cloud, node: &Node) -> Vec<Spot> {
        self.look().spots(cloud, node)
    }

    /// Where a resource stands by its own zone or subnet.
    pub(super) fn seat(&mut self, cloud: Cloud, body: &Node) -> Option<Spot> {
        self.look().seat(cloud, body)
    }

    fn look(&mut self) -> Look<'_, 'a> {
        Look { index: &self.index, ground: &self.ground, fragment: &mut self.fragment }
    }

    /// Its region, for what the vendor keeps up through the loss of a zone.
    pub(super) fn regional(&mut self, member: &Member<'a>) -> Spot {
        let resource = member.resource;
        let at = match self.ground.region(&mut self.fragment, member.cloud, &resource.address) {
            Some((place, source)) => At::Region(
                place,
                Source::derived(if source.origin.line > 0 { resource.origin.clone() } else { source.origin }),
            ),
            None => At::Unknown(no_region(&resource.origin)),
        };
        Spot { at, subnet: None }
    }

    /// A spot in one zone of its region of which nobody can tell which.
    pub(super) fn somewhere(&self, origin: &Origin, why: &str, kind: UnknownKind) -> Spot {
        Spot { at: At::Unknown(Unknown { why: why.to_owned(), kind, origin: origin.clone() }), subnet: None }
    }

    /// The service of a member.
    pub(super) fn found(&mut self, member: &Member<'a>) -> &mut FoundService {
        let source = Source::declared(member.resource.origin.clone());
        let resource = member.declared.to_owned();
        self.fragment.service(&member.service, || FoundService::new(Role::Workload, resource, source))
    }

    /// Adds an instance of the member's service.
    pub(super) fn stand(&mut self, member: &Member<'a>, spot: &Spot, source: Source, spare: bool) {
        let region = self.ground.region(&mut self.fragment, member.cloud, &member.resource.address);
        let before = self.found(member).instances.len();
        let place = match &spot.at {
            At::Zone(place, _) | At::Region(place, _) => place.as_str(),
            At::World => "world",
            At::Unknown(_) => "",
        };
        let plain = match place.is_empty() {
            true => format!("{}.{}", member.service, before + 1),
            false => format!("{}@{place}", member.service),
        };
        let number = self.numbers.entry(plain.clone()).or_insert(0);
        *number += 1;
        let id = if *number == 1 { plain } else { format!("{plain}.{number}") };
        let mut instance = FoundInstance::new(InstanceId::new(id), source);
        instance.spare = spare;
        match &spot.at {
            At::Zone(place, source) | At::Region(place, source) => {
                instance.at.insert(place.clone(), source.clone());
            }
            At::World => {}
            At::Unknown(unknown) => {
                let kind = if unknown.why == NO_REGION { PlaceKind::Region } else { PlaceKind::Zone };
                instance.unknown.insert(kind, unknown.clone());
                instance.at.extend(region.filter(|_| kind == PlaceKind::Zone));
            }
        }
        let known = instance.id.clone();
        self.found(member).instances.push(instance);
        if let Some(subnet) = &spot.subnet {
            self.subnet_of.insert(known, subnet.clone());
        }
    }

    /// Notes a protection; of several resources of one service the worst counts.
    pub(super) fn feature(&mut self, service: &ServiceId, feature: Feature, presence: Presence) {
        let Some(found) = self.fragment.inventory.services.get_mut(service) else { return };
        let badness = |presence: &Presence| match presence {
            Presence::Present(_) => 0,
            Presence::Unknown(_) => 1,
            Presence::Absent(_) => 2,
        };
        match found.features.get(&feature) {
            Some(known) if badness(known) >= badness(&presence) => {}
            _ => {
                found.features.insert(feature, presence);
            }
        }
    }

    /// Notes a protection that counts whatever was noted before: a backup plan for what has no backup of its own.
    pub(super) fn feature_after_all(&mut self, service: &ServiceId, feature: Feature, presence: Presence) {
        if let Some(found) = self.fragment.inventory.services.get_mut(service) {
            found.features.insert(feature, presence);
        }
    }

    /// Whether it is there, from a truth value.
    pub(super) fn flag(node: Option<&Node>, otherwise: bool, origin: &Origin) -> Presence {
        let Some(node) = node else {
            let source = Source::derived(origin.clone());
            return if otherwise { Presence::Present(source) } else { Presence::Absent(source) };
        };
        match (node.truth(), node.unknown()) {
            (Some(true), _) => Presence::Present(Source::declared(node.origin())),
            (Some(false), _) => Presence::Absent(Source::declared(node.origin())),
            (None, why) => Presence::Unknown(Unknown {
                why: why.unwrap_or("it is known only when it is applied").to_owned(),
                kind: UnknownKind::Unresolved,
                origin: node.origin(),
            }),
        }
    }

    /// One step further on the way from a balancer.
    pub(super) fn hop(&mut self, from: &str, to: &str, how: &str, source: Source) {
        let hop = Hop { to: to.to_owned(), how: how.to_owned(), source };
        self.hops.entry(from.to_owned()).or_default().insert(hop);
    }

    /// A hop to everything that a node means; whether there is any.
    pub(super) fn hops_to(&mut self, from: &str, node: &Node, how: &str) -> bool {
        let meant: Vec<&str> =
            self.index.meant(node).into_iter().map(|meant| meant.address.as_str()).collect();
        for to in &meant {
            self.hop(from, to, how, Source::declared(node.origin()));
        }
        !meant.is_empty()
    }

    /// Notes what mends a service.
    pub(super) fn mechanism(
        &mut self,
        service: &ServiceId,
        by: Option<ServiceId>,
        kind: MechanismKind,
        source: Source,
    ) {
        let mechanism = Mechanism { service: service.clone(), by, kind, source };
        if !self.fragment.inventory.mechanisms.contains(&mechanism) {
            self.fragment.inventory.mechanisms.push(mechanism);
        }
    }

    /// Not all of its instances are known.
    pub(super) fn open(&mut self, member: &Member<'a>, unknown: Unknown) {
        self.found(member).open.get_or_insert(unknown);
    }
}

/// Why the region of a resource is unknown.
const NO_REGION: &str = "no provider here states its region";

fn no_region(origin: &Origin) -> Unknown {
    Unknown { why: NO_REGION.to_owned(), kind: UnknownKind::Outside, origin: origin.clone() }
}
