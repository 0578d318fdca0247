//! Signatures over the heads of all chains.
//!
//! A hash chain shows that what is there was not altered; it does not show that its end was not cut off. A checkpoint
//! does, as far as it reaches, when it is kept where whoever may write the store cannot. The signature is Ed25519
//! (RFC 8032) over these bytes, numbers big-endian:
//!
//! ```text
//! "dinghai.checkpoint.1\n"  length of store (u64)  store  at (i64, microseconds since the Unix epoch)
//! number of heads (u64), then for each:  length of writer (u64)  writer  seq (u64)  hash (32 bytes)
//! ```

use std::path::Path;

use dinghai_clock::{Clock, Timestamp};
use dinghai_record::{Hash, Seq, WriterId};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection, Row};

use crate::chain::as_sql;
use crate::{LedgerError, folder, open_reader, schema};

/// The heads of all chains of a store at a time, signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The store's incarnation.
    pub store: String,
    /// When it was signed.
    pub at: Timestamp,
    /// The last entry of each chain, by writer.
    pub heads: Vec<Head>,
    /// The public key, in hexadecimal.
    pub key: String,
    /// The signature, in hexadecimal.
    pub signature: String,
}

/// The last entry of a chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Whose chain.
    pub writer: WriterId,
    /// Its place.
    pub seq: Seq,
    /// Its hash.
    pub hash: Hash,
}

impl Checkpoint {
    /// From the JSON that `dinghai ledger checkpoint` writes.
    pub fn from_json(text: &str) -> Result<Self, LedgerError> {
        serde_json::from_str(text).map_err(|error| LedgerError::NotACheckpoint(error.to_string()))
    }

    /// Whether the signature is that of its key over its content. Whose key it is the caller must know.
    pub fn is_genuine(&self) -> bool {
        let mut key = [0; 32];
        let mut signature = [0; 64];
        hex::decode_to_slice(&self.key, &mut key).is_ok()
            && hex::decode_to_slice(&self.signature, &mut signature).is_ok()
            && VerifyingKey::from_bytes(&key).is_ok_and(|key| {
                key.verify_strict(&self.signed_bytes(), &Signature::from_bytes(&signature)).is_ok()
            })
    }

    fn signed(store: &str, at: Timestamp, heads: Vec<Head>, key: &SigningKey) -> Self {
        let mut checkpoint = Self {
            store: store.to_owned(),
            at,
            heads,
            key: hex::encode(key.verifying_key().to_bytes()),
            signature: String::new(),
        };
        checkpoint.signature = hex::encode(key.sign(&checkpoint.signed_bytes()).to_bytes());
        checkpoint
    }

    fn signed_bytes(&self) -> Vec<u8> {
        let mut bytes = b"dinghai.checkpoint.1\n".to_vec();
        let put = |bytes: &mut Vec<u8>, text: &str| {
            bytes.extend((text.len() as u64).to_be_bytes());
            bytes.extend(text.as_bytes());
        };
        put(&mut bytes, &self.store);
        bytes.extend(self.at.as_micros().to_be_bytes());
        bytes.extend((self.heads.len() as u64).to_be_bytes());
        for head in &self.heads {
            put(&mut bytes, &head.writer.0);
            bytes.extend(head.seq.0.to_be_bytes());
            bytes.extend(head.hash.0);
        }
        bytes
    }
}

/// Verifies the ledger in `dir`, signs its heads and keeps the checkpoint in the store, beside a running controller.
///
/// Fails with [`LedgerError::Unsound`] when the ledger is damaged.
pub async fn sign_checkpoint(dir: &Path, clock: &dyn Clock) -> Result<Checkpoint, LedgerError> {
    let report = open_reader(dir).await?.verify(&[]).await?;
    if !report.is_sound() {
        return Err(LedgerError::Unsound);
    }
    let key = folder::signing_key_or_new(dir)?;
    let heads = report.chains.into_iter().map(|chain| Head {
        writer: chain.writer,
        seq: chain.head,
        hash: chain.hash,
    });
    let checkpoint = Checkpoint::signed(&report.store, clock.now(), heads.collect(), &key);
    let mut conn = schema::connect_writing(dir).await?;
    keep(&mut conn, &checkpoint).await?;
    drop(conn.close().await);
    Ok(checkpoint)
}

