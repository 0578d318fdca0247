//! An inventory as text that a person can read, for tests with golden output.

use std::fmt::Write as _;

use dinghai_estate::{BackendCheck, Inventory, MechanismKind, NeedKind, Origin, Presence, Timer, Unknown};

fn spot(origin: &Origin) -> String {
    format!("{}:{}", origin.file, origin.line)
}

fn unknown(unknown: &Unknown) -> String {
    format!("{:?}, {} ({})", unknown.kind, unknown.why, spot(&unknown.origin))
}

fn timer(timer: &Timer) -> String {
    format!(
        "{}s `{}` {} {}",
        timer.value.as_secs_f64(),
        timer.says,
        timer.source.certainty,
        spot(&timer.source.origin)
    )
}

fn check(check: &BackendCheck) -> String {
    format!(
        "{} / {} / fall {} rise {} asks {:?}",
        timer(&check.every),
        timer(&check.timeout),
        check.fall.0,
        check.rise.0,
        check.asks
    )
}

/// Everything in an inventory, one fact a line.
pub(crate) fn outline(inventory: &Inventory) -> String {
    let mut out = String::new();
    for (id, place) in &inventory.places {
        let within: Vec<&str> = place.within.keys().map(|id| id.as_str()).collect();
        let within = if within.is_empty() { String::new() } else { format!(" within {}", within.join(", ")) };
        writeln!(
            out,
            "place {id}: {}{within} [{} {}]",
            place.kind,
            place.source.certainty,
            spot(&place.source.origin)
        )
        .unwrap();
    }
    for (id, service) in &inventory.services {
        writeln!(
            out,
            "service {id}: {:?}, {} ({})",
            service.role,
            service.resource,
            spot(&service.source.origin)
        )
        .unwrap();
        for one in &service.instances {
            let at: Vec<String> = one
                .at
                .iter()
                .map(|(place, source)| format!("{place} [{} {}]", source.certainty, spot(&source.origin)))
                .collect();
            writeln!(
                out,
                "  {} [{} {}] at {}",
                one.id,
                one.source.certainty,
                spot(&one.source.origin),
                at.join(", ")
            )
            .unwrap();
            for (kind, why) in &one.unknown {
                writeln!(out, "    {kind} unknown: {}", unknown(why)).unwrap();
            }
        }
        if let Some(open) = &service.open {
            writeln!(out, "  open: {}", unknown(open)).unwrap();
        }
        if let Some(enough) = &service.enough {
            writeln!(out, "  enough: {} ({})", enough.count, enough.why).unwrap();
        }
        for need in &service.needs {
            let kind = if need.kind == NeedKind::Hard { "needs" } else { "softly needs" };
            writeln!(
                out,
                "  {kind} {} by {} [{} {}]",
                need.service,
                need.how,
                need.source.certainty,
                spot(&need.source.origin)
            )
            .unwrap();
        }
        for (feature, presence) in &service.features {
            let told = match presence {
                Presence::Present(source) => {
                    format!("present [{} {}]", source.certainty, spot(&source.origin))
                }
                Presence::Absent(source) => format!("absent [{} {}]", source.certainty, spot(&source.origin)),
                Presence::Unknown(why) => format!("unknown: {}", unknown(why)),
            };
            writeln!(out, "  {feature:?} {told}").unwrap();
        }
        if let Some(scaling) = &service.scaling {
            writeln!(
                out,
                "  scaling {:?} to {:?} ({})",
                scaling.least,
                scaling.most,
                spot(&scaling.source.origin)
            )
            .unwrap();
        }
    }
    for entry in &inventory.entries {
        writeln!(out, "entry {} by {} ({})", entry.service, entry.by, spot(&entry.source.origin)).unwrap();
    }
    for mechanism in &inventory.mechanisms {
        let told = match &mechanism.kind {
            MechanismKind::Restart { backoff, boot } => format!("{}; {}", timer(backoff), timer(boot)),
            MechanismKind::NodeLoss { grace, toleration } => {
                format!("{}; {}", timer(grace), timer(toleration))
            }
            MechanismKind::Probes { readiness, liveness, startup } => {
                let parts = [
                    readiness.as_ref().map(|one| format!("ready {}", check(one))),
                    liveness.as_ref().map(|one| format!("alive {}", check(one))),
                    startup.as_ref().map(|one| format!("startup {}", timer(one))),
                ];
                parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
            }
            MechanismKind::ManagedFailover { within } => timer(within),
            MechanismKind::Scaling { grace, boot, cooldown } => {
                let cooldown = cooldown.as_ref().map_or_else(|| "-".to_owned(), timer);
                format!("grace {}; boot {}; cooldown {cooldown}", timer(grace), timer(boot))
            }
            MechanismKind::Dns { ttl, check: asked } => {
                let asked = asked.as_ref().map_or_else(String::new, |one| format!("; {}", check(one)));
                format!("{}{asked}", timer(ttl))
            }
            MechanismKind::ActiveCheck { check: asked, .. } => check(asked),
            _ => String::new(),
        };
        writeln!(out, "mechanism {} {}: {told}", mechanism.service, mechanism.kind.as_str()).unwrap();
    }
    for step in &inventory.steps {
        let of = step.service.as_ref().map_or("all", |id| id.as_str());
        let needs = step.needs.as_ref().map_or("-", |id| id.as_str());
        writeln!(
            out,
            "step {} of {of} needs {needs}: {} ({})",
            step.act.as_str(),
            step.how,
            spot(&step.source.origin)
        )
        .unwrap();
    }
    for (kind, count) in &inventory.coverage.kinds {
        writeln!(
            out,
            "{kind}: {} placed, {} reasoned, {} unknown, {} ignored",
            count.placed, count.reasoned, count.unknown, count.ignored
        )
        .unwrap();
    }
    for unseen in &inventory.unseen {
        writeln!(out, "unseen {}: {}", spot(&unseen.origin), unseen.what).unwrap();
    }
    out
}
