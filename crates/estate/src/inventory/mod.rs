//! What was discovered: what exists, where, and who says so.
//!
//! An inventory holds facts, each with its [`Source`]: the line that says it, and how sure that makes us. What no line says is
//! [`Unknown`] with its reason and never a default: an instance whose zone nobody states is not at some zone, and not
//! safe from any. Files of other people are turned into inventories by the crate `import`; an [`crate::Estate`] is one too
//! ([`Inventory::of`]), so that what is declared and what is found are looked at in one way.

mod coverage;
mod merge;
mod of_estate;
mod recovery;
mod rename;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{InstanceId, NeedKind, Origin, PlaceId, PlaceKind, ServiceId, Tier};

pub use coverage::{Count, Coverage, Handling, Unseen};
pub use recovery::{Act, Again, Asks, BackendCheck, Mechanism, MechanismKind, RecoveryStep, Timer};

/// How sure a fact is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Certainty {
    /// Guessed from a name, an environment variable or a connection string.
    Inferred,
    /// Worked out from what files state: a count from a list, a zone by way of a subnet, a stated default of the product.
    Derived,
    /// A file says it in so many words.
    Declared,
}

/// Who says so, and how sure that is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Source {
    /// The line that says it.
    pub origin: Origin,
    /// How sure it is.
    pub certainty: Certainty,
}

/// Why something is not known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Unknown {
    /// Why, in a few words for people, such as `var.zone has no default`: lowercase, no full stop.
    pub why: String,
    /// What kind of not knowing this is.
    pub kind: UnknownKind,
    /// The line that leaves it open.
    pub origin: Origin,
}

/// Kinds of not knowing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnknownKind {
    /// A value could not be worked out from the files.
    Unresolved,
    /// Nothing is said, and the product that places it is free to choose, one place for all included (a Kubernetes scheduler).
    Unconstrained,
    /// The vendor decides it and does not tell.
    Hidden,
    /// It lies outside the files.
    Outside,
}

/// Everything that one set of files says: one Terraform root, one overlay, one Compose file, or one estate.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Inventory {
    /// Its name, as the user sees it: the estate's name, or the folder or file.
    pub name: String,
    /// What it was read from, such as `terraform`, `kubernetes`, `compose`, `estate`; sorted.
    pub formats: BTreeSet<&'static str>,
    /// Failure domains.
    pub places: BTreeMap<PlaceId, FoundPlace>,
    /// Functions with their running copies.
    pub services: BTreeMap<ServiceId, FoundService>,
    /// Where users come in.
    pub entries: Vec<PublicEntry>,
    /// What notices failures and mends them, with all their timers.
    pub mechanisms: Vec<Mechanism>,
    /// Steps by which people and automatons recover, with what each needs.
    pub steps: Vec<RecoveryStep>,
    /// How much of what the files hold was understood, by kind of resource.
    pub coverage: Coverage,
    /// What was not understood or could not be seen.
    pub unseen: Vec<Unseen>,
}

/// A failure domain that files speak of.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FoundPlace {
    /// What kind of domain it is.
    pub kind: PlaceKind,
    /// The vendor behind it, such as `aliyun`, `aws`.
    pub vendor: Option<String>,
    /// The places that directly contain it, each with the line that says so.
    pub within: BTreeMap<PlaceId, Source>,
    /// The line that speaks of it first.
    pub source: Source,
}

/// What a service is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Runs the user's own code.
    #[default]
    Workload,
    /// A database that keeps what is written.
    Database,
    /// A cache: loses its contents without losing truth.
    Cache,
    /// A queue or log of messages.
    Queue,
    /// A search index.
    Search,
    /// Spreads requests over instances: balancer, ingress, virtual address.
    Balancer,
    /// A way out of a network, such as a NAT gateway.
    Egress,
    /// Resolves names.
    Dns,
    /// A disk.
    Disk,
    /// Files or objects: bucket, network file system.
    Storage,
    /// Lets people or programs log in.
    Identity,
    /// Holds container images or packages.
    Registry,
    /// Decides for others: Kubernetes control plane, etcd, consul, zookeeper.
    Control,
    /// Watches or pages.
    Monitoring,
    /// By which operators get in: bastion, VPN.
    Access,
    /// Somebody else's, outside these files.
    External,
}

/// A function with its running copies.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FoundService {
    /// What it is for.
    pub role: Role,
    /// What the files call it, such as `aws_db_instance.orders` or `Deployment shop/cart`.
    pub resource: String,
    /// Its running copies and standbys, in the order of the files.
    pub instances: Vec<FoundInstance>,
    /// Why `instances` are not all of them; none when they are.
    pub open: Option<Unknown>,
    /// How many instances it takes to stand: one unless said, such as a quorum.
    pub enough: Option<Enough>,
    /// What it needs.
    pub needs: Vec<FoundNeed>,
    /// Protections that it has, lacks, or of which nothing is known.
    pub features: BTreeMap<Feature, Presence>,
    /// Who adds instances by himself, when somebody does.
    pub scaling: Option<Scaling>,
    /// What the user stated in an estate.
    pub intent: Intent,
    /// The line that declares it.
    pub source: Source,
}

