//! From files to estates: every root is read by its own format and linked by itself, or all together where the user says so.

use std::collections::{BTreeMap, BTreeSet};

use dinghai_estate::{Inventory, Unseen};

use crate::format::{Format, format};
use crate::fragment::Fragment;
use crate::groups::{Member, folder, groups, is_environment};
use crate::link::link;
use crate::overlays::{Overlays, declares};
use crate::{SourceFile, compose, kubernetes, machines, terraform};

/// Whether roots are estates of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joining<'n> {
    /// Each Terraform root, overlay, Compose project and folder of an environment is one, so that `dev` and `prod` never add up to
    /// redundancy.
    Apart,
    /// All files belong to the estate of this name: the user has said so.
    Together(&'n str),
}

/// One estate's facts.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// What its files say.
    pub inventory: Inventory,
    /// The files that it was read from, by path.
    pub files: BTreeSet<String>,
    /// Values that must never be shown, such as passwords in a state.
    pub secrets: BTreeSet<String>,
}

/// What came of all files.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Import {
    /// By name.
    pub estates: Vec<Imported>,
    /// Files of no format that is read here, by path.
    pub other: BTreeSet<String>,
    /// What was not understood and belongs to no estate, such as a chart that Helm has to render.
    pub unseen: Vec<Unseen>,
}

/// One root: its files, and what they say.
struct Unit<'f> {
    files: BTreeSet<&'f str>,
    fragment: Fragment,
}

/// Reads files of any of the formats. The order of the files changes nothing.
pub fn import(files: &[SourceFile], joining: Joining<'_>) -> Import {
    let mut sorted: Vec<&SourceFile> = files.iter().collect();
    sorted.sort_by(|a, b| (&a.path, &a.text).cmp(&(&b.path, &b.text)));
    let mut by_format: BTreeMap<Format, Vec<&SourceFile>> = BTreeMap::new();
    let mut other = BTreeSet::new();
    for file in &sorted {
        match format(file) {
            Some(format) => by_format.entry(format).or_default().push(file),
            None => {
                other.insert(file.path.clone());
            }
        }
    }
    let of = |format: Format| by_format.get(&format).map_or(&[][..], Vec::as_slice);
    let mut units = terraform_units(of(Format::Terraform));
    units.extend(compose_units(of(Format::Compose), &sorted));
    units.extend(kubernetes_units(of(Format::Kubernetes), of(Format::Kustomization), &sorted));
    units.extend(helm_units(of(Format::Helm)));
    units.extend(machine_units(of(Format::Machine)));
    // What another file drew in, such as an included configuration, is no stranger.
    for unit in &units {
        other.retain(|path| !unit.files.contains(path.as_str()));
    }
    // What says nothing about any service is no estate, and what it could not tell is told all the same.
    let (units, empty): (Vec<_>, Vec<_>) =
        units.into_iter().partition(|unit| !unit.fragment.inventory.services.is_empty());
    let mut unseen: Vec<Unseen> = empty.into_iter().flat_map(|unit| unit.fragment.inventory.unseen).collect();
    unseen.sort();
    unseen.dedup();
    let estates = match joining {
        Joining::Apart => apart(units),
        Joining::Together(name) => together(name, units).into_iter().collect(),
    };
    Import { estates, other, unseen }
}

fn apart(units: Vec<Unit<'_>>) -> Vec<Imported> {
    let mut estates: Vec<Imported> =
        units.into_iter().map(|unit| imported(unit.fragment, unit.files)).collect();
    estates.sort_by(|a, b| a.inventory.name.cmp(&b.inventory.name));
    estates
}

fn together(name: &str, units: Vec<Unit<'_>>) -> Option<Imported> {
    let mut units = units.into_iter();
    let mut first = units.next()?;
    for unit in units {
        first.fragment.add(unit.fragment);
        first.files.extend(unit.files);
    }
    first.fragment.inventory.name = name.to_owned();
    Some(imported(first.fragment, first.files))
}

fn imported(mut fragment: Fragment, files: BTreeSet<&str>) -> Imported {
    let secrets = std::mem::take(&mut fragment.secrets);
    Imported { inventory: link(fragment), files: files.into_iter().map(str::to_owned).collect(), secrets }
}

fn terraform_units<'f>(files: &[&'f SourceFile]) -> Vec<Unit<'f>> {
    let unit = |root| {
        let (fragment, files) = terraform::fragment(&root, files);
        Unit { files, fragment }
    };
    terraform::roots(files).into_iter().map(unit).collect()
}

