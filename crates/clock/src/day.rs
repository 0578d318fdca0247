//! A day of the calendar, without a time and a zone.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A day, written `2027-03-01`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(Date);

/// The text is not a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayError(String);

impl fmt::Display for DayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a day such as `2027-03-01`", self.0)
    }
}

impl std::error::Error for DayError {}

impl Day {
    /// That day of that month; none when there is no such day.
    pub fn new(year: i16, month: i8, day: i8) -> Option<Self> {
        Date::new(year, month, day).ok().map(Self)
    }
}

impl FromStr for Day {
    type Err = DayError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || DayError(text.to_owned());
        let dashes = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        if !dashes {
            return Err(refuse());
        }
        text.parse().map(Self).map_err(|_| refuse())
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_written_one_way() {
        let day: Day = "2027-03-01".parse().unwrap();
        assert_eq!((day.to_string().as_str(), Day::new(2027, 3, 1)), ("2027-03-01", Some(day)));
        for wrong in ["2027-02-30", "2027-3-1", "1 March", "20270301", "2027-03-01T00:00", ""] {
            assert!(wrong.parse::<Day>().is_err(), "{wrong}");
        }
        assert!(day < "2027-03-02".parse().unwrap());
    }
}
