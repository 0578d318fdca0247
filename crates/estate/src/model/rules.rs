//! Rules that hold for the whole estate.

use std::net::SocketAddr;
use std::time::Duration;

use dinghai_clock::serde_span;
use serde::{Deserialize, Serialize};

/// How much healthy capacity all automatons and people together may take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActionBudget {
    /// Healthy instances of one service that may be taken in a window, beyond its minimum. Default 1.
    pub per_service: u32,
    /// Places out of which healthy capacity may be taken in a window. Default 1.
    pub places: u32,
    /// The window. Default 10 min.
    #[serde(with = "serde_span")]
    pub window: Duration,
}

/// Where the grades begin (shares of failed requests of a core path, 0–1).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Grades {
    /// P0 from this share on. Default 0.5.
    pub p0_failed: f64,
    /// P0 from this share of core services below their minimum on. Default 0.5.
    pub p0_services: f64,
    /// P1 from this share on. Default 0.05.
    pub p1_failed: f64,
}

/// Where the console listens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Console {
    /// Address and port. Default `127.0.0.1:7474`.
    pub listen: SocketAddr,
}

impl Default for ActionBudget {
    fn default() -> Self {
        Self { per_service: 1, places: 1, window: Duration::from_secs(600) }
    }
}

impl Default for Grades {
    fn default() -> Self {
        Self { p0_failed: 0.5, p0_services: 0.5, p1_failed: 0.05 }
    }
}

impl Default for Console {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 7474)) }
    }
}
