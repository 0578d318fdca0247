//! What each rule is about, for people who meet it for the first time.

use serde::Serialize;

use crate::Severity;

/// A rule of `check`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// Its id.
    pub id: &'static str,
    /// How much its findings weigh at most.
    pub severity: Severity,
    /// What it finds, in a few words.
    pub title: &'static str,
    /// What it finds and why that matters.
    pub why: &'static str,
    /// An estate's lines that it finds fault with.
    pub example: &'static str,
    /// What to do.
    pub fix: &'static str,
}

static RULES: [Rule; 9] = [
    Rule {
        id: "drill-proves-nothing",
        severity: Severity::Warning,
        title: "a drill shows nothing",
        why: "A drill that breaks nothing, or of which nothing is expected and on which no promise rests, costs attention \
              and shows nothing.",
        example: "drills:\n  rack-loss: { fault: { kill-place: rack-7 } }   # no instance stands at rack-7",
        fix: "Name a place or instance that the hand runs, and say with `expect` what must be so.",
    },
    Rule {
        id: "hard-need-cycle",
        severity: Severity::Error,
        title: "services need each other in a circle",
        why: "Services whose hard needs go round in a circle cannot start once all of them are down: each waits for \
              another. Such circles stay unseen until the first full outage.",
        example: "services:\n  order: { needs: [payment] }\n  payment: { needs: [order] }",
        fix: "Make one of the needs `kind: soft` and say its `fallback`, so that one of the services can start alone.",
    },
    Rule {
        id: "minimum-after-loss",
        severity: Severity::Error,
        title: "a loss leaves fewer instances than `minimum`",
        why: "After the loss of a place that the service survives, fewer instances are left than its `minimum`. Spares \
              are counted apart: where they can make up for it the finding is a warning, because they have to be \
              started first.",
        example: "order:\n  minimum: 2\n  survive: zone\n  instances: [{ at: hz-a, ... }, { at: hz-b, ... }]",
        fix: "Add an instance in another place, or lower `minimum` to what one place less can hold.",
    },
    Rule {
        id: "no-probe",
        severity: Severity::Warning,
        title: "a service has no probe",
        why: "Without a probe nobody asks the service whether it answers. Its health is unknown, and the first to notice \
              an outage are its users.",
        example: "order:\n  instances: [{ at: hz-a, address: 10.0.0.1:80 }]   # and no `probe`",
        fix: "Add `probe: { http: /healthz }`, or `{ tcp: true }` where there is no HTTP.",
    },
    Rule {
        id: "place-unknown",
        severity: Severity::Warning,
        title: "it is not declared where instances stand",
        why: "The service says that it survives the loss of a kind of place, and for some of its instances no place of \
              that kind is declared. They may all share one, so survival is unknown, not given.",
        example: "order:\n  survive: zone\n  instances: [{ at: node-1, ... }]   # node-1 is within no zone",
        fix: "Declare the zone and put the node `within` it. Where a vendor hides it, it stays unknown.",
    },
    Rule {
        id: "promise-without-drill",
        severity: Severity::Warning,
        title: "no drill measures a promise",
        why: "A promise counts only once it was measured. No drill of this estate measures this one.",
        example: "promises:\n  failover.zone: { within: 2s }   # and no drill kills a zone",
        fix: "Add a drill with the fault that the finding names, or switch the promise off.",
    },
    Rule {
        id: "shared-address",
        severity: Severity::Error,
        title: "two instances have one address",
        why: "Two instances of a service have one address. They are the same thing counted twice, so the redundancy is \
              not there.",
        example: "order:\n  instances:\n    - { at: hz-a, address: 10.0.0.1:80 }\n    - { at: hz-b, address: 10.0.0.1:80 }",
        fix: "Give each instance its own address.",
    },
    Rule {
        id: "survive",
        severity: Severity::Error,
        title: "all instances share a place that they should outlive",
        why: "All instances of the service share a place that it says it survives, so that the loss of this one place \
              takes the whole service. For secondary services it is a warning.",
        example: "order:\n  tier: core\n  survive: zone\n  instances: [{ at: hz-a, ... }, { at: hz-a, ... }]",
        fix: "Put an instance somewhere else, or say a narrower `survive` and accept the loss.",
    },
    Rule {
        id: "weaker-need",
        severity: Severity::Error,
        title: "a service needs one that is less well protected",
        why: "A chain is as strong as its weakest hard need: the service falls with a service that is of a lower tier or \
              survives less.",
        example: "services:\n  order: { tier: core, needs: [stock] }\n  stock: { tier: secondary }",
        fix: "Raise the needed service, or make the need `kind: soft` with a `fallback`.",
    },
];

/// Every rule, by id.
pub fn rules() -> &'static [Rule] {
    &RULES
}
