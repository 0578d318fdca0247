variable "azs" { default = ["a","b","c"] }
variable "o" {
  type = list(object({ n = string, c = optional(number, 2), e = optional(list(string), []) }))
  default = [{ n = "x" }, { n = "y", c = 5 }]
}
locals {
  m = { b = 2, a = 1 }
  nested = [[1, [2]], [3], []]
}
resource "terraform_data" "t" {
  for_each = {
    keys = jsonencode(keys(local.m))
    values = jsonencode(values(local.m))
    flatten = jsonencode(flatten(local.nested))
    element = element(var.azs, 4)
    concat = join(",", concat(var.azs, ["d"]))
    merge = merge({a=1},{a=2,b=3})["a"]
    sub = cidrsubnet("10.0.0.0/16", 4, 3)
    sub6 = cidrsubnet("fd00::/48", 16, 5)
    host = cidrhost("10.0.1.0/24", -2)
    host2 = cidrhost("10.0.1.0/24", 5)
    mask = cidrnetmask("172.16.0.0/12")
    subs = join(",", cidrsubnets("10.1.0.0/16", 4, 4, 8, 4))
    fmt = format("%03d-%s-%5.1f|%-5s|%%|%q", 7, "x", 3.14159, "ab", "q\"")
    fl = join(",", formatlist("%s-%d", var.azs, [1,2,3]))
    split = join("|", split(",", "a,,b"))
    substr = substr("hello world", -5, -1)
    title = title("hello wORLD")
    range = join(",", range(1, 10, 3))
    rev = join(",", reverse(var.azs))
    slice = join(",", slice(var.azs, 1, 3))
    sp = jsonencode(setproduct(["a","b"],[1,2]))
    chunk = jsonencode(chunklist(var.azs, 2))
    zip = jsonencode(zipmap(["k","j"],[1,2]))
    cond = length(var.azs) > 2 ? "yes" : "no"
    try = try(local.m.zz, "fb")
    can = tostring(can(local.m.zz))
    opt = jsonencode(var.o)
    grp = jsonencode({ for s in ["apple","avocado","berry"] : substr(s,0,1) => s... })
    filt = jsonencode([for i, a in var.azs : "${i}${a}" if a != "b"])
    heredoc = <<-EOT
      hi ${upper("x")}
        two
      end %{ if true }T%{ else }F%{ endif }
    EOT
    esc = "$${no} %%{no} \"q\" \t|"
    num = 1.5 + 2
    mod = -7 % 3
    big = 1234567890123
    div = 10 / 4
    setu = join(",", setunion(["b","a"],["c"]))
    trim = trimsuffix(trimprefix("abcxyz", "abc"), "z")
    coalesce = coalesce("", null, "v")
    lookup = lookup(local.m, "q", 9)
    splat = join(",", var.o[*].n)
    sum = sum([1,2,3.5])
    idx = index(var.azs, "c")
    distinct = join(",", distinct(["b","a","b"]))
    sort = join(",", sort(["b","a","C"]))
    one = one(["z"])
    contains = tostring(contains(var.azs, "b"))
    floor = floor(-1.5)
    pow = pow(2, 10)
    yaml = yamldecode("a: {b: [1, 2]}").a.b[1]
    json = jsondecode("{\"a\":[true]}").a[0]
    and = tostring(true && !false || false)
    compact = join(",", compact(["a","",null,"b"]))
  }
  input = each.value
}
