use dinghai_estate::{
    Act, Feature, FoundService, Inventory, MechanismKind, NeedKind, PlaceId, PlaceKind, Presence, Role,
    ServiceId, UnknownKind,
};
use proptest::prelude::*;

use crate::SourceFile;
use crate::link::link;
use crate::outline::outline;

fn file(path: &str, text: &str) -> SourceFile {
    SourceFile { path: path.to_owned(), text: text.to_owned() }
}

fn read(texts: &[&str]) -> Inventory {
    let files: Vec<SourceFile> =
        texts.iter().enumerate().map(|(index, text)| file(&format!("{index}.yaml"), text)).collect();
    link(super::read("shop", &files.iter().collect::<Vec<_>>()))
}

fn service<'a>(inventory: &'a Inventory, id: &str) -> &'a FoundService {
    inventory
        .services
        .get(&ServiceId::from(id))
        .unwrap_or_else(|| panic!("{id} in {:?}", inventory.services.keys()))
}

fn at(service: &FoundService) -> Vec<Vec<&str>> {
    service.instances.iter().map(|one| one.at.keys().map(PlaceId::as_str).collect()).collect()
}

/// A Deployment whose pods carry `app: NAME`, with more lines of its pods' specification, indented by six.
fn deployment(name: &str, replicas: u32, pod: &str) -> String {
    format!(
        "apiVersion: apps/v1
kind: Deployment
metadata: {{ name: {name}, namespace: shop }}
spec:
  replicas: {replicas}
  selector: {{ matchLabels: {{ app: {name} }} }}
  template:
    metadata: {{ labels: {{ app: {name} }} }}
    spec:
{pod}
      containers: [{{ name: main, image: shop/{name}:1 }}]
"
    )
}

fn spread(name: &str, key: &str, rest: &str) -> String {
    format!(
        "      topologySpreadConstraints:
        - {{ topologyKey: {key}, labelSelector: {{ matchLabels: {{ app: {name} }} }}, {rest} }}"
    )
}

const ZONE: &str = "topology.kubernetes.io/zone";

const SHOP: &str = "\
apiVersion: v1
kind: List
items:
  - apiVersion: apps/v1
    kind: Deployment
    metadata: { name: cart, namespace: shop }
    spec:
      replicas: 3
      selector: { matchLabels: { app: cart } }
      template:
        metadata: { labels: { app: cart } }
        spec:
          nodeSelector: { topology.kubernetes.io/region: cn-hangzhou }
          affinity:
            podAntiAffinity:
              requiredDuringSchedulingIgnoredDuringExecution:
                - topologyKey: topology.kubernetes.io/zone
                  labelSelector: { matchLabels: { app: cart } }
          tolerations:
            - { key: node.kubernetes.io/unreachable, operator: Exists, effect: NoExecute, tolerationSeconds: 20 }
          initContainers:
            - { name: wait, image: busybox, command: [sh, -c, 'until nc -z db 5432; do sleep 1; done'] }
          containers:
            - name: main
              image: registry.shop.internal/cart:1
              imagePullPolicy: Always
              envFrom: [{ configMapRef: { name: cart } }]
              env:
                - { name: HOST_OF_DB, value: db }
                - { name: DATABASE_URL, value: 'postgres://u:$(PW)@$(HOST_OF_DB).shop.svc:5432/x' }
                - { name: TOKENS_URL, valueFrom: { secretKeyRef: { name: tokens, key: url } } }
              resources: { requests: { cpu: 1, memory: 1Gi } }
              readinessProbe: { httpGet: { path: /, port: 80 }, periodSeconds: 5 }
              startupProbe: { httpGet: { path: /, port: 80 }, failureThreshold: 30 }
  - apiVersion: v1
    kind: ConfigMap
    metadata: { name: cart, namespace: shop }
    data: { JAEGER_ENDPOINT: 'http://jaeger:14268', PAY_URL: 'https://api.pay.example.com/v1' }
  - apiVersion: v1
    kind: Secret
    metadata: { name: tokens, namespace: shop }
    data: { url: cmVkaXM6Ly86aHVudGVyMkB0b2tlbnM6NjM3OQ== }
  - apiVersion: v1
    kind: Service
    metadata: { name: cart, namespace: shop }
    spec: { selector: { app: cart }, ports: [{ port: 80 }] }
  - apiVersion: v1
    kind: Service
    metadata: { name: db, namespace: shop }
    spec: { selector: { app: db }, clusterIP: None, ports: [{ port: 5432 }] }
  - apiVersion: v1
    kind: Service
    metadata: { name: tokens, namespace: shop }
    spec: { type: ExternalName, externalName: tokens.cache.example.com }
  - apiVersion: apps/v1
    kind: StatefulSet
    metadata: { name: db, namespace: shop }
    spec:
      replicas: 2
      selector: { matchLabels: { app: db } }
      template:
        metadata: { labels: { app: db } }
        spec:
          containers: [{ name: pg, image: 'postgres:16' }]
      volumeClaimTemplates:
        - { metadata: { name: data }, spec: { storageClassName: disk } }
  - apiVersion: v1
    kind: PersistentVolume
    metadata: { name: disk-1 }
    spec:
      claimRef: { namespace: shop, name: data-db-0 }
      nodeAffinity:
        required:
          nodeSelectorTerms:
            - matchExpressions: [{ key: topology.kubernetes.io/zone, operator: In, values: [cn-hangzhou-h] }]
  - apiVersion: networking.k8s.io/v1
    kind: Ingress
    metadata: { name: shop, namespace: shop }
    spec:
      rules:
        - { host: shop.example.com, http: { paths: [{ path: /, backend: { service: { name: cart, port: { number: 80 } } } }] } }
  - apiVersion: policy/v1
    kind: PodDisruptionBudget
    metadata: { name: cart, namespace: shop }
    spec: { minAvailable: 100%, selector: { matchLabels: { app: cart } } }
  - apiVersion: example.com/v1
    kind: Widget
    metadata: { name: strange }
