# A PostgreSQL pair: a primary, and a standby that the vendor promotes by himself.

resource "alicloud_db_instance" "this" {
  engine                   = "PostgreSQL"
  engine_version           = "15.0"
  category                 = "HighAvailability"
  instance_name            = var.name
  instance_type            = "pg.x4.large.2c"
  instance_storage         = 200
  db_instance_storage_type = "cloud_essd"
  vswitch_id               = var.vswitch_id
  zone_id                  = var.primary_zone
  zone_id_slave_a          = coalesce(var.standby_zone, var.primary_zone)
  deletion_protection      = true
}

resource "alicloud_rds_account" "app" {
  db_instance_id   = alicloud_db_instance.this.id
  account_name     = "shop"
  account_password = var.password
}

resource "alicloud_db_backup_policy" "nightly" {
  instance_id             = alicloud_db_instance.this.id
  preferred_backup_period = ["Monday", "Thursday"]
  preferred_backup_time   = "18:00Z-19:00Z"
  backup_retention_period = 14
}
