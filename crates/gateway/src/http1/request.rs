//! The head of a request, as it was written.
//!
//! The request line is read here to the letter (RFC 9112, section 3): one blank, the target, one blank, the version, CRLF.
//! Whether what the fields say is admissible is for the phase *admit*.

use super::fields::{BadFields, Fields, Header, Kind, kind};
use super::target::Target;
use crate::defaults::{HEADER_BYTES, HEADERS, TARGET_BYTES};

/// The longest method. A longer one than any that we know is not implemented (RFC 9112, section 3).
const METHOD_BYTES: usize = 32;

/// Room for the lines of one head, on the stack of who reads it.
pub(crate) type Room<'b> = [Header<'b>; HEADERS];

/// A request head, borrowed from the bytes that were received.
#[derive(Debug)]
pub(crate) struct Head<'h, 'b> {
    pub(crate) method: &'b str,
    pub(crate) target: Target<'b>,
    /// Whether it is HTTP/1.1; else it is HTTP/1.0.
    pub(crate) is_1_1: bool,
    pub(crate) fields: Fields<'h, 'b>,
    kinds: [Kind; HEADERS],
    /// How many bytes it takes.
    pub(crate) size: usize,
}

/// Why bytes are no request head that we take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadHead {
    Malformed,
    /// A version that is not ours.
    Version,
    /// A method that we do not implement.
    Method,
    TargetTooLong,
    TooLarge,
}

impl<'h, 'b> Head<'h, 'b> {
    /// Reads a head from the beginning of `bytes`; none when it is not whole yet.
    pub(crate) fn read(bytes: &'b [u8], room: &'h mut Room<'b>) -> Result<Option<Self>, BadHead> {
        // One empty line before a request is passed over (RFC 9112, section 2.2).
        let skipped = if bytes.starts_with(b"\r\n") { 2 } else { 0 };
        let rest = bytes.get(skipped..).unwrap_or_default();
        let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
            return if rest.len() > TARGET_BYTES + 2 * METHOD_BYTES {
                Err(BadHead::TargetTooLong)
            } else {
                Ok(None)
            };
        };
        let (line, rest) = rest.split_at(end + 1);
        let line = Line::read(line)?;
        let whole = |size: usize| skipped + end + 1 + size;
        match Fields::read(rest, room) {
            Ok(Some(fields)) if whole(fields.size) <= HEADER_BYTES => {
                let mut kinds = [Kind::Other; HEADERS];
                for (slot, line) in kinds.iter_mut().zip(fields.iter()) {
                    *slot = kind(line.name);
                }
                let target = Target::read(line.target, line.method).ok_or(BadHead::Malformed)?;
                let size = whole(fields.size);
                Ok(Some(Self { method: line.method, target, is_1_1: line.is_1_1, fields, kinds, size }))
            }
            Ok(None) if bytes.len() < HEADER_BYTES => Ok(None),
            Ok(_) | Err(BadFields::TooMany) => Err(BadHead::TooLarge),
            Err(BadFields::Malformed) => Err(BadHead::Malformed),
        }
    }

    /// The lines in their order, each with what it means.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (Kind, &'h Header<'b>)> {
        self.kinds.iter().copied().zip(self.fields.iter())
    }

    /// The values of one kind of field.
    pub(crate) fn values(&self, wanted: Kind) -> impl Iterator<Item = &'b [u8]> {
        self.lines().filter(move |(kind, _)| *kind == wanted).map(|(_, line)| line.value)
    }
}

struct Line<'b> {
    method: &'b str,
    target: &'b str,
    is_1_1: bool,
}

impl<'b> Line<'b> {
    fn read(line: &'b [u8]) -> Result<Self, BadHead> {
        let line = line.strip_suffix(b"\r\n").ok_or(BadHead::Malformed)?;
        let line = std::str::from_utf8(line).map_err(|_| BadHead::Malformed)?;
        let (method, rest) = line.split_once(' ').ok_or(BadHead::Malformed)?;
        if !super::fields::is_token(method.as_bytes()) {
            return Err(BadHead::Malformed);
        }
        if rest.len() > TARGET_BYTES + " HTTP/1.1".len() {
            return Err(BadHead::TargetTooLong);
        }
        let (target, version) = rest.split_once(' ').ok_or(BadHead::Malformed)?;
        let is_1_1 = match version.strip_prefix("HTTP/").map(str::as_bytes) {
            Some(b"1.0") => false,
            // A later minor version is read as the latest that we know (RFC 9110, section 2.5).
            Some([b'1', b'.', b'1'..=b'9']) => true,
            Some([major, b'.', minor]) if major.is_ascii_digit() && minor.is_ascii_digit() => {
                return Err(BadHead::Version);
            }
            _ => return Err(BadHead::Malformed),
        };
        if method.len() > METHOD_BYTES || method == "CONNECT" {
            return Err(BadHead::Method);
        }
        Ok(Self { method, target, is_1_1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(bytes: &[u8]) -> Result<Option<(String, String, usize)>, BadHead> {
        let mut room = [httparse::EMPTY_HEADER; HEADERS];
        let head = Head::read(bytes, &mut room)?;
        Ok(head.map(|head| (head.method.to_owned(), head.target.path_and_query.into_owned(), head.size)))
    }

    const WHOLE: &[u8] = b"GET /x?y HTTP/1.1\r\nHost: a\r\nX-Long:  value \r\nempty:\r\n\r\n";

    #[test]
    fn a_head_is_read_when_its_last_byte_is_here_and_not_before() {
        let whole = Ok(Some(("GET".to_owned(), "/x?y".to_owned(), WHOLE.len())));
        for cut in 0..WHOLE.len() {
            assert_eq!(read(&WHOLE[..cut]), Ok(None), "{}", WHOLE[..cut].escape_ascii());
        }
        assert_eq!(read(WHOLE), whole);
        assert_eq!(read(&[WHOLE, b"GET /next"].concat()), whole);
    }

    proptest! {
        #[test]
        fn a_head_with_one_byte_changed_is_refused_or_is_as_long_as_it_was(at in 0..WHOLE.len(), byte: u8) {
            let mut bytes = WHOLE.to_vec();
            bytes[at] = byte;
            if let Ok(Some((_, _, size))) = read(&bytes) {
                prop_assert_eq!(size, WHOLE.len());
                // No reader that takes a bare LF or CR for a line's end sees more lines than we.
                let ends = bytes.iter().filter(|byte| **byte == b'\n').count();
                prop_assert_eq!(ends, 5);
                prop_assert_eq!(bytes.iter().filter(|byte| **byte == b'\r').count(), 5);
            }
        }

        #[test]
        fn nothing_makes_it_fall_over(bytes in prop::collection::vec(prop::sample::select(
            &b"GET / HTP1.0\r\n:axhost,\0\x80\t"[..]), 0..80)) {
            let _ = read(&bytes);
        }
    }
}
