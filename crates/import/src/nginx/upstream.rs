//! What nginx passes requests to: `upstream` blocks and plain addresses as services of their own.

use std::collections::BTreeMap;
use std::time::Duration;

use dinghai_estate::{
    Asks, BackendCheck, Feature, FoundInstance, FoundService, Handling, InstanceId, Mechanism, MechanismKind,
    NeedKind, Origin, Presence, Role, ServiceId, Source, Timer,
};

use super::directives::Directive;
use super::passing::{Passing, time};
use super::{ByName, needs};
use crate::fragment::{Fragment, Want};
use crate::machine::{Names, at_machine, host_and_port, is_address, is_loopback};

/// All upstreams, those that stand in blocks and those that are plain addresses.
#[derive(Debug, Default)]
pub(super) struct Upstreams(ByName<Upstream>);

#[derive(Debug)]
struct Upstream {
    servers: Vec<Server>,
    machine: Option<String>,
    users: Vec<(ServiceId, Passing)>,
    /// Whether it is a block of its own.
    block: bool,
    origin: Origin,
}

#[derive(Debug)]
struct Server {
    address: String,
    /// Failures that take it out, and the line that says so, when one does.
    fails: (u32, Source),
    window: Timer,
    down: bool,
    origin: Origin,
}

impl Upstreams {
    pub(super) fn add(&mut self, file: &str, machine: Option<&str>, block: &Directive) {
        let servers = block.inside().iter().filter(|found| found.name == "server").map(server).collect();
        let upstream = Upstream {
            servers,
            machine: machine.map(str::to_owned),
            users: Vec::new(),
            block: true,
            origin: block.origin.clone(),
        };
        self.0.entry((file.to_owned(), block.arg(0).to_owned())).or_insert(upstream);
    }

    pub(super) fn knows(&self, file: &str, name: &str) -> bool {
        self.0.contains_key(&(file.to_owned(), name.to_owned()))
    }

    pub(super) fn used(
        &mut self,
        file: &str,
        machine: Option<&str>,
        to: &str,
        by: &ServiceId,
        passing: &Passing,
    ) {
        let upstream = self.0.entry((file.to_owned(), to.to_owned())).or_insert_with(|| Upstream {
            servers: vec![Server {
                address: to.to_owned(),
                fails: (1, Source::derived(passing.origin.clone())),
                window: window(
                    Duration::from_secs(10),
                    "default fail_timeout 10s".to_owned(),
                    Source::derived(passing.origin.clone()),
                ),
                down: false,
                origin: passing.origin.clone(),
            }],
            machine: machine.map(str::to_owned),
            users: Vec::new(),
            block: false,
            origin: passing.origin.clone(),
        });
        upstream.users.push((by.clone(), passing.clone()));
    }

    /// Makes services of them, under names that nothing else has.
    pub(super) fn finish(self, fragment: &mut Fragment, mut names: Names) {
        let mut counts: BTreeMap<String, u32> = BTreeMap::new();
        for (_, name) in self.0.keys() {
            *counts.entry(name.clone()).or_default() += 1;
        }
        for ((file, name), upstream) in self.0 {
            if upstream.users.is_empty() {
                fragment.count("nginx upstream", Handling::Ignored);
                continue;
            }
            fragment.count("nginx upstream", Handling::Reasoned);
            let plain = format!("nginx-{name}");
            let alone = counts.get(&name) == Some(&1);
            let id = match (alone, names.has(&plain)) {
                (true, false) => plain,
                (true, true) => format!("{plain}-servers"),
                (false, _) => format!("{plain}@{}", upstream.machine.as_deref().unwrap_or(&file)),
            };
            upstream.finish(fragment, &ServiceId::new(names.once(id)), &name);
        }
    }
}

