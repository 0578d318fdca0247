variable "subnet" {}
resource "terraform_data" "db" { input = var.subnet }
output "id" { value = terraform_data.db.id }
