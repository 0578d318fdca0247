//! A recovery that needs what was lost, as a finding that a person can read.

use std::collections::{BTreeMap, BTreeSet};

use dinghai_estate::{Act, Certainty, FoundInstance, Origin, ServiceId};

use super::falls::{Doubt, Fall};
use super::steps::{Needed, Step};
use super::{Ground, because};
use crate::counterexample::Lost;
use crate::domains::PlaceNumber;
use crate::finding::{Because, Finding, Fix, State};
use crate::say;

const RULE: &str = "recovery-path";

/// The finding that the place takes with it what these steps need.
pub(super) fn broken(
    ground: &Ground<'_>,
    needed: &Needed<'_>,
    place: PlaceNumber,
    falls: &[Fall<'_>],
    steps: &[Step<'_>],
) -> Finding {
    let lost = lost(ground, place);
    let (kind, at) =
        lost.iter().map(|lost| (lost.kind.as_str(), lost.place.as_str())).next().unwrap_or_default();
    let what = name(needed, " or ");
    let acts = acts(steps);
    let first = steps.iter().min_by_key(|step| step.act);
    let how =
        first.map(|step| format!(" ({})", with_line(&step.how, &step.source.origin))).unwrap_or_default();
    let consequences: Vec<String> = acts.iter().map(|(act, services)| consequence(*act, services)).collect();
    let automatic = steps.iter().any(|step| step.act == Act::FailOver && !step.derived);
    let sentence = format!(
        "lose {kind} {at} and {}: that takes {what}{how}, {}",
        say::names(&consequences),
        chain(falls, needed, at)
    );
    // The steps, then the chain, then what is lost: as one would follow it.
    let mut lines: Vec<Because> =
        steps.iter().map(|step| because(&step.source.origin, step.how.clone())).collect();
    lines.sort();
    let chained = lines.len();
    for fall in falls {
        let through = fall.through.iter();
        lines.extend(
            through.map(|need| {
                because(&need.source.origin, format!("{} is needed: {}", need.service, need.how))
            }),
        );
        lines.extend(fall.gone.iter().flat_map(|instance| stands(ground, instance, place, at)));
    }
    let sentence = say::with_lines(sentence, lines.iter().skip(chained).map(|because| &because.origin));
    let mut seen = BTreeSet::new();
    lines.retain(|because| seen.insert(because.clone()));
    Finding {
        rule: RULE,
        state: if automatic { State::Broken } else { State::Weak },
        title: format!("losing {at} takes {what}, and with it {}", say::names(&purposes(&acts))),
        sentence,
        about: about(needed, steps),
        lost,
        because: lines,
        certainty: certainty(ground, falls, steps),
        bound: None,
        fix: Some(Fix { sentence: fix(falls, &what, kind), edits: Vec::new(), checked: None }),
    }
}

/// What nobody can tell for one reason.
#[derive(Clone, Debug, Default)]
pub(super) struct Doubtful<'i> {
    places: BTreeSet<PlaceNumber>,
    needed: BTreeSet<String>,
    services: BTreeSet<&'i ServiceId>,
    steps: BTreeSet<Step<'i>>,
    origins: BTreeSet<&'i Origin>,
}

impl<'i> Doubtful<'i> {
    pub(super) fn of(
        &mut self,
        place: PlaceNumber,
        doubt: Doubt<'i>,
        needed: &Needed<'i>,
        steps: &[Step<'i>],
    ) {
        self.places.insert(place);
        self.needed.insert(match needed {
            Needed::Services(any) if any.iter().all(|id| id.as_str() != doubt.of) => {
                format!("{} (by way of {})", name(needed, " or "), doubt.of)
            }
            _ => name(needed, " or "),
        });
        if let Needed::Services(any) = needed {
            self.services.extend(any);
        }
        self.steps.extend(steps.iter().cloned());
        self.origins.insert(doubt.origin);
    }

    pub(super) fn outside(&mut self, place: PlaceNumber, step: Step<'i>) {
        self.places.insert(place);
        self.needed.insert(step.how.clone());
        self.steps.insert(step);
    }

    pub(super) fn add(&mut self, other: Self) {
        self.places.extend(other.places);
        self.needed.extend(other.needed);
        self.services.extend(other.services);
        self.steps.extend(other.steps);
        self.origins.extend(other.origins);
    }
}

/// The finding that nobody can tell, for this reason.
pub(super) fn unknown(ground: &Ground<'_>, why: &str, doubtful: &Doubtful<'_>) -> Finding {
    let places: Vec<String> = ground
        .told(doubtful.places.clone())
        .into_iter()
        .filter_map(|place| ground.whereabouts.containment.name(place))
        .map(ToString::to_string)
        .collect();
    let steps: Vec<Step<'_>> = doubtful.steps.iter().cloned().collect();
    let consequences: Vec<String> =
        acts(&steps).iter().map(|(act, services)| consequence(*act, services)).collect();
    let needed: Vec<&String> = doubtful.needed.iter().collect();
    let needed = say::names(&needed);
    let origins: Vec<&Origin> =
        doubtful.origins.iter().copied().chain(steps.iter().map(|step| &step.source.origin)).collect();
    let mut lines: Vec<Because> =
        doubtful.origins.iter().map(|origin| because(origin, why.to_owned())).collect();
    let behind: BTreeSet<Because> =
        steps.iter().map(|step| because(&step.source.origin, step.how.clone())).collect();
    lines.extend(behind);
    let mut about: Vec<ServiceId> = recovered(&steps).into_iter().collect();
    let needed_services = doubtful.services.iter().filter(|id| !about.contains(id)).map(|id| (*id).clone());
    about.extend(needed_services.collect::<Vec<_>>());
    Finding {
        rule: RULE,
        state: State::Unknown,
        title: format!("nobody can tell whether recovery finds {needed}"),
        sentence: say::with_lines(
            format!(
                "lose {}, and nobody can tell whether it takes {needed}, without which {}: {why}",
                places_or(&places),
                say::names(&consequences)
            ),
            origins,
        ),
        about,
        lost: Vec::new(),
        because: lines,
        certainty: steps.iter().map(|step| step.source.certainty).max().unwrap_or(Certainty::Inferred),
        bound: None,
        fix: None,
    }
}

fn places_or(places: &[String]) -> String {
    match places {
        [rest @ .., last] if !rest.is_empty() && rest.len() < 4 => format!("{} or {last}", rest.join(", ")),
        [first, second, rest @ ..] => format!("{first}, {second} or one of {} more", rest.len()),
        _ => places.concat(),
    }
}

fn name(needed: &Needed<'_>, or: &str) -> String {
    match needed {
        Needed::Services(any) => any.iter().map(|id| id.as_str()).collect::<Vec<_>>().join(or),
        Needed::Place(place) => place.to_string(),
        Needed::Outside => String::new(),
    }
}

fn lost(ground: &Ground<'_>, place: PlaceNumber) -> Vec<Lost> {
    let name = ground.whereabouts.containment.name(place);
    name.map(|name| Lost { place: name.clone(), kind: ground.whereabouts.kind(place) }).into_iter().collect()
}

/// The recovered services by act, in the order of acts; none where it is for all.
fn acts<'i>(steps: &[Step<'i>]) -> BTreeMap<Act, BTreeSet<&'i str>> {
    let mut acts: BTreeMap<Act, BTreeSet<&str>> = BTreeMap::new();
    for step in steps {
        acts.entry(step.act).or_default().extend(step.service.map(ServiceId::as_str));
    }
    acts
}

