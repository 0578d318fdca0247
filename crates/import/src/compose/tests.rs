use dinghai_estate::{
    Feature, InstanceId, Inventory, NeedKind, PlaceId, PlaceKind, Presence, Role, ServiceId,
};
use proptest::prelude::*;

use crate::SourceFile;
use crate::link::link;
use crate::outline::outline;

fn file(path: &str, text: &str) -> SourceFile {
    SourceFile { path: path.to_owned(), text: text.to_owned() }
}

fn read(files: &[SourceFile]) -> Inventory {
    let files: Vec<&SourceFile> = files.iter().collect();
    link(super::read("shop", &files))
}

fn one(text: &str) -> Inventory {
    read(&[file("shop/compose.yaml", text)])
}

const SHOP: &str = "\
x-common: &common
  restart: unless-stopped
  environment: &environment
    DATABASE_URL: postgres://shop:s3cret@db:5432/shop
    OTEL_EXPORTER_OTLP_ENDPOINT: http://collector:4317
services:
  web:
    <<: *common
    build: .
    ports: ['${WEB_PORT:-8080}:80', '127.0.0.1:9000:9000']
    environment:
      <<: *environment
      REDIS_HOST: ${CACHE}
    depends_on:
      db: { condition: service_healthy }
      migrate: { condition: service_completed_successfully }
    deploy: { replicas: 2 }
  migrate:
    build: .
    environment: *environment
  db:
    image: postgres:16
    volumes: ['data:/var/lib/postgresql/data']
    ports: ['5432:5432']
    healthcheck: { test: pg_isready, interval: 5s, start_period: 20s }
    restart: always
  collector:
    image: otel/opentelemetry-collector:0.100
  adminer:
    image: adminer
    profiles: [debug]
volumes: { data: {} }
";

#[test]
fn a_project_stands_on_one_host() {
    insta::assert_snapshot!(outline(&one(SHOP)));
}

#[test]
fn a_secret_in_a_connection_string_is_shown_nowhere() {
    assert!(!outline(&one(SHOP)).contains("s3cret"));
}

#[test]
fn an_override_says_it_last_and_its_line_is_shown() {
    let base = file("shop/compose.yaml", "services:\n  web:\n    image: shop/web\n    environment: [A=1]\n");
    let over = file(
        "shop/compose.override.yaml",
        "services:\n  web:\n    deploy:\n      replicas: 3\n    environment:\n      DB_HOST: db\n  db:\n    image: mysql\n",
    );
    for files in [[base.clone(), over.clone()], [over, base]] {
        let inventory = read(&files);
        let web = &inventory.services[&ServiceId::from("web")];
        assert_eq!(web.instances.len(), 3);
        assert_eq!(web.instances[0].source.origin.file, "shop/compose.override.yaml");
        assert_eq!(web.instances[0].source.origin.line, 4);
        assert_eq!(web.needs[0].service, ServiceId::from("db"));
    }
}

#[test]
fn a_service_extends_another_file_and_circles_end() {
    let base = file("compose.yaml", "services:\n  web:\n    extends: { file: common.yaml, service: base }\n");
    let common =
        file("common.yaml", "services:\n  base:\n    image: nginx\n    extends: { service: base }\n");
    let inventory = read(&[base, common]);
    assert!(inventory.services.contains_key(&ServiceId::from("web")));
    assert!(inventory.unseen.iter().any(|unseen| unseen.what.contains("extends itself")));
    let missing = one(
        "services:\n  web:\n    image: a\n    env_file: [secret.env]\n    extends: { file: no.yaml, service: x }\n",
    );
    assert_eq!(missing.unseen.len(), 2);
}

#[test]
fn a_number_of_copies_that_nobody_knows_stays_unknown() {
    let inventory = one("services:\n  web:\n    image: a\n    deploy: { replicas: '${N}' }\n");
    let open = inventory.services[&ServiceId::from("web")].open.as_ref().unwrap();
    assert_eq!(open.why, "`N` has no default");
    let known = read(&[
        file("shop/compose.yaml", "services:\n  web:\n    image: a\n    deploy: { replicas: '${N}' }\n"),
        file("shop/.env", "N=4\n"),
    ]);
    assert_eq!(known.services[&ServiceId::from("web")].instances.len(), 4);
}

