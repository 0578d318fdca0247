//! What the hand is told and what it tells.

use std::collections::BTreeMap;

use dinghai_clock::Timestamp;
use dinghai_estate::{Address, InstanceId, PlaceId, ProbeSpec, Run};
use dinghai_record::{Fault, Fence, ProcessState};
use serde::{Deserialize, Serialize};

/// Everything the hand may touch, replaced as a whole by `PUT /charge` (fenced). What is not in it is refused.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Charge {
    /// The instances that are ours to start, stop and break.
    pub instances: BTreeMap<InstanceId, Charged>,
    /// Programs that `exec` steps may run, by absolute path.
    pub programs: Vec<String>,
}

/// One instance in the hand's charge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Charged {
    /// How to run it.
    pub run: Run,
    /// The places it stands in, with all that contain them.
    pub places: Vec<PlaceId>,
    /// Where it answers.
    pub address: Address,
    /// How it is probed; `warm` uses its HTTP path.
    pub probe: Option<ProbeSpec>,
}

/// The answer of `GET /state`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HandState {
    /// The hand's version.
    pub version: String,
    /// Its process id.
    pub pid: u32,
    /// Its time.
    pub now: Timestamp,
    /// The highest fence seen.
    pub fence: Option<Fence>,
    /// Whether it obeys automatons.
    pub halted: bool,
    /// Processes in its charge.
    pub processes: BTreeMap<InstanceId, ProcessView>,
    /// Faults that are in now.
    pub faults: Vec<FaultView>,
    /// Places at which it refuses starts.
    pub lost_places: Vec<PlaceId>,
}

/// A process in the hand's charge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProcessView {
    /// Its state.
    pub state: ProcessState,
    /// Since when.
    pub since: Timestamp,
    /// How often it was started.
    pub starts: u64,
}

/// A fault that is in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaultView {
    /// What is broken.
    pub fault: Fault,
    /// The key of the order that broke it.
    pub key: String,
    /// When it went in.
    pub since: Timestamp,
    /// When the hand undoes it by itself.
    pub until: Timestamp,
}
