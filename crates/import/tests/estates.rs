//! What becomes of files that lie beside each other.

use dinghai_import::{Joining, SourceFile, import};

fn file(path: &str, text: &str) -> SourceFile {
    SourceFile { path: path.to_owned(), text: text.to_owned() }
}

#[test]
fn a_component_that_no_overlay_uses_is_told() {
    let deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: shop }\nspec:\n  replicas: 2\n  \
                      template: { spec: { containers: [{ name: shop, image: shop }] } }\n";
    let component = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n";
    let files = [
        file("base/kustomization.yaml", "resources: [shop.yaml]\ncomponents: [../components/used]\n"),
        file("base/shop.yaml", deployment),
        file("components/used/kustomization.yaml", component),
        file("components/idle/kustomization.yaml", &format!("{component}patches: [{{ path: more.yaml }}]\n")),
        file("components/idle/more.yaml", deployment),
    ];
    let found = import(&files, Joining::Apart);
    let told: Vec<String> =
        found.unseen.iter().map(|unseen| format!("{}: {}", unseen.origin.file, unseen.what)).collect();
    assert_eq!(
        told,
        ["components/idle/kustomization.yaml: no overlay here uses this component: it was not looked at"]
    );
    assert_eq!(found.estates.len(), 1);
    assert!(!found.estates[0].files.contains("components/idle/more.yaml"));
    assert!(found.other.is_empty());
}
