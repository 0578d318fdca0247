//! From resources to facts.
//!
//! The order matters in a few spots only: places before what stands there, everything that runs before what connects it, and
//! what is concluded from all of that last. Within a step, resources come in the order of their addresses, so
//! that the order of the files changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use dinghai_estate::{Act, Handling, RecoveryStep, Role, ServiceId, Source, Unknown, UnknownKind};

use super::ground::{Ground, RegionOf};
use super::index::Index;
use super::survey::{Kind, Member, Survey, Tie};
use super::{Resource, alicloud, aws, naming, protection, quiet};
use crate::fragment::Fragment;

/// The facts of one root. `region_of` tells the region of the provider that a resource uses, where a file states it.
pub(crate) fn facts(name: &str, resources: &[Resource], region_of: RegionOf<'_>) -> Fragment {
    let kinds: BTreeMap<&'static str, &'static Kind> =
        aws::kinds().chain(alicloud::kinds()).map(|kind| (kind.name, kind)).collect();
    let ties: BTreeMap<&'static str, &'static Tie> =
        aws::ties().chain(alicloud::ties()).map(|tie| (tie.name, tie)).collect();
    let index = Index::new(resources);
    let ground = Ground::learn(&index, region_of);
    let members = naming::members(&index, &kinds);
    let mut survey = Survey {
        index,
        ground,
        fragment: Fragment::new(name, "terraform"),
        members,
        runs: BTreeMap::new(),
        hops: BTreeMap::new(),
        checks: BTreeMap::new(),
        ways_out: BTreeMap::new(),
        numbers: BTreeMap::new(),
        subnet_of: BTreeMap::new(),
        open_to_world: BTreeMap::new(),
        public: BTreeMap::new(),
        addressed: BTreeMap::new(),
    };
    survey.find_ways_out();
    survey.make(&kinds);
    survey.connect(&ties, &kinds);
    survey.lead();
    survey.mentions();
    survey.reach();
    survey.lacks_scaling();
    survey.take_ways_out();
    survey.entries();
    survey.ways_in();
    survey.fragment
}

impl<'a> Survey<'a> {
    /// Everything that runs.
    fn make(&mut self, kinds: &BTreeMap<&'static str, &'static Kind>) {
        // A service is declared by its own resource; those that only join it come later.
        let mut members: Vec<Member<'a>> = self.members.values().cloned().collect();
        members.sort_by_key(|member| member.joined);
        let mut settled: BTreeSet<&str> = BTreeSet::new();
        for member in &members {
            let Some(kind) = kinds.get(member.resource.kind.as_str()) else { continue };
            let known = self.fragment.inventory.services.get(&member.service);
            let before = known.map_or(0, |service| service.instances.len());
            if known.is_none() {
                let role = role(kind.role, &member.service);
                self.found(member).role = role;
            }
            (kind.make)(self, member);
            protection::look(self, member);
            self.answers_to(member);
            if let Some(why) = &member.resource.repeats {
                let unknown = Unknown {
                    why: why.clone(),
                    kind: UnknownKind::Unresolved,
                    origin: member.resource.origin.clone(),
                };
                self.open(member, unknown);
            }
            if member.resource.data {
                self.looked_up(member);
            }
            let handling = self.became(member, before);
            self.fragment.count(&member.resource.kind, handling);
            settled.insert(&member.resource.address);
        }
    }

    /// What is only looked up is somebody else's; how many of it there are, its own files say.
    fn looked_up(&mut self, member: &Member<'a>) {
        let open = Unknown {
            why: format!("`{}` is only looked up here", member.resource.address),
            kind: UnknownKind::Outside,
            origin: member.resource.origin.clone(),
        };
        let service = self.found(member);
        let placed =
            service.instances.iter().any(|instance| !instance.at.is_empty() && instance.unknown.is_empty());
        if !placed {
            service.instances.clear();
            service.open.get_or_insert(open);
        }
    }

