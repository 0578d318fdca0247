//! What may happen to a simulated estate: what breaks and mends, and what people do.

use std::fmt;

use dinghai_estate::{DrillId, Estate, GatewayId, InstanceId, PlaceId};

/// Something that happens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Happening {
    /// A process is killed.
    Kill(InstanceId),
    /// Whoever owns it starts it.
    Start(InstanceId),
    /// A process does nothing any more.
    Hang(InstanceId),
    /// It goes on.
    Wake(InstanceId),
    /// A process is killed, and its program is spoilt: it cannot be started.
    Spoil(InstanceId),
    /// It can be started again.
    Repair(InstanceId),
    /// All of a place dies, and nothing can be started there.
    Lose(PlaceId),
    /// Things can be started there again. What others run there is started by them.
    GiveBack(PlaceId),
    /// Nothing is heard of a unit any more; it goes on by itself.
    Silence(Unit),
    /// It is heard again.
    Hear(Unit),
    /// The ledger takes no entries.
    DiskFull,
    /// It takes them again.
    DiskFree,
    /// The controller dies where it stands.
    KillController,
    /// Another one is started.
    StartController,
    /// Somebody runs a drill, with consent for every kind of action.
    Drill(DrillId),
    /// Somebody stops every automaton.
    Halt,
    /// Somebody lets them go on.
    Resume,
    /// Somebody lets every plan run that waits.
    Approve,
}

/// What can fall silent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Unit {
    /// The hand.
    Hand,
    /// A gateway.
    Gateway(GatewayId),
    /// The controller's own network, through which it probes.
    Controller,
}

impl Happening {
    /// Its kind, as scripts and histograms name it.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Kill(_) => "kill",
            Self::Start(_) => "start",
            Self::Hang(_) => "hang",
            Self::Wake(_) => "wake",
            Self::Spoil(_) => "spoil",
            Self::Repair(_) => "repair",
            Self::Lose(_) => "lose",
            Self::GiveBack(_) => "give-back",
            Self::Silence(_) => "silence",
            Self::Hear(_) => "hear",
            Self::DiskFull => "disk-full",
            Self::DiskFree => "disk-free",
            Self::KillController => "kill-controller",
            Self::StartController => "start-controller",
            Self::Drill(_) => "drill",
            Self::Halt => "halt",
            Self::Resume => "resume",
            Self::Approve => "approve",
        }
    }

    /// What it names that the estate does not have: what it is, and what there is of it.
    pub(crate) fn unheard_of(&self, estate: &Estate) -> Option<(String, Vec<String>)> {
        fn among<T: fmt::Display + PartialEq>(
            what: &str,
            name: &T,
            known: impl Iterator<Item = T>,
        ) -> Option<(String, Vec<String>)> {
            let known: Vec<T> = known.collect();
            (!known.contains(name))
                .then(|| (format!("{what} `{name}`"), known.iter().map(T::to_string).collect()))
        }
        match self {
            Self::Kill(id)
            | Self::Start(id)
            | Self::Hang(id)
            | Self::Wake(id)
            | Self::Spoil(id)
            | Self::Repair(id) => among("instance", id, estate.instances().map(|(_, each)| each.id.clone())),
            Self::Lose(place) | Self::GiveBack(place) => among("place", place, estate.places.keys().cloned()),
            Self::Silence(Unit::Gateway(id)) | Self::Hear(Unit::Gateway(id)) => {
                among("gateway", id, estate.gateways.keys().cloned())
            }
            Self::Drill(drill) => among("drill", drill, estate.drills.keys().cloned()),
            _ => None,
        }
    }
}

impl fmt::Display for Happening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())?;
        match self {
            Self::Kill(id)
            | Self::Start(id)
            | Self::Hang(id)
            | Self::Wake(id)
            | Self::Spoil(id)
            | Self::Repair(id) => write!(f, " {id}"),
            Self::Lose(place) | Self::GiveBack(place) => write!(f, " {place}"),
            Self::Silence(unit) | Self::Hear(unit) => write!(f, " {unit}"),
            Self::Drill(drill) => write!(f, " {drill}"),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hand => f.write_str("hand"),
            Self::Gateway(id) => write!(f, "gateway {id}"),
            Self::Controller => f.write_str("controller"),
        }
    }
}
