//! Findings about recovery: what takes longer than promised, and what nobody notices.

use dinghai_estate::{Inventory, Origin};

use super::Promised;
use crate::Finding;

/// What is wrong with how an inventory recovers. `lines` gives the text of a line, for the fix.
pub fn recovery_findings(
    _inventory: &Inventory,
    _promises: &[Promised],
    _lines: &dyn Fn(&Origin) -> Option<String>,
) -> Vec<Finding> {
    Vec::new()
}
