//! Names.

use dinghai_estate::{Asks, Handling, MechanismKind, Source};

use crate::terraform::Resource;
use crate::terraform::index::{argument, blocks, dig};
use crate::terraform::survey::{Kind, Survey, Tie, reasoned};
use crate::terraform::timers::{CheckWords, check, documented, seconds};
use crate::value::Node;

pub(super) const KINDS: &[Kind] = &[];

pub(super) const TIES: &[Tie] = &[
    Tie { name: "aws_route53_record", tie: record },
    Tie { name: "aws_route53_zone", tie: reasoned },
    Tie { name: "aws_route53_health_check", tie: reasoned },
    Tie { name: "aws_service_discovery_service", tie: reasoned },
    Tie { name: "aws_service_discovery_private_dns_namespace", tie: reasoned },
];

/// The provider requires `failure_threshold` and `request_interval`; 30 s and 3 are what the service's guide names as usual. An
/// answer is waited for up to 4 s to connect and 2 s after.
const CHECK: CheckWords = CheckWords {
    every: ("request_interval", 30),
    timeout: ("timeout", 6),
    fall: ("failure_threshold", 3),
    rise: ("failure_threshold", 3),
};

fn record<'a>(survey: &mut Survey<'a>, resource: &'a Resource) -> Handling {
    let (body, origin) = (&resource.body, &resource.origin);
    let kind = argument(body, "type").and_then(Node::str).unwrap_or("A");
    if !matches!(kind, "A" | "AAAA" | "CNAME") {
        return Handling::Ignored;
    }
    let targets = dig(body, "alias.name").into_iter().chain(argument(body, "records"));
    let targets: Vec<&Node> = targets.collect();
    let block = argument(body, "health_check_id")
        .map(|node| survey.index.meant_of(node, &["aws_route53_health_check"]))
        .and_then(|checks| checks.into_iter().next());
    let check = block.and_then(|block| {
        let kind = argument(&block.body, "type").and_then(Node::str);
        let asks = if kind == Some("TCP") { Asks::Connection } else { Asks::Answer };
        check(Some(&block.body), &CHECK, asks, &block.origin)
    });
    // An alias has the TTL of what it stands for: 60 s for balancers, as the service's guide says.
    let ttl = match blocks(body, "alias").is_empty() {
        true => seconds(Some(body), ("ttl", 300), origin),
        false => Some(documented(60, "60s for an alias", origin)),
    };
    let name =
        argument(body, "fqdn").or_else(|| argument(body, "name")).and_then(Node::str).unwrap_or_default();
    let private =
        argument(body, "zone_id").map(|node| survey.index.meant(node)).unwrap_or_default().iter().any(
            |zone| {
                !blocks(&zone.body, "vpc").is_empty()
                    || argument(&zone.body, "private_zone").and_then(Node::truth) == Some(true)
            },
        );
    let source = Source::declared(origin.clone());
    let kind = ttl.map(|ttl| MechanismKind::Dns { ttl, check });
    survey.named(&targets, name, private, kind, &source)
}
