variable "region" {
  type    = string
  default = "cn-hangzhou"
}

variable "zones" {
  description = "Zones in which the shop runs, by the last letter of their ids."
  type        = list(string)
  default     = ["h", "i", "j"]
}

variable "network" {
  type    = string
  default = "10.20.0.0/16"
}

variable "image_id" {
  description = "Baked by the image pipeline."
  type        = string
}

variable "orders_password" {
  type      = string
  sensitive = true
}
