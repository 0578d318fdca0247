//! A shop whose payment leaves by one NAT gateway and whose database is slow to recover, as `check` would report it. The tests of
//! every form of the report share it.

#![allow(dead_code, unreachable_pub, reason = "each test takes what it needs")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use dinghai_estate::{
    Acceptance, Certainty, Enough, FoundInstance, FoundNeed, FoundPlace, FoundService, Handling, Inventory,
    NeedKind, Origin, PlaceKind, PublicEntry, Role, Source, Unknown, UnknownKind, Unseen,
};
use dinghai_risk::{
    Accepted, Because, Bound, CoreService, Edit, Finding, Fix, Judgement, Lost, Report, State, Term, judge,
};

/// What is planted in the files and must never be seen.
pub(crate) const PLANTED: [&str; 4] =
    ["hunter2-planted", "AKIAPLANTEDPLANTED01", "s3cr3t-planted", "planted-key-material"];

pub(crate) const VPC: &str = r#"resource "alicloud_route_table_attachment" "c" {
  # TODO: own table once nat-c exists
  vswitch_id     = alicloud_vswitch.hz_c.id
  route_table_id = alicloud_route_table.b.id
}

resource "alicloud_nat_gateway" "b" {
  vswitch_id = alicloud_vswitch.hz_b.id
  access_key = "AKIAPLANTEDPLANTED01"
}
"#;

pub(crate) const PATRONI: &str = "scope: orders-db
bootstrap:
  dcs:
    ttl: 30
    loop_wait: 10
    retry_timeout: 10
postgresql:
  authentication:
    superuser: { username: postgres, password: hunter2-planted }
  connect_address: postgres://app:s3cr3t-planted@orders-db:5432/shop
";

pub(crate) const HAPROXY: &str = "backend orders-db
  timeout check 2s
  default-server inter 3s rise 2 fall 3
  server db1 10.0.1.5:5432 check
  server db2 10.0.2.5:5432 check
";

pub(crate) const ESTATE: &str = "estate: shop
services:
  payment:
    survive: zone
    minimum: 2
    needs: [orders-db, bank]
accept:
  - { rule: disk-copy, about: recommend, reason: rebuilt from orders every night, until: 2027-03-01 }
promises:
  failover.primary: { within: 30s }
";

/// The files, with their secrets.
pub(crate) fn sources() -> BTreeMap<String, String> {
    let key = "-----BEGIN PRIVATE KEY-----\nplanted-key-material\n-----END PRIVATE KEY-----\n";
    [
        ("infra/vpc.tf", VPC),
        ("infra/patroni.yml", PATRONI),
        ("infra/haproxy.cfg", HAPROXY),
        ("infra/dinghai.yaml", ESTATE),
        ("infra/tls.pem", key),
    ]
    .map(|(name, text)| (name.to_owned(), text.to_owned()))
    .into()
}

/// The lines of the files without regard to secrets, for pages that are given clean lines. Those that hold one are emptied.
pub(crate) fn clean_lines() -> BTreeMap<String, Vec<String>> {
    let line = |line: &str| match PLANTED.iter().any(|planted| line.contains(planted)) {
        true => String::new(),
        false => line.to_owned(),
    };
    sources().into_iter().map(|(name, text)| (name, text.lines().map(line).collect())).collect()
}

pub(crate) fn at(file: &str, line: u32, column: u32) -> Origin {
    Origin { file: format!("infra/{file}"), line, column }
}

fn because(file: &str, line: u32, column: u32, note: &str) -> Because {
    Because { origin: at(file, line, column), note: note.to_owned() }
}

fn declared(file: &str, line: u32) -> Source {
    Source::declared(at(file, line, 1))
}

fn place(inventory: &mut Inventory, name: &str, kind: PlaceKind, within: &[&str]) {
    let within = within.iter().map(|outer| ((*outer).into(), declared("vpc.tf", 1))).collect();
    let found = FoundPlace { kind, vendor: Some("aliyun".into()), within, source: declared("vpc.tf", 1) };
    inventory.places.insert(name.into(), found);
}

fn service(inventory: &mut Inventory, name: &str, role: Role, instances: &[(&str, &[&str])], needs: &[&str]) {
    let mut service = FoundService::new(role, format!("service {name}"), declared("dinghai.yaml", 3));
    for (id, places) in instances {
        let mut instance = FoundInstance::new((*id).into(), declared("vpc.tf", 1));
        for place in *places {
            instance = instance.at((*place).into(), declared("vpc.tf", 4));
        }
        service.instances.push(instance);
    }
    for needed in needs {
        let source = declared("dinghai.yaml", 6);
        service.needs.push(FoundNeed {
            service: (*needed).into(),
            kind: NeedKind::Hard,
            how: "needs".into(),
            source,
        });
    }
    inventory.services.insert(name.into(), service);
}

