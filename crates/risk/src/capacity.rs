//! Whether what is left after a loss still carries the load.
//!
//! Only where the user stated what an instance carries and what the peak is. For every place whose loss the service has to
//! outlive, what is left times what each carries is held against the peak, and against the peak times the surge. The worst
//! such loss is the finding: [`State::Broken`] below the peak, [`State::Weak`] below the surge. A scaling group does not change
//! that: it mends the shortage, after a while that is said. Where the place of some instance is not known, the shortage is
//! [`State::Unknown`] unless it is there without them.

use std::collections::BTreeSet;

use dinghai_clock::format_span;
use dinghai_estate::{
    Capacity, Certainty, FoundService, Inventory, MechanismKind, PlaceId, PlaceKind, ServiceId,
};

use crate::counterexample::Lost;
use crate::domains::PlaceNumber;
use crate::finding::{Because, Finding, Fix, State};
use crate::say;
use crate::whereabouts::{Left, Whereabouts};

/// Where the user has stated nothing else, a service has to outlive the loss of a zone.
pub(crate) const USUAL: PlaceKind = PlaceKind::Zone;

/// Every service that is short of capacity after a loss that it has to outlive.
pub fn capacity_after_loss(inventory: &Inventory) -> Vec<Finding> {
    let whereabouts = Whereabouts::of(inventory);
    let stated = inventory
        .services
        .iter()
        .filter_map(|(id, service)| Some((id, service, service.intent.capacity.as_ref()?)));
    stated
        .filter_map(|(id, service, capacity)| Asked { inventory, id, service, capacity }.look(&whereabouts))
        .collect()
}

struct Asked<'i> {
    inventory: &'i Inventory,
    id: &'i ServiceId,
    service: &'i FoundService,
    capacity: &'i Capacity,
}

/// One loss, and what it leaves.
struct Loss<'i> {
    place: Option<(&'i PlaceId, PlaceKind)>,
    left: Left<'i>,
}

impl<'i> Asked<'i> {
    fn look(&self, whereabouts: &Whereabouts<'i>) -> Option<Finding> {
        // What is short with nothing lost is short after every loss, and is said alone.
        let losses = self.losses(whereabouts).into_iter().enumerate();
        let short = losses.filter_map(|(n, loss)| Some((std::cmp::Reverse(self.state(&loss)?), n, loss)));
        let (state, _, worst) =
            short.min_by_key(|(state, n, loss)| (*state, loss.place.is_some(), loss.left.at_least(), *n))?;
        Some(self.finding(state.0, &worst))
    }

