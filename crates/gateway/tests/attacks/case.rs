//! The written form of a case.
//!
//! ```text
//! == its name
//! rfc: where it is written that the answer must be so
//! > what the client sends: a line each
//! ~ what the instance answers; 200 `ok` when it is left out
//! = the statuses that the client gets in their order, then whether its connection stays `open` or is `closed`
//! < what the instance must have seen; nothing at all when it is left out
//! + what the client must have seen; only statuses count when it is left out
//! ```
//!
//! `102*` among the statuses is any number of them. A line ends in CRLF; with a backslash at its end it ends nowhere. `\r`, `\n`, `\t`, `\0`, `\\` and `\xHH` are the
//! bytes that they say, `{9*text}` is the text nine times. `(close)` at the end of an answer closes the connection.
//! `< (forwarded) host` stands for the forwarded fields that the gateway adds (host `a` when none is named).

/// One attack, or one honest request that looks like one.
#[derive(Default)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) rfc: String,
    pub(crate) sent: Vec<u8>,
    pub(crate) answer: Option<Vec<u8>>,
    pub(crate) closes: bool,
    pub(crate) statuses: Vec<u16>,
    /// A status that may come any number of times.
    pub(crate) any: Option<u16>,
    pub(crate) open: bool,
    pub(crate) seen: Vec<u8>,
    pub(crate) heard: Option<Vec<u8>>,
}

/// Reads a file of cases.
pub(crate) fn read(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = vec![];
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix("== ") {
            cases.push(Case { name: name.to_owned(), ..Case::default() });
            continue;
        }
        let case = cases.last_mut().unwrap();
        if let Some(rfc) = line.strip_prefix("rfc: ") {
            case.rfc = rfc.to_owned();
            continue;
        }
        let (mark, rest) = line.split_at(1);
        let rest = rest.strip_prefix(' ').unwrap_or(rest);
        match mark {
            ">" => push(&mut case.sent, rest),
            "<" => match rest.strip_prefix("(forwarded)") {
                Some(host) => {
                    let host = if host.is_empty() { "a" } else { host.trim() };
                    push(&mut case.seen, "x-forwarded-for: 127.0.0.1");
                    push(&mut case.seen, "x-forwarded-proto: http");
                    push(&mut case.seen, &format!("x-forwarded-host: {host}"));
                }
                None => push(&mut case.seen, rest),
            },
            "~" => {
                let answer = case.answer.get_or_insert_default();
                match rest.strip_suffix("(close)\\") {
                    Some(rest) => {
                        push(answer, &format!("{rest}\\"));
                        case.closes = true;
                    }
                    None => push(answer, rest),
                }
            }
            "+" => push(case.heard.get_or_insert_default(), rest),
            "=" => outcome(case, rest),
            _ => panic!("a case has no line `{line}`"),
        }
    }
    for case in &cases {
        assert!(!case.rfc.is_empty(), "`{}` cites nothing", case.name);
    }
    cases
}

fn outcome(case: &mut Case, text: &str) {
    for word in text.split(' ') {
        match (word, word.strip_suffix('*')) {
            ("open", _) => case.open = true,
            ("closed", _) => case.open = false,
            (_, Some(status)) => case.any = Some(status.parse().unwrap()),
            (status, None) => case.statuses.push(status.parse().unwrap()),
        }
    }
}

fn push(bytes: &mut Vec<u8>, line: &str) {
    let (line, end) = match line.strip_suffix('\\') {
        Some(line) => (line, ""),
        None => (line, "\r\n"),
    };
    bytes.extend(unescaped(line.as_bytes()));
    bytes.extend(end.as_bytes());
}

fn unescaped(mut text: &[u8]) -> Vec<u8> {
    let mut bytes = vec![];
    while let Some((first, rest)) = text.split_first() {
        text = rest;
        match first {
            b'\\' => {
                let (kind, rest) = text.split_first().unwrap();
                text = rest;
                match kind {
                    b'r' => bytes.push(b'\r'),
                    b'n' => bytes.push(b'\n'),
                    b't' => bytes.push(b'\t'),
                    b'0' => bytes.push(0),
                    b'x' => {
                        let digits = std::str::from_utf8(&text[..2]).unwrap();
                        bytes.push(u8::from_str_radix(digits, 16).unwrap());
                        text = &text[2..];
                    }
                    other => bytes.push(*other),
                }
            }
            b'{' if text.first().is_some_and(u8::is_ascii_digit) => {
                let end = text.iter().position(|byte| *byte == b'}').unwrap();
                let star = text.iter().position(|byte| *byte == b'*').unwrap();
                let times: usize = std::str::from_utf8(&text[..star]).unwrap().parse().unwrap();
                bytes.extend(unescaped(&text[star + 1..end]).repeat(times));
                text = &text[end + 1..];
            }
            other => bytes.push(*other),
        }
    }
    bytes
}
