//! How HAProxy notices that a server is gone, out of what a proxy and a server say.
//!
//! Manual of 2.6: a check waits `timeout check` for its answer once connected, and min(`timeout connect`, `inter`) for the
//! connection; without `timeout check` the whole of it may take `inter`. Between checks of a server in transition `fastinter`
//! passes. A refused attempt is repeated on the same server after min(`timeout connect`, 1s), `retries` times. With `option redispatch`
//! the manual promises another server for the last repetition only; HAProxy 2.6 goes there with the first one, at once and with every
//! algorithm, as `cargo xtask eval bounds` shows.

use std::time::Duration;

use dinghai_estate::{Again, Asks, BackendCheck, MechanismKind, Origin, Source, Timer};

use super::sections::Server;
use super::settings::{Said, Settings};

const INTER: Duration = Duration::from_secs(2);
const FALL: u32 = 3;
const RISE: u32 = 2;
const RETRIES: u32 = 3;
const TURN_AROUND: Duration = Duration::from_secs(1);

pub(super) fn is_checked(server: &Server) -> bool {
    server.params.check.as_ref().is_some_and(|said| said.value) || server.params.track.is_some()
}

/// How long a silent server is kept in at most, for comparing.
pub(super) fn notices_within(kind: &MechanismKind) -> Duration {
    match kind {
        MechanismKind::ActiveCheck { check, .. } => {
            let fast = check.fast.as_ref().unwrap_or(&check.every).value;
            check
                .every
                .value
                .saturating_add((fast.saturating_add(check.timeout.value)).saturating_mul(check.fall.0))
        }
        _ => Duration::ZERO,
    }
}

pub(super) fn of(settings: &Settings, server: &Server) -> MechanismKind {
    let params = &server.params;
    let here = &server.origin;
    let every = timer(params.inter.as_ref()).unwrap_or_else(|| default(INTER, "inter 2s", here));
    let connects = settings.connect.as_ref();
    let (connect, timeout) = match &settings.check {
        Some(check) => {
            let connect = match connects {
                Some(connect) if connect.value < every.value => timer(Some(connect)),
                _ => Some(every.clone()),
            };
            (connect, Timer { value: check.value, says: check.says.clone(), source: check.source() })
        }
        None => {
            let says = format!("{}, which a check without `timeout check` may take", every.says);
            (None, Timer { says, source: Source::derived(every.source.origin.clone()), ..every.clone() })
        }
    };
    let count = |said: Option<&Said<u32>>, default: u32| match said {
        Some(said) => (said.value, said.source()),
        None => (default, Source::derived(here.clone())),
    };
    let deep = settings.asks.is_some() || params.tls;
    let check = BackendCheck {
        fast: timer(params.fastinter.as_ref()),
        down_every: timer(params.downinter.as_ref()),
        timeout,
        fall: count(params.fall.as_ref(), FALL),
        rise: count(params.rise.as_ref(), RISE),
        connect,
        asks: if deep { Asks::Answer } else { Asks::Connection },
        every,
    };
    let tries = count(settings.retries.as_ref(), RETRIES);
    let pause = connects.map_or(TURN_AROUND, |connect| connect.value.min(TURN_AROUND));
    let pause = default(pause, "min(timeout connect, 1s) before an attempt is repeated", here);
    // What `option redispatch` says of which repetition goes elsewhere, it counts from the first failure on.
    let (same, other) = match &settings.redispatch {
        _ if tries.0 == 0 => (0, None),
        None => (tries.0, None),
        Some(_) => (0, Some(tries.clone())),
    };
    let again = (same > 0).then(|| Again { times: (same, tries.1.clone()), pause });
    MechanismKind::ActiveCheck {
        check,
        connect: timer(connects),
        answer: timer(settings.server.as_ref()),
        retries: other,
        again,
        cuts: params.cuts.as_ref().map(Said::source),
    }
}

fn timer(said: Option<&Said<Duration>>) -> Option<Timer> {
    said.map(|said| Timer { value: said.value, says: said.says.clone(), source: said.source() })
}

fn default(value: Duration, says: &str, origin: &Origin) -> Timer {
    Timer { value, says: format!("default {says}"), source: Source::derived(origin.clone()) }
}
