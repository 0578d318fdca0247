//! The chunked coding, read byte by byte and strictly (RFC 9112, section 7.1).
//!
//! | state | what comes |
//! |---|---|
//! | `Size` | hexadecimal digits |
//! | `Extension` | up to CRLF; read over, they belong to one connection |
//! | `SizeEnd` | the LF of the size's line |
//! | `Data` | as many bytes as the size said |
//! | `DataCr`, `DataLf` | CRLF |
//! | `Trailers` | field lines up to an empty one |
//! | `Over` | nothing that is ours |

use super::fields::{Fields, Kind, kind};

/// The longest extension of one chunk. Signatures of chunks, the one use seen, take less than a hundred bytes.
const EXTENSION: usize = 1024;

/// The most that the extensions of one message may add up to.
const EXTENSIONS: usize = 256 * 1024;

/// The longest trailer section, and the most lines in it.
const TRAILERS: usize = 8 * 1024;
const TRAILER_LINES: usize = 32;

/// Bytes that are not chunked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body is not chunked as it says")]
pub(crate) struct BadChunks;

/// Reads chunks.
#[derive(Debug)]
pub(crate) struct Chunks {
    state: State,
    extensions: usize,
    trailers: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Size { size: u64, digits: u8 },
    Extension { size: u64, length: usize, quote: Quote },
    SizeEnd { size: u64 },
    Data { left: u64 },
    DataCr,
    DataLf,
    Trailers,
    Over,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quote {
    None,
    Open,
    Escaped,
}

/// What a reading yielded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// So many bytes are done with.
    pub(crate) taken: usize,
    /// The last so many of them are data.
    pub(crate) data: usize,
    /// The body is over.
    pub(crate) over: bool,
}

impl Chunks {
    pub(crate) const fn new() -> Self {
        Self { state: State::Size { size: 0, digits: 0 }, extensions: 0, trailers: vec![] }
    }

    /// Reads on up to the end of a piece of data, of the body, or of `bytes`.
    pub(crate) fn read(&mut self, bytes: &[u8]) -> Result<Piece, BadChunks> {
        let mut taken = 0;
        loop {
            if self.state == State::Over {
                return Ok(Piece { taken, data: 0, over: true });
            }
            let rest = bytes.get(taken..).unwrap_or_default();
            let Some(&byte) = rest.first() else { return Ok(Piece { taken, data: 0, over: false }) };
            if let State::Data { left } = self.state {
                let here = u64::try_from(rest.len()).unwrap_or(u64::MAX).min(left);
                self.state = if here == left { State::DataCr } else { State::Data { left: left - here } };
                let data = usize::try_from(here).unwrap_or(rest.len());
                return Ok(Piece { taken: taken + data, data, over: false });
            }
            self.state = self.next(byte)?;
            taken += 1;
        }
    }

    /// Whether the body has ended.
    pub(crate) fn is_over(&self) -> bool {
        self.state == State::Over
    }

    /// The size of the chunk that is being read, as far as it is known.
    pub(crate) const fn size(&self) -> u64 {
        match self.state {
            State::Size { size, .. } | State::Extension { size, .. } | State::SizeEnd { size } => size,
            State::Data { left } => left,
            State::DataCr | State::DataLf | State::Trailers | State::Over => 0,
        }
    }

    /// The trailer fields that may be passed on, a line each, once the body is over.
    pub(crate) fn trailers(&self, onward: &mut Vec<u8>) {
        let mut room = [httparse::EMPTY_HEADER; TRAILER_LINES];
        let Ok(Some(fields)) = Fields::read(&self.trailers, &mut room) else { return };
        for (at, line) in fields.iter().enumerate() {
            if kind(line.name) == Kind::Other && !is_for_heads(line.name) {
                onward.extend_from_slice(fields.written(fields.line(at)));
            }
        }
    }

    fn next(&mut self, byte: u8) -> Result<State, BadChunks> {
        Ok(match (self.state, byte) {
            (State::Size { size, digits }, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') if digits < 16 => {
                let digit = char::from(byte).to_digit(16).unwrap_or(0);
                State::Size { size: size << 4 | u64::from(digit), digits: digits + 1 }
            }
            (State::Size { size, digits: 1.. }, b';') => {
                State::Extension { size, length: 0, quote: Quote::None }
            }
            (State::Size { size, digits: 1.. }, b'\r') => State::SizeEnd { size },
            (State::Extension { size, quote: Quote::None, .. }, b'\r') => State::SizeEnd { size },
            (State::Extension { size, length, quote }, b'\t' | b' '..=b'~' | 0x80..) => {
                self.extensions += 1;
                if length == EXTENSION || self.extensions > EXTENSIONS {
                    return Err(BadChunks);
                }
                State::Extension { size, length: length + 1, quote: quote.next(byte) }
            }
            (State::SizeEnd { size: 0 }, b'\n') => State::Trailers,
            (State::SizeEnd { size }, b'\n') => State::Data { left: size },
            (State::DataCr, b'\r') => State::DataLf,
            (State::DataLf, b'\n') => State::Size { size: 0, digits: 0 },
            (State::Trailers, _) => return self.trailer(byte),
            _ => return Err(BadChunks),
        })
    }

