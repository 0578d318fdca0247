//! What a program is told about: a database's address in its user data, a queue's in its environment.
//!
//! A reference to another service in what a machine, task or function is started with is a need. In a state the
//! references are gone and addresses stand there as text; those are compared with the addresses that are known. Only the
//! attribute's or variable's name is kept, never a value.

use std::collections::BTreeSet;

use dinghai_estate::{Act, Certainty, NeedKind, RecoveryStep, Role, ServiceId, Source};

use super::Resource;
use super::survey::Survey;
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

/// Names to look at in all text of one service, at most.
const DEEPEST: usize = 64;

struct Said {
    attribute: String,
    node: Node,
}

impl Survey<'_> {
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
            if let Value::Text(text) = &node.value {
                self.hosts_in(from, &attribute, text, &node);
                continue;
            }
            for (to, meant) in self.services(&node) {
                let source = Source::derived(node.origin());
                self.mentioned(from, &to, &format!("`{attribute}` names {}", meant.address), source);
            }
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

    /// Addresses of other services in a text.
    fn hosts_in(&mut self, from: &ServiceId, attribute: &str, text: &str, node: &Node) {
        let hosts: BTreeSet<String> = text
            .split(|char: char| !(char.is_ascii_alphanumeric() || char == '.' || char == '-' || char == '_'))
            .filter(|host| host.len() > 6 && host.contains('.'))
            .map(|host| host.trim_matches('.').to_lowercase())
            .filter(|host| self.fragment.names.contains_key(host))
            .take(DEEPEST)
            .collect();
        for name in hosts {
            let registry = self.fragment.names.get(&name).into_iter().flatten().find(|to| {
                self.fragment.inventory.services.get(to).is_some_and(|service| service.role == Role::Registry)
            });
            let source = Source { origin: node.origin(), certainty: Certainty::Inferred };
            let how = format!("`{attribute}` names {name}");
            if let Some(to) = registry.cloned() {
                self.mentioned(from, &to, &how, source);
                continue;
            }
            let want = Want { from: from.clone(), name, kind: NeedKind::Hard, how, source, outside: false };
            self.fragment.wants(want);
        }
    }
}

fn walk(node: &Node, attribute: &str, said: &mut Vec<Said>, depth: usize) {
    if depth > DEEPEST {
        return;
    }
    match &node.value {
        Value::Map(entries) => {
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
        Value::Reference(..) | Value::Text(_) => {
            said.push(Said { attribute: attribute.to_owned(), node: node.clone() });
        }
        _ => {}
    }
}
