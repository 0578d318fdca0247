variable "name" {
  type = string
}

variable "primary_zone" {
  type = string
}

variable "standby_zone" {
  description = "Zone of the standby; that of the primary unless said."
  type        = string
  default     = null
}

variable "vswitch_id" {
  type = string
}

variable "password" {
  type      = string
  sensitive = true
}
