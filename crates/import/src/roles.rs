//! What an image is for, by its name.
//!
//! People build their own images on top of well-known ones and keep the name: `registry.shop.internal/base/postgres:16-ha` is
//! a database. So the last part of the name decides, and only where it is or begins with a well-known word; an
//! `orders-api` is the user's own.

use dinghai_estate::Role;

/// The parts of an image's name: `registry.shop.internal:5000/base/postgres:16@sha256:…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Image {
    /// `registry.shop.internal:5000`; none for what Docker Hub holds.
    pub(crate) registry: Option<String>,
    /// `base/postgres`.
    pub(crate) repository: String,
}

impl Image {
    /// From the name as it is written.
    pub(crate) fn read(name: &str) -> Self {
        let name = name.split('@').next().unwrap_or_default();
        let (registry, rest) = match name.split_once('/') {
            Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => {
                (Some(first.to_ascii_lowercase()), rest)
            }
            _ => (None, name),
        };
        let repository = rest.split(':').next().unwrap_or_default().to_ascii_lowercase();
        Self { registry, repository }
    }

    /// What it is for; [`Role::Workload`] when its name is no well-known one.
    pub(crate) fn role(&self) -> Role {
        let last = self.repository.rsplit('/').next().unwrap_or_default();
        // Exporters, operators and consoles are named after what they look after.
        const BESIDE: [&str; 12] = [
            "exporter",
            "operator",
            "backup",
            "client",
            "admin",
            "ui",
            "console",
            "init",
            "migrat",
            "proxy-init",
            "express",
            "commander",
        ];
        if BESIDE.iter().any(|word| last.contains(word)) && !last.starts_with("node-exporter") {
            return match last.contains("exporter") {
                true => Role::Monitoring,
                false => Role::Workload,
            };
        }
        let known = |names: &[&str]| names.iter().any(|name| begins_with_word(last, name));
        let table: [(&[&str], Role); 12] = [
            (DATABASES, Role::Database),
            (CACHES, Role::Cache),
            (QUEUES, Role::Queue),
            (SEARCHES, Role::Search),
            (CONTROLS, Role::Control),
            (IDENTITIES, Role::Identity),
            (MONITORS, Role::Monitoring),
            (STORAGES, Role::Storage),
            (RESOLVERS, Role::Dns),
            (REGISTRIES, Role::Registry),
            (ACCESSES, Role::Access),
            (BALANCERS, Role::Balancer),
        ];
        table.iter().find(|(names, _)| known(names)).map_or(Role::Workload, |(_, role)| *role)
    }

    /// Whether it takes the requests of `Ingress` objects into a cluster.
    pub(crate) fn is_ingress_controller(&self) -> bool {
        const CONTROLLERS: [&str; 10] = [
            "ingress-nginx/controller",
            "nginx-ingress-controller",
            "nginx/nginx-ingress",
            "haproxy-ingress",
            "kubernetes-ingress",
            "ingress-controller",
            "projectcontour/contour",
            "traefik",
            "apisix",
            "ingress-gce",
        ];
        CONTROLLERS.iter().any(|name| self.repository.contains(name))
    }
}

/// `postgres` begins `postgres`, `postgres-ha` and `postgresql15`, not `postgrest`.
fn begins_with_word(text: &str, word: &str) -> bool {
    text.strip_prefix(word).is_some_and(|rest| !rest.starts_with(|sign: char| sign.is_ascii_alphabetic()))
}

/// Whether what it holds is lost or split when its copies are.
pub(crate) fn keeps_state(role: Role) -> bool {
    matches!(role, Role::Database | Role::Cache | Role::Queue | Role::Search | Role::Storage | Role::Registry)
}

