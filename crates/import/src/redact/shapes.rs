//! What looks like a secret by itself, whatever the key in front of it.
//!
//! Tokens of well-known makers begin with signs of their own (GitHub's and Slack's are in their documentation on token formats, AWS's
//! in that on IAM identifiers); user and password stand before the `@` of an address (RFC 3986, 3.2.1); and what is long and
//! random enough was made by a machine to be kept.

use std::ops::Range;

/// Beginnings of tokens, and how many signs have to follow before it is one.
const BEGINNINGS: &[(&str, usize)] = &[
    ("AKIA", 12),
    ("ASIA", 12),
    ("LTAI", 8),
    ("STS.", 12),
    ("ghp_", 16),
    ("gho_", 16),
    ("ghu_", 16),
    ("ghs_", 16),
    ("ghr_", 16),
    ("github_pat_", 16),
    ("glpat-", 12),
    ("xoxb-", 8),
    ("xoxp-", 8),
    ("xoxa-", 8),
    ("xoxr-", 8),
    ("xapp-", 8),
    ("sk_live_", 8),
    ("sk_test_", 8),
    ("rk_live_", 8),
    ("sk-", 20),
    ("AIza", 24),
    ("ya29.", 12),
    ("hvs.", 12),
    ("npm_", 20),
    ("dop_v1_", 16),
    ("dckr_pat_", 12),
    ("pypi-", 20),
    ("SG.", 16),
    ("key-", 24),
    ("$2a$", 16),
    ("$2b$", 16),
    ("$2y$", 16),
    ("$1$", 8),
    ("$5$", 8),
    ("$6$", 8),
    ("$y$", 8),
    ("$apr1$", 6),
    ("$argon2", 8),
    ("SCRAM-SHA-256$", 8),
    ("{SSHA}", 8),
    ("{SHA}", 8),
    ("md5", 32),
    ("services/T", 12),
];
/// Fewest signs of a long random string.
const LONG: usize = 32;

/// Where such things stand in a line, in bytes.
pub(super) fn spans(line: &str, found: &mut Vec<Range<usize>>) {
    armoured(line, found);
    if line.contains('@') {
        userinfo(line, found);
    }
    schemes(line, found);
    for (from, token) in tokens(line) {
        let of_known_kind = BEGINNINGS.iter().find_map(|(begin, least)| {
            let at = token.find(begin)?;
            let fresh =
                token.get(..at).is_some_and(|before| !before.ends_with(|c: char| c.is_ascii_alphanumeric()));
            (fresh && token.len() >= at + begin.len() + least).then_some(at)
        });
        match of_known_kind {
            Some(at) => found.push(from + at..from + token.len()),
            None if is_web_token(token) => found.push(from..from + token.len()),
            None => random(line, from, token, found),
        }
    }
}

/// From `-----BEGIN` to `-----END …-----`, or to the end of the line.
fn armoured(line: &str, found: &mut Vec<Range<usize>>) {
    let mut at = 0;
    while let Some(begin) = line.get(at..).and_then(|rest| rest.find("-----BEGIN")) {
        let from = at + begin;
        let rest = line.get(from..).unwrap_or_default();
        let end = rest.find("-----END").and_then(|end| {
            let after = rest.get(end + 8..)?.find("-----")?;
            Some(from + end + 8 + after + 5)
        });
        let to = end.unwrap_or(line.len());
        found.push(from..to);
        at = to;
    }
    if let Some(end) = line.find("-----END")
        && !found.iter().any(|span| span.contains(&end))
    {
        let after = line.get(end + 8..).and_then(|rest| rest.find("-----"));
        found.push(0..after.map_or(line.len(), |after| end + 8 + after + 5));
    }
}

/// `user:password@` in addresses with and without a scheme.
fn userinfo(line: &str, found: &mut Vec<Range<usize>>) {
    let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>' | '|');
    let mut at = 0;
    for word in line.split(ends) {
        let from = at;
        at += word.len()
            + line.get(at + word.len()..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
        let Some(last) = word.rfind('@') else { continue };
        if word
            .get(last + 1..)
            .is_some_and(|after| after.starts_with("sha256:") || after.starts_with("sha512:"))
        {
            continue;
        }
        let begin = word.find("://").map_or_else(
            // Without a scheme what stands before is cut at the last sign that opens a value.
            || word.get(..last).and_then(|user| user.rfind(['=', '(', '[', ','])).map_or(0, |sign| sign + 1),
            |scheme| scheme + 3,
        );
        let Some(user) = word.get(begin..last) else { continue };
        let scheme = begin >= 3 && word.get(begin - 3..begin) == Some("://");
        let password =
            user.split_once(':').is_some_and(|(_, password)| !password.is_empty() && password != "//");
        if password || scheme && user.len() >= 16 {
            found.push(from + begin..from + last);
        }
    }
}

/// What follows `Bearer` and `Basic`, and HAProxy's `stats auth`.
fn schemes(line: &str, found: &mut Vec<Range<usize>>) {
    for scheme in ["Bearer ", "bearer ", "Basic ", "Token ", "stats auth "] {
        for (at, _) in line.match_indices(scheme) {
            let from = at + scheme.len();
            let rest = line.get(from..).unwrap_or_default();
            let length = rest
                .find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '\\'))
                .unwrap_or(rest.len());
            let word = rest.get(..length).unwrap_or_default();
            let plain = word.chars().all(|c| c.is_ascii_lowercase());
            if length >= 6 && !plain && !word.starts_with(['$', '{']) {
                found.push(from..from + length);
            }
        }
    }
}

