//! Hypothesis, faults and stop rules to plans and verdicts.
//!
//! A drill is a plan that breaks something on purpose. [`begin`] says whether it may, and makes the plan; the executor
//! runs it like any other; [`proceed`] looks at every tick how far it has come, turns the plan back when a stop
//! condition holds, and judges the drill once everything is as before.

mod begin;
mod judge;
mod proceed;
mod recovery;
mod scope;

use dinghai_clock::Timestamp;
use dinghai_estate::Estate;
use dinghai_record::{Book, World};

pub use begin::begin;
pub use proceed::proceed;

/// All that a decision about a drill rests on.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// The estate in force.
    pub estate: &'a Estate,
    /// The past.
    pub book: &'a Book,
    /// The present as far as it was observed.
    pub world: &'a World,
    /// The time.
    pub now: Timestamp,
}
