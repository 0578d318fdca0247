//! A digest of what an estate means.

use sha2::{Digest, Sha256};

use crate::{Estate, Origin};

impl Estate {
    /// A SHA-256 over the meaning: the order of keys and lists, and where things stand, change nothing.
    pub fn digest(&self) -> [u8; 32] {
        let mut bare = self.clone();
        // What is accepted changes what is told of an estate, and nothing of what it is.
        bare.accepts.clear();
        bare.places.values_mut().for_each(|place| place.origin = Origin::default());
        bare.imports.iter_mut().for_each(|(_, origin)| *origin = Origin::default());
        bare.imports.sort();
        for service in bare.services.values_mut() {
            service.origin = Origin::default();
            service.instances.iter_mut().for_each(|instance| instance.origin = Origin::default());
            service.instances.sort_by(|a, b| a.id.cmp(&b.id));
            service.needs.iter_mut().for_each(|need| need.origin = Origin::default());
            service.needs.sort_by(|a, b| a.service.cmp(&b.service));
            service.capacity.iter_mut().for_each(|capacity| capacity.origin = Origin::default());
            service.value.iter_mut().for_each(|value| value.origin = Origin::default());
        }
        bare.gateways.values_mut().for_each(|gateway| *gateway = gateway.bare());
        bare.promises.values_mut().for_each(|promise| promise.origin = Origin::default());
        bare.drills.values_mut().for_each(|drill| drill.origin = Origin::default());
        // Only an estate made by hand can hold what JSON cannot (a path that is not UTF-8); the decoder makes none.
        let text = serde_json::to_vec(&bare).unwrap_or_default();
        Sha256::digest(text).into()
    }
}