/// A running copy of a service.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FoundInstance {
    /// Its name, unique in the inventory.
    pub id: InstanceId,
    /// The places that directly hold it, or with which it is lost (its node, its zone, the NAT gateway by which it leaves), each
    /// with the line that says so.
    pub at: BTreeMap<PlaceId, Source>,
    /// Kinds of place that it certainly stands at, of which no file tells which.
    pub unknown: BTreeMap<PlaceKind, Unknown>,
    /// Whether it stands by and does not serve until somebody starts or promotes it by hand. A standby that takes over by
    /// itself is not a spare: it counts.
    pub spare: bool,
    /// The line that declares it.
    pub source: Source,
}

/// How many instances it takes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Enough {
    /// That many.
    pub count: u32,
    /// Why, such as `3 members need a majority of 2`.
    pub why: String,
    /// The line that says so.
    pub source: Source,
}

/// A dependency on another service of the inventory.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FoundNeed {
    /// What is needed.
    pub service: ServiceId,
    /// How badly.
    pub kind: NeedKind,
    /// How we know, such as `env ORDERS_DB_HOST`, `depends_on`, `upstream orders`.
    pub how: String,
    /// The line that says so.
    pub source: Source,
}

/// Where users come in.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PublicEntry {
    /// The service that users reach first.
    pub service: ServiceId,
    /// By what, such as `Ingress shop`, `published port 80`, `internet-facing aws_lb.front`.
    pub by: String,
    /// The line that says so.
    pub source: Source,
}

/// A protection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Feature {
    /// It cannot be deleted or released by one mistaken call.
    ReleaseProtection,
    /// Copies of its data are kept in another zone, such as scheduled snapshots or backups.
    CrossZoneCopy,
    /// More than one node, so that one lost node does not empty or stop it.
    Clustered,
    /// Somebody adds instances by himself when load grows: scaling group, autoscaler.
    Scaling,
    /// Whether it is up is asked by somebody who acts on it.
    Probe,
    /// Voluntary disruptions leave enough of it: a disruption budget.
    DisruptionBudget,
    /// Its instances are kept apart: spread constraint, anti-affinity, placement group.
    Spread,
    /// What it reserves is stated, so that a full node cannot starve it.
    Requests,
}

/// What is known of a protection.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Presence {
    /// It is there.
    Present(Source),
    /// It is not; the line is where it would stand.
    Absent(Source),
    /// Nobody can tell.
    Unknown(Unknown),
}

/// Who adds instances, and how far.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scaling {
    /// Never fewer, when stated.
    pub least: Option<u32>,
    /// Never more, when stated.
    pub most: Option<u32>,
    /// The line that says so.
    pub source: Source,
}

/// What the user stated; nothing unless an estate says it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Intent {
    /// How much depends on it.
    pub tier: Option<(Tier, Origin)>,
    /// The widest kind of place whose loss it has promised to outlive.
    pub survive: Option<(PlaceKind, Origin)>,
    /// Instances that it has to have.
    pub minimum: Option<(u32, Origin)>,
    /// What it has to carry, and what an instance carries.
    pub capacity: Option<Capacity>,
}

/// Load and what carries it, as stated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Capacity {
    /// Requests a second that one instance carries.
    pub each: f64,
    /// Requests a second at the usual peak.
    pub peak: f64,
    /// How many times the peak a surge reaches, 1 when there is none.
    pub surge: f64,
    /// Where it is stated.
    pub origin: Origin,
}

impl Source {
    /// What a file says in so many words.
    pub fn declared(origin: Origin) -> Self {
        Self { origin, certainty: Certainty::Declared }
    }

    /// What follows from what a file says.
    pub fn derived(origin: Origin) -> Self {
        Self { origin, certainty: Certainty::Derived }
    }

    /// What names, variables or strings suggest.
    pub fn inferred(origin: Origin) -> Self {
        Self { origin, certainty: Certainty::Inferred }
    }
}

impl FoundService {
    /// A service of which nothing is known but its name and its line.
    pub fn new(role: Role, resource: impl Into<String>, source: Source) -> Self {
        Self {
            role,
            resource: resource.into(),
            instances: Vec::new(),
            open: None,
            enough: None,
            needs: Vec::new(),
            features: BTreeMap::new(),
            scaling: None,
            intent: Intent::default(),
            source,
        }
    }

    /// Its instances that serve, or take over by themselves.
    pub fn running(&self) -> impl Iterator<Item = &FoundInstance> {
        self.instances.iter().filter(|instance| !instance.spare)
    }
}

impl FoundInstance {
    /// An instance of which no place is known.
    pub fn new(id: InstanceId, source: Source) -> Self {
        Self { id, at: BTreeMap::new(), unknown: BTreeMap::new(), spare: false, source }
    }

    /// The same, at a place.
    #[must_use]
    pub fn at(mut self, place: PlaceId, source: Source) -> Self {
        self.at.insert(place, source);
        self
    }
}

impl Certainty {
    /// The kebab-case name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inferred => "inferred",
            Self::Derived => "derived",
            Self::Declared => "declared",
        }
    }
}

impl fmt::Display for Certainty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
