//! From files to an estate: every problem in one pass, and an estate only when there is none.
//!
//! Files are read as trees ([`crate::tree`]), trees as sections ([`keys`]), and the sections of all files together are
//! put into the model, with ids unique and references checked. When a file cannot be read at all, references are not
//! judged: what they name may stand in it.

mod conditions;
mod entrances;
mod gateways;
mod keys;
mod places;
mod promises;
mod routes;
mod scalars;
mod schema;
mod services;
mod shape;
mod traffic;

use std::collections::BTreeMap;
use std::fmt::Display;

pub use schema::json_schema;

use crate::problem::{Problem, Problems, Severity, Spot};
use crate::tree;
use crate::{
    Acceptance, ActionBudget, Console, DrillId, Estate, GatewayId, Grades, Origin, PlaceId, ServiceId,
};
use keys::{
    AcceptKeys, BudgetKeys, ConsoleKeys, DrillKeys, EstateKeys, GatewayKeys, GradeKeys, PlaceKeys, Profile,
    ServiceKeys, Stated,
};
use shape::{At, Decode};

/// Reads files for the decoder, which does no I/O itself.
pub trait Files {
    /// The text of the file of that name, or why there is none, in a few words.
    fn read(&self, path: &str) -> Result<String, String>;
}

/// What came of decoding.
#[derive(Clone, Debug)]
pub struct Decoded {
    /// The estate; none when there is an error.
    pub estate: Option<Estate>,
    /// What is wrong, ordered by file and line.
    pub problems: Vec<Problem>,
    /// The files that were read, by name, for showing the lines that are meant.
    pub sources: BTreeMap<String, String>,
}

/// Reads the estate whose first file is `root`, and every file that it includes.
pub fn decode(root: &str, files: &dyn Files) -> Decoded {
    let mut reading = Reading {
        files,
        problems: Problems::new(),
        sources: BTreeMap::new(),
        open: Vec::new(),
        parts: Parts::default(),
        whole: true,
    };
    reading.file(root, None);
    let Reading { mut problems, sources, parts, whole, .. } = reading;
    let estate = assemble(parts, whole, root, &mut problems);
    let mut problems = problems.list;
    problems.sort_by(|a, b| a.origin.cmp(&b.origin));
    let broken = problems.iter().any(|problem| problem.severity == Severity::Error);
    Decoded { estate: estate.filter(|_| !broken), problems, sources }
}

/// Things by name as they were read; a name whose body was unusable is still known.
type Declared<K, V> = Vec<(At<K>, Option<At<V>>)>;

/// The sections of all files together.
#[derive(Default)]
struct Parts {
    estate: Option<At<String>>,
    imports: Vec<(String, Origin)>,
    places: Declared<PlaceId, PlaceKeys>,
    services: Declared<ServiceId, ServiceKeys>,
    gateways: Declared<GatewayId, GatewayKeys>,
    drills: Declared<DrillId, DrillKeys>,
    profile: Option<At<Profile>>,
    promises: Vec<Stated>,
    budget: Option<At<BudgetKeys>>,
    grades: Option<At<GradeKeys>>,
    quiet: Option<At<std::time::Duration>>,
    console: Option<At<ConsoleKeys>>,
    accepts: Vec<At<AcceptKeys>>,
}

struct Reading<'f> {
    files: &'f dyn Files,
    problems: Problems,
    sources: BTreeMap<String, String>,
    /// The files that are being read, each included by the one before it.
    open: Vec<String>,
    parts: Parts,
    whole: bool,
}

