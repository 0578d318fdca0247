//! What a program is told about: a database's address in its user data, a queue's in its environment.
//!
//! A reference to another service in what a machine, task or function is started with is a need. In a state the
//! references are gone and addresses stand there as text; those are compared with the addresses that are known. Of a value only
//! the host is kept, see [`crate::connection`].

use std::collections::BTreeSet;

use dinghai_estate::{Act, RecoveryStep, Role, ServiceId, Source};

use super::Resource;
use super::survey::Survey;
use crate::connection;
use crate::fragment::Want;
use crate::value::{Node, Value};

/// Arguments that point the other way, or at what is no need: who stands in front, what it is part of, who is told.
const ASIDE: &[&str] = &[
    "load_balancer",
    "load_balancers",
    "loadbalancer_ids",
    "target_group_arns",
    "target_group_arn",
    "alb_server_group",
    "server_groups",
    "cluster",
    "cluster_name",
    "cluster_id",
    "scaling_group_id",
    "depends_on",
    "vpc_security_group_ids",
    "security_groups",
    "security_group_ids",
    "subnet_id",
    "subnets",
    "subnet_ids",
    "vswitch_id",
    "vswitch_ids",
    "vpc_zone_identifier",
    "availability_zone",
    "zone_id",
    "access_logs",
    "logging_config",
    "tags",
    "volume_tags",
    "service_registries",
    "dead_letter_config",
    "alarm_actions",
    "id",
    "arn",
    "ebs_block_device",
    "root_block_device",
    "data_disks",
    "private_ip",
    "public_ip",
];

/// Maps and lists inside each other, at most.
const DEEPEST: usize = 64;
/// Addresses that are looked at in one text, at most.
const MOST: usize = 256;

/// Something that a program is told, and by which argument or variable.
struct Said {
    attribute: String,
    node: Node,
}

impl<'a> Survey<'a> {
    /// Turns what services are told into needs.
    pub(super) fn mentions(&mut self) {
        let of_members = self.members.values().map(|member| (member.service.clone(), member.resource));
        let of_runs = self.runs.iter().flat_map(|(id, runs)| runs.iter().map(|run| (id.clone(), *run)));
        let bodies: BTreeSet<(ServiceId, &str)> =
            of_members.chain(of_runs).map(|(id, resource)| (id, resource.address.as_str())).collect();
        for (from, address) in bodies {
            let role = self.fragment.inventory.services.get(&from).map(|service| service.role);
            if !matches!(role, Some(Role::Workload | Role::Access | Role::Monitoring)) {
                continue;
            }
            for resource in self.index.at(address) {
                self.mentions_of(&from, resource);
            }
        }
    }

    fn mentions_of(&mut self, from: &ServiceId, resource: &Resource) {
        let mut said = Vec::new();
        walk(&resource.body, "", &mut said, 0);
        for Said { attribute, node } in said {
            for (to, meant) in self.services_named(&node) {
                let source = Source::derived(node.origin());
                self.mentioned(from, &to, &format!("`{attribute}` names {}", meant.address), source);
            }
            self.addresses_in(from, &attribute, &text(&node), &node);
        }
    }