";

#[test]
fn a_shop_is_told_with_its_lines() {
    insta::assert_snapshot!(outline(&read(&[SHOP])));
}

#[test]
fn a_secret_is_shown_nowhere() {
    let told = outline(&read(&[SHOP]));
    assert!(!told.contains("hunter2") && !told.contains("cmVkaXM"), "{told}");
}

#[test]
fn one_pod_has_a_node_of_its_own_and_no_known_zone() {
    let inventory = read(&[&deployment("web", 1, "")]);
    let web = service(&inventory, "web");
    assert_eq!(at(web), [["node of web-1"]]);
    assert_eq!(web.instances[0].unknown[&PlaceKind::Zone].kind, UnknownKind::Unconstrained);
}

#[test]
fn pods_that_nothing_keeps_apart_are_nowhere_for_certain() {
    let inventory = read(&[&deployment("web", 3, "")]);
    let web = service(&inventory, "web");
    assert!(web.instances.iter().all(|one| one.at.is_empty()));
    assert_eq!(web.instances[0].unknown[&PlaceKind::Node].why, "nothing keeps its 3 pods apart");
    assert!(matches!(web.features[&Feature::Spread], Presence::Absent(_)));
}

#[test]
fn a_wish_to_be_apart_is_not_kept() {
    let wish = spread("web", ZONE, "maxSkew: 1, whenUnsatisfiable: ScheduleAnyway");
    let inventory = read(&[&deployment("web", 3, &wish)]);
    let web = service(&inventory, "web");
    assert!(web.instances.iter().all(|one| one.unknown.contains_key(&PlaceKind::Zone)));
    assert!(matches!(web.features[&Feature::Spread], Presence::Unknown(_)));
}

