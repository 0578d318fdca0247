//! What it cost, in money: only from what the user stated (law 11).
//!
//! loss = failed requests × conversion × value of an order × (1 − share that comes back), summed over services. A
//! service without a stated conversion counts every failed request as a failed order. Without stated shares of those
//! who come back only the high figure is known: that nobody does.

use dinghai_estate::{Estate, Money};
use dinghai_record::{Measures, Reason, percent};
use serde::{Deserialize, Serialize};

/// A loss, or why it is not known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// What is known of it.
    Known {
        /// When as many come back as the best case says, where it is stated.
        low: Option<Money>,
        /// When as many come back as is likely, where it is stated.
        likely: Option<Money>,
        /// When as few come back as the worst case says; when nobody does, where nothing is stated.
        high: Money,
        /// How it was reckoned, and what was left out.
        terms: Vec<Reason>,
    },
    /// It cannot be told.
    Unknown(Vec<Reason>),
}

impl Loss {
    /// The same in words: the sums first, then the terms.
    pub fn told(&self) -> Vec<Reason> {
        match self {
            Self::Known { low: Some(low), likely: Some(likely), high, terms } => {
                let sums = Reason::new("loss-between").with("low", low).with("likely", likely);
                [sums.with("high", high)].into_iter().chain(terms.iter().cloned()).collect()
            }
            Self::Known { high, terms, .. } => [Reason::new("loss-at-most").with("high", high)]
                .into_iter()
                .chain(terms.iter().cloned())
                .collect(),
            Self::Unknown(reasons) => {
                [Reason::new("loss-unknown")].into_iter().chain(reasons.iter().cloned()).collect()
            }
        }
    }
}

/// The loss that these measures stand for.
pub fn loss(estate: &Estate, measures: &Measures) -> Loss {
    if measures.failed.is_none() {
        return Loss::Unknown(vec![Reason::new("loss-not-measured")]);
    }
    let mut sum: Option<([f64; 3], String)> = None;
    let mut terms = Vec::new();
    let mut come_back_stated = true;
    for (id, service) in &estate.services {
        let failed = measures.failed_by.get(id).copied().unwrap_or(0);
        let value = service.value.as_ref();
        let Some((value, order)) = value.and_then(|value| Some((value, value.order.as_ref()?))) else {
            if failed > 0 {
                let reason = Reason::new("loss-value-not-stated").with("service", id);
                terms.push(reason.with("failed", failed));
            }
            continue;
        };
        #[expect(clippy::cast_precision_loss, reason = "counts and cents are far below 2^53")]
        let full = failed as f64 * value.conversion.unwrap_or(1.0) * order.cents as f64;
        let (cents, currency) = sum.get_or_insert_with(|| ([0.0; 3], order.currency.clone()));
        if *currency != order.currency {
            let reason = Reason::new("loss-currencies-differ").with("one", &*currency);
            return Loss::Unknown(vec![reason.with("other", &order.currency)]);
        }
        if failed > 0 {
            come_back_stated &= value.come_back.is_some();
            terms.push(term(id, failed, value, order));
        }
        let back = value.come_back.unwrap_or([0.0; 3]);
        for (cents, back) in cents.iter_mut().zip(back) {
            *cents += full * (1.0 - back);
        }
    }
    let Some(([low, likely, high], currency)) = sum else {
        terms.push(Reason::new("loss-no-value-stated"));
        return Loss::Unknown(terms);
    };
    if !come_back_stated {
        terms.push(Reason::new("loss-come-back-not-stated"));
    }
    let money = |cents: f64| Money { cents: whole(cents), currency: currency.clone() };
    Loss::Known {
        low: come_back_stated.then(|| money(low)),
        likely: come_back_stated.then(|| money(likely)),
        high: money(high),
        terms,
    }
}

fn term(id: &dinghai_estate::ServiceId, failed: u64, value: &dinghai_estate::Value, order: &Money) -> Reason {
    let base = |code| Reason::new(code).with("service", id).with("failed", failed).with("order", order);
    match value.conversion {
        Some(share) => base("loss-term-conversion").with("conversion", percent(share)),
        None => base("loss-term"),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a sum of money in cents is far below 2^63")]
fn whole(cents: f64) -> i64 {
    cents.round() as i64
}
