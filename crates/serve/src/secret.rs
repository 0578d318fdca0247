//! Random secrets, and the digests under which they are kept.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use crate::ServeError;

/// 256 random bits, as text that may stand in an address or a cookie.
pub(crate) fn random() -> Result<String, ServeError> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(ServeError::Random)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// The digest under which a secret is kept; the secret itself never touches the disk. A plain hash is enough because
/// the secrets are 256 random bits, not chosen by people.
pub(crate) fn digest(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}

/// The token that the forms of a session carry: known only to who has the session's cookie.
pub(crate) fn csrf(session: &str) -> String {
    hex::encode(Sha256::digest(format!("form of {session}").as_bytes()))
}

/// Compares without telling by its time where the difference is.
pub(crate) fn same(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |differs, (x, y)| differs | (x ^ y)) == 0
}
