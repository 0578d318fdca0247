//! Resources written as YAML: an address and its arguments. `${aws_subnet.a.id}` refers, and `?why` is unknown.

use dinghai_estate::Inventory;

use super::facts::facts;
use crate::link::link;
use crate::outline::outline;
use crate::terraform::Resource;
use crate::value::{Node, Value};

#[path = "times_tests.rs"]
mod times;

/// The resources of a sample.
fn resources(path: &str, text: &str) -> Vec<Resource> {
    let documents = crate::yaml::read(path, text);
    assert!(documents.broken.is_none(), "{:?}", documents.broken);
    let root = documents.documents.first().expect("a document");
    root.entries()
        .map(|(key, node)| {
            let address = key.text.clone();
            let data = address.starts_with("data.") || address.contains(".data.");
            let local = address.rsplit_once("data.").map_or(address.as_str(), |(_, rest)| rest);
            let parts: Vec<&str> = local.split('.').collect();
            let kind = parts.iter().rev().nth(1).expect("a kind").to_string();
            let origin = dinghai_estate::Origin { file: path.to_owned(), line: key.line, column: key.column };
            let mut body = node.clone();
            refer(&mut body);
            Resource { address, data, kind, body, repeats: None, origin }
        })
        .collect()
}

fn refer(node: &mut Node) {
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(refer),
        Value::Map(entries) => entries.iter_mut().for_each(|(_, inner)| refer(inner)),
        Value::Text(text) => {
            if let Some(inner) = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) {
                let dot = match inner.strip_prefix("data.") {
                    Some(rest) => rest.match_indices('.').nth(1).map(|(at, _)| at + 5),
                    None => inner
                        .match_indices('.')
                        .nth(if inner.starts_with("module.") { 3 } else { 1 })
                        .map(|(at, _)| at),
                };
                let (address, attribute) = dot.map_or((inner, ""), |dot| (&inner[..dot], &inner[dot + 1..]));
                node.value = Value::Reference(address.to_owned(), attribute.to_owned());
            } else if let Some(why) = text.strip_prefix('?') {
                node.value = Value::Unknown(why.to_owned());
            }
        }
        _ => {}
    }
}

fn inventory(path: &str, text: &str) -> Inventory {
    let mut read = resources(path, text);
    let forward = link(facts("shop", &read, &|_| None));
    read.reverse();
    let backward = link(facts("shop", &read, &|_| None));
    assert_eq!(forward, backward, "the order of the resources changes something");
    forward
}

fn of(text: &str) -> Inventory {
    inventory("main.tf", text)
}

#[test]
fn an_aws_shop_becomes_services_at_zones_with_their_needs() {
    insta::assert_snapshot!(outline(&inventory("aws.tf", include_str!("samples/facts/aws.yaml"))));
}

#[test]
fn an_alicloud_shop_becomes_services_at_zones_with_their_needs() {
    insta::assert_snapshot!(outline(&inventory("alicloud.tf", include_str!("samples/facts/alicloud.yaml"))));
}

