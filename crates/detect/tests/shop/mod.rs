//! A small shop of three zones for tests: core services with a spare each in two zones, a secondary one without.
#![allow(dead_code, reason = "every test file uses a part of it")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use dinghai_estate::{
    ActionBudget, ActionKind, Address, Autonomy, Balance, Check, Console, CutOff, Edits, Estate, Gateway,
    GatewayId, Grades, Instance, InstanceId, ListenerId, Need, NeedKind, Origin, Place, PlaceId, PlaceKind,
    Priority, ProbeSpec, Restart, Route, RouteId, Run, Service, ServiceId, Split, Tier, When,
};

pub(crate) const ZONES: [&str; 3] = ["hz-a", "hz-b", "hz-c"];

pub(crate) fn id(text: &str) -> InstanceId {
    InstanceId::from(text)
}

pub(crate) fn run() -> Run {
    Run {
        process: vec!["./serve".to_owned()],
        env: BTreeMap::new(),
        directory: None,
        restart: Restart::Plan,
        stop_within: Duration::from_secs(10),
    }
}

fn place(kind: PlaceKind, within: &[&str]) -> Place {
    let within = within.iter().map(|place| PlaceId::from(*place)).collect();
    Place { kind, vendor: None, within, origin: Origin::default() }
}

fn instance(service: &str, zone: &str, spare: bool) -> Instance {
    let number = if spare { ".2" } else { "" };
    Instance {
        id: id(&format!("{service}@{zone}{number}")),
        at: BTreeSet::from([PlaceId::from(zone)]),
        address: Address { host: "127.0.0.1".to_owned(), port: 9000 },
        run: Some(run()),
        spare,
        origin: Origin::default(),
    }
}

pub(crate) fn need(service: &str, kind: NeedKind) -> Need {
    Need { service: ServiceId::from(service), kind, origin: Origin::default() }
}

pub(crate) fn service(name: &str, tier: Tier, minimum: u32, zones: &[&str], spares: &[&str]) -> Service {
    let declared = zones.iter().map(|zone| instance(name, zone, false));
    let spares = spares.iter().map(|zone| instance(name, zone, true));
    Service {
        tier,
        minimum,
        survive: PlaceKind::Zone,
        instances: declared.chain(spares).collect(),
        probe: Some(ProbeSpec {
            check: Check::Http("/healthz".to_owned()),
            every: Duration::from_millis(200),
            timeout: Duration::from_millis(300),
            fall: 3,
            rise: 2,
            slow: Some(Duration::from_millis(50)),
        }),
        tls: None,
        proxy_protocol: None,
        needs: Vec::new(),
        autonomy: [ActionKind::Restart, ActionKind::ShiftTraffic, ActionKind::Scale]
            .map(|kind| (kind, Autonomy::Auto))
            .into(),
        value: None,
        capacity: None,
        origin: Origin::default(),
    }
}

pub(crate) fn route(listener: &str, path: &str, to: &str) -> Route {
    Route {
        id: RouteId::new(format!("{listener}:{path}")),
        listener: ListenerId::from(listener),
        host: None,
        path: path.to_owned(),
        when: When::default(),
        split: Split::default(),
        edits: Edits::default(),
        to: ServiceId::from(to),
        priority: Priority::Normal,
        balance: Balance::LeastRequest,
        when_cut_off: CutOff::Serve,
        timeout: Duration::from_secs(15),
        origin: Origin::default(),
    }
}

pub(crate) fn shop() -> Estate {
    let mut storefront = service("storefront", Tier::Core, 2, &ZONES, &["hz-b", "hz-c"]);
    storefront.needs =
        vec![need("order", NeedKind::Hard), need("recommend", NeedKind::Soft { fallback: None })];
    let mut order = service("order", Tier::Core, 2, &ZONES, &["hz-b", "hz-c"]);
    order.needs = vec![need("payment", NeedKind::Hard)];
    let payment = service("payment", Tier::Core, 2, &ZONES, &["hz-b", "hz-c"]);
    let recommend = service("recommend", Tier::Secondary, 1, &["hz-a", "hz-b"], &[]);
    Estate {
        name: "shop".to_owned(),
        imports: Vec::new(),
        places: BTreeMap::from([
            (PlaceId::from("cn"), place(PlaceKind::Region, &[])),
            (PlaceId::from("hz-a"), place(PlaceKind::Zone, &["cn"])),
            (PlaceId::from("hz-b"), place(PlaceKind::Zone, &["cn"])),
            (PlaceId::from("hz-c"), place(PlaceKind::Zone, &["cn"])),
        ]),
        services: BTreeMap::from([
            (ServiceId::from("storefront"), storefront),
            (ServiceId::from("order"), order),
            (ServiceId::from("payment"), payment),
            (ServiceId::from("recommend"), recommend),
        ]),
        gateways: BTreeMap::from([(
            GatewayId::from("public"),
            Gateway {
                listeners: BTreeMap::new(),
                entrances: BTreeMap::new(),
                redirects: vec![],
                routes: vec![
                    route("public", "/", "storefront"),
                    route("public", "/api/order", "order"),
                    route("internal", "/payment", "payment"),
                    route("internal", "/recommend", "recommend"),
                ],
                trusted_proxies: Vec::new(),
                panic_below: 0.5,
                origin: Origin::default(),
            },
        )]),
        promises: BTreeMap::new(),
        drills: BTreeMap::new(),
        budget: ActionBudget::default(),
        grades: Grades::default(),
        quiet: Duration::from_secs(600),
        console: Console::default(),
        accepts: Vec::new(),
    }
}
