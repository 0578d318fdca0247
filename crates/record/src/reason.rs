//! Why: every decision carries its reasons (law 3).

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// One reason: a code of the message catalogue and the values that fill its sentence.
///
/// The sentence itself, in English and Chinese, stands in the catalogue of `pages`, so that console, notification and
/// command line say the same. A code that a reader does not know is shown with its values.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Reason {
    /// The catalogue's key after `reason.`, in kebab-case: `place-lost`.
    pub code: String,
    /// The values of the sentence's placeholders.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub with: BTreeMap<String, String>,
}

impl Reason {
    /// A reason without values.
    pub fn new(code: &str) -> Self {
        Self { code: code.to_owned(), with: BTreeMap::new() }
    }

    /// The same reason with one more value.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.with.insert(name.to_owned(), value.to_string());
        self
    }
}

/// A share, 0–1, as reasons carry it: `0.25 %`.
pub fn percent(share: f64) -> String {
    let text = format!("{:.2}", share * 100.0);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

/// For logs: `place-lost (instances: 7, place: hz-a)`.
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.code)?;
        for (n, (name, value)) in self.with.iter().enumerate() {
            write!(f, "{}{name}: {value}", if n == 0 { " (" } else { ", " })?;
        }
        if self.with.is_empty() { Ok(()) } else { f.write_str(")") }
    }
}
