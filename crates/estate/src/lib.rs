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
    Acceptance, ActionBudget, ActionKind, Address, Autonomy, Balance, Check, Console, CutOff, Drill,
    DrillFault, Estate, Expectation, Gateway, Grades, Instance, Need, NeedKind, Origin, Place, PlaceKind,
    Priority, ProbeSpec, Promise, PromiseTarget, Restart, Route, Run, Service, ShareLimit, Tier, Value,
};
pub use money::{Money, MoneyError};
pub use problem::{Problem, Severity};