/// Runs of signs of which tokens are made, with where each begins.
fn tokens(line: &str) -> impl Iterator<Item = (usize, &str)> {
    let ends = |c: char| {
        !(c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=' | '_' | '-' | '.' | '$' | '{' | '}'))
    };
    let mut at = 0;
    line.split(ends).filter_map(move |token| {
        let from = at;
        at += token.len()
            + line.get(at + token.len()..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
        (token.len() >= 8).then_some((from, token))
    })
}

/// A JSON Web Token (RFC 7519): three parts in base64url, of which the first two begin as JSON objects do.
fn is_web_token(token: &str) -> bool {
    token.contains("eyJ") && token.split('.').filter(|part| part.len() >= 8).count() >= 2
}

/// Long random strings in a token, which may be several between signs that random strings do not have.
fn random(line: &str, from: usize, token: &str, found: &mut Vec<Range<usize>>) {
    let mut at = from;
    for part in token.split(['.', '$', '{', '}']) {
        let here = at;
        at += part.len() + 1;
        if part.len() < LONG {
            continue;
        }
        let (mut from, mut word) = (here, part);
        // `KEY=value` without blanks is one run of signs.
        if let Some(sign) = word.find('=').filter(|sign| sign + LONG < word.len()) {
            (from, word) = (from + sign + 1, word.get(sign + 1..).unwrap_or_default());
        }
        let digest = line.get(..from).is_some_and(|before| {
            ["sha256:", "sha512:", "sha1:", "md5:", "sha256-", "sha384-", "sha512-"]
                .iter()
                .any(|mark| before.ends_with(mark))
        });
        if !digest && (is_hex_key(word) || is_base64(word)) {
            found.push(from..from + word.len());
        }
    }
}

fn is_hex_key(word: &str) -> bool {
    word.len() >= LONG
        && word.bytes().all(|b| b.is_ascii_hexdigit())
        && mixed(word)
        && word.bytes().any(|b| b.is_ascii_alphabetic())
}

fn is_base64(word: &str) -> bool {
    let trimmed = word.trim_end_matches('=');
    let has = |class: fn(&u8) -> bool| trimmed.bytes().any(|b| class(&b));
    let speaks = |part: &str| part.len() >= 3 && part.bytes().all(|b| b.is_ascii_lowercase());
    let path =
        trimmed.starts_with('/') || trimmed.contains("//") || trimmed.split(['/', '-', '_']).any(speaks);
    trimmed.len() >= LONG
        && !path
        && has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_lowercase)
        && (has(u8::is_ascii_digit) && mixed(trimmed) || trimmed.len() >= 2 * LONG)
        && entropy(trimmed) >= 3.8
}

/// Digits stand at several spots, as they do in what is random and seldom in a name.
fn mixed(word: &str) -> bool {
    let digits: Vec<bool> = word.bytes().map(|b| b.is_ascii_digit()).collect();
    let runs = digits.windows(2).filter(|pair| matches!(pair, [false, true])).count();
    runs + usize::from(digits.first() == Some(&true)) >= 3
}

/// Bits for each sign (Shannon).
fn entropy(word: &str) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in word.bytes() {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count += 1;
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "a line has far fewer than 2^52 signs")]
    let all = word.len() as f64;
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| f64::from(*count) / all)
        .map(|share| -share * share.log2())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(line: &str) -> bool {
        let mut found = Vec::new();
        spans(line, &mut found);
        !found.is_empty()
    }

    #[test]
    fn what_looks_like_a_secret_is_found_by_its_shape() {
        for line in [
            "AKIAIOSFODNN7EXAMPLE",
            "id: LTAI5tFakeFakeFakeFake1",
            "postgres://app:hunter2@db:5432/shop",
            "amqp://guest:guest@mq",
            "app:hunter2@tcp(db:3306)/shop",
            "dsn=app:hunter2@tcp(db:3306)/shop",
            "https://0123456789abcdef0123@sentry.example.com/1",
            "-----BEGIN RSA PRIVATE KEY-----",
            "curl -H 'Authorization: Bearer abc.DEF-123'",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sig-nature",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY1a2",
            "9f86d081884c7d659a2feaa0c55ad015",
            "user:$6$saltsalt$hashhashhashhash",
            "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXX",
            "ghp_0123456789abcdefghijABCDEFGHIJ",
        ] {
            assert!(hidden(line), "{line}");
        }
    }

    #[test]
    fn ids_names_and_addresses_are_left_readable() {
        for line in [
            "availability_zone = \"cn-hangzhou-h\"",
            "subnet-0bb1c79de3a1b2c3d",
            "vpc_id = \"vpc-bp1s5fnvk4gn2tws03624\"",
            "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/my-lb/50dc6c495c0c9188",
            "image: nginx:1.25@sha256:9f86d081884c7d659a2feaa0c55ad0159f86d081884c7d659a2feaa0c55ad015",
            "git@github.com:acme/shop.git",
            "http://orders.shop.svc.cluster.local:8080/healthz",
            "source = \"git::https://github.com/acme/modules.git//vpc?ref=v1.2.0\"",
            "resource \"alicloud_route_table_attachment\" \"production_checkout_service_zone_h\" {",
            "server app1 10.0.0.1:8080 check inter 3s fall 3 rise 2",
            "owner: ops@example.com",
            "/opt/Confluent2/Kafka3/Broker4/data5/topics-and-partitions",
        ] {
            assert!(!hidden(line), "{line}");
        }
    }
}
