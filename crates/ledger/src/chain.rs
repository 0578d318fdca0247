//! One link of a chain, and what its hash covers.
//!
//! The hash is SHA-256 over these bytes, numbers big-endian, so that no two different entries encode alike:
//!
//! ```text
//! "dinghai.entry.1\n"  length of writer (u32)  writer  seq (u64)  at (i64, microseconds since the Unix epoch)
//! lease (u64)  schema (u16)  hash of the entry before (32 bytes; zeros for the first)  length of body (u64)  body
//! ```
//!
//! The body is the stored JSON, byte for byte. Upcasting happens after it was read and never touches what is hashed.

use dinghai_clock::Timestamp;
use dinghai_record::{Entry, Event, Hash, Seq, WriterId};
use sha2::{Digest, Sha256};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

/// Columns of `entries` in the order in which [`Link::from_row`] takes them.
pub(crate) const COLUMNS: &str = "writer, seq, at, lease, schema, prev, body, hash";

/// An entry as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) writer: WriterId,
    pub(crate) seq: Seq,
    pub(crate) at: Timestamp,
    pub(crate) lease: u64,
    pub(crate) schema: u16,
    pub(crate) prev: Hash,
    pub(crate) body: Vec<u8>,
    pub(crate) hash: Hash,
}

/// A stored row whose columns are out of range; the number is its place as stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) i64);

impl Link {
    /// The entry that this link keeps the place of.
    pub(crate) fn carrying(self, event: Event) -> Entry {
        Entry {
            writer: self.writer,
            seq: self.seq,
            at: self.at,
            lease: self.lease,
            schema: self.schema,
            event,
            prev: self.prev,
            hash: self.hash,
        }
    }

    /// What the hash of this entry must be.
    pub(crate) fn digest(&self) -> Hash {
        let mut sha = Sha256::new();
        sha.update(b"dinghai.entry.1\n");
        put_text(&mut sha, &self.writer.0);
        sha.update(self.seq.0.to_be_bytes());
        sha.update(self.at.as_micros().to_be_bytes());
        sha.update(self.lease.to_be_bytes());
        sha.update(self.schema.to_be_bytes());
        sha.update(self.prev.0);
        sha.update((self.body.len() as u64).to_be_bytes());
        sha.update(&self.body);
        Hash(sha.finalize().into())
    }

    /// The same entry with its hash.
    pub(crate) fn hashed(mut self) -> Self {
        self.hash = self.digest();
        self
    }

    /// From a row of [`COLUMNS`].
    pub(crate) fn from_row(row: &SqliteRow) -> Result<Result<Self, Malformed>, sqlx::Error> {
        let seq: i64 = row.try_get(1)?;
        let (lease, schema): (i64, i64) = (row.try_get(3)?, row.try_get(4)?);
        let (prev, hash): (&[u8], &[u8]) = (row.try_get(5)?, row.try_get(7)?);
        let (Ok(place), Ok(lease), Ok(schema), Ok(prev), Ok(hash)) = (
            u64::try_from(seq),
            u64::try_from(lease),
            u16::try_from(schema),
            prev.try_into(),
            hash.try_into(),
        ) else {
            return Ok(Err(Malformed(seq)));
        };
        Ok(Ok(Self {
            writer: WriterId(row.try_get(0)?),
            seq: Seq(place),
            at: Timestamp::from_micros(row.try_get(2)?),
            lease,
            schema,
            prev: Hash(prev),
            body: row.try_get(6)?,
            hash: Hash(hash),
        }))
    }
}

/// A text with its length before it.
pub(crate) fn put_text(sha: &mut Sha256, text: &str) {
    sha.update(u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
    sha.update(text.as_bytes());
}

/// A number of ours as SQLite keeps numbers; those past its range are not reached in the life of a store.
pub(crate) fn as_sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn link() -> Link {
        Link {
            writer: WriterId("w".into()),
            seq: Seq(1),
            at: Timestamp::from_micros(2),
            lease: 3,
            schema: 1,
            prev: Hash::default(),
            body: b"{}".to_vec(),
            hash: Hash::default(),
        }
    }

    #[test]
    fn the_hash_is_taken_over_the_documented_bytes() {
        let mut bytes = b"dinghai.entry.1\n".to_vec();
        bytes.extend([0, 0, 0, 1, b'w']);
        bytes.extend([0, 0, 0, 0, 0, 0, 0, 1]);
        bytes.extend([0, 0, 0, 0, 0, 0, 0, 2]);
        bytes.extend([0, 0, 0, 0, 0, 0, 0, 3]);
        bytes.extend([0, 1]);
        bytes.extend([0; 32]);
        bytes.extend([0, 0, 0, 0, 0, 0, 0, 2, b'{', b'}']);
        assert_eq!(link().digest(), Hash::of(&bytes));
    }

    proptest! {
        #[test]
        fn every_field_is_in_the_hash(
            writer in "[a-f0-9]{0,4}", seq: u64, at: i64, lease: u64, schema: u16,
            prev: [u8; 32], body in proptest::collection::vec(any::<u8>(), 0..8),
        ) {
            let other = Link {
                writer: WriterId(writer), seq: Seq(seq), at: Timestamp::from_micros(at), lease, schema,
                prev: Hash(prev), body, hash: Hash::default(),
            };
            prop_assert_eq!(other == link(), other.digest() == link().digest());
            for changed in [
                Link { writer: WriterId(format!("{}0", other.writer)), ..other.clone() },
                Link { seq: Seq(other.seq.0 ^ 1), ..other.clone() },
                Link { at: Timestamp::from_micros(other.at.as_micros() ^ 1), ..other.clone() },
                Link { lease: other.lease ^ 1, ..other.clone() },
                Link { schema: other.schema ^ 1, ..other.clone() },
                Link { body: [other.body.clone(), vec![0]].concat(), ..other.clone() },
            ] {
                prop_assert_ne!(changed.digest(), other.digest());
            }
        }
    }
}
