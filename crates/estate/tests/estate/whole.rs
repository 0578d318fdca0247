//! A whole estate: what is read, what its digest covers, and that the schema knows every key.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::disk::Disk;
use dinghai_estate::{
    ActionKind, Autonomy, CutOff, DrillFault, Estate, FailureDomains, Files, HeaderWants, Inventory,
    ListenerId, NeedKind, PathChange, PathKind, PlaceKind, PromiseTarget, Severity, Sticky, TlsVersion,
    decode, json_schema, lint,
};
use proptest::prelude::*;
use serde_json::Value as Json;

fn whole(root: &str) -> Estate {
    let decoded = decode(root, &Disk::folder("whole"));
    assert_eq!(decoded.problems, []);
    decoded.estate.unwrap()
}

/// One file and nothing else.
struct Single(String);

impl Files for Single {
    fn read(&self, path: &str) -> Result<String, String> {
        match path {
            "dinghai.yaml" => Ok(self.0.clone()),
            _ => Err("there is no such file".to_owned()),
        }
    }
}

/// One file under a name of its own.
struct Named(&'static str, &'static str);

impl Files for Named {
    fn read(&self, path: &str) -> Result<String, String> {
        if path == self.0 { Ok(self.1.to_owned()) } else { Err("there is no such file".to_owned()) }
    }
}

#[test]
fn every_section_is_read() {
    let estate = whole("dinghai.yaml");
    assert_eq!(estate.name, "shop");
    let zone = &estate.places[&"hz-b".into()];
    assert_eq!((zone.kind, zone.vendor.as_deref()), (PlaceKind::Zone, Some("aliyun")));
    assert_eq!(zone.within, [("cn-hangzhou").into()].into());
    let order = &estate.services[&"order".into()];
    let ids: Vec<&str> = order.instances.iter().map(|instance| instance.id.as_str()).collect();
    assert_eq!(ids, ["order@node-1", "order@hz-b", "order-c", "order@hz-b.2"]);
    assert!(order.instances[3].spare);
    assert_eq!(order.instances[0].run.as_ref().unwrap().process, ["./order", "--port", "9101"]);
    assert_eq!(order.granted(ActionKind::Promote), Autonomy::Off);
    assert_eq!(order.needs[0].kind, NeedKind::Hard);
    assert_eq!(order.origin.line, 11);
    let value = order.value.as_ref().unwrap();
    let imports: Vec<&str> = estate.imports.iter().map(|(path, _)| &**path).collect();
    assert_eq!((imports, estate.imports[0].1.line), (vec!["terraform/shop", "lb/haproxy.cfg"], 4));
    let capacity = order.capacity.as_ref().unwrap();
    assert_eq!((capacity.each, capacity.peak, capacity.surge), (500.0, 1200.0, 3.0));
    assert_eq!((value.visits_per_minute, value.come_back), (Some(10_000.0), Some([0.5, 0.25, 0.0])));
    let routes = &estate.gateways[&"public".into()].routes;
    let ids: Vec<&str> = routes.iter().map(|route| route.id.as_str()).collect();
    assert_eq!(ids[..3], ["public:shop.example/api/order", "public:/api/recommend", "pay"]);
    let entrances = &estate.gateways[&"public".into()].entrances;
    assert_eq!(entrances.keys().map(ListenerId::as_str).collect::<Vec<_>>(), ["db", "secure"]);
    let tls = entrances[&"secure".into()].tls.as_ref().unwrap();
    assert_eq!((tls.minimum, tls.clients.as_ref().unwrap().required), (TlsVersion::V1_3, false));
    assert_eq!(entrances[&"db".into()].tcp.as_ref().unwrap().idle, Duration::from_secs(600));
    let payment = &estate.services[&"payment".into()];
    assert_eq!(payment.tls.as_ref().unwrap().server_name.as_deref(), Some("payment.internal"));
    assert_eq!(routes[0].when_cut_off, CutOff::ReadOnly { lease: Duration::from_secs(60) });
    assert_eq!(routes[1].when_cut_off, CutOff::Stop { lease: Duration::from_secs(30) });
    let promise = &estate.promises[&"failover.zone".into()];
    assert_eq!(promise.target, PromiseTarget::Within(Duration::from_secs(2)));
    assert!(!estate.promises.contains_key(&"restart.zone".into()));
    assert_eq!(estate.promises[&"halt.all".into()].origin.file, "profile standard");
    let drill = &estate.drills[&"zone-loss".into()];
    assert_eq!(drill.fault, DrillFault::KillPlace("hz-a".into()));
    assert_eq!(drill.every, Some(Duration::from_secs(30 * 86_400)));
    assert_eq!(estate.quiet, Duration::from_secs(300));
}

