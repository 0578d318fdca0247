//! Findings about a service: too few healthy instances, none to spare, and requests that fail.
//!
//! What is unknown counts as up when a shortage is to be found and as down when it is to be cleared, so that not
//! knowing neither raises nor clears.

use std::collections::BTreeSet;
use std::time::Duration;

use dinghai_clock::format_span;
use dinghai_estate::{Service, ServiceId};
use dinghai_record::{FindingKind, Reason, Severity, Subject};

use crate::capacity::Standing;
use crate::diagnose::Inputs;
use crate::verdict::{Verdict, Verdicts, key};

/// Requests are judged over so long.
const TRAFFIC_WINDOW: Duration = Duration::from_secs(5);
/// Fewer requests than this in the window do not make a share.
const ENOUGH_REQUESTS: u64 = 10;
/// When gateways report no request at all for so long, none fails.
const IDLE_FOR: Duration = Duration::from_secs(60);

/// Verdicts on every service.
pub(crate) fn judge(inputs: &Inputs<'_>) -> Verdicts {
    let mut verdicts = Vec::new();
    for (id, service) in &inputs.estate.services {
        let about = |kind| key(kind, Subject::Service(id.clone()));
        let (minimum, redundancy) = capacity(inputs, id, service);
        verdicts.push((about(FindingKind::BelowMinimum), minimum));
        verdicts.push((about(FindingKind::RedundancyGone), redundancy));
        verdicts.push((about(FindingKind::RequestsFailing), failing(inputs, id)));
    }
    verdicts
}

fn capacity(inputs: &Inputs<'_>, id: &ServiceId, service: &Service) -> (Verdict, Verdict) {
    let (mut up, mut unknown, mut declared) = (0u32, 0u32, 0u32);
    let mut down = BTreeSet::new();
    for instance in service.instances.iter().filter(|instance| inputs.in_use(instance)) {
        declared += u32::from(!instance.spare);
        match inputs.counts(instance) {
            // Held out of rotation it serves nobody.
            Standing::Up if inputs.share(instance) == Some(0) => {}
            Standing::Up => up += 1,
            Standing::Unknown | Standing::Starting => unknown += 1,
            Standing::Down => {
                down.insert(instance.id.clone());
            }
        }
    }
    if service.minimum == 0 {
        return (Verdict::CannotTell, Verdict::CannotTell);
    }
    let says = |code: &str| {
        Reason::new(code)
            .with("service", id)
            .with("up", up)
            .with("unknown", unknown)
            .with("minimum", service.minimum)
    };
    let stands = |kind, severity| {
        let key = key(kind, Subject::Service(id.clone()));
        let code = key.kind.as_str();
        let since = down.iter().filter_map(|id| inputs.world.instances.get(id)).map(|seen| seen.since).max();
        let since = since.unwrap_or(inputs.now);
        Verdict::stands(&key, since, severity, down.clone(), false, says(code))
    };
    let below = if up + unknown < service.minimum && !down.is_empty() {
        stands(FindingKind::BelowMinimum, Severity::Critical)
    } else if up >= service.minimum {
        Verdict::gone(says("minimum-held-again"))
    } else {
        Verdict::CannotTell
    };
    let redundancy = if matches!(below, Verdict::Stands(_)) {
        Verdict::gone(says("below-minimum-now"))
    } else if up + unknown == service.minimum && declared > service.minimum && !down.is_empty() {
        stands(FindingKind::RedundancyGone, Severity::Warning)
    } else if up > service.minimum || (up >= service.minimum && declared <= service.minimum) {
        Verdict::gone(says("redundancy-back"))
    } else {
        Verdict::CannotTell
    };
    (below, redundancy)
}

fn failing(inputs: &Inputs<'_>, id: &ServiceId) -> Verdict {
    let over = |span: Duration| {
        inputs.world.traffic.tally(inputs.now.minus(span), inputs.now, |gateway, route| {
            inputs.estate.user_route(gateway, route) && inputs.estate.serves(gateway, route) == Some(id)
        })
    };
    let Some(tally) = over(TRAFFIC_WINDOW) else {
        return Verdict::CannotTell;
    };
    let says = |code: &str, share: f64| {
        Reason::new(code)
            .with("service", id)
            .with("failed", tally.failed)
            .with("requests", tally.requests)
            .with("share", format!("{:.1}%", share * 100.0))
            .with("window", format_span(TRAFFIC_WINDOW))
    };
    let grades = &inputs.estate.grades;
    match tally.failed_share() {
        Some(share) if share >= grades.p1_failed && tally.requests >= ENOUGH_REQUESTS => {
            let severity = if share >= grades.p0_failed { Severity::Critical } else { Severity::Warning };
            let key = key(FindingKind::RequestsFailing, Subject::Service(id.clone()));
            let since = inputs.now.minus(TRAFFIC_WINDOW);
            Verdict::stands(&key, since, severity, BTreeSet::new(), false, says("requests-failing", share))
        }
        Some(share) if share < grades.p1_failed => Verdict::gone(says("requests-answered-again", share)),
        Some(_) => Verdict::CannotTell,
        None if over(IDLE_FOR).is_some_and(|tally| tally.requests == 0) => Verdict::gone(
            Reason::new("no-requests").with("service", id).with("window", format_span(IDLE_FOR)),
        ),
        None => Verdict::CannotTell,
    }
}
