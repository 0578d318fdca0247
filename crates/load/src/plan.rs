//! What is to be sent: how often, where to, and which requests.

use std::net::SocketAddr;
use std::time::Duration;

use dinghai_clock::Rng;
use http::Method;

/// What a load run sends.
#[derive(Clone, Debug)]
pub struct LoadPlan {
    /// Where the requests go; HTTP/1.1 without TLS.
    pub target: SocketAddr,
    /// When they arrive.
    pub arrivals: Arrivals,
    /// What they ask, drawn by weight.
    pub mix: Vec<Template>,
    /// The same seed draws the same arrivals and requests.
    pub seed: u64,
    /// A request without its whole answer so long after its intended start has failed.
    pub timeout: Duration,
    /// Connections at most; a request for which none is free waits, and the wait counts.
    pub connections: usize,
    /// The label of the first phase.
    pub phase: String,
}

/// When requests arrive. Rates are in requests per second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Arrivals {
    /// At even distances.
    Constant(f64),
    /// Independently of each other, as people do: exponentially distributed gaps.
    Poisson(f64),
}

/// A kind of request.
#[derive(Clone, Debug)]
pub struct Template {
    /// The method; it also decides whether the request is idempotent.
    pub method: Method,
    /// Path and query; `{n}` becomes the number of the request.
    pub path: String,
    /// A JSON body, when there is one; `{n}` becomes the number of the request.
    pub body: Option<String>,
    /// Its share among the weights of the mix.
    pub weight: u32,
}

/// Why a plan cannot be run.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LoadError {
    /// The rate is not one.
    #[error("a rate of `{0}` requests per second cannot be sent; give a positive number")]
    Rate(f64),
    /// Nothing can be drawn.
    #[error("the mix has no request with a weight; give at least one a weight above 0")]
    Mix,
    /// No connection could be opened.
    #[error("`connections` is 0; allow at least one")]
    Connections,
    /// The path is not one.
    #[error("`{path}` cannot be asked for: {why}")]
    Path {
        /// The path as given.
        path: String,
        /// What is wrong with it.
        why: String,
    },
}

impl LoadPlan {
    pub(crate) fn check(&self) -> Result<(), LoadError> {
        let rate = self.arrivals.rate();
        if !(rate.is_finite() && rate > 0.0) {
            return Err(LoadError::Rate(rate));
        }
        if self.mix.iter().all(|template| template.weight == 0) {
            return Err(LoadError::Mix);
        }
        if self.connections == 0 {
            return Err(LoadError::Connections);
        }
        for template in &self.mix {
            let path = template.path.replace("{n}", "0");
            let refuse = |why: String| LoadError::Path { path: template.path.clone(), why };
            if !path.starts_with('/') {
                return Err(refuse("it does not begin with `/`".to_owned()));
            }
            path.parse::<http::Uri>().map_err(|error| refuse(error.to_string()))?;
        }
        Ok(())
    }

    /// One of the mix, by weight.
    pub(crate) fn draw(&self, rng: &mut Rng) -> Option<&Template> {
        let total = self.mix.iter().map(|template| u64::from(template.weight)).sum();
        let mut at = rng.below(total);
        self.mix.iter().find(|template| {
            let weight = u64::from(template.weight);
            let hit = at < weight;
            at = at.saturating_sub(weight);
            hit
        })
    }
}

impl Arrivals {
    const fn rate(self) -> f64 {
        match self {
            Self::Constant(rate) | Self::Poisson(rate) => rate,
        }
    }

    /// The time to the next arrival. At most an hour, so that a tiny rate stays representable.
    pub(crate) fn gap(self, rng: &mut Rng) -> Duration {
        let seconds = match self {
            Self::Constant(rate) => 1.0 / rate,
            // Inverse transform of the exponential distribution; `1 - unit` is never 0.
            Self::Poisson(rate) => -(1.0 - rng.unit()).ln() / rate,
        };
        Duration::from_secs_f64(seconds.clamp(0.0, 3600.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{prop_assert, proptest};

    fn plan(arrivals: Arrivals, weights: &[u32]) -> LoadPlan {
        let mix = weights.iter().enumerate().map(|(at, weight)| Template {
            method: Method::GET,
            path: format!("/{at}"),
            body: None,
            weight: *weight,
        });
        LoadPlan {
            target: SocketAddr::from(([127, 0, 0, 1], 1)),
            arrivals,
            mix: mix.collect(),
            seed: 1,
            timeout: Duration::from_secs(1),
            connections: 1,
            phase: "steady".to_owned(),
        }
    }

    #[test]
    fn a_plan_that_sends_nothing_is_refused_with_the_reason() {
        assert_eq!(plan(Arrivals::Constant(0.0), &[1]).check(), Err(LoadError::Rate(0.0)));
        assert!(matches!(plan(Arrivals::Poisson(f64::NAN), &[1]).check(), Err(LoadError::Rate(_))));
        assert_eq!(plan(Arrivals::Poisson(1.0), &[0, 0]).check(), Err(LoadError::Mix));
        assert_eq!(plan(Arrivals::Poisson(1.0), &[1]).check(), Ok(()));
        let mut relative = plan(Arrivals::Poisson(1.0), &[1]);
        relative.mix[0].path = "cart".to_owned();
        assert!(relative.check().unwrap_err().to_string().contains("`cart`"));
    }

    #[test]
    fn a_weight_of_zero_is_never_drawn_and_the_others_by_their_share() {
        let plan = plan(Arrivals::Constant(1.0), &[3, 0, 1]);
        let mut rng = Rng::seeded(4);
        let mut drawn = [0u32; 3];
        for _ in 0..40_000 {
            let path = &plan.draw(&mut rng).unwrap().path;
            drawn[path[1..].parse::<usize>().unwrap()] += 1;
        }
        assert_eq!(drawn[1], 0);
        assert!((29_000..31_000).contains(&drawn[0]), "{drawn:?}");
    }

    #[test]
    fn poisson_gaps_average_to_the_rate() {
        let mut rng = Rng::seeded(9);
        let sum: Duration = (0..20_000).map(|_| Arrivals::Poisson(200.0).gap(&mut rng)).sum();
        assert!((97.0..103.0).contains(&sum.as_secs_f64()), "{sum:?} for 20,000 arrivals at 200/s");
    }

    proptest! {
        #[test]
        fn gaps_are_finite_for_every_rate(rate in 1e-9f64..1e9, seed: u64) {
            let mut rng = Rng::seeded(seed);
            prop_assert!(Arrivals::Poisson(rate).gap(&mut rng) <= Duration::from_secs(3600));
            prop_assert!(Arrivals::Constant(rate).gap(&mut rng) <= Duration::from_secs(3600));
        }
    }
}
