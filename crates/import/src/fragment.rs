//! What one importer has read so far: an inventory in the making, and the names by which its parts find each other.
//!
//! An importer does not resolve names itself. It says which names a service answers to ([`Fragment::known_as`]) and which
//! names a service reaches for ([`Fragment::wants`]); [`crate::link`] brings the two together once everything is read, so that a
//! HAProxy `server 10.0.1.11:5432` finds the Patroni member that another file declares.

use std::collections::{BTreeMap, BTreeSet};

use dinghai_estate::{
    FoundPlace, FoundService, Handling, Inventory, NeedKind, Origin, PlaceId, PlaceKind, ServiceId, Source,
    Unseen,
};

/// An inventory in the making.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fragment {
    pub(crate) inventory: Inventory,
    /// Names and addresses, lowercase, with the services that answer to them: `orders-db`, `orders-db.shop.svc`,
    /// `10.0.1.11`, `10.0.1.11:5432`.
    pub(crate) names: BTreeMap<String, BTreeSet<ServiceId>>,
    pub(crate) wants: Vec<Want>,
    /// Names of which one is enough, such as the servers of one backend.
    pub(crate) wants_any: Vec<Vec<Want>>,
    /// Pools of servers, with what their configuration calls them.
    pub(crate) pools: BTreeMap<ServiceId, String>,
    /// Values that must never be shown, such as passwords in a state.
    pub(crate) secrets: BTreeSet<String>,
    /// What is among the unseen already.
    told: BTreeSet<Unseen>,
}

/// A service reaches for a name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Want {
    pub(crate) from: ServiceId,
    /// Host, or host and port as `host:port`; no user, password or path.
    pub(crate) name: String,
    pub(crate) kind: NeedKind,
    /// How we know, such as `env ORDERS_DB_HOST`.
    pub(crate) how: String,
    pub(crate) source: Source,
    /// Whether the name is somebody else's when nothing here answers to it. Else an unanswered name is dropped, since
    /// it may have been no name at all.
    pub(crate) outside: bool,
}

impl Fragment {
    /// A fragment of a format.
    pub(crate) fn new(name: &str, format: &'static str) -> Self {
        let inventory = Inventory { name: name.to_owned(), formats: [format].into(), ..Inventory::default() };
        Self { inventory, ..Self::default() }
    }

    /// The place of that name, made when it is not there yet.
    pub(crate) fn place(&mut self, id: &PlaceId, kind: PlaceKind, source: &Source) -> &mut FoundPlace {
        self.inventory.places.entry(id.clone()).or_insert_with(|| FoundPlace {
            kind,
            vendor: None,
            within: BTreeMap::new(),
            source: source.clone(),
        })
    }

    /// The service of that name, made when it is not there yet.
    pub(crate) fn service(
        &mut self,
        id: &ServiceId,
        make: impl FnOnce() -> FoundService,
    ) -> &mut FoundService {
        self.inventory.services.entry(id.clone()).or_insert_with(make)
    }

    /// The service answers to this name or address.
    pub(crate) fn known_as(&mut self, service: &ServiceId, name: &str) {
        self.names.entry(name.to_lowercase()).or_default().insert(service.clone());
    }

    /// The service reaches for this name or address.
    pub(crate) fn wants(&mut self, want: Want) {
        if !self.wants.contains(&want) {
            self.wants.push(want);
        }
    }

    /// One service reaches for any of these names: they are as good as each other.
    pub(crate) fn wants_any(&mut self, wants: Vec<Want>) {
        if !wants.is_empty() {
            self.wants_any.push(wants);
        }
    }

    /// The service is a pool of servers that its configuration calls so.
    pub(crate) fn pool(&mut self, service: &ServiceId, name: &str) {
        self.pools.insert(service.clone(), name.to_owned());
    }

    /// Counts one resource of a kind.
    pub(crate) fn count(&mut self, kind: &str, handling: Handling) {
        self.inventory.coverage.count(kind, handling);
    }

    /// Notes what was not understood.
    pub(crate) fn unseen(&mut self, origin: Origin, what: impl Into<String>) {
        let unseen = Unseen { origin, what: what.into() };
        if self.told.insert(unseen.clone()) {
            self.inventory.unseen.push(unseen);
        }
    }

    /// Notes what was not understood about a whole file.
    pub(crate) fn unseen_file(&mut self, file: &str, what: impl Into<String>) {
        self.unseen(Origin { file: file.to_owned(), line: 0, column: 0 }, what);
    }

    /// Takes in what another importer has read.
    pub(crate) fn add(&mut self, other: Self) {
        self.inventory.add(other.inventory);
        self.told.extend(other.told);
        for (name, services) in other.names {
            self.names.entry(name).or_default().extend(services);
        }
        for want in other.wants {
            self.wants(want);
        }
        for wants in other.wants_any {
            self.wants_any(wants);
        }
        self.pools.extend(other.pools);
        self.secrets.extend(other.secrets);
    }
}
