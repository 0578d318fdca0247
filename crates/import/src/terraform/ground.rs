//! Where things stand: from a zone's name, a subnet, or a list of zones that only the vendor knows.
//!
//! A `.tf` file often takes its zones from a data source: `data.aws_availability_zones.all.names[0]`. Nobody can tell the zone's
//! name then, but two different indices of one list are two different zones, and equal ones are the same. Such zones
//! get symbolic places, `us-east-1 zone #0`. That holds within one list only: the first zone of a list filtered in another way may
//! be any, so everything from a second list stays unknown, and so does the list itself where zones are named beside it.

use std::collections::{BTreeMap, BTreeSet};

use dinghai_estate::{Origin, PlaceId, PlaceKind, Source, Unknown, UnknownKind};

use super::Resource;
use super::index::{Index, argument};
use super::lists::{inside, list_shape, most_used_list};
use super::zones::{Cloud, region_of, single_zones};
use crate::fragment::Fragment;
use crate::value::{Node, Value};

/// Subnets inside each other's references, at most; guards against circles.
const DEEPEST: usize = 8;
/// Arguments that name a zone, the surest first.
const ZONE: &[&str] = &["availability_zone", "zone_id", "availability_zone_id", "zone"];
/// Arguments that name a subnet.
const SUBNET: &[&str] = &["subnet_id", "vswitch_id"];

/// Where one copy of something stands.
#[derive(Clone, Debug)]
pub(super) struct Spot {
    pub(super) at: At,
    /// The subnet by which it is there.
    pub(super) subnet: Option<String>,
}

/// How much is known of that.
#[derive(Clone, Debug)]
pub(super) enum At {
    /// In this zone.
    Zone(PlaceId, Source),
    /// Somewhere in this region, and the vendor sees to it that no single zone matters.
    Region(PlaceId, Source),
    /// Nowhere in particular: all over the world.
    World,
    /// In a zone of which nobody can tell which.
    Unknown(Unknown),
}

/// The region that a resource is in, and the line that says so.
pub(super) type RegionOf<'r> = &'r dyn Fn(&Resource) -> Option<(String, Origin)>;

/// What is known of regions and lists of zones.
#[derive(Default)]
pub(super) struct Ground {
    /// By address, as the resource's own provider says.
    stated: BTreeMap<String, (String, Source)>,
    /// Of each cloud, where there is only one.
    only: BTreeMap<Cloud, (String, Source)>,
    /// The one list of each cloud whose zones are told apart by index.
    lists: BTreeMap<Cloud, String>,
    /// Clouds of which zones are named as well; any of them may be one of a list.
    named: BTreeSet<Cloud>,
}

impl Ground {
    /// From the providers' regions, or where none is stated, from all the zones that are named.
    pub(super) fn learn(index: &Index<'_>, region_of: RegionOf<'_>) -> Self {
        let mut ground = Self::default();
        for cloud in [Cloud::Aws, Cloud::Alicloud] {
            let mut found: BTreeMap<String, Source> = BTreeMap::new();
            for resource in index.all().filter(|resource| Cloud::of_kind(&resource.kind) == Some(cloud)) {
                let own =
                    argument(&resource.body, "region").and_then(|node| Some((node.str()?, node.origin())));
                let own =
                    own.map(|(region, origin)| (region.to_owned(), origin)).or_else(|| region_of(resource));
                if let Some((region, origin)) = own {
                    let source = Source::declared(origin);
                    found.entry(region.clone()).or_insert_with(|| source.clone());
                    ground.stated.insert(resource.address.clone(), (region, source));
                }
                if named_regions(cloud, resource, &mut found) && !resource.data {
                    ground.named.insert(cloud);
                }
            }
            // Several regions: which of them a resource without a zone is in, nobody says.
            if let (1, Some(only)) = (found.len(), found.into_iter().next()) {
                ground.only.insert(cloud, only);
            }
            if let Some(list) = most_used_list(index, cloud) {
                ground.lists.insert(cloud, list);
            }
        }
        ground
    }

    /// The region that a resource is in, as a place.
    pub(super) fn region(
        &self,
        fragment: &mut Fragment,
        cloud: Cloud,
        address: &str,
    ) -> Option<(PlaceId, Source)> {
        let (name, source) = self.stated.get(address).or_else(|| self.only.get(&cloud))?;
        Some((region(fragment, cloud, name, source), Source::derived(source.origin.clone())))
    }
}

/// Notes the regions that a resource names; whether it names a zone.
fn named_regions(cloud: Cloud, resource: &Resource, found: &mut BTreeMap<String, Source>) -> bool {
    let mut zone = false;
    for (key, node) in resource.body.entries() {
        let items = if node.items().is_empty() { std::slice::from_ref(node) } else { node.items() };
        for text in items.iter().filter_map(Node::str) {
            let region = match key.text.as_str() {
                "arn" => text.split(':').nth(3).map(str::to_owned),
                "region" => Some(text.to_owned()),
                key if key.contains("zone") => {
                    let region = region_of(cloud, single_zones(text).first().map_or("", |zone| zone));
                    zone |= region.is_some();
                    region
                }
                _ => None,
            };
            if let Some(region) = region.filter(|region| !region.is_empty()) {
                found.entry(region).or_insert_with(|| Source::derived(node.origin()));
            }
        }
    }
    zone
}

