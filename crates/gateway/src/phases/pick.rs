//! Phase *pick*: which instance takes the request.
//!
//! Members with share 0 take none. Of the others those in rotation, or one that is due a trial; in panic also those out of
//! rotation that listen. Never one that this request was sent to before. Those that share the fewest places with
//! the instances tried go first, and among them the route's balance decides.

use std::sync::PoisonError;

use dinghai_estate::Balance;
use dinghai_limits::{Load, in_panic, least_request};

use crate::core::Core;
use crate::routing::{Route, Seat, Service};

/// The slot, among the service's members, of the instance to send to. None when nobody is left.
pub(crate) fn pick(core: &Core, route: &Route, tried: &[usize]) -> Option<usize> {
    let service = &*route.service;
    let choice = Choice::of(core, service, tried);
    let nearest = choice.members().map(|(_, member)| choice.shared_places(member)).min()?;
    let candidates = choice.members().filter(|(_, member)| choice.shared_places(member) == nearest);
    match route.spec.balance {
        Balance::LeastRequest => {
            let load = |member: &Seat| Load {
                in_flight: member.instance.in_flight(),
                weight: u32::from(member.share),
            };
            let at = least_request(candidates.clone().map(|(_, member)| load(member)), core.draw())?;
            candidates.clone().nth(at).map(|(slot, _)| slot)
        }
        Balance::RoundRobin => {
            let mut turns = service.turns.lock().unwrap_or_else(PoisonError::into_inner);
            turns.next(candidates.map(|(slot, member)| (slot, u32::from(member.share))))
        }
    }
}

/// Whether there is anybody left to send to.
pub(crate) fn is_elsewhere(core: &Core, route: &Route, tried: &[usize]) -> bool {
    Choice::of(core, &route.service, tried).members().next().is_some()
}

struct Choice<'a> {
    core: &'a Core,
    service: &'a Service,
    tried: &'a [usize],
    /// Instances out of rotation take requests too.
    wide: bool,
    /// Somebody who takes requests listens, as far as is known, and was not yet tried by this request.
    listened: bool,
}

impl<'a> Choice<'a> {
    fn of(core: &'a Core, service: &'a Service, tried: &'a [usize]) -> Self {
        let (mut all, mut left, mut listening) = (0, 0, 0);
        for (slot, member) in service.members.iter().enumerate().filter(|(_, member)| member.share > 0) {
            all += 1;
            let untried = !tried.contains(&slot);
            left += usize::from(untried && member.instance.is_passing());
            listening += usize::from(untried && !member.instance.is_refusing());
        }
        // Panic spreads load; a request that has failed once goes where it is answered, while there is such a place. Those
        // that failed it may not be ejected yet, and are not counted on.
        let wide = in_panic(left, all, service.panic_below) && (tried.is_empty() || left == 0);
        Self { core, service, tried, wide, listened: listening > 0 }
    }

    fn members(&self) -> impl Iterator<Item = (usize, &'a Seat)> + Clone {
        let (core, tried, wide, listened) = (self.core, self.tried, self.wide, self.listened);
        self.service.members.iter().enumerate().filter(move |(slot, member)| {
            let instance = &member.instance;
            // One that refuses connections takes no load off the others, so panic passes it over.
            let panicked = wide && !(listened && instance.is_refusing());
            member.share > 0
                && !tried.contains(slot)
                && (instance.is_passing() || panicked || instance.admits_trial(core))
        })
    }

    fn shared_places(&self, member: &Seat) -> usize {
        let tried = self.tried.iter().filter_map(|slot| self.service.members.get(*slot));
        tried.map(|tried| tried.places.iter().filter(|place| member.places.contains(place)).count()).sum()
    }
}
