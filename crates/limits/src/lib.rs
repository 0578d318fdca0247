//! Ejection, retry budget, panic threshold and balancing as pure state machines.
//!
//! `now`, random numbers and what was seen are arguments; the shells that hold sockets and clocks apply the answers.

mod balance;
mod budget;
mod ejection;
mod split;

pub use balance::{Load, RoundRobin, in_panic, least_request};
pub use budget::{Allowance, RetryBudget};
pub use ejection::{Ejection, EjectionPolicy, EjectionState, Saw, Turn};
pub use split::{Sides, point_of};
