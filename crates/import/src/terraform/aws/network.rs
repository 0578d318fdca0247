//! Networks: they give others their places and ways, see `ground` and `ways_out`.

use dinghai_estate::Handling;

use crate::terraform::Resource;
use crate::terraform::index::argument;
use crate::terraform::survey::{Survey, Tie, reasoned};
use crate::terraform::zones::Cloud;

pub(super) const TIES: &[Tie] = &[
    Tie { name: "aws_subnet", tie: subnet },
    Tie { name: "aws_default_subnet", tie: subnet },
    Tie { name: "aws_vpc", tie: reasoned },
    Tie { name: "aws_internet_gateway", tie: reasoned },
    Tie { name: "aws_route_table", tie: reasoned },
    Tie { name: "aws_default_route_table", tie: reasoned },
    Tie { name: "aws_main_route_table_association", tie: reasoned },
    Tie { name: "aws_route_table_association", tie: reasoned },
    Tie { name: "aws_route", tie: reasoned },
    Tie { name: "aws_eip", tie: address },
    Tie { name: "aws_eip_association", tie: association },
    Tie { name: "aws_security_group", tie: reasoned },
    Tie { name: "aws_default_security_group", tie: reasoned },
    Tie { name: "aws_security_group_rule", tie: reasoned },
    Tie { name: "aws_vpc_security_group_ingress_rule", tie: reasoned },
    Tie { name: "aws_vpc_security_group_egress_rule", tie: reasoned },
];

fn subnet<'a>(survey: &mut Survey<'a>, resource: &'a Resource) -> Handling {
    match survey.seat(Cloud::Aws, &resource.body).map(|spot| spot.at) {
        Some(crate::terraform::ground::At::Zone(..)) => Handling::Reasoned,
        _ => Handling::Unknown,
    }
}

/// An address of its own, for a machine.
fn address<'a>(survey: &mut Survey<'a>, resource: &'a Resource) -> Handling {
    survey.exposed(&resource.body, "instance");
    Handling::Reasoned
}

/// A machine gets an address that another resource declares.
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
