//! What breaks an inventory, and by how much: the smallest losses of places that stop a service, and what stands against them.
//!
//! Everything here is read from files alone. What is lost is a place, of any kind, with all that it contains.
//! A service *stands* while enough of its running instances are at no lost place and every service that it needs hard
//! stands; spares are not running and do not count, and a soft need has a fallback and does not count either. Stopping
//! is the least fixpoint of that: services which need each other hard stand together until one of them loses its own
//! instances, and then all of them stop. So a service stops exactly when it or something in the closure of its hard needs
//! has too few instances left.
//!
//! A kind of place that nobody declared, such as the rack that a vendor hides, is not in any cut set: that a service
//! has few cut sets says nothing about places that are not known.

mod capacity;
mod core;
mod counterexample;
mod cuts;
mod diff;
mod domains;
mod features;
mod finding;
mod fingerprint;
mod independence;
mod judge;
mod look;
mod losses;
mod mend;
mod minimal;
mod own;
mod recovery;
mod rules;
mod say;
mod weakness;
mod what_if;
mod whereabouts;

pub use capacity::capacity_after_loss;
pub use core::{Core, core_services, on_core_paths};
pub use counterexample::{Counterexample, Gone, Lost, Through};
pub use cuts::{CutSet, Cuts, Stands, cut_sets};
pub use diff::{BoundChange, CoreChange, Diff, Turned, diff};
pub use features::missing_protections;
pub use finding::{Accepted, Because, Bound, CoreService, Edit, Finding, Fix, Report, State, Term};
pub use fingerprint::fingerprints;
pub use independence::recovery_paths;
pub use judge::{ACCEPTANCE_EXPIRED, Judged, Judgement, Mark, Standing, judge};
pub use look::{look, look_at_estate};
pub use mend::{proposals, with_edits};
pub use recovery::{Failure, Promised, bounds, promised, recovery_findings, worst};
pub use rules::{Rule, rules, rules_page};
pub use what_if::{Aftermath, Fate, Loss, WhatIf, named, what_if};
