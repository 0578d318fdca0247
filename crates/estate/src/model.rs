//! What a team declares: the estate as typed values.
//!
//! The decoder produces these values and nothing else does: a value of this module has passed every check that
//! one file can be given by itself. References between parts (a need on a service, a route to one) are checked too,
//! so readers may rely on them. Every declared thing carries its [`Origin`], so that a finding can name file and line.

mod acceptance;
mod entrance;
mod gateway;
mod instance;
mod place;
mod promise;
mod route;
mod rules;
mod service;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use dinghai_clock::serde_span;
use serde::{Deserialize, Serialize};

use crate::{DrillId, GatewayId, InstanceId, PlaceId, PromiseId, RouteId, ServiceId};

pub use acceptance::Acceptance;
pub use entrance::{
    CertificateFiles, ClientCertificates, Entrance, Passage, ProxyVersion, Secured, Termination, TlsVersion,
};
pub use gateway::{Balance, CutOff, Gateway, Priority, Route};
pub use instance::{Address, Check, Instance, ProbeSpec, Restart, Run};
pub use place::{Place, PlaceKind};
pub use promise::{Drill, DrillFault, Expectation, Promise, PromiseTarget, ShareLimit};
pub use route::{
    Edits, HeaderEdits, HeaderRule, HeaderWants, PathChange, PathKind, Redirect, Split, Sticky, When,
    is_editable, whole_expression,
};
pub use rules::{ActionBudget, Console, Grades};
pub use service::{ActionKind, Autonomy, Need, NeedKind, Service, Tier, Value};

/// Where a fact stands: file, line and column (both from 1).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Origin {
    /// The file as the user named it.
    pub file: String,
    /// The line, from 1; 0 when the fact was not read from a file.
    pub line: u32,
    /// The column, from 1, in characters.
    pub column: u32,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// Declared intent: services, needs, gateways, promises and drills of one team.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estate {
    /// The estate's name.
    pub name: String,
    /// Files and folders of other tools whose facts belong to this estate, as seen from where its first file is named, and where
    /// each is declared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub imports: Vec<(String, Origin)>,
    /// Failure domains.
    pub places: BTreeMap<PlaceId, Place>,
    /// Services.
    pub services: BTreeMap<ServiceId, Service>,
    /// Gateways.
    pub gateways: BTreeMap<GatewayId, Gateway>,
    /// Promises, those of the chosen profile included.
    pub promises: BTreeMap<PromiseId, Promise>,
    /// Drills.
    pub drills: BTreeMap<DrillId, Drill>,
    /// How much healthy capacity automatons and people may take at once.
    pub budget: ActionBudget,
    /// Where the grades begin.
    pub grades: Grades,
    /// How long an incident stays open after its last finding has cleared and its plans have ended. Default 10 min.
    #[serde(with = "serde_span")]
    pub quiet: Duration,
    /// Where the console listens.
    pub console: Console,
    /// Findings of `check` that are left as they are for a time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accepts: Vec<Acceptance>,
}

impl Estate {
    /// What of it can be run, and the services that cannot: those of which only imported files declare the instances. Needs on
    /// them, and on services that no file of the estate declares, are left out with them.
    pub fn runnable(mut self) -> (Self, Vec<ServiceId>) {
        if self.imports.is_empty() {
            return (self, Vec::new());
        }
        let routed: BTreeSet<&ServiceId> =
            self.gateways.values().flat_map(|gateway| gateway.routes.iter().map(|route| &route.to)).collect();
        let only_imported =
            self.services.iter().filter(|(id, service)| service.instances.is_empty() && !routed.contains(id));
        let left_out: Vec<ServiceId> = only_imported.map(|(id, _)| id.clone()).collect();
        self.services.retain(|id, _| !left_out.contains(id));
        let known: BTreeSet<ServiceId> = self.services.keys().cloned().collect();
        for service in self.services.values_mut() {
            service.needs.retain(|need| known.contains(&need.service));
        }
        (self, left_out)
    }

    /// Every instance with its service, spares included.
    pub fn instances(&self) -> impl Iterator<Item = (&ServiceId, &Instance)> {
        self.services.iter().flat_map(|(id, service)| service.instances.iter().map(move |i| (id, i)))
    }

    /// Every place that the instance stands in, with all that contain them.
    pub fn places_around(&self, instance: &Instance) -> BTreeSet<PlaceId> {
        let mut around = BTreeSet::new();
        let mut left: Vec<&PlaceId> = instance.at.iter().collect();
        while let Some(place) = left.pop() {
            if around.insert(place.clone()) {
                left.extend(self.places.get(place).iter().flat_map(|place| &place.within));
            }
        }
        around
    }

    /// Every instance that stands in the place or in one that it contains, spares included.
    pub fn instances_in(&self, place: &PlaceId) -> impl Iterator<Item = (&ServiceId, &Instance)> {
        self.instances().filter(move |(_, instance)| self.places_around(instance).contains(place))
    }

    /// The service that a route leads to.
    pub fn serves(&self, gateway: &GatewayId, route: &RouteId) -> Option<&ServiceId> {
        self.route(gateway, route).map(|route| &route.to)
    }

    /// Whether users reach the route: its listener is not the one named `internal`, through which services call each
    /// other. Only what users reach counts in what a drill or an incident is said to have cost.
    pub fn user_route(&self, gateway: &GatewayId, route: &RouteId) -> bool {
        self.route(gateway, route).is_some_and(|route| route.listener.as_str() != "internal")
    }

    fn route(&self, gateway: &GatewayId, route: &RouteId) -> Option<&Route> {
        self.gateways.get(gateway)?.routes.iter().find(|each| each.id == *route)
    }

    /// One instance with its service.
    pub fn instance(&self, id: &InstanceId) -> Option<(&ServiceId, &Instance)> {
        self.instances().find(|(_, instance)| instance.id == *id)
    }
}

/// Serde for a duration that may be missing.
pub(crate) mod optional_span {
    use std::time::Duration;

    use dinghai_clock::{format_span, parse_span};
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(
        span: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match span {
            Some(span) => serializer.serialize_some(&format_span(*span)),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| parse_span(&text).map_err(serde::de::Error::custom)).transpose()
    }
}