impl Reading<'_> {
    /// Reads one file and what it includes; `from` is where it was named.
    fn file(&mut self, path: &str, from: Option<Spot>) {
        let text = match self.files.read(path) {
            Ok(text) => text,
            Err(why) => {
                self.whole = false;
                let number = self.problems.file(path);
                let message = format!("`{path}` cannot be read: {why}");
                match from {
                    Some(at) => self.problems.add_with_help(
                        "include",
                        at,
                        message,
                        "name a file, as seen from the one that includes it",
                    ),
                    None => self.problems.add_with_help(
                        "unreadable",
                        Spot { file: number, ..Spot::default() },
                        message,
                        "name the estate's file, or the folder with its `dinghai.yaml`",
                    ),
                }
                return;
            }
        };
        let number = self.problems.file(path);
        let keys = match tree::read(&text, number, &mut self.problems) {
            Some(root) => EstateKeys::decode(&root, &mut self.problems),
            None => None,
        };
        let empty = keys.is_none() && self.problems.list.iter().all(|problem| problem.origin.file != path);
        self.sources.insert(path.to_owned(), text);
        self.open.push(path.to_owned());
        match keys {
            Some(keys) => self.sections(path, keys),
            None if empty => {
                let at = Spot { file: number, line: 1, column: 1, length: 1 };
                let help = "begin with `estate: NAME` and a section such as `services:`";
                self.problems.add_with_help("empty", at, "this file says nothing", help);
                self.whole = false;
            }
            None => self.whole = false,
        }
        self.open.pop();
    }

    fn sections(&mut self, path: &str, keys: EstateKeys) {
        self.whole &= !keys.lacking;
        let problems = &mut self.problems;
        once("estate", &mut self.parts.estate, keys.estate, problems);
        once("budget", &mut self.parts.budget, keys.budget, problems);
        once("grades", &mut self.parts.grades, keys.grades, problems);
        once("quiet", &mut self.parts.quiet, keys.quiet, problems);
        once("console", &mut self.parts.console, keys.console, problems);
        if let Some(promises) = keys.promises {
            once("profile", &mut self.parts.profile, promises.value.profile, problems);
            self.parts.promises.extend(promises.value.stated);
        }
        self.parts.places.extend(keys.places.into_iter().flat_map(|section| section.value.0));
        self.parts.services.extend(keys.services.into_iter().flat_map(|section| section.value.0));
        self.parts.gateways.extend(keys.gateways.into_iter().flat_map(|section| section.value.0));
        self.parts.drills.extend(keys.drills.into_iter().flat_map(|section| section.value.0));
        for import in keys.import.into_iter().flat_map(|list| list.value) {
            self.import(path, &import);
        }
        self.parts.accepts.extend(keys.accept.into_iter().flat_map(|list| list.value));
        for include in keys.include.into_iter().flat_map(|list| list.value) {
            self.include(path, &include);
        }
    }

    /// Keeps what to import, as seen from where the root is named. It is not read here.
    fn import(&mut self, path: &str, import: &At<String>) {
        let Some(target) = beside(path, &import.value) else {
            let message = format!("`{}` is not a path relative to this file", import.value);
            let help = "name a file or folder as seen from this one: `.` is the folder of this file";
            self.problems.add_with_help("import", import.at, message, help);
            return;
        };
        if self.parts.imports.iter().all(|(known, _)| *known != target) {
            self.parts.imports.push((target, self.problems.origin(import.at)));
        }
    }

    fn include(&mut self, path: &str, include: &At<String>) {
        let Some(target) = relative(path, &include.value) else {
            let message = format!("`{}` is not a path relative to this file", include.value);
            let help = "name the file as seen from this one, such as `services/order.yaml`";
            self.problems.add_with_help("include", include.at, message, help);
            return;
        };
        if self.open.contains(&target) {
            let message = match target == path {
                true => format!("`{target}` includes itself"),
                false => format!("`{target}` is included by way of itself: {}", self.open.join(" → ")),
            };
            self.problems.add_with_help("include", include.at, message, "remove this line");
        } else if !self.sources.contains_key(&target) {
            self.file(&target, Some(include.at));
        }
    }
}

/// `include` as seen from where `path` is named; none when it is absolute, empty or ends at a folder.
fn relative(path: &str, include: &str) -> Option<String> {
    let file = |part: &str| !matches!(part, "" | "." | "..");
    match include.rsplit('/').next().is_some_and(file) {
        true => beside(path, include),
        false => None,
    }
}

/// A file or folder as seen from where `path` is named; none when it is absolute or empty.
fn beside(path: &str, other: &str) -> Option<String> {
    if other.starts_with('/') || other.is_empty() {
        return None;
    }
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(other.split('/')) {
        match part {
            "" if parts.is_empty() && path.starts_with('/') => parts.push(""),
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| !matches!(*last, "" | "..")) => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    Some(match parts.is_empty() {
        true => ".".to_owned(),
        false => parts.join("/"),
    })
}

/// Keeps what only one file may say.
fn once<T>(key: &str, kept: &mut Option<At<T>>, read: Option<At<T>>, problems: &mut Problems) {
    match (&kept, read) {
        (Some(first), Some(again)) => problems.twice("the key", key, first.at, again.at),
        (None, read) => *kept = read,
        (Some(_), None) => {}
    }
}

/// By name, each once; a second declaration is a problem that names both places.
fn unique<K: Ord + Clone + Display, V>(
    what: &str,
    declared: Declared<K, V>,
    problems: &mut Problems,
) -> BTreeMap<K, (Spot, Option<V>)> {
    let mut kept: BTreeMap<K, (Spot, Option<V>)> = BTreeMap::new();
    for (name, body) in declared {
        match kept.get(&name.value) {
            Some((first, _)) => problems.twice(what, &name.value.to_string(), *first, name.at),
            None => {
                kept.insert(name.value, (name.at, body.map(|body| body.value)));
            }
        }
    }
    kept
}

/// Notes a reference to something that nobody declares.
fn unknown<'k>(
    what: &str,
    name: &str,
    at: Spot,
    known: impl IntoIterator<Item = &'k str>,
    problems: &mut Problems,
) {
    let help = match problems.nearest(name, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("declare the {what} `{name}`, or name one that is declared"),
    };
    problems.add_with_help("unknown-reference", at, format!("unknown {what} `{name}`"), help);
}

