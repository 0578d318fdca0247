//! No secret gets through, and what is none stays readable.

use proptest::prelude::*;

use super::*;

fn none() -> BTreeSet<String> {
    BTreeSet::new()
}

fn redacted(line: &str) -> String {
    redact(line, &none())
}

#[test]
fn a_secret_is_hidden_in_every_language_of_configuration() {
    for line in [
        "password = \"hunter2\"",
        "  password: hunter2",
        "  password: 'hunter2'  # of the shop",
        "DB_PASSWORD=hunter2",
        "export DB_PASSWORD='hunter2'",
        "\"password\": \"hunter2\",",
        "\"env\": [\"POSTGRES_PASSWORD=hunter2\", \"A=b\"]",
        "      - POSTGRES_PASSWORD=hunter2",
        "      - \"POSTGRES_PASSWORD=hunter2\"",
        "    auth_pass hunter2",
        "requirepass hunter2",
        "  user admin insecure-password hunter2",
        "  stats auth admin:hunter2@x",
        "  stats auth admin:hunter2",
        "url = \"postgres://shop:hunter2@db.internal:5432/shop\"",
        "DATABASE_URL=mysql://shop:hunter2@db/shop?ssl=true",
        "command: [\"server\", \"--password=hunter2\", \"--port=80\"]",
        "command: [\"server\", \"--password\", \"hunter2\", \"--port=80\"]",
        "{ name = \"DB_PASSWORD\", value = \"hunter2\" }",
        "{\"value\":\"hunter2\",\"name\":\"DB_PASSWORD\"}",
        "container_definitions = \"[{\\\"password\\\":\\\"hunter2\\\"}]\"",
        "container_definitions = \"[{\\\"name\\\":\\\"DB_PASSWORD\\\",\\\"value\\\":\\\"hunter2\\\"}]\"",
        "Server=db;Database=shop;User Id=sa;Password=hunter2;",
        "proxy_set_header Authorization \"Basic hunter2hunter2\";",
        "password: hunter2, not hunter3",
        "MYSQL_PASSWORD: ${MYSQL_PASSWORD:-hunter2}",
        "password => 'hunter2'",
        "dbPassword: hunter2",
    ] {
        assert!(!redacted(line).contains("hunter2"), "{line}\n{}", redacted(line));
        assert!(redacted(line).contains(HIDDEN), "{line}");
    }
}

#[test]
fn ordinary_lines_stay_as_they_are() {
    for line in [
        "availability_zone = \"cn-hangzhou-h\"",
        "  vswitch_id     = alicloud_vswitch.hz_c.id",
        "resource \"alicloud_route_table_attachment\" \"c\" {",
        "  password = var.db_password",
        "  password = random_password.orders.result",
        "  password = \"${var.db_password}\"",
        "  secret_name = aws_secretsmanager_secret.orders.name",
        "  password = sensitive(var.db_password)",
        "      secretKeyRef: { name: orders-db, key: password }",
        "  ttl: 30",
        "  proxy_pass http://orders;",
        "server app1 10.0.0.1:8080 check inter 3s fall 3",
        "  image: registry.shop.internal/cart:1.4.2",
        "  token_ttl = 3600",
        "  manage_master_user_password = true",
        "POSTGRES_PASSWORD_FILE=/run/secrets/db",
        "  topologyKey: topology.kubernetes.io/zone",
        "ORDERS_DB_HOST: orders-db.shop.svc",
        "  secretName: shop-tls",
        "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/my-lb/50dc6c495c0c9188",
        "REDIS_URL=redis://cache:6379/0",
    ] {
        assert_eq!(redacted(line), line);
    }
}

#[test]
fn what_spans_lines_is_hidden_too() {
    let text = "\
tls:
  key: |
    -----BEGIN PRIVATE KEY-----
    hunter2hunter2
    -----END PRIVATE KEY-----
password: |
  hunter2
passwords:
  - hunter2
  - other
args:
  - --password
  - hunter2
env:
  - name: DB_PASSWORD
    value: hunter2
  - value: hunter2
    name: API_TOKEN
  - name: HOST
    value: orders-db
variable \"db_password\" {
  type    = string
  default = \"hunter2\"
}
variable \"zone\" {
  default = \"hz-a\"
}
secret_blob = <<EOT
hunter2
EOT
zone = \"hz-b\"
";
    let lines = redact_text(text, &none());
    let seen = lines.join("\n");
    assert_eq!(lines.len(), text.lines().count());
    assert!(!seen.contains("hunter2"), "{seen}");
    for kept in
        ["value: orders-db", "default = \"hz-a\"", "name: DB_PASSWORD", "type    = string", "zone = \"hz-b\""]
    {
        assert!(seen.contains(kept), "{kept} in {seen}");
    }
}

