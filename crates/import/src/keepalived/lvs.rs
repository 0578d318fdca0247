//! `virtual_server`: the kernel's balancer, whose servers keepalived checks.
//!
//! Defaults are those of keepalived.conf(5): a check every `delay_loop` 60 s, `connect_timeout` 5 s, and after a failure `retry` more
//! checks (1, for DNS 3, for a program 0) at `delay_before_retry` (1 s, for HTTP 3 s, for DNS `delay_loop`). A program without
//! `misc_timeout`, of which the manual is silent, may take `delay_loop` (keepalived 2.2, `check_misc.c`).

use std::collections::BTreeMap;
use std::time::Duration;

use dinghai_estate::{
    Asks, BackendCheck, Feature, FoundInstance, FoundNeed, FoundService, Handling, InstanceId, Mechanism,
    MechanismKind, NeedKind, Presence, Role, ServiceId, Source, Timer,
};

use super::blocks::Block;
use crate::fragment::{Fragment, Want};
use crate::machine::{at_machine, is_address};

const CHECKS: [&str; 8] =
    ["TCP_CHECK", "HTTP_GET", "SSL_GET", "SMTP_CHECK", "DNS_CHECK", "MISC_CHECK", "UDP_CHECK", "PING_CHECK"];

pub(super) fn add(
    fragment: &mut Fragment,
    servers: &[(Block, Option<String>)],
    vips: &BTreeMap<String, ServiceId>,
) {
    for (block, _) in servers {
        let (address, port) = (block.word(1), block.word(2));
        let id = ServiceId::new(format!("lvs-{address}:{port}"));
        // Each machine of the pair says the same.
        if fragment.inventory.services.contains_key(&id) {
            continue;
        }
        let declared = || Source::declared(block.origin.clone());
        let mut service = FoundService::new(
            Role::Workload,
            format!("keepalived virtual_server {address} {port}"),
            declared(),
        );
        let mut wants = Vec::new();
        let mut unchecked = None;
        let mut check = None;
        for real in block.all("real_server") {
            let (host, port) = (real.word(1), real.word(2));
            let source = Source::declared(real.origin.clone());
            let instance = FoundInstance::new(InstanceId::new(format!("{id}@{host}:{port}")), source.clone());
            let machine = match is_address(host) {
                true => Ok((host, Source::derived(real.origin.clone()))),
                false => Err("its address cannot be read".to_owned()),
            };
            fragment.count(
                "keepalived real_server",
                if machine.is_ok() { Handling::Placed } else { Handling::Unknown },
            );
            service.instances.push(at_machine(fragment, instance, machine, &real.origin));
            wants.push(Want {
                from: id.clone(),
                name: format!("{host}:{port}"),
                kind: NeedKind::Hard,
                how: "real_server".to_owned(),
                source: source.clone(),
                outside: false,
            });
            match real.inside.iter().find(|line| CHECKS.contains(&line.word(0))) {
                Some(asks) => check = check.or_else(|| Some(of(block, real, asks))),
                None => unchecked = unchecked.or(Some(source)),
            }
        }
        let probe = unchecked.map_or_else(|| Presence::Present(declared()), Presence::Absent);
        service.features.insert(Feature::Probe, probe);
        fragment.service(&id, || service);
        fragment.wants_any(wants);
        if let Some(kind) = check {
            fragment.inventory.mechanisms.push(Mechanism {
                service: id.clone(),
                by: None,
                kind,
                source: declared(),
            });
        }
        let front = vips.get(address).and_then(|vip| fragment.inventory.services.get_mut(vip));
        if let Some(front) = front {
            let how = format!("virtual_server {address} {port}");
            front.needs.push(FoundNeed { service: id, kind: NeedKind::Hard, how, source: declared() });
        }
    }
}

fn of(server: &Block, real: &Block, asks: &Block) -> MechanismKind {
    let said = |name: &str| {
        [asks, real, server].into_iter().find_map(|block| {
            let line = block.get(name)?;
            let value: f64 =
                line.word(1).parse().ok().filter(|value: &f64| (0.0..=86_400.0).contains(value))?;
            Some((value, line.says(), Source::declared(line.origin.clone())))
        })
    };
    let kind = asks.word(0);
    let (retry, again) = match kind {
        "HTTP_GET" | "SSL_GET" => (1, Some(3)),
        "DNS_CHECK" => (3, None),
        "MISC_CHECK" => (0, Some(1)),
        _ => (1, Some(1)),
    };
    let timer = |name: &str, default: u64| match said(name) {
        Some((value, says, source)) => Timer { value: Duration::from_secs_f64(value), says, source },
        None => Timer {
            value: Duration::from_secs(default),
            says: format!("default {name} {default}"),
            source: Source::derived(asks.origin.clone()),
        },
    };
    let retries = said("retry").or_else(|| said("nb_get_retry"));
    let fall = match retries {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "held within 0 and 86 400"
        )]
        Some((times, _, source)) => (times as u32 + 1, source),
        None => (retry + 1, Source::derived(asks.origin.clone())),
    };
    let every = timer("delay_loop", 60);
    let as_long = |name: &str| match said(name) {
        Some((value, says, source)) => Timer { value: Duration::from_secs_f64(value), says, source },
        None => Timer {
            says: format!("{}, which counts without `{name}`", every.says),
            source: Source::derived(every.source.origin.clone()),
            ..every.clone()
        },
    };
    MechanismKind::ActiveCheck {
        check: BackendCheck {
            fast: Some(match again {
                Some(seconds) => timer("delay_before_retry", seconds),
                None => as_long("delay_before_retry"),
            }),
            down_every: None,
            timeout: match kind {
                "MISC_CHECK" => as_long("misc_timeout"),
                _ => timer("connect_timeout", 5),
            },
            every: every.clone(),
            fall,
            rise: (1, Source::derived(asks.origin.clone())),
            connect: None,
            asks: if matches!(kind, "TCP_CHECK" | "UDP_CHECK" | "PING_CHECK") {
                Asks::Connection
            } else {
                Asks::Answer
            },
        },
        connect: None,
        answer: None,
        retries: None,
        again: None,
        cuts: None,
    }
}
