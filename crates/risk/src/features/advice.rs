//! What to write where a protection is missing, by rule and by kind of resource.

/// The advice for things of this kind. Where a kind is not known here, what holds for all of them.
pub(super) fn of(rule: &str, kind: &str) -> Option<&'static str> {
    let known = ADVICE.iter().filter(|(of, _, _)| *of == rule);
    let mut known = known.filter(|(_, kinds, _)| kinds.is_empty() || kinds.contains(&kind));
    known.next().map(|(_, _, advice)| *advice)
}

/// By rule: the kinds, and what to do; without kinds for all others, which comes last.
const ADVICE: [(&str, &[&str], &str); 34] = [
    (
        "cache-not-clustered",
        &["aws_elasticache_cluster"],
        "declare an `aws_elasticache_replication_group` with two nodes or more, `automatic_failover_enabled = true` and \
         `multi_az_enabled = true` in its place",
    ),
    (
        "cache-not-clustered",
        &["aws_elasticache_replication_group"],
        "set `num_cache_clusters = 2` or more, `automatic_failover_enabled = true` and `multi_az_enabled = true`",
    ),
    (
        "cache-not-clustered",
        &["alicloud_kvstore_instance"],
        "choose an `instance_class` with a replica or a cluster, and set `secondary_zone_id` to another zone",
    ),
    ("cache-not-clustered", &[], "run a second node in another zone that takes over by itself"),
    (
        "no-cross-zone-copy",
        &["aws_ebs_volume"],
        "let an `aws_dlm_lifecycle_policy` or an AWS Backup plan take snapshots of it; those are kept for the whole region",
    ),
    (
        "no-cross-zone-copy",
        &["aws_db_instance", "aws_rds_cluster"],
        "set `backup_retention_period` to 7 or more; automated backups are kept for the whole region",
    ),
    (
        "no-cross-zone-copy",
        &["aws_elasticache_replication_group"],
        "set `snapshot_retention_limit` to 1 or more",
    ),
    ("no-cross-zone-copy", &["aws_dynamodb_table"], "add `point_in_time_recovery { enabled = true }`"),
    (
        "no-cross-zone-copy",
        &["alicloud_disk", "alicloud_ecs_disk"],
        "attach an automatic snapshot policy with `alicloud_ecs_auto_snapshot_policy_attachment`",
    ),
    ("no-cross-zone-copy", &["alicloud_db_instance"], "declare an `alicloud_db_backup_policy` for it"),
    (
        "no-cross-zone-copy",
        &["alicloud_oss_bucket"],
        "set `redundancy_type = \"ZRS\"`, which holds for new buckets only",
    ),
    (
        "no-cross-zone-copy",
        &["PersistentVolumeClaim", "StatefulSet"],
        "take volume snapshots on a schedule and keep them outside the zone, or replicate the data in the application",
    ),
    ("no-cross-zone-copy", &[], "take copies on a schedule and keep them in another zone"),
    ("no-release-protection", &["aws_db_instance", "aws_rds_cluster"], "set `deletion_protection = true`"),
    ("no-release-protection", &["aws_lb", "aws_alb"], "set `enable_deletion_protection = true`"),
    ("no-release-protection", &["aws_instance"], "set `disable_api_termination = true`"),
    ("no-release-protection", &["aws_dynamodb_table"], "set `deletion_protection_enabled = true`"),
    (
        "no-release-protection",
        &["alicloud_db_instance", "alicloud_instance"],
        "set `deletion_protection = true`",
    ),
    ("no-release-protection", &["alicloud_polardb_cluster"], "set `deletion_lock = 1`"),
    (
        "no-release-protection",
        &["alicloud_slb", "alicloud_slb_load_balancer"],
        "set `delete_protection = \"on\"`",
    ),
    (
        "no-release-protection",
        &["alicloud_alb_load_balancer", "alicloud_nlb_load_balancer"],
        "set `deletion_protection_enabled = true`",
    ),
    (
        "no-release-protection",
        &[],
        "switch on the vendor's protection from deletion, and in Terraform `lifecycle { prevent_destroy = true }`",
    ),
    (
        "no-scaling",
        &["Deployment", "StatefulSet"],
        "add a HorizontalPodAutoscaler for it, with `minReplicas` no lower than what has to stand",
    ),
    (
        "no-scaling",
        &["aws_instance"],
        "let an `aws_autoscaling_group` over several zones run it in place of single machines",
    ),
    (
        "no-scaling",
        &["alicloud_instance"],
        "let an `alicloud_ess_scaling_group` over several zones run it in place of single machines",
    ),
    (
        "no-scaling",
        &[],
        "let a scaling group over several places run it, or say who adds instances and how fast",
    ),
    (
        "no-disruption-budget",
        &[],
        "add a PodDisruptionBudget that selects its pods, with `maxUnavailable: 1`",
    ),
    (
        "no-probe-declared",
        &["Deployment", "StatefulSet", "DaemonSet", "Pod"],
        "add a `readinessProbe` to its containers that asks what users ask",
    ),
    (
        "no-probe-declared",
        &["Compose"],
        "add a `healthcheck` to it, and `condition: service_healthy` where others wait for it",
    ),
    (
        "no-probe-declared",
        &["aws_autoscaling_group"],
        "set `health_check_type = \"ELB\"`, so that an instance that does not answer is replaced",
    ),
    ("no-probe-declared", &["alicloud_ess_scaling_group"], "set `health_check_type = \"LOAD_BALANCER\"`"),
    ("no-probe-declared", &[], "let the balancer in front of it, or whoever starts it, ask for its health"),
    (
        "no-requests",
        &["Deployment", "StatefulSet", "DaemonSet", "Pod"],
        "set `resources.requests` for memory and processor in each of its containers",
    ),
    ("no-requests", &[], "state what it uses, so that whoever places it can reserve that"),
];
