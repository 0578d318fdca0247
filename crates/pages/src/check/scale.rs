//! Axes and widths of figures.

/// The smallest step of 1, 2 or 5 times a power of ten by which `most` is reached in at most `ticks` steps.
pub(super) fn step(most: f64, ticks: f64) -> f64 {
    if most.partial_cmp(&0.0) != Some(std::cmp::Ordering::Greater) || !most.is_finite() {
        return 1.0;
    }
    let least = most / ticks;
    let power = 10_f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|n| n * power)
        .find(|step| *step >= least * 0.999)
        .unwrap_or(10.0 * power)
}

/// As many columns, rows or signs as a figure has.
#[expect(clippy::cast_precision_loss, reason = "a figure has few parts")]
pub(super) fn small(n: usize) -> f64 {
    n as f64
}

/// Width of words in a figure, in its units: Latin letters about `size` × 0.56, those of Chinese as wide as high.
pub(super) fn width(words: &str, size: f64) -> f64 {
    words.chars().map(|sign| if u32::from(sign) >= 0x2e80 { size } else { size * 0.56 }).sum()
}

/// Words cut to a width.
pub(super) fn cut(words: &str, size: f64, wide: f64) -> String {
    if width(words, size) <= wide {
        return words.to_owned();
    }
    let mut kept = String::new();
    for sign in words.chars() {
        let mut longer = kept.clone();
        longer.push(sign);
        if width(&longer, size) + size > wide {
            break;
        }
        kept = longer;
    }
    kept + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_has_round_steps() {
        assert!((step(47.0, 6.0) - 10.0).abs() < 1e-9);
        assert!((step(3.1, 6.0) - 1.0).abs() < 1e-9);
        assert!((step(0.0, 6.0) - 1.0).abs() < 1e-9);
        assert!((step(900.0, 6.0) - 200.0).abs() < 1e-9);
    }
}
