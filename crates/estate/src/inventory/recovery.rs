//! What recovers services, with its timers, as configuration states them.
//!
//! Files say how long each mechanism waits; the crate `risk` composes the worst case out of that. Every [`Timer`] knows the line
//! that says it. One that no line says carries the product's documented default, is [`super::Certainty::Derived`], and points at
//! the line where it would stand. Where no document gives a number either it is assumed, says so, and is
//! [`super::Certainty::Inferred`].

use std::time::Duration;

use serde::Serialize;

use super::Source;
use crate::{PlaceId, ServiceId};

/// One duration or count that configuration states.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Timer {
    /// How long; for a count see `times`.
    #[serde(with = "dinghai_clock::serde_span")]
    pub value: Duration,
    /// What the line says, such as `inter 3s` or `ttl: 30`; `default` in front where it is the product's, `documented as` where it
    /// is what a vendor says of itself, `assumed` where nobody says it.
    pub says: String,
    /// The line.
    pub source: Source,
}

/// How a balancer asks its backends whether they answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BackendCheck {
    /// Pause between two checks of a healthy backend.
    pub every: Timer,
    /// Pause between two checks once one has failed, where it differs.
    pub fast: Option<Timer>,
    /// Pause between two checks of a backend that is down, where it differs.
    pub down_every: Option<Timer>,
    /// How long one check waits for its answer.
    pub timeout: Timer,
    /// Failures in a row that take it out.
    pub fall: (u32, Source),
    /// Answers in a row that take it in again.
    pub rise: (u32, Source),
    /// How long one check waits for its connection, where that is counted apart from `timeout`.
    pub connect: Option<Timer>,
    /// How deep it asks.
    pub asks: Asks,
}

/// How deep a check asks. A stopped program still accepts connections for as long as the kernel queues them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Asks {
    /// Whether a connection comes about; a program that hangs passes.
    Connection,
    /// Whether the program answers.
    Answer,
}

/// How often a balancer tries a backend again that did not take the connection, before it gives up or goes to another.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Again {
    /// So many more times.
    pub times: (u32, Source),
    /// Pause before each, after a refusal.
    pub pause: Timer,
}

/// What notices a failure of a service and mends it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Mechanism {
    /// The service whose failure it mends.
    pub service: ServiceId,
    /// The service that carries it out, when that is another one of the inventory: the balancer, the Patroni cluster.
    pub by: Option<ServiceId>,
    /// How it works.
    pub kind: MechanismKind,
    /// The line that declares it.
    pub source: Source,
}

