output "host" {
  value = alicloud_db_instance.this.connection_string
}
