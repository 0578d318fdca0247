//! All that is known of one root: its resources from `.tf` files, plan and state as one.

use std::collections::{BTreeMap, BTreeSet};

use dinghai_estate::{Origin, Unseen};

use crate::terraform::Resource;
use crate::terraform::secret::hide_known;
use crate::value::Node;

/// What was read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Read {
    /// By address.
    pub(crate) resources: Vec<Resource>,
    /// What was not understood.
    pub(crate) unseen: Vec<Unseen>,
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
