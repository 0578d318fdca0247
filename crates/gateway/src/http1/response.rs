//! The head of an instance's response: read strictly, and written anew for the client.
//!
//! What cannot be read in one way only is malformed, and is never passed on: a client, or a cache between, might read the
//! other way (RFC 9112, sections 5.2, 6.1 and 6.3; RFC 9110, section 15).

use std::ops::Range;

use super::body::{Left, Onward};
use super::fields::{Fields, Header, Kind, Options, elements, is_named, kind};
use crate::changes::FieldEdits;

/// The most lines that an instance may send.
pub(crate) const LINES: usize = 128;

/// Room for the lines of one head, on the stack of who reads it.
pub(crate) type Room<'b> = [Header<'b>; LINES];

/// Why bytes are no response head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadResponse;

/// A response head, borrowed from the bytes that were received.
#[derive(Debug)]
pub(crate) struct Head<'h, 'b> {
    pub(crate) status: u16,
    is_1_1: bool,
    /// Blank and reason, as they were written.
    reason: &'b [u8],
    fields: Fields<'h, 'b>,
    options: Options,
    length: Option<u64>,
    chunked: bool,
    dated: bool,
    /// How many bytes it takes.
    pub(crate) size: usize,
}

/// What the client asked for, as far as it shapes the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wants {
    pub(crate) is_1_1: bool,
    /// An answer to HEAD has no body.
    pub(crate) head_only: bool,
    /// The connection may be used again.
    pub(crate) persists: bool,
    /// The client offers to switch to another protocol.
    pub(crate) upgrade: bool,
}

/// How the body of a response comes and goes on.
#[derive(Debug)]
pub(crate) struct Framing {
    pub(crate) left: Left,
    pub(crate) onward: Onward,
    /// The client can tell where the body ends without the connection's end.
    pub(crate) delimited: bool,
}

impl<'h, 'b> Head<'h, 'b> {
    /// Reads a head from the beginning of `bytes`; none when it is not whole yet.
    pub(crate) fn read(bytes: &'b [u8], room: &'h mut Room<'b>) -> Result<Option<Self>, BadResponse> {
        let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else { return Ok(None) };
        let (line, rest) = bytes.split_at(end + 1);
        let (status, is_1_1, reason) = status_line(line).ok_or(BadResponse)?;
        let Some(fields) = Fields::read(rest, room).map_err(|_| BadResponse)? else { return Ok(None) };
        let size = end + 1 + fields.size;
        let options = Options::default();
        let mut head = Self {
            status,
            is_1_1,
            reason,
            fields,
            options,
            length: None,
            chunked: false,
            dated: false,
            size,
        };
        head.understand().ok_or(BadResponse)?;
        Ok(Some(head))
    }

    /// Takes in what the fields say about how the message is carried.
    fn understand(&mut self) -> Option<()> {
        for line in self.fields.iter() {
            match kind(line.name) {
                Kind::ContentLength if self.length.is_none() => self.length = Some(length(line.value)?),
                Kind::ContentLength => return None,
                // Another coding than chunked could not be undone for the next hop; chunked is not applied twice.
                Kind::TransferEncoding => {
                    let mut codings = elements(line.value);
                    let chunked =
                        codings.next().is_some_and(|coding| coding.eq_ignore_ascii_case(b"chunked"));
                    if self.chunked || !self.is_1_1 || !chunked || codings.next().is_some() {
                        return None;
                    }
                    self.chunked = true;
                }
                Kind::Connection if !self.options.read(line.value) => return None,
                Kind::Date => self.dated = true,
                _ => {}
            }
        }
        (!self.chunked || self.length.is_none()).then_some(())
    }

    /// Whether another response follows this one.
    pub(crate) const fn is_interim(&self) -> bool {
        matches!(self.status, 100 | 102..=199)
    }

    /// Whether the instance's connection may carry another request.
    pub(crate) fn persists(&self) -> bool {
        // Who states a body where none may be will send one, and it would be taken for the next response.
        let has_none = self.status != 204 || !(self.chunked || self.length.is_some_and(|length| length > 0));
        has_none && !self.options.close && (self.is_1_1 || self.options.keep_alive)
    }

    /// How the body comes and goes on (RFC 9112, section 6.3).
    pub(crate) fn framing(&self, wants: Wants) -> Framing {
        let framing = |left, onward, delimited| Framing { left, onward, delimited };
        if wants.head_only || matches!(self.status, 100..=199 | 204 | 304) {
            return framing(Left::NOTHING, Onward::Plain, true);
        }
        let anew = if wants.is_1_1 { Onward::Chunked } else { Onward::Plain };
        match self.length {
            _ if self.chunked => framing(Left::chunked(), anew, wants.is_1_1),
            Some(length) => framing(Left::Length(length), Onward::Plain, true),
            None => framing(Left::UntilClose, anew, wants.is_1_1),
        }
    }

