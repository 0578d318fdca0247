//! Kinds of resource that no table names: which of them may be left alone, and which are worth a word.

/// Providers that hold no infrastructure of their own.
const HELPING: &[&str] = &[
    "random",
    "null",
    "local",
    "template",
    "archive",
    "tls",
    "time",
    "external",
    "http",
    "terraform",
    "cloudinit",
    "dns",
    "github",
    "gitlab",
    "vault",
    "datadog",
    "pagerduty",
    "grafana",
    "newrelic",
    "sentry",
    "opsgenie",
    "awscc",
    "auth0",
    "okta",
];

/// Whether a kind belongs to a provider whose infrastructure is not read.
pub(super) fn foreign(kind: &str) -> bool {
    let provider = kind.split('_').next().unwrap_or(kind);
    !matches!(provider, "aws" | "alicloud") && !HELPING.contains(&provider)
}

/// Whether an unknown kind of a known provider looks as if it ran or kept something.
pub(super) fn seems_to_run(kind: &str) -> bool {
    const LAST: &[&str] = &[
        "_instance",
        "_cluster",
        "_service",
        "_broker",
        "_database",
        "_function",
        "_environment",
        "_fleet",
        "_domain_cluster",
        "_balancer",
        "_node_group",
        "_node_pool",
        "_server",
        "_db",
        "_cache",
        "_queue",
        "_application",
        "_stack",
        "_file_system",
        "_gateway",
        "_stream",
        "_table",
    ];
    const NOT: &[&str] = &[
        "iam",
        "ssm_",
        "config_",
        "internet_gateway",
        "egress_only",
        "vpn_gateway",
        "customer_gateway",
        "transit_gateway",
        "discovery",
        "ram_",
        "cms_",
        "log_",
        "glue_",
        "athena",
        "cloudwatch",
        "lakeformation",
        "cen_instance",
        "customer",
        "carrier_gateway",
        "storage_gateway",
        "sso",
        "cognito",
        "ses_",
        "pinpoint",
        "account",
        "dx_gateway",
        "vpc_ipv4",
        "alidns_instance",
        "ddos",
        "waf",
        "cloud_firewall",
        "code",
        "cdn_",
        "actiontrail",
        "express_connect",
    ];
    LAST.iter().any(|last| kind.ends_with(last)) && !NOT.iter().any(|not| kind.contains(not))
}
