//! What one mechanism adds to a recovery, by failure.

use std::time::Duration;

use dinghai_clock::format_span;
use dinghai_estate::{Asks, BackendCheck, Certainty, MechanismKind, Source, Timer};

use super::Failure;
use crate::Term;

/// How long Patroni's candidates ask each other (its own timeout for that) and the promotion takes, where no drill has told.
const ELECTION: Duration = Duration::from_secs(5);

/// How long a standby needs to set an address and to announce it, where no drill has told.
const ANNOUNCEMENT: Duration = Duration::from_millis(100);

/// What a mechanism makes of a failure.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Notices {
    /// It mends it, and this is what is waited for.
    After(Vec<Term>),
    /// It never notices; the line that leaves it so.
    Never(Source),
    /// It is not meant for it.
    Elsewhere,
}

pub(super) fn notices(kind: &MechanismKind, failure: Failure) -> Notices {
    match kind {
        MechanismKind::ActiveCheck { check, connect, answer, retries, again, cuts } => {
            let Some(found) = checks_fail(check, failure) else {
                return Notices::Never(check.every.source.clone());
            };
            let repeats = again.as_ref().map_or(0, |again| again.times.0);
            let connecting = connect.as_ref().map(|connect| {
                let says = match repeats {
                    0 => connect.says.clone(),
                    repeats => format!("{} × (1 + {repeats} repeats)", connect.says),
                };
                term(
                    "requests to it wait for a connection",
                    connect.value * (1 + repeats),
                    says,
                    &connect.source,
                )
            });
            let last = match failure {
                Failure::Refuses => match again {
                    // Each request goes to another server at once: none is lost, whatever the checks do.
                    None if retries.is_some() => {
                        let source = retries.as_ref().map_or(&check.every.source, |(_, source)| source);
                        let says = "a refused attempt goes to another server at once".to_owned();
                        return Notices::After(vec![term(
                            "requests go elsewhere",
                            Duration::ZERO,
                            says,
                            source,
                        )]);
                    }
                    None => None,
                    Some(again) => Some(term(
                        "the last request is tried again",
                        again.pause.value * repeats,
                        format!("{} × {repeats}", again.pause.says),
                        &again.times.1,
                    )),
                },
                Failure::Vanishes | Failure::Hangs if cuts.is_some() => None,
                Failure::Vanishes => connecting,
                Failure::Hangs => {
                    let waiting = answer.as_ref().map(|answer| {
                        term(
                            "the last request waits for its answer",
                            answer.value,
                            answer.says.clone(),
                            &answer.source,
                        )
                    });
                    [waiting, connecting].into_iter().flatten().max_by_key(|term| term.value)
                }
            };
            let terms: Vec<Term> = std::iter::once(found).chain(last).collect();
            let under_way = answer.as_ref().filter(|_| failure == Failure::Vanishes && cuts.is_none());
            Notices::After(longer(terms, under_way))
        }
        MechanismKind::PassiveCheck { connect, answer, next, .. } => {
            let waits = match failure {
                Failure::Refuses => {
                    let source = next.as_ref().unwrap_or(&connect.source);
                    let says = match next {
                        Some(_) => "a refused attempt goes to the next server at once",
                        None => "requests fail until enough of them have",
                    };
                    return Notices::After(vec![term(
                        "requests go elsewhere",
                        Duration::ZERO,
                        says.to_owned(),
                        source,
                    )]);
                }
                Failure::Vanishes => connect,
                Failure::Hangs => answer,
            };
            let terms = vec![
                term("the first requests fail", waits.value, waits.says.clone(), &waits.source),
                term("the last request fails", waits.value, waits.says.clone(), &waits.source),
            ];
            Notices::After(longer(terms, Some(answer).filter(|_| failure == Failure::Vanishes)))
        }
        MechanismKind::Vrrp { advert, missed, skew, script, resigns, .. } => {
            let silence = || {
                let says = format!("{} × {}", advert.says, missed.0);
                term("the standby misses advertisements", advert.value * missed.0, says, &advert.source)
            };
            let skewed = term("the standby waits its turn", skew.value, skew.says.clone(), &skew.source);
            let taken = term(
                "the standby takes the address",
                ANNOUNCEMENT,
                format!("{} unless a drill tells", format_span(ANNOUNCEMENT)),
                &derived(&skew.source),
            );
            let Some((interval, fall, timeout)) = script else {
                return match failure {
                    Failure::Vanishes => Notices::After(vec![silence(), skewed, taken]),
                    Failure::Refuses | Failure::Hangs => Notices::Never(advert.source.clone()),
                };
            };
            let each = match failure {
                Failure::Vanishes => return Notices::After(vec![silence(), skewed, taken]),
                Failure::Refuses => Duration::ZERO,
                Failure::Hangs => timeout.value,
            };
            let says = match each.is_zero() {
                true => format!("{} × fall {fall}", interval.says),
                false => format!("({} + {}) × fall {fall}", interval.says, timeout.says),
            };
            let ran =
                term("the tracked script fails", (interval.value + each) * *fall, says, &interval.source);
            match resigns {
                true => Notices::After(vec![ran, skewed, taken]),
                false => Notices::After(vec![ran, silence(), skewed, taken]),
            }
        }
        MechanismKind::Patroni { ttl, loop_wait, primary_start_timeout, .. } => {
            let round = |name: &str| of(name, loop_wait);
            let promotion = term(
                "election and promotion",
                ELECTION,
                format!("{} unless a drill tells", format_span(ELECTION)),
                &derived(&ttl.source),
            );
            match failure {
                // At 0 it does not try to start it again, and gives its key away in the same round.
                Failure::Refuses if primary_start_timeout.value.is_zero() => {
                    Notices::After(vec![round("Patroni sees that PostgreSQL is gone"), promotion])
                }
                Failure::Refuses => Notices::After(vec![
                    round("Patroni sees that PostgreSQL is gone"),
                    of("it is started again in place", primary_start_timeout),
                    round("another member takes the leader key"),
                    promotion,
                ]),
                Failure::Vanishes => Notices::After(vec![
                    of("leader key lives on", ttl),
                    round("a member looks again"),
                    promotion,
                ]),
                // It goes on renewing the key of a PostgreSQL that hangs beside it (patroni/patroni, issue 1371).
                Failure::Hangs => Notices::Elsewhere,
            }
        }
        MechanismKind::ManagedFailover { within } => {
            Notices::After(vec![of("the vendor makes a standby the primary", within)])
        }
        MechanismKind::Probes { readiness, liveness, .. } => match failure {
            Failure::Vanishes => Notices::Elsewhere,
            Failure::Refuses | Failure::Hangs => {
                let Some(check) = readiness.as_ref().or(liveness.as_ref()) else { return Notices::Elsewhere };
                if failure == Failure::Hangs && check.asks == Asks::Connection {
                    return Notices::Never(check.every.source.clone());
                }
                // Kubernetes probes at a fixed pace, however long one takes.
                let says = format!("{} × {} + {}", check.every.says, check.fall.0, check.timeout.says);
                let value = check.every.value * check.fall.0 + check.timeout.value;
                Notices::After(vec![term("probes fail", value, says, &check.every.source)])
            }
        },
        MechanismKind::NodeLoss { grace, .. } => match failure {
            Failure::Vanishes => Notices::After(vec![of("the node counts as gone", grace)]),
            Failure::Refuses | Failure::Hangs => Notices::Elsewhere,
        },
        MechanismKind::Dns { ttl, check } => {
            let found = match check {
                Some(check) => match checks_fail(check, failure) {
                    Some(term) => Some(term),
                    None => return Notices::Never(check.every.source.clone()),
                },
                None => return Notices::Elsewhere,
            };
            Notices::After(found.into_iter().chain([of("names live on", ttl)]).collect())
        }
        MechanismKind::Restart { .. } | MechanismKind::Scaling { .. } | MechanismKind::Client { .. } => {
            Notices::Elsewhere
        }
    }
}

