//! The names of things in an estate, one type each.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// From its text.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// As text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }
    )*};
}

id! {
    /// A failure domain, such as `hz-a`.
    PlaceId;
    /// A service, such as `order`.
    ServiceId;
    /// An instance, `order@hz-a` unless the estate names it; a second one at the same place is `order@hz-a.2`.
    InstanceId;
    /// A gateway, such as `public`.
    GatewayId;
    /// One of a gateway's listeners, such as `internal`; `public` when the estate names none.
    ListenerId;
    /// A route, `LISTENER:HOST/PATH` unless the estate names it.
    RouteId;
    /// A promise, such as `failover.zone`.
    PromiseId;
    /// A drill, such as `zone-loss`.
    DrillId;
}
