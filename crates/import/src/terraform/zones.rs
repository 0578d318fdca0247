//! Names of zones, and the regions that they tell.
//!
//! A zone's name holds its region's: `us-east-1a` lies in `us-east-1`, `cn-hangzhou-h` in `cn-hangzhou`. Some products of
//! alicloud name several zones at once: `cn-hangzhou-MAZ10(h,i)`.

/// The clouds that are read here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cloud {
    /// Amazon Web Services.
    Aws,
    /// Alibaba Cloud.
    Alicloud,
}

impl Cloud {
    /// The cloud of a kind of resource.
    pub(super) fn of_kind(kind: &str) -> Option<Self> {
        if kind.starts_with("aws_") {
            Some(Self::Aws)
        } else if kind.starts_with("alicloud_") {
            Some(Self::Alicloud)
        } else {
            None
        }
    }

    /// As places name their vendor.
    pub(super) const fn vendor(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::Alicloud => "aliyun",
        }
    }
}

/// The region of a zone; none when the text is no zone's name.
pub(super) fn region_of(cloud: Cloud, zone: &str) -> Option<String> {
    let plain = zone.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if !plain || !zone.contains('-') {
        return None;
    }
    let parts: Vec<&str> = zone.split('-').collect();
    if parts.iter().any(|part| part.is_empty()) {
        return None;
    }
    // The part with the region's number: `1a` of `us-east-1a`, `2` of the local zone `us-west-2-lax-1a`.
    let numbered = parts.iter().position(|part| part.starts_with(|first: char| first.is_ascii_digit()));
    if let Some(at) = numbered.filter(|at| *at >= 2) {
        let (before, from) = parts.split_at(at);
        let (number, after) = from.split_first()?;
        let digits = number.trim_end_matches(|last: char| last.is_ascii_lowercase());
        let letters = number.len() - digits.len();
        let zone_here = letters == 1 && after.is_empty();
        let zone_further = letters == 0 && !after.is_empty();
        let digits_only = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        return (digits_only && (zone_here || zone_further))
            .then(|| format!("{}-{digits}", before.join("-")));
    }
    let (last, before) = parts.split_last()?;
    let letter = last.len() == 1 && last.bytes().all(|byte| byte.is_ascii_lowercase());
    (cloud == Cloud::Alicloud && letter && before.len() >= 2).then(|| before.join("-"))
}

/// The single zones of a name that may stand for several.
pub(super) fn single_zones(zone: &str) -> Vec<String> {
    let several = zone.split_once("MAZ").and_then(|(region, rest)| {
        let letters = rest.split_once('(')?.1.strip_suffix(')')?;
        // `cn-hangzhou-MAZ10(h,i)` has the dash of its zones in front, `ap-southeast-1MAZ1(a,b)` has none.
        Some(letters.split(',').map(|letter| format!("{region}{}", letter.trim())).collect())
    });
    several.unwrap_or_else(|| vec![zone.to_owned()])
}

#[cfg(test)]
mod tests {
    use super::{Cloud, region_of, single_zones};

    #[test]
    fn a_zone_tells_its_region() {
        let aws = |zone| region_of(Cloud::Aws, zone);
        assert_eq!(aws("us-east-1a").as_deref(), Some("us-east-1"));
        assert_eq!(aws("us-gov-west-1b").as_deref(), Some("us-gov-west-1"));
        assert_eq!(aws("us-west-2-lax-1a").as_deref(), Some("us-west-2"));
        assert_eq!(aws("us-east-1"), None);
        assert_eq!(aws("use1-az1"), None);
        assert_eq!(aws("subnet-0ab"), None);
        let alicloud = |zone| region_of(Cloud::Alicloud, zone);
        assert_eq!(alicloud("cn-hangzhou-h").as_deref(), Some("cn-hangzhou"));
        assert_eq!(alicloud("ap-southeast-1a").as_deref(), Some("ap-southeast-1"));
        assert_eq!(alicloud("cn-hangzhou"), None);
        assert_eq!(alicloud("vsw-bp1k"), None);
    }

    #[test]
    fn one_name_can_stand_for_several_zones() {
        assert_eq!(single_zones("cn-hangzhou-MAZ10(h,i)"), ["cn-hangzhou-h", "cn-hangzhou-i"]);
        assert_eq!(single_zones("ap-southeast-1MAZ1(a,b)"), ["ap-southeast-1a", "ap-southeast-1b"]);
        assert_eq!(single_zones("us-east-1a"), ["us-east-1a"]);
    }
}
