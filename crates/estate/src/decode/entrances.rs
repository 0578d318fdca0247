//! How connections are taken and made: TLS, the PROXY protocol, plain TCP.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::keys::{CertificateKeys, ClientsKeys, ListenerKeys, PassageKeys, SecuredKeys, TerminationKeys};
use super::services::Services;
use super::shape::At;
use super::unknown;
use crate::problem::Problems;
use crate::{
    CertificateFiles, ClientCertificates, Entrance, ListenerId, Passage, Secured, ServiceId, Termination,
};

/// What listeners are read with.
pub(super) struct Known<'a> {
    pub(super) services: &'a Services,
    pub(super) whole: bool,
    pub(super) entrances: &'a mut BTreeMap<ListenerId, Entrance>,
}

impl Known<'_> {
    /// Reads the long form of a listener.
    pub(super) fn enter(&mut self, id: &ListenerId, keys: ListenerKeys, problems: &mut Problems) {
        let proxies = keys.proxy_protocol.into_iter().flat_map(|list| list.value);
        let entrance = Entrance {
            tls: keys.tls.and_then(|keys| termination(keys, problems)),
            proxies: proxies.map(|proxy| proxy.value).collect(),
            tcp: keys.tcp.and_then(|keys| self.passage(keys.value, problems)),
        };
        if entrance != Entrance::default() {
            self.entrances.insert(id.clone(), entrance);
        }
    }

    fn passage(&self, keys: PassageKeys, problems: &mut Problems) -> Option<Passage> {
        let to = keys.to?;
        if self.whole && !self.services.contains_key(&to.value) {
            let known = self.services.keys().map(ServiceId::as_str);
            unknown("service", to.value.as_str(), to.at, known, problems);
        }
        Some(Passage { to: to.value, balance: keys.balance.value, idle: keys.idle.value })
    }
}

fn termination(keys: At<TerminationKeys>, problems: &mut Problems) -> Option<Termination> {
    let At { value: keys, .. } = keys;
    let listed = keys.certificates?;
    if listed.value.is_empty() {
        let help = "write `certificates: [{ certificate: /etc/ssl/shop.pem, key: /etc/ssl/shop.key }]`";
        problems.add_with_help("bad-value", listed.at, "`tls` needs a certificate", help);
    }
    Some(Termination {
        certificates: listed.value.into_iter().filter_map(|keys| files(keys.value)).collect(),
        clients: keys.clients.and_then(|keys| clients(keys.value)),
        minimum: keys.minimum.value,
    })
}

fn files(keys: CertificateKeys) -> Option<CertificateFiles> {
    let (certificate, key) = (keys.certificate?.value.0, keys.key?.value.0);
    Some(CertificateFiles { certificate: PathBuf::from(certificate), key: PathBuf::from(key) })
}

fn clients(keys: ClientsKeys) -> Option<ClientCertificates> {
    Some(ClientCertificates { ca: PathBuf::from(keys.ca?.value.0), required: keys.required.value })
}

/// How connections to a service's instances are secured.
pub(super) fn secured(keys: SecuredKeys) -> Option<Secured> {
    Some(Secured {
        ca: PathBuf::from(keys.ca?.value.0),
        server_name: keys.server_name.map(|name| name.value.0),
        client: keys.client.and_then(|keys| files(keys.value)),
    })
}
