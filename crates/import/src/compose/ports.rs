//! Published ports: where users come in.

use dinghai_estate::{PublicEntry, Role, ServiceId, Source};

use crate::fragment::Fragment;
use crate::roles::keeps_state;
use crate::value::{Key, Node};

/// Makes entries of the ports that other machines reach. Databases and what watches publish ports for people at work; they
/// count only where nothing else does.
pub(super) fn entries(fragment: &mut Fragment, services: &[(&Key, &Node)]) {
    let mut found = Vec::new();
    for (key, node) in services {
        let id = ServiceId::new(&key.text);
        let role = fragment.inventory.services.get(&id).map_or(Role::Workload, |service| service.role);
        let ports = node.get("ports").map(Node::items).unwrap_or_default();
        let mut seen = Vec::new();
        for port in ports {
            let Some(published) = published(port).filter(|port| !seen.contains(port)) else { continue };
            let by = format!("published port {published}");
            found.push((
                role,
                PublicEntry { service: id.clone(), by, source: Source::declared(port.origin()) },
            ));
            seen.push(published);
        }
    }
    let aside = |role: Role| keeps_state(role) || matches!(role, Role::Monitoring | Role::Control);
    let all_aside = found.iter().all(|(role, _)| aside(*role));
    let kept = found.into_iter().filter(|(role, _)| all_aside || !aside(*role)).map(|(_, entry)| entry);
    fragment.inventory.entries.extend(kept);
}

/// The port on the host, as written; none when only this host reaches it.
fn published(port: &Node) -> Option<String> {
    if port.entries().next().is_some() {
        let local = port.get("host_ip").and_then(Node::text).is_some_and(|ip| is_loopback(&ip));
        let at =
            port.get("published").and_then(Node::text).unwrap_or_else(|| "of the host's choice".to_owned());
        return (!local).then_some(at);
    }
    let text = port.text()?;
    let text = text.split('/').next().unwrap_or_default();
    // `[::1]:80:80`, `127.0.0.1:80:80`, `8080:80`, `80`
    let (outer, _) = match text.rsplit_once(':') {
        Some(parts) => parts,
        None => return Some("of the host's choice".to_owned()),
    };
    match outer.rsplit_once(':') {
        Some((ip, _)) if is_loopback(ip.trim_matches(['[', ']'])) => None,
        Some((_, "")) => Some("of the host's choice".to_owned()),
        Some((_, at)) => Some(at.to_owned()),
        None => Some(outer.to_owned()),
    }
}

fn is_loopback(ip: &str) -> bool {
    ip == "localhost" || ip == "::1" || ip.starts_with("127.")
}
