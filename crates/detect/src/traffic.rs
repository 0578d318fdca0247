//! The log of what passed through the gateways: the last quarter of an hour, second by second.

use std::collections::BTreeMap;

use dinghai_clock::Timestamp;
use dinghai_estate::{GatewayId, RouteId};
use dinghai_record::{Second, Traffic};

/// How far the log reaches back.
const KEPT_S: i64 = 15 * 60;

/// Takes in what a gateway told at `at`. A second that is told again replaces what was told before.
pub(crate) fn take(
    traffic: &mut Traffic,
    gateway: &GatewayId,
    told: &BTreeMap<RouteId, Vec<Second>>,
    at: Timestamp,
) {
    let now_s = at.as_micros().div_euclid(1_000_000);
    let routes = traffic.routes.entry(gateway.clone()).or_default();
    for (route, seconds) in told {
        let log = routes.entry(route.clone()).or_default();
        for second in seconds {
            if second.at_s <= now_s - KEPT_S || second.at_s > now_s + 1 {
                continue;
            }
            match log.binary_search_by_key(&second.at_s, |kept| kept.at_s) {
                Ok(place) => {
                    if let Some(kept) = log.get_mut(place) {
                        *kept = second.clone();
                    }
                }
                Err(place) => log.insert(place, second.clone()),
            }
        }
        while log.front().is_some_and(|oldest| oldest.at_s <= now_s - KEPT_S) {
            log.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn second(at_s: i64, requests: u64) -> Second {
        Second { at_s, requests, ..Second::default() }
    }

    #[test]
    fn a_second_told_again_replaces_what_was_told_before() {
        let mut traffic = Traffic::default();
        let gateway = GatewayId::from("public");
        for requests in [3, 5] {
            let told = BTreeMap::from([(RouteId::from("r"), vec![second(10, requests), second(9, 1)])]);
            take(&mut traffic, &gateway, &told, Timestamp::from_micros(11_000_000));
        }
        let log: Vec<_> = traffic.routes[&gateway][&RouteId::from("r")].iter().cloned().collect();
        assert_eq!(log, [second(9, 1), second(10, 5)]);
    }

    proptest! {
        #[test]
        fn the_log_stays_bounded_and_in_order(seconds in prop::collection::vec(0i64..5_000, 0..300)) {
            let mut traffic = Traffic::default();
            let gateway = GatewayId::from("public");
            for at_s in seconds {
                let told = BTreeMap::from([(RouteId::from("r"), vec![second(at_s, 1)])]);
                take(&mut traffic, &gateway, &told, Timestamp::from_micros(at_s * 1_000_000));
                let log = &traffic.routes[&gateway][&RouteId::from("r")];
                prop_assert!(log.len() <= 900);
                prop_assert!(log.iter().zip(log.iter().skip(1)).all(|(a, b)| a.at_s < b.at_s));
            }
        }
    }
}
