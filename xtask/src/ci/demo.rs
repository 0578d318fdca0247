//! What the demo's figures must say, whatever the machine's speed: outcomes, never times.

use anyhow::{Result, bail};
use serde_json::Value;

/// A JSON pointer into the figures, what must stand there, and what that means.
const EXPECTED: [(&str, Wanted, &str); 9] = [
    ("/ledger_sound", Wanted::True, "the chain verifies"),
    ("/drills", Wanted::AllPassed(3), "every drill passes"),
    ("/zone/failed_idempotent", Wanted::Zero, "no repeatable request fails when a zone dies"),
    ("/zone/grade", Wanted::Text("P1"), "a lost zone is P1"),
    ("/zone/healed_ms", Wanted::Number, "the zone is healed"),
    ("/hang/failed_idempotent", Wanted::Zero, "no repeatable request fails when an instance hangs"),
    ("/hang/healed_ms", Wanted::Number, "the hung instance is healed"),
    ("/controller/end", Wanted::Text("Ended(Done)"), "the interrupted plan is done by the next controller"),
    ("/promises/halt.all", Wanted::Text("kept"), "every automaton stops"),
];

#[derive(Clone, Copy)]
enum Wanted {
    True,
    Zero,
    Number,
    Text(&'static str),
    AllPassed(usize),
}

impl Wanted {
    fn admits(self, found: &Value) -> bool {
        match self {
            Self::True => found == &Value::Bool(true),
            Self::Zero => found.as_u64() == Some(0),
            Self::Number => found.is_u64(),
            Self::Text(text) => found.as_str() == Some(text),
            Self::AllPassed(count) => found.as_array().is_some_and(|runs| {
                runs.len() == count
                    && runs.iter().all(|run| run.get("verdict").is_some_and(|v| v == "Passed"))
            }),
        }
    }
}

/// Fails with everything that is not as expected.
pub(super) fn judge(figures: &Value) -> Result<()> {
    let wrong: Vec<String> = EXPECTED
        .iter()
        .filter_map(|(pointer, wanted, meaning)| {
            let found = figures.pointer(pointer).unwrap_or(&Value::Null);
            (!wanted.admits(found)).then(|| format!("{pointer} is {found}, so it is not so that {meaning}"))
        })
        .collect();
    if wrong.is_empty() { Ok(()) } else { bail!("the demo failed: {}", wrong.join("; ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn good() -> Value {
        let passed = json!({ "verdict": "Passed" });
        json!({
            "ledger_sound": true,
            "drills": [passed, passed, passed],
            "zone": { "failed_idempotent": 0, "grade": "P1", "healed_ms": 3000 },
            "hang": { "failed_idempotent": 0, "healed_ms": 4000 },
            "controller": { "end": "Ended(Done)" },
            "promises": { "halt.all": "kept" },
        })
    }

    #[test]
    fn figures_as_expected_pass() {
        judge(&good()).unwrap();
    }

    #[test]
    fn whatever_is_missing_or_wrong_fails() {
        assert!(judge(&json!({})).is_err());
        let mut bad = good();
        bad["zone"]["failed_idempotent"] = json!(1);
        assert!(
            judge(&bad).unwrap_err().to_string().contains("no repeatable request fails when a zone dies")
        );
    }
}
