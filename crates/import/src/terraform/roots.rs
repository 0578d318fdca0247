//! Which folders are roots of their own: what Terraform would be run in.
//!
//! A folder with `.tf` files is a root unless another folder calls it as a module. A plan or state belongs to the root in its
//! folder; several of one kind in one folder are several roots, since `dev` and `prod` never add up.

use std::collections::{BTreeMap, BTreeSet};

use crate::SourceFile;
use crate::terraform::hcl::{self, Folder, is_code, is_values, parted};
use crate::terraform::recognise::{is_plan, is_state};

/// What Terraform would be run in, with what it was made into.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Root {
    /// Its folder, or for one of several plans or states in a folder the path of that file.
    pub(crate) name: String,
    /// Its folder.
    pub(crate) folder: String,
    /// Its folder and those of its modules; none when it has no `.tf` files.
    pub(crate) folders: BTreeSet<String>,
    /// The path of the plan as JSON.
    pub(crate) plan: Option<String>,
    /// The path of the state.
    pub(crate) state: Option<String>,
}

/// All roots among these files, by name. Files that are not Terraform's are passed over.
pub(crate) fn roots(files: &[&SourceFile]) -> Vec<Root> {
    let calls = hcl::calls(files);
    let mut plans: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut states: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut json: Vec<&SourceFile> = files.iter().copied().filter(|file| may_be_json(&file.path)).collect();
    json.sort_by(|a, b| a.path.cmp(&b.path));
    for file in json {
        let folder = parted(&file.path).0;
        if is_plan(&file.text) {
            plans.entry(folder).or_default().push(&file.path);
        } else if is_state(&file.text) {
            states.entry(folder).or_default().push(&file.path);
        }
    }
    let mut roots = Vec::new();
    let code = starts(&calls);
    let folders: BTreeSet<&str> =
        code.iter().map(String::as_str).chain(plans.keys().copied()).chain(states.keys().copied()).collect();
    for folder in folders {
        let reached = if code.contains(folder) { reached(folder, &calls) } else { BTreeSet::new() };
        let root = |name: &str| Root {
            name: name.to_owned(),
            folder: folder.to_owned(),
            folders: reached.clone(),
            ..Root::default()
        };
        let plans = plans.get(folder).map(Vec::as_slice).unwrap_or_default();
        let states = states.get(folder).map(Vec::as_slice).unwrap_or_default();
        if plans.len() <= 1 && states.len() <= 1 {
            let first = |all: &[&str]| all.first().map(|path| (*path).to_owned());
            roots.push(Root { plan: first(plans), state: first(states), ..root(folder) });
        } else {
            roots.extend(plans.iter().map(|path| Root { plan: Some((*path).to_owned()), ..root(path) }));
            roots.extend(states.iter().map(|path| Root { state: Some((*path).to_owned()), ..root(path) }));
        }
    }
    roots.sort_by(|a, b| a.name.cmp(&b.name));
    roots
}

fn may_be_json(path: &str) -> bool {
    (path.ends_with(".json") || path.ends_with(".tfstate")) && !is_code(path) && !is_values(path)
}

/// The folders that nobody calls, and one of each circle that nobody calls from outside.
fn starts(calls: &BTreeMap<String, BTreeSet<String>>) -> BTreeSet<String> {
    let called: BTreeSet<&String> =
        calls.iter().flat_map(|(from, to)| to.iter().filter(move |to| *to != from)).collect();
    let mut starts: BTreeSet<String> =
        calls.keys().filter(|folder| !called.contains(folder)).cloned().collect();
    let mut seen: BTreeSet<String> = starts.iter().flat_map(|start| reached(start, calls)).collect();
    for folder in calls.keys() {
        if !seen.contains(folder) {
            seen.extend(reached(folder, calls));
            starts.insert(folder.clone());
        }
    }
    starts
}

fn reached(start: &str, calls: &BTreeMap<String, BTreeSet<String>>) -> BTreeSet<String> {
    let mut reached = BTreeSet::from([start.to_owned()]);
    let mut open = vec![start.to_owned()];
    while let Some(folder) = open.pop() {
        for next in calls.get(&folder).into_iter().flatten().filter(|next| calls.contains_key(*next)) {
            if reached.insert(next.clone()) {
                open.push(next.clone());
            }
        }
    }
    reached
}

/// The local modules that a folder calls.
pub(super) fn called(folder: &Folder) -> BTreeSet<String> {
    let sources = folder.calls.values().filter_map(|call| call.body.attribute("source")?.text());
    sources.filter_map(|source| hcl::local(&folder.path, source)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> SourceFile {
        SourceFile { path: path.to_owned(), text: text.to_owned() }
    }

    const PLAN: &str = r#"{"format_version":"1.2","terraform_version":"1.11.4","planned_values":{}}"#;
    const STATE: &str = r#"{"version":4,"terraform_version":"1.11.4","serial":1,"resources":[]}"#;

    fn names(files: &[SourceFile]) -> Vec<String> {
        roots(&files.iter().collect::<Vec<_>>()).into_iter().map(|root| root.name).collect()
    }

    #[test]
    fn a_folder_that_is_called_as_a_module_is_no_root() {
        let files = [
            file("live/prod/main.tf", "module \"m\" {\n source = \"../../modules/m\"\n}\n"),
            file("live/dev/main.tf", "module \"m\" {\n source = \"../../modules/m\"\n}\n"),
            file("modules/m/main.tf", "module \"n\" {\n source = \"./n\"\n}\n"),
            file("modules/m/n/main.tf", "resource \"a_b\" \"c\" {}\n"),
            file("live/prod/terraform.tfstate", STATE),
            file("plans/a.json", PLAN),
            file("plans/b.json", PLAN),
            file("other/package.json", "{}"),
        ];
        assert_eq!(names(&files), ["live/dev", "live/prod", "plans/a.json", "plans/b.json"]);
        let roots = roots(&files.iter().collect::<Vec<_>>());
        assert_eq!(roots[1].state.as_deref(), Some("live/prod/terraform.tfstate"));
        assert!(roots[1].folders.contains("modules/m/n"));
    }

    #[test]
    fn of_a_circle_one_is_a_root() {
        let files = [
            file("a/m.tf", "module \"b\" {\n source = \"../b\"\n}"),
            file("b/m.tf", "module \"a\" {\n source = \"../a\"\n}"),
        ];
        assert_eq!(names(&files), ["a"]);
    }
}