#[test]
fn an_estate_of_a_name_is_enough_and_has_the_stated_defaults() {
    let decoded = decode("dinghai.yaml", &Single("estate: empty".to_owned()));
    let estate = decoded.estate.unwrap();
    assert_eq!(estate.quiet, Duration::from_secs(600));
    assert_eq!(estate.console.listen.to_string(), "127.0.0.1:7474");
    assert_eq!(estate.promises.len(), 7);
}

#[test]
fn with_imports_services_need_no_instances_and_needs_may_name_what_only_other_files_declare() {
    let text = "estate: shop\nimport: [.]\nplaces: { 10.0.1.11: { kind: node }, \"fd00::1\": { kind: node } }\n\
        services:\n  web: { tier: core, minimum: 2, needs: [orders] }\n\
        \x20 proxy: { needs: [web], instances: [{ at: 10.0.1.11, address: 127.0.0.1:80 }] }\n";
    let decoded = decode("infra/dinghai.yaml", &Named("infra/dinghai.yaml", text));
    assert_eq!(decoded.problems, []);
    let estate = decoded.estate.unwrap();
    assert_eq!(estate.imports[0].0, "infra");
    let found = lint(&estate, &FailureDomains::of(&estate));
    let about_web: Vec<_> = found.iter().filter(|lint| lint.about == "web").collect();
    assert!(about_web.is_empty(), "{about_web:?}");
    let inventory = Inventory::of(&estate);
    assert!(inventory.services[&"web".into()].open.is_some(), "nobody knows yet which instances it has");

    let (runnable, left_out) = estate.runnable();
    assert_eq!(left_out, ["web".into()]);
    assert!(runnable.services[&"proxy".into()].needs.is_empty());
    let (again, left_out) = runnable.clone().runnable();
    assert_eq!((again, left_out), (runnable, Vec::new()));
}

#[test]
fn without_imports_everything_is_run() {
    let estate =
        decode("dinghai.yaml", &Single("estate: shop\nservices: { web: {} }".to_owned())).estate.unwrap();
    assert_eq!(estate.clone().runnable(), (estate, Vec::new()));
}

#[test]
fn capacity_goes_into_the_inventory() {
    let inventory = Inventory::of(&whole("dinghai.yaml"));
    let capacity = inventory.services[&"order".into()].intent.capacity.as_ref().unwrap();
    assert_eq!((capacity.each, capacity.peak, capacity.surge), (500.0, 1200.0, 3.0));
}

#[test]
fn the_digest_covers_meaning_and_not_where_it_stands() {
    let estate = whole("dinghai.yaml");
    assert_eq!(estate.digest(), whole("dinghai.yaml").digest());
    assert_eq!(estate.digest(), whole("reordered.yaml").digest());
    let mut changed = estate.clone();
    changed.services.get_mut(&"order".into()).unwrap().minimum = 1;
    assert_ne!(estate.digest(), changed.digest());
}

#[test]
fn a_repaired_file_is_read_like_one_that_was_never_broken() {
    let text = Disk::folder("whole").text("reordered.yaml");
    let broken = decode("dinghai.yaml", &Single(text.replace("tier: core", "tier: cor")));
    assert_eq!((broken.estate, broken.problems.len()), (None, 2));
    let repaired = decode("dinghai.yaml", &Single(text));
    assert_eq!(repaired.estate.unwrap().digest(), whole("reordered.yaml").digest());
}

/// Checks the parts of JSON Schema that ours uses. Numbers in YAML stand as text here, so scalars fit any scalar type.
fn fits(value: &Json, schema: &Json, root: &Json) -> Result<(), String> {
    if let Some(name) = schema.get("$ref").and_then(Json::as_str) {
        return fits(value, root.pointer(name.trim_start_matches('#')).unwrap(), root);
    }
    if let Some(any) = schema.get("anyOf").and_then(Json::as_array) {
        let errors: Vec<String> = any.iter().filter_map(|one| fits(value, one, root).err()).collect();
        return if errors.len() < any.len() { Ok(()) } else { Err(errors.join(" or ")) };
    }
    if let Some(wanted) = schema.get("const") {
        return if wanted == value { Ok(()) } else { Err(format!("{value} is not {wanted}")) };
    }
    let kind = schema["type"].as_str().unwrap_or("scalar");
    match (value, kind) {
        (Json::Object(map), "object") => {
            for (key, value) in map {
                let known = schema.pointer("/properties").and_then(|known| known.get(key));
                match known.unwrap_or(&schema["additionalProperties"]) {
                    Json::Bool(false) | Json::Null => return Err(format!("{key} is not known")),
                    schema => fits(value, schema, root).map_err(|error| format!("{key}: {error}"))?,
                }
            }
            for needed in schema.get("allOf").and_then(Json::as_array).into_iter().flatten() {
                let names = needed["anyOf"].as_array().unwrap();
                let has = names.iter().any(|name| map.contains_key(name["required"][0].as_str().unwrap()));
                if !has {
                    return Err(format!("{needed} is missing"));
                }
            }
            Ok(())
        }
        (Json::Array(items), "array") => items.iter().try_for_each(|item| fits(item, &schema["items"], root)),
        (Json::String(_), "scalar" | "string" | "integer" | "number" | "boolean") => Ok(()),
        _ => Err(format!("{value} is no {kind}")),
    }
}

