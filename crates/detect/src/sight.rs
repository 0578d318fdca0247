//! One instance as all vantage points together see it.
//!
//! | who says up | who says down | health | agreed |
//! |---|---|---|---|
//! | nobody | nobody | unknown | no |
//! | some | nobody | up | from two on |
//! | nobody | some | down | from two on |
//! | some | some | unknown: they contradict each other | no |
//!
//! The hand sees processes: one that is gone is down; one that runs says nothing about whether it answers, except where
//! the process is all that the probe asks for. A view that wavers does not vote against those that do not, so that a
//! gateway, which sees a death first, is not contradicted by probes that are still counting.

use std::collections::{BTreeMap, BTreeSet};

use dinghai_clock::Timestamp;
use dinghai_record::{Cause, Health, ProcessState, Sighting, Vantage};

use crate::senses::Watched;

struct Vote {
    health: Health,
    since: Timestamp,
    wavers: bool,
}

/// Puts together what all vantage points say at `now`.
pub(crate) fn combine(watched: &Watched, now: Timestamp) -> Sighting {
    let mut votes: BTreeMap<Vantage, Vote> = watched
        .views
        .iter()
        .map(|(vantage, view)| {
            let vote = Vote { health: view.says(now), since: view.since(), wavers: view.wavers() };
            (vantage.clone(), vote)
        })
        .collect();
    if let Some(vote) = hand(watched, now) {
        votes.insert(Vantage::Hand, vote);
    }
    let (health, since, agreed) = count(&votes).unwrap_or_else(|| {
        let heard = watched.views.values().filter_map(|view| view.heard()).max();
        (Health::Unknown, heard.unwrap_or(Timestamp::EPOCH), false)
    });
    Sighting {
        health,
        since,
        agreed,
        by: votes.into_iter().map(|(vantage, vote)| (vantage, vote.health)).collect(),
        answered: watched.views.values().filter_map(|view| view.answered).max(),
        took_us: watched.views.get(&Vantage::Controller).and_then(|view| view.took_us),
        process: watched.process_now(now).map(|process| process.state.clone()),
        ejected_by: watched
            .views
            .iter()
            .filter(|(_, view)| view.is_ejected())
            .filter_map(|(vantage, _)| match vantage {
                Vantage::Gateway(gateway) => Some(gateway.clone()),
                Vantage::Controller | Vantage::Hand => None,
            })
            .collect::<BTreeSet<_>>(),
    }
}

fn hand(watched: &Watched, now: Timestamp) -> Option<Vote> {
    let process = watched.process.as_ref()?;
    let health = match watched.process_now(now).map(|process| &process.state) {
        None => Health::Unknown,
        Some(ProcessState::Running { .. }) if watched.asks_for_the_process() => Health::Up,
        Some(ProcessState::Running { .. }) => Health::Unknown,
        Some(ProcessState::Stopped | ProcessState::Exited { .. } | ProcessState::BackingOff { .. }) => {
            Health::Down(Cause::Gone)
        }
    };
    Some(Vote { health, since: process.since, wavers: false })
}

/// Health, since when, and whether two agree; none when nobody says anything.
fn count(votes: &BTreeMap<Vantage, Vote>) -> Option<(Health, Timestamp, bool)> {
    let up = |vote: &&Vote| vote.health == Health::Up;
    let down = |vote: &&Vote| matches!(vote.health, Health::Down(_));
    let firm = |vote: &&Vote| !vote.wavers;
    let ups: Vec<&Vote> = votes.values().filter(up).collect();
    let downs: Vec<&Vote> = votes.values().filter(down).collect();
    let (ups, downs) = if ups.is_empty() || downs.is_empty() {
        (ups, downs)
    } else {
        (ups.into_iter().filter(firm).collect(), downs.into_iter().filter(firm).collect())
    };
    match (ups.is_empty(), downs.is_empty()) {
        (true, true) => None,
        // All of them have said so only since the last one did.
        (false, true) => Some((Health::Up, ups.iter().map(|vote| vote.since).max()?, ups.len() > 1)),
        // The trouble began when the first one saw it.
        (true, false) => {
            let health = downs.first()?.health.clone();
            Some((health, downs.iter().map(|vote| vote.since).min()?, downs.len() > 1))
        }
        (false, false) => {
            let first_up = ups.iter().map(|vote| vote.since).min()?;
            let first_down = downs.iter().map(|vote| vote.since).min()?;
            Some((Health::Unknown, first_up.max(first_down), false))
        }
    }
}