/// The terms, unless requests that had reached the host before it vanished wait longer for their answers than all of them.
fn longer(terms: Vec<Term>, answer: Option<&Timer>) -> Vec<Term> {
    let total: Duration = terms.iter().map(|term| term.value).sum();
    match answer {
        Some(answer) if answer.value > total => vec![of("requests under way wait for their answers", answer)],
        _ => terms,
    }
}

/// Until a new primary behind a balancer is found by its checks.
pub(super) fn found_again(check: &BackendCheck) -> Term {
    let down = check.down_every.as_ref().unwrap_or(&check.every);
    let fast = check.fast.as_ref().unwrap_or(&check.every);
    let rise = check.rise.0;
    let value = down.value + fast.value * rise.saturating_sub(1) + check.timeout.value;
    let says = format!("{} × rise {rise} + {}", fast.says, check.timeout.says);
    term("balancer sees the new primary", value, says, &down.source)
}

/// Until enough checks have failed; none when they go on passing.
fn checks_fail(check: &BackendCheck, failure: Failure) -> Option<Term> {
    let fast = check.fast.as_ref().unwrap_or(&check.every);
    let waits = match failure {
        Failure::Refuses => None,
        Failure::Vanishes => Some(check.connect.as_ref().unwrap_or(&check.timeout)),
        Failure::Hangs if check.asks == Asks::Connection => return None,
        // HAProxy does not cut short what it allowed for the connection when that comes about at once.
        Failure::Hangs => [Some(&check.timeout), check.connect.as_ref()]
            .into_iter()
            .flatten()
            .max_by_key(|timer| timer.value),
    };
    let fall = check.fall.0.max(1);
    let each = waits.map_or(Duration::ZERO, |waits| waits.value);
    let value = check.every.value + fast.value * (fall - 1) + each * fall;
    let paused = match fast == &check.every {
        true => format!("{} × fall {fall}", check.every.says),
        false => format!("{} + {} × (fall {fall} − 1)", check.every.says, fast.says),
    };
    let says = match waits {
        Some(waits) => format!("{paused} + {fall} × {} ({})", format_span(waits.value), waits.says),
        None => paused,
    };
    Some(term("checks fail", value, says, &check.every.source))
}

fn of(name: &str, timer: &Timer) -> Term {
    term(name, timer.value, timer.says.clone(), &timer.source)
}

fn term(name: &str, value: Duration, says: String, source: &Source) -> Term {
    Term { name: name.to_owned(), value, says, source: source.clone() }
}

fn derived(source: &Source) -> Source {
    Source { certainty: Certainty::Derived.min(source.certainty), ..source.clone() }
}
