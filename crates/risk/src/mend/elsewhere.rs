//! Put it somewhere else: another place's name on the line that puts it there, or another resource of the same kind.

use std::collections::{BTreeMap, BTreeSet};

use dinghai_estate::PlaceId;

use super::{Text, instead, word_at};
use crate::{Edit, Finding, Report};

pub(super) fn proposals(report: &Report, finding: &Finding, text: &Text<'_>) -> Vec<Vec<Edit>> {
    let labels = labels(text);
    let mut all = Vec::new();
    for because in &finding.because {
        let Some(line) = text.line(&because.origin) else { continue };
        for lost in &finding.lost {
            all.extend(
                other_places(report, &lost.place, line)
                    .into_iter()
                    .map(|line| vec![instead(&because.origin, line)]),
            );
        }
        all.extend(
            other_resources(&labels, line).into_iter().map(|line| vec![instead(&because.origin, line)]),
        );
    }
    all
}

/// The line with each other place of the same kind that lies in the same places.
fn other_places(report: &Report, place: &PlaceId, line: &str) -> Vec<String> {
    let Some(at) = word_at(line, place.as_str()) else { return Vec::new() };
    let Some(found) = report.inventory.places.get(place) else { return Vec::new() };
    let others = report.inventory.places.iter().filter(|(id, other)| {
        *id != place && other.kind == found.kind && other.within.keys().eq(found.within.keys())
    });
    others.map(|(id, _)| replaced(line, at, place.as_str(), id.as_str())).collect()
}

/// Resources of Terraform files: by kind the labels that are declared.
fn labels<'t>(text: &Text<'t>) -> BTreeMap<&'t str, BTreeSet<&'t str>> {
    let mut labels: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (_, text) in text.files().filter(|(path, _)| path.ends_with(".tf")) {
        for line in text.lines().filter(|line| line.starts_with("resource ")) {
            let mut parts = line.split('"').skip(1).step_by(2);
            if let (Some(kind), Some(label)) = (parts.next(), parts.next()) {
                labels.entry(kind).or_default().insert(label);
            }
        }
    }
    labels
}

/// The line with each other resource of a kind that it refers to, such as `alicloud_route_table.c` for `alicloud_route_table.b`.
fn other_resources(labels: &BTreeMap<&str, BTreeSet<&str>>, line: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for (kind, labels) in labels {
        for label in labels {
            let reference = format!("{kind}.{label}");
            // Followed by an attribute, so the word does not end there.
            let Some(at) = line.find(&format!("{reference}.")) else { continue };
            let others = labels.iter().filter(|other| *other != label);
            lines.extend(others.map(|other| replaced(line, at, &reference, &format!("{kind}.{other}"))));
        }
    }
    lines
}

fn replaced(line: &str, at: usize, old: &str, new: &str) -> String {
    let (before, after) =
        (line.get(..at).unwrap_or_default(), line.get(at + old.len()..).unwrap_or_default());
    format!("{before}{new}{after}")
}
