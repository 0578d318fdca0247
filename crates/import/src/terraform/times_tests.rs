//! What vendors say of their times, and what nobody says.

use dinghai_estate::{Certainty, Inventory, MechanismKind, Timer};

use super::of;
use crate::outline::outline;

/// The lines of the outline that tell mechanisms, without where they stand.
fn mechanisms(text: &str) -> String {
    let told = outline(&of(text));
    told.lines().filter(|line| line.starts_with("mechanism")).collect::<Vec<_>>().join("\n")
}

fn within<'i>(inventory: &'i Inventory, service: &str) -> Option<&'i Timer> {
    inventory.mechanisms.iter().find_map(|mechanism| match &mechanism.kind {
        MechanismKind::ManagedFailover { within } if mechanism.service.as_str() == service => Some(within),
        _ => None,
    })
}

#[test]
fn each_managed_database_has_the_time_that_its_own_vendor_documents() {
    let told = mechanisms("
aws_db_instance.standby: {multi_az: 'true'}
aws_rds_cluster.three: {db_cluster_instance_class: db.m6gd.large}
aws_rds_cluster.aurora: {engine: aurora-mysql}
aws_rds_cluster_instance.aurora[0]: {cluster_identifier: '${aws_rds_cluster.aurora.id}', availability_zone: us-east-1a}
aws_rds_cluster_instance.aurora[1]: {cluster_identifier: '${aws_rds_cluster.aurora.id}', availability_zone: us-east-1b}
aws_docdb_cluster.docs: {engine: docdb}
aws_docdb_cluster_instance.docs[0]: {cluster_identifier: '${aws_docdb_cluster.docs.id}', availability_zone: us-east-1a}
aws_docdb_cluster_instance.docs[1]: {cluster_identifier: '${aws_docdb_cluster.docs.id}', availability_zone: us-east-1b}
aws_neptune_cluster.graph: {engine: neptune}
aws_neptune_cluster_instance.graph[0]: {cluster_identifier: '${aws_neptune_cluster.graph.id}', availability_zone: us-east-1a}
aws_neptune_cluster_instance.graph[1]: {cluster_identifier: '${aws_neptune_cluster.graph.id}', availability_zone: us-east-1b}
aws_elasticache_replication_group.cache: {num_cache_clusters: 2, automatic_failover_enabled: 'true'}
aws_mq_broker.queue: {deployment_mode: ACTIVE_STANDBY_MULTI_AZ}
alicloud_db_instance.rds: {category: HighAvailability, zone_id: cn-hangzhou-h, zone_id_slave_a: cn-hangzhou-i}
alicloud_polardb_cluster.mysql: {db_type: MySQL, zone_id: cn-hangzhou-h}
alicloud_polardb_cluster.postgres: {db_type: PostgreSQL, zone_id: cn-hangzhou-h}
alicloud_mongodb_instance.mongo: {zone_id: cn-hangzhou-h}
alicloud_kvstore_instance.redis: {node_type: MASTER_SLAVE, zone_id: cn-hangzhou-h}
");
    insta::assert_snapshot!(told);
}

#[test]
fn what_no_vendor_documents_is_told_as_assumed_and_less_sure() {
    let found = of("
aws_elasticache_replication_group.cache: {num_cache_clusters: 2, automatic_failover_enabled: 'true'}
aws_mq_broker.queue: {deployment_mode: ACTIVE_STANDBY_MULTI_AZ}
");
    for service in ["cache", "queue"] {
        let within = within(&found, service).expect("a failover");
        assert!(
            within.says.starts_with("assumed ") && !within.says.contains("documented as"),
            "{}",
            within.says
        );
        assert_eq!(within.source.certainty, Certainty::Inferred);
    }
}

#[test]
fn a_database_that_people_switch_over_has_no_time_for_it() {
    let found = of("
alicloud_db_instance.rds: {category: HighAvailability, zone_id: cn-hangzhou-h, zone_id_slave_a: cn-hangzhou-i, ha_config: Manual}
");
    assert!(within(&found, "rds").is_none());
    assert!(found.unseen.iter().any(|unseen| unseen.what.contains("by hand")), "{:?}", found.unseen);
}

#[test]
fn the_warm_up_of_a_group_comes_on_top_of_its_machines_boot() {
    let told = mechanisms("
aws_autoscaling_group.web: {min_size: 1, max_size: 2, availability_zones: [us-east-1a], default_instance_warmup: 60}
");
    assert!(
        told.contains("boot 240s `assumed 180s to boot a machine, default_instance_warmup = 60` inferred"),
        "{told}"
    );
}

/// A machine behind a balancer of AWS, whose group is `group`.
fn behind(group: &str) -> String {
    mechanisms(&format!("
aws_instance.web: {{availability_zone: us-east-1a}}
aws_lb.front: {{internal: 'true'}}
aws_lb_target_group.web: {group}
aws_lb_listener.all: {{load_balancer_arn: '${{aws_lb.front.arn}}', default_action: [{{target_group_arn: '${{aws_lb_target_group.web.arn}}'}}]}}
aws_lb_target_group_attachment.web: {{target_group_arn: '${{aws_lb_target_group.web.arn}}', target_id: '${{aws_instance.web.id}}'}}
"))
}

#[test]
fn a_target_group_is_checked_as_its_block_says_or_as_the_service_does_without_one() {
    let groups = [
        "{protocol: HTTP}",
        "{protocol: HTTP, health_check: [{path: /health}]}",
        "{protocol: HTTPS}",
        "{protocol: TCP}",
        "{protocol: TCP, health_check: [{interval: 10}]}",
        "{protocol: TCP, health_check: [{protocol: TCP}]}",
        "{protocol: GENEVE}",
    ];
    let told: Vec<String> = groups.iter().map(|group| format!("{group}\n  {}", behind(group))).collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn a_check_that_only_connects_is_not_one_that_wants_an_answer() {
    let told = mechanisms("
aws_instance.a: {availability_zone: us-east-1a}
aws_elb.tcp: {availability_zones: [us-east-1a], instances: ['${aws_instance.a.id}'], health_check: [{target: 'TCP:80', interval: 30, timeout: 5, healthy_threshold: 2, unhealthy_threshold: 2}]}
aws_elb.ssl: {availability_zones: [us-east-1a], instances: ['${aws_instance.a.id}'], health_check: [{target: 'SSL:443', interval: 30, timeout: 5, healthy_threshold: 2, unhealthy_threshold: 2}]}
aws_elb.plain: {availability_zones: [us-east-1a], instances: ['${aws_instance.a.id}']}
alicloud_instance.b: {availability_zone: cn-hangzhou-h}
alicloud_slb_load_balancer.clb: {master_zone_id: cn-hangzhou-h, address_type: intranet}
alicloud_slb_backend_server.clb: {load_balancer_id: '${alicloud_slb_load_balancer.clb.id}', backend_servers: [{server_id: '${alicloud_instance.b.id}'}]}
alicloud_slb_listener.tcp: {load_balancer_id: '${alicloud_slb_load_balancer.clb.id}', protocol: tcp}
alicloud_slb_listener.http: {load_balancer_id: '${alicloud_slb_load_balancer.clb.id}', protocol: http, health_check_timeout: 1}
alicloud_nlb_load_balancer.nlb: {address_type: Intranet, zone_mappings: [{zone_id: cn-hangzhou-h}]}
alicloud_nlb_listener.nlb: {load_balancer_id: '${alicloud_nlb_load_balancer.nlb.id}', server_group_id: '${alicloud_nlb_server_group.plain.id}'}
alicloud_nlb_listener.udp: {load_balancer_id: '${alicloud_nlb_load_balancer.nlb.id}', server_group_id: '${alicloud_nlb_server_group.udp.id}'}
alicloud_nlb_server_group.plain: {health_check: [{health_check_interval: 5}]}
alicloud_nlb_server_group.udp: {health_check: [{health_check_type: UDP, health_check_interval: 6}]}
alicloud_nlb_server_group_server_attachment.plain: {server_group_id: '${alicloud_nlb_server_group.plain.id}', server_id: '${alicloud_instance.b.id}'}
alicloud_nlb_server_group_server_attachment.udp: {server_group_id: '${alicloud_nlb_server_group.udp.id}', server_id: '${alicloud_instance.b.id}'}
");
    insta::assert_snapshot!(told);
}

#[test]
fn a_name_is_checked_for_as_long_as_its_kind_of_check_takes() {
    let of_kind = |check: &str| {
        let found = of(&format!("
aws_instance.web: {{availability_zone: us-east-1a, public_ip: 203.0.113.7}}
aws_route53_health_check.web: {{{check}}}
aws_route53_record.web: {{name: www.shop.example, type: A, ttl: 30, records: ['${{aws_instance.web.public_ip}}'], health_check_id: '${{aws_route53_health_check.web.id}}'}}
"));
        let told = outline(&found);
        let mut lines = told
            .lines()
            .filter(|line| line.starts_with("mechanism") || line.contains("to fail is not known"));
        format!("{check}\n  {}", lines.by_ref().collect::<Vec<_>>().join("\n  "))
    };
    let told = [
        "type: HTTPS",
        "type: HTTP_STR_MATCH, request_interval: 10",
        "type: TCP, failure_threshold: 1",
        "type: CALCULATED",
        "type: HTTP, disabled: 'true'",
    ];
    insta::assert_snapshot!(told.map(of_kind).join("\n"));
}

#[test]
fn an_alias_of_a_record_lives_as_long_as_that_record() {
    let told = mechanisms("
aws_instance.web: {availability_zone: us-east-1a, public_ip: 203.0.113.7}
aws_route53_record.web: {name: web.shop.example, fqdn: web.shop.example, type: A, ttl: 300, records: ['${aws_instance.web.public_ip}']}
aws_route53_record.www: {name: www.shop.example, type: A, alias: [{name: '${aws_route53_record.web.fqdn}'}]}
");
    assert!(!told.contains("60s"), "{told}");
}
