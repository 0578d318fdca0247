//! From files to estates: every root is read by its own format and linked by itself, or all together where the user says so.

use std::collections::{BTreeMap, BTreeSet};

use dinghai_estate::Inventory;

use crate::format::{Format, Program, format};
use crate::fragment::Fragment;
use crate::groups::{Member, folder, groups, is_environment};
use crate::link::link;
use crate::{SourceFile, compose, haproxy, keepalived, kubernetes, kustomize, nginx, patroni, terraform};

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
}

/// One root: what it is called, and its files.
struct Unit<'f> {
    name: String,
    files: BTreeSet<&'f str>,
    fragment: Fragment,
}

/// Reads files of any of the formats. The order of the files changes nothing.
pub fn import(files: &[SourceFile], joining: Joining<'_>) -> Import {
    let mut sorted: Vec<&SourceFile> = files.iter().collect();
    sorted.sort_by(|a, b| a.path.cmp(&b.path));
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
    units.extend(kubernetes_units(of(Format::Kubernetes), of(Format::Kustomization), of(Format::Helm), &sorted));
    units.extend(machine_units(&by_format, &sorted));
    // What another file drew in, such as an included configuration, is no stranger.
    for unit in &units {
        other.retain(|path| !unit.files.contains(path.as_str()));
    }
    let estates = match joining {
        Joining::Apart => apart(units),
        Joining::Together(name) => together(name, units).into_iter().collect(),
    };
    Import { estates, other }
}

fn apart(units: Vec<Unit<'_>>) -> Vec<Imported> {
    let mut estates: Vec<Imported> = units.into_iter().map(|unit| imported(unit.fragment, unit.files)).collect();
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
    let roots = terraform::roots(files);
    roots
        .into_iter()
        .map(|root| {
            let fragment = terraform::fragment(&root, files);
            Unit { name: root.name, files: root.files.into_iter().collect(), fragment }
        })
        .collect()
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
                let with = |file: &'f SourceFile| (file.path.clone(), base.iter().copied().chain([file]).collect());
                variants.into_iter().map(with).collect()
            }
        };
        for (name, project) in projects {
            // What the project refers to may lie anywhere: `env_file`, `extends`, `include`.
            let named = |path: &str| project.iter().any(|file| file.path == path);
            let beside = all.iter().copied().filter(|file| !named(&file.path) && !compose::has_compose_name(&file.path));
            let whole: Vec<&SourceFile> = project.iter().copied().chain(beside).collect();
            let fragment = compose::read(&name, &whole);
            units.push(Unit { name, files: project.iter().map(|file| file.path.as_str()).collect(), fragment });
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