/// How a mechanism works.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[expect(clippy::large_enum_variant, reason = "an inventory holds few of them")]
pub enum MechanismKind {
    /// A balancer takes a failed backend out after checks that it makes itself.
    ActiveCheck {
        /// How it asks.
        check: BackendCheck,
        /// How long a connection attempt to a dead backend takes until it is given up.
        connect: Option<Timer>,
        /// How long a request waits for an answer from a hung backend.
        answer: Option<Timer>,
        /// Whether a failed attempt is repeated on another backend, and how often at most.
        retries: Option<(u32, Source)>,
        /// How often it is repeated on the same backend before that, where it is.
        again: Option<Again>,
        /// Says that requests which wait for a backend are ended as soon as it is taken out, where they are.
        cuts: Option<Source>,
    },
    /// A balancer notices failed requests and leaves the backend out for a while (nginx `max_fails`, passive checks).
    PassiveCheck {
        /// Failed attempts that take it out.
        fails: (u32, Source),
        /// The window in which they count, and for how long it is left out.
        window: Timer,
        /// How long a connection attempt to a dead backend takes until it is given up.
        connect: Timer,
        /// How long a request waits for an answer from a hung backend.
        answer: Timer,
        /// Whether a failed attempt is repeated on the next backend.
        next: Option<Source>,
    },
    /// A virtual address moves to a standby (VRRP, RFC 5798).
    Vrrp {
        /// Pause between two advertisements.
        advert: Timer,
        /// How many of them the standby misses before it takes over.
        missed: (u32, Source),
        /// How long it waits besides, the longer the lower its priority.
        skew: Timer,
        /// Priority of the standby that takes over, 1–254.
        priority: (u8, Source),
        /// How the script that lowers a priority is run, where one is tracked: pause, failures in a row, its timeout.
        script: Option<(Timer, u32, Timer)>,
        /// Whether the master says at once that it gives up when the script fails (weight 0); else only its priority sinks.
        resigns: bool,
        /// Pause before a returning master takes the address back.
        preempt_delay: Option<Timer>,
    },
    /// Patroni makes a replica the primary once the leader's key has run out.
    Patroni {
        /// How long the leader's key lives.
        ttl: Timer,
        /// Pause between two rounds of the control loop.
        loop_wait: Timer,
        /// How long it tries to reach the store or PostgreSQL again.
        retry_timeout: Timer,
        /// How long a primary may be recovered in place before it is given up.
        primary_start_timeout: Timer,
        /// Largest lag of a replica that may become primary, in bytes, when stated.
        most_lag_bytes: Option<(u64, Source)>,
    },
    /// The vendor makes a standby the primary.
    ManagedFailover {
        /// The longest that the vendor says that takes, be it as a rule.
        within: Timer,
    },
    /// Names are resolved anew once their time to live has ended.
    Dns {
        /// The time to live.
        ttl: Timer,
        /// The health check behind it, where one is declared.
        check: Option<BackendCheck>,
    },
    /// Kubernetes takes a pod that is not ready out of its services, and restarts one that is not alive.
    Probes {
        /// The readiness probe: out of service.
        readiness: Option<BackendCheck>,
        /// The liveness probe: restarted.
        liveness: Option<BackendCheck>,
        /// How long a new pod may take to become ready: initial delay and startup probe.
        startup: Option<Timer>,
    },
    /// Kubernetes moves the pods of a lost node elsewhere.
    NodeLoss {
        /// How long until the node counts as gone.
        grace: Timer,
        /// How long its pods are tolerated there afterwards.
        toleration: Timer,
    },
    /// A process that died is started again where it ran.
    Restart {
        /// The longest pause before a start.
        backoff: Timer,
        /// How long it takes to come up, the image pulled included.
        boot: Timer,
    },
    /// A scaling group replaces instances or adds some.
    Scaling {
        /// How long it waits before a new instance's health counts.
        grace: Timer,
        /// How long an instance takes to be there and answer.
        boot: Timer,
        /// How long after one action before the next, when stated.
        cooldown: Option<Timer>,
    },
    /// A client gives up and tries again.
    Client {
        /// How long it waits for a connection or answer.
        timeout: Timer,
        /// How often it tries in all.
        attempts: Option<(u32, Source)>,
        /// The longest pause between two attempts.
        backoff: Option<Timer>,
    },
}

/// What people and automatons do to recover.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// Make a standby the primary, move an address, take a backend out.
    FailOver,
    /// Start more instances.
    ScaleOut,
    /// Fetch what a new instance runs.
    PullImage,
    /// Let an operator or a program in.
    LogIn,
    /// Bring out a mended version.
    Deploy,
    /// Tell the people on call.
    Page,
    /// Put data back.
    Restore,
}

/// One step of recovery and what it needs: the recovery of `service` takes it, and it does not work without `needs`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RecoveryStep {
    /// What is done.
    pub act: Act,
    /// The service that is recovered by it; none when it is for all of them (paging, logging in).
    pub service: Option<ServiceId>,
    /// The service without which the step does not work, such as a registry, etcd, a bastion.
    pub needs: Option<ServiceId>,
    /// The place without which the step does not work, where no service stands for it.
    pub place: Option<PlaceId>,
    /// How, such as `image registry.shop.internal/cart`, `Patroni keeps its leader key in etcd`.
    pub how: String,
    /// The line that says so.
    pub source: Source,
}

impl Act {
    /// The kebab-case name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FailOver => "fail-over",
            Self::ScaleOut => "scale-out",
            Self::PullImage => "pull-image",
            Self::LogIn => "log-in",
            Self::Deploy => "deploy",
            Self::Page => "page",
            Self::Restore => "restore",
        }
    }
}

impl MechanismKind {
    /// The kebab-case name.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::ActiveCheck { .. } => "active-check",
            Self::PassiveCheck { .. } => "passive-check",
            Self::Vrrp { .. } => "vrrp",
            Self::Patroni { .. } => "patroni",
            Self::ManagedFailover { .. } => "managed-failover",
            Self::Dns { .. } => "dns",
            Self::Probes { .. } => "probes",
            Self::NodeLoss { .. } => "node-loss",
            Self::Restart { .. } => "restart",
            Self::Scaling { .. } => "scaling",
            Self::Client { .. } => "client",
        }
    }
}
