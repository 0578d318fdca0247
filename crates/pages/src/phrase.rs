//! Words for the things of the record: actions, conditions, faults, findings, people.

use std::collections::BTreeMap;

use dinghai_estate::InstanceId;
use dinghai_record::{Action, Actor, Condition, Fault, FindingKey, FindingKind, Personal, Subject, Vantage};

use crate::{Language, catalogue, format};

fn say(language: Language, key: &str, values: &[(&str, String)]) -> String {
    catalogue::text(language, key, values)
}

fn names<T: ToString>(language: Language, items: impl IntoIterator<Item = T>) -> String {
    let separator = if language == Language::Zh { "、" } else { ", " };
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(separator)
}

/// Instances, those of one place together: `cart, order at hz-a`. An id that is not `service@place` stands by itself.
fn instances<'a>(language: Language, ids: impl IntoIterator<Item = &'a InstanceId>) -> String {
    let mut alone = Vec::new();
    let mut at: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for id in ids {
        match id.as_str().split_once('@') {
            Some((service, rest)) => {
                let (place, number) = rest.split_at(rest.find('.').unwrap_or(rest.len()));
                at.entry(place).or_default().push(format!("{service}{number}"));
            }
            None => alone.push(id.to_string()),
        }
    }
    let together = at.into_iter().map(|(place, services)| match services.as_slice() {
        // One by itself keeps its whole id, which the ledger and the command line know it by.
        [only] => match only.split_once('.') {
            Some((service, number)) => format!("{service}@{place}.{number}"),
            None => format!("{only}@{place}"),
        },
        many => say(language, "names-at", &[("names", names(language, many)), ("place", place.to_owned())]),
    });
    names(language, together.chain(alone))
}

/// Who it was: a person's name, or that it was erased.
pub fn actor(language: Language, actor: &Actor) -> String {
    match actor {
        Actor::Automaton => say(language, "actor-automaton", &[]),
        Actor::Drill(run) => say(language, "actor-drill", &[("run", run.to_string())]),
        Actor::Operator(Personal::Known { value, .. }) => {
            say(language, "actor-operator", &[("name", value.clone())])
        }
        Actor::Person(Personal::Known { value, .. }) => value.clone(),
        Actor::Operator(Personal::Erased { .. }) | Actor::Person(Personal::Erased { .. }) => {
            say(language, "actor-erased", &[])
        }
    }
}

/// What something is about.
pub fn subject(language: Language, subject: &Subject) -> String {
    match subject {
        Subject::Estate => say(language, "subject-estate", &[]),
        Subject::Place(id) => id.to_string(),
        Subject::Service(id) => id.to_string(),
        Subject::Instance(id) => id.to_string(),
        Subject::Gateway(id) => say(language, "subject-gateway", &[("gateway", id.to_string())]),
        Subject::Hand => say(language, "subject-hand", &[]),
        Subject::Ledger => say(language, "subject-ledger", &[]),
    }
}

/// Who looks.
pub fn vantage(language: Language, vantage: &Vantage) -> String {
    match vantage {
        Vantage::Controller => say(language, "vantage-controller", &[]),
        Vantage::Gateway(id) => say(language, "subject-gateway", &[("gateway", id.to_string())]),
        Vantage::Hand => say(language, "subject-hand", &[]),
    }
}

/// What is wrong, with what.
pub fn finding(language: Language, key: &FindingKey) -> String {
    let sentence = match key.kind {
        FindingKind::PlaceLost => "finding-place-lost",
        FindingKind::InstanceDown => "finding-instance-down",
        FindingKind::InstanceHung => "finding-instance-hung",
        FindingKind::InstanceSlow => "finding-instance-slow",
        FindingKind::InstanceFlapping => "finding-instance-flapping",
        FindingKind::Silent => "finding-silent",
        FindingKind::Disagreement => "finding-disagreement",
        FindingKind::BelowMinimum => "finding-below-minimum",
        FindingKind::RedundancyGone => "finding-redundancy-gone",
        FindingKind::RequestsFailing => "finding-requests-failing",
    };
    say(language, sentence, &[("about", subject(language, &key.about))])
}

