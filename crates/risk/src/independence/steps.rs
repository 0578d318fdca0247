//! The steps of recovery, those that files state and those that follow from what stands there.
//!
//! A file says that Patroni keeps its leader's key in etcd; hardly any says that people on call are told by the Alertmanager in the
//! same folder, or that operators get in by the bastion. Such steps are derived from the roles of services, for all core
//! services alike, and only for acts of which no file states anything. They are as sure as a name is: inferred. Several bastions are
//! taken to stand in for each other, so that a derived step needs *any* of them.

use std::collections::{BTreeMap, BTreeSet};

use dinghai_estate::{
    Act, Certainty, FoundService, Inventory, PlaceId, RecoveryStep, Role, ServiceId, Source,
};

/// What a step does not work without.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Needed<'i> {
    /// One of these services; mostly it is one.
    Services(BTreeSet<&'i ServiceId>),
    /// This place.
    Place(&'i PlaceId),
    /// Something of which these files say nothing.
    Outside,
}

/// A step, with what it needs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Step<'i> {
    pub(super) act: Act,
    /// The service that is recovered by it; none when it is for all.
    pub(super) service: Option<&'i ServiceId>,
    pub(super) how: String,
    pub(super) source: Source,
    /// Whether it was derived from roles.
    pub(super) derived: bool,
}

/// Every step by what it needs.
pub(super) fn steps(inventory: &Inventory) -> BTreeMap<Needed<'_>, BTreeSet<Step<'_>>> {
    let mut steps: BTreeMap<Needed<'_>, BTreeSet<Step<'_>>> = BTreeMap::new();
    for stated in &inventory.steps {
        let step = Step {
            act: stated.act,
            service: stated.service.as_ref(),
            how: stated.how.clone(),
            source: stated.source.clone(),
            derived: false,
        };
        for needed in needed(inventory, stated) {
            steps.entry(needed).or_default().insert(step.clone());
        }
    }
    for (needed, step) in derived(inventory) {
        steps.entry(needed).or_default().insert(step);
    }
    steps
}

fn needed<'i>(inventory: &'i Inventory, step: &'i RecoveryStep) -> Vec<Needed<'i>> {
    let known = step.needs.as_ref().and_then(|id| inventory.services.get_key_value(id)).map(|(id, _)| id);
    let registry = || known.is_none().then(|| registry_of(inventory, step)).flatten();
    let service = known.or_else(registry).map(|id| Needed::Services([id].into()));
    let needed: Vec<_> = service.into_iter().chain(step.place.as_ref().map(Needed::Place)).collect();
    match needed.is_empty() {
        true => vec![Needed::Outside],
        false => needed,
    }
}

/// The registry whose name is the host of the image, or its first label.
fn registry_of<'i>(inventory: &'i Inventory, step: &RecoveryStep) -> Option<&'i ServiceId> {
    if step.act != Act::PullImage {
        return None;
    }
    let image = step.how.split(' ').find(|word| word.contains('/'))?.trim_matches('`');
    let host = image.split(['/', ':']).next().filter(|host| host.contains('.') || *host == "registry")?;
    let label = host.split('.').next()?;
    let registries = inventory.services.iter().filter(|(_, service)| service.role == Role::Registry);
    let mut named = registries.filter(|(id, _)| {
        let id = id.as_str();
        id == host || id.rsplit(['/', '.']).next() == Some(label) || id == label
    });
    named.next().map(|(id, _)| id)
}

/// What the roles of services make likely.
fn derived(inventory: &Inventory) -> Vec<(Needed<'_>, Step<'_>)> {
    let stated: BTreeSet<Act> = inventory.steps.iter().map(|step| step.act).collect();
    KINDS
        .iter()
        .filter(|kind| !stated.contains(&kind.act))
        .filter_map(|kind| {
            let all = inventory.services.iter().filter(|(id, service)| (kind.of)(id, service));
            let all: BTreeMap<&ServiceId, &FoundService> = all.collect();
            let source = &all.values().map(|service| &service.source).min()?.origin;
            let step = Step {
                act: kind.act,
                service: None,
                how: kind.how.to_owned(),
                source: Source { origin: source.clone(), certainty: Certainty::Inferred },
                derived: true,
            };
            Some((Needed::Services(all.into_keys().collect()), step))
        })
        .collect()
}

struct Kind {
    act: Act,
    of: fn(&ServiceId, &FoundService) -> bool,
    how: &'static str,
}

const KINDS: [Kind; 6] = [
    Kind {
        act: Act::Page,
        of: |id, service| service.role == Role::Monitoring && named(id, service, PAGES),
        how: "it tells the people on call",
    },
    Kind {
        act: Act::Page,
        of: |id, service| {
            service.role == Role::Monitoring
                && !named(id, service, PAGES)
                && !named(
                    id,
                    service,
                    &["grafana", "loki", "tempo", "jaeger", "exporter", "exporters", "agent"],
                )
                && !named(
                    id,
                    service,
                    &["collector", "promtail", "cadvisor", "metrics", "fluent", "fluentd", "logs"],
                )
        },
        how: "it notices what is wrong",
    },
    Kind { act: Act::LogIn, of: |_, service| service.role == Role::Access, how: "operators get in by it" },
    Kind { act: Act::LogIn, of: |_, service| service.role == Role::Identity, how: "it says who may log in" },
    Kind {
        act: Act::ScaleOut,
        of: |id, service| service.role == Role::Control && named(id, service, CONTROL_PLANES),
        how: "it places what is started",
    },
    Kind {
        act: Act::Deploy,
        of: |id, service| named(id, service, PIPELINES),
        how: "it brings out new versions",
    },
];

const PAGES: &[&str] = &["alertmanager", "pager", "oncall", "alerting"];
const CONTROL_PLANES: &[&str] =
    &["kubernetes", "k8s", "k3s", "rke2", "eks", "ack", "apiserver", "nomad", "swarm", "control"];
const PIPELINES: &[&str] = &[
    "jenkins",
    "gitlab",
    "gitea",
    "forgejo",
    "argocd",
    "fluxcd",
    "tekton",
    "woodpecker",
    "teamcity",
    "buildkite",
    "concourse",
    "spinnaker",
    "atlantis",
];

/// Whether one of the words is a whole word of its name, or of what the files call it.
fn named(id: &ServiceId, service: &FoundService, words: &[&str]) -> bool {
    let has = |text: &str| {
        let mut parts = text.split(|letter: char| !letter.is_ascii_alphanumeric());
        parts.any(|part| words.iter().any(|word| part.eq_ignore_ascii_case(word)))
    };
    has(id.as_str()) || has(&service.resource)
}
