use dinghai_estate::{PlaceId, ServiceId};
use proptest::prelude::*;

use super::render;
use crate::SourceFile;
use crate::link::link;
use crate::value::Node;

fn file(path: &str, text: &str) -> SourceFile {
    SourceFile { path: path.to_owned(), text: text.to_owned() }
}

const WEB: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 1
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      containers:
        - name: main
          image: shop/web:1
          env:
            - { name: A, value: a }
            - { name: DB_HOST, value: db }
          envFrom: [{ configMapRef: { name: settings } }]
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web } }
";

fn tree(overlay: &str, more: &[(&str, &str)]) -> Vec<SourceFile> {
    let mut files = vec![
        file("base/kustomization.yaml", "resources: [web.yaml]\n"),
        file("base/web.yaml", WEB),
        file("prod/kustomization.yaml", overlay),
    ];
    files.extend(more.iter().map(|(path, text)| file(path, text)));
    files
}

fn rendered(files: &[SourceFile]) -> (Vec<Node>, Vec<String>) {
    let files: Vec<&SourceFile> = files.iter().collect();
    let rendered = render(&files, "prod/kustomization.yaml");
    (rendered.objects, rendered.unseen.into_iter().map(|unseen| unseen.what).collect())
}

fn container(objects: &[Node]) -> Node {
    objects[0].at(&["spec", "template", "spec", "containers"]).unwrap().items()[0].clone()
}

fn spot(node: &Node) -> String {
    format!("{}:{}", node.file, node.line)
}

#[test]
fn what_an_overlay_sets_points_at_the_overlay() {
    let overlay = "resources: [../base]
namespace: shop
namePrefix: prod-
replicas: [{ name: web, count: 3 }]
images:
  - name: shop/web
    newTag: '2'
";
    let (objects, unseen) = rendered(&tree(overlay, &[]));
    assert_eq!(unseen, [""; 0]);
    let replicas = objects[0].at(&["spec", "replicas"]).unwrap();
    assert_eq!((replicas.count(), spot(replicas)), (Some(3), "prod/kustomization.yaml:4".to_owned()));
    let image = container(&objects).get("image").cloned().unwrap();
    assert_eq!((image.str(), spot(&image)), (Some("shop/web:2"), "prod/kustomization.yaml:6".to_owned()));
    let metadata = objects[1].get("metadata").unwrap();
    assert_eq!(metadata.get("name").and_then(Node::str), Some("prod-web"));
    assert_eq!(metadata.get("namespace").and_then(Node::str), Some("shop"));
}

#[test]
fn a_patch_in_the_file_points_at_its_own_lines() {
    let overlay = "resources: [../base]
patches:
  - patch: |-
      apiVersion: apps/v1
      kind: Deployment
      metadata: { name: web }
      spec:
        replicas: 4
        template:
          spec:
            containers:
              - name: main
                env:
                  - { name: A, $patch: delete }
                  - { name: B, value: b }
  - target: { kind: Deployment, name: 'w.*' }
    patch: |
      - op: replace
        path: /spec/template/spec/containers/0/image
        value: shop/web:9
      - { op: add, path: /metadata/labels, value: { a~b: c } }
";
    let (objects, unseen) = rendered(&tree(overlay, &[]));
    assert_eq!(unseen, [""; 0]);
    let replicas = objects[0].at(&["spec", "replicas"]).unwrap();
    assert_eq!((replicas.count(), spot(replicas)), (Some(4), "prod/kustomization.yaml:8".to_owned()));
    assert_eq!(objects[0].origin_of("kind").file, "base/web.yaml");
    let main = container(&objects);
    let names: Vec<&str> =
        main.get("env").unwrap().items().iter().filter_map(|item| item.get("name")?.str()).collect();
    assert_eq!(names, ["DB_HOST", "B"]);
    let image = main.get("image").unwrap();
    assert_eq!((image.str(), spot(image)), (Some("shop/web:9"), "prod/kustomization.yaml:20".to_owned()));
}

#[test]
fn patches_in_files_delete_and_replace() {
    let overlay = "resources: [../base]\npatchesStrategicMerge: [gone.yaml]\npatchesJson6902:\n  - target: { version: v1, kind: Service, name: web }\n    path: lb.json\n";
    let gone = "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\n$patch: delete\n";
    let lb = "[{\"op\": \"add\", \"path\": \"/spec/type\", \"value\": \"LoadBalancer\"}]";
    let (objects, unseen) = rendered(&tree(overlay, &[("prod/gone.yaml", gone), ("prod/lb.json", lb)]));
    assert_eq!(unseen, [""; 0]);
    assert_eq!(objects.len(), 1);
    assert_eq!(objects[0].at(&["spec", "type"]).and_then(Node::str), Some("LoadBalancer"));
}