fn consequence(act: Act, services: &BTreeSet<&str>) -> String {
    let names = say::names(&services.iter().collect::<Vec<_>>());
    let of = |words: &str| if names.is_empty() { words.to_owned() } else { format!("{words} of {names}") };
    let all = |words: &str| if names.is_empty() { words.to_owned() } else { names.clone() };
    match act {
        Act::FailOver => format!("{} cannot fail over", all("what stood there")),
        Act::ScaleOut => format!("no more of {} can be started", all("anything")),
        Act::PullImage => {
            format!("{} cannot be started elsewhere for want of an image", all("what stood there"))
        }
        Act::LogIn => "operators cannot get in".to_owned(),
        Act::Deploy => format!("{} can be brought out", of("no mended version")),
        Act::Page => "nobody on call is told".to_owned(),
        Act::Restore => format!("{} cannot be restored", all("data")),
    }
}

fn purposes(acts: &BTreeMap<Act, BTreeSet<&str>>) -> Vec<String> {
    let purpose = |(act, services): (&Act, &BTreeSet<&str>)| {
        let names = say::names(&services.iter().collect::<Vec<_>>());
        let of =
            |words: &str| if names.is_empty() { words.to_owned() } else { format!("{words} of {names}") };
        match act {
            Act::FailOver => of("the fail-over"),
            Act::ScaleOut if names.is_empty() => "the means to start more".to_owned(),
            Act::ScaleOut => format!("the means to start more of {names}"),
            Act::PullImage => of("the images"),
            Act::LogIn => "the way in for operators".to_owned(),
            Act::Deploy => "the way to deploy".to_owned(),
            Act::Page => "the page to those on call".to_owned(),
            Act::Restore => of("the copies"),
        }
    };
    acts.iter().map(purpose).collect()
}