#[test]
fn a_masked_file_keeps_its_columns() {
    let text = "a: b\npassword: hünter2 # x\nzone: hz-a\n";
    assert_eq!(mask_text(text, &none()), "a: b\npassword: ••••••••••• \nzone: hz-a\n".replace(" \n", "\n"));
}

#[test]
fn the_data_of_a_kubernetes_secret_is_hidden_and_that_of_others_is_not() {
    let text = "\
kind: ConfigMap
data:
  zone: hz-a
---
apiVersion: v1
kind: Secret
metadata:
  name: orders-db
stringData:
  user: hunter2
  dsn: 'hunter2'
data:
  x: aHVudGVyMg==
---
kind: Deployment
";
    let seen = redact_text(text, &none()).join("\n");
    assert!(!seen.contains("hunter2") && !seen.contains("aHVudGVyMg"), "{seen}");
    assert!(seen.contains("zone: hz-a") && seen.contains("name: orders-db"), "{seen}");
}

#[test]
fn known_secrets_are_hidden_wherever_they_appear() {
    let secrets: BTreeSet<String> = ["hunter2", "s3", "p&\"q<r"].map(str::to_owned).into();
    assert_eq!(redact("orders at hunter2.example", &secrets), "orders at «redacted».example");
    assert_eq!(redact("an s3 bucket in s3bucket", &secrets), "an «redacted» bucket in s3bucket");
    assert_eq!(scrub("{\"a\":\"p&\\\"q<r\"}", &secrets), "{\"a\":\"«redacted»\"}");
    assert_eq!(scrub("<td>p&amp;&quot;q&lt;r</td>", &secrets), "<td>«redacted»</td>");
}

#[test]
fn a_sentence_may_speak_of_passwords() {
    let secrets: BTreeSet<String> = ["hunter2".to_owned()].into();
    let kept =
        "lose hz-b and auth-token stops: both token instances are there, and the password of orders is kept";
    assert_eq!(redact_words(kept, &secrets), kept);
    let said = redact_words("by hunter2, DB_PASSWORD=s3cr3t and postgres://a:b@db/x", &secrets);
    assert!(["hunter2", "s3cr3t", "a:b"].iter().all(|secret| !said.contains(secret)), "{said}");
}

#[test]
fn secrets_of_a_file_are_known_elsewhere() {
    let secrets = secrets_in("password: hunter2\nurl: postgres://shop:s3cr3t!@db/shop\nzone: hz-a\n");
    assert!(secrets.contains("hunter2") && secrets.contains("s3cr3t!"), "{secrets:?}");
    assert!(!secrets.contains("hz-a") && !secrets.contains("shop"), "{secrets:?}");
}

fn key() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "password",
        "DB_PASSWORD",
        "auth_pass",
        "clientSecret",
        "api_key",
        "access-key",
        "private_key",
        "token",
        "passwd",
    ])
}

fn separator() -> impl Strategy<Value = (&'static str, &'static str)> {
    prop::sample::select(vec![
        (": ", ""),
        ("=", ""),
        (" = \"", "\""),
        (": '", "'"),
        ("\": \"", "\","),
        (" ", ""),
        ("=", " --next"),
    ])
}

proptest! {
    #[test]
    fn no_value_of_a_secret_key_gets_through(
        key in key(), (open, close) in separator(), secret in "[A-Za-z0-9!#%^*+?~]{6,30}", before in "[ -]{0,6}",
    ) {
        let line = format!("{before}{key}{open}{secret}{close}");
        prop_assert!(!redacted(&line).contains(&secret), "{}", redacted(&line));
    }

    #[test]
    fn no_known_secret_gets_through(line in "\\PC{0,60}", secret in "\\PC{4,20}", after in "\\PC{0,60}") {
        let secret = secret.trim().to_owned();
        prop_assume!(secret.len() >= 4 && !HIDDEN.contains(&secret) && !secret.contains(HIDDEN));
        prop_assume!(!known::is_common(&secret));
        let secrets: BTreeSet<String> = [secret.clone()].into();
        let seen = redact(&format!("{line}{secret}{after}"), &secrets);
        prop_assert!(!seen.replace(HIDDEN, "\u{0}").contains(&secret), "{seen}");
    }

    #[test]
    fn anything_is_read_and_keeps_its_lines(text in "(\\PC{0,40}\n){0,12}") {
        prop_assert_eq!(redact_text(&text, &none()).len(), text.lines().count());
        let _ = secrets_in(&text);
    }

    #[test]
    fn what_was_redacted_stays_so(line in "[a-zA-Z_:= \"']{0,20}(password|token)[:= ]{1,3}[a-z0-9]{6,12}") {
        let once = redacted(&line);
        prop_assert_eq!(redacted(&once).matches(HIDDEN).count() > 0, once.contains(HIDDEN));
    }
}
