//! Keys with their values on one line, in whatever language the line is written.
//!
//! `key: value`, `key = value`, `"key":"value"`, `--key=value`, `key => value`, and `key value` as HAProxy, keepalived, nginx and
//! Redis write it. The value of a secret key goes to its closing quote, or, where it stands bare, to the quote that is still
//! open around it, or else to the end of the line: better too much than a password with a blank in it.

use std::ops::Range;

use super::keys::{holds_named, is_secret, names_another};

/// A key and where its value stands.
pub(super) struct Pair<'l> {
    pub(super) key: &'l str,
    pub(super) value: Range<usize>,
    /// Where the key begins.
    pub(super) at: usize,
}

impl Pair<'_> {
    /// The value as it stands, without its quotes.
    pub(super) fn value<'t>(&self, line: &'t str) -> &'t str {
        line.get(self.value.clone()).unwrap_or_default()
    }
}

/// The values of secret keys on a line, each with its key.
pub(super) fn secret_values(line: &str) -> Vec<(Range<usize>, String)> {
    let pairs = pairs(line);
    let mut found: Vec<(Range<usize>, String)> = Vec::new();
    for (n, pair) in pairs.iter().enumerate() {
        if is_secret(pair.key) && is_literal(pair.value(line)) {
            found.push((pair.value.clone(), pair.key.to_owned()));
        }
        if names_another(pair.key) && is_secret(pair.value(line).trim()) {
            let near = pairs.iter().skip(n.saturating_sub(2)).take(6);
            let named = near.filter(|other| holds_named(other.key) && is_literal(other.value(line)));
            found.extend(named.map(|other| (other.value.clone(), pair.value(line).to_owned())));
        }
    }
    found
}

/// Whether a value is the thing itself, and not a reference to where it is kept, a switch, or nothing.
pub(super) fn is_literal(value: &str) -> bool {
    let value = value.trim().trim_end_matches([',', ';']).trim();
    let opens = matches!(value, "" | "|" | "|-" | "|+" | ">" | ">-" | ">+" | "\"\"" | "''");
    if opens || value.starts_with("<<") || value.chars().all(|c| "{}[]() ,".contains(c)) {
        return false;
    }
    if matches!(value.to_ascii_lowercase().as_str(), "true" | "false" | "null" | "none" | "~" | "nil") {
        return false;
    }
    let whole = |open: &str, close: &str| {
        value
            .strip_prefix(open)
            .and_then(|rest| rest.strip_suffix(close))
            .is_some_and(|inner| !inner.contains(close))
    };
    if whole("${", "}") {
        // `${NAME:-fallback}` carries its fallback in the open.
        return [":-", "-", ":="].iter().any(|sign| value.contains(sign)) && value.contains(":-");
    }
    if whole("{{", "}}")
        || value.starts_with("!Ref")
        || value.starts_with("!GetAtt")
        || value.starts_with("!Sub ${")
    {
        return value.contains('"') && value.contains("default");
    }
    if value
        .strip_prefix('$')
        .is_some_and(|name| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'))
    {
        return false;
    }
    !is_reference(value)
}

/// `var.x`, `data.vault.y["z"]`, `random_password.db.result`, `sensitive(var.x)`, an ARN.
fn is_reference(value: &str) -> bool {
    if value.starts_with("arn:") || value.starts_with("/run/secrets/") {
        return true;
    }
    let bare = value.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-[]*()\", ".contains(&b));
    let rooted = [
        "var.",
        "local.",
        "data.",
        "module.",
        "each.",
        "self.",
        "count.",
        "path.",
        "valueFrom",
        "secretKeyRef",
    ];
    let called = value.split_once('(').is_some_and(|(name, rest)| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') && !rest.contains('"')
    });
    let inner = value.split_once('(').map_or(value, |(_, inner)| inner);
    let resource = inner.split_once('.').is_some_and(|(kind, rest)| {
        kind.contains('_')
            && kind.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
            && rest.contains('.')
            && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-[]*()\"".contains(&b))
    });
    bare && (rooted.iter().any(|root| inner.starts_with(root)) || resource || called)
}