/// Puts the sections together. None when a part is missing, which is then among the problems.
fn assemble(parts: Parts, whole: bool, root: &str, problems: &mut Problems) -> Option<Estate> {
    if parts.estate.is_none() && whole {
        let file = problems.files.iter().position(|file| file == root).unwrap_or(0);
        let at = Spot { file: u32::try_from(file).unwrap_or(0), line: 1, column: 1, length: 1 };
        let help = "begin with `estate: NAME`";
        problems.add_with_help("missing-key", at, "the estate has no name", help);
    }
    let places = places::assemble(unique_places(parts.places, problems), whole, problems);
    let services = unique("service", parts.services, problems);
    let imports = !parts.imports.is_empty();
    let (services, instances) = services::assemble(services, &places, whole, imports, problems);
    let gateways = unique("gateway", parts.gateways, problems);
    let gateways = gateways::assemble(gateways, &services, whole, problems);
    let promises = promises::assemble(parts.profile, parts.promises, problems);
    let drills = unique("drill", parts.drills, problems);
    let drills = promises::drills(drills, &places, &instances, whole, problems);
    let accepts = parts.accepts.into_iter().filter_map(|keys| accepted(keys, problems)).collect();
    let grades = parts.grades.map(|keys| {
        let grades = Grades {
            p0_failed: keys.value.p0_failed.value.0,
            p0_services: keys.value.p0_services.value.0,
            p1_failed: keys.value.p1_failed.value.0,
        };
        if grades.p1_failed > grades.p0_failed {
            let message = "`p1-failed` is above `p0-failed`: P1 would begin after P0";
            problems.add_with_help("bad-value", keys.at, message, "make `p1-failed` the smaller one");
        }
        grades
    });
    let budget = parts.budget.map(|keys| ActionBudget {
        per_service: keys.value.per_service.value,
        places: keys.value.places.value,
        window: keys.value.window.value,
    });
    Some(Estate {
        name: parts.estate?.value,
        imports: parts.imports,
        places,
        services: services.into_iter().filter_map(|(id, service)| Some((id, service?))).collect(),
        gateways,
        promises,
        drills,
        budget: budget.unwrap_or_default(),
        grades: grades.unwrap_or_default(),
        quiet: parts.quiet.map_or(QUIET, |quiet| quiet.value),
        console: parts
            .console
            .map_or_else(Console::default, |keys| Console { listen: keys.value.listen.value }),
        accepts,
    })
}

/// One accepted finding. What it is about may be known from other files, so that names are not judged here.
fn accepted(keys: At<AcceptKeys>, problems: &mut Problems) -> Option<Acceptance> {
    let At { value: keys, at } = keys;
    if let Some(reason) = keys.reason.as_ref().filter(|reason| reason.value.trim().is_empty()) {
        let help = "say in a few words why it is left as it is, for whoever reads this when `until` has come";
        problems.add_with_help("bad-value", reason.at, "this reason is empty", help);
    }
    Some(Acceptance {
        rule: keys.rule?.value,
        about: keys.about.into_iter().flat_map(|list| list.value.0).map(|name| name.value).collect(),
        lost: keys.lost.into_iter().flat_map(|list| list.value.0).map(|name| name.value).collect(),
        reason: keys.reason?.value,
        until: keys.until?.value,
        origin: problems.origin(at),
    })
}

/// How long an incident stays open unless said.
const QUIET: std::time::Duration = std::time::Duration::from_secs(600);

/// Places, with those that a region declares by its `zones`.
fn unique_places(
    mut declared: Declared<PlaceId, PlaceKeys>,
    problems: &mut Problems,
) -> BTreeMap<PlaceId, (Spot, Option<PlaceKeys>)> {
    let zones: Vec<_> = declared
        .iter_mut()
        .filter_map(|(region, body)| Some((&*region, &mut body.as_mut()?.value)))
        .flat_map(|(region, keys)| places::zones(region, keys, problems))
        .collect();
    declared.extend(zones);
    unique("place", declared, problems)
}

#[cfg(test)]
mod tests {
    use super::{beside, relative};

    #[test]
    fn includes_are_relative_to_the_including_file() {
        let cases = [
            ("dinghai.yaml", "a.yaml", Some("a.yaml")),
            ("x/dinghai.yaml", "./b/../a.yaml", Some("x/a.yaml")),
            ("x/dinghai.yaml", "../../a.yaml", Some("../a.yaml")),
            ("/x/y/dinghai.yaml", "../a.yaml", Some("/x/a.yaml")),
            ("dinghai.yaml", "/etc/passwd", None),
            ("dinghai.yaml", "a/", None),
            ("dinghai.yaml", "", None),
        ];
        for (path, include, target) in cases {
            assert_eq!(relative(path, include).as_deref(), target, "{path} {include}");
        }
    }

    #[test]
    fn imports_may_be_folders_and_are_seen_from_where_the_root_is_named() {
        let cases = [
            ("dinghai.yaml", ".", Some(".")),
            ("x/dinghai.yaml", ".", Some("x")),
            ("x/dinghai.yaml", "./lb/", Some("x/lb")),
            ("x/dinghai.yaml", "../k8s", Some("k8s")),
            ("x/dinghai.yaml", "..", Some(".")),
            ("/x/dinghai.yaml", ".", Some("/x")),
            ("dinghai.yaml", "/etc", None),
            ("dinghai.yaml", "", None),
        ];
        for (path, import, target) in cases {
            assert_eq!(beside(path, import).as_deref(), target, "{path} {import}");
        }
    }
}
