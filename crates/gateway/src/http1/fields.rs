//! Field lines: the part that heads and trailers have in common.
//!
//! A line is `name: value` and ends in CRLF, nothing else: no folding, no blank before the colon, no bare LF, no stray CR
//! (RFC 9112, sections 2.2, 5.1 and 5.2). `httparse` checks names and values; the ends of lines are checked here.

use std::ops::Range;

pub(crate) use httparse::Header;

/// Bytes that are no field lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadFields {
    /// They are malformed.
    Malformed,
    /// There are more lines than there is room for.
    TooMany,
}

/// What a field means to us. All others are passed as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Host,
    ContentLength,
    TransferEncoding,
    Connection,
    /// Of one connection, and of no use to us.
    Hop,
    Trailer,
    Upgrade,
    Expect,
    MaxForwards,
    Date,
    Forwarded,
    ForwardedFor,
    ForwardedProto,
    ForwardedHost,
    ClientCert,
    Other,
}

/// Field lines up to and including the empty line.
#[derive(Debug)]
pub(crate) struct Fields<'h, 'b> {
    bytes: &'b [u8],
    lines: &'h [Header<'b>],
    /// How long they are, the empty line included.
    pub(crate) size: usize,
}

impl<'h, 'b> Fields<'h, 'b> {
    /// Reads them from the beginning of `bytes`; none when the empty line has not come yet.
    pub(crate) fn read(bytes: &'b [u8], room: &'h mut [Header<'b>]) -> Result<Option<Self>, BadFields> {
        match httparse::parse_headers(bytes, room) {
            Ok(httparse::Status::Partial) => Ok(None),
            Ok(httparse::Status::Complete((size, lines))) => {
                let fields = Self { bytes, lines, size };
                if fields.is_strict() { Ok(Some(fields)) } else { Err(BadFields::Malformed) }
            }
            Err(httparse::Error::TooManyHeaders) => Err(BadFields::TooMany),
            Err(_) => Err(BadFields::Malformed),
        }
    }

    /// The lines in their order.
    pub(crate) fn iter(&self) -> std::slice::Iter<'h, Header<'b>> {
        self.lines.iter()
    }

    /// Where line number `at` stands in the bytes, its end included.
    pub(crate) fn line(&self, at: usize) -> Range<usize> {
        let start = |at: usize| self.lines.get(at).map(|line| self.offset(line.name.as_bytes()));
        let empty = self.size.saturating_sub(2);
        start(at).unwrap_or(empty)..start(at + 1).unwrap_or(empty)
    }

    /// Lines as they were written.
    pub(crate) fn written(&self, range: Range<usize>) -> &'b [u8] {
        self.bytes.get(range).unwrap_or_default()
    }

    /// Every line begins where the one before ended, and ends in blanks and CRLF.
    fn is_strict(&self) -> bool {
        let mut at = 0;
        for line in self.lines {
            let value_end = self.offset(line.value) + line.value.len();
            let rest = self.bytes.get(value_end..).unwrap_or_default();
            let blanks = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
            let ends = rest.get(blanks..).is_some_and(|rest| rest.starts_with(b"\r\n"));
            if self.offset(line.name.as_bytes()) != at || !ends {
                return false;
            }
            at = value_end + blanks + 2;
        }
        at + 2 == self.size && self.bytes.get(at..self.size) == Some(b"\r\n")
    }

    /// Where a slice of the bytes begins in them.
    fn offset(&self, part: &[u8]) -> usize {
        part.as_ptr().addr().wrapping_sub(self.bytes.as_ptr().addr())
    }
}

/// What a name means.
pub(crate) fn kind(name: &str) -> Kind {
    let is = |known: &str| name.eq_ignore_ascii_case(known);
    match name.len() {
        2 if is("te") => Kind::Hop,
        4 if is("host") => Kind::Host,
        4 if is("date") => Kind::Date,
        6 if is("expect") => Kind::Expect,
        7 if is("upgrade") => Kind::Upgrade,
        7 if is("trailer") => Kind::Trailer,
        9 if is("forwarded") => Kind::Forwarded,
        10 if is("connection") => Kind::Connection,
        10 if is("keep-alive") => Kind::Hop,
        11 | 17 if is("client-cert") || is("client-cert-chain") => Kind::ClientCert,
        12 if is("max-forwards") => Kind::MaxForwards,
        14 if is("content-length") => Kind::ContentLength,
        15 if is("x-forwarded-for") => Kind::ForwardedFor,
        // Goes with an upgrade to HTTP/2, which is not passed on.
        14 if is("http2-settings") => Kind::Hop,
        16 if is("proxy-connection") => Kind::Hop,
        16 if is("x-forwarded-host") => Kind::ForwardedHost,
        17 if is("transfer-encoding") => Kind::TransferEncoding,
        17 if is("x-forwarded-proto") => Kind::ForwardedProto,
        _ => Kind::Other,
    }
}

/// The elements of a list, empty ones passed over (RFC 9110, section 5.6.1).
pub(crate) fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).filter(|element| !element.is_empty())
}

/// Whether it is a token (RFC 9110, section 5.6.2).
pub(crate) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty()
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
}

/// What the `Connection` fields of a message name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) close: bool,
    pub(crate) keep_alive: bool,
    pub(crate) upgrade: bool,
    /// Fields that end here.
    pub(crate) fields: bool,
}