fn with_line(how: &str, origin: &Origin) -> String {
    match origin.line {
        0 => how.to_owned(),
        _ => format!("{how}, {origin}"),
    }
}

/// How what is needed goes with the place.
fn chain(falls: &[Fall<'_>], needed: &Needed<'_>, at: &str) -> String {
    let [fall] = falls else {
        return "and none of them stands outside it".to_owned();
    };
    let Some(end) = fall.ends_at() else {
        return match name(needed, "") == at {
            true => "which is what is lost".to_owned(),
            false => "which is there".to_owned(),
        };
    };
    let through: String = fall.through.iter().map(|need| format!("which needs {}, ", need.service)).collect();
    let left = fall.running.saturating_sub(fall.gone.len());
    let gone = match (fall.gone.len(), fall.running) {
        (1, 1) => format!("the only {end} instance is there"),
        (2, 2) => format!("both {end} instances are there"),
        (gone, running) if gone == running => format!("all {gone} {end} instances are there"),
        (gone, running) => {
            format!(
                "{gone} of the {running} {end} instances are there, which leaves {left} of the {} it needs",
                fall.enough
            )
        }
    };
    format!("{through}and {gone}")
}

/// The line that says where the instance stands, and the one that declares it.
fn stands(ground: &Ground<'_>, instance: &FoundInstance, lost: PlaceNumber, at: &str) -> Vec<Because> {
    let containment = &ground.whereabouts.containment;
    let inside = instance
        .at
        .iter()
        .find(|(place, _)| containment.number(place).is_some_and(|place| containment.lies_in(place, lost)));
    let inside = inside.map(|(_, source)| because(&source.origin, format!("{} stands in {at}", instance.id)));
    let declared = because(&instance.source.origin, instance.id.to_string());
    inside.into_iter().chain([declared]).collect()
}

fn recovered(steps: &[Step<'_>]) -> BTreeSet<ServiceId> {
    steps.iter().filter_map(|step| step.service.cloned()).collect()
}

/// Whose recovery it is, and then what that needs.
fn about(needed: &Needed<'_>, steps: &[Step<'_>]) -> Vec<ServiceId> {
    let needed = match needed {
        Needed::Services(any) => any.iter().map(|id| (*id).clone()).collect(),
        _ => Vec::new(),
    };
    recovered(steps).into_iter().chain(needed).collect()
}

/// One sure step is enough; all of what goes with the place has to be there.
fn certainty(ground: &Ground<'_>, falls: &[Fall<'_>], steps: &[Step<'_>]) -> Certainty {
    let of_step = |step: &Step<'_>| {
        let path = step.service.and_then(|id| ground.paths.get(id)).copied().unwrap_or(Certainty::Declared);
        step.source.certainty.min(path)
    };
    let step = steps.iter().map(of_step).max().unwrap_or(Certainty::Inferred);
    let falls = falls.iter().flat_map(Fall::sources).map(|source| source.certainty).min();
    falls.map_or(step, |falls| falls.min(step))
}

fn fix(falls: &[Fall<'_>], what: &str, kind: &str) -> String {
    match falls {
        [fall] => match (fall.ends_at(), fall.enough) {
            (None, _) => format!("keep what {what} is for in another {kind} too"),
            (Some(end), 1) => format!("run an instance of {end} in another {kind} too"),
            (Some(end), enough) => {
                format!(
                    "spread {end} so that {enough} of its {} instances are left without any one {kind}",
                    fall.running
                )
            }
        },
        _ => format!("run one of {what} in another {kind}"),
    }
}