fn region(fragment: &mut Fragment, cloud: Cloud, name: &str, source: &Source) -> PlaceId {
    let taken = fragment.inventory.places.get(&PlaceId::new(name));
    // Two vendors use the same names: `us-east-1` is a region of both.
    let id = match taken
        .is_some_and(|place| place.vendor.as_deref().is_some_and(|vendor| vendor != cloud.vendor()))
    {
        true => PlaceId::new(format!("{} {name}", cloud.vendor())),
        false => PlaceId::new(name),
    };
    fragment.place(&id, PlaceKind::Region, source).vendor = Some(cloud.vendor().to_owned());
    id
}

/// The place of a zone, inside its region.
fn zone(fragment: &mut Fragment, cloud: Cloud, name: &str, region_name: &str, source: &Source) -> PlaceId {
    let outer = region(fragment, cloud, region_name, source);
    let id = match outer.as_str() == region_name {
        true => PlaceId::new(name),
        false => PlaceId::new(format!("{} {name}", cloud.vendor())),
    };
    let place = fragment.place(&id, PlaceKind::Zone, source);
    place.vendor = Some(cloud.vendor().to_owned());
    // Not read from a line but from the zone's own name.
    place.within.entry(outer).or_insert_with(|| Source::derived(source.origin.clone()));
    id
}

/// Reads where things stand.
pub(super) struct Look<'s, 'a> {
    pub(super) index: &'s Index<'a>,
    pub(super) ground: &'s Ground,
    pub(super) fragment: &'s mut Fragment,
}

impl Look<'_, '_> {
    /// The spots that a node names: zones, subnets, lists of them.
    pub(super) fn spots(&mut self, cloud: Cloud, node: &Node) -> Vec<Spot> {
        self.spots_within(cloud, node, 0)
    }

    /// Where a resource stands by its own zone or subnet; none when it says neither.
    pub(super) fn seat(&mut self, cloud: Cloud, body: &Node) -> Option<Spot> {
        self.seat_within(cloud, body, 0)
    }

    fn seat_within(&mut self, cloud: Cloud, body: &Node, depth: usize) -> Option<Spot> {
        let zone = ZONE.iter().find_map(|key| argument(body, key));
        let subnet = SUBNET.iter().find_map(|key| argument(body, key));
        let by_subnet = subnet.and_then(|node| self.one_spot(cloud, node, depth + 1));
        let by_zone = zone.and_then(|node| self.one_spot(cloud, node, depth + 1));
        match (by_zone, by_subnet) {
            (Some(zone), Some(subnet)) => {
                let at = if matches!(zone.at, At::Zone(..)) { zone.at } else { subnet.at };
                Some(Spot { at, subnet: subnet.subnet })
            }
            (Some(spot), None) | (None, Some(spot)) => Some(spot),
            (None, None) => None,
        }
    }

    /// The spot that a node names. A plan tells for `subnets[count.index]` only that it is one of them.
    fn one_spot(&mut self, cloud: Cloud, node: &Node, depth: usize) -> Option<Spot> {
        let spots = self.spots_within(cloud, node, depth);
        let first = spots.first().cloned()?;
        let zone = |spot: &Spot| match &spot.at {
            At::Zone(place, _) => Some(place.clone()),
            _ => None,
        };
        match spots.iter().all(|spot| zone(spot) == zone(&first)) {
            true => Some(first),
            false => Some(unknown(
                node,
                "it is one of several, and the files do not tell which",
                UnknownKind::Unresolved,
            )),
        }
    }

    fn spots_within(&mut self, cloud: Cloud, node: &Node, depth: usize) -> Vec<Spot> {
        if depth > DEEPEST {
            return vec![unknown(
                node,
                "its subnets refer to each other in a circle",
                UnknownKind::Unresolved,
            )];
        }
        match &node.value {
            Value::List(items) => {
                items.iter().flat_map(|item| self.spots_within(cloud, item, depth)).collect()
            }
            Value::Text(text) => self.text(cloud, node, text, depth),
            Value::Reference(address, attribute) => self.reference(cloud, node, address, attribute, depth),
            Value::Unknown(why) => vec![unknown(node, why, UnknownKind::Unresolved)],
            _ => Vec::new(),
        }
    }