impl Options {
    /// Takes in one `Connection` field; false when it is no list of tokens.
    pub(crate) fn read(&mut self, value: &[u8]) -> bool {
        for option in elements(value) {
            match option {
                _ if option.eq_ignore_ascii_case(b"close") => self.close = true,
                _ if option.eq_ignore_ascii_case(b"keep-alive") => self.keep_alive = true,
                _ if option.eq_ignore_ascii_case(b"upgrade") => self.upgrade = true,
                _ if is_token(option) => self.fields = true,
                _ => return false,
            }
        }
        true
    }
}

/// Whether a `Connection` field among these names `name`.
pub(crate) fn is_named(fields: &Fields<'_, '_>, name: &str) -> bool {
    let connections = fields.iter().filter(|line| kind(line.name) == Kind::Connection);
    connections
        .flat_map(|line| elements(line.value))
        .any(|option| option.eq_ignore_ascii_case(name.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::test_runner::{Config, TestRunner};

    type Lines = Vec<(String, Vec<u8>)>;

    fn read(bytes: &[u8]) -> Result<Option<Lines>, BadFields> {
        let mut room = [httparse::EMPTY_HEADER; 4];
        let fields = Fields::read(bytes, &mut room)?;
        Ok(fields.map(|fields| {
            assert!(bytes[..fields.size].ends_with(b"\r\n"));
            fields.iter().map(|line| (line.name.to_owned(), line.value.to_vec())).collect()
        }))
    }

    #[test]
    fn lines_end_in_crlf_and_nothing_else() {
        assert_eq!(read(b"\r\n"), Ok(Some(vec![])));
        assert_eq!(read(b"a:\r\nb: c \t\r\n\r\n").unwrap().unwrap().len(), 2);
        assert_eq!(read(b"a: b\r\n"), Ok(None));
        for bad in [
            &b"a: b\n\r\n"[..],
            b"a: b\r\n\n",
            b"a: b\r\r\n\r\n",
            b"\n",
            b"a: b\r\n c\r\n\r\n",
            b"a : b\r\n\r\n",
        ] {
            assert_eq!(read(bad), Err(BadFields::Malformed), "{}", bad.escape_ascii());
        }
        assert_eq!(read(b"a:1\r\nb:1\r\nc:1\r\nd:1\r\ne:1\r\n\r\n"), Err(BadFields::TooMany));
    }

    /// Bytes that are nearly field lines.
    fn fieldish() -> impl Strategy<Value = Vec<u8>> {
        let word = prop::sample::select(vec![
            "a", "b", "a:", "b: ", "a: b", "a: b\r\n", "a:\r\n", ":", ",", " ", "\t", "\u{e9}", "\0", "\x0b",
            "\x7f", "\r", "\n", "\r\n", "\r\n", "\r\n", "\r\n\r\n",
        ]);
        prop::collection::vec(word, 0..10).prop_map(|words| words.concat().into_bytes())
    }

    #[test]
    fn what_is_accepted_can_be_read_in_one_way_only() {
        // Nearly all that is made up at random is refused, and would say nothing.
        let accepted = std::cell::Cell::new(0);
        let mut runner = TestRunner::new(Config { cases: 4096, ..Config::default() });
        runner
            .run(&fieldish(), |bytes| {
                let mut room = [httparse::EMPTY_HEADER; 4];
                let Ok(Some(fields)) = Fields::read(&bytes, &mut room) else { return Ok(()) };
                let (whole, behind) = bytes.split_at(fields.size);
                accepted.set(accepted.get() + usize::from(fields.iter().len() > 0));
                // A reader that splits at CRLF and at the first colon sees the same lines and the same end.
                let lines = split(&bytes);
                prop_assert_eq!(lines.concat().len() + 2 * lines.len() + 2, whole.len());
                prop_assert_eq!(lines.len(), fields.iter().len());
                for (at, (line, field)) in lines.iter().zip(fields.iter()).enumerate() {
                    let colon = line.iter().position(|byte| *byte == b':').unwrap();
                    prop_assert_eq!(&line[..colon], field.name.as_bytes());
                    prop_assert!(is_token(field.name.as_bytes()));
                    prop_assert_eq!(blankless(&line[colon + 1..]), field.value);
                    prop_assert!(line.iter().all(|byte| *byte == b'\t' || !byte.is_ascii_control()));
                    prop_assert_eq!(fields.written(fields.line(at)), [*line, &b"\r\n"[..]].concat());
                }
                // One that takes a bare LF or a bare CR for an end of a line sees no more of them.
                for end in [b'\r', b'\n'] {
                    prop_assert_eq!(whole.iter().filter(|byte| **byte == end).count(), lines.len() + 1);
                }
                // What follows changes nothing, and nothing is accepted before its last byte is here.
                let mut room = [httparse::EMPTY_HEADER; 4];
                let alone = Fields::read(whole, &mut room);
                prop_assert_eq!(alone.map(|fields| fields.map(|fields| fields.size)), Ok(Some(whole.len())));
                let mut room = [httparse::EMPTY_HEADER; 4];
                let cut = Fields::read(&whole[..whole.len() - 1], &mut room);
                prop_assert!(cut.is_ok_and(|fields| fields.is_none()), "before {}", behind.escape_ascii());
                Ok(())
            })
            .unwrap();
        assert!(accepted.get() > 100, "only {} were accepted", accepted.get());
    }

    fn blankless(mut value: &[u8]) -> &[u8] {
        while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
            value = rest;
        }
        value
    }

    fn split(mut bytes: &[u8]) -> Vec<&[u8]> {
        let mut lines = vec![];
        while let Some(end) = bytes.windows(2).position(|two| two == b"\r\n") {
            if end == 0 {
                break;
            }
            lines.push(&bytes[..end]);
            bytes = &bytes[end + 2..];
        }
        lines
    }
}
