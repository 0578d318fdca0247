//! What `check` found, for people: one page that stands by itself, and the words that the terminal shares with it.
//!
//! Everything here works on what was made clean of secrets before: a report whose words hide them, and lines of files that do.
//! The page has no script, no address that it fetches, and no style attribute; its policy says so too, so that a name in
//! somebody's files can do nothing.

mod article;
mod bar;
mod diff;
mod excerpt;
mod findings;
mod page;
mod picture;
mod rest;
mod scale;
mod scene;
mod told;
mod verdict;

pub use diff::{Change, ChangedFile, changes};
pub use excerpt::{Excerpt, Row, excerpts};
pub use page::page;
pub use told::{Joint, Run, Told};
pub use verdict::{Verdict, verdict, verdict_of};
