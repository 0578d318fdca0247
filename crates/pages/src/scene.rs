//! What a page is made from, and how it speaks.

use std::time::Duration;

use dinghai_clock::Timestamp;
use dinghai_estate::{Estate, Money, Route, ServiceId};
use dinghai_record::{Book, Reason, World};
use maud::Markup;

use crate::{Format, Language, Theme, catalogue, format};

/// Everything that a page may know.
#[derive(Clone, Debug)]
pub struct Scene<'a> {
    /// The estate in force.
    pub estate: &'a Estate,
    /// The fold of the ledger.
    pub book: &'a Book,
    /// The world as last seen.
    pub world: &'a World,
    /// The time.
    pub now: Timestamp,
    /// The reader's language and zone.
    pub format: Format,
    /// The reader's theme.
    pub theme: Theme,
    /// Who looks; none on the sign-in page.
    pub visitor: Option<Visitor>,
    /// Why the ledger takes no entries, while it takes none.
    pub refusing: Option<String>,
    /// The path and query of this page, to come back to.
    pub here: String,
}

/// Who looks at a page. What they may do was decided at the door; a page only draws it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visitor {
    /// The name they signed in with.
    pub name: String,
    /// Their role, as in the catalogue: `viewer`, `operator` or `admin`.
    pub role: &'static str,
    /// The token that every form of theirs carries.
    pub csrf: String,
    /// Whether they may approve, decline, drill, halt and resume.
    pub may_operate: bool,
}

impl Scene<'_> {
    pub(crate) fn language(&self) -> Language {
        self.format.language
    }

    pub(crate) fn say(&self, key: &str, values: &[(&str, String)]) -> String {
        catalogue::text(self.language(), key, values)
    }

    pub(crate) fn rich(&self, key: &str, values: &[(&str, String)]) -> Markup {
        catalogue::rich(self.language(), key, values)
    }

    pub(crate) fn because(&self, reason: &Reason) -> String {
        catalogue::sentence(self.language(), reason)
    }

    pub(crate) fn n(&self, n: usize) -> String {
        self.count(n as u64)
    }

    pub(crate) fn count(&self, n: u64) -> String {
        format::count(self.language(), n)
    }

    pub(crate) fn span(&self, span: Duration) -> String {
        format::span(self.language(), span)
    }

    pub(crate) fn millis(&self, millis: u64) -> String {
        self.span(Duration::from_millis(millis))
    }

    pub(crate) fn percent(&self, share: f64) -> String {
        format::percent(self.language(), share)
    }

    pub(crate) fn money(&self, amount: &Money) -> String {
        format::money(self.language(), amount)
    }

    /// How long ago that was.
    pub(crate) fn age(&self, at: Timestamp) -> String {
        format::age(self.language(), self.now.since(at))
    }

    /// The time of day, with the day when it is not today.
    pub(crate) fn moment(&self, at: Timestamp) -> String {
        self.format.moment(at, self.now)
    }

    pub(crate) fn clock(&self, at: Timestamp) -> String {
        format::clock(&self.format.zone, at)
    }

    /// Ends a sentence that another one follows.
    pub(crate) fn stop(&self) -> &'static str {
        match self.language() {
            Language::En => ". ",
            Language::Zh => "。",
        }
    }

    /// Between two parts of a sentence.
    pub(crate) fn comma(&self) -> &'static str {
        match self.language() {
            Language::En => ", ",
            Language::Zh => "，",
        }
    }

    /// Joins names as the language does.
    pub(crate) fn list<T: ToString>(&self, items: impl IntoIterator<Item = T>) -> String {
        let separator = match self.language() {
            Language::En => ", ",
            Language::Zh => "、",
        };
        items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(separator)
    }

    /// Whether the visitor may act.
    pub(crate) fn may_operate(&self) -> bool {
        self.visitor.as_ref().is_some_and(|visitor| visitor.may_operate)
    }

    /// Whether the route leads to a service without which the business stops.
    pub(crate) fn is_core(&self, route: &Route) -> bool {
        self.estate.services.get(&route.to).is_some_and(|to| to.tier == dinghai_estate::Tier::Core)
    }

    /// Needed with no fallback, by whom.
    pub(crate) fn value_of(&self, service: &ServiceId) -> Option<&dinghai_estate::Value> {
        self.estate.services.get(service)?.value.as_ref()
    }
}