/// A project for each folder with Compose files. Files that are variants of each other (`compose.dev.yaml`, `compose.prod.yaml`)
/// are environments, and each is laid over the base by itself.
fn compose_units<'f>(files: &[&'f SourceFile], all: &[&'f SourceFile]) -> Vec<Unit<'f>> {
    let mut folders: BTreeMap<&str, Vec<&'f SourceFile>> = BTreeMap::new();
    for file in files.iter().filter(|file| !file.path.ends_with(".env")) {
        folders.entry(folder(&file.path)).or_default().push(file);
    }
    let mut units = Vec::new();
    for (folder, files) in folders {
        let (variants, base): (Vec<_>, Vec<_>) = files.iter().partition(|file| is_variant(&file.path));
        let projects: Vec<(String, Vec<&'f SourceFile>)> = match (base.is_empty(), variants.is_empty()) {
            (_, true) => vec![(folder.to_owned(), base)],
            (true, _) => variants.into_iter().map(|file| (file.path.clone(), vec![file])).collect(),
            (false, false) => {
                let with =
                    |file: &'f SourceFile| (file.path.clone(), base.iter().copied().chain([file]).collect());
                variants.into_iter().map(with).collect()
            }
        };
        for (name, project) in projects {
            // What the project refers to may lie anywhere: `env_file`, `extends`, `include`.
            let named = |path: &str| project.iter().any(|file| file.path == path);
            let beside = all
                .iter()
                .copied()
                .filter(|file| !named(&file.path) && !compose::has_compose_name(&file.path));
            let whole: Vec<&SourceFile> = project.iter().copied().chain(beside).collect();
            let fragment = compose::read(&name, &whole);
            units.push(Unit { files: project.iter().map(|file| file.path.as_str()).collect(), fragment });
        }
    }
    units
}

/// Whether a Compose file is for one environment only: a word of its name says so.
fn is_variant(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let stem = name.trim_end_matches(".yaml").trim_end_matches(".yml");
    stem.split('.').skip(1).any(is_environment)
        || stem.strip_prefix("docker-compose-").is_some_and(is_environment)
}

/// Each overlay that no other one builds on, and the plain manifests beside them by folder.
fn kubernetes_units<'f>(
    manifests: &[&'f SourceFile],
    kustomizations: &[&'f SourceFile],
    all: &[&'f SourceFile],
) -> Vec<Unit<'f>> {
    let overlays = Overlays::of(kustomizations);
    let mut units: Vec<Unit<'f>> = overlays
        .roots()
        .map(|path| {
            let files = overlays.files(path, all);
            Unit { fragment: kubernetes::read_overlay(folder(path), all, path), files }
        })
        .collect();
    let plain: Vec<&SourceFile> =
        manifests.iter().copied().filter(|file| !overlays.names(&file.path)).collect();
    units.extend(overlays.idle(all).map(|path| {
        let mut fragment = Fragment::new(folder(path), "kubernetes");
        fragment.unseen_file(path, "no overlay here uses this component: it was not looked at");
        Unit { fragment, files: overlays.files(path, all) }
    }));
    let members: Vec<Member<'f>> =
        plain.iter().map(|file| Member { path: &file.path, declares: declares(file) }).collect();
    for group in groups(&members) {
        let files: Vec<&SourceFile> =
            plain.iter().copied().filter(|file| group.paths.contains(&file.path.as_str())).collect();
        let name = if group.paths.len() == 1 { group.paths.concat() } else { group.folder };
        units.push(Unit {
            fragment: kubernetes::read(&name, &files),
            files: group.paths.into_iter().collect(),
        });
    }
    units
}

/// Charts, each told once. Their templates belong to them.
fn helm_units<'f>(files: &[&'f SourceFile]) -> Vec<Unit<'f>> {
    let mut charts: BTreeMap<&str, BTreeSet<&'f str>> = BTreeMap::new();
    for file in files {
        let folder = folder(&file.path);
        let chart = folder.split_once("/templates").map_or(folder, |(chart, _)| chart);
        let chart = if chart == "templates" || chart.starts_with("templates/") { "." } else { chart };
        charts.entry(chart).or_default().insert(&file.path);
    }
    let unit = |(chart, files): (&str, BTreeSet<&'f str>)| {
        let folder = if chart == "." { "" } else { chart };
        Unit { fragment: kubernetes::chart(chart, folder), files }
    };
    charts.into_iter().map(unit).collect()
}

/// Configuration files of machines by folder: what stands in `lb-a/` and `pg-1/` works together.
fn machine_units<'f>(files: &[&'f SourceFile]) -> Vec<Unit<'f>> {
    let members: Vec<Member<'f>> =
        files.iter().map(|file| Member { path: &file.path, declares: BTreeSet::new() }).collect();
    groups(&members)
        .into_iter()
        .map(|group| {
            let own: Vec<&SourceFile> =
                files.iter().copied().filter(|file| group.paths.contains(&file.path.as_str())).collect();
            let name = if group.paths.len() == 1 { group.paths.concat() } else { group.folder };
            Unit { fragment: machines::read(&name, &own), files: group.paths.into_iter().collect() }
        })
        .collect()
}