/// YAML as JSON, scalars as text.
fn as_json(text: &str) -> Json {
    use saphyr_parser::{Event, Parser};
    fn put(stack: &mut [(Json, Option<String>)], value: Json) -> Option<Json> {
        match stack.last_mut() {
            None => return Some(value),
            Some((Json::Array(items), _)) => items.push(value),
            Some((Json::Object(map), key)) => match key.take() {
                Some(key) => drop(map.insert(key, value)),
                None => *key = value.as_str().map(str::to_owned),
            },
            Some(_) => unreachable!(),
        }
        None
    }
    let mut anchors = std::collections::BTreeMap::<usize, Json>::new();
    let mut stack: Vec<(Json, Option<String>)> = Vec::new();
    let mut open_anchors = Vec::new();
    let mut root = Json::Null;
    for event in Parser::new_from_str(text) {
        let done = match event.unwrap().0 {
            Event::Scalar(text, ..) => Some(Json::String(text.into_owned())),
            Event::Alias(anchor) => Some(anchors[&anchor].clone()),
            Event::SequenceStart(anchor, _) => {
                stack.push((Json::Array(Vec::new()), None));
                open_anchors.push(anchor);
                None
            }
            Event::MappingStart(anchor, _) => {
                stack.push((Json::Object(serde_json::Map::new()), None));
                open_anchors.push(anchor);
                None
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let (value, _) = stack.pop().unwrap();
                anchors.insert(open_anchors.pop().unwrap(), value.clone());
                Some(value)
            }
            _ => None,
        };
        if let Some(value) = done
            && let Some(value) = put(&mut stack, value)
        {
            root = value;
        }
    }
    root
}

