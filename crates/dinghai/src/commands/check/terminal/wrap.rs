//! Sentences on lines.

/// How many columns a sign takes: two for those of East Asian scripts.
fn columns(sign: char) -> usize {
    match u32::from(sign) {
        0x1100..=0x115f
        | 0x2e80..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe4f
        | 0xff00..=0xff60 => 2,
        0x0300..=0x036f | 0x200b..=0x200d => 0,
        _ => 1,
    }
}

/// Columns of a text.
pub(super) fn wide(text: &str) -> usize {
    text.chars().map(columns).sum()
}

/// A sentence on lines of at most `width` columns. Words that are longer are kept whole: they are paths, to be copied. Text
/// without blanks, as in Chinese, is broken between signs.
pub(super) fn wrap(sentence: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in sentence.split([' ', '\n']).filter(|word| !word.is_empty()) {
        let columns_of_word = wide(word);
        if used > 0 && used + 1 + columns_of_word > width {
            lines.push(String::new());
            used = 0;
        } else if used > 0 {
            push(&mut lines, ' ');
            used += 1;
        }
        for sign in word.chars() {
            if used > 0 && columns(sign) == 2 && used + 2 > width {
                lines.push(String::new());
                used = 0;
            }
            push(&mut lines, sign);
            used += columns(sign);
        }
    }
    lines.retain(|line| !line.is_empty());
    lines
}

fn push(lines: &mut [String], sign: char) {
    if let Some(line) = lines.last_mut() {
        line.push(sign);
    }
}

/// One line, cut where it is too long.
pub(super) fn cut(line: &str, width: usize) -> String {
    if wide(line) <= width {
        return line.to_owned();
    }
    let mut kept = String::new();
    let mut used = 1;
    for sign in line.chars() {
        used += columns(sign);
        if used > width {
            break;
        }
        kept.push(sign);
    }
    kept + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_whole_and_lines_short() {
        assert_eq!(wrap("lose zone hz-b and payment stops", 14), ["lose zone hz-b", "and payment", "stops"]);
        assert_eq!(
            wrap("see infra/very/long/path.tf:41 there", 10),
            ["see", "infra/very/long/path.tf:41", "there"]
        );
        assert_eq!(wrap("可用区失去后", 6), ["可用区", "失去后"]);
        assert_eq!(wrap("", 10), Vec::<String>::new());
    }

    #[test]
    fn a_cut_line_says_so() {
        assert_eq!(cut("abcdef", 4), "abc…");
        assert_eq!(cut("abc", 4), "abc");
    }
}
