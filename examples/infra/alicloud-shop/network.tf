locals {
  zones = { for letter in var.zones : letter => "${var.region}-${letter}" }

  # NAT gateways are billed by the hour; zone j was added later.
  ways_out = ["h", "i"]
}

resource "alicloud_vpc" "shop" {
  vpc_name   = "shop"
  cidr_block = var.network
}

resource "alicloud_vswitch" "front" {
  for_each = local.zones

  vpc_id       = alicloud_vpc.shop.id
  vswitch_name = "front-${each.key}"
  cidr_block   = cidrsubnet(var.network, 8, index(var.zones, each.key))
  zone_id      = each.value
}

resource "alicloud_vswitch" "app" {
  for_each = local.zones

  vpc_id       = alicloud_vpc.shop.id
  vswitch_name = "app-${each.key}"
  cidr_block   = cidrsubnet(var.network, 8, 10 + index(var.zones, each.key))
  zone_id      = each.value
}

resource "alicloud_nat_gateway" "out" {
  for_each = toset(local.ways_out)

  vpc_id           = alicloud_vpc.shop.id
  vswitch_id       = alicloud_vswitch.front[each.key].id
  nat_gateway_name = "out-${each.key}"
  nat_type         = "Enhanced"
  payment_type     = "PayAsYouGo"
}

resource "alicloud_eip_address" "out" {
  for_each = toset(local.ways_out)

  address_name = "out-${each.key}"
  isp          = "BGP"
}

resource "alicloud_eip_association" "out" {
  for_each = toset(local.ways_out)

  allocation_id = alicloud_eip_address.out[each.key].id
  instance_id   = alicloud_nat_gateway.out[each.key].id
  instance_type = "Nat"
}

resource "alicloud_route_table" "app" {
  for_each = toset(local.ways_out)

  vpc_id           = alicloud_vpc.shop.id
  route_table_name = "app-${each.key}"
}

resource "alicloud_route_entry" "out" {
  for_each = toset(local.ways_out)

  route_table_id        = alicloud_route_table.app[each.key].id
  destination_cidrblock = "0.0.0.0/0"
  nexthop_type          = "NatGateway"
  nexthop_id            = alicloud_nat_gateway.out[each.key].id
}

resource "alicloud_route_table_attachment" "h" {
  vswitch_id     = alicloud_vswitch.app["h"].id
  route_table_id = alicloud_route_table.app["h"].id
}

resource "alicloud_route_table_attachment" "i" {
  vswitch_id     = alicloud_vswitch.app["i"].id
  route_table_id = alicloud_route_table.app["i"].id
}

resource "alicloud_route_table_attachment" "j" {
  vswitch_id     = alicloud_vswitch.app["j"].id
  route_table_id = alicloud_route_table.app["i"].id
}
