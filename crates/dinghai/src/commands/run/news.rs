//! What the person at the terminal of `dinghai run` is told: where the console and the gateways are, and when a gateway
//! cannot listen where the estate wants it.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use dinghai_engine::Sockets;
use dinghai_estate::{Estate, GatewayId, ListenerId};
use dinghai_wire::{GatewayStatus, UnixClient};

use super::controller::{Console, console};

/// How often is looked.
const LOOK: Duration = Duration::from_millis(300);

/// A listener that is missing for so many looks is told of. A gateway that is just starting has none for a moment.
const MISSED: u32 = 7;

/// What was said last of a listener.
#[derive(Default)]
struct Told {
    listens: Option<bool>,
    missed: u32,
}

/// Says on standard output what is new; never ends.
pub(crate) async fn tell(estate: &Estate, data: &Path) {
    let sockets = Sockets::under(data);
    let mut said: Option<Console> = None;
    let mut told: BTreeMap<(GatewayId, ListenerId), Told> = BTreeMap::new();
    loop {
        let found = console(data);
        if found.is_some() && found != said {
            for line in found.iter().flat_map(Console::lines) {
                println!("{line}");
            }
            said = found;
        }
        for id in estate.gateways.keys() {
            let client = UnixClient::new(sockets.gateway(id));
            let status: Result<GatewayStatus, _> = client.get("/status", LOOK).await;
            // One that does not answer is the watchdog's business, which tells of it.
            let Ok(status) = status else { continue };
            for line in listeners(estate, &status, &mut told) {
                println!("{line}");
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// What is new about the listeners of one gateway.
fn listeners(
    estate: &Estate,
    status: &GatewayStatus,
    told: &mut BTreeMap<(GatewayId, ListenerId), Told>,
) -> Vec<String> {
    let id = &status.gateway;
    let Some(gateway) = estate.gateways.get(id).filter(|_| status.generation > 0) else { return vec![] };
    let mut lines = vec![];
    for (listener, wished) in &gateway.listeners {
        let told = told.entry((id.clone(), listener.clone())).or_default();
        let bound = status.listening.get(listener);
        told.missed = if bound.is_some() { 0 } else { told.missed + 1 };
        match bound {
            Some(bound) if told.listens != Some(true) => {
                let scheme = match gateway.entrances.get(listener) {
                    Some(entrance) if entrance.tcp.is_some() => "tcp",
                    Some(entrance) if entrance.tls.is_some() => "https",
                    _ => "http",
                };
                lines.push(format!("gateway {id}: {scheme}://{bound}"));
                told.listens = Some(true);
            }
            None if told.missed >= MISSED && told.listens != Some(false) => {
                lines.push(format!(
                    "gateway {id} CANNOT LISTEN on {wished}; it goes on trying. Something else may hold the port: `ss -ltnp` \
                     shows what, its log says more"
                ));
                told.listens = Some(false);
            }
            Some(_) | None => {}
        }
    }
    lines
}
