//! Bodies: how they come, how they go on, and what of them is still to come.

use super::chunks::{BadChunks, Chunks};

/// What is still to come of a body.
#[derive(Debug)]
pub(crate) enum Left {
    /// So many bytes; none at all when there is no body.
    Length(u64),
    /// Chunks up to the last one.
    Chunked(Box<Chunks>),
    /// Everything up to the end of the connection.
    UntilClose,
}

/// How a body goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Onward {
    /// As it is: its length was stated, or the end of the connection ends it.
    Plain,
    /// In chunks of our own making.
    Chunked,
}

/// What was moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Moved {
    /// So many bytes of the input are done with.
    pub(crate) taken: usize,
    /// So many of them were data.
    pub(crate) data: u64,
}

impl Left {
    /// No body.
    pub(crate) const NOTHING: Self = Self::Length(0);

    /// A chunked body from its beginning.
    pub(crate) fn chunked() -> Self {
        Self::Chunked(Box::new(Chunks::new()))
    }

    /// Whether nothing more is to come. What ends with its connection never knows.
    pub(crate) fn is_over(&self) -> bool {
        match self {
            Self::Length(left) => *left == 0,
            Self::Chunked(chunks) => chunks.is_over(),
            Self::UntilClose => false,
        }
    }

    /// Whether so many bytes that go on as they are would be the last.
    pub(crate) fn is_over_after(&self, bytes: usize) -> bool {
        matches!(self, Self::Length(left) if u64::try_from(bytes).is_ok_and(|bytes| bytes == *left))
    }

    /// So many more bytes of data are announced.
    pub(crate) const fn announced(&self) -> u64 {
        match self {
            Self::Length(left) => *left,
            Self::Chunked(chunks) => chunks.size(),
            Self::UntilClose => 0,
        }
    }

    /// How many bytes of `input` go on as they are. None when the body must be framed anew.
    pub(crate) fn plain(&self, onward: Onward, input: &[u8]) -> Option<usize> {
        match (self, onward) {
            (Self::Length(left), Onward::Plain) => {
                Some(usize::try_from(*left).unwrap_or(usize::MAX).min(input.len()))
            }
            (Self::UntilClose, Onward::Plain) => Some(input.len()),
            _ => None,
        }
    }

    /// So many bytes went on as they are.
    pub(crate) fn pass_plain(&mut self, bytes: usize) {
        if let Self::Length(left) = self {
            *left = left.saturating_sub(u64::try_from(bytes).unwrap_or(u64::MAX));
        }
    }

    /// Moves what is there of the body from `input` to `out`, framed for who reads it next.
    pub(crate) fn pass(
        &mut self,
        input: &[u8],
        onward: Onward,
        out: &mut Vec<u8>,
    ) -> Result<Moved, BadChunks> {
        let mut moved = Moved::default();
        let Self::Chunked(chunks) = self else {
            let here = match self {
                Self::Length(left) => usize::try_from(*left).unwrap_or(usize::MAX).min(input.len()),
                _ => input.len(),
            };
            put(input.get(..here).unwrap_or_default(), onward, out);
            self.pass_plain(here);
            return Ok(Moved { taken: here, data: u64::try_from(here).unwrap_or(u64::MAX) });
        };
        while !chunks.is_over() {
            let rest = input.get(moved.taken..).unwrap_or_default();
            if rest.is_empty() {
                break;
            }
            let piece = chunks.read(rest)?;
            let data = rest.get(piece.taken - piece.data..piece.taken).unwrap_or_default();
            put(data, onward, out);
            moved.taken += piece.taken;
            moved.data += u64::try_from(piece.data).unwrap_or(u64::MAX);
            if piece.over && onward == Onward::Chunked {
                out.extend_from_slice(b"0\r\n");
                chunks.trailers(out);
                out.extend_from_slice(b"\r\n");
            }
        }
        Ok(moved)
    }

    /// Its sender has closed: whether the body was whole. If so, what ends it for its reader is put to `out`.
    pub(crate) fn end(&mut self, onward: Onward, out: &mut Vec<u8>) -> bool {
        if !matches!(self, Self::UntilClose) {
            return self.is_over();
        }
        *self = Self::NOTHING;
        if onward == Onward::Chunked {
            out.extend_from_slice(b"0\r\n\r\n");
        }
        true
    }
}

fn put(data: &[u8], onward: Onward, out: &mut Vec<u8>) {
    match onward {
        _ if data.is_empty() => {}
        Onward::Plain => out.extend_from_slice(data),
        Onward::Chunked => {
            write_hex(data.len(), out);
            out.extend_from_slice(b"\r\n");
            out.extend_from_slice(data);
            out.extend_from_slice(b"\r\n");
        }
    }
}

fn write_hex(size: usize, out: &mut Vec<u8>) {
    // Writing to a vector does not fail.
    let _ = std::io::Write::write_fmt(out, format_args!("{size:x}"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn chunks_of_ours_hold_what_chunks_of_theirs_held(
            parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..30), 0..5),
            cuts in 1usize..50,
        ) {
            let mut bytes = vec![];
            parts.iter().for_each(|part| put(part, Onward::Chunked, &mut bytes));
            bytes.extend(b"0\r\nx: y\r\n\r\n");
            let (mut once, mut twice) = (vec![], vec![]);
            let (mut first, mut second) = (Left::chunked(), Left::chunked());
            for part in bytes.chunks(cuts) {
                prop_assert_eq!(first.pass(part, Onward::Chunked, &mut once).unwrap().taken, part.len());
            }
            prop_assert!(first.is_over());
            prop_assert_eq!(second.pass(&once, Onward::Plain, &mut twice).unwrap().taken, once.len());
            prop_assert_eq!(twice, parts.concat());
        }

        #[test]
        fn a_stated_length_is_never_passed(length in 0u64..100, parts in prop::collection::vec(0usize..40, 0..8)) {
            let (mut left, mut out) = (Left::Length(length), vec![]);
            for part in parts {
                let moved = left.pass(&vec![7; part], Onward::Plain, &mut out).unwrap();
                prop_assert!(moved.taken == part || left.is_over());
            }
            prop_assert!(out.len() as u64 <= length);
        }
    }
}
