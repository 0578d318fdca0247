//! What Kubernetes does by itself when a container, a pod or a node fails, and how long it waits.
//!
//! Where nothing is said the documented defaults hold: probes every 10 s, given up after 1 s, three failures in a row, one success;
//! restarts at most 300 s apart; a node counts as gone after 50 s (`node-monitor-grace-period`, 40 s before Kubernetes 1.32), and its
//! pods are tolerated there for another 300 s. A pod of a StatefulSet is not replaced after that, since its node may still
//! run it: for those no such mechanism is claimed.

use std::time::Duration;

use dinghai_estate::{Asks, BackendCheck, Mechanism, MechanismKind, Origin, Source, Timer};

use super::object::Objects;
use super::workload::{Manner, Workload};
use crate::fragment::Fragment;
use crate::span::duration;
use crate::value::Node;

/// Adds what recovers a workload.
pub(super) fn mechanisms(fragment: &mut Fragment, objects: &Objects, workload: &Workload<'_>) {
    if workload.manner == Manner::Operated {
        return;
    }
    let origin = workload.object.origin();
    let mut add = |kind: MechanismKind, source: Source| {
        fragment.inventory.mechanisms.push(Mechanism {
            service: workload.id.clone(),
            by: None,
            kind,
            source,
        });
    };
    if let Some((kind, source)) = probes(workload) {
        add(kind, source);
    }
    let never = workload.pod.get("restartPolicy").and_then(Node::str) == Some("Never");
    if !never {
        let derived = Source::derived(origin.clone());
        let backoff = Timer {
            value: Duration::from_secs(300),
            says: "default pause between restarts up to 5m".to_owned(),
            source: derived.clone(),
        };
        add(MechanismKind::Restart { backoff, boot: boot(&origin) }, derived);
    }
    if workload.manner == Manner::Replaced
        && let Some(toleration) = toleration(workload)
    {
        let source = toleration.source.clone();
        add(MechanismKind::NodeLoss { grace: grace(objects, &origin), toleration }, source);
    }
}

/// No file says how long pulling and starting takes; what is assumed says so.
fn boot(origin: &Origin) -> Timer {
    Timer {
        value: Duration::from_secs(30),
        says: "assumed 30s to pull its image and start".to_owned(),
        source: Source::inferred(origin.clone()),
    }
}

fn probes(workload: &Workload<'_>) -> Option<(MechanismKind, Source)> {
    let first = |key: &str| {
        workload
            .containers()
            .iter()
            .find_map(|container| Some((container.get(key)?, container.origin_of(key))))
    };
    let readiness = first("readinessProbe");
    let liveness = first("livenessProbe");
    let (_, origin) = readiness.as_ref().or(liveness.as_ref())?;
    let source = Source::declared(origin.clone());
    let startup =
        startup(readiness.as_ref().map(|(probe, _)| *probe), first("startupProbe").map(|(probe, _)| probe));
    let kind = MechanismKind::Probes {
        readiness: readiness.and_then(|(probe, origin)| check(probe, &origin)),
        liveness: liveness.and_then(|(probe, origin)| check(probe, &origin)),
        startup,
    };
    Some((kind, source))
}

/// One probe; none when a number in it is unknown.
fn check(probe: &Node, origin: &Origin) -> Option<BackendCheck> {
    Some(BackendCheck {
        every: seconds(probe, "periodSeconds", 10, origin)?,
        fast: None,
        down_every: None,
        timeout: seconds(probe, "timeoutSeconds", 1, origin)?,
        fall: number(probe, "failureThreshold", 3, origin)?,
        rise: number(probe, "successThreshold", 1, origin)?,
        connect: None,
        asks: if probe.get("tcpSocket").is_some() { Asks::Connection } else { Asks::Answer },
    })
}

fn number(probe: &Node, key: &str, default: u32, origin: &Origin) -> Option<(u32, Source)> {
    match probe.get(key) {
        Some(stated) => Some((stated.count()?, Source::declared(stated.origin()))),
        None => Some((default, Source::derived(origin.clone()))),
    }
}

