//! Networks: they give others their places and ways, see `ground` and `ways_out`.

use dinghai_estate::Handling;

use crate::terraform::Resource;
use crate::terraform::ground::At;
use crate::terraform::index::argument;
use crate::terraform::survey::{Survey, Tie, reasoned};
use crate::terraform::zones::Cloud;

pub(super) const TIES: &[Tie] = &[
    Tie { name: "alicloud_vswitch", tie: vswitch },
    Tie { name: "alicloud_vpc", tie: reasoned },
    Tie { name: "alicloud_route_table", tie: reasoned },
    Tie { name: "alicloud_route_entry", tie: reasoned },
    Tie { name: "alicloud_route_table_attachment", tie: reasoned },
    Tie { name: "alicloud_snat_entry", tie: reasoned },
    Tie { name: "alicloud_forward_entry", tie: reasoned },
    Tie { name: "alicloud_eip", tie: reasoned },
    Tie { name: "alicloud_eip_address", tie: reasoned },
    Tie { name: "alicloud_eip_association", tie: association },
    Tie { name: "alicloud_security_group", tie: reasoned },
    Tie { name: "alicloud_security_group_rule", tie: reasoned },
];

fn vswitch<'a>(survey: &mut Survey<'a>, resource: &'a Resource) -> Handling {
    match survey.seat(Cloud::Alicloud, &resource.body).map(|spot| spot.at) {
        Some(At::Zone(..)) => Handling::Reasoned,
        _ => Handling::Unknown,
    }
}

/// A machine or balancer with an address of its own on the internet.
fn association<'a>(survey: &mut Survey<'a>, resource: &'a Resource) -> Handling {
    survey.exposed(&resource.body, "instance_id");
    let addresses =
        argument(&resource.body, "allocation_id").map(|node| survey.index.meant(node)).unwrap_or_default();
    let addresses: Vec<String> = addresses.into_iter().map(|meant| meant.address.clone()).collect();
    if let Some(node) = argument(&resource.body, "instance_id") {
        for address in addresses {
            survey.hops_to(&address, node, "association");
        }
    }
    Handling::Reasoned
}
