terraform {
  required_version = ">= 1.5"
}

provider "aws" {
  region = var.region
}

provider "aws" {
  alias  = "dr"
  region = "eu-west-1"
}

variable "region" {
  type    = string
  default = "us-east-1"
}

variable "zones" {
  type = list(string)
}

variable "db_password" {
  type      = string
  sensitive = true
}

variable "image" {}

variable "services" {
  type = map(object({
    port  = number
    zone  = optional(string, "a")
    count = optional(number)
  }))
  default = {
    cart     = { port = 8080 }
    checkout = { port = "8081", zone = "b" }
  }
}

locals {
  name    = "shop-${terraform.workspace == "x" ? "a" : "a"}"
  azs     = [for z in var.zones : "${var.region}${z}"]
  around  = local.about
  about   = local.around
  tags    = merge({ team = "shop" }, { env = "prod" })
  ingress = [{ port = 80, cidr = "0.0.0.0/0" }, { port = 443, cidr = "10.0.0.0/8" }]
}

data "aws_availability_zones" "all" {
  state = "available"
}

data "aws_region" "here" {}

module "net" {
  source = "./modules/net"
  cidr   = "10.0.0.0/16"
  zones  = local.azs
}

module "db" {
  source   = "./modules/db"
  for_each = toset(["orders", "users"])
  name     = each.key
  subnets  = module.net.subnet_ids
  password = var.db_password
  providers = {
    aws = aws.dr
  }
}

module "registry" {
  source  = "terraform-aws-modules/vpc/aws"
  version = "~> 5.0"
}

resource "aws_instance" "web" {
  count             = length(local.azs)
  ami               = var.image
  availability_zone = element(local.azs, count.index)
  subnet_id         = module.net.subnet_ids[count.index]
  user_data         = <<-EOT
    #!/bin/sh
    %{for name, service in var.services~}
    start ${name} ${service.port}
    %{endfor~}
    export DB=${module.db["orders"].endpoint}
  EOT
  tags = merge(local.tags, { Name = format("web-%02d", count.index + 1) })
  lifecycle {
    prevent_destroy = true
    ignore_changes  = [ami, tags]
  }
}

resource "aws_security_group" "web" {
  name = local.around
  dynamic "ingress" {
    for_each = local.ingress
    content {
      from_port   = ingress.value.port
      cidr_blocks = [ingress.value["cidr"]]
    }
  }
  egress {
    from_port = 0
  }
}

resource "aws_lb" "front" {
  subnets         = values(aws_subnet_like.other)[*].id
  security_groups = [aws_security_group.web.id]
  internal        = false
  url             = "https://${aws_instance.web[0].private_ip}:443/${data.aws_region.here.name}"
  private         = module.registry.private_subnets
  zones           = slice(data.aws_availability_zones.all.names, 0, 2)
}

resource "aws_subnet_like" "other" {
  for_each = { for index, zone in local.azs : zone => index if index < 2 }
  zone     = each.key
  cidr     = cidrsubnet("10.1.0.0/16", 8, each.value)
}

resource "aws_autoscaling_group" "many" {
  count               = length(data.aws_availability_zones.all.names)
  vpc_zone_identifier = [for subnet in aws_subnet_like.other : subnet.id]
  zone                = aws_subnet_like.other["us-east-1b"].zone
  instances           = aws_instance.web[*].availability_zone
  ports               = { for name, service in var.services : service.zone => service.port... }
  password            = "correct horse"
  url                 = "postgres://u:${var.db_password}@db"
}

resource "aws_thing" "after" {
  groups  = aws_autoscaling_group.many[*].arn
  missing = var.nowhere
  tried   = try(local.tags.nothing, "fallback")
  legacy  = "${lookup(local.tags, "env", "none")}"
  env = jsonencode([{
    name  = "HOST"
    value = module.db["users"].endpoint
  }])
}

output "x" {
  value = aws_thing.after.id
}
