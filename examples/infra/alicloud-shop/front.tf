resource "alicloud_alb_load_balancer" "front" {
  load_balancer_name          = "front"
  load_balancer_edition       = "Standard"
  vpc_id                      = alicloud_vpc.shop.id
  address_type                = "Internet"
  deletion_protection_enabled = true

  load_balancer_billing_config {
    pay_type = "PayAsYouGo"
  }

  dynamic "zone_mappings" {
    for_each = local.zones

    content {
      vswitch_id = alicloud_vswitch.front[zone_mappings.key].id
      zone_id    = zone_mappings.value
    }
  }
}

resource "alicloud_alb_server_group" "app" {
  for_each = local.groups

  server_group_name = each.key
  vpc_id            = alicloud_vpc.shop.id
  protocol          = "HTTP"

  health_check_config {
    health_check_enabled  = true
    health_check_path     = "/healthz"
    health_check_interval = 2
    health_check_timeout  = 1
    unhealthy_threshold   = 3
    healthy_threshold     = 2
  }
}

resource "alicloud_alb_listener" "https" {
  load_balancer_id  = alicloud_alb_load_balancer.front.id
  listener_protocol = "HTTPS"
  listener_port     = 443

  default_actions {
    type = "ForwardGroup"

    forward_group_config {
      server_group_tuples {
        server_group_id = alicloud_alb_server_group.app["web"].id
      }
    }
  }
}

resource "alicloud_alb_rule" "pay" {
  rule_name   = "pay"
  listener_id = alicloud_alb_listener.https.id
  priority    = 10

  rule_conditions {
    type = "Path"

    path_config {
      values = ["/pay/*"]
    }
  }

  rule_actions {
    order = 1
    type  = "ForwardGroup"

    forward_group_config {
      server_group_tuples {
        server_group_id = alicloud_alb_server_group.app["payment"].id
      }
    }
  }
}

resource "alicloud_alidns_record" "shop" {
  domain_name = "shop.example"
  rr          = "www"
  type        = "CNAME"
  value       = alicloud_alb_load_balancer.front.dns_name
  ttl         = 60
}
