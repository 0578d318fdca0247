//! The first `dinghai.yaml`: what the files cannot say is left to say, and what they say stays in them.
//!
//! The draft names the services on core paths, why each is there, and where each fact about it stands. It repeats no fact: `import`
//! reads the files anew each time, so that the estate never disagrees with them.

use std::collections::BTreeMap;
use std::fmt::Write;

use dinghai_estate::{FoundService, Inventory, NeedKind, PlaceId, PlaceKind, Role, ServiceId};
use dinghai_risk::{Core, core_services, on_core_paths};

/// Lines about one service.
const SHOWN: usize = 6;

/// The text of a first estate for an inventory whose files lie at these paths, seen from the new file.
pub(super) fn draft(inventory: &Inventory, name: &str, imports: &[String], made_by: &str) -> String {
    let core = core_services(inventory);
    let paths = on_core_paths(inventory, &core);
    let mut text = format!(
        "# {made_by}\n# Facts stay in the imported files and are read anew by each `dinghai check`. This file says what they cannot: what is\n\
         # vital, what it has to outlive, and what is promised. Each comment names the line that a guess rests on: confirm it or\n\
         # change it, then delete the comment.\n"
    );
    let list: Vec<String> = imports.iter().map(|path| quoted(path)).collect();
    let _ = write!(text, "estate: {}\nimport: [{}]\n", quoted(name), list.join(", "));
    places(inventory, &paths, &mut text);
    let _ = write!(text, "\nservices:\n");
    for Core { service, why, source } in &core {
        let _ = writeln!(text, "  # {why} ({}, {}).", source.origin, source.certainty);
        let Some(found) = inventory.services.get(service) else { continue };
        let _ = write!(text, "  {}:\n    tier: core\n    survive: zone\n", quoted(service.as_str()));
        about(found, &mut text);
    }
    let behind = paths.keys().filter(|id| !core.iter().any(|core| core.service == ***id));
    let mut behind = behind.filter_map(|id| Some((*id, inventory.services.get(*id)?))).peekable();
    if behind.peek().is_some() {
        let _ = write!(
            text,
            "\n  # What these need hard. They stop with it, so it counts as it is; say here what the files do not.\n"
        );
    }
    for (id, found) in behind {
        let _ = writeln!(text, "  # {id}: {}, {}", found.resource, found.source.origin);
        if found.role == Role::External {
            let _ = writeln!(
                text,
                "  #   outside these files: who else depends on it, and does anything stand in for it?"
            );
        }
        about(found, &mut text);
    }
    text.push_str(
        "\n# Promise what users were told, and `check` holds it against the composed worst case:\npromises:\n  profile: none\n  # failover.zone: { within: 30s }\n",
    );
    text
}

/// Places of which nobody says where they lie, to be filled in.
fn places(inventory: &Inventory, paths: &BTreeMap<&ServiceId, dinghai_estate::Certainty>, text: &mut String) {
    let services = paths.keys().filter_map(|id| inventory.services.get(*id));
    let mut open: BTreeMap<&PlaceId, &FoundService> = BTreeMap::new();
    for service in services {
        for place in service.instances.iter().flat_map(|instance| instance.at.keys()) {
            let found = inventory.places.get(place);
            if found.is_some_and(|found| found.kind == PlaceKind::Node && found.within.is_empty()) {
                open.entry(place).or_insert(service);
            }
        }
    }
    if open.is_empty() {
        return;
    }
    text.push_str("\n# No file says in which zone, rack or on which power feed these stand. Say it, or it stays unknown:\n# places:\n");
    for place in open.keys() {
        let origin = inventory.places.get(*place).map(|found| found.source.origin.to_string());
        let _ = writeln!(
            text,
            "#   {}: {{ kind: node, within: ZONE }}   # {}",
            quoted(place.as_str()),
            origin.unwrap_or_default()
        );
    }
}

/// What the files say of a service, as comments with their lines.
fn about(found: &FoundService, text: &mut String) {
    let mut lines: Vec<String> = Vec::new();
    let running = found.running().count();
    let places: Vec<String> = found
        .running()
        .flat_map(|instance| &instance.at)
        .map(|(place, source)| format!("{place} ({}, {})", source.origin, source.certainty))
        .collect();
    match (&found.open, running) {
        (Some(open), _) => lines.push(format!("instances unknown: {} ({})", open.why, open.origin)),
        (None, count) => {
            let word = if count == 1 { "instance" } else { "instances" };
            lines.push(format!("{count} {word}{}", if places.is_empty() { "" } else { ":" }));
        }
    }
    lines.extend(places.into_iter().map(|place| format!("  at {place}")));
    let untold = found.running().flat_map(|instance| &instance.unknown).next();
    lines.extend(untold.map(|(kind, why)| format!("  {kind} unknown: {} ({})", why.why, why.origin)));
    lines.extend(found.needs.iter().map(|need| {
        let kind = if need.kind == NeedKind::Hard { "hard" } else { "soft" };
        format!(
            "needs {} ({kind}): {} ({}, {})",
            need.service, need.how, need.source.origin, need.source.certainty
        )
    }));
    let more = lines.len().saturating_sub(SHOWN);
    for line in lines.iter().take(SHOWN) {
        let _ = writeln!(text, "    # {line}");
    }
    if more > 0 {
        let _ = writeln!(text, "    # … and {more} more lines: `dinghai check --json` has them");
    }
}

/// A scalar that YAML reads back as this text.
fn quoted(text: &str) -> String {
    let plain = text.chars().all(|sign| sign.is_ascii_alphanumeric() || "-_./@".contains(sign))
        && text.chars().next().is_some_and(|sign| sign.is_ascii_alphabetic());
    let word =
        matches!(text.to_ascii_lowercase().as_str(), "true" | "false" | "yes" | "no" | "on" | "off" | "null");
    match plain && !word {
        true => text.to_owned(),
        false => serde_json::Value::from(text).to_string(),
    }
}
