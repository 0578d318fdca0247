image = "ami-1"
