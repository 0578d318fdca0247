//! View models to HTML.
//!
//! Every page is a pure function of a [`Scene`]: the estate, the book, the world, the time and who is looking. There is
//! no I/O here and no clock; `serve` gathers the scene and sends what comes out. All words come from one message
//! catalogue (`messages/*.toml`), English and Chinese side by side, which the command line uses too.
//!
//! What the screens may claim: only what was observed or written down. What is not known says unknown with its reason,
//! a count that was not made is not zero, and a feature that does not exist is not drawn.

mod autonomy;
mod budget;
mod catalogue;
mod chart;
pub mod check;
mod drills;
mod event_line;
mod format;
mod frame;
mod incident;
mod incidents;
mod ledger;
mod money;
mod notice;
mod overview;
mod phrase;
mod plan;
mod promises;
mod review;
mod room;
mod scene;
mod shape;
mod spoken;
mod stand;
mod timeline;
mod topology;
mod verdict;
mod words;

pub use catalogue::{Language, reason, rich, sentence, text};
pub use drills::{drills, run};
pub use event_line::event_line;
pub use format::{Format, age, clock, count, decimal, money as amount, percent, span, zone};
pub use frame::{LanguageChoice, Theme};
pub use incidents::incidents;
pub use ledger::{LedgerPage, entry, ledger};
pub use maud::Markup;
pub use notice::{Notice, halt, notice, sign_in};
pub use overview::overview;
pub use phrase::{action, actor, condition, fault, finding, subject, vantage};
pub use plan::{plan, plans};
pub use promises::promises;
pub use review::{review, review_markdown};
pub use room::room;
pub use scene::{Scene, Visitor};
pub use words::{
    drill_state, plan_state, promise_measure, promise_state, promise_target, step_class, step_state,
};

/// The style sheet of every page.
pub const STYLE: &str = include_str!("../assets/style.css");
/// The mark, for the browser's tab.
pub const MARK: &str = include_str!("../assets/mark.svg");
/// The script that keeps a page live.
pub const SCRIPT: &str = include_str!("../assets/console.js");
