//! Principal, action and resource to an explained decision.
//!
//! One rule decides each request, and the decision names it. Anything that no rule permits is denied. The rules are a
//! table for now; who asks sees [`decide`] only, so that a policy engine can take the table's place.
//!
//! | role | may |
//! |---|---|
//! | viewer | read, except other people's sessions and accounts |
//! | operator | that, and approve, decline, run drills, halt, resume |
//! | admin | that, and manage users |
//!
//! Halting and resuming are both for operators: whoever carries the pager at night must be able to do either, and a
//! halt that only another person can lift would make people hesitate to halt.

mod decide;
mod words;

pub use decide::{Decision, decide};
pub use words::{Action, Principal, Resource, Role, UnknownRole};
