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

/// A name cut to a width in its middle: names of one kind differ at their ends.
pub(super) fn inside(name: &str, size: f64, wide: f64) -> String {
    if width(name, size) <= wide {
        return name.to_owned();
    }
    let signs: Vec<char> = name.chars().collect();
    let half = |signs: &mut dyn Iterator<Item = &char>| -> Vec<char> {
        let mut used = size;
        signs
            .take_while(|sign| {
                used += 2.0 * width(&sign.to_string(), size);
                used <= wide
            })
            .copied()
            .collect()
    };
    let begin: String = half(&mut signs.iter()).into_iter().collect();
    let end: String = half(&mut signs.iter().rev()).into_iter().rev().collect();
    format!("{begin}…{end}")
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
    fn a_long_name_keeps_both_ends() {
        let name = inside("orders-db@10.0.1.11", 13.5, 95.0);
        assert!(
            name.starts_with("orde") && name.ends_with("1.11") && width(&name, 13.5) <= 95.0 + 13.5,
            "{name}"
        );
        assert_eq!(inside("web", 13.5, 95.0), "web");
    }

    #[test]
    fn an_axis_has_round_steps() {
        assert!((step(47.0, 6.0) - 10.0).abs() < 1e-9);
        assert!((step(3.1, 6.0) - 1.0).abs() < 1e-9);
        assert!((step(0.0, 6.0) - 1.0).abs() < 1e-9);
        assert!((step(900.0, 6.0) - 200.0).abs() < 1e-9);
    }
}