/// Every key with a value.
pub(super) fn pairs(line: &str) -> Vec<Pair<'_>> {
    let mut found = Vec::new();
    let mut quote: Option<u8> = None;
    let bytes = line.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' if matches!(bytes.get(at + 1), Some(b'"' | b'\'')) && quote.is_some() => at += 2,
            b'"' | b'\'' | b'`' => {
                let after_word = at
                    .checked_sub(1)
                    .and_then(|before| bytes.get(before))
                    .is_some_and(u8::is_ascii_alphanumeric);
                match quote {
                    Some(open) if open == byte => quote = None,
                    None if byte == b'"' || !after_word => quote = Some(byte),
                    _ => {}
                }
                at += 1;
            }
            _ if is_key_byte(byte) => {
                let length =
                    bytes.get(at..).unwrap_or_default().iter().take_while(|byte| is_key_byte(**byte)).count();
                let key = line.get(at..at + length).unwrap_or_default();
                if let Some(value) = value_after(line, at + length, quote, key) {
                    found.push(Pair { key: key.trim_start_matches('-'), value, at });
                }
                at += length;
            }
            _ => at += 1,
        }
    }
    found
}

fn is_key_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.') || byte >= 0x80
}

/// The value of a key that ends there; none when no value follows.
fn value_after(line: &str, end: usize, quote: Option<u8>, key: &str) -> Option<Range<usize>> {
    let bytes = line.as_bytes();
    let mut at = end;
    let mut quote = quote;
    // The key's own closing quote, also when it is a quote inside a quoted text.
    if bytes.get(at) == Some(&b'\\') && matches!(bytes.get(at + 1), Some(b'"' | b'\'')) {
        at += 2;
    } else if matches!(bytes.get(at), Some(b'"' | b'\''))
        && (quote.is_none() || bytes.get(at).copied() == quote)
    {
        at += 1;
        quote = None;
    }
    if bytes.get(at) == Some(&b']') {
        at += 1;
    }
    let blanks = |at: usize| {
        bytes.get(at..).unwrap_or_default().iter().take_while(|b| matches!(b, b' ' | b'\t')).count()
    };
    let blank = blanks(at);
    at += blank;
    let separator = match bytes.get(at..).unwrap_or_default() {
        [b'=', b'>', ..] | [b':', b'=', ..] | [b'=', b'=', ..] => 2,
        [b':' | b'=', ..] => 1,
        // The next word of a list of arguments.
        [b',', ..] if key.starts_with('-') && is_secret(key) => 1,
        // A directive: only keys that are secret are read so, or every word would be a key.
        _ if blank > 0 && is_secret(key) => 0,
        _ => return None,
    };
    at += separator;
    at += blanks(at);
    let rest = bytes.get(at..).unwrap_or_default();
    if rest.is_empty() {
        return None;
    }
    match rest {
        [b'\\', open @ (b'"' | b'\''), ..] => {
            let close = line.get(at + 2..)?.find(&format!("\\{}", char::from(*open)));
            Some(at + 2..close.map_or(line.len(), |close| at + 2 + close))
        }
        [open @ (b'"' | b'\'' | b'`'), ..] if quote != Some(*open) => {
            Some(at + 1..closing(bytes, at + 1, *open))
        }
        _ => {
            let open = quote.map(|open| closing(bytes, at, open));
            let to = open.unwrap_or(line.len());
            let trimmed = line.get(at..to).unwrap_or_default().trim_end().len();
            Some(at..at + trimmed)
        }
    }
}

/// Where the quote ends that was opened before `from`; the end of the line when it does not.
fn closing(bytes: &[u8], from: usize, open: u8) -> usize {
    let mut at = from;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' if open != b'\'' => at += 2,
            byte if byte == open => return at,
            _ => at += 1,
        }
    }
    bytes.len()
}