    /// What became of a member, by the instances that it has added.
    fn became(&self, member: &Member<'a>, before: usize) -> Handling {
        let Some(service) = self.fragment.inventory.services.get(&member.service) else {
            return Handling::Unknown;
        };
        let new = service.instances.get(before..).unwrap_or_default();
        let unknown = new.iter().any(|instance| !instance.unknown.is_empty());
        match (new.is_empty(), unknown || (!member.joined && service.open.is_some())) {
            (_, true) => Handling::Unknown,
            // A cluster whose nodes are resources of their own.
            (true, false) => Handling::Reasoned,
            (false, false) if new.iter().all(|instance| instance.at.is_empty()) => Handling::Reasoned,
            (false, false) => Handling::Placed,
        }
    }

    /// Everything else: what connects, what is left alone, and what is not known here.
    fn connect(
        &mut self,
        ties: &BTreeMap<&'static str, &'static Tie>,
        kinds: &BTreeMap<&'static str, &'static Kind>,
    ) {
        let mut rest: Vec<&'a Resource> =
            self.index.all().filter(|resource| !kinds.contains_key(resource.kind.as_str())).collect();
        // Records name what has an address, and whether it has one, others say.
        rest.sort_by_key(|resource| resource.kind.ends_with("_record"));
        let mut strange: BTreeMap<&str, &Resource> = BTreeMap::new();
        let mut others: BTreeMap<&str, (&Resource, u32)> = BTreeMap::new();
        for resource in rest {
            let kind = resource.kind.as_str();
            // Gateways were counted where they became places.
            if matches!(kind, "aws_nat_gateway" | "alicloud_nat_gateway") {
                continue;
            }
            let handling = match ties.get(kind) {
                Some(tie) if !resource.data || subnet(kind) => (tie.tie)(self, resource),
                Some(_) => Handling::Reasoned,
                None if quiet::foreign(kind) => {
                    let provider = kind.split('_').next().unwrap_or(kind);
                    others.entry(provider).or_insert((resource, 0)).1 += 1;
                    Handling::Unknown
                }
                None if !resource.data && quiet::seems_to_run(kind) => {
                    strange.entry(kind).or_insert(resource);
                    Handling::Unknown
                }
                None => Handling::Ignored,
            };
            self.fragment.count(kind, handling);
        }
        for (kind, resource) in strange {
            let what = format!("`{kind}` is not a kind that is known here; what it runs is left out");
            self.fragment.unseen(resource.origin.clone(), what);
        }
        for (provider, (resource, count)) in others {
            let what = format!("resources of the provider `{provider}` are not read yet; {count} left out");
            self.fragment.unseen(resource.origin.clone(), what);
        }
    }

    /// How operators get in.
    fn ways_in(&mut self) {
        let services = self.fragment.inventory.services.iter();
        let bastions: Vec<(ServiceId, String, Source)> = services
            .filter(|(_, service)| service.role == Role::Access)
            .map(|(id, service)| (id.clone(), service.resource.clone(), service.source.clone()))
            .collect();
        for (id, resource, source) in bastions {
            self.step(RecoveryStep {
                act: Act::LogIn,
                service: None,
                needs: Some(id),
                place: None,
                how: format!("operators get in by {resource}"),
                source: Source::inferred(source.origin),
            });
        }
    }
}

/// Subnets that are only looked up matter as much as those that are made.
fn subnet(kind: &str) -> bool {
    matches!(kind, "aws_subnet" | "alicloud_vswitch")
}

/// A machine by whose name operators get in is no workload.
fn role(role: Role, service: &ServiceId) -> Role {
    const IN: &[&str] = &["bastion", "jump", "jumpbox", "jumphost", "vpn", "openvpn", "wireguard"];
    let named = service.as_str().split('-').any(|word| IN.contains(&word));
    if role == Role::Workload && named { Role::Access } else { role }
}
