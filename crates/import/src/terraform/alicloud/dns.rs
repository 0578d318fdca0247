//! Names, and alarms.

use dinghai_estate::{Handling, MechanismKind, Source};

use crate::terraform::Resource;
use crate::terraform::index::argument;
use crate::terraform::survey::{Survey, Tie, reasoned};
use crate::terraform::timers::seconds;
use crate::value::Node;

pub(super) const TIES: &[Tie] = &[
    Tie { name: "alicloud_alidns_record", tie: record },
    Tie { name: "alicloud_dns_record", tie: record },
    Tie { name: "alicloud_dns", tie: reasoned },
    Tie { name: "alicloud_alidns_domain", tie: reasoned },
    Tie { name: "alicloud_pvtz_zone", tie: reasoned },
    Tie { name: "alicloud_pvtz_zone_attachment", tie: reasoned },
    Tie { name: "alicloud_pvtz_zone_record", tie: private_record },
    Tie { name: "alicloud_cms_alarm", tie: reasoned },
    Tie { name: "alicloud_cms_alarm_contact_group", tie: reasoned },
];

/// 600 s unless stated, says the provider's page on `alicloud_alidns_record`.
fn record<'a>(survey: &mut Survey<'a>, resource: &'a Resource) -> Handling {
    let text = |keys: &[&str]| keys.iter().find_map(|key| argument(&resource.body, key)).and_then(Node::str);
    let host = text(&["rr", "host_record"]);
    let domain = text(&["domain_name", "name"]);
    let name = match (host, domain) {
        (Some("@") | None, Some(domain)) => domain.to_owned(),
        (Some(host), Some(domain)) => format!("{host}.{domain}"),
        _ => String::new(),
    };
    point(survey, resource, &name, 600, false)
}

/// 60 s unless stated, says the provider's page on `alicloud_pvtz_zone_record`.
fn private_record<'a>(survey: &mut Survey<'a>, resource: &'a Resource) -> Handling {
    let host =
        ["rr", "resource_record"].iter().find_map(|key| argument(&resource.body, key)).and_then(Node::str);
    let zones = argument(&resource.body, "zone_id").map(|node| survey.index.meant(node)).unwrap_or_default();
    let domain = zones.iter().find_map(|zone| {
        ["zone_name", "name"].iter().find_map(|key| argument(&zone.body, key)).and_then(Node::str)
    });
    let name = match (host, domain) {
        (Some(host), Some(domain)) if host != "@" => format!("{host}.{domain}"),
        (_, Some(domain)) => domain.to_owned(),
        _ => String::new(),
    };
    point(survey, resource, &name, 60, true)
}

fn point<'a>(
    survey: &mut Survey<'a>,
    resource: &'a Resource,
    name: &str,
    otherwise: u32,
    private: bool,
) -> Handling {
    let body = &resource.body;
    let kind = argument(body, "type").and_then(Node::str).unwrap_or("A");
    if !matches!(kind, "A" | "AAAA" | "CNAME") {
        return Handling::Ignored;
    }
    let targets: Vec<&Node> = ["value", "value_list"].iter().filter_map(|key| argument(body, key)).collect();
    let ttl = seconds(Some(body), ("ttl", otherwise), &resource.origin);
    let kind = ttl.map(|ttl| MechanismKind::Dns { ttl, check: None });
    survey.named(&targets, name, private, kind, &Source::declared(resource.origin.clone()))
}
