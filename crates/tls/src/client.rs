//! Secured connections to instances.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use dinghai_estate::{Address, Secured};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::certificate::{pair, roots};
use crate::{Kept, Loaded, TlsError, provider};

/// How connections to the instances of one service are secured.
#[derive(Debug)]
pub struct Outward {
    kept: Arc<Kept<ClientConfig>>,
    server_name: Option<String>,
}

impl Outward {
    /// Reads the files now, and again when they change.
    pub fn new(terms: &Secured) -> Self {
        let mut files: Vec<PathBuf> = vec![terms.ca.clone()];
        files.extend(terms.client.iter().flat_map(|files| [files.certificate.clone(), files.key.clone()]));
        let server_name = terms.server_name.clone();
        let terms = terms.clone();
        Self { kept: Kept::new(files, move || load(&terms)), server_name }
    }

    /// The files and what became of them.
    pub const fn kept(&self) -> &Arc<Kept<ClientConfig>> {
        &self.kept
    }
}

/// Secures a connection to the instance at this address, whose certificate has to have its name. The caller sets the time limit.
pub async fn connect<S>(stream: S, outward: &Outward, address: &Address) -> io::Result<TlsStream<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let config = outward.kept.get().ok_or_else(|| io::Error::other(unread()))?;
    let host = outward.server_name.as_deref().unwrap_or(&address.host);
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    TlsConnector::from(config).connect(name, stream).await
}

const fn unread() -> &'static str {
    "the files to secure the connection with cannot be used"
}

fn load(terms: &Secured) -> Result<Loaded<ClientConfig>, TlsError> {
    let builder = ClientConfig::builder_with_provider(provider());
    let builder = builder.with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| TlsError::Unusable(error.to_string()))?;
    let builder = builder.with_root_certificates(roots(&terms.ca)?);
    let (config, facts) = match &terms.client {
        None => (builder.with_no_client_auth(), vec![]),
        Some(files) => {
            let ((chain, key), facts) = pair(files)?;
            let config = builder.with_client_auth_cert(chain, key);
            (config.map_err(|error| TlsError::Unusable(error.to_string()))?, vec![facts])
        }
    };
    Ok(Loaded { config: Arc::new(config), facts })
}