/// Signs the heads as they stand in one transaction, and keeps the checkpoint.
pub(crate) async fn sign_and_keep(
    conn: &mut SqliteConnection,
    store: &str,
    at: Timestamp,
    key: &SigningKey,
) -> Result<Checkpoint, LedgerError> {
    sqlx::query("BEGIN IMMEDIATE").execute(&mut *conn).await?;
    let checkpoint = of_heads(conn, store, at, key).await?;
    keep(conn, &checkpoint).await?;
    sqlx::query("COMMIT").execute(&mut *conn).await?;
    Ok(checkpoint)
}

/// A checkpoint of the heads as this connection sees them.
pub(crate) async fn of_heads(
    conn: &mut SqliteConnection,
    store: &str,
    at: Timestamp,
    key: &SigningKey,
) -> Result<Checkpoint, LedgerError> {
    let mut heads = Vec::new();
    for writer in writers(conn).await? {
        heads.extend(head_of(conn, &writer).await?);
    }
    Ok(Checkpoint::signed(store, at, heads, key))
}

/// Keeps a checkpoint in the store.
pub(crate) async fn keep(conn: &mut SqliteConnection, checkpoint: &Checkpoint) -> Result<(), LedgerError> {
    let body =
        serde_json::to_string(checkpoint).map_err(|error| LedgerError::NotACheckpoint(error.to_string()))?;
    sqlx::query("INSERT INTO checkpoints (at, body) VALUES (?, ?)")
        .bind(checkpoint.at.as_micros())
        .bind(body)
        .execute(conn)
        .await?;
    Ok(())
}

/// The last entry of a chain that the newest checkpoint in the store covers.
pub(crate) async fn last_signed(conn: &mut SqliteConnection, writer: &WriterId) -> Result<Seq, LedgerError> {
    let row =
        sqlx::query("SELECT body FROM checkpoints ORDER BY id DESC LIMIT 1").fetch_optional(conn).await?;
    let Some(row) = row else { return Ok(Seq(0)) };
    // One that cannot be read covers nothing; it is for `verify` to say so.
    let heads = Checkpoint::from_json(row.try_get(0)?).map(|checkpoint| checkpoint.heads);
    let ours = heads.into_iter().flatten().find(|head| head.writer == *writer);
    Ok(ours.map_or(Seq(0), |head| head.seq))
}

/// All writers that have entries, in order. Skips from one to the next along the index.
pub(crate) async fn writers(conn: &mut SqliteConnection) -> Result<Vec<WriterId>, LedgerError> {
    let mut found: Vec<WriterId> = Vec::new();
    loop {
        let last = found.last().map_or("", |writer| writer.0.as_str());
        let row =
            sqlx::query("SELECT min(writer) FROM entries WHERE writer > ?").bind(last).fetch_one(&mut *conn);
        match row.await?.try_get(0)? {
            Some(writer) => found.push(WriterId(writer)),
            None => return Ok(found),
        }
    }
}

/// The last entry of a chain.
pub(crate) async fn head_of(
    conn: &mut SqliteConnection,
    writer: &WriterId,
) -> Result<Option<Head>, LedgerError> {
    let row = sqlx::query("SELECT seq, hash FROM entries WHERE writer = ? ORDER BY seq DESC LIMIT 1")
        .bind(&writer.0)
        .fetch_optional(conn)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let seq: i64 = row.try_get(0)?;
    let hash: &[u8] = row.try_get(1)?;
    match (u64::try_from(seq), <[u8; 32]>::try_from(hash)) {
        (Ok(seq), Ok(hash)) if as_sql(seq) < i64::MAX => {
            Ok(Some(Head { writer: writer.clone(), seq: Seq(seq), hash: Hash(hash) }))
        }
        _ => Err(dinghai_ports::StoreError::Damaged(format!("the last entry, #{seq}, is malformed")).into()),
    }
}
