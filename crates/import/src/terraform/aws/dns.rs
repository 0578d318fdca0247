//! Names.

use dinghai_estate::{Asks, BackendCheck, Handling, MechanismKind, Source, Timer};

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

/// A check of an endpoint. Defaults are those of the service (API reference, HealthCheckConfig): every 30 s, 3 failures. How long one
/// of them waits no argument says ("How Amazon Route 53 determines whether a health check is healthy"): 10 s for a connection; else
/// 4 s to connect and 2 s for the answer, and another 2 s for its text where that is looked into. How long a check takes that looks at
/// other checks or at an alarm is in those.
fn endpoint_check(survey: &mut Survey<'_>, block: &Resource) -> Option<BackendCheck> {
    let kind = argument(&block.body, "type").and_then(Node::str);
    let off = argument(&block.body, "disabled").and_then(Node::truth) == Some(true);
    let (timeout, how, asks) = match kind {
        _ if off => return None,
        Some("TCP") => (10, "10s to connect", Asks::Connection),
        Some("HTTP" | "HTTPS") => (6, "4s to connect and 2s to answer", Asks::Answer),
        Some("HTTP_STR_MATCH" | "HTTPS_STR_MATCH") => {
            (8, "4s to connect, 2s to answer and 2s for the text", Asks::Answer)
        }
        _ => {
            let what = format!("how long `{}` takes to fail is not known from it alone", block.address);
            survey.fragment.unseen(block.origin.clone(), what);
            return None;
        }
    };
    let words = CheckWords {
        every: ("request_interval", 30),
        timeout: ("timeout", timeout),
        fall: ("failure_threshold", 3),
        rise: ("failure_threshold", 3),
    };
    let check = check(Some(&block.body), &words, asks, &block.origin)?;
    Some(BackendCheck { timeout: documented(timeout.into(), how, &block.origin), ..check })
}

/// How long a name lives on. An alias has the TTL of the record that it stands for, else 60 s, says the provider's page on
/// `aws_route53_record`; for everything else the argument is required.
fn time_to_live(survey: &mut Survey<'_>, resource: &Resource) -> Option<Timer> {
    let stated = |resource: &Resource| {
        argument(&resource.body, "ttl")?;
        seconds(Some(&resource.body), ("ttl", 0), &resource.origin)
    };
    let origin = &resource.origin;
    let known = match blocks(&resource.body, "alias").into_iter().next() {
        None => stated(resource),
        Some(alias) => {
            let name = argument(alias, "name");
            let record =
                name.and_then(|name| survey.index.meant_of(name, &["aws_route53_record"]).into_iter().next());
            match record {
                Some(record) => stated(record),
                None => Some(documented(60, "60s for an alias", origin)),
            }
        }
    };
    if known.is_none() {
        let what = format!("how long the name of `{}` lives on is not stated", resource.address);
        survey.fragment.unseen(origin.clone(), what);
    }
    known
}

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
    let check = block.and_then(|block| endpoint_check(survey, block));
    let ttl = time_to_live(survey, resource);
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
