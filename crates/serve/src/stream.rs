//! The event stream: each ledger entry as it is written, the world at most twice a second, and a tick every second by
//! which a reader knows that the stream is alive.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State as Shared;
use axum::response::sse::{Event, Sse};
use dinghai_access::{Action, Resource};
use dinghai_record::Seq;
use futures::Stream;
use serde_json::json;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::answer::Refusal;
use crate::door::Guest;
use crate::state::State;

const TICK: Duration = Duration::from_secs(1);
const WORLD_AT_MOST_EVERY: Duration = Duration::from_millis(500);
/// Entries that one reading takes; the rest comes with the next.
const BATCH: usize = 100;

pub(crate) async fn events(
    guest: Guest,
    Shared(state): Shared<State>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Refusal> {
    guest.pass(Action::Read, &Resource::Ledger)?;
    // A reader that does not take what is sent holds up its own task and nobody else.
    let (out, sent) = mpsc::channel(16);
    tokio::spawn(feed(state, out));
    Ok(Sse::new(ReceiverStream::new(sent)))
}

/// What a tick says: the time, also as the reader's head shows it, and the number of the newest entry.
fn tick(state: &State, head: Seq) -> serde_json::Value {
    let now = state.handle.now();
    json!({ "now": now, "clock": dinghai_pages::clock(&state.zone, now), "head": head })
}

async fn feed(state: State, out: mpsc::Sender<Result<Event, Infallible>>) {
    let journal = state.handle.journal().clone();
    let mut worlds = state.handle.worlds();
    let mut seen: Seq = journal.book().head;
    let mut ticks = tokio::time::interval(TICK);
    let mut looks = tokio::time::interval(WORLD_AT_MOST_EVERY);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let events = tokio::select! {
            () = journal.grown(seen) => {
                match journal.read(seen, BATCH).await {
                    Ok(entries) if !entries.is_empty() => {
                        seen = entries.last().map_or(seen, |last| last.seq);
                        entries.iter().filter_map(|entry| Event::default().event("entry").id(entry.seq.0.to_string()).json_data(entry).ok()).collect()
                    }
                    Ok(_) | Err(_) => {
                        // The store is behind its own word, or failing; the tick keeps the reader informed meanwhile.
                        tokio::time::sleep(WORLD_AT_MOST_EVERY).await;
                        Vec::new()
                    }
                }
            }
            _ = looks.tick() => match worlds.has_changed() {
                Ok(true) => {
                    let at = worlds.borrow_and_update().at;
                    Event::default().event("world").json_data(json!({ "at": at })).into_iter().collect()
                }
                Ok(false) => Vec::new(),
                // The engine is gone; the reader sees the silence.
                Err(_) => return,
            },
            _ = ticks.tick() => Event::default().event("tick").json_data(tick(&state, seen)).into_iter().collect(),
            () = out.closed() => return,
        };
        for event in events {
            if out.send(Ok(event)).await.is_err() {
                return;
            }
        }
    }
}