#[test]
fn pods_kept_apart_stand_in_zones_without_a_name_that_all_share() {
    let hard = |name: &str| spread(name, ZONE, "maxSkew: 1, whenUnsatisfiable: DoNotSchedule");
    let inventory = read(&[&deployment("a", 2, &hard("a")), &deployment("b", 4, &hard("b"))]);
    assert_eq!(at(service(&inventory, "a")), [["node in zone-1", "zone-1"], ["node in zone-2", "zone-2"]]);
    assert_eq!(at(service(&inventory, "b"))[0], ["node in zone-1", "zone-1"]);
    assert_eq!(at(service(&inventory, "b"))[1], ["node in zone-1", "zone-1"]);
    assert!(
        inventory.unseen.iter().any(|unseen| unseen.what.contains("no file says how many the cluster has"))
    );
}

#[test]
fn a_rule_about_other_pods_keeps_none_of_these_apart() {
    let other = spread("other", ZONE, "maxSkew: 1, whenUnsatisfiable: DoNotSchedule");
    let inventory = read(&[&deployment("web", 2, &other)]);
    assert!(service(&inventory, "web").instances.iter().all(|one| one.at.is_empty()));
}

#[test]
fn zones_that_are_named_are_used() {
    let pod = format!(
        "      affinity:
        nodeAffinity:
          requiredDuringSchedulingIgnoredDuringExecution:
            nodeSelectorTerms:
              - matchExpressions: [{{ key: {ZONE}, operator: In, values: [b, a] }}]
{}",
        spread("web", ZONE, "maxSkew: 1, whenUnsatisfiable: DoNotSchedule")
    );
    let inventory = read(&[&deployment("web", 2, &pod)]);
    assert_eq!(at(service(&inventory, "web")), [["a", "node in a"], ["b", "node in b"]]);
    let pinned = read(&[&deployment("web", 2, &format!("      nodeSelector: {{ {ZONE}: a }}"))]);
    assert_eq!(at(service(&pinned, "web")), [["a"], ["a"]]);
}

#[test]
fn pods_beyond_the_places_that_there_are_never_start() {
    let pod = format!(
        "      nodeSelector: {{ {ZONE}: a }}
      affinity:
        podAntiAffinity:
          requiredDuringSchedulingIgnoredDuringExecution:
            - {{ topologyKey: kubernetes.io/hostname, labelSelector: {{ matchLabels: {{ app: web }} }} }}"
    );
    let node = |name: &str| {
        format!(
            "apiVersion: v1\nkind: Node\nmetadata: {{ name: {name}, labels: {{ {ZONE}: a, kubernetes.io/hostname: {name} }} }}\n"
        )
    };
    let inventory = read(&[&deployment("web", 3, &pod), &node("n1"), &node("n2")]);
    assert_eq!(at(service(&inventory, "web")), [["a", "n1"], ["a", "n2"]]);
    assert!(inventory.unseen.iter().any(|unseen| unseen.what.contains("never start")));
    assert!(inventory.places[&PlaceId::from("n1")].within.contains_key(&PlaceId::from("a")));
}

#[test]
fn one_volume_that_one_node_can_write_keeps_pods_together() {
    let claim = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: { name: files, namespace: shop }\nspec: { accessModes: [ReadWriteOnce] }\n";
    let pod = "      volumes: [{ name: f, persistentVolumeClaim: { claimName: files } }]";
    let inventory = read(&[&deployment("web", 2, pod), claim]);
    assert_eq!(at(service(&inventory, "web")), [["node with volume files"], ["node with volume files"]]);
}

#[test]
fn a_deployment_for_each_zone_behind_one_service_is_one_service() {
    let of = |zone: &str| {
        deployment("web", 1, &format!("      nodeSelector: {{ {ZONE}: {zone} }}")).replacen(
            "name: web",
            &format!("name: web-{zone}"),
            1,
        )
    };
    let front = "apiVersion: v1\nkind: Service\nmetadata: { name: web, namespace: shop }\nspec: { type: LoadBalancer, selector: { app: web } }\n";
    let inventory = read(&[&of("a"), &of("b"), front]);
    let web = service(&inventory, "web");
    assert_eq!(web.instances.len(), 2);
    assert!(matches!(web.features[&Feature::Spread], Presence::Present(_)));
    assert_eq!(inventory.entries[0].by, "LoadBalancer web");
}