#[test]
fn what_the_decoder_takes_fits_the_schema_and_what_it_refuses_does_not() {
    let schema = json_schema();
    let folder = Disk::folder("whole");
    for name in ["dinghai.yaml", "more/secondary.yaml", "reordered.yaml"] {
        fits(&as_json(&folder.text(name)), &schema, &schema)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    let mistakes = Disk::folder("mistakes");
    for name in ["unknown-key", "unknown-word", "missing-key", "wrong-type"] {
        let mistake = as_json(&mistakes.text(&format!("{name}.yaml")));
        assert!(fits(&mistake, &schema, &schema).is_err(), "{name}");
    }
}

/// `section.key` for every key that is not just another name for one.
fn schema_keys() -> BTreeSet<String> {
    let schema = json_schema();
    let root = ("estate file".to_owned(), schema.clone());
    let sections = schema["$defs"].as_object().unwrap().clone();
    let mut keys = BTreeSet::new();
    for (section, schema) in sections.into_iter().chain([root]) {
        for (key, schema) in schema.get("properties").and_then(Json::as_object).into_iter().flatten() {
            if schema.get("deprecated").is_none() {
                keys.insert(format!("{section}.{key}"));
            }
        }
    }
    keys
}

#[test]
fn the_whole_example_uses_every_key() {
    let folder = Disk::folder("whole");
    let text = folder.text("dinghai.yaml") + &folder.text("more/secondary.yaml");
    for key in schema_keys() {
        let (section, key) = key.split_once('.').unwrap();
        // Of several promises and questions one is enough.
        let one_of_many = section == "promises" || matches!(key, "process" | "at-least" | "stop" | "tcp");
        assert!(one_of_many || text.contains(&format!("{key}:")), "{section}.{key}");
    }
}

#[test]
fn the_guide_tells_every_key_and_no_other() {
    let guide = include_str!("../../../../docs/guide/estate.md");
    let told: BTreeSet<String> = guide
        .split("\n### `")
        .skip(1)
        .flat_map(|part| {
            let (section, rest) = part.split_once('`').unwrap();
            let rows = rest.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
            rows.map(move |(key, _)| format!("{section}.{key}")).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(told, schema_keys());
}

#[test]
fn the_guide_states_the_defaults_of_the_schema() {
    let guide = include_str!("../../../../docs/guide/estate.md");
    let schema = json_schema();
    for (section, schema) in schema["$defs"].as_object().unwrap() {
        let part = guide.split(&format!("\n### `{section}`")).nth(1).unwrap();
        for (key, schema) in schema["properties"].as_object().unwrap() {
            let Some(default) = schema.get("default") else { continue };
            let row = part.lines().find(|line| line.starts_with(&format!("| `{key}`"))).unwrap();
            let default = default.as_str().map_or_else(|| default.to_string(), str::to_owned);
            assert!(row.contains(&format!("| `{default}` |")), "{section}.{key}: {default} in {row}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_text_makes_the_decoder_panic(text in "\\PC{0,200}") {
        decode("dinghai.yaml", &Single(text));
    }

    #[test]
    fn no_yaml_like_text_makes_the_decoder_panic(
        text in "([ \\t]{0,4}(estate|places|services|a|<<|- |\\? |&x |\\*x |!t |#|\\||>|\"|'|\\[|\\]|\\{|\\}|: |:|,|~|%|---|\\.\\.\\.|\n){1,3}){0,60}"
    ) {
        decode("dinghai.yaml", &Single(text));
    }

    #[test]
    fn a_mutated_estate_is_read_or_told_what_is_wrong(
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0usize..20, "[ \\n:a-z{}\\[\\],&*!|>'\"0-9%<-]{0,6}"), 1..6)
    ) {
        let folder = Disk::folder("whole");
        let mut text: Vec<char> = folder.text("reordered.yaml").chars().collect();
        for (at, length, instead) in cuts {
            let at = at.index(text.len().max(1)).min(text.len());
            let end = (at + length).min(text.len());
            text.splice(at..end, instead.chars());
        }
        let text: String = text.into_iter().collect();
        let lines = text.lines().count().max(1) as u32;
        let decoded = decode("dinghai.yaml", &Single(text));
        let errors = decoded.problems.iter().filter(|problem| problem.severity == Severity::Error).count();
        prop_assert_eq!(decoded.estate.is_none(), errors > 0);
        for problem in &decoded.problems {
            prop_assert!(problem.origin.line <= lines + 1, "{problem:?}");
            prop_assert!(problem.length >= 1);
        }
    }
}

#[test]
fn a_route_is_read_with_all_that_it_asks_and_changes() {
    let text = r#"
estate: shop
places: { hz-a: { kind: zone } }
services:
  order: { instances: [{ at: hz-a, address: "127.0.0.1:1" }] }
  next: { instances: [{ at: hz-a, address: "127.0.0.1:2" }] }
gateways:
  public:
    listen: 127.0.0.1:8080
    routes:
      - host: "*.Shop.example"
        path: { regex: "/item/([0-9]+)" }
        methods: [PUT, GET, GET]
        headers: { X-Beta: 1, x-old: { present: false }, x-who: { prefix: a } }
        to: { order: 95, next: 5 }
        sticky: { cookie: Session }
        rewrite: /i/$1
        request-headers: { set: { X-Env: live }, append: { x-tag: b }, remove: [cookie] }
        response-headers: { remove: [server] }
      - { path: /a, method: GET, to: order }
      - { path: /a, to: next }
      - { path: /old, redirect: { status: 308, scheme: https, prefix: /new } }
"#;
    let decoded = decode("dinghai.yaml", &Single(text.to_owned()));
    assert_eq!(decoded.problems, []);
    let gateway = &decoded.estate.unwrap().gateways[&"public".into()];
    let ids: Vec<&str> = gateway.routes.iter().map(|route| route.id.as_str()).collect();
    let item = "public:*.shop.example/item/([0-9]+)";
    assert_eq!(ids, [&*format!("{item}:order"), &format!("{item}:next"), "public:/a", "public:/a.2"]);
    let canary = &gateway.routes[1];
    assert_eq!((canary.when.path, canary.split.weight), (PathKind::Regex, 5));
    assert_eq!(canary.split.sticky, Some(Sticky::Cookie("Session".to_owned())));
    assert_eq!(canary.when.methods, ["GET", "PUT"]);
    let wants: Vec<(&str, &HeaderWants)> =
        canary.when.headers.iter().map(|rule| (&*rule.name, &rule.wants)).collect();
    let value = |text: &str| text.to_owned();
    assert_eq!(
        wants,
        [
            ("x-beta", &HeaderWants::Exact(value("1"))),
            ("x-old", &HeaderWants::Absent),
            ("x-who", &HeaderWants::Prefix(value("a"))),
        ]
    );
    assert_eq!(canary.edits.rewrite.as_deref(), Some("/i/$1"));
    assert_eq!(canary.edits.request.set, [(value("x-env"), value("live"))]);
    assert_eq!(canary.edits.response.remove, ["server"]);
    assert_eq!(canary.when, gateway.routes[0].when, "they ask the same, so they share");
    let redirect = &gateway.redirects[0];
    assert_eq!((redirect.status, redirect.scheme.as_deref()), (308, Some("https")));
    assert_eq!(redirect.to_path, Some(PathChange::Prefix(value("/new"))));
}
