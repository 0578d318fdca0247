terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.70"
    }
  }
}

provider "aws" {
  region = "eu-central-1"
}

variable "zones" {
  type    = list(string)
  default = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
}

variable "ami" {
  description = "Image of the web machines; the pipeline passes it."
  type        = string
}

locals {
  number = { for at, zone in var.zones : zone => at }
}

# Dashboards, from the registry of modules: nothing that stands depends on them.
module "dashboards" {
  source  = "terraform-aws-modules/cloudwatch/aws//modules/metric-alarm"
  version = "~> 5.6"

  alarm_name          = "web-errors"
  comparison_operator = "GreaterThanThreshold"
  evaluation_periods  = 1
  threshold           = 10
}