#[test]
fn the_same_name_in_two_namespaces_is_two_services() {
    let other = deployment("web", 1, "").replace("namespace: shop", "namespace: test");
    let inventory = read(&[&deployment("web", 1, ""), &other]);
    let ids: Vec<&str> = inventory.services.keys().map(ServiceId::as_str).collect();
    assert_eq!(ids, ["shop/web", "test/web"]);
}

#[test]
fn a_name_is_resolved_in_the_pods_own_namespace() {
    let svc = |ns: &str| {
        format!(
            "apiVersion: v1\nkind: Service\nmetadata: {{ name: db, namespace: {ns} }}\nspec: {{ selector: {{ app: db }} }}\n"
        )
    };
    let db = deployment("db", 1, "");
    let web = deployment("web", 1, "")
        .replace("image: shop/web:1", "image: shop/web:1, env: [{ name: DB_HOST, value: db }]");
    let inventory =
        read(&[&svc("shop"), &svc("test"), &db, &db.replace("namespace: shop", "namespace: test"), &web]);
    let needs: Vec<&str> =
        service(&inventory, "web").needs.iter().map(|need| need.service.as_str()).collect();
    assert_eq!(needs, ["shop/db"]);
}

#[test]
fn an_autoscaler_says_how_few_there_may_be() {
    let scaler = "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: { name: web, namespace: shop }\nspec: { scaleTargetRef: { kind: Deployment, name: web }, minReplicas: 2, maxReplicas: 9 }\n";
    let inventory = read(&[&deployment("web", 5, ""), scaler]);
    let web = service(&inventory, "web");
    assert_eq!(web.instances.len(), 2);
    let scaling = web.scaling.as_ref().unwrap();
    assert_eq!((scaling.least, scaling.most), (Some(2), Some(9)));
}

#[test]
fn a_stateful_pod_is_not_said_to_be_replaced_when_its_node_is_lost() {
    let stateful = deployment("db", 2, "").replace("kind: Deployment", "kind: StatefulSet");
    let lost = |text: &str| {
        let inventory = read(&[text]);
        inventory.mechanisms.iter().any(|one| matches!(one.kind, MechanismKind::NodeLoss { .. }))
    };
    assert!(!lost(&stateful));
    assert!(lost(&deployment("web", 2, "")));
}

#[test]
fn a_daemon_set_runs_on_nodes_that_nobody_lists() {
    let daemon = deployment("agent", 1, "").replace("kind: Deployment", "kind: DaemonSet");
    let inventory = read(&[&daemon]);
    let agent = service(&inventory, "agent");
    assert!(agent.instances.is_empty());
    assert_eq!(agent.open.as_ref().unwrap().kind, UnknownKind::Outside);
}

