//! stub

use dinghai_estate::Unseen;

use crate::SourceFile;
use crate::value::Node;

/// What a kustomization renders to.
#[derive(Debug, Default)]
pub(crate) struct Rendered {
    pub(crate) objects: Vec<Node>,
    pub(crate) unseen: Vec<Unseen>,
}

pub(crate) fn is_kustomization(path: &str) -> bool {
    matches!(path.rsplit('/').next(), Some("kustomization.yaml" | "kustomization.yml" | "Kustomization"))
}

pub(crate) fn render(_files: &[&SourceFile], _path: &str) -> Rendered {
    Rendered::default()
}
