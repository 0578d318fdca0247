//! Configuration files that are mounted into a service: whom it reaches often stands there.
//!
//! Only files that look like configuration by their ending are looked at, not the source code that people mount while they develop.

use dinghai_estate::{Origin, ServiceId, Source};

use super::{Ground, project};
use crate::connection::{in_text, need_kind};
use crate::fragment::{Fragment, Want};
use crate::value::Node;

const ENDINGS: [&str; 10] =
    [".conf", ".cfg", ".config", ".cnf", ".yaml", ".yml", ".toml", ".ini", ".properties", ".template"];
/// Files of one mounted folder, at most.
const MOST: usize = 100;

/// Adds what mounted files say.
pub(super) fn read(
    fragment: &mut Fragment,
    ground: &Ground<'_>,
    id: &ServiceId,
    node: &Node,
    configs: Option<&Node>,
) {
    for (path, origin) in mounted(node, configs) {
        let full = project::join(&ground.folder, &path);
        let inside = format!("{full}/");
        let files = ground.files.iter().filter(|file| {
            let own = project::join("", &file.path);
            own == full || (own.starts_with(&inside) && is_configuration(&own))
        });
        let mut any = false;
        for file in files.take(MOST) {
            any = true;
            let shown = file.path.strip_prefix(&ground.folder).unwrap_or(&file.path);
            for endpoint in in_text(&file.text) {
                let kind = need_kind("", &endpoint.host);
                let source = Source::inferred(origin.clone());
                let (name, how) = (endpoint.name(), format!("mounted {shown}"));
                fragment.wants(Want { from: id.clone(), name, kind, how, source, outside: false });
            }
        }
        if !any && is_configuration(&path) {
            fragment.unseen(origin, format!("`{path}` is mounted into `{id}` and was not looked at"));
        }
    }
}

fn is_configuration(path: &str) -> bool {
    ENDINGS.iter().any(|ending| path.ends_with(ending))
}

/// The paths of the project's own that are mounted.
fn mounted(node: &Node, configs: Option<&Node>) -> Vec<(String, Origin)> {
    let volumes = node.get("volumes").map(Node::items).unwrap_or_default().iter().filter_map(|volume| {
        let source = match volume.get("source") {
            Some(source) => source.text()?,
            None => volume.text()?.split(':').next()?.to_owned(),
        };
        source.starts_with('.').then(|| (source, volume.origin()))
    });
    let named = node.get("configs").map(Node::items).unwrap_or_default().iter().filter_map(|config| {
        let name = config.get("source").unwrap_or(config).text()?;
        Some((configs?.get(&name)?.get("file")?.text()?, config.origin()))
    });
    volumes.chain(named).collect()
}
