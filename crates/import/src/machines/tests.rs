use std::fmt::Write;

use dinghai_estate::{Presence, Unknown};

use super::*;

#[macro_use]
#[path = "../../tests/bare_metal/mod.rs"]
mod bare_metal;
use bare_metal::bare_metal;

/// An inventory as a person would note it down.
fn shown(inventory: &Inventory) -> String {
    let mut out = String::new();
    let line = |origin: &dinghai_estate::Origin| format!("{}:{}", origin.file, origin.line);
    for (id, place) in &inventory.places {
        let within: Vec<&str> = place.within.keys().map(dinghai_estate::PlaceId::as_str).collect();
        writeln!(
            out,
            "place {} {id} in {within:?} ({} {})",
            place.kind,
            place.source.certainty,
            line(&place.source.origin)
        )
        .unwrap();
    }
    for (id, service) in &inventory.services {
        writeln!(out, "\n{id}: {:?}, {} ({})", service.role, service.resource, line(&service.source.origin))
            .unwrap();
        if let Some(Unknown { why, .. }) = &service.open {
            writeln!(out, "  open: {why}").unwrap();
        }
        if let Some(enough) = &service.enough {
            writeln!(out, "  enough {}: {}", enough.count, enough.why).unwrap();
        }
        for instance in &service.instances {
            let at: Vec<&str> = instance.at.keys().map(dinghai_estate::PlaceId::as_str).collect();
            let unknown: Vec<&str> = instance.unknown.values().map(|unknown| unknown.why.as_str()).collect();
            let spare = if instance.spare { " spare" } else { "" };
            writeln!(
                out,
                "  {}{spare} at {at:?} ({}), {}",
                instance.id,
                line(&instance.source.origin),
                unknown.join(", ")
            )
            .unwrap();
        }
        for need in &service.needs {
            writeln!(
                out,
                "  needs {} {:?} by {} ({})",
                need.service,
                need.kind,
                need.how,
                line(&need.source.origin)
            )
            .unwrap();
        }
        for (feature, presence) in &service.features {
            let presence = match presence {
                Presence::Present(source) => format!("present ({})", line(&source.origin)),
                Presence::Absent(source) => format!("absent ({})", line(&source.origin)),
                Presence::Unknown(unknown) => format!("unknown: {}", unknown.why),
            };
            writeln!(out, "  {feature:?} {presence}").unwrap();
        }
    }
    out.push('\n');
    for entry in &inventory.entries {
        writeln!(
            out,
            "entry {} by {} ({} {})",
            entry.service,
            entry.by,
            entry.source.certainty,
            line(&entry.source.origin)
        )
        .unwrap();
    }
    for mechanism in &inventory.mechanisms {
        let by = mechanism.by.as_ref().map_or("-", dinghai_estate::ServiceId::as_str);
        writeln!(
            out,
            "mechanism {} of {} by {by} ({})",
            mechanism.kind.as_str(),
            mechanism.service,
            line(&mechanism.source.origin)
        )
        .unwrap();
    }
    for step in &inventory.steps {
        writeln!(
            out,
            "step {} of {:?} needs {:?}: {}",
            step.act.as_str(),
            step.service,
            step.needs,
            step.how
        )
        .unwrap();
    }
    for (kind, count) in &inventory.coverage.kinds {
        writeln!(out, "{kind}: {count:?}").unwrap();
    }
    for unseen in &inventory.unseen {
        writeln!(out, "unseen {}: {}", line(&unseen.origin), unseen.what).unwrap();
    }
    out
}

#[test]
fn balancers_their_address_and_the_database_behind_them_find_each_other() {
    insta::assert_snapshot!(shown(&of_machines("bare-metal", &bare_metal())));
}

#[test]
fn nginx_reads_what_it_includes() {
    let files = fixtures!["nginx/nginx.conf", "nginx/conf.d/shop.conf"];
    insta::assert_snapshot!(shown(&of_machines("nginx", &files)));
}

