//! What operators are asked to run: databases, caches and queues that stand in a cluster as one object of their own kind.
//!
//! The object says how many pods there will be and the operator's documentation by which names they are reached. Each row of
//! [`KNOWN`] is one such kind.

use dinghai_estate::{Role, ServiceId, Source, Unknown, UnknownKind};

use super::object::{Object, Objects};
use super::select::Labels;
use super::workload::{Manner, Workload};
use crate::value::{Node, Value};

/// One kind that an operator looks after.
struct Known {
    group: &'static str,
    kind: &'static str,
    role: Role,
    /// Where the number of pods stands under `spec`; a `*` stands for every item of a list, whose numbers add up.
    count: &'static [&'static str],
    /// How many when nothing is said.
    default: u32,
    /// Names of the Services that it makes; `{}` is the object's name.
    names: &'static [&'static str],
}

const KNOWN: &[Known] = &[
    known("postgresql.cnpg.io", "Cluster", Role::Database, &["instances"], 1, &["{}-rw", "{}-ro", "{}-r"]),
    known("acid.zalan.do", "postgresql", Role::Database, &["numberOfInstances"], 1, &["{}", "{}-repl"]),
    known(
        "postgres-operator.crunchydata.com",
        "PostgresCluster",
        Role::Database,
        &["instances", "*", "replicas"],
        1,
        &["{}-primary", "{}-replicas", "{}-ha", "{}-pgbouncer"],
    ),
    known(
        "pxc.percona.com",
        "PerconaXtraDBCluster",
        Role::Database,
        &["pxc", "size"],
        1,
        &["{}-pxc", "{}-haproxy", "{}-proxysql"],
    ),
    known(
        "psmdb.percona.com",
        "PerconaServerMongoDB",
        Role::Database,
        &["replsets", "*", "size"],
        1,
        &["{}-rs0", "{}-mongos"],
    ),
    known("mongodbcommunity.mongodb.com", "MongoDBCommunity", Role::Database, &["members"], 1, &["{}-svc"]),
    known("mysql.oracle.com", "InnoDBCluster", Role::Database, &["instances"], 1, &["{}", "{}-instances"]),
    known(
        "k8s.mariadb.com",
        "MariaDB",
        Role::Database,
        &["replicas"],
        1,
        &["{}", "{}-primary", "{}-secondary"],
    ),
    known("pingcap.com", "TidbCluster", Role::Database, &["tikv", "replicas"], 1, &["{}-tidb"]),
    known("clickhouse.altinity.com", "ClickHouseInstallation", Role::Database, &[], 1, &["clickhouse-{}"]),
    known(
        "databases.spotahome.com",
        "RedisFailover",
        Role::Cache,
        &["redis", "replicas"],
        3,
        &["rfs-{}", "rfr-{}", "rfrm-{}"],
    ),
    known("redis.redis.opstreelabs.in", "Redis", Role::Cache, &[], 1, &["{}"]),
    known(
        "redis.redis.opstreelabs.in",
        "RedisReplication",
        Role::Cache,
        &["clusterSize"],
        1,
        &["{}", "{}-master"],
    ),
    known(
        "redis.redis.opstreelabs.in",
        "RedisCluster",
        Role::Cache,
        &["clusterSize"],
        3,
        &["{}-leader", "{}-follower"],
    ),
    known(
        "kafka.strimzi.io",
        "Kafka",
        Role::Queue,
        &["kafka", "replicas"],
        1,
        &["{}-kafka-bootstrap", "{}-kafka-brokers"],
    ),
    known("rabbitmq.com", "RabbitmqCluster", Role::Queue, &["replicas"], 1, &["{}", "{}-nodes"]),
    known(
        "elasticsearch.k8s.elastic.co",
        "Elasticsearch",
        Role::Search,
        &["nodeSets", "*", "count"],
        1,
        &["{}-es-http", "{}-es-internal-http"],
    ),
    known(
        "opensearch.opster.io",
        "OpenSearchCluster",
        Role::Search,
        &["nodePools", "*", "replicas"],
        1,
        &["{}"],
    ),
    known(
        "zookeeper.pravega.io",
        "ZookeeperCluster",
        Role::Control,
        &["replicas"],
        3,
        &["{}-client", "{}-headless"],
    ),
    known("etcd.database.coreos.com", "EtcdCluster", Role::Control, &["size"], 1, &["{}-client", "{}"]),
    known(
        "monitoring.coreos.com",
        "Prometheus",
        Role::Monitoring,
        &["replicas"],
        1,
        &["prometheus-operated"],
    ),
    known(
        "monitoring.coreos.com",
        "Alertmanager",
        Role::Monitoring,
        &["replicas"],
        1,
        &["alertmanager-operated"],
    ),
    known("controlplane.cluster.x-k8s.io", "KubeadmControlPlane", Role::Control, &["replicas"], 1, &[]),
];

const fn known(
    group: &'static str,
    kind: &'static str,
    role: Role,
    count: &'static [&'static str],
    default: u32,
    names: &'static [&'static str],
) -> Known {
    Known { group, kind, role, count, default, names }
}

