locals {
  # name => how far it may grow, and what its machines are told beside the rest
  groups = {
    web     = { most = 9, env = "PICTURES=${alicloud_oss_bucket.pictures.intranet_endpoint}" }
    payment = { most = 6, env = "BANK_URL=https://api.bank.example" }
  }
}

resource "alicloud_security_group" "app" {
  security_group_name = "app"
  vpc_id              = alicloud_vpc.shop.id
}

resource "alicloud_ess_scaling_group" "app" {
  for_each = local.groups

  scaling_group_name        = each.key
  min_size                  = length(var.zones)
  max_size                  = each.value.most
  vswitch_ids               = [for vswitch in alicloud_vswitch.app : vswitch.id]
  multi_az_policy           = "BALANCE"
  group_deletion_protection = true
}

resource "alicloud_ess_scaling_configuration" "app" {
  for_each = local.groups

  scaling_group_id  = alicloud_ess_scaling_group.app[each.key].id
  image_id          = var.image_id
  instance_type     = "ecs.c7.large"
  security_group_id = alicloud_security_group.app.id
  active            = true
  enable            = true

  user_data = base64encode(<<-EOT
    #!/bin/sh
    cat > /etc/shop.env <<ENV
    ROLE=${each.key}
    ORDERS_DB_HOST=${module.orders.host}
    SESSIONS_HOST=${alicloud_kvstore_instance.sessions.connection_domain}
    ${each.value.env}
    ENV
    systemctl start shop
  EOT
  )
}

resource "alicloud_ess_scaling_rule" "app" {
  for_each = local.groups

  scaling_group_id          = alicloud_ess_scaling_group.app[each.key].id
  scaling_rule_type         = "TargetTrackingScalingRule"
  metric_name               = "CpuUtilization"
  target_value              = 55
  estimated_instance_warmup = 90
}

resource "alicloud_ess_alb_server_group_attachment" "app" {
  for_each = local.groups

  scaling_group_id    = alicloud_ess_scaling_group.app[each.key].id
  alb_server_group_id = alicloud_alb_server_group.app[each.key].id
  port                = 8080
  weight              = 100
}

resource "alicloud_kvstore_instance" "sessions" {
  db_instance_name  = "sessions"
  instance_class    = "redis.master.mid.default"
  instance_type     = "Redis"
  engine_version    = "5.0"
  vswitch_id        = alicloud_vswitch.app["i"].id
  zone_id           = local.zones["i"]
  secondary_zone_id = local.zones["j"]
}

resource "alicloud_oss_bucket" "pictures" {
  bucket          = "shop-pictures"
  redundancy_type = "ZRS"
}

module "orders" {
  source = "./modules/database"

  name         = "orders"
  primary_zone = local.zones["h"]
  vswitch_id   = alicloud_vswitch.app["h"].id
  password     = var.orders_password
}
