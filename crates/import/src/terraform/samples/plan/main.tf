variable "names" { default = ["a","b"] }
variable "pw" {
  sensitive = true
  default = "hunter2-very"
}
resource "terraform_data" "net" {
  for_each = toset(var.names)
  input = "zone-${each.key}"
}
resource "terraform_data" "web" {
  count = 2
  input = { subnet = terraform_data.net["a"].id, all = [terraform_data.net["a"].id, terraform_data.net["b"].id], pw = var.pw, name = "web-${count.index}" }
}
resource "terraform_data" "picked" {
  count = 2
  input = terraform_data.web[count.index].id
}
module "shop" {
  source = "./shop"
  for_each = toset(["eu"])
  subnet = terraform_data.net["b"].id
}
resource "terraform_data" "out" {
  input = module.shop["eu"].id
  triggers_replace = [module.shop["eu"].id, terraform_data.net["a"].id]
}
