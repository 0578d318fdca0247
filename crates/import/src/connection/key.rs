//! What the name of a setting says about its value.

use dinghai_estate::NeedKind;

/// The words of a key, uppercase: `spring.datasource.jdbcUrl` is `SPRING DATASOURCE JDBC URL`.
fn words(key: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before_lower = false;
    for sign in key.chars() {
        let new = !sign.is_alphanumeric() || (sign.is_uppercase() && before_lower);
        if new && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if let (true, Some(word)) = (sign.is_alphanumeric(), words.last_mut()) {
            word.extend(sign.to_uppercase());
        }
        before_lower = sign.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Whether an address follows: `REDIS_HOST`, `brokers`, `DB_URL_2`.
pub(crate) fn says_host(key: &str) -> bool {
    const HOSTS: [&str; 36] = [
        "HOST",
        "HOSTS",
        "HOSTNAME",
        "ADDR",
        "ADDRS",
        "ADDRESS",
        "ADDRESSES",
        "URL",
        "URLS",
        "URI",
        "URIS",
        "ENDPOINT",
        "ENDPOINTS",
        "SERVER",
        "SERVERS",
        "BROKER",
        "BROKERS",
        "DSN",
        "UPSTREAM",
        "UPSTREAMS",
        "BACKEND",
        "BACKENDS",
        "PEERS",
        "NODES",
        "SEEDS",
        "TARGET",
        "TARGETS",
        "CONNECT",
        "CONNECTION",
        "BOOTSTRAP",
        "VOTERS",
        "SENTINELS",
        "MASTER",
        "PROXY",
        "SERVICE",
        "NAMESERVER",
    ];
    let words = words(key);
    // What stands last says what it is, but for a number that counts: `HOST_1`.
    let last = words.iter().rev().find(|word| !word.bytes().all(|sign| sign.is_ascii_digit()));
    last.is_some_and(|last| HOSTS.contains(&last.as_str()))
        || key.to_ascii_lowercase().contains("connectionstring")
        || words.join(" ").ends_with("CONNECTION STRING")
}

/// Whether the value is a secret or a person, and no address.
pub(super) fn is_secret(key: &str) -> bool {
    const SECRET: [&str; 17] = [
        "PASSWORD",
        "PASSWD",
        "PASS",
        "PW",
        "PWD",
        "SECRET",
        "SECRETS",
        "TOKEN",
        "KEY",
        "CREDENTIAL",
        "CREDENTIALS",
        "SALT",
        "CERT",
        "CERTIFICATE",
        "USER",
        "USERNAME",
        "EMAIL",
    ];
    words(key).last().is_some_and(|last| SECRET.contains(&last.as_str()))
}

/// Whether the address is the program's own: where it listens, or by which others know it.
pub(super) fn is_own(key: &str) -> bool {
    const OWN: [&str; 24] = [
        "LISTEN",
        "LISTENER",
        "LISTENERS",
        "BIND",
        "ADVERTISE",
        "ADVERTISED",
        "ADVERTISEMENT",
        "ORIGIN",
        "ORIGINS",
        "CORS",
        "ALLOWED",
        "ALLOW",
        "TRUSTED",
        "VIRTUAL",
        "LETSENCRYPT",
        "PUBLIC",
        "EXTERNAL",
        "REDIRECT",
        "CALLBACK",
        "SELF",
        "SCHEMA",
        "DOCS",
        "DOWNLOAD",
        "LICENSE",
    ];
    const WHOLE: [&str; 22] = [
        "HOST",
        "HOSTNAME",
        "ADDR",
        "ADDRESS",
        "URL",
        "BASE URL",
        "ROOT URL",
        "SITE URL",
        "APP URL",
        "HOME URL",
        "WEB URL",
        "NEXTAUTH URL",
        "SERVER NAME",
        "SERVER HOST",
        "SERVER ADDRESS",
        "HTTP HOST",
        "HTTP ADDR",
        "NO PROXY",
        "KC HOSTNAME",
        "WEBSITE HOSTNAME",
        "DOMAIN",
        "POD IP",
    ];
    let words = words(key);
    let whole = words.join(" ");
    words.iter().any(|word| OWN.contains(&word.as_str()))
        || WHOLE.contains(&whole.as_str())
        || whole.ends_with("ROOT URL")
        || whole.ends_with("SERVER NAME")
        || whole.ends_with("NO PROXY")
}

/// How badly what a key points to is needed: a program goes on without those who only watch it.
pub(crate) fn need_kind(key: &str, host: &str) -> NeedKind {
    const WATCHERS: [&str; 34] = [
        "OTEL",
        "OTLP",
        "OPENTELEMETRY",
        "OPENTELEMETRYCOLLECTOR",
        "JAEGER",
        "ZIPKIN",
        "STATSD",
        "DOGSTATSD",
        "COLLECTOR",
        "SENTRY",
        "TRACING",
        "TRACE",
        "TRACES",
        "METRICS",
        "METRIC",
        "TELEMETRY",
        "LOKI",
        "GRAYLOG",
        "GELF",
        "FLUENTD",
        "FLUENTBIT",
        "FLUENT",
        "SYSLOG",
        "LOGSTASH",
        "DATADOG",
        "DD",
        "NEWRELIC",
        "APM",
        "PUSHGATEWAY",
        "PROFILER",
        "PYROSCOPE",
        "TEMPO",
        "SKYWALKING",
        "ANALYTICS",
    ];
    let watches = |text: &str| words(text).iter().any(|word| WATCHERS.contains(&word.as_str()));
    match watches(key) || watches(host) {
        true => NeedKind::Soft { fallback: None },
        false => NeedKind::Hard,
    }
}
