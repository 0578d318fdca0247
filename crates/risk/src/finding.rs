//! What `check` finds in an inventory.

use std::time::Duration;

use dinghai_estate::{Certainty, Inventory, Origin, PlaceId, ServiceId, Source};
use serde::Serialize;

use crate::Lost;

/// How a thing stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Nobody can tell from the files. That is not clean.
    Unknown,
    /// It holds, with nothing to spare or without a protection.
    Weak,
    /// It does not hold what was promised.
    Broken,
}

/// Something wrong, weak or unknown in an inventory. One finding is one cause, however many services it hits.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// The rule, an id of [`crate::rules`].
    pub rule: &'static str,
    /// How it stands.
    pub state: State,
    /// What is so, in a few words without a full stop: `losing hz-b stops checkout`.
    pub title: String,
    /// The counterexample as one or two sentences that a person can read, names of places, services and instances in it as they
    /// are: `lose zone hz-b and checkout stops: both orders-db nodes are there: rds.tf:41, :58`.
    pub sentence: String,
    /// The services that it hits: the one where it begins first.
    pub about: Vec<ServiceId>,
    /// The places that are supposed to be lost, when the finding is about a loss: any one of them is enough.
    pub lost: Vec<Lost>,
    /// The lines behind it, the most telling first, each with a few words on what it says.
    pub because: Vec<Because>,
    /// How sure the facts are that it rests on: that of the least sure one.
    pub certainty: Certainty,
    /// The composed worst case, when the finding is about recovery time.
    pub bound: Option<Bound>,
    /// The smallest change that removes it, where one is known.
    pub fix: Option<Fix>,
}

/// A line behind a finding.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Because {
    /// The line.
    pub origin: Origin,
    /// What it says for the finding, in a few words: `the primary stands in hz-b`. May be empty.
    pub note: String,
}

/// A change that removes a finding.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fix {
    /// What to do, as one sentence without a full stop.
    pub sentence: String,
    /// The lines to change; empty when only words can say it.
    pub edits: Vec<Edit>,
    /// What was seen with the change made, when it was tried: `with it, hz-a, hz-b and hz-c each keep 2 of 3`.
    pub checked: Option<String>,
}

/// Lines of one file that are taken out and put in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Edit {
    /// The file.
    pub file: String,
    /// The first line that is taken out; where nothing is, the line before which `add` goes. From 1.
    pub line: u32,
    /// How many lines are taken out.
    pub remove: u32,
    /// The lines that are put in instead, without line ends.
    pub add: Vec<String>,
}

/// The longest that a service can be away after a loss, composed from configuration.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bound {
    /// The service.
    pub service: ServiceId,
    /// What is lost: a place, or an instance of the service when none.
    pub lost: Option<PlaceId>,
    /// What adds up to it, in the order in which it happens.
    pub terms: Vec<Term>,
    /// What was promised, and where.
    pub promised: Option<(Duration, Origin)>,
    /// The terms with the fix made, where there is one; same order, same names.
    pub fixed: Option<Vec<Term>>,
}

/// One part of a bound.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Term {
    /// What is waited for: `leader key lives on`.
    pub name: String,
    /// How long at most.
    #[serde(with = "dinghai_clock::serde_span")]
    pub value: Duration,
    /// What the configuration says: `ttl: 30`, `inter 3s × fall 3 + check 2s`.
    pub says: String,
    /// Whose line it is.
    pub source: Source,
}

impl Bound {
    /// All terms together.
    pub fn total(&self) -> Duration {
        self.terms.iter().map(|term| term.value).sum()
    }
}

/// One inventory looked at.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// What was looked at.
    pub inventory: Inventory,
    /// What was found: broken first, then weak, then unknown.
    pub findings: Vec<Finding>,
    /// What each core service stands through, and what it does not.
    pub core: Vec<CoreService>,
    /// Losses that stop a core service and were accepted: wider than what it has to survive, or several at once.
    pub accepted: Vec<Accepted>,
    /// The composed worst case of recovery for every core path, worst first.
    pub bounds: Vec<Bound>,
}

/// What a core service stands through.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CoreService {
    /// The service.
    pub service: ServiceId,
    /// Why it counts as core: `tier: core`, or the entry by which users reach it.
    pub why: String,
    /// The line that says so.
    pub origin: Origin,
    /// Single places whose loss it stands through.
    pub holds: Vec<PlaceId>,
    /// Single places whose loss stops it.
    pub stops: Vec<PlaceId>,
    /// Single places of which nobody can tell.
    pub unknown: Vec<PlaceId>,
    /// Whether sets of more places than were looked for may exist.
    pub truncated: bool,
}

/// A loss that was accepted.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Accepted {
    /// The places, lost together.
    pub lost: Vec<Lost>,
    /// The core services that stop.
    pub services: Vec<ServiceId>,
    /// One sentence that names files and lines.
    pub sentence: String,
}
