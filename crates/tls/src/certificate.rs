//! Certificates and keys, from their files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use dinghai_clock::Timestamp;
use dinghai_estate::CertificateFiles;
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use webpki::EndEntityCert;

use crate::validity::not_after;
use crate::{TlsError, provider};

/// What a certificate says that people have to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The file it was read from.
    pub path: PathBuf,
    /// The host names that it is for.
    pub names: Vec<String>,
    /// Until when it is good; none when it does not say so in a way that can be read.
    pub until: Option<Timestamp>,
}

/// A certificate ready to be shown, and what it says.
pub(crate) fn certified(files: &CertificateFiles) -> Result<(Arc<CertifiedKey>, Facts), TlsError> {
    let chain = chain(&files.certificate)?;
    let key = key(&files.key)?;
    let signing = provider().key_provider.load_private_key(key);
    let signing = signing.map_err(|_| TlsError::UnusableKey(files.key.clone()))?;
    let facts = facts(&files.certificate, chain.first())?;
    let certified = CertifiedKey::new(chain, signing);
    match certified.keys_match() {
        // A key that cannot say what it belongs to is believed.
        Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {}
        Err(_) => {
            let (certificate, key) = (files.certificate.clone(), files.key.clone());
            return Err(TlsError::Strangers { certificate, key });
        }
    }
    Ok((Arc::new(certified), facts))
}

/// A chain and its key.
pub(crate) type Pair = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// A chain and its key as they are, once it is known that they belong together.
pub(crate) fn pair(files: &CertificateFiles) -> Result<(Pair, Facts), TlsError> {
    let (certified, facts) = certified(files)?;
    Ok(((certified.cert.clone(), key(&files.key)?), facts))
}

/// All certificates in a file, trusted to vouch for others.
pub(crate) fn roots(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in chain(path)? {
        let added = roots.add(certificate);
        added.map_err(|error| TlsError::BadCertificate { path: path.to_owned(), why: error.to_string() })?;
    }
    Ok(roots)
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = read(path)?;
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match read {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        _ => Err(TlsError::NoCertificate(path.to_owned())),
    }
}

/// What the reader of PEM says of a key's file could quote it, and is dropped.
fn key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_slice(&read(path)?).map_err(|_| TlsError::NoKey(path.to_owned()))
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path)
        .map_err(|error| TlsError::Unreadable { path: path.to_owned(), why: error.to_string() })
}

fn facts(path: &Path, certificate: Option<&CertificateDer<'_>>) -> Result<Facts, TlsError> {
    let certificate = certificate.ok_or_else(|| TlsError::NoCertificate(path.to_owned()))?;
    let bad =
        |error: webpki::Error| TlsError::BadCertificate { path: path.to_owned(), why: error.to_string() };
    let parsed = EndEntityCert::try_from(certificate).map_err(bad)?;
    let names = parsed.valid_dns_names().map(str::to_ascii_lowercase).collect();
    Ok(Facts { path: path.to_owned(), names, until: not_after(certificate) })
}
