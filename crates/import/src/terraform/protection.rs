//! Which argument keeps a resource from being deleted or released by one mistaken call.
//!
//! Arguments and defaults are those of the providers' documentation (registry.terraform.io, one page for each kind).

use dinghai_estate::Feature;

use super::index::argument;
use super::survey::{Member, Survey};

const KEPT: &[(&str, &str, bool)] = &[
    ("aws_instance", "disable_api_termination", false),
    ("aws_lb", "enable_deletion_protection", false),
    ("aws_alb", "enable_deletion_protection", false),
    ("aws_db_instance", "deletion_protection", false),
    ("aws_rds_cluster", "deletion_protection", false),
    ("aws_docdb_cluster", "deletion_protection", false),
    ("aws_neptune_cluster", "deletion_protection", false),
    ("aws_dynamodb_table", "deletion_protection_enabled", false),
    ("aws_eks_cluster", "deletion_protection", false),
    ("alicloud_instance", "deletion_protection", false),
    ("alicloud_slb", "delete_protection", false),
    ("alicloud_slb_load_balancer", "delete_protection", false),
    ("alicloud_db_instance", "deletion_protection", false),
    ("alicloud_db_readonly_instance", "deletion_protection", false),
    ("alicloud_polardb_cluster", "deletion_lock", false),
    ("alicloud_mongodb_instance", "db_instance_release_protection", false),
    ("alicloud_mongodb_sharding_instance", "db_instance_release_protection", false),
    ("alicloud_kvstore_instance", "instance_release_protection", false),
    ("alicloud_cs_managed_kubernetes", "deletion_protection", false),
    ("alicloud_eip", "deletion_protection", false),
    ("alicloud_eip_address", "deletion_protection", false),
    ("alicloud_nat_gateway", "deletion_protection", false),
    ("alicloud_ess_scaling_group", "group_deletion_protection", false),
];

/// Looks at the member's argument, where its kind has one.
pub(super) fn look<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    let resource = member.resource;
    // A replica may go; what it copies may not.
    if resource.data || member.joined {
        return;
    }
    if let Some((_, key, otherwise)) = KEPT.iter().find(|(kind, ..)| *kind == resource.kind) {
        let node = argument(&resource.body, key);
        // PolarDB counts: 1 is locked.
        let presence =
            match node.filter(|_| *key == "deletion_lock").and_then(|node| Some((node, node.count()?))) {
                Some((node, 0)) => {
                    dinghai_estate::Presence::Absent(dinghai_estate::Source::declared(node.origin()))
                }
                Some((node, _)) => {
                    dinghai_estate::Presence::Present(dinghai_estate::Source::declared(node.origin()))
                }
                None => Survey::flag(node, *otherwise, &resource.origin),
            };
        survey.feature(&member.service, Feature::ReleaseProtection, presence);
    }
    // Balancers of the newer kinds of alicloud have a block for it.
    if matches!(resource.kind.as_str(), "alicloud_alb_load_balancer" | "alicloud_nlb_load_balancer") {
        let nodes = super::index::dig(&resource.body, "deletion_protection_config.enabled");
        let old = argument(&resource.body, "deletion_protection_enabled");
        let presence = Survey::flag(nodes.first().copied().or(old), false, &resource.origin);
        survey.feature(&member.service, Feature::ReleaseProtection, presence);
    }
}
