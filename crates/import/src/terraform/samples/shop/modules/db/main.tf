variable "name" {}
variable "subnets" {}
variable "password" {}
resource "aws_db_subnet_group" "this" {
  subnet_ids = var.subnets
}
resource "aws_db_instance" "this" {
  identifier           = "shop-${var.name}"
  password             = var.password
  db_subnet_group_name = aws_db_subnet_group.this.name
  multi_az             = var.name == "orders"
}
output "endpoint" {
  value = aws_db_instance.this.endpoint
}
