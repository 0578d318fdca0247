//! The smallest change of timers that meets a promise.
//!
//! The timer whose shortening saves most is shortened first, no further than needed and never below its floor; when that is not
//! enough the next one follows. Patroni's three move together, since it requires ttl ≥ loop_wait + 2 × retry_timeout, with at least 20, 1
//! and 3 seconds. How long a program may take to answer is left alone: that is the user's business.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use dinghai_estate::{Certainty, Inventory, Mechanism, MechanismKind, Origin, ServiceId, Timer};

use super::Failure;
use super::compose::{composed, sum};
use super::findings::short;
use crate::{Bound, Edit, Fix, Term};

const TTL: Duration = Duration::from_secs(20);
const LOOP_WAIT: Duration = Duration::from_secs(1);
const RETRY_TIMEOUT: Duration = Duration::from_secs(3);
const SECOND: Duration = Duration::from_secs(1);

/// A timer by the line that states it and what it says there.
type Stated = (Origin, String);

/// The change, and the terms with it made.
pub(super) fn fix(
    inventory: &Inventory,
    way: &[&ServiceId],
    bound: &Bound,
    within: Duration,
    lines: &dyn Fn(&Origin) -> Option<String>,
) -> Option<(Fix, Vec<Term>)> {
    let failure = failure_of(inventory, way, bound)?;
    // What stands between the terms and those of the failure alone, such as a lost member of the store, is kept.
    let besides: Vec<&Term> = {
        let plain = composed(inventory, way, failure)?;
        bound.terms.iter().filter(|term| plain.iter().all(|other| other.name != term.name)).collect()
    };
    let mut changed = inventory.clone();
    let mine = |service: &ServiceId| way.contains(&service);
    let terms = |inventory: &Inventory| -> Option<Vec<Term>> {
        let mut terms = composed(inventory, way, failure)?;
        for besides in &besides {
            let at = bound.terms.iter().position(|term| term.name == besides.name).unwrap_or(terms.len());
            let retry = inventory.mechanisms.iter().filter(|mechanism| mine(&mechanism.service)).find_map(
                |mechanism| match &mechanism.kind {
                    MechanismKind::Patroni { retry_timeout, .. } => Some(retry_timeout),
                    _ => None,
                },
            );
            let value = retry.map_or(besides.value, |retry| retry.value);
            terms.insert(at.min(terms.len()), Term { value, ..(*besides).clone() });
        }
        Some(terms)
    };
    if !shorten(&mut changed, &mine, &terms, within) {
        // Only requests that wait for a hung program are left: end them once it is taken out.
        changed = inventory.clone();
        cut(&mut changed, &mine);
        if !shorten(&mut changed, &mine, &terms, within) {
            return None;
        }
    }
    let after = terms(&changed)?;
    // Term by term beside the old ones: what is no longer waited for takes no time.
    let same = |old: &Term| after.iter().find(|term| term.name == old.name).cloned();
    let gone = |old: &Term| Term { value: Duration::ZERO, ..old.clone() };
    let beside = bound.terms.iter().map(|old| same(old).unwrap_or_else(|| gone(old))).collect();
    Some((told(inventory, &changed, &mine, sum(&after), lines), beside))
}

/// Shortens timers until the terms are within the promise; whether that can be.
fn shorten(
    changed: &mut Inventory,
    mine: &dyn Fn(&ServiceId) -> bool,
    terms: &dyn Fn(&Inventory) -> Option<Vec<Term>>,
    within: Duration,
) -> bool {
    let total = |inventory: &Inventory| terms(inventory).map_or(Duration::MAX, |terms| sum(&terms));
    let mut open = knobs(changed, mine);
    while total(changed) > within {
        let with = |knob: &Stated, value: Duration| {
            let mut tried = changed.clone();
            set(&mut tried, mine, knob, value);
            total(&tried)
        };
        let best = open.iter().map(|(knob, floor)| (with(knob, *floor), knob.clone(), *floor)).min();
        let Some((shortest, knob, floor)) = best.filter(|(shortest, ..)| *shortest < total(changed)) else {
            return false;
        };
        open.remove(&knob);
        // The longest that still meets it, or else as far as it goes.
        let mut value = floor;
        while shortest <= within && value < Duration::from_secs(600) {
            let step = if value >= SECOND || floor.is_zero() { SECOND } else { Duration::from_millis(100) };
            if with(&knob, value + step) > within {
                break;
            }
            value += step;
        }
        set(changed, mine, &knob, value);
    }
    true
}

/// Has requests ended that wait for a server as soon as that is taken out, where HAProxy says nothing of it.
fn cut(inventory: &mut Inventory, mine: &dyn Fn(&ServiceId) -> bool) {
    for mechanism in inventory.mechanisms.iter_mut().filter(|mechanism| mine(&mechanism.service)) {
        if let MechanismKind::ActiveCheck { check, cuts: cuts @ None, again, retries, .. } =
            &mut mechanism.kind
            && (again.is_some() || retries.is_some())
        {
            *cuts = Some(check.every.source.clone());
        }
    }
}

