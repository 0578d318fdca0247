//! Whether what is promised can be proven, and whether what is rehearsed proves anything.

use super::Lint;
use crate::{
    Drill, DrillFault, Estate, Expectation, FailureDomains, InstanceId, KnownPromise, PromiseId, ProvenBy,
    Severity,
};

pub(super) fn check(estate: &Estate, domains: &FailureDomains, found: &mut Vec<Lint>) {
    // What only other people's files declare is not ours to break, so no drill could measure it.
    let ours = estate.imports.is_empty() || estate.instances().any(|(_, instance)| instance.run.is_some());
    for (id, promise) in estate.promises.iter().filter(|_| ours) {
        let Some(known) = KnownPromise::of(id.as_str()) else { continue };
        let measures = |drill: &Drill| {
            known.is_proven_by(drill, estate) && breaks_nothing(drill, estate, domains).is_none()
        };
        let proven = known.proven_by == ProvenBy::Halt || estate.drills.values().any(measures);
        if !proven {
            found.push(Lint {
                rule: "promise-without-drill",
                severity: Severity::Warning,
                about: id.to_string(),
                lost: None,
                origins: vec![promise.origin.clone()],
                message: format!("no drill measures `{id}`, so it stays unproven"),
                help: format!(
                    "add a drill with `fault: {{ {} }}`, or promise nothing: `{id}: off`",
                    fault(known)
                ),
                counterexample: None,
            });
        }
    }
    for (id, drill) in &estate.drills {
        let Some((message, help)) = idle(drill, estate, domains) else { continue };
        found.push(Lint {
            rule: "drill-proves-nothing",
            severity: Severity::Warning,
            about: id.to_string(),
            lost: None,
            origins: vec![drill.origin.clone()],
            message: format!("the drill `{id}` proves nothing: {message}"),
            help,
            counterexample: None,
        });
    }
}

/// What the fault of a proving drill looks like in a file.
fn fault(known: &KnownPromise) -> String {
    match known.proven_by {
        ProvenBy::KillPlace(kind) => format!("kill-place: {}", kind.as_str().to_uppercase()),
        ProvenBy::KillInstance => "kill-instance: INSTANCE".to_owned(),
        ProvenBy::HangInstance => "hang-instance: INSTANCE".to_owned(),
        ProvenBy::Halt => "halt".to_owned(),
    }
}

/// Why a drill proves nothing, and what to do.
fn idle(drill: &Drill, estate: &Estate, domains: &FailureDomains) -> Option<(String, String)> {
    if let Some(why) = breaks_nothing(drill, estate, domains) {
        return Some(why);
    }
    let measured = crate::promise_catalogue().iter().filter(|known| known.is_proven_by(drill, estate));
    let ids: Vec<&str> = measured.map(|known| known.id).collect();
    let promised = ids.iter().any(|id| estate.promises.contains_key(&PromiseId::new(*id)));
    if promised || drill.expect != Expectation::default() {
        return None;
    }
    let help = match ids.is_empty() {
        true => {
            "say what must be so with `expect`, or break a place of kind `zone` or an instance".to_owned()
        }
        false => format!("say what must be so with `expect`, or promise {}", super::listed(&ids)),
    };
    Some(("nothing is expected of it and no promise rests on it".to_owned(), help))
}

/// Why a drill would break nothing, and what to do: there is nothing, or it is not for the hand to break.
fn breaks_nothing(drill: &Drill, estate: &Estate, domains: &FailureDomains) -> Option<(String, String)> {
    let is_ours = |id: &InstanceId| estate.instance(id).is_some_and(|(_, instance)| instance.run.is_some());
    let message = match &drill.fault {
        DrillFault::KillPlace(place) => {
            let lost = domains.lost_with(place);
            if lost.is_empty() {
                let help = format!("name a place with instances, or put some at `{place}`");
                return Some((format!("no instance stands at `{place}`"), help));
            }
            if lost.iter().any(is_ours) {
                return None;
            }
            format!("no instance at `{place}` has a `run`")
        }
        DrillFault::KillInstance(id) | DrillFault::HangInstance(id) if is_ours(id) => return None,
        DrillFault::KillInstance(id) | DrillFault::HangInstance(id) => format!("`{id}` has no `run`"),
    };
    let help = "say with `run` how the hand starts it; the hand breaks only what it started";
    Some((message, help.to_owned()))
}
