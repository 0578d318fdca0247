//! What a listener secures connections with.

use std::path::PathBuf;
use std::sync::Arc;

use dinghai_estate::{ClientCertificates, Termination, TlsVersion};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::Ticketer;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;

use crate::certificate::{certified, roots};
use crate::names::Names;
use crate::{Kept, Loaded, TlsError, provider};

/// What this listener secures connections with, speaking one of `protocols` over them (ALPN; none: whatever the client likes).
/// Read now, and again when its files change.
pub fn server(terms: &Termination, protocols: &'static [&'static str]) -> Arc<Kept<ServerConfig>> {
    let certificates = terms.certificates.iter();
    let mut files: Vec<PathBuf> =
        certificates.flat_map(|each| [each.certificate.clone(), each.key.clone()]).collect();
    files.extend(terms.clients.as_ref().map(|clients| clients.ca.clone()));
    let terms = terms.clone();
    Kept::new(files, move || load(&terms, protocols))
}

fn load(terms: &Termination, protocols: &[&str]) -> Result<Loaded<ServerConfig>, TlsError> {
    let certificates: Vec<_> = terms.certificates.iter().map(certified).collect::<Result<_, _>>()?;
    let facts = certificates.iter().map(|(_, facts)| facts.clone()).collect();
    let unusable = |error: rustls::Error| TlsError::Unusable(error.to_string());
    let versions: &[&rustls::SupportedProtocolVersion] = match terms.minimum {
        TlsVersion::V1_2 => &[&rustls::version::TLS13, &rustls::version::TLS12],
        TlsVersion::V1_3 => &[&rustls::version::TLS13],
    };
    let builder = ServerConfig::builder_with_provider(provider());
    let builder = builder.with_protocol_versions(versions).map_err(unusable)?;
    let builder = match &terms.clients {
        None => builder.with_no_client_auth(),
        Some(clients) => builder.with_client_cert_verifier(verifier(clients)?),
    };
    let mut config = builder.with_cert_resolver(Arc::new(Names::new(certificates)));
    // Made anew with the files: a ticket carries the client's certificate, and who vouches for it may be another now.
    config.ticketer = Ticketer::new().map_err(unusable)?;
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    Ok(Loaded { config: Arc::new(config), facts })
}

fn verifier(clients: &ClientCertificates) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let roots = Arc::new(roots(&clients.ca)?);
    let builder = WebPkiClientVerifier::builder_with_provider(roots, provider());
    let builder = if clients.required { builder } else { builder.allow_unauthenticated() };
    builder.build().map_err(|error| TlsError::Unusable(error.to_string()))
}
