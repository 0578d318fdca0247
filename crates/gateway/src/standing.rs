//! What the gateway was told last, kept on disk: table, highest fence, whether it is halted.
//!
//! The rules are pure: each takes the standing as it is and yields the one to be, or a refusal. The file is replaced as a
//! whole (written aside, synced, renamed, folder synced) before anything acts on it, so that a gateway that is
//! started again serves what it served, obeys whom it obeyed, and stays halted.
//!
//! The order of things is the ledger's: a table is numbered by the entry that caused it, an order by the entry that
//! journalled it. An order never undoes what a later entry said of the same instance.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use dinghai_clock::Timestamp;
use dinghai_estate::{GatewayId, InstanceId};
use dinghai_record::{Action, Fence, Looked, Order, Performed, Reason};
use dinghai_wire::{Member, Refusal, Table};
use serde::{Deserialize, Serialize};

/// What the gateway was told last.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Standing {
    /// The highest fence seen.
    pub(crate) fence: Option<Fence>,
    /// Whether automatons are halted here.
    pub(crate) halted: bool,
    /// The table in force, with the shares that orders gave it.
    pub(crate) table: Option<Table>,
    /// The generation that the table had when it was given.
    #[serde(default)]
    given: u64,
    /// The orders that changed shares since then, by instance.
    #[serde(default)]
    weighed: BTreeMap<InstanceId, u64>,
}

