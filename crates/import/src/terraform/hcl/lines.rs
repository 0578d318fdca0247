//! From a byte of a file to its line and column.

use super::term::At;

/// Where each line of a text begins.
pub(crate) struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    pub(crate) fn of(text: &'t str) -> Self {
        let starts = text.match_indices('\n').map(|(at, _)| at + 1);
        Self { text, starts: std::iter::once(0).chain(starts).collect() }
    }

    pub(crate) fn at(&self, byte: usize) -> At {
        let line = self.starts.partition_point(|start| *start <= byte);
        let start = self.starts.get(line.saturating_sub(1)).copied().unwrap_or(0);
        // A line of many thousand characters is no place to look for a column.
        let before = self.text.get(start..byte).unwrap_or_default();
        let column = if before.len() > 10_000 { 1 } else { before.chars().count() + 1 };
        At { line: u32::try_from(line).unwrap_or(u32::MAX), column: u32::try_from(column).unwrap_or(1) }
    }
}
