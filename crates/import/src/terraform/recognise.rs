//! What kind of Terraform JSON a text is, seen without reading it: a state may have a hundred megabytes.

/// How much of a text is looked at first; Terraform writes what tells near the beginning.
const BEGINNING: usize = 4096;

/// Whether it is what `terraform show -json` prints of a plan.
pub(crate) fn is_plan(text: &str) -> bool {
    shown(text) && text.contains("\"planned_values\"")
}

/// Whether it is a state file, or what `terraform show -json` prints of a state.
pub(crate) fn is_state(text: &str) -> bool {
    let file = begins_map(text)
        && has(text, "\"terraform_version\"")
        && (has(text, "\"lineage\"") || has(text, "\"serial\""))
        && has(text, "\"resources\"");
    file || (shown(text) && text.contains("\"values\"") && !text.contains("\"planned_values\""))
}

/// Whether it is the log that `terraform plan -json` prints, which says too little.
pub(crate) fn is_log(text: &str) -> bool {
    text.trim_start().starts_with("{\"@level\"")
}

fn shown(text: &str) -> bool {
    begins_map(text) && has(text, "\"format_version\"") && has(text, "\"terraform_version\"")
}

fn begins_map(text: &str) -> bool {
    text.trim_start_matches(['\u{feff}', ' ', '\n', '\r', '\t']).starts_with('{')
}

/// Looks at the beginning, and then, since some tools sort keys, at all of it.
fn has(text: &str, word: &str) -> bool {
    let end = (0..=BEGINNING.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text.get(..end).is_some_and(|beginning| beginning.contains(word)) || text.contains(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_states_and_others_are_told_apart() {
        let plan = r#"{"format_version":"1.2","terraform_version":"1.11.4","planned_values":{},"prior_state":{"values":{}}}"#;
        let shown = r#" {"format_version":"1.0","terraform_version":"1.11.4","values":{}}"#;
        let state = r#"{"version": 4, "terraform_version": "1.5.0", "serial": 3, "resources": []}"#;
        assert!(is_plan(plan) && !is_state(plan));
        assert!(is_state(shown) && !is_plan(shown));
        assert!(is_state(state) && !is_plan(state));
        for other in ["", "[]", "{}", r#"{"version": 4}"#, "resource \"a\" \"b\" {}"] {
            assert!(!is_plan(other) && !is_state(other), "{other}");
        }
        assert!(is_log(r#"{"@level":"info","@message":"Terraform 1.11.4"}"#));
    }
}
