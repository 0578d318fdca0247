//! The declarative model and inventory: parse, lint, diff, failure-domain graph.

mod ids;
mod model;
mod money;

pub use ids::{DrillId, GatewayId, InstanceId, ListenerId, PlaceId, PromiseId, RouteId, ServiceId};
pub use model::{
    ActionBudget, ActionKind, Address, Autonomy, Balance, Check, Console, CutOff, Drill, DrillFault, Estate,
    Expectation, Gateway, Grades, Instance, Need, NeedKind, Origin, Place, PlaceKind, Priority, ProbeSpec,
    Promise, PromiseTarget, Restart, Route, Run, Service, ShareLimit, Tier, Value,
};
pub use money::{Money, MoneyError};
