//! Findings to incidents and plans.
//!
//! [`decide`] reads the estate, the book and the world and says what is to be written down: first which incidents open,
//! grow, merge, change grade and close; then, once those stand in the book, which plans are proposed, decided and
//! withdrawn. It is pure, and asking again after its answer was booked says nothing new. [`lint`](fn@lint) and
//! [`budget`] are the two halves of the door that every plan passes, whoever made it.

mod autonomy;
mod bring_up;
pub mod budget;
mod capacity;
mod grade;
mod heal;
mod incident;
mod lint;
mod plans;
mod scope;
mod spares;
mod steps;

use dinghai_clock::Timestamp;
use dinghai_estate::Estate;
use dinghai_record::{Book, Event, World};

pub use autonomy::autonomy;
pub use lint::lint;

/// Everything that a decision rests on.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    /// The estate in force.
    pub estate: &'a Estate,
    /// The past.
    pub book: &'a Book,
    /// The present.
    pub world: &'a World,
    /// The time.
    pub now: Timestamp,
}

/// What is to be written down now. Plans follow incidents by one round, so that each plan is made for an incident as it
/// stands in the book.
pub fn decide(inputs: &Inputs<'_>) -> Vec<Event> {
    let incidents = incident::follow(inputs);
    if incidents.is_empty() { plans::follow(inputs) } else { incidents }
}
