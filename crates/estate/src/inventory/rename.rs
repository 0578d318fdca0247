//! A service under another name.

use super::Inventory;
use crate::{InstanceId, ServiceId};

impl Inventory {
    /// Calls a service by another name, wherever the inventory speaks of it. Nothing changes when that name is taken.
    pub fn rename(&mut self, from: &ServiceId, to: &ServiceId) {
        if self.services.contains_key(to) {
            return;
        }
        let Some(mut service) = self.services.remove(from) else { return };
        for instance in &mut service.instances {
            if let Some(rest) = instance.id.as_str().strip_prefix(from.as_str()) {
                instance.id = InstanceId::new(format!("{to}{rest}"));
            }
        }
        self.services.insert(to.clone(), service);
        let needs = self.services.values_mut().flat_map(|service| &mut service.needs);
        let mechanisms = self
            .mechanisms
            .iter_mut()
            .flat_map(|mechanism| [Some(&mut mechanism.service), mechanism.by.as_mut()]);
        let steps = self.steps.iter_mut().flat_map(|step| [step.service.as_mut(), step.needs.as_mut()]);
        let named = (needs.map(|need| &mut need.service))
            .chain(self.entries.iter_mut().map(|entry| &mut entry.service))
            .chain(mechanisms.flatten())
            .chain(steps.flatten());
        named.filter(|service| *service == from).for_each(|service| service.clone_from(to));
    }
}
