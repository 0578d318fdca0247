//! Fields that belong to a person, sealed under a key of their own.
//!
//! On the way in each `{"$personal": {"subject", "value"}}` becomes `{"$sealed": {"subject", "key", "nonce", "box"}}`:
//! ChaCha20-Poly1305 (RFC 8439) with a random nonce, bound to subject, key, writer and place in the chain. On the way
//! out it becomes `$personal` again, or `{"$erased": {"subject"}}` when that key has been destroyed. A subject that
//! comes back after an erasure gets a new key with a new id, so what was sealed before stays erased.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use dinghai_record::{Seq, WriterId};
use serde_json::{Map, Value, json};
use sqlx::Row;
use sqlx::sqlite::SqliteConnection;

use crate::LedgerError;

pub(crate) const PERSONAL: &str = "$personal";
pub(crate) const SEALED: &str = "$sealed";
const ERASED: &str = "$erased";

/// A person's key and its id.
pub(crate) struct SubjectKey {
    id: String,
    cipher: ChaCha20Poly1305,
}

/// Keys by subject.
pub(crate) type Keys = BTreeMap<String, SubjectKey>;

/// Where a field stands; a box opens nowhere else.
#[derive(Clone, Copy)]
pub(crate) struct Stand<'a> {
    pub(crate) writer: &'a WriterId,
    pub(crate) seq: Seq,
}

/// A box that does not open though its key is there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Tampered;

/// The subjects of all forms of this name in the value.
pub(crate) fn subjects(value: &Value, form: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    visit(value, &mut |object| {
        if let Some(subject) = content(object, form).and_then(|inner| text(inner, "subject")) {
            found.insert(subject.to_owned());
        }
    });
    found
}

/// The keys of these subjects that the store has.
pub(crate) async fn load_keys(
    conn: &mut SqliteConnection,
    subjects: &BTreeSet<String>,
) -> Result<Keys, LedgerError> {
    let mut keys = Keys::new();
    for subject in subjects {
        let row = sqlx::query("SELECT id, key FROM subject_keys WHERE subject = ?")
            .bind(subject)
            .fetch_optional(&mut *conn)
            .await?;
        if let Some(row) = row {
            let bytes: &[u8] = row.try_get(1)?;
            let bytes = <[u8; 32]>::try_from(bytes).map_err(|_| {
                dinghai_ports::StoreError::Damaged(format!(
                    "the key of subject `{subject}` is not 32 bytes long"
                ))
            })?;
            keys.insert(subject.clone(), SubjectKey::new(row.try_get(0)?, bytes));
        }
    }
    Ok(keys)
}

/// The same, with a new key for each subject that has none. Within the caller's transaction.
pub(crate) async fn load_or_draw_keys(
    conn: &mut SqliteConnection,
    subjects: &BTreeSet<String>,
) -> Result<Keys, LedgerError> {
    let mut keys = load_keys(conn, subjects).await?;
    for subject in subjects {
        if keys.contains_key(subject) {
            continue;
        }
        let (mut id, mut bytes) = ([0; 8], [0; 32]);
        getrandom::fill(&mut id)?;
        getrandom::fill(&mut bytes)?;
        let id = hex::encode(id);
        sqlx::query("INSERT INTO subject_keys (subject, id, key) VALUES (?, ?, ?)")
            .bind(subject)
            .bind(&id)
            .bind(bytes.as_slice())
            .execute(&mut *conn)
            .await?;
        keys.insert(subject.clone(), SubjectKey::new(id, bytes));
    }
    Ok(keys)
}

/// Seals every personal field of the value. All its subjects must be among the keys.
pub(crate) fn seal(value: Value, keys: &Keys, stand: Stand<'_>) -> Result<Value, LedgerError> {
    rewrite(value, &mut |object| {
        let Some(inner) = content(object, PERSONAL) else {
            return Ok(None);
        };
        let (Some(subject), Some(value)) = (text(inner, "subject"), text(inner, "value")) else {
            return Ok(None);
        };
        let Some(key) = keys.get(subject) else {
            return Ok(None);
        };
        let mut nonce = [0; 12];
        getrandom::fill(&mut nonce)?;
        let bound = bound_to(subject, &key.id, stand);
        let payload = Payload { msg: value.as_bytes(), aad: &bound };
        let sealed = key.cipher.encrypt(&Nonce::from(nonce), payload).map_err(|_| {
            dinghai_ports::StoreError::Failed("a personal field is too long to be sealed".to_owned())
        })?;
        Ok(Some(json!({ SEALED: {
            "subject": subject, "key": key.id, "nonce": STANDARD.encode(nonce), "box": STANDARD.encode(sealed),
        }})))
    })
}

