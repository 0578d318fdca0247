//! Docker Compose: every service of a project runs on the one host on which `docker compose up` was said.
//!
//! That host is a place, `host of NAME`, which no file mentions and every service certainly stands on; in which zone it stands no
//! file says. Only a stack for Docker Swarm (`deploy.placement`, `deploy.mode`, overlay networks) is spread by a scheduler; there
//! a task is somewhere, and only constraints say where ([`swarm`]).
//!
//! | in the file | becomes |
//! |---|---|
//! | a service | a service with as many instances as `deploy.replicas` or `scale` say |
//! | `depends_on`, `links`, `network_mode: service:`, `volumes_from` | hard needs, declared |
//! | addresses in `environment`, `env_file`, `command` | needs, inferred |
//! | mounted configuration files that are among the files ([`mounts`]) | needs, inferred |
//! | published ports | entries, unless they listen on the loopback address only |
//! | `restart` | [`dinghai_estate::MechanismKind::Restart`] with Docker's documented pause |
//! | `healthcheck` | [`dinghai_estate::Feature::Probe`] |
//! | `profiles` | not started by default: left out, and said |
//! | a service that others wait to have *completed* | a job: it does not serve |

mod mounts;
mod ports;
mod project;
mod service;
mod swarm;
mod variables;

use std::collections::BTreeSet;

use dinghai_estate::{Handling, PlaceId, PlaceKind, ServiceId, Source};

use crate::SourceFile;
use crate::fragment::Fragment;
use crate::value::{Key, Node};

pub(crate) use project::has_compose_name;

/// What stands where, for everything in a project.
struct Ground<'a> {
    /// The project's own documents' folder, and its files.
    folder: String,
    files: &'a [&'a SourceFile],
    /// The one host; none for a stack that Swarm places.
    host: Option<PlaceId>,
    /// Services that others wait to have completed.
    jobs: BTreeSet<String>,
}

/// Reads one Compose project: its base file with the overrides of the same project, and whatever files these refer to.
pub(crate) fn read(name: &str, files: &[&SourceFile]) -> Fragment {
    let mut fragment = Fragment::new(name, "compose");
    let project = project::read(files);
    fragment.inventory.unseen.extend(project.unseen);
    let Some(whole) = project.whole else { return fragment };
    let Some(services) = whole.get("services").filter(|services| services.entries().next().is_some()) else {
        fragment.unseen(whole.origin(), "no `services` in this Compose file");
        return fragment;
    };
    let swarm = swarm::is_stack(&whole);
    let host = (!swarm).then(|| {
        let stated = whole.get("name").and_then(Node::text);
        let folder =
            project.folder.trim_end_matches('/').rsplit('/').next().filter(|folder| !folder.is_empty());
        let project_name = stated.unwrap_or_else(|| folder.unwrap_or(name).to_owned());
        let host = PlaceId::new(format!("host of {project_name}"));
        fragment.place(&host, PlaceKind::Node, &Source::derived(whole.origin_of("services")));
        host
    });
    let ground = Ground { folder: project.folder, files, host, jobs: jobs(services) };
    let active: Vec<(&Key, &Node)> =
        services.entries().filter(|(key, node)| starts(&mut fragment, key, node, &ground)).collect();
    for (key, node) in &active {
        service::read(&mut fragment, &ground, key, node);
        mounts::read(&mut fragment, &ground, &ServiceId::new(&key.text), node, whole.get("configs"));
    }
    ports::entries(&mut fragment, &active);
    service::pulls(&mut fragment, &active);
    fragment
}

/// Services that another waits for until they have completed.
fn jobs(services: &Node) -> BTreeSet<String> {
    let waits = services.entries().filter_map(|(_, service)| service.get("depends_on"));
    waits
        .flat_map(Node::entries)
        .filter(|(_, need)| {
            need.get("condition").and_then(Node::str) == Some("service_completed_successfully")
        })
        .map(|(key, _)| key.text.clone())
        .collect()
}

/// Whether a service is one that `docker compose up` starts and that serves; when not, says why.
fn starts(fragment: &mut Fragment, key: &Key, node: &Node, ground: &Ground<'_>) -> bool {
    let name = &key.text;
    if ground.jobs.contains(name) {
        fragment.count("compose service", Handling::Reasoned);
        return false;
    }
    if let Some(profiles) = node.get("profiles").filter(|profiles| profiles.says_something()) {
        let profiles = profiles.texts().join("`, `");
        let what = format!("service `{name}` only starts with the profile `{profiles}` and was left out");
        fragment.unseen(node.origin_of("profiles"), what);
        fragment.count("compose service", Handling::Ignored);
        return false;
    }
    if service::copies(node).is_some_and(|copies| copies.count() == Some(0)) {
        fragment.unseen(key.origin(node), format!("service `{name}` is scaled to 0 and was left out"));
        fragment.count("compose service", Handling::Ignored);
        return false;
    }
    true
}

#[cfg(test)]
mod tests;
