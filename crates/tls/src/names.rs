//! Which certificate a client gets: the one for the name that it asks for (SNI, RFC 6066, section 3).
//!
//! A certificate for `*.example` is good for one more label, not for several (RFC 9525, section 6.3). Of several certificates for one
//! name, such as an elliptic and an RSA one, it gets the first whose signatures it knows. A client that names no host, or one that nobody
//! here knows, gets the first certificate of all: it will say itself whether that will do.

use std::collections::HashMap;
use std::sync::Arc;

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::Facts;

/// Certificates by name.
#[derive(Debug)]
pub(crate) struct Names {
    by_name: HashMap<String, Vec<Arc<CertifiedKey>>>,
    first: Vec<Arc<CertifiedKey>>,
}

impl Names {
    pub(crate) fn new(certificates: impl IntoIterator<Item = (Arc<CertifiedKey>, Facts)>) -> Self {
        let mut names = Self { by_name: HashMap::new(), first: vec![] };
        for (certified, facts) in certificates {
            for name in facts.names {
                names.by_name.entry(name).or_default().push(Arc::clone(&certified));
            }
            names.first.push(certified);
        }
        names
    }

    /// Those for this name, which is in small letters.
    fn of(&self, name: &str) -> Option<&Vec<Arc<CertifiedKey>>> {
        self.by_name.get(name).or_else(|| {
            let (_, rest) = name.split_once('.')?;
            self.by_name.get(&format!("*.{rest}"))
        })
    }
}

impl ResolvesServerCert for Names {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let asked = hello.server_name().map(str::to_ascii_lowercase);
        let known = asked.as_deref().and_then(|name| self.of(name)).unwrap_or(&self.first);
        let speaks = |key: &&Arc<CertifiedKey>| key.key.choose_scheme(hello.signature_schemes()).is_some();
        known.iter().find(speaks).or_else(|| known.first()).map(Arc::clone)
    }
}