#[test]
fn a_need_that_is_not_required_is_soft() {
    let inventory = one(
        "services:\n  web:\n    image: a\n    depends_on: { db: { required: false, condition: service_started } }\n  db:\n    image: postgres\n",
    );
    assert_eq!(inventory.services[&ServiceId::from("web")].needs[0].kind, NeedKind::Soft { fallback: None });
}

#[test]
fn a_swarm_stack_stands_where_its_constraints_say() {
    let inventory = one("services:
  web:
    image: shop/web
    deploy:
      replicas: 2
      placement:
        max_replicas_per_node: 1
        constraints: ['node.labels.zone == hz-a']
  api:
    image: shop/api
    deploy: { replicas: 2, placement: { preferences: [{ spread: node.labels.zone }] } }
  agent:
    image: shop/agent
    deploy: { mode: global }
");
    let web = &inventory.services[&ServiceId::from("web")];
    let at = |index: usize| web.instances[index].at.keys().map(PlaceId::as_str).collect::<Vec<_>>();
    assert_eq!((at(0), at(1)), (vec!["hz-a", "node-1"], vec!["hz-a", "node-2"]));
    let api = &inventory.services[&ServiceId::from("api")];
    assert!(api.instances.iter().all(|one| one.at.is_empty() && one.unknown.contains_key(&PlaceKind::Node)));
    assert!(matches!(api.features[&Feature::Spread], Presence::Unknown(_)));
    let agent = &inventory.services[&ServiceId::from("agent")];
    assert!(agent.instances.is_empty() && agent.open.is_some());
}

#[test]
fn a_registry_of_the_project_is_needed_to_fetch_its_images() {
    let inventory =
        one("services:\n  web:\n    image: registry:5000/web:1\n  registry:\n    image: registry:2\n");
    let step = &inventory.steps[0];
    assert_eq!(
        (step.needs.as_ref().unwrap().as_str(), step.how.as_str()),
        ("registry", "image registry:5000/web:1")
    );
    assert_eq!(inventory.services[&ServiceId::from("registry")].role, Role::Registry);
}

#[test]
fn a_mounted_configuration_says_whom_it_reaches() {
    let compose = "services:
  proxy:
    image: nginx
    volumes: ['./nginx.conf:/etc/nginx/conf.d/default.conf', './gone.conf:/x', './src:/src']
  api:
    image: shop/api
";
    let inventory = read(&[
        file("shop/compose.yaml", compose),
        file("shop/nginx.conf", "location / { proxy_pass http://api:8000; }"),
    ]);
    let need = &inventory.services[&ServiceId::from("proxy")].needs[0];
    assert_eq!((need.service.as_str(), need.how.as_str()), ("api", "mounted nginx.conf"));
    assert_eq!(inventory.unseen[0].what, "`./gone.conf` is mounted into `proxy` and was not looked at");
}

#[test]
fn a_loopback_port_is_no_entry() {
    for port in ["'127.0.0.1:80:80'", "{ target: 80, published: 80, host_ip: 127.0.0.1 }", "'[::1]:80:80'"] {
        let inventory = one(&format!("services:\n  web:\n    image: a\n    ports: [{port}]\n"));
        assert!(inventory.entries.is_empty(), "{port}");
    }
    let public = one("services:\n  web:\n    image: a\n    ports: [80, { target: 80, published: '443' }]\n");
    let by: Vec<&str> = public.entries.iter().map(|entry| entry.by.as_str()).collect();
    assert_eq!(by, ["published port of the host's choice", "published port 443"]);
}

#[test]
fn instances_are_named_once() {
    let inventory = one("services:\n  a:\n    image: x\n    scale: 2\n  a-1:\n    image: x\n");
    let mut ids: Vec<&InstanceId> =
        inventory.services.values().flat_map(|service| &service.instances).map(|one| &one.id).collect();
    let before = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), before);
}

proptest! {
    #[test]
    fn any_text_is_read_without_a_panic(text in "(services|  [a-z]{1,3}|    (image|ports|deploy|extends|environment|depends_on|scale)|      [a-z]|[-:{}\\[\\], $&*0-9\"'\n]){0,60}") {
        let _ = one(&text);
    }
}
