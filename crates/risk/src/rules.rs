//! What each rule of `check` is about, for people who meet it for the first time.
//!
//! Rules over an estate alone are the crate `estate`'s ([`dinghai_estate::rules`]); those here are over inventories, whatever
//! they were read from. [`rules_page`] is the guide's page of both.

mod page;

use serde::Serialize;

use crate::finding::State;

pub use page::rules_page;

/// A rule of `check` over inventories.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// Its id.
    pub id: &'static str,
    /// The worst that its findings are.
    pub state: State,
    /// What it finds, in a few words.
    pub title: &'static str,
    /// What happens in an outage where it is so.
    pub why: &'static str,
    /// Lines that it finds fault with, in one of the formats that are read.
    pub example: &'static str,
    /// What to do.
    pub fix: &'static str,
}

static RULES: [Rule; 15] = [
    Rule {
        id: "below-minimum",
        state: State::Broken,
        title: "too few instances are left after one loss",
        why: "The loss of one place leaves fewer instances than the `minimum` that you stated. The service answers, and it \
              answers slowly or to some of its users only. Spares do not count: somebody has to start them first.",
        example: "order:\n  minimum: 2\n  survive: zone\n  instances: [{ at: hz-a, ... }, { at: hz-b, ... }]",
        fix: "Add an instance in another place, or lower `minimum` to what one place less can hold.",
    },
    Rule {
        id: "cache-not-clustered",
        state: State::Weak,
        title: "a cache has a single node",
        why: "When its node is lost or patched, the cache is away and then empty. Everything that it used to answer falls on \
              the database behind it at once, and databases that lived behind a warm cache seldom carry that. So a lost \
              cache becomes a lost shop.",
        example: "resource \"aws_elasticache_cluster\" \"sessions\" {\n  engine          = \"redis\"\n  num_cache_nodes = 1\n}",
        fix: "Use a replication group with a replica in another zone that takes over by itself, or show by load test that what \
              is behind the cache carries the load alone.",
    },
    Rule {
        id: "capacity-after-loss",
        state: State::Broken,
        title: "what is left after a loss does not carry the load",
        why: "The service outlives the loss as a process and not as a shop: those that are left get more requests than they \
              carry, queue, time out and are taken out as well. A scaling group mends that after minutes, and in a zone \
              loss everybody asks for the same machines. Below the stated peak it is broken, below the surge it is weak.",
        example: "web:\n  survive: zone\n  instances: [{ at: hz-a }, { at: hz-b }]\n  capacity: { each: 100/s, peak: 150/s }   # hz-b alone carries 100/s",
        fix: "Run as many instances as carry the peak with the fullest place gone, or say what is shed.",
    },
    Rule {
        id: "no-cross-zone-copy",
        state: State::Weak,
        title: "data is kept in one zone only",
        why: "A disk, and a database without backups, is in one zone. Zones do burn down and flood; then services are started \
              elsewhere in an hour, and the data is gone for good. It is also what a mistaken delete takes with it.",
        example: "resource \"alicloud_disk\" \"ledger\" {\n  zone_id = \"cn-hangzhou-h\"\n  size    = 500\n}                                # and no snapshot policy is attached",
        fix: "Take snapshots or backups on a schedule, keep them where the whole region can read them, and restore one now and \
              then.",
    },
    Rule {
        id: "no-detection",
        state: State::Weak,
        title: "nothing notices that a service has failed",
        why: "No balancer, probe or controller asks whether the service answers, so that no bound can be given for how long it \
              is away: it lasts until a person has noticed. Redundant instances do not help while requests still go to the \
              dead one.",
        example: "backend web\n  server web1 10.0.1.11:8080\n  server web2 10.0.2.11:8080       # neither has `check`",
        fix: "Add the check to whoever sends it requests: `check` in HAProxy, a readiness probe in Kubernetes, a health check of \
              the target group.",
    },
    Rule {
        id: "no-disruption-budget",
        state: State::Weak,
        title: "draining nodes may take all instances at once",
        why: "An upgrade of the cluster or an autoscaler that packs nodes evicts pods as fast as it drains. Without a budget it \
              may evict the last one that is ready while the others are still starting. It happens on a quiet working day and looks \
              like an outage without a cause.",
        example: "kind: Deployment\nmetadata: { name: web }\nspec: { replicas: 3 }             # and no PodDisruptionBudget selects it",
        fix: "Add a PodDisruptionBudget with `maxUnavailable: 1`.",
    },
    Rule {
        id: "no-probe-declared",
        state: State::Weak,
        title: "nobody asks whether it answers",
        why: "An instance that hangs, or that is not ready yet, looks like any other and goes on getting its share of requests. \
              Users see a part of their requests fail for as long as it takes a person to find out which instance it is.",
        example: "kind: Deployment\nspec:\n  template:\n    spec:\n      containers: [{ name: web, image: shop/web:3 }]   # and no readinessProbe",
        fix: "Declare a readiness probe, a health check or `healthcheck` that asks what users ask.",
    },
    Rule {
        id: "no-release-protection",
        state: State::Weak,
        title: "one mistaken call deletes it",
        why: "A `terraform destroy` in the wrong folder, a renamed resource or a click in the console releases it at once. For a \
              database or a balancer that is an outage of hours, with data or an address that does not come back.",
        example: "resource \"aws_db_instance\" \"orders\" {\n  multi_az            = true\n  deletion_protection = false\n}",
        fix: "Switch the vendor's deletion protection on; it has to be switched off by hand before the thing can be deleted.",
    },
    Rule {
        id: "no-requests",
        state: State::Weak,
        title: "it reserves nothing on its node",
        why: "A pod without requests is placed where there may be no room, and it is the first to be evicted when memory gets \
              short. After the loss of a zone every node left is fuller, and that is when it happens.",
        example: "containers:\n  - { name: web, image: shop/web:3 }   # and no resources.requests",
        fix: "State `resources.requests` near what it uses at its peak.",
    },
    Rule {
        id: "no-scaling",
        state: State::Weak,
        title: "nobody adds instances by himself",
        why: "After a loss those left carry the load of those lost, and in a surge all of them carry more. Without a scaling \
              group or autoscaler that stays so until a person has noticed, got in and started some.",
        example: "resource \"aws_instance\" \"web\" {\n  count = 2                        # behind a balancer, in no scaling group\n}",
        fix: "Let a scaling group over several zones run it, or run as many as carry the peak after a loss.",
    },
    Rule {
        id: "quorum-in-one-place",
        state: State::Broken,
        title: "one place holds the majority",
        why: "A store that decides by majority stops when the place with most of its members is lost, however many are left. \
              What it decides stops too: elections of primaries, locks, the Kubernetes API. Two zones cannot hold a quorum \
              against the loss of either.",
        example: "etcd:\n  instances: [{ at: hz-a }, { at: hz-a }, { at: hz-b }]   # hz-a holds 2 of 3",
        fix: "Spread the members over three places, an odd number of them, so that no place holds half.",
    },
    Rule {
        id: "recovery-bound",
        state: State::Broken,
        title: "recovery may take longer than promised",
        why: "The timers that your own files state add up to more than the promise: probe interval × failures, time-outs, the \
              life of a leader key, of a name. Each is small, and in the worst case all of them come one after the other. It is \
              the configuration that breaks the promise, not bad luck.",
        example: "ttl: 30                            # patroni.yml; with loop_wait 10 and retry_timeout 10\npromises: { failover.zone: { within: 20s } }",
        fix: "Shorten the longest term, which the finding names with its line, or promise what can be kept.",
    },
    Rule {
        id: "recovery-path",
        state: State::Broken,
        title: "recovery needs what was just lost",
        why: "What elects the new primary, holds the image, lets operators in or tells them stood in the place that was lost. So \
              the service stays down, or degraded, though all its own instances were spread well. Where a fail-over needs \
              it the finding is broken; where a later step does, it is weak.",
        example: "registry:\n  instances: [{ at: hz-a }]        # and every node pulls its images from it\nweb:\n  instances: [{ at: hz-a }, { at: hz-b }, { at: hz-c }]",
        fix: "Run what recovery needs in more than one place, or keep it outside all places that it has to help with.",
    },
    Rule {
        id: "single-point",
        state: State::Broken,
        title: "the loss of one place stops a core service",
        why: "All that keeps some function going stands in one place: the service itself, or something that it needs, however \
              far down. Places fail as a whole, so that more instances in the same place do not help.",
        example: "resource \"alicloud_db_instance\" \"orders\" {\n  zone_id         = \"cn-hangzhou-h\"\n  zone_id_slave_a = \"cn-hangzhou-h\"   # both nodes in one zone\n}",
        fix: "Put an instance somewhere else, or say a narrower `survive` and accept the loss.",
    },
    Rule {
        id: "spread-unknown",
        state: State::Unknown,
        title: "nobody can tell whether instances stand apart",
        why: "The files do not say where the instances stand, or leave it to a scheduler or a vendor who may put all of them in \
              one place. They may be spread today and not tomorrow. That is not known to be wrong, and it is not \
              known to be right.",
        example: "kind: Deployment\nspec: { replicas: 3 }              # and no spread constraint, no affinity",
        fix: "Ask for the spread (`topologySpreadConstraints` with `whenUnsatisfiable: DoNotSchedule`), or declare in \
              `dinghai.yaml` where the instances stand.",
    },
];

/// Every rule over inventories, by id.
pub fn rules() -> &'static [Rule] {
    &RULES
}