impl Upstream {
    fn finish(&self, fragment: &mut Fragment, id: &ServiceId, name: &str) {
        let resource =
            if self.block { format!("nginx upstream {name}") } else { format!("nginx proxy_pass {name}") };
        let mut service = FoundService::new(Role::Workload, resource, Source::declared(self.origin.clone()));
        let mut wants = Vec::new();
        let mut names = Names::default();
        for server in &self.servers {
            let name = names.once(format!("{id}@{}", server.address));
            let mut instance =
                FoundInstance::new(InstanceId::new(name), Source::declared(server.origin.clone()));
            instance.spare = server.down;
            let (host, _) = host_and_port(&server.address);
            let here = server.address.starts_with("unix:") || is_loopback(host);
            let machine = match (here, self.machine.as_deref()) {
                (true, Some(machine)) => Ok((machine, Source::inferred(server.origin.clone()))),
                (true, None) => Err("it runs beside nginx, whose machine is not known".to_owned()),
                (false, _) if is_address(host) => Ok((host, Source::derived(server.origin.clone()))),
                (false, _) => Err(format!("no file tells on which machine {host} runs")),
            };
            fragment.count(
                "nginx upstream server",
                if machine.is_ok() { Handling::Placed } else { Handling::Unknown },
            );
            service.instances.push(at_machine(fragment, instance, machine, &server.origin));
            if !here && !server.address.contains(['$', '{']) {
                wants.push(Want {
                    from: id.clone(),
                    name: server.address.clone(),
                    kind: NeedKind::Hard,
                    how: format!("server {}", server.address),
                    source: Source::declared(server.origin.clone()),
                    outside: false,
                });
            }
        }
        let serving: Vec<&Server> = self.servers.iter().filter(|server| !server.down).collect();
        let check =
            self.users.iter().find_map(|(by, passing)| Some((by, passing, passing.health_check.as_ref()?)));
        match (check, serving.iter().find(|server| server.fails.0 == 0)) {
            (Some((_, _, check)), _) => {
                service
                    .features
                    .insert(Feature::Probe, Presence::Present(Source::declared(check.origin.clone())));
            }
            (None, Some(server)) => {
                service
                    .features
                    .insert(Feature::Probe, Presence::Absent(Source::declared(server.origin.clone())));
            }
            (None, None) if serving.len() == 1 => {
                let source = Source::derived(self.origin.clone());
                service.features.insert(Feature::Probe, Presence::Absent(source));
            }
            (None, None) => {}
        }
        fragment.service(id, || service);
        if self.block {
            fragment.pool(id, name);
        }
        fragment.wants_any(wants);
        for (by, passing) in &self.users {
            needs(fragment, by, id, passing);
        }
        let mechanism = match check {
            Some((by, passing, check)) => Some((by, active(check, passing))),
            None => self.passive(&serving),
        };
        if let Some((by, kind)) = mechanism {
            let source = Source::declared(self.origin.clone());
            fragment.inventory.mechanisms.push(Mechanism {
                service: id.clone(),
                by: Some(by.clone()),
                kind,
                source,
            });
        }
    }

    /// The slowest of what its users wait for decides.
    fn passive(&self, serving: &[&Server]) -> Option<(&ServiceId, MechanismKind)> {
        let server =
            serving.iter().filter(|server| server.fails.0 > 0).max_by_key(|server| server.fails.0)?;
        let (by, passing) =
            self.users.iter().max_by_key(|(_, passing)| passing.answer.value + passing.connect.value)?;
        let kind = MechanismKind::PassiveCheck {
            fails: server.fails.clone(),
            window: server.window.clone(),
            connect: passing.connect.clone(),
            answer: passing.answer.clone(),
            next: passing.next.clone(),
        };
        (serving.len() > 1).then_some((by, kind))
    }
}

fn server(line: &Directive) -> Server {
    let declared = Source::declared(line.origin.clone());
    let derived = Source::derived(line.origin.clone());
    let fails = match line.option("max_fails").and_then(|fails| fails.parse().ok()) {
        Some(fails) => (fails, declared.clone()),
        None => (1, derived.clone()),
    };
    let said = line.option("fail_timeout").and_then(|said| Some((said, time(said)?)));
    let window = match said {
        Some((said, value)) => window(value, format!("fail_timeout={said}"), declared),
        None => window(Duration::from_secs(10), "default fail_timeout 10s".to_owned(), derived),
    };
    Server {
        address: line.arg(0).to_owned(),
        fails,
        window,
        down: line.has("down"),
        origin: line.origin.clone(),
    }
}

fn window(value: Duration, says: String, source: Source) -> Timer {
    Timer { value, says, source }
}

/// `health_check` of nginx Plus: every 5 s, one failure, one pass unless said (`ngx_http_upstream_hc_module` and
/// `ngx_stream_upstream_hc_module`). In a stream it only connects, or hears no rejection by UDP, unless a `match` is named, and is
/// given up after `health_check_timeout` (5 s).
fn active(check: &Directive, passing: &Passing) -> MechanismKind {
    let source = Source::declared(check.origin.clone());
    let every = match check.option("interval").and_then(|said| Some((said, time(said)?))) {
        Some((said, value)) => Timer { value, says: format!("interval={said}"), source: source.clone() },
        None => Timer {
            value: Duration::from_secs(5),
            says: "default interval 5s".to_owned(),
            source: Source::derived(check.origin.clone()),
        },
    };
    let count = |key: &str| match check.option(key).and_then(|said| said.parse().ok()) {
        Some(count) => (count, source.clone()),
        None => (1, Source::derived(check.origin.clone())),
    };
    MechanismKind::ActiveCheck {
        check: BackendCheck {
            every,
            fast: None,
            down_every: None,
            timeout: passing.check_timeout.as_ref().unwrap_or(&passing.answer).clone(),
            fall: count("fails"),
            rise: count("passes"),
            connect: Some(passing.connect.clone()),
            asks: match passing.stream && check.option("match").is_none() {
                true => Asks::Connection,
                false => Asks::Answer,
            },
        },
        connect: Some(passing.connect.clone()),
        answer: Some(passing.answer.clone()),
        retries: passing.next.clone().map(|source| (1, source)),
        again: None,
        cuts: None,
    }
}