    /// The services that references in a value mean; texts are looked at for addresses instead.
    fn services_named(&self, node: &Node) -> Vec<(ServiceId, &'a Resource)> {
        match &node.value {
            Value::Reference(..) => self.services(node),
            Value::Joined(parts) => parts.iter().flat_map(|part| self.services_named(part)).collect(),
            // A reason names what it waits for: `aws_db_instance.orders.address` in backticks.
            Value::Unknown(why) => {
                why.split('`').skip(1).step_by(2).flat_map(|name| self.service_named(name)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The service that an address with an attribute behind it means.
    fn service_named(&self, name: &str) -> Option<(ServiceId, &'a Resource)> {
        let mut address = name;
        loop {
            if let Some(resource) = self.index.at(address).into_iter().next() {
                return Some((self.service_at(&resource.address)?.clone(), resource));
            }
            address = address.rsplit_once('.')?.0;
        }
    }

    fn mentioned(&mut self, from: &ServiceId, to: &ServiceId, how: &str, source: Source) {
        match self.fragment.inventory.services.get(to).map(|service| service.role) {
            Some(Role::Registry) => {
                let step = RecoveryStep {
                    act: Act::PullImage,
                    service: Some(from.clone()),
                    needs: Some(to.clone()),
                    place: None,
                    how: how.to_owned(),
                    source,
                };
                self.step(step);
            }
            // What watches is not needed to serve, and a balancer that is named in a group stands in front of it.
            Some(Role::Monitoring | Role::Access) | None => {}
            Some(_) => self.need(from, to, how, source),
        }
    }

    /// Notes a step of recovery.
    pub(super) fn step(&mut self, step: RecoveryStep) {
        if !self.fragment.inventory.steps.contains(&step) {
            self.fragment.inventory.steps.push(step);
        }
    }

    /// Addresses in a text: of services here, and of somebody else where it is certainly an address.
    fn addresses_in(&mut self, from: &ServiceId, attribute: &str, text: &str, node: &Node) {
        let source = Source::inferred(node.origin());
        // Names that a state knows are found wherever they stand.
        let known: BTreeSet<String> = text
            .split(|char: char| !(char.is_ascii_alphanumeric() || matches!(char, '.' | '-' | '_')))
            .filter(|host| host.len() > 6 && host.contains('.'))
            .map(|host| host.trim_matches('.').to_lowercase())
            .filter(|host| self.fragment.names.contains_key(host))
            .take(MOST)
            .collect();
        for name in known {
            let to = self.fragment.names.get(&name).cloned().unwrap_or_default();
            for to in to {
                self.mentioned(from, &to, &format!("`{attribute}` names {name}"), source.clone());
            }
        }
        let (endpoints, key) = match attribute.strip_prefix("env ") {
            Some(key) => (connection::endpoints(key, text), key),
            None if matches!(attribute, "user_data" | "user_data_base64") => (connection::in_text(text), ""),
            None => return,
        };
        for endpoint in endpoints.into_iter().take(MOST) {
            let name = endpoint.name();
            self.fragment.wants(Want {
                from: from.clone(),
                kind: connection::need_kind(key, &name),
                name,
                how: attribute.to_owned(),
                source: source.clone(),
                outside: endpoint.outside,
            });
        }
    }
}

/// A value as text, with [`connection::UNKNOWN`] for what nobody knows.
fn text(node: &Node) -> String {
    match &node.value {
        Value::Text(text) => text.clone(),
        Value::Joined(parts) => parts.iter().map(text).collect(),
        _ => connection::UNKNOWN.to_string(),
    }
}

/// JSON in a text, as task definitions have it in a plan or state; its lines are those of the text.
fn inside(node: &Node) -> Option<Node> {
    fn put(node: &mut Node, at: &Node) {
        (node.file, node.line, node.column) = (at.file.clone(), at.line, at.column);
        match &mut node.value {
            Value::List(items) => items.iter_mut().for_each(|item| put(item, at)),
            Value::Map(entries) => entries.iter_mut().for_each(|(_, item)| put(item, at)),
            _ => {}
        }
    }
    let text = node.str().filter(|text| text.starts_with(['[', '{']))?;
    let mut inner = super::json::read("", text, &|_, _| false).ok()?;
    put(&mut inner, node);
    Some(inner)
}

fn walk(node: &Node, attribute: &str, said: &mut Vec<Said>, depth: usize) {
    if depth > DEEPEST {
        return;
    }
    match &node.value {
        Value::Map(entries) => {
            // Tasks list their variables as names and values.
            if let (Some(name), Some(value)) = (node.get("name").and_then(Node::str), node.get("value")) {
                return walk(value, &format!("env {name}"), said, depth + 1);
            }
            for (key, inner) in entries.iter().filter(|(key, _)| !ASIDE.contains(&key.text.as_str())) {
                let name = match attribute {
                    "" => key.text.clone(),
                    outer if outer.ends_with("environment") || outer.ends_with("variables") => {
                        format!("env {}", key.text)
                    }
                    outer => format!("{}.{}", outer.split('.').next().unwrap_or_default(), key.text),
                };
                walk(inner, &name, said, depth + 1);
            }
        }
        Value::List(items) => items.iter().for_each(|item| walk(item, attribute, said, depth + 1)),
        Value::Text(_) if attribute == "container_definitions" => {
            if let Some(inner) = inside(node) {
                walk(&inner, attribute, said, depth + 1);
            }
        }
        Value::Reference(..) | Value::Text(_) | Value::Joined(_) | Value::Unknown(_) => {
            said.push(Said { attribute: attribute.to_owned(), node: node.clone() });
        }
        _ => {}
    }
}
