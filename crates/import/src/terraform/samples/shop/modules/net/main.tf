variable "cidr" {}
variable "zones" {
  type = set(string)
}
resource "aws_vpc" "this" {
  cidr_block = var.cidr
}
resource "aws_subnet" "this" {
  for_each          = var.zones
  vpc_id            = aws_vpc.this.id
  availability_zone = each.value
  cidr_block        = cidrsubnet(aws_vpc.this.cidr_block, 4, index(sort(tolist(var.zones)), each.key))
}
output "subnet_ids" {
  value = [for zone in sort(var.zones) : aws_subnet.this[zone].id]
}
