//! What breaks an estate: the smallest losses of places that stop a service.
//!
//! Everything here is read from the declared estate alone. What is lost is a place, of any kind, with all that it contains.
//! A service *stands* while enough of its running instances are at no lost place and every service that it needs hard
//! stands; spares are not running and do not count, and a soft need has a fallback and does not count either. Stopping
//! is the least fixpoint of that: services which need each other hard stand together until one of them loses its own
//! instances, and then all of them stop. So a service stops exactly when it or something in the closure of its hard needs
//! has too few instances left.
//!
//! A kind of place that nobody declared, such as the rack that a vendor hides, is not in any cut set: that a service
//! has few cut sets says nothing about places that are not known.

mod counterexample;
mod cuts;
mod domains;
mod finding;
mod minimal;
mod own;
mod recovery;

pub use counterexample::{Counterexample, Gone, Lost, Through};
pub use cuts::{CutSet, Cuts, cut_sets, cut_sets_below_minimum};
pub use finding::{Accepted, Because, Bound, CoreService, Edit, Finding, Fix, Report, State, Term};
pub use recovery::{Failure, Promised, bounds, recovery_findings, worst};