#[test]
fn an_operators_cluster_is_a_database_with_its_names() {
    let cluster = "apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: { name: orders, namespace: shop }
spec:
  instances: 3
  affinity: { podAntiAffinityType: required, topologyKey: topology.kubernetes.io/zone }
  backup: { barmanObjectStore: { destinationPath: s3://x } }
";
    let web = deployment("web", 1, "")
        .replace("image: shop/web:1", "image: shop/web:1, env: [{ name: DB_HOST, value: orders-rw }]");
    let inventory = read(&[cluster, &web]);
    let orders = service(&inventory, "orders");
    assert_eq!((orders.role, orders.instances.len()), (Role::Database, 3));
    assert_eq!(at(orders)[2], ["node in zone-3", "zone-3"]);
    assert!(matches!(orders.features[&Feature::CrossZoneCopy], Presence::Present(_)));
    assert_eq!(service(&inventory, "web").needs[0].service, ServiceId::from("orders"));
}

#[test]
fn a_service_whose_pods_are_elsewhere_is_somebody_elses() {
    let text = "apiVersion: v1\nkind: Service\nmetadata: { name: pay }\nspec: { selector: { app: pay }, ports: [{ port: 80 }] }\n";
    let web = deployment("web", 1, "")
        .replace("image: shop/web:1", "image: shop/web:1, env: [{ name: PAY_ADDR, value: 'pay:80' }]");
    let inventory = read(&[text, &web]);
    assert_eq!(service(&inventory, "pay").role, Role::External);
    assert!(service(&inventory, "pay").open.is_some());
    assert_eq!(service(&inventory, "web").needs[0].kind, NeedKind::Hard);
}

#[test]
fn images_from_a_registry_in_the_cluster_need_it() {
    let registry = deployment("registry", 1, "").replace("image: shop/registry:1", "image: 'registry:2'");
    let svc = "apiVersion: v1\nkind: Service\nmetadata: { name: registry, namespace: shop }\nspec: { selector: { app: registry } }\n";
    let route = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: { name: r, namespace: shop }\nspec: { rules: [{ host: images.shop.example, http: { paths: [{ backend: { service: { name: registry } } }] } }] }\n";
    let web = deployment("web", 1, "")
        .replace("image: shop/web:1", "image: 'images.shop.example/web:1', imagePullPolicy: Always");
    let inventory = read(&[&registry, svc, route, &web]);
    let step = &inventory.steps[0];
    assert_eq!((step.act, step.needs.as_ref().unwrap().as_str()), (Act::PullImage, "registry"));
    assert!(step.how.ends_with("imagePullPolicy Always"));
}

#[test]
fn an_internal_route_is_an_entry_only_where_there_is_no_other() {
    let svc = "apiVersion: v1\nkind: Service\nmetadata: { name: web, namespace: shop }\nspec: { selector: { app: web } }\n";
    let route = |name: &str, host: &str| {
        format!(
            "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{ name: {name}, namespace: shop }}\nspec: {{ rules: [{{ host: {host}, http: {{ paths: [{{ backend: {{ service: {{ name: web }} }} }}] }} }}] }}\n"
        )
    };
    let by =
        |texts: &[&str]| -> Vec<String> { read(texts).entries.into_iter().map(|entry| entry.by).collect() };
    let (web, inner, outer) =
        (deployment("web", 1, ""), route("in", "web.shop.internal"), route("out", "shop.example.com"));
    assert_eq!(by(&[&web, svc, &inner]), ["internal Ingress in"]);
    assert_eq!(by(&[&web, svc, &inner, &outer]), ["Ingress out"]);
}

#[test]
fn a_setting_from_a_secret_that_is_not_here_is_unknown() {
    let web = deployment("web", 1, "").replace(
        "image: shop/web:1",
        "image: shop/web:1, env: [{ name: DB_URL, valueFrom: { secretKeyRef: { name: db, key: url } } }]",
    );
    let what = &read(&[&web]).unseen[0].what;
    assert!(what.contains("`DB_URL` from Secret `db`"), "{what}");
}

#[test]
fn a_template_is_left_to_helm() {
    let inventory = read(&["kind: Deployment\nmetadata:\n  name: {{ .Values.name }}\n"]);
    assert!(inventory.unseen[0].what.contains("helm template"));
    assert!(inventory.services.is_empty());
}

#[test]
fn the_order_of_files_changes_nothing() {
    let one = file("a.yaml", SHOP);
    let two = file("b.yaml", &deployment("web", 2, ""));
    let told = |files: &[&SourceFile]| outline(&link(super::read("x", files)));
    assert_eq!(told(&[&one, &two]), told(&[&two, &one]));
}

#[test]
fn what_breaks_off_is_said_and_the_rest_is_read() {
    let inventory = read(&[&format!("{}---\nkind: [\n", deployment("web", 1, ""))]);
    assert!(inventory.services.contains_key(&ServiceId::from("web")));
    assert!(inventory.unseen.iter().any(|unseen| unseen.what.contains("not YAML")));
}

proptest! {
    #[test]
    fn any_change_of_a_manifest_is_read_without_a_panic(cut in 0_usize..4000, put in "[-:{}\\[\\], a-z0-9\"'\n]{0,12}", take in 0_usize..40) {
        let mut text: Vec<char> = SHOP.chars().collect();
        let cut = cut.min(text.len());
        let end = (cut + take).min(text.len());
        text.splice(cut..end, put.chars());
        let _ = read(&[&text.into_iter().collect::<String>()]);
    }
}
