//! Money, only from what the user stated: low, likely and high, or the word unknown with its reason.

use dinghai_estate::{Money, ServiceId};
use dinghai_prove::{Loss, loss};
use dinghai_record::Measures;
use maud::{Markup, html};

use crate::Scene;
use crate::frame::section;
use crate::stand::Stand;
use crate::timeline::because;

/// Low, likely and high of a loss. Without stated shares of buyers who come back only the high one is known.
pub(crate) struct Range {
    pub(crate) low: Option<Money>,
    pub(crate) likely: Option<Money>,
    pub(crate) high: Money,
}

fn less(amount: &Money, come_back: f64) -> Money {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "an estimate in cents, far below 2^53"
    )]
    let cents = (amount.cents as f64 * (1.0 - come_back)).round() as i64;
    Money { cents, currency: amount.currency.clone() }
}

fn ranged(full: Money, come_back: Option<[f64; 3]>) -> Range {
    match come_back {
        Some([low, likely, high]) => {
            Range { low: Some(less(&full, low)), likely: Some(less(&full, likely)), high: less(&full, high) }
        }
        None => Range { low: None, likely: None, high: full },
    }
}

/// What a service's orders bring in a minute, when all of visits, conversion and order are stated.
fn each_minute(scene: &Scene<'_>, service: &ServiceId) -> Option<Range> {
    let value = scene.value_of(service)?;
    let order = value.order.as_ref()?;
    let orders = value.visits_per_minute? * value.conversion?;
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "an estimate in cents, far below 2^53"
    )]
    let cents = (order.cents as f64 * orders).round() as i64;
    Some(ranged(Money { cents, currency: order.currency.clone() }, value.come_back))
}

/// What these measures stand for in money, with the terms; or unknown with its reasons.
pub(crate) fn lost(scene: &Scene<'_>, measures: &Measures) -> Markup {
    match loss(scene.estate, measures) {
        Loss::Known { low, likely, high, terms } => html! {
            (three(scene, &Range { low, likely, high }))
            div.note { (because(scene, &terms)) }
        },
        Loss::Unknown(reasons) => html! {
            p { span.unk { (scene.say("unknown", &[])) } }
            div.note { (because(scene, &reasons)) }
        },
    }
}

/// The three amounts as they stand on every page.
pub(crate) fn three(scene: &Scene<'_>, range: &Range) -> Markup {
    let say = |amount: &Option<Money>| match amount {
        Some(amount) => scene.money(amount),
        None => scene.say("unknown", &[]),
    };
    html! {
        dl.money {
            div { dt { (scene.say("low", &[])) } dd { (say(&range.low)) } }
            div.likely { dt { (scene.say("likely", &[])) } dd { (say(&range.likely)) } }
            div { dt { (scene.say("high", &[])) } dd { (scene.money(&range.high)) } }
        }
    }
}

pub(crate) fn at_risk(scene: &Scene<'_>, stand: &Stand<'_>) -> Markup {
    let valued: Vec<&ServiceId> =
        stand.services.iter().map(|s| s.id).filter(|id| scene.value_of(id).is_some()).collect();
    let silent: Vec<&ServiceId> =
        stand.core().map(|s| s.id).filter(|id| scene.value_of(id).is_none()).collect();
    let origin = valued.first().and_then(|id| scene.value_of(id)).map(|value| value.origin.to_string());
    let aside =
        html! { @if let Some(origin) = origin { p { (scene.say("from", &[])) " " code { (origin) } } } };
    let losses = stand.next_losses();
    let next = losses.iter().find(|loss| loss.stops.iter().any(|id| valued.contains(&id)));
    let open = scene.book.open_incidents().min_by_key(|record| (record.grade, record.since));
    let body = html! {
        @if let (Some(incident), false) = (open, valued.is_empty()) {
            p.money-h { (scene.say("lost-so-far", &[("id", incident.id.to_string())])) }
            (lost(scene, &crate::incident::measured(scene, incident).unwrap_or_default()))
        }
        @if valued.is_empty() {
            p.money-h { (scene.rich("money-no-values", &[])) }
        } @else {
            @match next {
                Some(loss) => {
                    @for service in loss.stops.iter().filter(|id| valued.contains(id)).take(2) {
                        p.money-h { (scene.say("money-next", &[("place", loss.place.to_string()), ("service", service.to_string())])) }
                        @match each_minute(scene, service) {
                            Some(range) => (three(scene, &range)),
                            None => p.note { (scene.rich("money-incomplete", &[("service", service.to_string())])) },
                        }
                    }
                }
                None => p.money-h { (scene.say("money-none-next", &[])) },
            }
            @for id in valued.iter().take(1) { (terms(scene, id)) }
            @if !silent.is_empty() {
                p.note { (scene.rich("money-silent", &[("services", scene.list(&silent))])) }
            }
        }
    };
    section("money", 2, &scene.say("money", &[]), &aside, &body)
}

fn terms(scene: &Scene<'_>, service: &ServiceId) -> Markup {
    let Some(value) = scene.value_of(service) else { return html! {} };
    let unknown = || scene.say("unknown", &[]);
    let visits = value.visits_per_minute.map_or_else(unknown, |v| crate::decimal(scene.language(), v, 1));
    let conversion = value.conversion.map_or_else(unknown, |share| scene.percent(share));
    let order = value.order.as_ref().map_or_else(unknown, |order| scene.money(order));
    let back = match value.come_back {
        Some(shares) => scene.list(shares.map(|share| scene.percent(share))),
        None => scene.say("unknown-not-stated", &[]),
    };
    html! {
        p.note { (scene.say("money-terms", &[
            ("service", service.to_string()), ("visits", visits), ("conversion", conversion),
            ("order", order), ("back", back),
        ])) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_stated_come_back_only_the_high_loss_is_known() {
        let full = Money { cents: 9000, currency: "USD".to_owned() };
        let range = ranged(full.clone(), None);
        assert!(range.low.is_none() && range.likely.is_none());
        assert_eq!(range.high, full);
        let range = ranged(full, Some([0.5, 0.25, 0.0]));
        assert_eq!(range.low.map(|m| m.cents), Some(4500));
        assert_eq!(range.likely.map(|m| m.cents), Some(6750));
        assert_eq!(range.high.cents, 9000);
    }
}
