//! The controller's side: orders on their way to the hand and to the gateways.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use dinghai_clock::Clock;
use dinghai_estate::GatewayId;
use dinghai_ports::{ActError, Actuator};
use dinghai_record::{Action, Looked, Order, Performed, Reason};
use dinghai_wire::{UnixClient, WireError};
use futures::future::join_all;

/// A unit that gave up at the deadline has this long to say so.
const GRACE: Duration = Duration::from_secs(1);

/// Looking does nothing, so it is quick or not at all.
const LOOK_WITHIN: Duration = Duration::from_secs(3);

/// Sends orders to the hand.
pub struct HandActuator {
    hand: UnixClient,
    clock: Arc<dyn Clock>,
}

/// Sends orders to every gateway; they are done when all have accepted them.
pub struct GatewayActuator {
    gateways: BTreeMap<GatewayId, UnixClient>,
    clock: Arc<dyn Clock>,
}

/// Sends each order to those it is for: weights and draining to the gateways, everything else to the hand.
pub struct Actuators {
    hand: HandActuator,
    gateways: GatewayActuator,
}

impl HandActuator {
    /// For the hand whose socket is `hand.sock` in the folder `run`.
    pub fn new(run: &Path, clock: Arc<dyn Clock>) -> Self {
        Self { hand: UnixClient::new(run.join("hand.sock")), clock }
    }
}

impl GatewayActuator {
    /// For these gateways, whose sockets are `gateway-ID.sock` in the folder `run`.
    pub fn new(run: &Path, gateways: impl IntoIterator<Item = GatewayId>, clock: Arc<dyn Clock>) -> Self {
        let client = |id: &GatewayId| UnixClient::new(run.join(format!("gateway-{id}.sock")));
        Self { gateways: gateways.into_iter().map(|id| (id.clone(), client(&id))).collect(), clock }
    }

    /// Refused before anything is asked when there is nobody to ask.
    fn units(&self) -> Result<impl Iterator<Item = &UnixClient>, ActError> {
        if self.gateways.is_empty() {
            Err(ActError::Refused(Reason::new("no-gateway")))
        } else {
            Ok(self.gateways.values())
        }
    }
}

impl Actuators {
    /// For the hand and these gateways, whose sockets stand in the folder `run`.
    pub fn new(run: &Path, gateways: impl IntoIterator<Item = GatewayId>, clock: Arc<dyn Clock>) -> Self {
        Self {
            hand: HandActuator::new(run, Arc::clone(&clock)),
            gateways: GatewayActuator::new(run, gateways, clock),
        }
    }

    fn for_action(&self, action: &Action) -> Result<&dyn Actuator, ActError> {
        match action {
            Action::Weigh(_) | Action::Drain(_) => Ok(&self.gateways),
            Action::Start(_)
            | Action::Stop(_)
            | Action::Restart(_)
            | Action::Warm { .. }
            | Action::Exec { .. }
            | Action::Http { .. }
            | Action::Break(_)
            | Action::Mend(_) => Ok(&self.hand),
            Action::Await(_) | Action::Hold { .. } => {
                Err(ActError::Refused(Reason::new("not-for-a-hand").with("action", action.as_str())))
            }
        }
    }
}

#[async_trait]
impl Actuator for HandActuator {
    async fn perform(&self, order: &Order) -> Result<Performed, ActError> {
        perform(&self.hand, order, self.clock.as_ref()).await
    }

    async fn look(&self, order: &Order) -> Result<Looked, ActError> {
        look(&self.hand, order).await
    }
}

#[async_trait]
impl Actuator for GatewayActuator {
    /// One that says no outweighs one that does not answer: the order as a whole is then known not to be done.
    async fn perform(&self, order: &Order) -> Result<Performed, ActError> {
        let asked = self.units()?.map(|unit| perform(unit, order, self.clock.as_ref()));
        let mut whole = Performed { changed: false, notes: Vec::new() };
        let mut unanswered = None;
        for answer in join_all(asked).await {
            match answer {
                Ok(performed) => {
                    whole.changed |= performed.changed;
                    whole.notes.extend(performed.notes);
                }
                Err(error) if error.leaves_outcome_unknown() => unanswered = Some(error),
                Err(error) => return Err(error),
            }
        }
        unanswered.map_or(Ok(whole), Err)
    }

    /// Done when all have done it. One that cannot be asked leaves the whole unknown.
    async fn look(&self, order: &Order) -> Result<Looked, ActError> {
        let answers = join_all(self.units()?.map(|unit| look(unit, order))).await;
        let mut whole = Performed { changed: false, notes: Vec::new() };
        let (mut undone, mut unclear) = (None, None);
        for answer in answers {
            match answer? {
                Looked::Done(performed) => {
                    whole.changed |= performed.changed;
                    whole.notes.extend(performed.notes);
                }
                Looked::NotDone => {
                    undone.get_or_insert(Looked::NotDone);
                }
                Looked::InProgress => undone = Some(Looked::InProgress),
                cannot_tell @ Looked::CannotTell(_) => unclear = Some(cannot_tell),
            }
        }
        Ok(unclear.or(undone).unwrap_or(Looked::Done(whole)))
    }
}

#[async_trait]
impl Actuator for Actuators {
    async fn perform(&self, order: &Order) -> Result<Performed, ActError> {
        self.for_action(&order.action)?.perform(order).await
    }

    async fn look(&self, order: &Order) -> Result<Looked, ActError> {
        self.for_action(&order.action)?.look(order).await
    }
}

async fn perform(unit: &UnixClient, order: &Order, clock: &dyn Clock) -> Result<Performed, ActError> {
    let left = order.deadline.since(clock.now());
    unit.send("POST", "/orders", order, left + GRACE).await.map_err(act_error)
}

async fn look(unit: &UnixClient, order: &Order) -> Result<Looked, ActError> {
    unit.send("POST", "/orders/look", order, LOOK_WITHIN).await.map_err(act_error)
}

/// Whatever is not a clear no leaves the outcome unknown: an earlier delivery may have been carried out.
fn act_error(error: WireError) -> ActError {
    match error {
        WireError::Refused(refusal) => refusal.into(),
        WireError::Unreachable { .. } | WireError::NoAnswer { .. } | WireError::Strange { .. } => {
            ActError::NoAnswer(error.to_string())
        }
    }
}
