//! Every rule that `check` knows, in one list: those over `dinghai.yaml`, and those over whatever was read.

use dinghai_estate::{Rule, Severity};
use dinghai_risk::State;

/// All of them, by id.
pub(crate) fn every_rule() -> Vec<Rule> {
    let over_inventories = dinghai_risk::rules().iter().map(|rule| Rule {
        id: rule.id,
        title: rule.title,
        severity: match rule.state {
            State::Broken => Severity::Error,
            State::Weak | State::Unknown => Severity::Warning,
        },
        why: rule.why,
        example: rule.example,
        fix: rule.fix,
    });
    let mut rules: Vec<Rule> = dinghai_estate::rules().to_vec();
    rules.push(dinghai_risk::ACCEPTANCE_EXPIRED);
    rules.extend(over_inventories);
    rules.sort_by_key(|rule| rule.id);
    rules.dedup_by_key(|rule| rule.id);
    rules
}
