//! Functions over address ranges.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::refuse;
use crate::value::{Node, Value};

/// A range: its first address as a number, its prefix, and whether it is IPv6.
#[derive(Clone, Copy)]
struct Range {
    first: u128,
    prefix: u32,
    six: bool,
}

impl Range {
    fn of(text: &str) -> Option<Self> {
        let (address, prefix) = text.trim().split_once('/')?;
        let prefix: u32 = prefix.parse().ok()?;
        let (first, six) = match address.parse().ok()? {
            IpAddr::V4(address) => (u128::from(u32::from(address)), false),
            IpAddr::V6(address) => (u128::from(address), true),
        };
        let range = Self { first, prefix, six };
        let host = range.bits().checked_sub(prefix)?;
        Some(Self { first: if host >= 128 { 0 } else { first >> host << host }, ..range })
    }

    fn bits(self) -> u32 {
        if self.six { 128 } else { 32 }
    }

    fn host(self, number: i128) -> Option<String> {
        let bits = self.bits() - self.prefix;
        let size = 1_u128.checked_shl(bits).unwrap_or(u128::MAX);
        let offset = match u128::try_from(number) {
            Ok(number) => number,
            Err(_) => size.checked_sub(number.unsigned_abs())?,
        };
        (offset < size).then(|| self.address(self.first | offset))
    }

    fn subnet(self, new: u32, number: u128) -> Option<String> {
        let prefix = self.prefix.checked_add(new).filter(|prefix| *prefix <= self.bits())?;
        if new < 128 && number >= 1_u128.checked_shl(new)? {
            return None;
        }
        let shift = self.bits() - prefix;
        Some(format!("{}/{prefix}", self.address(self.first | number.checked_shl(shift).unwrap_or(0))))
    }

    fn address(self, number: u128) -> String {
        if self.six {
            Ipv6Addr::from(number).to_string()
        } else {
            Ipv4Addr::from(u32::try_from(number).unwrap_or(u32::MAX)).to_string()
        }
    }
}

pub(super) fn call(name: &str, arguments: &[Node], at: &Node) -> Option<Value> {
    let value = match (name, arguments) {
        ("cidrsubnet", [range, new, number]) => subnet(range, new, number),
        ("cidrhost", [range, number]) => {
            let number = number.number().filter(|number| number.fract() == 0.0 && number.abs() < 1e30);
            range.text().and_then(|text| Range::of(&text)?.host(number? as i128)).map(Value::Text)
        }
        ("cidrnetmask", [range]) => {
            range.text().and_then(|text| Range::of(&text)).filter(|range| !range.six).map(|range| {
                let mask = u32::MAX.checked_shl(32 - range.prefix).unwrap_or(0);
                Value::Text(Ipv4Addr::from(mask).to_string())
            })
        }
        ("cidrsubnets", [range, sizes @ ..]) => subnets(range, sizes, at),
        _ => return None,
    };
    Some(value.unwrap_or_else(|| refuse(name)))
}

fn subnet(range: &Node, new: &Node, number: &Node) -> Option<Value> {
    let made = Range::of(&range.text()?)?.subnet(new.count()?, u128::from(number.count()?))?;
    Some(Value::Text(made))
}

/// Ranges in a row, each begun where its own size allows.
fn subnets(range: &Node, sizes: &[Node], at: &Node) -> Option<Value> {
    let range = Range::of(&range.text()?)?;
    let mut next = range.first;
    let mut made = Vec::new();
    for size in sizes {
        let new = size.count()?;
        let prefix = range.prefix.checked_add(new).filter(|prefix| *prefix <= range.bits())?;
        let step = 1_u128.checked_shl(range.bits() - prefix)?;
        let start = next.checked_add(step - 1)? / step * step;
        let number = start.checked_sub(range.first)? / step;
        made.push(at.but(Value::Text(range.subnet(new, number)?)));
        next = start.checked_add(step)?;
    }
    Some(Value::List(made))
}