    /// Writes the head for the client, with what the route changes.
    pub(crate) fn write(
        &self,
        wants: Wants,
        onward: Onward,
        persists: bool,
        date: &str,
        edits: Option<&FieldEdits>,
        out: &mut Vec<u8>,
    ) {
        out.extend_from_slice(b"HTTP/1.1 ");
        out.extend_from_slice(self.reason);
        out.extend_from_slice(b"\r\n");
        let switches = self.status == 101;
        let mut run = 0..0;
        for (at, line) in self.fields.iter().enumerate() {
            let passes = match kind(line.name) {
                Kind::Connection | Kind::Hop | Kind::TransferEncoding => false,
                Kind::Upgrade => switches,
                Kind::Trailer => onward == Onward::Chunked,
                Kind::ContentLength => onward == Onward::Plain && !matches!(self.status, 100..=199 | 204),
                _ => {
                    !(self.options.fields && is_named(&self.fields, line.name))
                        && edits.is_none_or(|edits| !edits.drops(line.name))
                }
            };
            self.gather(at, passes, &mut run, out);
        }
        out.extend_from_slice(self.fields.written(run));
        if let Some(edits) = edits {
            out.extend_from_slice(&edits.lines);
        }
        let put =
            |parts: [&[u8]; 3], out: &mut Vec<u8>| parts.iter().for_each(|part| out.extend_from_slice(part));
        if onward == Onward::Chunked {
            out.extend_from_slice(b"transfer-encoding: chunked\r\n");
        }
        if !self.dated && !self.is_interim() && !switches {
            put([b"date: ", date.as_bytes(), b"\r\n"], out);
        }
        if switches {
            out.extend_from_slice(b"connection: upgrade\r\n");
        } else if !self.is_interim() && !persists {
            out.extend_from_slice(b"connection: close\r\n");
        } else if !self.is_interim() && !wants.is_1_1 {
            out.extend_from_slice(b"connection: keep-alive\r\n");
        }
        out.extend_from_slice(b"\r\n");
    }

    /// Lines that pass one after another are copied at once.
    fn gather(&self, at: usize, passes: bool, run: &mut Range<usize>, out: &mut Vec<u8>) {
        let line = self.fields.line(at);
        if passes && run.end == line.start {
            run.end = line.end;
            return;
        }
        out.extend_from_slice(self.fields.written(run.clone()));
        *run = if passes { line } else { line.end..line.end };
    }
}

/// Status, version, and what stands behind the version.
fn status_line(line: &[u8]) -> Option<(u16, bool, &[u8])> {
    let line = line.strip_suffix(b"\r\n")?;
    let is_1_1 = match line.get(..9)? {
        b"HTTP/1.0 " => false,
        b"HTTP/1.1 " => true,
        _ => return None,
    };
    let rest = line.get(9..)?;
    let (digits, reason) = rest.split_at_checked(3)?;
    let status: u16 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    let is_text = reason.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~' | 0x80..));
    let apart = reason.first().is_none_or(|first| *first == b' ');
    let good = digits.iter().all(u8::is_ascii_digit) && (100..600).contains(&status) && is_text && apart;
    good.then_some((status, is_1_1, rest))
}

/// A length as it is stated: digits and nothing else (RFC 9110, section 8.6).
pub(crate) fn length(value: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(value).ok()?;
    let good = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    if good { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WANTS: Wants = Wants { is_1_1: true, head_only: false, persists: true, upgrade: false };

    fn written(bytes: &[u8]) -> Result<Option<(Vec<u8>, usize)>, BadResponse> {
        let mut room = [httparse::EMPTY_HEADER; LINES];
        let head = Head::read(bytes, &mut room)?;
        Ok(head.map(|head| {
            let mut out = vec![];
            head.write(WANTS, head.framing(WANTS).onward, true, "D", None, &mut out);
            (out, head.size)
        }))
    }

    const WHOLE: &[u8] =
        b"HTTP/1.1 200 OK\r\nServer: x\r\nConnection: x-a\r\nx-a: 1\r\nx-b: 2\r\nContent-Length: 5\r\nx-c:3\r\n\r\n";

    #[test]
    fn lines_that_pass_are_passed_as_they_are() {
        let (out, size) = written(WHOLE).unwrap().unwrap();
        let expected =
            b"HTTP/1.1 200 OK\r\nServer: x\r\nx-b: 2\r\nContent-Length: 5\r\nx-c:3\r\ndate: D\r\n\r\n";
        assert_eq!(out.escape_ascii().to_string(), expected.escape_ascii().to_string());
        assert_eq!(size, WHOLE.len());
        for cut in 0..WHOLE.len() {
            assert_eq!(written(&WHOLE[..cut]), Ok(None), "{}", WHOLE[..cut].escape_ascii());
        }
    }

    #[test]
    fn who_states_a_body_where_none_may_be_is_asked_nothing_more() {
        let persists = |head: &str| {
            let mut room = [httparse::EMPTY_HEADER; LINES];
            Head::read(head.as_bytes(), &mut room).unwrap().unwrap().persists()
        };
        assert!(persists("HTTP/1.1 204 No Content\r\n\r\n"));
        assert!(persists("HTTP/1.1 304 Not Modified\r\ncontent-length: 4\r\n\r\n"));
        assert!(!persists("HTTP/1.1 204 No Content\r\ncontent-length: 4\r\n\r\n"));
        assert!(!persists("HTTP/1.1 204 No Content\r\ntransfer-encoding: chunked\r\n\r\n"));
    }

    proptest! {
        #[test]
        fn what_is_written_can_be_read_and_frames_the_same(at in 0..WHOLE.len(), byte: u8) {
            let mut bytes = WHOLE.to_vec();
            bytes[at] = byte;
            if let Ok(Some((out, size))) = written(&bytes) {
                prop_assert_eq!(size, bytes.len());
                let mut room = [httparse::EMPTY_HEADER; LINES];
                let again = Head::read(&out, &mut room).unwrap().unwrap();
                prop_assert_eq!(again.size, out.len());
                let mut room = [httparse::EMPTY_HEADER; LINES];
                let first = Head::read(&bytes, &mut room).unwrap().unwrap();
                prop_assert_eq!(again.status, first.status);
                if first.framing(WANTS).onward == Onward::Plain && first.status >= 200 && first.status != 204 {
                    prop_assert_eq!(again.length, first.length);
                }
            }
        }
    }
}
