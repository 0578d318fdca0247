//! Names of instances, asked for again and again.
//!
//! A name that leads elsewhere is followed within [`AGAIN`]; connections that are kept to where it led before are closed. An answer that
//! is empty, or none at all, changes nothing: a resolver that fails says nothing about the instances. The system's resolver is
//! asked, which knows hosts files and search lists and keeps lifetimes to itself; so the pause is ours.

use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tracing::{info, warn};

use crate::instance::Instance;

/// The pause between two questions for one name.
pub(crate) const AGAIN: Duration = Duration::from_secs(5);

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where a name leads to, as far as is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The last good answer, in order.
    pub(crate) addresses: Vec<SocketAddr>,
    /// Why the latest question had no good answer.
    pub(crate) failing: Option<String>,
}

impl Answer {
    /// What is known after one more question.
    fn after(&self, answer: Result<Vec<SocketAddr>, String>) -> Self {
        match answer {
            Ok(mut addresses) if !addresses.is_empty() => {
                // Resolvers turn their answers round; the same set is the same answer.
                addresses.sort_unstable();
                addresses.dedup();
                Self { addresses, failing: None }
            }
            Ok(_) => Self { failing: Some("the answer is empty".to_owned()), ..self.clone() },
            Err(why) => Self { failing: Some(why), ..self.clone() },
        }
    }
}

/// Asks for the name of an instance, until nobody uses it any more. Runs on the runtime that it is called on.
pub(crate) fn follow(instance: &Arc<Instance>) {
    if instance.dial.named.is_some() {
        tokio::spawn(ask(Arc::downgrade(instance)));
    }
}

async fn ask(instance: Weak<Instance>) {
    loop {
        let Some(held) = instance.upgrade() else { return };
        let (host, port) = (held.dial.address.host.clone(), held.dial.address.port);
        drop(held);
        let asking = tokio::net::lookup_host((host.as_str(), port));
        let answer = match tokio::time::timeout(PATIENCE, asking).await {
            Ok(Ok(addresses)) => Ok(addresses.collect()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("no answer in time".to_owned()),
        };
        let Some(held) = instance.upgrade() else { return };
        hear(&held, answer);
        drop(held);
        tokio::time::sleep(AGAIN).await;
    }
}

fn hear(instance: &Instance, answer: Result<Vec<SocketAddr>, String>) {
    let Some(named) = &instance.dial.named else { return };
    let (before, id) = (named.load_full(), &instance.id);
    let now = before.after(answer);
    if now == *before {
        return;
    }
    if let Some(why) = now.failing.as_ref().filter(|_| before.failing.is_none()) {
        warn!(instance = %id, why, last_good = ?now.addresses, "its name has no good answer; the last good one stays in use");
    }
    let moved = now.addresses != before.addresses;
    named.store(Arc::new(now.clone()));
    if moved {
        info!(instance = %id, addresses = ?now.addresses, "its name leads here now");
        instance.pool.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_is_empty_or_fails_leaves_the_last_good_one() {
        let at = |text: &str| text.parse::<SocketAddr>().unwrap();
        let good = Answer::default().after(Ok(vec![at("10.0.0.2:80"), at("10.0.0.1:80"), at("10.0.0.2:80")]));
        assert_eq!(good.addresses, [at("10.0.0.1:80"), at("10.0.0.2:80")]);
        let turned = good.after(Ok(vec![at("10.0.0.1:80"), at("10.0.0.2:80")]));
        assert_eq!(turned, good, "the same in another order is the same");
        let empty = good.after(Ok(vec![]));
        assert_eq!((&empty.addresses, empty.failing.is_some()), (&good.addresses, true));
        let failed = empty.after(Err("refused".to_owned()));
        assert_eq!((failed.addresses.len(), failed.failing.as_deref()), (2, Some("refused")));
        let moved = failed.after(Ok(vec![at("[::1]:80")]));
        assert_eq!(moved, Answer { addresses: vec![at("[::1]:80")], failing: None });
    }
}
