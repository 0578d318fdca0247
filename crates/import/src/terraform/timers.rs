//! Durations and counts, with the line that states them, the product's default, what the vendor says, or an assumption.
//!
//! Of each the words tell which one it is: `interval = 10`; `default interval = 30`; `documented as …`, with the vendor's own
//! reservation, such as *typically*; `assumed …` where neither a file nor a document gives a number, which is inferred. The guide on
//! recovery lists the documents.

use std::time::Duration;

use dinghai_estate::{Asks, BackendCheck, Origin, Source, Timer};

use super::index::argument;
use crate::value::Node;

/// Attributes in which a health check is written, each with the product's default.
pub(super) struct CheckWords {
    pub(super) every: (&'static str, u32),
    pub(super) timeout: (&'static str, u32),
    pub(super) fall: (&'static str, u32),
    pub(super) rise: (&'static str, u32),
}

/// Seconds that an attribute states; the default where it is missing. None when it is there and cannot be worked out.
pub(super) fn seconds(block: Option<&Node>, (key, default): (&str, u32), origin: &Origin) -> Option<Timer> {
    let (number, says, source) = stated(block, (key, default), origin)?;
    Some(Timer { value: Duration::from_secs(u64::from(number)), says, source })
}

/// As [`seconds`], for a count.
pub(super) fn times(block: Option<&Node>, words: (&str, u32), origin: &Origin) -> Option<(u32, Source)> {
    let (number, _, source) = stated(block, words, origin)?;
    Some((number, source))
}

fn stated(
    block: Option<&Node>,
    (key, default): (&str, u32),
    origin: &Origin,
) -> Option<(u32, String, Source)> {
    match block.and_then(|block| argument(block, key)) {
        Some(node) => {
            let number = node.count()?;
            Some((number, format!("{key} = {number}"), Source::declared(node.origin())))
        }
        None => {
            let at = block.map_or_else(|| origin.clone(), Node::origin);
            Some((default, format!("default {key} = {default}"), Source::derived(at)))
        }
    }
}

/// A duration that the vendor documents and no file states: `how` are the vendor's words, such as `typically under 60s`.
pub(super) fn documented(seconds: u64, how: &str, origin: &Origin) -> Timer {
    Timer {
        value: Duration::from_secs(seconds),
        says: format!("documented as {how}"),
        source: Source::derived(origin.clone()),
    }
}

/// A duration that neither a file nor the vendor gives a number for.
pub(super) fn assumed(seconds: u64, what: &str, origin: &Origin) -> Timer {
    Timer {
        value: Duration::from_secs(seconds),
        says: format!("assumed {seconds}s {what}"),
        source: Source::inferred(origin.clone()),
    }
}

/// How long a machine takes to boot and answer, which no file says.
pub(super) fn machine_boot(origin: &Origin) -> Timer {
    assumed(180, "to boot a machine", origin)
}

/// A health check; none when a part of it cannot be worked out.
pub(super) fn check(
    block: Option<&Node>,
    words: &CheckWords,
    asks: Asks,
    origin: &Origin,
) -> Option<BackendCheck> {
    Some(BackendCheck {
        every: seconds(block, words.every, origin)?,
        fast: None,
        down_every: None,
        timeout: seconds(block, words.timeout, origin)?,
        fall: times(block, words.fall, origin)?,
        rise: times(block, words.rise, origin)?,
        connect: None,
        asks,
    })
}