/// The failure that the bound is about.
pub(super) fn failure_of(inventory: &Inventory, way: &[&ServiceId], bound: &Bound) -> Option<Failure> {
    match bound.lost {
        Some(_) => Some(Failure::Vanishes),
        None => [Failure::Refuses, Failure::Hangs, Failure::Vanishes]
            .into_iter()
            .find(|failure| composed(inventory, way, *failure).as_ref() == Some(&bound.terms)),
    }
}

/// Timers that may be shortened, with how far.
fn knobs(inventory: &mut Inventory, mine: &dyn Fn(&ServiceId) -> bool) -> BTreeMap<Stated, Duration> {
    let mut knobs = BTreeMap::new();
    for mechanism in inventory.mechanisms.iter_mut().filter(|mechanism| mine(&mechanism.service)) {
        let patroni = matches!(mechanism.kind, MechanismKind::Patroni { .. });
        for (timer, floor) in timers(&mut mechanism.kind) {
            // A default has no line to change, but where a list of settings says where one would stand.
            let stated = timer.source.certainty == Certainty::Declared || patroni;
            if stated && timer.value > floor {
                knobs.insert((timer.source.origin.clone(), timer.says.clone()), floor);
            }
        }
    }
    knobs
}

fn timers(kind: &mut MechanismKind) -> Vec<(&mut Timer, Duration)> {
    let tenths = |count: u64| Duration::from_millis(count * 100);
    match kind {
        MechanismKind::ActiveCheck { check, connect, .. } => {
            let mut all = vec![(&mut check.every, tenths(5)), (&mut check.timeout, tenths(5))];
            all.extend(check.fast.as_mut().map(|timer| (timer, tenths(2))));
            all.extend(check.down_every.as_mut().map(|timer| (timer, tenths(5))));
            all.extend(check.connect.as_mut().map(|timer| (timer, tenths(5))));
            all.extend(connect.as_mut().map(|timer| (timer, tenths(5))));
            all
        }
        MechanismKind::PassiveCheck { connect, answer, .. } => {
            vec![(connect, tenths(5)), (answer, Duration::from_secs(5))]
        }
        MechanismKind::Vrrp { advert, script, .. } => {
            let mut all = vec![(advert, SECOND)];
            all.extend(script.as_mut().map(|(interval, ..)| (interval, SECOND)));
            all
        }
        MechanismKind::Patroni { ttl, primary_start_timeout, .. } => {
            vec![(ttl, TTL), (primary_start_timeout, Duration::ZERO)]
        }
        MechanismKind::Probes { readiness: Some(check), .. } => {
            vec![(&mut check.every, SECOND), (&mut check.timeout, SECOND)]
        }
        MechanismKind::Dns { ttl, .. } => vec![(ttl, Duration::from_secs(10))],
        _ => Vec::new(),
    }
}

/// Sets every timer that this line states, and those that follow from it.
fn set(
    inventory: &mut Inventory,
    mine: &dyn Fn(&ServiceId) -> bool,
    (origin, says): &Stated,
    value: Duration,
) {
    for mechanism in inventory.mechanisms.iter_mut().filter(|mechanism| mine(&mechanism.service)) {
        for (timer, _) in timers(&mut mechanism.kind) {
            let follows = timer.says == *says || timer.says.starts_with(&format!("{says},"));
            if timer.source.origin == *origin && follows {
                timer.value = value;
            }
        }
        if let MechanismKind::Patroni { ttl, loop_wait, retry_timeout, .. } = &mut mechanism.kind
            && ttl.value < loop_wait.value + retry_timeout.value * 2
        {
            loop_wait.value = loop_wait.value.min(whole(ttl.value / 4)).max(LOOP_WAIT);
            let left = whole(ttl.value.saturating_sub(loop_wait.value) / 2);
            retry_timeout.value = retry_timeout.value.min(left).max(RETRY_TIMEOUT);
        }
    }
}

fn whole(span: Duration) -> Duration {
    Duration::from_secs(span.as_secs())
}

