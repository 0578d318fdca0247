//! What a file is: by its name where that says it, else by what stands at its beginning.
//!
//! Only a look at the text, no parsing: a state of 100 MB is recognised as quickly as a small one.

use crate::groups::folder;
use crate::{SourceFile, compose, machines, terraform};

/// A format that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Format {
    /// Terraform configuration, plan or state; variables' values as well.
    Terraform,
    /// A Compose file, or one that a Compose file may refer to (`.env`).
    Compose,
    /// Kubernetes objects.
    Kubernetes,
    /// A `kustomization.yaml`.
    Kustomization,
    /// A chart's own files and its templates, which only Helm can render.
    Helm,
    /// Configuration of a program on a machine: HAProxy, nginx, keepalived, Patroni.
    Machine,
    /// An estate of ours.
    Estate,
}

/// Lines at the beginning that are looked at.
const LINES: usize = 400;

/// What the file is; none when it is nothing that is read here.
pub(crate) fn format(file: &SourceFile) -> Option<Format> {
    let name = file.path.rsplit('/').next().unwrap_or_default();
    let yaml = has_ending(name, &[".yaml", ".yml"]);
    match name {
        "kustomization.yaml" | "kustomization.yml" | "Kustomization" => return Some(Format::Kustomization),
        "Chart.yaml" => return Some(Format::Helm),
        ".env" => return Some(Format::Compose),
        _ => {}
    }
    if has_ending(name, &[".tf", ".tofu", ".tf.json", ".tfvars", ".tfvars.json", ".tfstate"]) {
        return Some(Format::Terraform);
    }
    if yaml && file.text.contains("{{") && is_template(&file.path) {
        return Some(Format::Helm);
    }
    if compose::has_compose_name(&file.path) {
        return Some(Format::Compose);
    }
    if has_ending(name, &[".json"]) {
        return match () {
            () if terraform::is_plan(&file.text)
                || terraform::is_state(&file.text)
                || terraform::is_log(&file.text) =>
            {
                Some(Format::Terraform)
            }
            () if is_manifest_json(&file.text) => Some(Format::Kubernetes),
            () => None,
        };
    }
    if yaml {
        let starts = |key: &str| file.text.lines().take(LINES).any(|line| line.starts_with(key));
        return match () {
            () if starts("apiVersion:") => Some(Format::Kubernetes),
            () if machines::is_machine(file) => Some(Format::Machine),
            () if starts("estate:") => Some(Format::Estate),
            () if starts("services:") && (file.text.contains("image:") || file.text.contains("build:")) => {
                Some(Format::Compose)
            }
            () if file.text.contains("\napiVersion:") => Some(Format::Kubernetes),
            () => None,
        };
    }
    machines::is_machine(file).then_some(Format::Machine)
}

/// Whether the file lies among a chart's templates.
fn is_template(path: &str) -> bool {
    folder(path).split('/').any(|part| part == "templates")
}

fn is_manifest_json(text: &str) -> bool {
    let start: String = text.chars().take(4_000).collect();
    start.contains("\"apiVersion\"") && start.contains("\"kind\"")
}

fn has_ending(name: &str, endings: &[&str]) -> bool {
    endings.iter().any(|ending| name.ends_with(ending))
}
