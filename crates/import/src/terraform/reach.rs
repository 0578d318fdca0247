//! Who may reach whom by security groups.
//!
//! Nobody opens a database's port to a group of machines for nothing: where the group of a database admits the group of a
//! program on the database's port, the program needs it. That is a guess, and marked as one.

use std::collections::{BTreeMap, BTreeSet};

use dinghai_estate::{Role, ServiceId, Source};

use super::index::{argument, blocks, dig};
use super::survey::Survey;
use crate::value::{Node, Value};

/// Kinds of security group.
const GROUPS: &[&str] = &["aws_security_group", "aws_default_security_group", "alicloud_security_group"];
/// Arguments by which a resource carries groups.
const CARRIED: &[&str] = &[
    "vpc_security_group_ids",
    "security_groups",
    "security_group_ids",
    "security_group_id",
    "cluster_security_group_id",
];
/// Ranges wider than this are no hint at one program.
const WIDEST: u32 = 100;

struct Rule {
    to: String,
    from: BTreeSet<String>,
    ports: Option<(u32, u32)>,
    world: bool,
    source: Source,
}

impl Survey<'_> {
    /// Turns admissions into needs.
    pub(super) fn reach(&mut self) {
        let carriers = self.carriers();
        let rules = self.rules();
        for rule in &rules {
            let Some(reached) = carriers.get(&rule.to) else { continue };
            for from in rule.from.iter().filter(|from| **from != rule.to) {
                for client in carriers.get(from).into_iter().flatten() {
                    for server in reached.iter().filter(|server| *server != client) {
                        self.admitted(client, server, rule, from);
                    }
                }
            }
        }
        for rule in rules.iter().filter(|rule| rule.world) {
            let web = |port: u32| rule.ports.is_none_or(|(low, high)| low <= port && port <= high);
            if web(443) || web(80) {
                let reached = carriers.get(&rule.to).cloned().unwrap_or_default();
                for id in reached {
                    self.open_to_world.entry(id).or_insert_with(|| rule.source.clone());
                }
            }
        }
    }

    fn admitted(&mut self, client: &ServiceId, server: &ServiceId, rule: &Rule, from: &str) {
        let role = |id: &ServiceId| self.fragment.inventory.services.get(id).map(|service| service.role);
        let (Some(of), Some(to)) = (role(client), role(server)) else { return };
        let keeps = matches!(to, Role::Database | Role::Cache | Role::Queue | Role::Search | Role::Storage);
        let narrow =
            rule.ports.is_some_and(|(low, high)| high - low.min(high) <= WIDEST && low != 22 && high != 3389);
        let fits = match to {
            Role::Workload | Role::Balancer => narrow,
            _ => keeps && rule.ports.is_none_or(|(low, high)| !(low == 22 && high == 22)),
        };
        if of != Role::Workload || !fits {
            return;
        }
        let ports = match rule.ports {
            Some((low, high)) if low == high => format!(" on port {low}"),
            Some((low, high)) => format!(" on ports {low} to {high}"),
            None => String::new(),
        };
        let how = format!("{} admits {from}{ports}", rule.to);
        self.need(client, server, &how, rule.source.clone());
    }

    /// Which services carry a security group, by its address.
    fn carriers(&self) -> BTreeMap<String, BTreeSet<ServiceId>> {
        let mut carriers: BTreeMap<String, BTreeSet<ServiceId>> = BTreeMap::new();
        let of_members = self.members.values().map(|member| (&member.service, member.resource));
        let of_runs = self.runs.iter().flat_map(|(id, runs)| runs.iter().map(move |run| (id, *run)));
        for (id, resource) in of_members.chain(of_runs) {
            let mut found = BTreeSet::new();
            carried(self, &resource.body, &mut found, 0);
            for group in found {
                carriers.entry(group).or_default().insert(id.clone());
            }
        }
        carriers
    }

    fn group(&self, node: &Node) -> BTreeSet<String> {
        self.index.meant_of(node, GROUPS).into_iter().map(|group| group.address.clone()).collect()
    }

    fn rules(&self) -> Vec<Rule> {
        let mut rules = Vec::new();
        for group in self.index.all().filter(|resource| GROUPS.contains(&resource.kind.as_str())) {
            for block in blocks(&group.body, "ingress") {
                let from =
                    dig(block, "security_groups").into_iter().flat_map(|node| self.group(node)).collect();
                rules.push(self.rule([group.address.clone()].into(), from, block, block));
            }
        }
        for resource in self.index.all() {
            let body = &resource.body;
            let own = |key: &str| argument(body, key).map(|node| self.group(node)).unwrap_or_default();
            let ingress = argument(body, "type").and_then(Node::str) == Some("ingress");
            match resource.kind.as_str() {
                "aws_security_group_rule" | "alicloud_security_group_rule" if ingress => {
                    let source = argument(body, "source_security_group_id");
                    let from = source.map(|node| self.group(node)).unwrap_or_default();
                    rules.push(self.rule(own("security_group_id"), from, body, source.unwrap_or(body)));
                }
                "aws_vpc_security_group_ingress_rule" => {
                    let source = argument(body, "referenced_security_group_id");
                    let from = source.map(|node| self.group(node)).unwrap_or_default();
                    rules.push(self.rule(own("security_group_id"), from, body, source.unwrap_or(body)));
                }
                _ => {}
            }
        }
        rules
    }

    fn rule(&self, to: BTreeSet<String>, from: BTreeSet<String>, body: &Node, line: &Node) -> Rule {
        let port = |key: &str| {
            argument(body, key).and_then(Node::number).filter(|port| *port >= 0.0).map(|port| port as u32)
        };
        let range = argument(body, "port_range").and_then(Node::str).and_then(|text| text.split_once('/'));
        let ports = match range {
            Some((low, high)) => low.parse().ok().zip(high.parse().ok()),
            None => port("from_port").zip(port("to_port")),
        };
        let any = argument(body, "protocol").or_else(|| argument(body, "ip_protocol")).and_then(Node::text);
        let any = any.is_some_and(|protocol| matches!(protocol.as_str(), "-1" | "all"));
        let blocks = ["cidr_blocks", "cidr_ipv4", "cidr_ip"].iter().filter_map(|key| argument(body, key));
        let world = blocks.into_iter().any(|node| {
            let items = if node.items().is_empty() { std::slice::from_ref(node) } else { node.items() };
            items.iter().any(|item| item.str() == Some("0.0.0.0/0"))
        });
        Rule {
            to: to.into_iter().next().unwrap_or_default(),
            from,
            ports: ports.filter(|_| !any),
            world,
            source: Source::inferred(line.origin()),
        }
    }
}

fn carried(survey: &Survey<'_>, node: &Node, found: &mut BTreeSet<String>, depth: usize) {
    if depth > 16 {
        return;
    }
    match &node.value {
        Value::Map(entries) => {
            for (key, inner) in entries {
                match CARRIED.contains(&key.text.as_str()) {
                    true => found.extend(survey.group(inner)),
                    false => carried(survey, inner, found, depth + 1),
                }
            }
        }
        Value::List(items) => items.iter().for_each(|item| carried(survey, item, found, depth + 1)),
        _ => {}
    }
}
