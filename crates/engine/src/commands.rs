//! What people ask for, done or refused on the newest book.

use std::sync::{Arc, Mutex};

use dinghai_ports::StoreError;
use dinghai_record::{Actor, Book, Event, PlanId, PlanState, Reason};

use crate::handle::{Command, CommandError, HaltReport};
use crate::ring::Ring;

/// Does what the command says and answers it. An asker who has gone away is not answered.
pub(crate) async fn obey(ring: &Ring, command: Command) {
    match command {
        Command::Approve(plan, by, reply) => {
            let _ = reply.send(decide_plan(ring, plan, move |plan| Event::PlanApproved { plan, by }).await);
        }
        Command::Decline(plan, by, reason, reply) => {
            let _ = reply
                .send(decide_plan(ring, plan, move |plan| Event::PlanDeclined { plan, by, reason }).await);
        }
        Command::Drill(drill, by, consent, reply) => {
            let (estate, world, now) = (ring.estate.clone(), ring.world(), ring.clock.now());
            let begun = written(ring, move |book| {
                let inputs = dinghai_drill::Inputs { estate: &estate, book, world: &world, now };
                let run = book.next_drill();
                dinghai_drill::begin(&inputs, &drill, by, consent)
                    .map(|events| (events, run))
                    .map_err(CommandError::Refused)
            });
            let _ = reply.send(begun.await);
        }
        Command::Halt(by, reason, reply) => {
            let _ = reply.send(halt(ring, by, Some(reason)).await);
        }
        Command::Resume(by, reply) => {
            let _ = reply.send(halt(ring, by, None).await);
        }
    }
}

async fn decide_plan(
    ring: &Ring,
    plan: PlanId,
    event: impl FnOnce(PlanId) -> Event + Send + 'static,
) -> Result<(), CommandError> {
    written(ring, move |book| match book.plans.get(&plan).map(|record| record.state) {
        None => Err(CommandError::Unheard(plan.to_string())),
        Some(PlanState::Waiting) => Ok((vec![event(plan)], ())),
        Some(_) => Err(CommandError::Refused(vec![Reason::new("plan-does-not-wait").with("plan", plan.0)])),
    })
    .await
}

/// The units first: they stop within a second whatever becomes of the ledger.
async fn halt(ring: &Ring, by: Actor, reason: Option<String>) -> Result<HaltReport, CommandError> {
    let asked = ring.clock.now();
    let report = ring.halter.halt(reason.is_some(), reason.as_deref().unwrap_or_default()).await;
    let now = ring.clock.now();
    let (estate, facts, unreached) = (ring.estate.clone(), ring.facts.last(), report.unreached.len());
    written(ring, move |book| {
        let events = match reason {
            Some(reason) => {
                let took = now.since(asked);
                let mut events =
                    dinghai_prove::evidence_from_halt(&estate, book, &facts, took, unreached, now);
                events.insert(0, Event::Halted { by, reason });
                events
            }
            None => vec![Event::Resumed { by }],
        };
        Ok((events, ()))
    })
    .await?;
    Ok(report)
}

/// Writes what `decide` says on the newest book, and returns what else it says once that is durable.
async fn written<T: Send + 'static>(
    ring: &Ring,
    decide: impl FnOnce(&Book) -> Result<(Vec<Event>, T), CommandError> + Send + 'static,
) -> Result<T, CommandError> {
    let answer = Arc::new(Mutex::new(None));
    let told = answer.clone();
    ring.journal
        .transact(Box::new(move |book| {
            let (events, answer) = match decide(book) {
                Ok((events, answer)) => (events, Ok(answer)),
                Err(refusal) => (vec![], Err(refusal)),
            };
            if let Ok(mut told) = told.lock() {
                *told = Some(answer);
            }
            events
        }))
        .await?;
    let answer = answer.lock().ok().and_then(|mut answer| answer.take());
    answer.unwrap_or_else(|| Err(StoreError::Failed("the decision was not taken".to_owned()).into()))
}