const DATABASES: &[&str] = &[
    "postgres",
    "postgresql",
    "postgis",
    "timescaledb",
    "pgvector",
    "spilo",
    "patroni",
    "mysql",
    "mysql-server",
    "mariadb",
    "mariadb-galera",
    "percona",
    "percona-xtradb-cluster",
    "percona-server",
    "mongo",
    "mongodb",
    "mongodb-community-server",
    "mongodb-sharded",
    "cockroach",
    "cockroachdb",
    "tidb",
    "tikv",
    "yugabyte",
    "cassandra",
    "scylla",
    "couchdb",
    "couchbase",
    "clickhouse",
    "clickhouse-server",
    "influxdb",
    "neo4j",
    "oracle",
    "mssql",
    "server-mssql",
    "azure-sql-edge",
    "db2",
    "dynamodb-local",
    "rethinkdb",
    "arangodb",
    "surrealdb",
    "oceanbase-ce",
    "polardb",
    "dgraph",
    "firebird",
    "edgedb",
    "milvus",
    "qdrant",
    "weaviate",
    "rqlite",
];
const CACHES: &[&str] = &[
    "redis",
    "redis-stack",
    "redis-stack-server",
    "redis-cluster",
    "redis-sentinel",
    "valkey",
    "keydb",
    "dragonfly",
    "memcached",
    "hazelcast",
    "varnish",
    "garnet",
];
const QUEUES: &[&str] = &[
    "rabbitmq",
    "kafka",
    "cp-kafka",
    "cp-server",
    "redpanda",
    "nats",
    "nats-server",
    "nats-streaming",
    "activemq",
    "activemq-artemis",
    "artemis",
    "pulsar",
    "pulsar-all",
    "rocketmq",
    "mosquitto",
    "emqx",
    "nsq",
    "beanstalkd",
    "nanomq",
];
const SEARCHES: &[&str] = &[
    "elasticsearch",
    "elasticsearch-oss",
    "opensearch",
    "solr",
    "meilisearch",
    "typesense",
    "manticore",
    "zincsearch",
];
const CONTROLS: &[&str] = &[
    "etcd",
    "consul",
    "zookeeper",
    "cp-zookeeper",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "k3s",
    "nacos",
    "nacos-server",
    "eureka",
    "apollo-configservice",
];
const IDENTITIES: &[&str] = &[
    "keycloak",
    "dex",
    "openldap",
    "ldap",
    "authelia",
    "authentik",
    "hydra",
    "kratos",
    "zitadel",
    "casdoor",
    "vault",
    "oauth2-proxy",
    "freeipa",
    "lldap",
];
const MONITORS: &[&str] = &[
    "prometheus",
    "alertmanager",
    "grafana",
    "loki",
    "tempo",
    "mimir",
    "thanos",
    "victoria-metrics",
    "vmagent",
    "vmsingle",
    "node-exporter",
    "cadvisor",
    "jaeger",
    "all-in-one",
    "zipkin",
    "opentelemetry-collector",
    "opentelemetry-collector-contrib",
    "kibana",
    "logstash",
    "fluentd",
    "fluent-bit",
    "filebeat",
    "metricbeat",
    "promtail",
    "telegraf",
    "vector",
    "sentry",
    "zabbix",
    "uptime-kuma",
    "pushgateway",
    "statsd",
    "blackbox",
    "kube-state-metrics",
    "metrics-server",
    "graylog",
    "pyroscope",
    "alloy",
];
const STORAGES: &[&str] = &[
    "minio",
    "seaweedfs",
    "ceph",
    "rook",
    "nfs-server",
    "garage",
    "localstack",
    "azurite",
    "fake-gcs-server",
];
const RESOLVERS: &[&str] = &["coredns", "pihole", "bind9", "unbound", "dnsmasq", "powerdns", "external-dns"];
const REGISTRIES: &[&str] = &[
    "registry",
    "harbor-core",
    "harbor-registry",
    "registry-photon",
    "nexus3",
    "artifactory",
    "verdaccio",
    "chartmuseum",
    "distribution",
];
const ACCESSES: &[&str] =
    &["openvpn", "wireguard", "wg-easy", "teleport", "guacamole", "openssh-server", "headscale"];
const BALANCERS: &[&str] = &[
    "nginx",
    "nginx-unprivileged",
    "nginx-ingress",
    "nginx-ingress-controller",
    "nginx-proxy",
    "nginx-proxy-manager",
    "openresty",
    "haproxy",
    "haproxy-ingress",
    "traefik",
    "envoy",
    "caddy",
    "httpd",
    "kong",
    "apisix",
    "swag",
    "tyk",
    "tengine",
    "proxyv2",
    "contour",
    "pgbouncer",
    "pgpool",
    "proxysql",
    "maxscale",
    "twemproxy",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_well_known_name_decides_wherever_the_image_comes_from() {
        for (name, role) in [
            ("postgres:16", Role::Database),
            ("registry.shop.internal:5000/base/postgres@sha256:0a", Role::Database),
            ("bitnami/postgresql:15", Role::Database),
            ("postgrest/postgrest", Role::Workload),
            ("shop/orders-api", Role::Workload),
            ("redis:alpine", Role::Cache),
            ("docker.redpanda.com/vectorized/redpanda:v22", Role::Queue),
            ("prom/prometheus", Role::Monitoring),
            ("quay.io/keycloak/keycloak:24", Role::Identity),
            ("oliver006/redis_exporter", Role::Monitoring),
            ("mongo-express", Role::Workload),
            ("nginx", Role::Balancer),
            ("registry:2", Role::Registry),
        ] {
            assert_eq!(Image::read(name).role(), role, "{name}");
        }
    }

    #[test]
    fn a_registry_has_a_dot_or_a_port() {
        assert_eq!(Image::read("reg.shop:5000/a/b:1").registry.as_deref(), Some("reg.shop:5000"));
        assert_eq!(Image::read("bitnami/redis").registry, None);
    }
}