impl Standing {
    /// Reads the file; the empty standing where there is none yet.
    pub(crate) fn load(path: &Path) -> io::Result<Self> {
        match fs::read(path) {
            Ok(text) => serde_json::from_slice(&text).map_err(io::Error::from),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    /// Replaces the file; durable when this returns.
    pub(crate) fn store(&self, path: &Path) -> io::Result<()> {
        let aside = path.with_extension("json.new");
        let mut file = File::create(&aside)?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        file.sync_all()?;
        fs::rename(&aside, path)?;
        path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    }

    /// Obeys this fence from here on, or refuses it.
    pub(crate) fn obey(&mut self, fence: &Fence) -> Result<(), Refusal> {
        match &self.fence {
            Some(seen) if !seen.admits(fence) => {
                Err(Refusal::Stale { got: fence.clone(), seen: seen.clone() })
            }
            _ => {
                self.fence = Some(fence.clone());
                Ok(())
            }
        }
    }

    /// Takes a table. The one in force may be given again; while halted, no share may change.
    pub(crate) fn adopt(&mut self, gateway: &GatewayId, table: Table) -> Result<(), Refusal> {
        if table.gateway != *gateway {
            let reason = Reason::new("table-of-another-gateway").with("gateway", &table.gateway);
            return Err(Refusal::Refused(reason));
        }
        if let Some(held) = &self.table {
            if *held == table {
                return Ok(());
            }
            if table.generation <= held.generation {
                return Err(Refusal::Superseded { got: table.generation, seen: held.generation });
            }
            if self.halted && moves_shares(held, &table) {
                return Err(Refusal::Halted);
            }
        }
        self.given = table.generation;
        self.weighed.clear();
        self.table = Some(table);
        Ok(())
    }

    /// Whether an order may be begun now.
    pub(crate) fn admit(&self, order: &Order, now: Timestamp) -> Result<(), Refusal> {
        if self.halted {
            return Err(Refusal::Halted);
        }
        if now > order.deadline {
            return Err(Refusal::Refused(Reason::new("order-too-late").with("deadline", order.deadline)));
        }
        Ok(())
    }

    /// Does what an order says. Instances that this gateway does not serve are not its business.
    pub(crate) fn weigh(&mut self, order: &Order, now: Timestamp) -> Result<Performed, Refusal> {
        let shares = shares(order)?;
        self.admit(order, now)?;
        let given = self.given;
        let Some(table) = &mut self.table else { return Ok(Performed::nothing()) };
        let newest =
            |weighed: &BTreeMap<InstanceId, u64>, id: &InstanceId| weighed.get(id).copied().unwrap_or(given);
        let members = || table.services.values().flat_map(|service| &service.members);
        let overtaken = members().find(|(id, member)| {
            shares.get(*id).is_some_and(|share| *share != member.share)
                && newest(&self.weighed, id) > order.journalled.0
        });
        if let Some((id, _)) = overtaken {
            let reason = Reason::new("order-overtaken").with("instance", id).with("order", order.journalled);
            return Err(Refusal::Refused(reason));
        }
        let mut performed = Performed::nothing();
        for (id, member) in table.services.values_mut().flat_map(|service| &mut service.members) {
            if let Some(share) = shares.get(id)
                && *share != member.share
            {
                member.share = *share;
                performed.changed = true;
                self.weighed.insert(id.clone(), order.journalled.0);
            }
        }
        if performed.changed {
            table.generation = table.generation.max(order.journalled.0);
        }
        Ok(performed)
    }

    /// Whether the shares that an order asks for are in force.
    pub(crate) fn look(&self, order: &Order) -> Result<Looked, Refusal> {
        let shares = shares(order)?;
        let served = |(id, share): (&InstanceId, &u8)| {
            self.members().find(|(member, _)| *member == id).is_none_or(|(_, member)| member.share == *share)
        };
        Ok(if shares.iter().all(served) { Looked::Done(Performed::nothing()) } else { Looked::NotDone })
    }

    fn members(&self) -> impl Iterator<Item = (&InstanceId, &Member)> {
        self.table.iter().flat_map(|table| table.services.values()).flat_map(|service| &service.members)
    }
}

fn shares(order: &Order) -> Result<&BTreeMap<InstanceId, u8>, Refusal> {
    match &order.action {
        Action::Weigh(shares) => Ok(shares),
        other => Err(Refusal::Refused(Reason::new("not-for-a-gateway").with("action", other.as_str()))),
    }
}

fn moves_shares(held: &Table, next: &Table) -> bool {
    held.services.iter().any(|(id, service)| {
        let Some(next) = next.services.get(id) else { return false };
        service
            .members
            .iter()
            .any(|(id, member)| next.members.get(id).is_some_and(|next| next.share != member.share))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use dinghai_estate::{Address, ServiceId};
    use dinghai_record::{PlanId, Seq, StepNo};
    use dinghai_wire::ServiceTable;
    use proptest::prelude::*;

    fn table(generation: u64, shares: &[(&str, u8)]) -> Table {
        let member = |share| Member {
            address: Address { host: "127.0.0.1".to_owned(), port: 9 },
            share,
            places: vec![],
        };
        let members = shares.iter().map(|(id, share)| (InstanceId::from(*id), member(*share))).collect();
        Table {
            generation,
            gateway: GatewayId::from("public"),
            listeners: BTreeMap::new(),
            redirects: vec![],
            entrances: BTreeMap::new(),
            routes: vec![],
            services: [(
                ServiceId::from("order"),
                ServiceTable { probe: None, tls: None, proxy_protocol: None, members },
            )]
            .into(),
            trusted_proxies: vec![],
            panic_below: 0.5,
        }
    }

    fn order(journalled: u64, shares: &[(&str, u8)]) -> Order {
        Order {
            plan: PlanId(1),
            step: StepNo(1),
            undo: false,
            journalled: Seq(journalled),
            fence: fence(1),
            action: Action::Weigh(shares.iter().map(|(id, share)| (InstanceId::from(*id), *share)).collect()),
            deadline: Timestamp::from_micros(i64::MAX),
        }
    }

    fn fence(lease: u64) -> Fence {
        Fence { incarnation: "store".to_owned(), lease }
    }

    fn adopt(standing: &mut Standing, table: Table) -> Result<(), Refusal> {
        standing.adopt(&GatewayId::from("public"), table)
    }

    fn told(shares: &[(&str, u8)]) -> Standing {
        let mut standing = Standing::default();
        adopt(&mut standing, table(10, shares)).unwrap();
        standing
    }

    const NOW: Timestamp = Timestamp::EPOCH;

    #[test]
    fn a_stale_executor_is_refused() {
        let mut standing = Standing::default();
        standing.obey(&fence(3)).unwrap();
        assert!(matches!(standing.obey(&fence(2)), Err(Refusal::Stale { .. })));
        let other = Fence { incarnation: "other".to_owned(), lease: 9 };
        assert!(matches!(standing.obey(&other), Err(Refusal::Stale { .. })));
        assert!(standing.obey(&fence(3)).is_ok() && standing.obey(&fence(4)).is_ok());
    }

    #[test]
    fn a_stale_generation_is_refused_and_the_table_in_force_may_be_given_again() {
        let mut standing = told(&[("a", 100)]);
        assert_eq!(adopt(&mut standing, table(10, &[("a", 100)])), Ok(()));
        let refusal = Err(Refusal::Superseded { got: 10, seen: 10 });
        assert_eq!(adopt(&mut standing, table(10, &[("a", 50)])), refusal);
        assert_eq!(adopt(&mut standing, table(11, &[("a", 50)])), Ok(()));
    }

    #[test]
    fn an_order_changes_shares_and_the_generation_once() {
        let mut standing = told(&[("a", 100), ("b", 100)]);
        assert_eq!(standing.look(&order(12, &[("a", 0)])), Ok(Looked::NotDone));
        let done = standing.weigh(&order(12, &[("a", 0), ("elsewhere", 0)]), NOW).unwrap();
        assert!(done.changed);
        assert_eq!(standing.table.as_ref().unwrap().generation, 12);
        let again = standing.clone();
        assert_eq!(standing.weigh(&order(12, &[("a", 0)]), NOW), Ok(Performed::nothing()));
        assert_eq!(standing, again, "the same order twice changes nothing");
        assert_eq!(standing.look(&order(12, &[("a", 0)])), Ok(Looked::Done(Performed::nothing())));
    }

    #[test]
    fn an_order_that_comes_late_does_not_undo_a_later_one() {
        let mut standing = told(&[("a", 100), ("b", 100)]);
        standing.weigh(&order(12, &[("a", 0)]), NOW).unwrap();
        standing.weigh(&order(14, &[("a", 100)]), NOW).unwrap();
        assert!(matches!(standing.weigh(&order(12, &[("a", 0)]), NOW), Err(Refusal::Refused(_))));
        // One of another plan about another instance is not late.
        assert!(standing.weigh(&order(13, &[("b", 0)]), NOW).unwrap().changed);
    }

    #[test]
    fn a_halted_gateway_changes_no_share() {
        let mut standing = Standing { halted: true, ..told(&[("a", 100)]) };
        assert_eq!(standing.weigh(&order(12, &[("a", 0)]), NOW), Err(Refusal::Halted));
        assert_eq!(adopt(&mut standing, table(12, &[("a", 0)])), Err(Refusal::Halted));
        assert_eq!(adopt(&mut standing, table(12, &[("a", 100), ("new", 100)])), Ok(()));
    }

    #[test]
    fn what_is_stored_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gateway-public.table.json");
        assert_eq!(Standing::load(&path).unwrap(), Standing::default());
        let mut standing = Standing { halted: true, fence: Some(fence(4)), ..told(&[("a", 7)]) };
        standing.halted = false;
        standing.weigh(&order(12, &[("a", 3)]), NOW).unwrap();
        standing.store(&path).unwrap();
        assert_eq!(Standing::load(&path).unwrap(), standing);
        fs::write(&path, "{").unwrap();
        assert!(Standing::load(&path).is_err(), "a damaged file is no empty one");
    }

    proptest! {
        #[test]
        fn whatever_the_order_of_arrival_the_latest_word_on_an_instance_stands(
            mut orders in prop::collection::vec((11u64..40, 0u8..=100), 1..12),
        ) {
            orders.sort_by_key(|(no, _)| *no);
            orders.dedup_by_key(|(no, _)| *no);
            let latest = orders.last().copied().unwrap();
            let mut standing = told(&[("a", 100)]);
            standing.weigh(&order(latest.0, &[("a", latest.1)]), NOW).unwrap();
            if latest.1 != 100 {
                for (no, share) in &orders {
                    // Refused or without effect; either way nothing changes.
                    let _ = standing.weigh(&order(*no, &[("a", *share)]), NOW);
                }
                prop_assert_eq!(standing.look(&order(0, &[("a", latest.1)])), Ok(Looked::Done(Performed::nothing())));
            }
        }
    }
}
