//! What a step does, and how a hand is told.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use dinghai_clock::{Timestamp, serde_span};
use dinghai_estate::{ActionKind, InstanceId, PlaceId};
use serde::{Deserialize, Serialize};

use crate::{Fence, PlanId, Reason, Seq, StepNo};

/// One idempotent act.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Give these instances these shares of their declared weight at every gateway, in percent (0 holds them out).
    Weigh(BTreeMap<InstanceId, u8>),
    /// Wait until no gateway has a request under way to these instances, or until the step's time is nearly over: what
    /// is still under way then is cut, and counted. Give them no share first.
    Drain(Vec<InstanceId>),
    /// Start the processes of these instances, those that do not run.
    Start(Vec<InstanceId>),
    /// Stop the processes of these instances, those that run.
    Stop(Vec<InstanceId>),
    /// Stop the processes of these instances, those that run, and start them all.
    Restart(Vec<InstanceId>),
    /// Send each instance this many requests of its HTTP probe, one after another, before it takes traffic.
    Warm {
        /// The instances.
        instances: Vec<InstanceId>,
        /// How many for each.
        requests: u32,
    },
    /// Do nothing until the condition holds.
    Await(Condition),
    /// Do nothing for so long, counted from the step's journal entry.
    Hold {
        /// How long.
        #[serde(with = "serde_span", rename = "for")]
        lasting: Duration,
    },
    /// Run a program without a shell.
    Exec {
        /// Program and arguments.
        argv: Vec<String>,
    },
    /// Send an HTTP request; 2xx is done.
    Http {
        /// The method.
        method: String,
        /// Where to.
        url: String,
        /// The body, when there is one.
        body: Option<String>,
    },
    /// Break something on purpose, until the undo or the end of the lease.
    Break(FaultOrder),
    /// Undo a fault that we made. Exempt from budget and halt.
    Mend(Fault),
}

/// A fault and how long it may last with nobody to undo it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultOrder {
    /// What is broken.
    pub fault: Fault,
    /// The hand undoes it by itself this long after it was made.
    #[serde(with = "serde_span")]
    pub lease: Duration,
}

/// What a drill breaks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// SIGKILL to one instance. There is nothing to undo.
    KillInstance(InstanceId),
    /// SIGSTOP to one instance; the undo is SIGCONT.
    HangInstance(InstanceId),
    /// SIGKILL to every instance of these at the place, and no start there until the undo.
    KillPlace {
        /// The place that is marked lost.
        place: PlaceId,
        /// The instances there.
        instances: Vec<InstanceId>,
    },
}

/// Something about the world that a step waits for or is verified by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// All of these answer the controller's probes, without a break, for so long.
    Answering {
        /// The instances.
        instances: Vec<InstanceId>,
        /// For how long; zero: now.
        #[serde(with = "serde_span", rename = "for")]
        lasting: Duration,
    },
    /// Starts at the place are not refused: no drill holds it lost.
    PlaceReleased(PlaceId),
    /// None of these answers.
    Silent(Vec<InstanceId>),
    /// Every reachable gateway serves these shares.
    Weighed(BTreeMap<InstanceId, u8>),
    /// The processes of these run.
    Running(Vec<InstanceId>),
    /// The processes of these do not run.
    Stopped(Vec<InstanceId>),
}

/// What is known of a condition. Unknown never passes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Holds {
    /// It holds.
    Yes,
    /// It does not hold.
    No(Reason),
    /// We cannot tell.
    Unknown(Reason),
}

/// Whether and how a step can be taken back. Finals come last in a plan and need a person or prior consent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepClass {
    /// Nothing is changed.
    NoAct,
    /// This action takes it back exactly.
    Reversible(Box<Action>),
    /// This action makes up for it.
    Compensable(Box<Action>),
    /// It cannot be taken back.
    Final(Reason),
}

/// A step on its way to a hand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// The plan.
    pub plan: PlanId,
    /// The step; an undo carries the step that it undoes.
    pub step: StepNo,
    /// Whether this is the step's undo.
    pub undo: bool,
    /// The ledger number of the entry that journalled it; later orders have higher ones.
    pub journalled: Seq,
    /// Who orders.
    pub fence: Fence,
    /// What is to be done.
    pub action: Action,
    /// The hand gives up at this time.
    pub deadline: Timestamp,
}

impl Order {
    /// The same for every delivery of one order, so that a hand does it once: `plan.step` or `plan.step.undo`.
    pub fn key(&self) -> String {
        format!("{}.{}{}", self.plan.0, self.step.0, if self.undo { ".undo" } else { "" })
    }
}

/// What a hand says it did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Performed {
    /// False when there was nothing to do: it was so already.
    pub changed: bool,
    /// What a person may want to know, such as a process id or the end of a program's output.
    pub notes: Vec<Reason>,
}

/// What a hand finds when it is asked about an order whose outcome is unknown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Looked {
    /// Its effect is there.
    Done(Performed),
    /// It was never begun, or its effect is not there; it may be given again.
    NotDone,
    /// It is being done now.
    InProgress,
    /// It cannot be told. Only a person may go on.
    CannotTell(Reason),
}

impl Performed {
    /// There was nothing to do.
    pub const fn nothing() -> Self {
        Self { changed: false, notes: Vec::new() }
    }
}

impl Action {
    /// The kind of autonomy that the action needs, where it needs any.
    pub const fn kind(&self) -> Option<ActionKind> {
        match self {
            Self::Weigh(_) => Some(ActionKind::ShiftTraffic),
            Self::Start(_) => Some(ActionKind::Scale),
            Self::Restart(_) => Some(ActionKind::Restart),
            Self::Drain(_)
            | Self::Stop(_)
            | Self::Warm { .. }
            | Self::Await(_)
            | Self::Hold { .. }
            | Self::Exec { .. }
            | Self::Http { .. }
            | Self::Break(_)
            | Self::Mend(_) => None,
        }
    }

    /// The kebab-case name, as in JSON and in the message catalogue.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Weigh(_) => "weigh",
            Self::Drain(_) => "drain",
            Self::Start(_) => "start",
            Self::Stop(_) => "stop",
            Self::Restart(_) => "restart",
            Self::Warm { .. } => "warm",
            Self::Await(_) => "await",
            Self::Hold { .. } => "hold",
            Self::Exec { .. } => "exec",
            Self::Http { .. } => "http",
            Self::Break(_) => "break",
            Self::Mend(_) => "mend",
        }
    }
}

impl Fault {
    /// The instances that it strikes.
    pub const fn instances(&self) -> &[InstanceId] {
        match self {
            Self::KillInstance(id) | Self::HangInstance(id) => std::slice::from_ref(id),
            Self::KillPlace { instances, .. } => instances.as_slice(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KillInstance(id) => write!(f, "kill-instance {id}"),
            Self::HangInstance(id) => write!(f, "hang-instance {id}"),
            Self::KillPlace { place, .. } => write!(f, "kill-place {place}"),
        }
    }
}