#[test]
fn generated_settings_are_found_under_their_new_name() {
    let overlay = "resources: [../base, db.yaml]
nameSuffix: -prod
configMapGenerator:
  - name: settings
    literals: [CACHE_URL=redis://cache.example.com:6379]
    envs: [more.env]
";
    let db = "apiVersion: v1\nkind: Service\nmetadata: { name: db }\nspec: { selector: { app: db } }\n";
    let files = tree(
        overlay,
        &[("prod/db.yaml", db), ("prod/more.env", "# none\nPAY_URL=https://pay.example.com\n")],
    );
    let files: Vec<&SourceFile> = files.iter().collect();
    let inventory = link(super::super::read_overlay("prod", &files, "prod/kustomization.yaml"));
    let web = &inventory.services[&ServiceId::from("web-prod")];
    let needs: Vec<String> = web
        .needs
        .iter()
        .map(|need| format!("{} {}:{}", need.service, need.source.origin.file, need.source.origin.line))
        .collect();
    assert_eq!(needs, ["cache.example.com prod/kustomization.yaml:5", "pay.example.com prod/more.env:2"]);
}

#[test]
fn a_component_works_on_what_is_there_and_labels_reach_selectors() {
    let overlay = "resources: [../base]\ncomponents: [../spread]\ncommonLabels: { env: prod }\n";
    let component =
        "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\npatches: [{ path: spread.yaml }]\n";
    let spread = "apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 2
  template:
    spec:
      topologySpreadConstraints:
        - { topologyKey: topology.kubernetes.io/zone, maxSkew: 1, whenUnsatisfiable: DoNotSchedule, labelSelector: { matchLabels: { app: web } } }
";
    let files = tree(overlay, &[("spread/kustomization.yaml", component), ("spread/spread.yaml", spread)]);
    let files: Vec<&SourceFile> = files.iter().collect();
    let inventory = link(super::super::read_overlay("prod", &files, "prod/kustomization.yaml"));
    let web = &inventory.services[&ServiceId::from("web")];
    assert!(web.instances[1].at.contains_key(&PlaceId::from("zone-2")));
    assert_eq!(web.instances[1].at[&PlaceId::from("zone-2")].origin.file, "spread/spread.yaml");
}

#[test]
fn what_takes_kustomize_itself_names_the_command() {
    let overlay =
        "resources: [../base, 'https://github.com/x/y?ref=v1', ../none]\nhelmCharts: [{ name: redis }]\n";
    let (objects, unseen) = rendered(&tree(overlay, &[]));
    assert_eq!(objects.len(), 2);
    assert_eq!(unseen.len(), 3);
    assert!(
        unseen
            .iter()
            .all(|what| what.contains("kustomize build prod > rendered.yaml && dinghai check rendered.yaml")),
        "{unseen:?}"
    );
}

#[test]
fn kustomizations_that_draw_in_each_other_end() {
    let (_, unseen) = rendered(&[
        file("prod/kustomization.yaml", "resources: [../other]\n"),
        file("other/kustomization.yaml", "resources: [../prod]\n"),
    ]);
    assert!(unseen[0].contains("draws in itself"));
}

#[test]
fn a_patch_that_does_not_fit_is_said() {
    let overlay = "resources: [../base]\npatches:\n  - target: { kind: Deployment }\n    patch: '[{\"op\": \"remove\", \"path\": \"/spec/nothing/0\"}]'\n  - target: { kind: Pod }\n    patch: '[]'\n";
    let (objects, unseen) = rendered(&tree(overlay, &[]));
    assert_eq!(objects.len(), 2);
    assert_eq!(unseen.len(), 2, "{unseen:?}");
}

proptest! {
    #[test]
    fn any_overlay_is_rendered_without_a_panic(text in "(resources|patches|replicas|images|labels|namePrefix|: |- |\\.\\./base|\n|  |\\{|\\}|\\[|\\]|name|path|target|patch|[a-z0-9/$|>'\"]){0,50}") {
        let _ = rendered(&tree(&text, &[]));
    }
}
