resource "aws_db_subnet_group" "orders" {
  name       = "orders"
  subnet_ids = [for subnet in aws_subnet.private : subnet.id]
}

resource "aws_rds_cluster" "orders" {
  cluster_identifier          = "orders"
  engine                      = "aurora-postgresql"
  engine_version              = "16.4"
  availability_zones          = var.zones
  db_subnet_group_name        = aws_db_subnet_group.orders.name
  master_username             = "shop"
  manage_master_user_password = true
  backup_retention_period     = 14
  deletion_protection         = true
  final_snapshot_identifier   = "orders-last"
}

# A writer and two readers; the vendor promotes a reader when the writer is lost.
resource "aws_rds_cluster_instance" "orders" {
  for_each = local.number

  identifier         = "orders-${each.value}"
  cluster_identifier = aws_rds_cluster.orders.id
  engine             = aws_rds_cluster.orders.engine
  instance_class     = "db.r6g.large"
  availability_zone  = each.key
}

resource "aws_elasticache_subnet_group" "sessions" {
  name       = "sessions"
  subnet_ids = [for subnet in aws_subnet.private : subnet.id]
}

resource "aws_elasticache_replication_group" "sessions" {
  replication_group_id        = "sessions"
  description                 = "Sessions of the shop"
  engine                      = "redis"
  node_type                   = "cache.r7g.large"
  num_cache_clusters          = 3
  preferred_cache_cluster_azs = var.zones
  automatic_failover_enabled  = true
  multi_az_enabled            = true
  subnet_group_name           = aws_elasticache_subnet_group.sessions.name
  snapshot_retention_limit    = 5
  final_snapshot_identifier   = "sessions-last"
}

resource "aws_s3_bucket" "pictures" {
  bucket = "shop-example-pictures"
}

resource "aws_s3_bucket_versioning" "pictures" {
  bucket = aws_s3_bucket.pictures.id

  versioning_configuration {
    status = "Enabled"
  }
}
