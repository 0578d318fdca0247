//! Say it: an argument of a Terraform resource that turns a protection on.

use dinghai_estate::{FoundService, Origin};

use super::{Text, instead};
use crate::{Edit, Finding, Report};

/// Arguments by which a kind of resource gets what a rule misses, as its provider documents them.
struct Remedy {
    kind: &'static str,
    rules: &'static [&'static str],
    arguments: &'static [(&'static str, &'static str)],
}

const fn remedy(
    kind: &'static str,
    rules: &'static [&'static str],
    arguments: &'static [(&'static str, &'static str)],
) -> Remedy {
    Remedy { kind, rules, arguments }
}

const RELEASE: &[&str] = &["no-release-protection"];

const REMEDIES: &[Remedy] = &[
    remedy("aws_db_instance", &["single-point"], &[("multi_az", "true")]),
    remedy("aws_db_instance", RELEASE, &[("deletion_protection", "true")]),
    remedy("aws_db_instance", &["no-cross-zone-copy"], &[("backup_retention_period", "7")]),
    remedy("aws_rds_cluster", RELEASE, &[("deletion_protection", "true")]),
    remedy(
        "aws_elasticache_replication_group",
        &["single-point", "cache-not-clustered"],
        &[("num_cache_clusters", "2"), ("automatic_failover_enabled", "true"), ("multi_az_enabled", "true")],
    ),
    remedy("aws_lb", RELEASE, &[("enable_deletion_protection", "true")]),
    remedy("aws_alb", RELEASE, &[("enable_deletion_protection", "true")]),
    remedy("aws_instance", RELEASE, &[("disable_api_termination", "true")]),
    remedy("alicloud_instance", RELEASE, &[("deletion_protection", "true")]),
    remedy("alicloud_db_instance", RELEASE, &[("deletion_protection", "true")]),
    remedy("alicloud_kvstore_instance", RELEASE, &[("instance_release_protection", "true")]),
    remedy("alicloud_polardb_cluster", RELEASE, &[("deletion_lock", "1")]),
    remedy("alicloud_slb_load_balancer", RELEASE, &[("delete_protection", "\"on\"")]),
    remedy("alicloud_alb_load_balancer", RELEASE, &[("deletion_protection_enabled", "true")]),
];

pub(super) fn proposals(report: &Report, finding: &Finding, text: &Text<'_>) -> Vec<Vec<Edit>> {
    let services = finding.about.iter().filter_map(|id| report.inventory.services.get(id));
    let each: Vec<Vec<Edit>> = services.filter_map(|service| remedied(service, finding.rule, text)).collect();
    // A finding about several resources is gone only when all of them say it.
    let all: Vec<Edit> = each.iter().flatten().cloned().collect();
    let together = (each.len() > 1).then_some(all);
    each.into_iter().chain(together).collect()
}

fn remedied(service: &FoundService, rule: &str, text: &Text<'_>) -> Option<Vec<Edit>> {
    let mut parts = service.resource.split('.');
    let remedy = parts.find_map(|part| {
        REMEDIES.iter().find(|remedy| remedy.kind == part && remedy.rules.contains(&rule))
    })?;
    let edits = remedy.arguments.iter().map(|(name, value)| said(&service.source.origin, name, value, text));
    edits.collect()
}

/// The block that begins at a line, with the argument changed or put in after its first line.
fn said(block: &Origin, name: &str, value: &str, text: &Text<'_>) -> Option<Edit> {
    let begins = text.line(block)?;
    if !begins.trim_end().ends_with('{') {
        return None;
    }
    let skipped = usize::try_from(block.line).ok()?;
    for (line, number) in text.lines(&block.file).skip(skipped).zip(block.line + 1..) {
        if line.starts_with('}') {
            break;
        }
        let argument = line.trim_start().strip_prefix(name).map(str::trim_start);
        if argument.is_some_and(|rest| rest.starts_with('=')) {
            let (before, _) = line.split_once('=')?;
            let origin = Origin { line: number, ..block.clone() };
            return Some(instead(&origin, format!("{before}= {value}")));
        }
    }
    let line = format!("  {name} = {value}");
    Some(Edit { file: block.file.clone(), line: block.line + 1, remove: 0, add: vec![line] })
}
