//! Run more of it, and keep the copies apart: replicas and spread of a Kubernetes workload.

use dinghai_estate::FoundService;

use super::{Text, indent};
use crate::{Edit, Finding, Report};

/// Kinds that have `spec.replicas` and a pod template.
const KINDS: [&str; 3] = ["Deployment ", "StatefulSet ", "ReplicaSet "];

/// One workload's document in a file: its lines with their numbers.
struct Document<'t> {
    file: &'t str,
    lines: Vec<(u32, &'t str)>,
}

pub(super) fn proposals(report: &Report, finding: &Finding, text: &Text<'_>) -> Vec<Vec<Edit>> {
    let services = finding.about.iter().filter_map(|id| report.inventory.services.get(id));
    let workloads = services.filter(|service| KINDS.iter().any(|kind| service.resource.starts_with(kind)));
    let mut all = Vec::new();
    for service in workloads {
        let Some(document) = document(service, text) else { continue };
        let more = more(&document, service);
        let apart = apart(&document);
        all.extend(apart.clone().map(|edit| vec![edit]));
        all.extend(more.clone().map(|edit| vec![edit]));
        all.extend(more.zip(apart).map(|(more, apart)| vec![more, apart]));
    }
    all
}

fn document<'t>(service: &'t FoundService, text: &Text<'t>) -> Option<Document<'t>> {
    let origin = &service.source.origin;
    let numbered: Vec<(u32, &str)> = (1..).zip(text.lines(&origin.file)).collect();
    let is_border = |(_, line): &&(u32, &str)| line.starts_with("---");
    let before =
        numbered.iter().filter(is_border).map(|(n, _)| *n).filter(|n| *n < origin.line).max().unwrap_or(0);
    let after =
        numbered.iter().filter(is_border).map(|(n, _)| *n).find(|n| *n > origin.line).unwrap_or(u32::MAX);
    let lines = numbered.into_iter().filter(|(n, _)| *n > before && *n < after).collect();
    Some(Document { file: &origin.file, lines })
}

/// Three replicas, or one more than there are where that is more.
fn more(document: &Document<'_>, service: &FoundService) -> Option<Edit> {
    let wanted = (service.running().count() + 1).max(3);
    let spec =
        document.lines.iter().find(|(_, line)| line.trim_end() == "spec:").map(|(number, _)| *number)?;
    match document
        .lines
        .iter()
        .find(|(_, line)| line.trim_start().starts_with("replicas:") && indent(line) == 2)
    {
        Some((number, line)) => {
            let add = vec![format!("{}replicas: {wanted}", " ".repeat(indent(line)))];
            Some(Edit { file: document.file.to_owned(), line: *number, remove: 1, add })
        }
        None => {
            let add = vec![format!("  replicas: {wanted}")];
            Some(Edit { file: document.file.to_owned(), line: spec + 1, remove: 0, add })
        }
    }
}

/// A spread over zones that must hold, before the containers.
fn apart(document: &Document<'_>) -> Option<Edit> {
    if document.lines.iter().any(|(_, line)| line.trim_start().starts_with("topologySpreadConstraints:")) {
        return None;
    }
    let (containers, depth) = document
        .lines
        .iter()
        .find(|(_, line)| line.trim() == "containers:")
        .map(|(number, line)| (*number, indent(line)))?;
    let labels = labels(document)?;
    let pad = " ".repeat(depth);
    let mut add: Vec<String> = [
        "topologySpreadConstraints:",
        "  - maxSkew: 1",
        "    topologyKey: topology.kubernetes.io/zone",
        "    whenUnsatisfiable: DoNotSchedule",
        "    labelSelector:",
        "      matchLabels:",
    ]
    .iter()
    .map(|line| format!("{pad}{line}"))
    .collect();
    add.extend(labels.into_iter().map(|label| format!("{pad}        {label}")));
    Some(Edit { file: document.file.to_owned(), line: containers, remove: 0, add })
}

/// The labels by which the workload selects its pods.
fn labels(document: &Document<'_>) -> Option<Vec<String>> {
    let mut lines =
        document.lines.iter().map(|(_, line)| *line).skip_while(|line| line.trim() != "matchLabels:");
    let depth = indent(lines.next()?);
    let labels: Vec<String> = lines
        .take_while(|line| indent(line) > depth && !line.trim().is_empty())
        .map(|line| line.trim().to_owned())
        .collect();
    (!labels.is_empty()).then_some(labels)
}
