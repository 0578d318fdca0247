//! Queues and logs of messages.

use dinghai_estate::{Role, Source, UnknownKind};

use crate::terraform::ground::At;
use crate::terraform::index::{argument, dig};
use crate::terraform::survey::{Kind, Member, Survey};
use crate::terraform::zones::Cloud;

pub(super) const KINDS: &[Kind] = &[
    Kind { name: "alicloud_alikafka_instance", role: Role::Queue, joins: &[], make: broker },
    Kind { name: "alicloud_amqp_instance", role: Role::Queue, joins: &[], make: broker },
    Kind { name: "alicloud_rocketmq_instance", role: Role::Queue, joins: &[], make: broker },
    Kind { name: "alicloud_ons_instance", role: Role::Queue, joins: &[], make: broker },
    Kind { name: "alicloud_mns_queue", role: Role::Queue, joins: &[], make: regional },
    Kind { name: "alicloud_message_service_queue", role: Role::Queue, joins: &[], make: regional },
    Kind { name: "alicloud_mns_topic", role: Role::Queue, joins: &[], make: regional },
    Kind { name: "alicloud_message_service_topic", role: Role::Queue, joins: &[], make: regional },
];

fn regional<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    survey.region_wide(member);
}

/// Brokers stand in the zones that are selected; a vswitch alone says only where their addresses are.
fn broker<'a>(survey: &mut Survey<'a>, member: &Member<'a>) {
    let (body, origin) = (&member.resource.body, &member.resource.origin);
    let mut spots = Vec::new();
    let paths = ["selected_zones", "vswitch_ids", "network_info.vpc_info.vswitches.vswitch_id"];
    for node in paths.iter().flat_map(|path| dig(body, path)) {
        spots.extend(survey.spots(Cloud::Alicloud, node));
    }
    let zones = spots.iter().filter(|spot| matches!(spot.at, At::Zone(..))).count();
    if zones >= 2 {
        survey.one_each(member, spots);
        return;
    }
    let line = argument(body, "zone_id").or_else(|| argument(body, "vswitch_id"));
    let line = line.map_or_else(|| origin.clone(), crate::value::Node::origin);
    let why = "over how many zones the vendor spreads its brokers is not stated";
    let spot = survey.somewhere(&line, why, UnknownKind::Hidden);
    survey.stand(member, &spot, Source::declared(origin.clone()), false);
}