    /// Nothing lost, and then each place that the service has to outlive and that takes something, or may; wide ones first.
    fn losses(&self, whereabouts: &Whereabouts<'i>) -> Vec<Loss<'i>> {
        let outlived = self.service.intent.survive.as_ref().map_or(USUAL, |(kind, _)| *kind);
        let running = self.service.running().count();
        let mut losses =
            vec![Loss { place: None, left: Left { running, gone: Vec::new(), perhaps: Vec::new() } }];
        let mut places: Vec<(PlaceKind, PlaceNumber)> = (0..whereabouts.containment.places() as PlaceNumber)
            .map(|place| (whereabouts.kind(place), place))
            .filter(|(kind, _)| *kind <= outlived)
            .collect();
        places.sort_by_key(|(kind, place)| (std::cmp::Reverse(*kind), *place));
        for (kind, place) in places {
            let left = whereabouts.left(self.service, place);
            if let Some(name) = whereabouts.containment.name(place)
                && left.gone.len() + left.perhaps.len() > 0
            {
                losses.push(Loss { place: Some((name, kind)), left });
            }
        }
        losses
    }

    fn state(&self, loss: &Loss<'_>) -> Option<State> {
        let (most, least) = (self.carries(loss.left.at_most()), self.carries(loss.left.at_least()));
        let surge = self.capacity.peak * self.capacity.surge;
        // Instances that no file tells of may carry the rest, or may not.
        let certain = self.service.open.is_none();
        if most < self.capacity.peak && certain {
            Some(State::Broken)
        } else if least < self.capacity.peak {
            Some(State::Unknown)
        } else if most < surge && certain {
            Some(State::Weak)
        } else if least < surge {
            Some(State::Unknown)
        } else {
            None
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "nobody runs 2^52 instances")]
    fn carries(&self, instances: usize) -> f64 {
        self.capacity.each * instances as f64
    }

    fn finding(&self, state: State, loss: &Loss<'_>) -> Finding {
        let (id, left, capacity) = (self.id, &loss.left, self.capacity);
        let lost = loss.place.map(|(place, kind)| Lost { place: place.clone(), kind });
        let event = match &lost {
            Some(lost) => format!("lose {} {} and", lost.kind, lost.place),
            None => "with nothing lost".to_owned(),
        };
        let short = self.carries(left.at_most()) < capacity.peak
            || state == State::Unknown && self.carries(left.at_least()) < capacity.peak;
        let wanted = match short {
            true => format!("a peak of {}/s", capacity.peak),
            false => {
                format!(
                    "a surge of {} × {} = {}/s",
                    capacity.surge,
                    capacity.peak,
                    capacity.surge * capacity.peak
                )
            }
        };
        let carries = |count: usize| {
            format!(
                "{count} of {} {id} instances × {} = {}/s",
                left.running,
                capacity.each,
                self.carries(count)
            )
        };
        let mut sentence = match state {
            State::Unknown => format!(
                "{event} nobody can tell whether {id} carries {wanted}: {} are certain, since {}",
                carries(left.at_least()),
                self.why(loss)
            ),
            _ => format!("{event} {} are left for {wanted}", carries(left.at_most())),
        };
        if let Some(scaling) = self.scaling(left, if short { 1.0 } else { capacity.surge }) {
            sentence = format!("{sentence}, {scaling}");
        }
        let because = self.because(loss);
        let needed = (capacity.peak * if short { 1.0 } else { capacity.surge } / capacity.each).ceil();
        let title = match (&lost, state) {
            (Some(lost), State::Unknown) => {
                format!("nobody can tell whether {id} carries its load without {}", lost.place)
            }
            (None, State::Unknown) => format!("nobody can tell whether {id} carries its load"),
            (Some(lost), _) if short => format!("without {} {id} is below its peak", lost.place),
            (Some(lost), _) => format!("without {} {id} does not carry a surge", lost.place),
            (None, _) if short => format!("{id} does not carry its peak"),
            (None, _) => format!("{id} does not carry a surge"),
        };
        let fix = (state != State::Unknown && needed.is_finite()).then(|| Fix {
            sentence: match &lost {
                Some(lost) => format!("run {id} so that {needed} are left without any one {}", lost.kind),
                None => format!("run {needed} instances of {id}"),
            },
            edits: Vec::new(),
            checked: None,
        });
        let sources = left.gone.iter().flat_map(|instance| instance.at.values().chain([&instance.source]));
        Finding {
            rule: "capacity-after-loss",
            state,
            title,
            sentence: say::with_lines(sentence, because.iter().map(|because| &because.origin)),
            about: vec![id.clone()],
            lost: lost.into_iter().collect(),
            because,
            certainty: sources.map(|source| source.certainty).min().unwrap_or(Certainty::Declared),
            bound: None,
            fix,
        }
    }

    fn why(&self, loss: &Loss<'_>) -> String {
        let open = self.service.open.iter().map(|open| open.why.clone());
        let reasons: BTreeSet<String> =
            loss.left.perhaps.iter().map(|(_, why)| why.clone()).chain(open).collect();
        reasons.into_iter().collect::<Vec<_>>().join("; ")
    }

    /// What a scaling group does about it, and after how long.
    fn scaling(&self, left: &Left<'_>, surge: f64) -> Option<String> {
        let scaling = self.service.scaling.as_ref()?;
        let Some(most) = scaling.most.map(|most| most as usize) else {
            return Some(format!(
                "until more are started by {}, of which no line says how many",
                scaling.source.origin
            ));
        };
        if most <= left.at_least() {
            return Some(format!("and no more than {most} may be started ({})", scaling.source.origin));
        }
        let full = self.carries(most);
        let more = most - left.at_least();
        let takes = match self.time_to_scale() {
            Some(takes) => format!("which takes up to {takes}"),
            None => "and no line says how long that takes".to_owned(),
        };
        Some(match full < self.capacity.peak * surge {
            true => {
                format!("and not even the {most} that may be started ({}) would do", scaling.source.origin)
            }
            false => format!("until the scaling group has started up to {more} more, {takes}"),
        })
    }

    fn time_to_scale(&self) -> Option<String> {
        let of_service = self.inventory.mechanisms.iter().filter(|mechanism| mechanism.service == *self.id);
        let longest = of_service.filter_map(|mechanism| match &mechanism.kind {
            MechanismKind::Scaling { grace, boot, .. } => Some((grace.value + boot.value, grace, boot)),
            _ => None,
        });
        let (all, grace, boot) = longest.max_by_key(|(all, _, _)| *all)?;
        Some(format!("{} (grace {}, boot {})", format_span(all), grace.says, boot.says))
    }

    /// The line that states the load, then those of the instances that go.
    fn because(&self, loss: &Loss<'_>) -> Vec<Because> {
        let capacity = self.capacity;
        let stated = Because {
            origin: capacity.origin.clone(),
            note: format!("peak {}/s, each carries {}/s", capacity.peak, capacity.each),
        };
        let mut gone: Vec<Because> = loss
            .left
            .gone
            .iter()
            .map(|instance| Because {
                origin: instance.source.origin.clone(),
                note: format!("{} goes with it", instance.id),
            })
            .collect();
        let perhaps = loss.left.perhaps.iter();
        gone.extend(perhaps.map(|(instance, why)| Because {
            origin: instance.source.origin.clone(),
            note: format!("{}: {why}", instance.id),
        }));
        gone.sort();
        std::iter::once(stated).chain(gone).collect()
    }
}

#[cfg(test)]
mod tests;