/// The change in words and lines.
fn told(
    before: &Inventory,
    after: &Inventory,
    mine: &dyn Fn(&ServiceId) -> bool,
    total: Duration,
    lines: &dyn Fn(&Origin) -> Option<String>,
) -> Fix {
    let mut edits: BTreeMap<(String, u32), (String, u32)> = BTreeMap::new();
    let mut words: Vec<String> = Vec::new();
    let (mut was, mut is) = (before.clone(), after.clone());
    let all = |inventory: &mut Inventory| -> Vec<Timer> {
        let mechanisms = inventory.mechanisms.iter_mut().filter(|mechanism| mine(&mechanism.service));
        let mut all = Vec::new();
        for mechanism in mechanisms {
            all.extend(timers(&mut mechanism.kind).into_iter().map(|(timer, _)| timer.clone()));
            if let MechanismKind::Patroni { loop_wait, retry_timeout, .. } = &mechanism.kind {
                all.extend([loop_wait.clone(), retry_timeout.clone()]);
            }
        }
        all
    };
    let mut added: Vec<Edit> = Vec::new();
    let mut patroni = false;
    for (was, is) in all(&mut was).into_iter().zip(all(&mut is)) {
        let Some((name, now)) = rewritten(&was, is.value) else { continue };
        let change = format!("{} {now}", name.trim_start_matches("default "));
        if was.value == is.value || words.contains(&change) {
            continue;
        }
        patroni |= was.says.contains(": ") || was.says.starts_with("default ");
        words.push(change);
        let origin = &was.source.origin;
        let key = (origin.file.clone(), origin.line);
        if was.says.starts_with("default ") {
            let indent =
                lines(origin).map(|line| line.chars().take_while(|c| c.is_whitespace()).collect::<String>());
            added.extend(indent.map(|indent| Edit {
                file: origin.file.clone(),
                line: origin.line,
                remove: 0,
                add: vec![format!("{indent}{}: {now}", name.trim_start_matches("default "))],
            }));
            continue;
        }
        let text = edits.get(&key).map(|(text, _)| text.clone()).or_else(|| lines(origin));
        if let Some(text) = text.and_then(|text| replaced(&text, &was.says, &now)) {
            edits.insert(key, (text, origin.line));
        }
    }
    for source in cuts(&after.mechanisms, mine).difference(&cuts(&before.mechanisms, mine)) {
        words.push("on-marked-down shutdown-sessions".to_owned());
        let key = (source.file.clone(), source.line);
        let text = edits.get(&key).map(|(text, _)| text.clone()).or_else(|| lines(source));
        let fits = |text: &String| text.trim_start().starts_with("default-server") && !text.contains('#');
        if let Some(text) = text.filter(fits) {
            edits.insert(key, (format!("{} on-marked-down shutdown-sessions", text.trim_end()), source.line));
        }
    }
    let mut sentence = format!("set {}", words.join(", "));
    if patroni {
        sentence.push_str(", in the running cluster with `patronictl edit-config`");
    }
    let edit = |((file, line), (text, _))| Edit { file, line, remove: 1, add: vec![text] };
    Fix {
        sentence,
        edits: added.into_iter().chain(edits.into_iter().map(edit)).collect(),
        checked: Some(format!("with it, {} at most", short(total))),
    }
}

/// The lines that have waiting requests ended.
fn cuts(mechanisms: &[Mechanism], mine: &dyn Fn(&ServiceId) -> bool) -> BTreeSet<Origin> {
    let own = mechanisms.iter().filter(|mechanism| mine(&mechanism.service));
    own.filter_map(|mechanism| match &mechanism.kind {
        MechanismKind::ActiveCheck { cuts, .. } => cuts.as_ref().map(|source| source.origin.clone()),
        _ => None,
    })
    .collect()
}

/// The name of a timer and its new value, written as its line writes it.
fn rewritten(timer: &Timer, value: Duration) -> Option<(String, String)> {
    let (name, old) = timer.says.split_once(": ").or_else(|| timer.says.rsplit_once(['=', ' ']))?;
    let digits: f64 = old.trim_end_matches(|c: char| c.is_ascii_alphabetic()).parse().ok()?;
    let bare = old.ends_with(|c: char| c.is_ascii_digit());
    // A bare number counts in whatever makes the old value of it.
    let in_seconds = (digits - timer.value.as_secs_f64()).abs() < 1e-6;
    let now = match (bare, in_seconds) {
        (true, true) => value.as_secs_f64().to_string(),
        (true, false) => value.as_millis().to_string(),
        (false, _) if value.subsec_millis() == 0 => format!("{}s", value.as_secs()),
        (false, _) => format!("{}ms", value.as_millis()),
    };
    Some((name.to_owned(), now))
}

/// The line with the value that `says` names replaced.
fn replaced(line: &str, says: &str, now: &str) -> Option<String> {
    let (name, old) = says.split_once(": ").or_else(|| says.rsplit_once(['=', ' ']))?;
    let last = name.rsplit(' ').next().unwrap_or(name);
    let at = line.match_indices(last).find_map(|(at, _)| {
        let after = at + last.len();
        let rest = line.get(after..)?;
        let value = rest.trim_start_matches([' ', '\t', '=', ':', '"', '\'']);
        let begins =
            line.get(..at)?.chars().next_back().is_none_or(|c| !c.is_ascii_alphanumeric() && c != '_');
        let ends =
            value.get(old.len()..)?.chars().next().is_none_or(|c| !c.is_ascii_alphanumeric() && c != '.');
        (begins && value.starts_with(old) && ends).then(|| line.len() - value.len())
    })?;
    Some(format!("{}{now}{}", line.get(..at)?, line.get(at + old.len()..)?))
}
