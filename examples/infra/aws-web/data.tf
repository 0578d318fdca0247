resource "aws_db_subnet_group" "orders" {
  name       = "orders"
  subnet_ids = aws_subnet.private[*].id
}

resource "aws_db_instance" "orders" {
  identifier              = "orders"
  engine                  = "postgres"
  engine_version          = "16.4"
  instance_class          = "db.m6g.large"
  allocated_storage       = 100
  username                = "web"
  password                = var.db_password
  db_subnet_group_name    = aws_db_subnet_group.orders.name
  availability_zone       = local.zones[0]
  multi_az                = false
  skip_final_snapshot     = true
  backup_retention_period = 7
}

resource "aws_elasticache_subnet_group" "sessions" {
  name       = "sessions"
  subnet_ids = aws_subnet.private[*].id
}

resource "aws_elasticache_cluster" "sessions" {
  cluster_id        = "sessions"
  engine            = "redis"
  node_type         = "cache.t4g.small"
  num_cache_nodes   = 1
  subnet_group_name = aws_elasticache_subnet_group.sessions.name
}

# Where the nightly job collects what customers upload.
resource "aws_instance" "uploads" {
  ami           = data.aws_ami.web.id
  instance_type = "t3.small"
  subnet_id     = aws_subnet.private[1].id

  tags = {
    Name = "uploads"
  }
}

resource "aws_ebs_volume" "uploads" {
  availability_zone = local.zones[1]
  size              = 500
  type              = "gp3"

  tags = {
    Name = "uploads"
  }
}

resource "aws_volume_attachment" "uploads" {
  device_name = "/dev/sdh"
  volume_id   = aws_ebs_volume.uploads.id
  instance_id = aws_instance.uploads.id
}