#[test]
fn zones_of_one_unnamed_list_are_told_apart_by_index() {
    let found = of("
data.aws_availability_zones.all: {state: available}
aws_subnet.a: {availability_zone: '${data.aws_availability_zones.all.names[0]}'}
aws_subnet.b: {availability_zone: '${data.aws_availability_zones.all.names[1]}'}
aws_instance.web[0]: {subnet_id: '${aws_subnet.a.id}'}
aws_instance.web[1]: {subnet_id: '${aws_subnet.b.id}'}
");
    let web = &found.services[&"web".into()];
    let at: Vec<String> =
        web.instances.iter().flat_map(|one| one.at.keys()).map(ToString::to_string).collect();
    assert_eq!(at, ["aws zone #0", "aws zone #1"]);
}

#[test]
fn zones_of_a_second_list_stay_unknown() {
    let found = of("
data.aws_availability_zones.all: {state: available}
data.aws_availability_zones.gpu: {exclude_names: [us-east-1e]}
aws_instance.a: {availability_zone: '${data.aws_availability_zones.all.names[0]}'}
aws_instance.b: {availability_zone: '${data.aws_availability_zones.all.names[1]}'}
aws_instance.c: {availability_zone: '${data.aws_availability_zones.gpu.names[0]}'}
");
    assert!(found.services[&"c".into()].instances[0].unknown.contains_key(&dinghai_estate::PlaceKind::Zone));
    assert!(found.services[&"a".into()].instances[0].unknown.is_empty());
}

#[test]
fn an_unknown_zone_stays_unknown() {
    let found = of("
aws_subnet.a: {availability_zone: '?var.zone has no default'}
aws_instance.web: {subnet_id: '${aws_subnet.a.id}'}
");
    let web = &found.services[&"web".into()].instances[0];
    assert!(web.at.is_empty());
    assert_eq!(web.unknown[&dinghai_estate::PlaceKind::Zone].why, "var.zone has no default");
    let count = found.coverage.kinds["aws_instance"];
    assert_eq!((count.placed, count.unknown), (0, 1));
}

#[test]
fn one_of_several_subnets_is_not_picked() {
    let found = of("
aws_subnet.a[0]: {availability_zone: us-east-1a}
aws_subnet.a[1]: {availability_zone: us-east-1b}
aws_instance.web: {subnet_id: '${aws_subnet.a}'}
");
    let web = &found.services[&"web".into()].instances[0];
    assert!(web.unknown[&dinghai_estate::PlaceKind::Zone].why.contains("one of several"));
}

#[test]
fn ids_of_a_state_lead_to_the_same_places_as_references() {
    let found = of("
aws_subnet.a: {id: subnet-0a, availability_zone: us-east-1a}
aws_instance.web: {id: i-1, subnet_id: subnet-0a}
aws_lb.front: {arn: 'arn:aws:elasticloadbalancing:us-east-1:1:loadbalancer/app/front/1', subnets: [subnet-0a], internal: 'false'}
aws_lb_target_group.web: {arn: 'arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/web/1'}
aws_lb_listener.http:
  load_balancer_arn: arn:aws:elasticloadbalancing:us-east-1:1:loadbalancer/app/front/1
  default_action: [{type: forward, target_group_arn: 'arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/web/1'}]
aws_lb_target_group_attachment.web: {target_group_arn: 'arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/web/1', target_id: i-1}
");
    assert_eq!(found.services[&"front".into()].needs[0].service, "web".into());
    assert!(found.services[&"web".into()].instances[0].at.contains_key(&"us-east-1a".into()));
}

#[test]
fn other_providers_are_named_once_and_count_as_unknown() {
    let found = of("
google_compute_instance.a: {zone: europe-west1-b}
google_compute_instance.b: {zone: europe-west1-b}
random_id.x: {byte_length: '4'}
aws_gamelift_fleet.f: {name: x}
aws_iam_role.r: {name: x}
");
    assert_eq!(found.unseen.len(), 2, "{:?}", found.unseen);
    assert_eq!(found.coverage.kinds["google_compute_instance"].unknown, 2);
    assert_eq!(found.coverage.kinds["aws_iam_role"].ignored, 1);
}

#[test]
fn secrets_are_not_repeated() {
    let found = of("
aws_db_instance.db: {id: db-1, address: db.abc.us-east-1.rds.amazonaws.com, password: hunter2secret, availability_zone: us-east-1a}
aws_instance.web:
  availability_zone: us-east-1a
  user_data: export DB_URL=postgres://app:hunter2secret@db.abc.us-east-1.rds.amazonaws.com:5432/shop
");
    assert!(!format!("{found:?}").contains("hunter2secret"));
    assert_eq!(found.services[&"web".into()].needs[0].service, "db".into());
}

#[test]
fn copies_that_cannot_be_counted_leave_the_service_open() {
    let mut read = resources("main.tf", "aws_instance.web: {availability_zone: us-east-1a}");
    read[0].repeats = Some("var.count has no default".to_owned());
    let found = link(facts("shop", &read, &|_| None));
    assert!(found.services[&"web".into()].open.is_some());
    assert_eq!(found.coverage.total().unknown, 1);
}

#[test]
fn a_list_of_zones_that_a_plan_has_looked_up_gives_their_names() {
    let found = of("
data.aws_availability_zones.all: {names: [us-east-1a, us-east-1b]}
aws_instance.web: {availability_zone: '${data.aws_availability_zones.all.names[1]}'}
");
    assert!(found.services[&"web".into()].instances[0].at.contains_key(&"us-east-1b".into()));
}

#[test]
fn an_unnamed_zone_may_be_the_one_that_is_named_beside_it() {
    let found = of("
data.aws_availability_zones.all: {state: available}
aws_instance.web[0]: {availability_zone: '${data.aws_availability_zones.all.names[0]}'}
aws_instance.web[1]: {availability_zone: us-east-1a}
");
    let zones: Vec<bool> =
        found.services[&"web".into()].instances.iter().map(|one| one.unknown.is_empty()).collect();
    assert_eq!(zones, [false, true]);
}

#[test]
fn keys_that_are_words_tell_services_apart() {
    let found = of("
aws_instance.app[\"web\"]: {availability_zone: us-east-1a}
aws_instance.app[\"pay\"]: {availability_zone: us-east-1a}
aws_instance.node[\"us-east-1a\"]: {availability_zone: us-east-1a}
aws_instance.node[\"us-east-1b\"]: {availability_zone: us-east-1b}
aws_db_instance.db[0]: {availability_zone: us-east-1a}
aws_db_instance.db[1]: {availability_zone: us-east-1b}
");
    let names: Vec<&str> = found.services.keys().map(|id| id.as_str()).collect();
    assert_eq!(names, ["db-0", "db-1", "node", "pay", "web"]);
    assert_eq!(found.services[&"node".into()].instances.len(), 2);
}

proptest::proptest! {
    #[test]
    fn no_value_of_any_argument_is_too_much(
        key in "[a-z_]{1,12}|subnet_id|availability_zone|zone_id|desired_capacity|user_data|vpc_zone_identifier",
        text in "\\PC{0,40}|cn-[a-zA-Z(),0-9-]{0,20}|[0-9]{1,12}",
    ) {
        let text = text.replace('\'', "''");
        for kind in ["aws_instance", "aws_autoscaling_group", "alicloud_db_instance", "alicloud_kvstore_instance", "aws_db_instance"] {
            let documents = crate::yaml::read("x", &format!("{kind}.a: {{{key}: '{text}'}}"));
            if documents.broken.is_none() {
                let read = resources("x", &format!("{kind}.a: {{{key}: '{text}'}}"));
                let _ = link(facts("x", &read, &|_| None));
            }
        }
    }
}