/// Opens every sealed field of the value whose key is there; the others read as erased.
pub(crate) fn open(value: Value, keys: &Keys, stand: Stand<'_>) -> Result<Value, Tampered> {
    rewrite(value, &mut |object| {
        let Some(inner) = content(object, SEALED) else {
            return Ok(None);
        };
        let (Some(subject), Some(id)) = (text(inner, "subject"), text(inner, "key")) else {
            return Err(Tampered);
        };
        let Some(key) = keys.get(subject).filter(|key| key.id == id) else {
            return Ok(Some(json!({ ERASED: { "subject": subject } })));
        };
        let decoded = |name| text(inner, name).and_then(|text| STANDARD.decode(text).ok()).ok_or(Tampered);
        let nonce = <[u8; 12]>::try_from(decoded("nonce")?).map_err(|_| Tampered)?;
        let bound = bound_to(subject, id, stand);
        let sealed = decoded("box")?;
        let payload = Payload { msg: &sealed, aad: &bound };
        let opened = key.cipher.decrypt(&Nonce::from(nonce), payload).map_err(|_| Tampered)?;
        let opened = String::from_utf8(opened).map_err(|_| Tampered)?;
        Ok(Some(json!({ PERSONAL: { "subject": subject, "value": opened } })))
    })
}

/// The bytes with which the body of an entry names a field that is sealed under this key.
pub(crate) fn needle(subject: &str, id: &str) -> String {
    let sealed = json!({ SEALED: { "subject": subject, "key": id } }).to_string();
    sealed.trim_end_matches('}').to_owned()
}

impl SubjectKey {
    fn new(id: String, bytes: [u8; 32]) -> Self {
        Self { id, cipher: ChaCha20Poly1305::new(&Key::from(bytes)) }
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }
}

/// What a box is bound to, unambiguously: every text with its length before it.
fn bound_to(subject: &str, key: &str, stand: Stand<'_>) -> Vec<u8> {
    let mut bytes = b"dinghai.sealed.1\n".to_vec();
    for text in [subject, key, stand.writer.0.as_str()] {
        bytes.extend((text.len() as u64).to_be_bytes());
        bytes.extend(text.as_bytes());
    }
    bytes.extend(stand.seq.0.to_be_bytes());
    bytes
}

/// What stands under `form` in an object that has nothing else.
fn content<'a>(object: &'a Map<String, Value>, form: &str) -> Option<&'a Map<String, Value>> {
    if object.len() == 1 { object.get(form)?.as_object() } else { None }
}

fn text<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    object.get(name)?.as_str()
}

fn visit(value: &Value, see: &mut impl FnMut(&Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            see(object);
            object.values().for_each(|each| visit(each, see));
        }
        Value::Array(items) => items.iter().for_each(|each| visit(each, see)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Puts `change`'s answer in the place of each object that it answers for.
fn rewrite<E>(
    value: Value,
    change: &mut impl FnMut(&Map<String, Value>) -> Result<Option<Value>, E>,
) -> Result<Value, E> {
    Ok(match value {
        Value::Object(object) => match change(&object)? {
            Some(other) => other,
            None => Value::Object(
                object
                    .into_iter()
                    .map(|(name, each)| Ok((name, rewrite(each, change)?)))
                    .collect::<Result<_, E>>()?,
            ),
        },
        Value::Array(items) => {
            Value::Array(items.into_iter().map(|each| rewrite(each, change)).collect::<Result<_, E>>()?)
        }
        plain => plain,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Keys {
        Keys::from([("p-1".to_owned(), SubjectKey::new("k1".to_owned(), [7; 32]))])
    }

    fn event() -> Value {
        json!({"by": [{"$personal": {"subject": "p-1", "value": "Wang Li"}}], "reason": "$personal"})
    }

    #[test]
    fn what_is_sealed_opens_at_its_place_and_nowhere_else() {
        let (here, elsewhere) = (WriterId("w".into()), WriterId("v".into()));
        let at = |writer, seq| Stand { writer, seq: Seq(seq) };
        let sealed = seal(event(), &keys(), at(&here, 5)).unwrap();
        assert!(!sealed.to_string().contains("Wang Li"));
        assert!(sealed.to_string().contains(&needle("p-1", "k1")));
        assert_eq!(open(sealed.clone(), &keys(), at(&here, 5)), Ok(event()));
        assert_eq!(open(sealed.clone(), &keys(), at(&here, 6)), Err(Tampered));
        assert_eq!(open(sealed, &keys(), at(&elsewhere, 5)), Err(Tampered));
    }

    #[test]
    fn without_its_key_it_reads_as_erased_even_when_the_subject_has_a_new_one() {
        let writer = WriterId("w".into());
        let stand = Stand { writer: &writer, seq: Seq(1) };
        let sealed = seal(event(), &keys(), stand).unwrap();
        let erased = json!({"by": [{"$erased": {"subject": "p-1"}}], "reason": "$personal"});
        assert_eq!(open(sealed.clone(), &Keys::new(), stand), Ok(erased.clone()));
        let again = Keys::from([("p-1".to_owned(), SubjectKey::new("k2".to_owned(), [8; 32]))]);
        assert_eq!(open(sealed, &again, stand), Ok(erased));
    }
}
