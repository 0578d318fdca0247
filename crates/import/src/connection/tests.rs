use proptest::prelude::*;

use super::{Endpoint, endpoints, in_arguments, in_text, need_kind};
use dinghai_estate::NeedKind;

fn names(key: &str, value: &str) -> Vec<String> {
    endpoints(key, value).iter().map(Endpoint::name).collect()
}

#[test]
fn a_url_gives_host_and_port_and_nothing_else() {
    assert_eq!(
        names("DATABASE_URL", "postgres://user:s3cret@orders-db:5432/shop?sslmode=off"),
        ["orders-db:5432"]
    );
    assert_eq!(names("SPRING_DATASOURCE_URL", "jdbc:postgresql://db/shop"), ["db"]);
    assert_eq!(names("X", "jdbc:oracle:thin:scott/tiger@ora:1521:orcl"), ["ora:1521"]);
    assert_eq!(names("X", "jdbc:sqlserver://mssql:1433;databaseName=x"), ["mssql:1433"]);
    assert_eq!(names("AMQP", "amqp://guest:guest@rabbit:5672//"), ["rabbit:5672"]);
    assert_eq!(names("X", "http://[2001:db8::1]:80/"), ["[2001:db8::1]:80"]);
}

#[test]
fn every_host_of_a_list_is_found() {
    let mongo = "mongodb://u:p@m1:27017,m2:27017,m3/shop?replicaSet=rs0";
    assert_eq!(names("X", mongo), ["m1:27017", "m2:27017", "m3"]);
    assert_eq!(names("KAFKA_BROKERS", "k0:9092,k1:9092"), ["k0:9092", "k1:9092"]);
    assert_eq!(names("X", "redis://:pw@r1:6379,redis://:pw@r2:6379"), ["r1:6379", "r2:6379"]);
    assert_eq!(names("X", "OUTSIDE://redpanda:9092"), ["redpanda:9092"]);
}

#[test]
fn other_connection_strings_are_understood() {
    assert_eq!(names("ConnectionStrings__Db", "Server=sql,1433;User Id=sa;Password=x"), ["sql:1433"]);
    assert_eq!(names("X", "Host=db;Port=5432;Username=u;Password=p:1"), ["db:5432"]);
    assert_eq!(names("DSN", "host=db port=5432 user=me password=secret"), ["db:5432"]);
    assert_eq!(names("DSN", "me:secret@tcp(db:3306)/shop"), ["db:3306"]);
}

#[test]
fn a_bare_host_counts_only_where_the_key_says_so() {
    assert_eq!(names("REDIS_HOST", "redis"), ["redis"]);
    assert_eq!(names("db.hosts", "a, b"), ["a", "b"]);
    assert_eq!(names("MYSQL_DATABASE", "nextcloud"), [""; 0]);
    assert_eq!(names("KAFKA_BROKER_ID", "one"), [""; 0]);
    assert_eq!(names("START_AT", "12:30"), [""; 0]);
    assert_eq!(names("USE_HOST", "true"), [""; 0]);
}

#[test]
fn the_program_itself_is_nobody_it_reaches_for() {
    for (key, value) in [
        ("LISTEN_ADDR", "shop:80"),
        ("PUBLIC_URL", "https://shop.example.com"),
        ("DB_HOST", "localhost"),
        ("X", "http://127.0.0.1:80"),
        ("ALLOWED_HOSTS", "shop.example.com"),
        ("KAFKA_ADVERTISED_LISTENERS", "PLAINTEXT://kafka:9092"),
    ] {
        assert_eq!(names(key, value), [""; 0], "{key}");
    }
}

#[test]
fn a_domain_is_somebody_elses_and_a_cluster_name_is_not() {
    let outside = |key: &str, value: &str| endpoints(key, value).iter().any(|endpoint| endpoint.outside);
    assert!(outside("PAY_URL", "https://api.pay.example.com/v1"));
    assert!(outside("DB_HOST", "10.0.1.11"));
    assert!(!outside("DB_URL", "postgres://db.shop.svc.cluster.local/x"));
    assert!(!outside("DB_URL", "postgres://db/x"));
}

#[test]
fn a_password_with_stray_signs_never_becomes_a_host() {
    for value in
        ["postgres://user:p@ss/w#rd@db:5432/x", "redis://:a/b?c@db:5432", "http://user:p/w@db:5432/x"]
    {
        assert_eq!(names("URL_OF_DB_URL", value), ["db:5432"], "{value}");
    }
    assert_eq!(names("DB_PASSWORD", "hunter2:8080"), [""; 0]);
    assert_eq!(names("X", "http://user:p/w"), [""; 0]);
}

#[test]
fn what_nobody_knows_is_in_no_host() {
    assert_eq!(names("DB_HOST", "db-\u{FFFD}"), [""; 0]);
    assert_eq!(names("X", "postgres://\u{FFFD}:\u{FFFD}@db/x"), ["db"]);
}

#[test]
fn arguments_and_scripts_are_searched() {
    let found = |arguments: &[&str]| -> Vec<String> {
        let arguments: Vec<String> = arguments.iter().map(|text| (*text).to_owned()).collect();
        in_arguments(&arguments).iter().map(Endpoint::name).collect()
    };
    assert_eq!(found(&["--redis=cache:6379", "--log-level=info"]), ["cache:6379"]);
    assert_eq!(found(&["--db-host", "db"]), ["db"]);
    assert_eq!(found(&["sh", "-c", "until nc -z db 5432; do sleep 1; done"]), ["db", "db:5432"]);
    let nginx: Vec<String> =
        in_text("location / {\n  proxy_pass http://cart:8080;\n}\n# proxy_pass http://old:80;")
            .iter()
            .map(Endpoint::name)
            .collect();
    assert_eq!(nginx, ["cart:8080"]);
}

#[test]
fn those_who_only_watch_are_needed_softly() {
    assert_eq!(need_kind("OTEL_EXPORTER_OTLP_ENDPOINT", "x"), NeedKind::Soft { fallback: None });
    assert_eq!(need_kind("COLLECTOR_SERVICE_ADDR", "x"), NeedKind::Soft { fallback: None });
    assert_eq!(need_kind("CART_SERVICE_ADDR", "cart"), NeedKind::Hard);
}

proptest! {
    #[test]
    fn any_text_gives_only_clean_hosts(key in ".{0,20}", value in ".{0,80}") {
        for endpoint in endpoints(&key, &value).into_iter().chain(in_text(&value)) {
            prop_assert!(endpoint.host.bytes().all(|sign| sign.is_ascii_alphanumeric() || b".-_:".contains(&sign)));
        }
    }

    #[test]
    fn user_and_password_never_leave(user in "[a-z]{3,8}", password in "[A-Z!$%^&*+=~:/?#@]{4,12}") {
        let value = format!("postgres://{user}:{password}@orders-db:5432/x");
        for endpoint in endpoints("DATABASE_URL", &value) {
            prop_assert!(endpoint.host == "orders-db" , "{:?}", endpoint);
        }
    }
}