    /// Trailers are kept until they are whole, and then read as fields are.
    fn trailer(&mut self, byte: u8) -> Result<State, BadChunks> {
        let after_cr = self.trailers.last() == Some(&b'\r');
        if after_cr != (byte == b'\n') || self.trailers.len() == TRAILERS {
            return Err(BadChunks);
        }
        self.trailers.push(byte);
        if self.trailers != b"\r\n" && !self.trailers.ends_with(b"\r\n\r\n") {
            return Ok(State::Trailers);
        }
        let mut room = [httparse::EMPTY_HEADER; TRAILER_LINES];
        match Fields::read(&self.trailers, &mut room) {
            Ok(Some(fields)) if fields.size == self.trailers.len() => Ok(State::Over),
            _ => Err(BadChunks),
        }
    }
}

impl Quote {
    const fn next(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::None, b'"') | (Self::Escaped, _) => Self::Open,
            (Self::Open, b'"') => Self::None,
            (Self::Open, b'\\') => Self::Escaped,
            (other, _) => other,
        }
    }
}

/// Fields that frame, route, authorise, or say what a message is: never in a trailer (RFC 9110, section 6.5.1).
fn is_for_heads(name: &str) -> bool {
    const NAMES: [&str; 14] = [
        "authorization",
        "proxy-authorization",
        "www-authenticate",
        "proxy-authenticate",
        "cookie",
        "set-cookie",
        "content-type",
        "content-encoding",
        "content-range",
        "cache-control",
        "range",
        "age",
        "location",
        "vary",
    ];
    let starts =
        |prefix: &str| name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    NAMES.iter().any(|known| name.eq_ignore_ascii_case(known)) || starts("x-forwarded-") || starts("if-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The data, the trailers, and how many bytes it took; none while it is not over.
    type Whole = Option<(Vec<u8>, Vec<u8>, usize)>;

    fn read(bytes: &[u8], cuts: usize) -> Result<Whole, BadChunks> {
        let (mut chunks, mut data, mut at) = (Chunks::new(), vec![], 0);
        for part in bytes.chunks(cuts.max(1)) {
            let mut rest = part;
            while !rest.is_empty() {
                let piece = chunks.read(rest)?;
                data.extend_from_slice(&rest[piece.taken - piece.data..piece.taken]);
                at += piece.taken;
                rest = &rest[piece.taken..];
                if piece.over {
                    let mut trailers = vec![];
                    chunks.trailers(&mut trailers);
                    return Ok(Some((data, trailers, at)));
                }
            }
        }
        Ok(None)
    }

    #[test]
    fn the_end_is_found_and_what_follows_is_left() {
        let bytes = b"3;a=\"\\\"\"\r\nabc\r\n00\r\nx: 1\r\nhost: b\r\n\r\nGET";
        assert_eq!(read(bytes, 99), Ok(Some((b"abc".to_vec(), b"x: 1\r\n".to_vec(), bytes.len() - 3))));
    }

    proptest! {
        #[test]
        fn what_was_chunked_is_read_however_it_is_cut(
            parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..50), 0..6),
            cuts in 1usize..40,
        ) {
            let mut bytes = vec![];
            for part in &parts {
                bytes.extend(format!("{:X}\r\n", part.len()).bytes());
                bytes.extend(part);
                bytes.extend(b"\r\n");
            }
            bytes.extend(b"0\r\n\r\n");
            let whole = (parts.concat(), vec![], bytes.len());
            bytes.extend(b"next");
            prop_assert_eq!(read(&bytes, cuts), Ok(Some(whole)));
        }

        #[test]
        fn where_the_cuts_are_changes_nothing(bytes in chunkish(), cuts in 1usize..9) {
            prop_assert_eq!(read(&bytes, cuts), read(&bytes, usize::MAX));
        }

        #[test]
        fn what_is_accepted_is_what_the_plainest_reader_reads(bytes in chunkish()) {
            if let Ok(Some((data, _, taken))) = read(&bytes, usize::MAX) {
                prop_assert_eq!(plainly(&bytes), Some((data, taken)));
            }
        }
    }

    /// Bytes that are nearly chunks.
    fn chunkish() -> impl Strategy<Value = Vec<u8>> {
        let word = prop::sample::select(vec![
            "0",
            "1",
            "2",
            "3",
            "a",
            "\r\n",
            "\r\n",
            "\r\n",
            "\n",
            "\r",
            " ",
            ";",
            "\"",
            "x",
            "x: y",
            "\0",
            "0\r\n\r\n",
            "2\r\nab\r\n",
        ]);
        prop::collection::vec(word, 0..12).prop_map(|words| words.concat().into_bytes())
    }

    fn plainly(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
        let find = |at: usize| bytes[at..].windows(2).position(|two| two == b"\r\n").map(|end| at + end);
        let (mut at, mut data) = (0, vec![]);
        loop {
            let end = find(at)?;
            let line = std::str::from_utf8(&bytes[at..end]).ok()?;
            let size = usize::from_str_radix(line.split(';').next()?, 16).ok()?;
            at = end + 2;
            if size == 0 {
                break;
            }
            data.extend(bytes.get(at..at + size)?);
            at += size + 2;
        }
        loop {
            let end = find(at)?;
            let over = end == at;
            at = end + 2;
            if over {
                return Some((data, at));
            }
        }
    }
}
