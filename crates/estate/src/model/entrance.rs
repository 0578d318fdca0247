//! How a connection is taken, and how an instance is connected to: TLS, the PROXY protocol, plain TCP.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use dinghai_clock::serde_span;
use serde::{Deserialize, Serialize};

use crate::{Balance, ServiceId};

/// What a listener is beside its address. One that states nothing takes plain HTTP.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Entrance {
    /// Connections are secured, and how.
    pub tls: Option<Termination>,
    /// Proxies that begin each connection with a PROXY header, which says who the client is. Nobody else's is read.
    pub proxies: Vec<IpAddr>,
    /// Bytes are passed as they are to a service, instead of requests by routes.
    pub tcp: Option<Passage>,
}

/// A certificate chain and its private key, as files in PEM.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CertificateFiles {
    /// The certificate, followed by those that vouch for it.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// How a listener secures connections.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Termination {
    /// The certificates; a client gets the one for the name that it asks for, or the first.
    pub certificates: Vec<CertificateFiles>,
    /// Clients have to show certificates, or may.
    pub clients: Option<ClientCertificates>,
    /// The oldest version that is spoken.
    pub minimum: TlsVersion,
}

/// Which certificates of clients are believed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientCertificates {
    /// Those who vouch for clients, in PEM.
    pub ca: PathBuf,
    /// A client without a certificate is refused.
    pub required: bool,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TlsVersion {
    /// RFC 5246.
    #[default]
    #[serde(rename = "1.2")]
    V1_2,
    /// RFC 8446.
    #[serde(rename = "1.3")]
    V1_3,
}

/// How connections to the instances of a service are secured.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Secured {
    /// Those who vouch for the instances, in PEM.
    pub ca: PathBuf,
    /// The name that an instance's certificate has to have; the host of its address where it is not stated.
    pub server_name: Option<String>,
    /// What is shown to the instances.
    pub client: Option<CertificateFiles>,
}

/// A version of the PROXY protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProxyVersion {
    /// One line of text.
    V1,
    /// Binary.
    V2,
}

/// Bytes passed as they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passage {
    /// The service that is connected to.
    pub to: ServiceId,
    /// How an instance is chosen.
    pub balance: Balance,
    /// How long nothing may be said by either side.
    #[serde(with = "serde_span")]
    pub idle: Duration,
}