/// The workload behind an object of a known kind.
pub(super) fn workload<'a>(object: &'a Object, objects: &Objects) -> Option<Workload<'a>> {
    let known = KNOWN.iter().find(|known| known.group == object.group && known.kind == object.kind)?;
    let spec = object.body.get("spec").cloned().unwrap_or_else(|| object.body.with(Value::Map(Vec::new())));
    let mut stated = Vec::new();
    collect(&spec, known.count, &mut stated);
    let pools = pools(object, objects);
    stated.extend(pools.iter().filter_map(|pool| pool.spec(&["replicas"])));
    let (count, counted) = match stated.first() {
        None => (Some(known.default), Source::derived(object.origin())),
        Some(first) => (
            stated.iter().map(|node| node.count()).try_fold(0_u32, |sum, count| sum.checked_add(count?)),
            if stated.len() == 1 {
                Source::declared(first.origin())
            } else {
                Source::derived(first.origin())
            },
        ),
    };
    let open = stated.first().filter(|_| count.is_none()).map(|first| Unknown {
        why: first.unknown().unwrap_or("the number of pods is no number").to_owned(),
        kind: UnknownKind::Unresolved,
        origin: first.origin(),
    });
    Some(Workload {
        object,
        id: ServiceId::new(&object.name),
        manner: Manner::Operated,
        pod: pod(object, &spec),
        labels: labels(object),
        count,
        counted,
        open,
        role: known.role,
        names: known.names.iter().map(|name| name.replace("{}", &object.name)).collect(),
    })
}

/// Strimzi's node pools of a Kafka.
fn pools<'a>(object: &Object, objects: &'a Objects) -> Vec<&'a Object> {
    let of = |pool: &&Object| {
        pool.body.at(&["metadata", "labels", "strimzi.io/cluster"]).and_then(Node::str)
            == Some(object.name.as_str())
            && pool.beside(object.namespace.as_deref())
            && pool.spec(&["roles"]).map(Node::texts).unwrap_or_default().iter().any(|role| role == "broker")
    };
    match object.kind.as_str() {
        "Kafka" => objects.of_kind("KafkaNodePool").filter(of).collect(),
        _ => Vec::new(),
    }
}

fn collect<'a>(node: &'a Node, path: &[&str], found: &mut Vec<&'a Node>) {
    match path {
        [] => {}
        ["*", rest @ ..] => node.items().iter().for_each(|item| collect(item, rest, found)),
        [last] => found.extend(node.get(last)),
        [first, rest @ ..] => {
            if let Some(inner) = node.get(first) {
                collect(inner, rest, found);
            }
        }
    }
}

/// What is said about the pods: most operators take parts of a pod's specification as their own.
fn pod(object: &Object, spec: &Node) -> Node {
    let templates: [&[&str]; 6] = [
        &["kafka", "template", "pod"],
        &["override", "statefulSet", "spec", "template", "spec"],
        &["statefulSet", "spec", "template", "spec"],
        &["podTemplate", "spec"],
        &["redis"],
        &["pxc"],
    ];
    let found = templates.iter().find_map(|path| spec.at(path).filter(|node| node.says_something()));
    let pod = found.unwrap_or(spec).clone();
    match (object.group.as_str(), pod.get("affinity")) {
        // CloudNativePG has words of its own for anti-affinity, and so has Zalando's operator.
        ("postgresql.cnpg.io" | "acid.zalan.do", _) => own_words(object, spec, pod),
        _ => pod,
    }
}

/// CloudNativePG's `affinity` and Zalando's `enablePodAntiAffinity` as what they become: anti-affinity among the pods themselves.
fn own_words(object: &Object, spec: &Node, pod: Node) -> Node {
    use crate::value::Key;
    let affinity = spec.get("affinity").unwrap_or(spec);
    let required = affinity.get("podAntiAffinityType").and_then(Node::str) == Some("required");
    if !required || affinity.get("enablePodAntiAffinity").and_then(Node::truth) == Some(false) {
        return pod;
    }
    let at = affinity.get("podAntiAffinityType").unwrap_or(affinity);
    let key = |text: &str| Key { text: text.to_owned(), line: at.line, column: at.column };
    let map = |entries: Vec<(Key, Node)>| at.with(Value::Map(entries));
    let labels =
        labels(object).into_iter().map(|(name, value)| (key(&name), at.with(Value::Text(value)))).collect();
    let topology = affinity
        .get("topologyKey")
        .cloned()
        .unwrap_or_else(|| at.with(Value::Text("kubernetes.io/hostname".to_owned())));
    let term = map(vec![
        (key("labelSelector"), map(vec![(key("matchLabels"), map(labels))])),
        (key("topologyKey"), topology),
    ]);
    let rule =
        map(vec![(key("requiredDuringSchedulingIgnoredDuringExecution"), at.with(Value::List(vec![term])))]);
    let mut entries: Vec<(Key, Node)> = pod
        .entries()
        .filter(|(key, _)| key.text != "affinity")
        .map(|(key, node)| (key.clone(), node.clone()))
        .collect();
    if let Some(selector) = affinity.get("nodeSelector") {
        entries.push((key("nodeSelector"), selector.clone()));
    }
    let mut own = vec![(key("podAntiAffinity"), rule)];
    own.extend(affinity.get("nodeAffinity").map(|node| (key("nodeAffinity"), node.clone())));
    entries.push((key("affinity"), map(own)));
    pod.with(Value::Map(entries))
}

/// The labels that operators put on their pods.
fn labels(object: &Object) -> Labels {
    const NAMES: [&str; 11] = [
        "cnpg.io/cluster",
        "cluster-name",
        "postgres-operator.crunchydata.com/cluster",
        "strimzi.io/cluster",
        "redisfailovers.databases.spotahome.com/name",
        "elasticsearch.k8s.elastic.co/cluster-name",
        "app.kubernetes.io/instance",
        "app.kubernetes.io/name",
        "opster.io/opensearch-cluster",
        "mysql.oracle.com/cluster",
        "app",
    ];
    NAMES.iter().map(|name| ((*name).to_owned(), object.name.clone())).collect()
}
