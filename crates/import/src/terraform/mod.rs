//! Terraform: plan and state JSON and plain `.tf` files all become [`Resource`]s, and these become facts.

use dinghai_estate::Origin;

mod address;
mod alicloud;
mod aws;
mod configuration;
mod copies;
mod entry;
mod facts;
#[cfg(test)]
mod facts_tests;
mod ground;
mod hcl;
mod index;
mod json;
mod lead;
mod lists;
mod mention;
mod merge;
mod names;
mod naming;
mod plan;
mod protection;
mod quiet;
mod reach;
mod read;
mod recognise;
mod roots;
#[cfg(test)]
mod sample;
mod secret;
mod state;
mod survey;
mod timers;
mod ways_out;
mod zones;

pub(crate) use recognise::{is_log, is_plan, is_state};
pub(crate) use roots::{Root, roots};

use std::collections::BTreeSet;

use crate::SourceFile;
use crate::fragment::Fragment;
use crate::value::Node;

/// One resource or data source, after `count` and `for_each`.
///
/// What another resource will only know once it is made stands in `body` as [`crate::value::Value::Reference`]; what nobody
/// can work out from the files as [`crate::value::Value::Unknown`].
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Resource {
    /// Its full address, such as `module.shop["eu"].aws_instance.web[0]`.
    pub(crate) address: String,
    /// Whether it is a data source: it exists already and is only looked up.
    pub(crate) data: bool,
    /// Its type, such as `aws_instance`.
    pub(crate) kind: String,
    /// Its arguments; nested blocks are lists of maps, as in state files.
    pub(crate) body: Node,
    /// Why there may be more or fewer of it, when its `count` or `for_each` cannot be worked out.
    pub(crate) repeats: Option<String>,
    /// The line that declares it.
    pub(crate) origin: Origin,
}

/// What one root says, before names are resolved; and the files that it consists of.
pub(crate) fn fragment<'f>(root: &Root, files: &[&'f SourceFile]) -> (Fragment, BTreeSet<&'f str>) {
    let read = read::read(root, files);
    let region_of = |resource: &Resource| {
        let region = read.region_of(resource)?;
        Some((region.str()?.to_owned(), region.origin()))
    };
    let mut fragment = facts::facts(&root.name, &read.resources, &region_of);
    for unseen in read.unseen {
        fragment.unseen(unseen.origin, unseen.what);
    }
    fragment.secrets.extend(read.secrets);
    let is_own = |path: &str| {
        let snapshot = [&root.plan, &root.state].into_iter().flatten().any(|own| own == path);
        snapshot || (!path.ends_with(".tfstate") && root.folders.contains(hcl::folder::parted(path).0))
    };
    let own = files.iter().map(|file| file.path.as_str()).filter(|path| is_own(path)).collect();
    (fragment, own)
}