pub(crate) fn inventory() -> Inventory {
    let mut shop =
        Inventory { name: "shop".into(), formats: ["estate", "terraform"].into(), ..Inventory::default() };
    place(&mut shop, "cn-hangzhou", PlaceKind::Region, &[]);
    for zone in ["hz-a", "hz-b", "hz-c"] {
        place(&mut shop, zone, PlaceKind::Zone, &["cn-hangzhou"]);
    }
    place(&mut shop, "nat-a", PlaceKind::Network, &["hz-a"]);
    place(&mut shop, "nat-b", PlaceKind::Network, &["hz-b"]);
    let payments: [(&str, &[&str]); 3] = [
        ("payment-a1", &["hz-a", "nat-a"]),
        ("payment-b1", &["hz-b", "nat-b"]),
        ("payment-c1", &["hz-c", "nat-b"]),
    ];
    service(&mut shop, "payment", Role::Workload, &payments, &["orders-db"]);
    let checkouts: [(&str, &[&str]); 2] = [("checkout@hz-a", &["hz-a"]), ("checkout@hz-b", &["hz-b"])];
    service(&mut shop, "checkout", Role::Workload, &checkouts, &["payment", "orders-db"]);
    service(
        &mut shop,
        "orders-db",
        Role::Database,
        &[("orders-db-1", &["hz-a"]), ("orders-db-2", &["hz-b"])],
        &[],
    );
    service(&mut shop, "recommend", Role::Workload, &[("recommend-1", &[])], &[]);
    if let Some(payment) = shop.services.get_mut(&"payment".into()) {
        let why = "minimum: 2".to_owned();
        payment.enough = Some(Enough { count: 2, why, source: declared("dinghai.yaml", 5) });
    }
    if let Some(instance) =
        shop.services.get_mut(&"recommend".into()).and_then(|service| service.instances.first_mut())
    {
        let why = "var.zone has no default".to_owned();
        let unknown = Unknown { why, kind: UnknownKind::Unresolved, origin: at("vpc.tf", 3, 1) };
        instance.unknown.insert(PlaceKind::Zone, unknown);
    }
    shop.entries.push(PublicEntry {
        service: "checkout".into(),
        by: "listener 443".into(),
        source: declared("haproxy.cfg", 1),
    });
    for (kind, handling, count) in [
        ("alicloud_instance", Handling::Placed, 7),
        ("alicloud_instance", Handling::Unknown, 1),
        ("alicloud_route_table", Handling::Reasoned, 3),
        ("alicloud_ram_role", Handling::Ignored, 4),
        ("haproxy server", Handling::Reasoned, 2),
    ] {
        (0..count).for_each(|_| shop.coverage.count(kind, handling));
    }
    shop.unseen = vec![
        Unseen {
            origin: at("charts/legacy.tpl", 0, 0),
            what: "Helm template without values; run `helm template` and give what it prints".into(),
        },
        Unseen { origin: at("bank.tf", 4, 1), what: "module from a private registry, not fetched".into() },
    ];
    shop
}

fn lost(place: &str) -> Vec<Lost> {
    vec![Lost { place: place.into(), kind: PlaceKind::Zone }]
}

fn term(name: &str, seconds: f64, says: &str, file: &str, line: u32, certainty: Certainty) -> Term {
    let source = Source { origin: at(file, line, 5), certainty };
    Term { name: name.into(), value: Duration::from_secs_f64(seconds), says: says.into(), source }
}

pub(crate) fn bound() -> Bound {
    let terms = |ttl, race, balancer, pool, retry| {
        vec![
            term("leader key lives on", ttl, "ttl: 30", "patroni.yml", 4, Certainty::Declared),
            term("race and promotion", race, "default of Patroni", "patroni.yml", 5, Certainty::Derived),
            term(
                "balancer sees the new primary",
                balancer,
                "inter 3s × rise 2 + check 2s",
                "haproxy.cfg",
                3,
                Certainty::Declared,
            ),
            term(
                "pool gives up the dead socket",
                pool,
                "connectTimeout=5",
                "deploy.yaml",
                63,
                Certainty::Declared,
            ),
            term("retry with back-off", retry, "200 ms × 2³", "deploy.yaml", 66, Certainty::Declared),
        ]
    };
    Bound {
        service: "orders-db".into(),
        lost: None,
        terms: terms(30.0, 2.4, 8.0, 5.0, 1.6),
        promised: Some((Duration::from_secs(30), at("dinghai.yaml", 10, 3))),
        fixed: Some(terms(20.0, 2.4, 2.0, 2.0, 1.6)),
    }
}

