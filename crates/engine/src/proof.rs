//! The last stage: what was measured becomes evidence, and evidence whose facts changed is voided.

use std::collections::BTreeMap;
use std::sync::Arc;

use dinghai_clock::Timestamp;
use dinghai_estate::{Estate, GatewayId};
use dinghai_prove::Running;
use dinghai_record::{Book, Event, Slice, Vantage, World};

/// All facts as they are now, computed anew when a unit is of another version than before. The estate stays the same
/// for as long as a controller runs.
pub(crate) struct Facts {
    running: Running,
    slice: Arc<Slice>,
}

impl Facts {
    /// The facts of an estate before any unit was heard.
    pub(crate) fn new(estate: &Estate, version: &str) -> Self {
        let running = Running { controller: version.to_owned(), hand: None, gateways: BTreeMap::new() };
        Self { slice: Arc::new(dinghai_prove::facts(estate, &running)), running }
    }

    /// The facts as last computed.
    pub(crate) fn last(&self) -> Arc<Slice> {
        self.slice.clone()
    }

    /// The facts now.
    pub(crate) fn now(&mut self, estate: &Estate, world: &World) -> Arc<Slice> {
        let version = |vantage: &Vantage| world.units.get(vantage).map(|unit| unit.version.clone());
        let gateway = |id: &GatewayId| Some((id.clone(), version(&Vantage::Gateway(id.clone()))?));
        let running = Running {
            controller: self.running.controller.clone(),
            hand: version(&Vantage::Hand),
            gateways: estate.gateways.keys().filter_map(gateway).collect(),
        };
        if running != self.running {
            self.slice = Arc::new(dinghai_prove::facts(estate, &running));
            self.running = running;
        }
        self.slice.clone()
    }
}

/// What there is to measure, file and void now. Evidence is numbered by the book, so one thing is filed at a time.
pub(crate) fn prove(
    estate: &Estate,
    book: &Book,
    world: &World,
    facts: &Slice,
    now: Timestamp,
) -> Vec<Event> {
    let measured: Vec<Event> = book
        .open_incidents()
        .filter_map(|incident| dinghai_prove::incident_measures(estate, book, world, incident.id, now))
        .collect();
    let filed = || {
        let of_drills = book.drills.keys().map(|run| dinghai_prove::evidence(estate, book, facts, *run));
        let of_incidents =
            book.incidents.keys().map(|id| dinghai_prove::evidence_from_incident(estate, book, facts, *id));
        of_drills.chain(of_incidents).find(|events| !events.is_empty())
    };
    let voided = || Some(dinghai_prove::voided(book, facts, now));
    [Some(measured), filed(), voided()]
        .into_iter()
        .flatten()
        .find(|events| !events.is_empty())
        .unwrap_or_default()
}
