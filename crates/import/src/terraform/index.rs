//! Finds resources: by address, by what `.tf` files refer to, and by the concrete ids that a state knows.
//!
//! The same argument reads `aws_subnet.a.id` in a `.tf` file and `subnet-0ab` in a state. Both lead here to the same resource,
//! so that nobody further on has to care which of the two was read.

use std::collections::BTreeMap;

use super::Resource;
use crate::value::{Node, Value};

/// Attributes by whose value one resource is meant, whatever its kind.
const UNIQUE: &[&str] = &[
    "id",
    "arn",
    "dns_name",
    "endpoint",
    "address",
    "configuration_endpoint_address",
    "primary_endpoint_address",
    "reader_endpoint",
    "connection_string",
    "connection_domain",
    "invoke_arn",
    "repository_url",
    "public_ip",
    "private_ip",
    "ip_address",
    "snat_table_ids",
];

/// All resources, to be found.
pub(super) struct Index<'a> {
    by_address: BTreeMap<&'a str, &'a Resource>,
    by_base: BTreeMap<&'a str, Vec<&'a Resource>>,
    by_value: BTreeMap<&'a str, Vec<&'a Resource>>,
    by_name: BTreeMap<(&'a str, &'a str), Vec<&'a Resource>>,
}

impl<'a> Index<'a> {
    /// Of all resources.
    pub(super) fn new(resources: &'a [Resource]) -> Self {
        let mut index = Self {
            by_address: BTreeMap::new(),
            by_base: BTreeMap::new(),
            by_value: BTreeMap::new(),
            by_name: BTreeMap::new(),
        };
        for resource in resources {
            index.by_address.entry(&resource.address).or_insert(resource);
        }
        for resource in index.by_address.values().copied() {
            index.by_base.entry(base(&resource.address)).or_default().push(resource);
            for key in UNIQUE {
                if let Some(text) = resource.body.get(key).and_then(Node::str).filter(|text| !text.is_empty())
                {
                    let known = index.by_value.entry(text).or_default();
                    if !known.iter().any(|known| known.address == resource.address) {
                        known.push(resource);
                    }
                }
            }
            for (key, node) in resource.body.entries() {
                let names = key.text == "name"
                    || key.text == "bucket"
                    || key.text == "identifier"
                    || key.text == "family"
                    || key.text.ends_with("_name")
                    || key.text.ends_with("_identifier");
                if let Some(text) = node.str().filter(|text| names && !text.is_empty()) {
                    index.by_name.entry((&resource.kind, text)).or_default().push(resource);
                }
            }
        }
        index
    }

    /// All resources, by address.
    pub(super) fn all(&self) -> impl Iterator<Item = &'a Resource> + '_ {
        self.by_address.values().copied()
    }

    /// Those of one kind, data sources left out.
    pub(super) fn of<'s>(&'s self, kind: &'s str) -> impl Iterator<Item = &'a Resource> + 's {
        self.all().filter(move |resource| resource.kind == kind && !resource.data)
    }

    /// The resources that an address means: itself, or all copies of it.
    pub(super) fn at(&self, address: &str) -> Vec<&'a Resource> {
        match self.by_address.get(address) {
            Some(resource) => vec![resource],
            None => {
                let plain = address.strip_suffix("[*]").unwrap_or(address);
                self.by_base.get(plain).cloned().unwrap_or_default()
            }
        }
    }

    /// The resources that a node means, those in a list or map one after the other.
    pub(super) fn meant(&self, node: &Node) -> Vec<&'a Resource> {
        match &node.value {
            Value::Reference(address, _) => self.at(address),
            Value::Text(text) => self.by_value.get(text.as_str()).cloned().unwrap_or_default(),
            // A text that is put together, such as an address with its port, means what it is made of.
            Value::List(items) | Value::Joined(items) => {
                items.iter().flat_map(|item| self.meant(item)).collect()
            }
            Value::Map(entries) => entries.iter().flat_map(|(_, item)| self.meant(item)).collect(),
            _ => Vec::new(),
        }
    }

    /// The resources of certain kinds that a node means, also by their plain names.
    pub(super) fn meant_of(&self, node: &Node, kinds: &[&str]) -> Vec<&'a Resource> {
        let mut found: Vec<&'a Resource> =
            self.meant(node).into_iter().filter(|resource| kinds.contains(&resource.kind.as_str())).collect();
        if found.is_empty() {
            let items = if node.items().is_empty() { std::slice::from_ref(node) } else { node.items() };
            for text in items.iter().filter_map(Node::str) {
                let named = kinds.iter().filter_map(|kind| self.by_name.get(&(*kind, text)));
                found.extend(named.flatten().copied());
            }
        }
        found
    }
}

/// An address without the index of its copy: `aws_instance.web` of `aws_instance.web[0]`.
pub(super) fn base(address: &str) -> &str {
    let open = if address.ends_with("\"]") {
        address.rfind("[\"")
    } else if address.ends_with(']') {
        address.rfind('[')
    } else {
        None
    };
    open.and_then(|open| address.get(..open)).unwrap_or(address)
}

/// An argument that says something; none when it is missing or null.
pub(super) fn argument<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    node.get(key).filter(|node| match &node.value {
        Value::Null => false,
        // Providers write "" and [] into a state for what nobody stated.
        Value::Text(text) => !text.is_empty(),
        Value::List(items) => !items.is_empty(),
        _ => true,
    })
}

/// All nodes at the end of a path of keys, such as `network_configuration.subnets`; lists on the way are walked through.
pub(super) fn dig<'n>(node: &'n Node, path: &str) -> Vec<&'n Node> {
    let mut found = vec![node];
    for key in path.split('.') {
        let next = found.into_iter().flat_map(|node| match &node.value {
            Value::List(items) => items.iter().filter_map(|item| argument(item, key)).collect::<Vec<_>>(),
            _ => argument(node, key).into_iter().collect(),
        });
        found = next.collect();
    }
    found
}

/// The nested blocks of a name.
pub(super) fn blocks<'n>(node: &'n Node, name: &str) -> Vec<&'n Node> {
    match argument(node, name) {
        Some(found) => match &found.value {
            Value::List(items) => items.iter().collect(),
            Value::Map(_) => vec![found],
            _ => Vec::new(),
        },
        None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::base;

    #[test]
    fn the_index_of_a_copy_is_left_off() {
        assert_eq!(base("aws_instance.web[0]"), "aws_instance.web");
        assert_eq!(base("module.a[\"x\"].aws_instance.web"), "module.a[\"x\"].aws_instance.web");
        assert_eq!(base("module.a[1].aws_instance.web[\"a[0]\"]"), "module.a[1].aws_instance.web");
    }
}