pub(crate) fn findings() -> Vec<Finding> {
    let edit = |file: &str, line, remove, add: &[&str]| Edit {
        file: format!("infra/{file}"),
        line,
        remove,
        add: add.iter().map(|line| (*line).to_owned()).collect(),
    };
    vec![
        Finding {
            rule: "single-place",
            state: State::Broken,
            title: "losing hz-b stops payment".into(),
            sentence: "lose zone hz-b and payment stops: payment-c1 stays up and leaves by nat-b, which is lost with hz-b; one of three \
                       payments is left and it takes two: infra/vpc.tf:4"
                .into(),
            about: vec!["payment".into(), "checkout".into()],
            lost: lost("hz-b"),
            because: vec![
                because("vpc.tf", 4, 20, "by nat-b, hz-b"),
                because("dinghai.yaml", 4, 5, ""),
                because("dinghai.yaml", 5, 5, "two are needed"),
            ],
            certainty: Certainty::Derived,
            bound: None,
            fix: Some(Fix {
                sentence: "give hz-c a NAT gateway and a route table of its own".into(),
                edits: vec![
                    edit("vpc.tf", 4, 1, &["  route_table_id = alicloud_route_table.c.id"]),
                    edit("vpc.tf", 11, 0, &["", "resource \"alicloud_nat_gateway\" \"c\" {", "  vswitch_id = alicloud_vswitch.hz_c.id", "}"]),
                ],
                checked: Some("with it, hz-a, hz-b and hz-c each keep 2 of 3".into()),
            }),
        },
        Finding {
            rule: "recovery-bound",
            state: State::Broken,
            title: "a new primary can take 47 s; 30 s is promised".into(),
            sentence: "if the primary of orders-db dies just after it renewed its key, checkout fails for up to 47 s".into(),
            about: vec!["orders-db".into(), "checkout".into()],
            lost: vec![],
            because: vec![
                because("patroni.yml", 4, 5, "the key outlives its holder"),
                because("haproxy.cfg", 3, 18, "seen after two checks"),
                because("dinghai.yaml", 10, 3, "30 s is promised"),
            ],
            certainty: Certainty::Derived,
            bound: Some(bound()),
            fix: Some(Fix {
                sentence: "lower ttl, loop_wait and retry_timeout together".into(),
                edits: vec![
                    edit("patroni.yml", 4, 3, &["    ttl: 20", "    loop_wait: 5", "    retry_timeout: 7"]),
                    edit("haproxy.cfg", 2, 2, &["  timeout check 1s", "  default-server inter 1s rise 1 fall 3"]),
                ],
                checked: None,
            }),
        },
        Finding {
            rule: "no-probe",
            state: State::Weak,
            title: "nobody asks whether recommend is up".into(),
            sentence: "a hung recommend is noticed by its users first: no probe is declared (hunter2-planted)".into(),
            about: vec!["recommend".into()],
            lost: vec![],
            because: vec![because("patroni.yml", 9, 40, "password hunter2-planted stands here")],
            certainty: Certainty::Declared,
            bound: None,
            fix: Some(Fix { sentence: "declare a probe".into(), edits: vec![], checked: None }),
        },
        Finding {
            rule: "disk-copy",
            state: State::Weak,
            title: "the disk of recommend has no copy in another zone".into(),
            sentence: "lose the zone of recommend and its disk is gone".into(),
            about: vec!["recommend".into()],
            lost: vec![],
            because: vec![because("vpc.tf", 9, 3, "")],
            certainty: Certainty::Inferred,
            bound: None,
            fix: None,
        },
        Finding {
            rule: "hidden-place",
            state: State::Unknown,
            title: "whether hz-b and hz-c share power".into(),
            sentence: "the vendor does not tell; a placement group would show it".into(),
            about: vec!["payment".into()],
            lost: vec![],
            because: vec![because("vpc.tf", 1, 1, ""), because("tls.pem", 2, 1, "")],
            certainty: Certainty::Declared,
            bound: None,
            fix: None,
        },
    ]
}

pub(crate) fn report() -> Report {
    let accepted = Accepted {
        lost: vec![Lost { place: "cn-hangzhou".into(), kind: PlaceKind::Region }],
        services: vec!["checkout".into()],
        sentence:
            "lose region cn-hangzhou and checkout stops: both checkout instances are there: infra/vpc.tf:1"
                .into(),
    };
    let core = CoreService {
        service: "checkout".into(),
        why: "users reach it by `listener 443`".into(),
        origin: at("haproxy.cfg", 1, 1),
        holds: vec!["hz-a".into(), "hz-c".into()],
        stops: vec!["hz-b".into()],
        unknown: vec![],
        truncated: false,
    };
    Report {
        inventory: inventory(),
        findings: findings(),
        core: vec![core],
        accepted: vec![accepted],
        bounds: vec![bound()],
    }
}

/// A second inventory, of which nothing bad is known.
pub(crate) fn sound() -> Report {
    let inventory = Inventory { name: "staging".into(), formats: ["compose"].into(), ..Inventory::default() };
    Report { inventory, findings: vec![], core: vec![], accepted: vec![], bounds: vec![] }
}

pub(crate) fn acceptances() -> Vec<Acceptance> {
    vec![Acceptance {
        rule: "disk-copy".into(),
        about: ["recommend".into()].into(),
        lost: BTreeSet::new(),
        reason: "rebuilt from orders every night".into(),
        until: "2027-03-01".parse().unwrap(),
        origin: at("dinghai.yaml", 8, 5),
    }]
}

pub(crate) fn judged(reports: Vec<Report>) -> Judgement {
    judge(reports, &acceptances(), &BTreeSet::new(), "2026-11-23".parse().unwrap(), "")
}