/// What a drill breaks.
pub fn fault(language: Language, fault: &Fault) -> String {
    match fault {
        Fault::KillInstance(id) => say(language, "fault-kill-instance", &[("instance", id.to_string())]),
        Fault::HangInstance(id) => say(language, "fault-hang-instance", &[("instance", id.to_string())]),
        Fault::KillPlace { place, instances } => say(
            language,
            "fault-kill-place",
            &[("place", place.to_string()), ("n", instances.len().to_string())],
        ),
    }
}

/// What a step does.
pub fn action(language: Language, action: &Action) -> String {
    let list = |items: &Vec<InstanceId>| instances(language, items);
    match action {
        Action::Weigh(weights) => {
            let mut shares: Vec<u8> = weights.values().copied().collect();
            shares.sort_unstable();
            shares.dedup();
            match shares.as_slice() {
                [0] => say(language, "do-hold-out", &[("instances", instances(language, weights.keys()))]),
                [share] => say(
                    language,
                    "do-weigh",
                    &[
                        ("instances", instances(language, weights.keys())),
                        ("share", format::percent(language, f64::from(*share) / 100.0)),
                    ],
                ),
                _ => {
                    let each = weights.iter().map(|(id, share)| {
                        format!("{id} {}", format::percent(language, f64::from(*share) / 100.0))
                    });
                    say(language, "do-weigh-each", &[("shares", names(language, each))])
                }
            }
        }
        Action::Drain(items) => say(language, "do-drain", &[("instances", list(items))]),
        Action::Start(items) => say(language, "do-start", &[("instances", list(items))]),
        Action::Stop(items) => say(language, "do-stop", &[("instances", list(items))]),
        Action::Restart(items) => say(language, "do-restart", &[("instances", list(items))]),
        Action::Warm { instances: items, requests } => say(
            language,
            "do-warm",
            &[("instances", list(items)), ("requests", format::count(language, u64::from(*requests)))],
        ),
        Action::Await(what) => say(language, "do-await", &[("condition", condition(language, what))]),
        Action::Hold { lasting } => say(language, "do-pause", &[("span", format::span(language, *lasting))]),
        Action::Exec { argv } => say(language, "do-exec", &[("command", argv.join(" "))]),
        Action::Http { method, url, .. } => {
            say(language, "do-http", &[("method", method.clone()), ("url", url.clone())])
        }
        Action::Break(order) => say(
            language,
            "do-break",
            &[("fault", fault(language, &order.fault)), ("lease", format::span(language, order.lease))],
        ),
        Action::Mend(what) => say(language, "do-mend", &[("fault", fault(language, what))]),
    }
}

/// The same inside a sentence: without its capital.
pub(crate) fn action_inside(language: Language, of: &Action) -> String {
    let said = action(language, of);
    let mut letters = said.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// What is waited for or verified.
pub fn condition(language: Language, condition: &Condition) -> String {
    match condition {
        Condition::Answering { instances: items, lasting } if lasting.is_zero() => {
            say(language, "until-answering", &[("instances", instances(language, items))])
        }
        Condition::Answering { instances: items, lasting } => say(
            language,
            "until-answering-for",
            &[("instances", instances(language, items)), ("span", format::span(language, *lasting))],
        ),
        Condition::PlaceReleased(place) => say(language, "until-released", &[("place", place.to_string())]),
        Condition::Silent(items) => {
            say(language, "until-silent", &[("instances", instances(language, items))])
        }
        Condition::Weighed(shares) => {
            say(language, "until-weighed", &[("instances", instances(language, shares.keys()))])
        }
        Condition::Running(items) => {
            say(language, "until-running", &[("instances", instances(language, items))])
        }
        Condition::Stopped(items) => {
            say(language, "until-stopped", &[("instances", instances(language, items))])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_of_one_place_are_told_together() {
        let ids = ["cart@hz-a", "order@hz-a", "cart@hz-b.2", "order@hz-b.2", "pay@hz-c.2", "odd"]
            .map(InstanceId::from);
        assert_eq!(
            instances(Language::En, &ids),
            "cart, order at hz-a, cart.2, order.2 at hz-b, pay@hz-c.2, odd"
        );
        assert_eq!(instances(Language::Zh, &ids[..2]), "hz-a 的 cart、order");
    }
}
