//! Every rule that `check` knows.

use dinghai_estate::Rule;

/// All of them, by id.
pub(crate) fn every_rule() -> Vec<Rule> {
    let mut rules: Vec<Rule> = dinghai_estate::rules().to_vec();
    rules.push(dinghai_risk::ACCEPTANCE_EXPIRED);
    rules.sort_by_key(|rule| rule.id);
    rules.dedup_by_key(|rule| rule.id);
    rules
}