    fn text(&mut self, cloud: Cloud, node: &Node, text: &str, depth: usize) -> Vec<Spot> {
        let known = self.index.meant(node);
        if let Some(meant) = known.first() {
            return self.of_resource(cloud, node, meant, "id", depth);
        }
        let source = Source::declared(node.origin());
        let zones = single_zones(text);
        let spots = zones.iter().map(|name| match region_of(cloud, name) {
            Some(region) => {
                Some(At::Zone(zone(self.fragment, cloud, name, &region, &source), source.clone()))
            }
            // A zone's id, such as `use1-az1`: the zone is certain, its region is not in the name.
            None if name.split_once("-az").is_some_and(|(_, number)| number.parse::<u8>().is_ok()) => {
                let id = PlaceId::new(name.as_str());
                let outer = self.ground.region(self.fragment, cloud, "");
                let place = self.fragment.place(&id, PlaceKind::Zone, &source);
                place.vendor = Some(cloud.vendor().to_owned());
                place.within.extend(outer);
                Some(At::Zone(id, source.clone()))
            }
            None => None,
        });
        match spots.collect::<Option<Vec<At>>>() {
            Some(spots) => spots.into_iter().map(|at| Spot { at, subnet: None }).collect(),
            None => vec![unknown(node, &format!("`{text}` is not in these files"), UnknownKind::Outside)],
        }
    }

    fn reference(
        &mut self,
        cloud: Cloud,
        node: &Node,
        address: &str,
        attribute: &str,
        depth: usize,
    ) -> Vec<Spot> {
        // A plan has looked lists up already.
        let known = self.index.at(address).into_iter().next().filter(|resource| resource.data);
        if let Some(found) = known.and_then(|resource| inside(&resource.body, attribute)) {
            let place = Node { value: found.value.clone(), ..node.clone() };
            return self.spots_within(cloud, &place, depth + 1);
        }
        if let Some((_, shape)) = list_shape(self.index, address) {
            return vec![self.listed(cloud, node, address, attribute, &shape)];
        }
        let found = self.index.at(address);
        if found.is_empty() {
            let why = format!("`{address}` is not in these files");
            return vec![unknown(node, &why, UnknownKind::Outside)];
        }
        found
            .into_iter()
            .flat_map(|resource| self.of_resource(cloud, node, resource, attribute, depth))
            .collect()
    }

    /// One of a list of zones that only the vendor knows.
    fn listed(&mut self, cloud: Cloud, node: &Node, address: &str, attribute: &str, shape: &str) -> Spot {
        let digits: String = attribute
            .chars()
            .skip_while(|char| !char.is_ascii_digit())
            .take_while(char::is_ascii_digit)
            .collect();
        // `element` begins again at the end of the list; of one with two zones at least, as every region of aws has them, the
        // first two are sure.
        let wraps = attribute.starts_with("element(") && !matches!(digits.as_str(), "0" | "1");
        let told_apart = self.ground.lists.get(&cloud).is_some_and(|list| list == shape);
        let named = self.ground.named.contains(&cloud);
        if digits.is_empty() || wraps || named || !told_apart {
            let why = match told_apart {
                true if named => {
                    format!("`{address}.{attribute}` may be any zone, one that is named here as well")
                }
                true => format!("`{address}.{attribute}` is known only when it is applied"),
                false => format!("`{address}` lists zones in another way than the other list of zones here"),
            };
            return unknown(node, &why, UnknownKind::Unresolved);
        }
        let source = Source::derived(node.origin());
        let outer = self.ground.region(self.fragment, cloud, address);
        let id = match &outer {
            Some((region, _)) => PlaceId::new(format!("{region} zone #{digits}")),
            None => PlaceId::new(format!("{} zone #{digits}", cloud.vendor())),
        };
        let place = self.fragment.place(&id, PlaceKind::Zone, &source);
        place.vendor = Some(cloud.vendor().to_owned());
        place.within.extend(outer);
        Spot { at: At::Zone(id, source), subnet: None }
    }

    /// Where a subnet or other resource stands, as `node` puts something there.
    fn of_resource(
        &mut self,
        cloud: Cloud,
        node: &Node,
        resource: &Resource,
        attribute: &str,
        depth: usize,
    ) -> Vec<Spot> {
        let is_subnet =
            matches!(resource.kind.as_str(), "aws_subnet" | "aws_default_subnet" | "alicloud_vswitch");
        let named = argument(&resource.body, attribute).filter(|_| ZONE.contains(&attribute));
        let seat = match named {
            Some(named) => self.one_spot(cloud, named, depth + 1),
            None => self.seat_within(cloud, &resource.body, depth + 1),
        };
        let subnet = is_subnet.then(|| resource.address.clone());
        let Some(spot) = seat else {
            let (why, kind) = match resource.data {
                true => {
                    (format!("`{}` is looked up when it is applied", resource.address), UnknownKind::Outside)
                }
                false => (format!("`{}` states no zone", resource.address), UnknownKind::Hidden),
            };
            return vec![Spot { subnet, ..unknown(node, &why, kind) }];
        };
        let at = match spot.at {
            // The line that puts it there is the one that names the subnet.
            At::Zone(place, _) => At::Zone(place, Source::derived(node.origin())),
            other => other,
        };
        vec![Spot { at, subnet: subnet.or(spot.subnet) }]
    }
}

fn unknown(node: &Node, why: &str, kind: UnknownKind) -> Spot {
    let unknown = Unknown { why: why.to_owned(), kind, origin: node.origin() };
    Spot { at: At::Unknown(unknown), subnet: None }
}
