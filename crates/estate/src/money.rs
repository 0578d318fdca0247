//! Amounts of money, exact, in one currency.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An amount in hundredths of a currency's unit. Amounts of different currencies never add up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// Hundredths of the unit (cents).
    pub cents: i64,
    /// The ISO 4217 code, such as `USD`.
    pub currency: String,
}

/// The text is not an amount of money.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an amount of money such as `30 USD` or `9.90 CNY`")]
pub struct MoneyError(String);

impl Money {
    /// This amount `count` times, or `None` on overflow.
    pub fn times(&self, count: u64) -> Option<Self> {
        let cents = self.cents.checked_mul(i64::try_from(count).ok()?)?;
        Some(Self { cents, currency: self.currency.clone() })
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.cents < 0 { "-" } else { "" };
        let (whole, part) = (self.cents.unsigned_abs() / 100, self.cents.unsigned_abs() % 100);
        match part {
            0 => write!(f, "{sign}{whole} {}", self.currency),
            _ => write!(f, "{sign}{whole}.{part:02} {}", self.currency),
        }
    }
}

impl FromStr for Money {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || MoneyError(text.to_owned());
        let (amount, currency) = text.trim().split_once(' ').ok_or_else(refuse)?;
        let currency = currency.trim();
        if currency.len() != 3 || !currency.bytes().all(|b| b.is_ascii_uppercase()) {
            return Err(refuse());
        }
        let (whole, part) = amount.split_once('.').unwrap_or((amount, "0"));
        if part.is_empty() || part.len() > 2 || !part.bytes().all(|b| b.is_ascii_digit()) {
            return Err(refuse());
        }
        let part: i64 = format!("{part:0<2}").parse().map_err(|_| refuse())?;
        let whole: i64 = whole.parse().map_err(|_| refuse())?;
        if whole < 0 {
            return Err(refuse());
        }
        let cents = whole.checked_mul(100).and_then(|cents| cents.checked_add(part)).ok_or_else(refuse)?;
        Ok(Self { cents, currency: currency.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_amounts() {
        for (text, cents) in [("30 USD", 3000), ("9.90 CNY", 990), ("0.5 EUR", 50)] {
            assert_eq!(text.parse::<Money>().unwrap().cents, cents, "{text}");
        }
        assert_eq!("9.9 CNY".parse::<Money>().unwrap().to_string(), "9.90 CNY");
        for text in ["30", "30 usd", "x USD", "1.234 USD", "-3 USD"] {
            assert!(text.parse::<Money>().is_err(), "{text}");
        }
    }
}
