//! What gateways and hand are told, from estate and book. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use dinghai_estate::{Estate, Gateway, GatewayId, Instance, PlaceId, Run, ServiceId};
use dinghai_record::Book;
use dinghai_wire::{Charge, Charged, Member, ServiceTable, Table, TableRoute};

/// The route table of one gateway, with the shares that the book says, under this generation.
pub fn table(estate: &Estate, book: &Book, id: &GatewayId, gateway: &Gateway, generation: u64) -> Table {
    let routes: Vec<TableRoute> = gateway
        .routes
        .iter()
        .map(|route| TableRoute {
            id: route.id.clone(),
            listener: route.listener.clone(),
            host: route.host.clone(),
            path: route.path.clone(),
            when: route.when.clone(),
            split: route.split.clone(),
            edits: route.edits.clone(),
            to: route.to.clone(),
            priority: route.priority,
            balance: route.balance,
            when_cut_off: route.when_cut_off.clone(),
            timeout_ms: u64::try_from(route.timeout.as_millis()).unwrap_or(u64::MAX),
        })
        .collect();
    let passages = gateway.entrances.values().filter_map(|entrance| entrance.tcp.as_ref());
    let targets: BTreeSet<&ServiceId> =
        routes.iter().map(|route| &route.to).chain(passages.map(|passage| &passage.to)).collect();
    let services = estate
        .services
        .iter()
        .filter(|(id, _)| targets.contains(id))
        .map(|(id, service)| {
            let member = |instance: &Instance| Member {
                address: instance.address.clone(),
                share: book.share(&instance.id, instance.spare),
                places: all_places(estate, instance),
            };
            let members = service.instances.iter().map(|each| (each.id.clone(), member(each))).collect();
            (
                id.clone(),
                ServiceTable {
                    probe: service.probe.clone(),
                    tls: service.tls.clone(),
                    proxy_protocol: service.proxy_protocol,
                    members,
                },
            )
        })
        .collect();
    Table {
        generation,
        gateway: id.clone(),
        listeners: gateway.listeners.clone(),
        entrances: gateway.entrances.clone(),
        routes,
        redirects: gateway.redirects.clone(),
        services,
        trusted_proxies: gateway.trusted_proxies.clone(),
        panic_below: gateway.panic_below,
    }
}

/// Everything of the estate that is ours to start, stop and break. Processes run in `folder`, the estate's own, where
/// they do not say another.
pub fn charge(estate: &Estate, folder: &Path) -> Charge {
    let instances: BTreeMap<_, _> = estate
        .services
        .values()
        .flat_map(|service| service.instances.iter().map(move |instance| (service, instance)))
        .filter_map(|(service, instance)| {
            let run = instance.run.clone()?;
            let directory = match &run.directory {
                Some(own) => folder.join(own),
                None => folder.to_owned(),
            };
            let charged = Charged {
                run: Run { directory: Some(directory), ..run },
                places: all_places(estate, instance),
                address: instance.address.clone(),
                probe: service.probe.clone(),
            };
            Some((instance.id.clone(), charged))
        })
        .collect();
    Charge { instances, programs: vec![] }
}

fn all_places(estate: &Estate, instance: &Instance) -> Vec<PlaceId> {
    estate.places_around(instance).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use dinghai_estate::{Files, InstanceId, decode};

    struct One(&'static str);

    impl Files for One {
        fn read(&self, _: &str) -> Result<String, String> {
            Ok(self.0.to_owned())
        }
    }

    const SHOP: &str = r#"
estate: shop
places:
  cn-hangzhou: { kind: region, zones: [hz-a, hz-b] }
services:
  order:
    tier: core
    instances:
      - { at: hz-a, address: "127.0.0.1:1", run: { process: [./order], directory: here } }
      - { at: hz-b, address: "127.0.0.1:2" }
    spares:
      - { at: hz-b, address: "127.0.0.1:3", run: { process: [./order] } }
    probe: { http: /healthz }
  alone:
    instances:
      - { at: hz-a, address: "127.0.0.1:4" }
gateways:
  public:
    listen: 127.0.0.1:0
    routes:
      - { path: /, to: order }
"#;

    fn shop() -> Estate {
        let decoded = decode("dinghai.yaml", &One(SHOP));
        decoded.estate.unwrap_or_else(|| panic!("{:?}", decoded.problems))
    }

    fn shares(estate: &Estate, book: &Book) -> Vec<(String, u8)> {
        let id = GatewayId::from("public");
        let table = table(estate, book, &id, &estate.gateways[&id], 7);
        assert_eq!(table.generation, 7);
        assert!(!table.services.contains_key(&ServiceId::from("alone")), "no route leads there");
        let order = &table.services[&ServiceId::from("order")];
        order.members.iter().map(|(id, member)| (id.to_string(), member.share)).collect()
    }

    #[test]
    fn a_table_has_the_shares_of_the_book_and_spares_stand_by() {
        let estate = shop();
        let all = |a, b, spare| {
            vec![
                ("order@hz-a".to_owned(), a),
                ("order@hz-b".to_owned(), b),
                ("order@hz-b.2".to_owned(), spare),
            ]
        };
        assert_eq!(shares(&estate, &Book::default()), all(100, 100, 0));
        let weights = [(InstanceId::from("order@hz-a"), 0), (InstanceId::from("order@hz-b.2"), 30)];
        let book = Book { weights: weights.into(), ..Book::default() };
        assert_eq!(shares(&estate, &book), all(0, 100, 30));
    }

    #[test]
    fn only_what_is_ours_to_run_is_in_the_charge_and_runs_in_the_estates_folder() {
        let charge = charge(&shop(), Path::new("/srv/shop"));
        let folders: Vec<_> = charge
            .instances
            .iter()
            .map(|(id, charged)| (id.as_str(), charged.run.directory.clone().unwrap_or_default()))
            .collect();
        assert_eq!(folders, [("order@hz-a", "/srv/shop/here".into()), ("order@hz-b.2", "/srv/shop".into())]);
        let places = &charge.instances[&InstanceId::from("order@hz-a")].places;
        assert_eq!(
            places,
            &[PlaceId::from("cn-hangzhou"), PlaceId::from("hz-a")],
            "those that contain it count"
        );
    }
}
