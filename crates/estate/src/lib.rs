//! The declarative model and inventory: parse, lint, diff, failure-domain graph.

mod catalogue;
mod cycle;
mod decode;
mod digest;
mod graph;
mod ids;
mod inventory;
mod lint;
mod model;
mod money;
mod problem;
mod tree;

pub use catalogue::{KnownPromise, ProvenBy, promise_catalogue};
pub use decode::{Decoded, Files, decode, json_schema};
pub use graph::{FailureDomains, PlaceOfKind};
pub use ids::{DrillId, GatewayId, InstanceId, ListenerId, PlaceId, PromiseId, RouteId, ServiceId};
pub use inventory::{
    Act, Again, Asks, BackendCheck, Capacity, Certainty, Count, Coverage, Enough, Feature, FoundInstance,
    FoundNeed, FoundPlace, FoundService, Handling, Intent, Inventory, Mechanism, MechanismKind, Presence,
    PublicEntry, RecoveryStep, Role, Scaling, Source, Timer, Unknown, UnknownKind, Unseen,
};
pub use lint::{Lint, Rule, lint, rules};
pub use model::{
    Acceptance, ActionBudget, ActionKind, Address, Autonomy, Balance, CertificateFiles, Check,
    ClientCertificates, Console, CutOff, Drill, DrillFault, Edits, Entrance, Estate, Expectation, Gateway,
    Grades, HeaderEdits, HeaderRule, HeaderWants, Instance, Need, NeedKind, Origin, Passage, PathChange,
    PathKind, Place, PlaceKind, Priority, ProbeSpec, Promise, PromiseTarget, ProxyVersion, Redirect, Restart,
    Route, Run, Secured, Service, ShareLimit, Split, Sticky, Termination, Tier, TlsVersion, Value, When,
    is_editable, whole_expression,
};
pub use money::{Money, MoneyError};
pub use problem::{Problem, Severity};