#[test]
fn the_order_of_files_changes_nothing() {
    let mut files = bare_metal();
    let forth = of_machines("bare-metal", &files);
    files.reverse();
    assert_eq!(of_machines("bare-metal", &files), forth);
}

#[test]
fn passwords_stay_in_their_files() {
    let inventory = of_machines("bare-metal", &bare_metal());
    assert!(!format!("{inventory:?}").contains("planted-secret"));
}

#[test]
fn a_pool_is_called_as_its_backend_unless_something_else_is() {
    let file = |path: &str, text: &str| SourceFile { path: path.to_owned(), text: text.to_owned() };
    let balancer = file(
        "haproxy.cfg",
        "frontend shop\n bind :80\n default_backend app\nbackend app\n server one 10.0.0.1:80 check\n server two 10.0.0.2:80 check\n",
    );
    let services = |files: &[SourceFile]| -> Vec<String> {
        let found = crate::import(files, crate::Joining::Together("shop"));
        found.estates[0].inventory.services.keys().map(ToString::to_string).collect()
    };
    assert_eq!(services(std::slice::from_ref(&balancer)), ["app", "haproxy-shop"]);
    let compose = file("compose.yaml", "services:\n  app:\n    image: shop\n");
    assert_eq!(services(&[balancer, compose]), ["app", "haproxy-app", "haproxy-shop"]);
}

/// What checks the services of one file: pause, pause after a failure, timeout, failures, how deep it asks.
fn checks(path: &str, text: &str) -> Vec<String> {
    let files = [crate::SourceFile { path: path.to_owned(), text: text.to_owned() }];
    let told = of_machines("shop", &files).mechanisms.into_iter().filter_map(|mechanism| {
        let dinghai_estate::MechanismKind::ActiveCheck { check, .. } = mechanism.kind else { return None };
        let fast =
            check.fast.map_or_else(|| "-".to_owned(), |fast| format!("{:?} {}", fast.value, fast.says));
        Some(format!(
            "{:?}; {fast}; {:?} {}; fall {} {:?}",
            check.every.value, check.timeout.value, check.timeout.says, check.fall.0, check.asks
        ))
    });
    told.collect()
}

#[test]
fn keepalived_tries_again_as_its_manual_says_of_each_checker() {
    let of = |checker: &str| {
        let text = format!(
            "virtual_server 10.0.0.9 80 {{\n delay_loop 6\n real_server 10.0.0.1 80 {{\n {checker} {{\n }}\n }}\n}}\n"
        );
        checks("keepalived.conf", &text).join("\n")
    };
    assert_eq!(
        of("TCP_CHECK"),
        "6s; 1s default delay_before_retry 1; 5s default connect_timeout 5; fall 2 Connection"
    );
    assert_eq!(
        of("HTTP_GET"),
        "6s; 3s default delay_before_retry 3; 5s default connect_timeout 5; fall 2 Answer"
    );
    assert_eq!(
        of("DNS_CHECK"),
        "6s; 6s delay_loop 6, which counts without `delay_before_retry`; 5s default connect_timeout 5; fall 4 Answer"
    );
    assert_eq!(
        of("MISC_CHECK"),
        "6s; 1s default delay_before_retry 1; 6s delay_loop 6, which counts without `misc_timeout`; fall 1 Answer"
    );
}

#[test]
fn a_stream_of_nginx_plus_is_only_connected_to_unless_it_names_what_has_to_match() {
    let of = |check: &str| {
        let text = format!(
            "stream {{\n upstream db {{ server 10.0.0.1:5432; server 10.0.0.2:5432; }}\n server {{ listen 5432; proxy_pass db; {check} }}\n}}\n"
        );
        checks("nginx.conf", &text).join("\n")
    };
    assert_eq!(of("health_check;"), "5s; -; 5s default health_check_timeout 5s; fall 1 Connection");
    assert_eq!(
        of("health_check match=up; health_check_timeout 2s;"),
        "5s; -; 2s health_check_timeout 2s; fall 1 Answer"
    );
}
