//! All that is known of one root: its resources from `.tf` files, plan and state as one.

use std::collections::{BTreeMap, BTreeSet};

use dinghai_estate::{Origin, Unseen};

use crate::SourceFile;
use crate::terraform::hcl::{self, parted};
use crate::terraform::merge::{self, Sources};
use crate::terraform::roots::Root;
use crate::terraform::secret::hide_known;
use crate::terraform::{Resource, plan, state};
use crate::value::Node;

/// What was read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Read {
    /// By address.
    pub(crate) resources: Vec<Resource>,
    /// What was not understood.
    pub(crate) unseen: Vec<Unseen>,
    /// Modules that are not among the files, by address. A plan or state may still have what they make.
    pub(crate) absent: BTreeMap<String, Unseen>,
    /// Values that must never be shown.
    pub(crate) secrets: BTreeSet<String>,
    /// The `region` of each provider configuration: of `aws`, and of `aws.west` for an alias.
    pub(crate) regions: BTreeMap<String, Node>,
    /// Which provider configuration a resource uses, by its address; see [`Read::region_of`].
    pub(crate) providers: BTreeMap<String, String>,
}

impl Read {
    /// The `region` of the provider configuration that a resource uses, when a file says it.
    pub(crate) fn region_of(&self, resource: &Resource) -> Option<&Node> {
        let vendor = resource.kind.split('_').next().unwrap_or_default();
        let provider = self.providers.get(&resource.address).map_or(vendor, String::as_str);
        self.regions.get(provider)
    }

    /// Takes in another reading, all but its resources, which are given back. A file's own word about a region wins.
    fn take(&mut self, other: Self) -> Vec<Resource> {
        for unseen in other.unseen {
            self.unseen(unseen.origin, unseen.what);
        }
        self.secrets.extend(other.secrets);
        for (name, region) in other.regions {
            match self.regions.get(&name) {
                Some(known) if known.unknown().is_none() => {}
                _ => {
                    self.regions.insert(name, region);
                }
            }
        }
        for (address, provider) in other.providers {
            self.providers.entry(address).or_insert(provider);
        }
        other.resources
    }

    /// Takes every text out of the resources that another place shows to be secret.
    pub(crate) fn hide_known_secrets(&mut self) {
        if !self.secrets.is_empty() {
            self.resources.iter_mut().for_each(|found| hide_known(&mut found.body, &self.secrets));
        }
    }

    /// Notes what was not understood.
    pub(crate) fn unseen(&mut self, origin: Origin, what: impl Into<String>) {
        let unseen = Unseen { origin, what: what.into() };
        if !self.unseen.contains(&unseen) {
            self.unseen.push(unseen);
        }
    }
}

/// Reads a root; `files` may hold more than its own.
pub(crate) fn read(root: &Root, files: &[&SourceFile]) -> Read {
    let of = |path: &Option<String>| {
        let path = path.as_ref()?;
        files.iter().find(|file| file.path == *path)
    };
    let code: Vec<&SourceFile> =
        files.iter().copied().filter(|file| root.folders.contains(parted(&file.path).0)).collect();
    let mut read = if root.folders.is_empty() { Read::default() } else { hcl::read(&root.folder, &code) };
    let plan = of(&root.plan).map(|file| plan::read(&file.path, &file.text));
    let state = of(&root.state).map(|file| state::read(&file.path, &file.text));
    let code = std::mem::take(&mut read.resources);
    let plan = plan.map(|plan| read.take(plan));
    let state = state.map(|state| read.take(state));
    read.resources = merge::resources(Sources { code, plan, state }, &mut read.secrets);
    read.hide_known_secrets();
    for (address, unseen) in std::mem::take(&mut read.absent) {
        let inside = |found: &Resource| {
            found.address.strip_prefix(&address).is_some_and(|rest| rest.starts_with(['.', '[']))
        };
        if !read.resources.iter().any(inside) {
            read.unseen(unseen.origin, unseen.what);
        }
    }
    read
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terraform::roots::roots;
    use crate::terraform::sample::told;

    const FILES: [(&str, &str); 4] = [
        ("main.tf", include_str!("samples/plan/main.tf")),
        ("shop/main.tf", include_str!("samples/plan/shop/main.tf")),
        ("plan.json", include_str!("samples/plan/plan.json")),
        ("terraform.tfstate", include_str!("samples/plan/terraform.tfstate")),
    ];

    fn read_of(names: &[&str]) -> Read {
        let files = FILES.iter().filter(|(name, _)| names.contains(name));
        let files: Vec<SourceFile> = files
            .map(|(name, text)| SourceFile { path: (*name).to_owned(), text: (*text).to_owned() })
            .collect();
        let files: Vec<&SourceFile> = files.iter().collect();
        let roots = roots(&files);
        assert_eq!(roots.len(), 1);
        read(&roots[0], &files)
    }

    #[test]
    fn files_plan_and_state_tell_of_the_same_resources() {
        let code = ["main.tf", "shop/main.tf"];
        let addresses = |names: &[&str]| -> Vec<String> {
            read_of(names).resources.into_iter().map(|found| found.address).collect()
        };
        let all = addresses(&code);
        assert_eq!(all.len(), 8);
        for names in [
            &["plan.json"][..],
            &["terraform.tfstate"],
            &["plan.json", "terraform.tfstate"],
            &FILES.map(|(name, _)| name),
        ] {
            assert_eq!(addresses(names), all, "{names:?}");
        }
    }

    #[test]
    fn what_the_plan_knows_has_the_line_of_the_file() {
        insta::assert_snapshot!(told(&read_of(&["main.tf", "shop/main.tf", "plan.json"])));
    }

    #[test]
    fn an_unknown_number_is_counted_by_the_state() {
        let code = "variable \"n\" {}\nresource \"aws_x\" \"y\" {\n count = var.n\n zone = \"a\"\n}\n";
        let state = r#"{"version":4,"terraform_version":"1","serial":1,"resources":[{"mode":"managed","type":"aws_x","name":"y",
            "instances":[{"index_key":0,"attributes":{"id":"i-0","zone":"a"}},{"index_key":1,"attributes":{"id":"i-1"}}]}]}"#;
        let files = [("m.tf", code), ("terraform.tfstate", state)]
            .map(|(path, text)| SourceFile { path: path.to_owned(), text: text.to_owned() });
        let files: Vec<&SourceFile> = files.iter().collect();
        let read = read(&roots(&files)[0], &files);
        let told: Vec<_> = read
            .resources
            .iter()
            .map(|one| (one.address.as_str(), one.repeats.is_some(), one.origin.line))
            .collect();
        assert_eq!(told, [("aws_x.y[0]", false, 2), ("aws_x.y[1]", false, 2)]);
        assert_eq!(read.resources[1].body.get("id").unwrap().str(), Some("i-1"));
        assert_eq!(read.resources[1].body.get("zone").unwrap().line, 4);
    }
}
