zones = ["a", "b", "c"]
db_password = "hunter2-very"
