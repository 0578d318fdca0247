//! Entries of older schemas, brought up one version at a time.
//!
//! What is stored stays as it was written, and so does its hash; only what is read is brought up. Add a function to
//! [`STEPS`] with every new [`SCHEMA`], and a fixture of the old one to `tests/fixtures`.

use dinghai_record::SCHEMA;
use serde_json::{Value, json};

/// The step at place N brings an event from schema N to N + 1.
const STEPS: [fn(Value) -> Value; SCHEMA as usize] = [from_0];

/// Brings an event of `schema` up to the one of this program. Newer ones are left as they are.
pub(crate) fn upcast(schema: u16, event: Value) -> Value {
    STEPS.iter().skip(usize::from(schema)).fold(event, |event, step| step(event))
}

/// Schema 0 did not say whether the outcome of a step was seen after a crash; none was then.
fn from_0(mut event: Value) -> Value {
    if event.get("kind").is_some_and(|kind| kind == "step-ended")
        && let Some(fields) = event.as_object_mut()
    {
        fields.entry("observed").or_insert(json!(false));
    }
    event
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_end_of_schema_0_was_not_observed() {
        let old = json!({"kind": "step-ended", "plan": 1, "step": 1});
        assert_eq!(upcast(0, old)["observed"], json!(false));
    }

    #[test]
    fn the_present_schema_and_newer_ones_are_left_as_they_are() {
        let event = json!({"kind": "step-ended", "plan": 1});
        assert_eq!(upcast(SCHEMA, event.clone()), event);
        assert_eq!(upcast(SCHEMA + 7, event.clone()), event);
    }
}
