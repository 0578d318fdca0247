//! The longest that a service can be away, composed from configuration: the worst case, and not what a drill happens to meet.
//!
//! A failure begins at the worst moment, right after somebody looked and found all well, and it is over when the last request that
//! met it has ended and every later one is answered. Requests come steadily, each on a connection of its own, from clients
//! that wait longer than the balancers in between. Three things can happen to an instance ([`Failure`]), and a place is lost like a
//! host that vanishes. What follows adds up along the way that users come in:
//!
//! | mechanism | refuses | vanishes | hangs | after |
//! |---|---|---|---|---|
//! | active check | inter + (fall − 1) × fastinter | the same + fall × connect timeout of the check | the same + fall × the longer one of its timeouts; never when it only connects | HAProxy 2.6 manual: `inter`, `fastinter`, `timeout check`; the pause runs from the end of a check |
//! | … and then the last request | repeats × min(connect, 1s); none when another server is tried at once | attempts × timeout connect; none with `shutdown-sessions` | timeout server; none with `shutdown-sessions` | `retries`, `option redispatch`, `on-marked-down` |
//! | passive check | none when the next server is tried | 2 × connect timeout | 2 × read timeout | nginx `max_fails`: the first request has to fail, the last one starts just before it does |
//! | VRRP | script interval × fall, then the address moves | missed × advert + skew | the same + script timeout | RFC 5798, 6.1 (Master_Down_Interval); keepalived.conf(5) |
//! | Patroni | loop_wait + primary_start_timeout + loop_wait + promotion; loop_wait + promotion when that timeout is 0 | ttl + loop_wait + election and promotion | no bound: it goes on renewing the key | Patroni, "Dynamic configuration": worst case of a failover |
//! | readiness probe | period × threshold + timeout | node grace period | period × threshold + timeout | Kubernetes: probes, node controller |
//! | managed failover | what the vendor says | | | |
//!
//! A request that had reached a host before it vanished waits for its answer all the same: where that time-out is longer than all of
//! this, it is the bound.
//!
//! A database that has failed over is only back once the balancer in front has found the new primary: rise checks at the pace of
//! a server that is down. Passive checks never end a loss quite: every `fail_timeout` one request tries the lost server again.

mod compose;
mod detect;
mod findings;
mod fix;
mod way;

use std::time::Duration;

use dinghai_estate::{Estate, Origin, PromiseTarget, ServiceId};

pub use compose::{bounds, worst};
pub use findings::recovery_findings;
pub(crate) use findings::unnoticed_services;

/// What can happen to an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Failure {
    /// Its program dies: connections to it are refused.
    Refuses,
    /// Its host is gone: nothing answers any more.
    Vanishes,
    /// Its program stops: connections come about, and no answer follows.
    Hangs,
}

/// How long a recovery may take, as promised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promised {
    /// Of which service; of all when none.
    pub service: Option<ServiceId>,
    /// After which failure; after any when none.
    pub failure: Option<Failure>,
    /// At most.
    pub within: Duration,
    /// Where it is stated.
    pub origin: Origin,
}

/// What an estate promises about recovery: `failover.instance`, `eject.hang` and `failover.zone`, which no vanished host may break
/// either.
pub fn promised(estate: &Estate) -> Vec<Promised> {
    let failures = [
        ("failover.instance", Failure::Refuses),
        ("eject.hang", Failure::Hangs),
        ("failover.zone", Failure::Vanishes),
    ];
    let of = |(id, failure): (&str, Failure)| {
        let promise = estate.promises.get(&id.into())?;
        let PromiseTarget::Within(within) = promise.target else { return None };
        Some(Promised { service: None, failure: Some(failure), within, origin: promise.origin.clone() })
    };
    failures.into_iter().filter_map(of).collect()
}