fn seconds(probe: &Node, key: &str, default: u32, origin: &Origin) -> Option<Timer> {
    let (count, source) = number(probe, key, default, origin)?;
    let word = if probe.get(key).is_some() { "" } else { "default " };
    Some(Timer { value: Duration::from_secs(count.into()), says: format!("{word}{key} {count}"), source })
}

/// How long a new pod may take: until the startup probe gives up, and then until the first readiness probe.
fn startup(readiness: Option<&Node>, startup: Option<&Node>) -> Option<Timer> {
    let count = |probe: &Node, key: &str, default: u32| probe.get(key).map_or(Some(default), Node::count);
    if let Some(probe) = startup {
        let delay = count(probe, "initialDelaySeconds", 0)?;
        let (period, fails) = (count(probe, "periodSeconds", 10)?, count(probe, "failureThreshold", 3)?);
        let whole = u64::from(delay) + u64::from(period) * u64::from(fails);
        let says = format!("startupProbe {delay}s + {period}s × {fails}");
        return Some(Timer {
            value: Duration::from_secs(whole),
            says,
            source: Source::derived(probe.origin()),
        });
    }
    let delay = readiness?.get("initialDelaySeconds")?;
    let value = delay.count()?;
    let says = format!("initialDelaySeconds {value}");
    Some(Timer { value: Duration::from_secs(value.into()), says, source: Source::declared(delay.origin()) })
}

/// How long a pod is left on a node that does not answer; none when for ever.
fn toleration(workload: &Workload<'_>) -> Option<Timer> {
    let tolerations = workload.pod.get("tolerations").map(Node::items).unwrap_or_default();
    let applies = |toleration: &&Node| {
        let text = |key: &str| toleration.get(key).and_then(Node::str);
        let effect = text("effect").is_none_or(|effect| effect == "NoExecute");
        let key = text("key");
        effect
            && (key == Some("node.kubernetes.io/unreachable")
                || (key.is_none() && text("operator") == Some("Exists")))
    };
    match tolerations.iter().find(applies) {
        Some(toleration) => {
            let stated = toleration.get("tolerationSeconds")?;
            let value = stated.count()?;
            let says = format!("tolerationSeconds {value}");
            Some(Timer {
                value: Duration::from_secs(value.into()),
                says,
                source: Source::declared(stated.origin()),
            })
        }
        None => Some(Timer {
            value: Duration::from_secs(300),
            says: "default tolerationSeconds 300".to_owned(),
            source: Source::derived(workload.object.origin()),
        }),
    }
}

/// How long until a node counts as gone.
fn grace(objects: &Objects, origin: &Origin) -> Timer {
    const FLAG: &str = "node-monitor-grace-period";
    let of_pods = objects.of_kind("Pod").filter(|pod| pod.name.contains("kube-controller-manager"));
    let containers = of_pods.flat_map(|pod| pod.spec(&["containers"]).map(Node::items).unwrap_or_default());
    let words =
        containers.flat_map(|container| ["command", "args"].into_iter().filter_map(|key| container.get(key)));
    let stated = words.flat_map(Node::items).find_map(|word| {
        let text = word.str()?.trim_start_matches('-').strip_prefix(FLAG)?.strip_prefix('=')?;
        Some((duration(text)?, text.to_owned(), word.origin()))
    });
    let of_kubeadm = || {
        let configuration = objects.all().iter().find(|object| object.kind == "ClusterConfiguration")?;
        let arguments = configuration.body.at(&["controllerManager", "extraArgs"])?;
        let value = arguments.get(FLAG).or_else(|| {
            let items = arguments.items().iter();
            items.clone().find(|item| item.get("name").and_then(Node::str) == Some(FLAG))?.get("value")
        })?;
        Some((duration(&value.text()?)?, value.text()?, value.origin()))
    };
    match stated.or_else(of_kubeadm) {
        Some((value, text, origin)) => {
            Timer { value, says: format!("{FLAG} {text}"), source: Source::declared(origin) }
        }
        None => Timer {
            value: Duration::from_secs(50),
            says: format!("default {FLAG} 50s"),
            source: Source::derived(origin.clone()),
        },
    }
}
