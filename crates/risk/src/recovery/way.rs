//! The way by which users come to a service: up its hard needs to a core service.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use dinghai_estate::{Inventory, NeedKind, ServiceId, Tier};

/// Who needs whom, and where users come in.
pub(super) struct Ways<'i> {
    needed_by: BTreeMap<&'i ServiceId, Vec<&'i ServiceId>>,
    core: BTreeSet<&'i ServiceId>,
}

impl<'i> Ways<'i> {
    pub(super) fn of(inventory: &'i Inventory) -> Self {
        let mut needed_by: BTreeMap<&ServiceId, Vec<&ServiceId>> = BTreeMap::new();
        for (id, service) in &inventory.services {
            for need in service.needs.iter().filter(|need| need.kind == NeedKind::Hard) {
                needed_by.entry(&need.service).or_default().push(id);
            }
        }
        let core = inventory
            .services
            .iter()
            .filter(|(_, service)| matches!(service.intent.tier, Some((Tier::Core, _))));
        let core =
            core.map(|(id, _)| id).chain(inventory.entries.iter().map(|entry| &entry.service)).collect();
        Self { needed_by, core }
    }

    /// The shortest way from a service up to where users come in, itself first. Where they come in anywhere on the way, it goes on to
    /// what leads there, such as the virtual address in front of a balancer. It ends at itself when no core service needs it.
    pub(super) fn up(&self, from: &'i ServiceId) -> Vec<&'i ServiceId> {
        let mut seen = BTreeSet::from([from]);
        let mut open = VecDeque::from([vec![from]]);
        let mut best: Option<Vec<&ServiceId>> = None;
        while let Some(way) = open.pop_front() {
            let Some(last) = way.last().copied() else { continue };
            let above = self.needed_by.get(last).map_or(&[][..], Vec::as_slice);
            let ends = self.core.contains(last);
            if ends && (above.is_empty() || best.is_none()) {
                let first = above.is_empty();
                best = Some(way.clone());
                if first {
                    break;
                }
            }
            for next in above {
                if seen.insert(next) {
                    open.push_back(way.iter().copied().chain([*next]).collect());
                }
            }
        }
        best.unwrap_or_else(|| vec![from])
    }
}
