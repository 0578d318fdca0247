//! One machine's part in a virtual router, and how the address moves when a machine or its program dies.
//!
//! A standby that misses `vrrp_down_timer_adverts` (3) advertisements takes over after its skew: in version 2, keepalived's
//! default, (256 − priority) / 256 seconds, in version 3 that share of the advertisement interval (RFC 3768 and RFC 5798, section 6.1).
//! Version 2 counts in whole seconds. A tracked script runs every `interval` (1 s), is given up after `timeout` (its interval)
//! and has to fail `fall` times (1); with weight 0 the machine then resigns at once, with another its priority changes, and only
//! when that makes it the lower one does the address move.

use std::time::Duration;

use dinghai_estate::{MechanismKind, Origin, PlaceId, PlaceKind, Source, Timer};

use super::blocks::Block;
use crate::fragment::Fragment;

/// A machine's part in a virtual router.
#[derive(Clone, Debug)]
pub(super) struct Router {
    pub(super) id: String,
    /// Sorted, without masks.
    pub(super) addresses: Vec<String>,
    pub(super) file: String,
    folder: Option<String>,
    pub(super) source_address: Option<(String, Origin)>,
    pub(super) peers: Vec<(String, Origin)>,
    advert: Timer,
    missed: (u32, Source),
    version: u8,
    priority: (u8, Source),
    preempt_delay: Option<Timer>,
    scripts: Vec<Script>,
    pub(super) origin: Origin,
}

#[derive(Clone, Debug)]
struct Script {
    interval: Timer,
    fall: u32,
    timeout: Timer,
    weight: i32,
    origin: Origin,
}

/// The virtual routers of a file.
pub(super) fn routers(
    fragment: &mut Fragment,
    file: &str,
    folder: Option<&str>,
    blocks: &[Block],
) -> Vec<Router> {
    let global = blocks.iter().find(|block| block.word(0) == "global_defs");
    blocks
        .iter()
        .filter(|block| block.word(0) == "vrrp_instance")
        .filter_map(|block| {
            let mut addresses: Vec<String> = ["virtual_ipaddress", "virtual_ipaddress_excluded"]
                .into_iter()
                .flat_map(|name| block.all(name))
                .flat_map(|list| &list.inside)
                .filter_map(|line| {
                    line.words.iter().find(|word| bare(word).parse::<std::net::IpAddr>().is_ok())
                })
                .map(|word| bare(word).to_owned())
                .collect();
            addresses.sort();
            addresses.dedup();
            if addresses.is_empty() {
                fragment.unseen(
                    block.origin.clone(),
                    format!("`{}` has no virtual address that can be read", block.says()),
                );
                fragment.count("keepalived vrrp_instance", dinghai_estate::Handling::Unknown);
                return None;
            }
            Some(router(fragment, file, folder, blocks, global, block, addresses))
        })
        .collect()
}

fn bare(word: &str) -> &str {
    word.split('/').next().unwrap_or(word)
}

fn router(
    fragment: &mut Fragment,
    file: &str,
    folder: Option<&str>,
    blocks: &[Block],
    global: Option<&Block>,
    block: &Block,
    addresses: Vec<String>,
) -> Router {
    let mut number = |line: Option<&Block>| -> Option<(f64, Source, String)> {
        let line = line?;
        match line
            .word(1)
            .parse::<f64>()
            .ok()
            .filter(|number| number.is_finite() && (0.0..=86_400.0).contains(number))
        {
            Some(number) => Some((number, Source::declared(line.origin.clone()), line.says())),
            None => {
                fragment.unseen(
                    line.origin.clone(),
                    format!("the value of `{}` cannot be worked out from the file", line.word(0)),
                );
                None
            }
        }
    };
    let in_global = |name: &str| global.and_then(|global| global.get(name));
    let six = addresses.iter().any(|address| address.contains(':'));
    let stated = number(block.get("version").or_else(|| in_global("vrrp_version")));
    let version = if six || stated.is_some_and(|(version, ..)| version >= 3.0) { 3 } else { 2 };
    let advert = match number(block.get("advert_int")) {
        // Version 2 has no parts of a second; keepalived rounds up.
        Some((value, source, says)) => {
            let value = if version == 2 { value.ceil().max(1.0) } else { value };
            Timer { value: Duration::from_secs_f64(value), says, source }
        }
        None => Timer {
            value: Duration::from_secs(1),
            says: "default advert_int 1".to_owned(),
            source: Source::derived(block.origin.clone()),
        },
    };
    let whole = |found: Option<(f64, Source, String)>, default: u8| match found {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "held within the range of a byte"
        )]
        Some((value, source, _)) => (value.clamp(0.0, 255.0) as u8, source),
        None => (default, Source::derived(block.origin.clone())),
    };
    let priority = whole(number(block.get("priority")), 100);
    let missed =
        whole(number(block.get("down_timer_adverts").or_else(|| in_global("vrrp_down_timer_adverts"))), 3);
    let preempt_delay = number(block.get("preempt_delay")).map(|(value, source, says)| Timer {
        value: Duration::from_secs_f64(value),
        says,
        source,
    });
    let source_address = block.get("unicast_src_ip").or_else(|| block.get("mcast_src_ip"));
    let peers = block.all("unicast_peer").flat_map(|list| &list.inside);
    Router {
        id: block.get("virtual_router_id").map_or(String::new(), |line| line.word(1).to_owned()),
        addresses,
        file: file.to_owned(),
        folder: folder.map(str::to_owned),
        source_address: source_address
            .filter(|line| crate::machine::is_address(line.word(1)))
            .map(|line| (line.word(1).to_owned(), line.origin.clone())),
        peers: peers.map(|line| (line.word(0).to_owned(), line.origin.clone())).collect(),
        advert,
        missed: (u32::from(missed.0), missed.1),
        version,
        priority,
        preempt_delay,
        scripts: scripts(blocks, block),
        origin: block.origin.clone(),
    }
}

/// What an instance and its sync groups track: scripts and processes.
fn scripts(blocks: &[Block], instance: &Block) -> Vec<Script> {
    let groups = blocks.iter().filter(|block| {
        block.word(0) == "vrrp_sync_group"
            && block
                .all("group")
                .flat_map(|group| &group.inside)
                .any(|member| member.words.iter().any(|word| word == instance.word(1)))
    });
    let mut found = Vec::new();
    for holder in std::iter::once(instance).chain(groups) {
        for (list, kind) in [
            ("track_script", "vrrp_script"),
            ("track_process", "vrrp_track_process"),
            ("track_file", "vrrp_track_file"),
        ] {
            for entry in holder.all(list).flat_map(|list| &list.inside) {
                let defined =
                    blocks.iter().find(|block| block.word(0) == kind && block.word(1) == entry.word(0));
                let Some(defined) = defined else { continue };
                found.push(script(defined, entry));
            }
        }
    }
    found
}

fn script(defined: &Block, entry: &Block) -> Script {
    let seconds = |name: &str| {
        let line = defined.get(name)?;
        let value: f64 = line.word(1).parse().ok().filter(|value: &f64| (0.0..=86_400.0).contains(value))?;
        Some(Timer {
            value: Duration::from_secs_f64(value),
            says: line.says(),
            source: Source::declared(line.origin.clone()),
        })
    };
    let default = |value: u64, says: &str| Timer {
        value: Duration::from_secs(value),
        says: says.to_owned(),
        source: Source::derived(defined.origin.clone()),
    };
    // A process is watched by way of the kernel, without a pause.
    let watched = defined.word(0) != "vrrp_script";
    let interval = match watched {
        true => seconds("delay").unwrap_or_else(|| default(0, "the kernel tells when the process ends")),
        false => seconds("interval").unwrap_or_else(|| default(1, "default interval 1")),
    };
    let timeout = match watched {
        true => default(0, "the kernel tells when the process ends"),
        false => seconds("timeout").unwrap_or_else(|| Timer {
            says: format!("{}, which a script without `timeout` may take", interval.says),
            source: Source::derived(defined.origin.clone()),
            ..interval.clone()
        }),
    };
    let number = |block: &Block| {
        block.words.iter().skip_while(|word| *word != "weight").nth(1).and_then(|word| word.parse().ok())
    };
    let own = defined.get("weight").and_then(|line| line.word(1).parse().ok());
    let weight: i32 =
        number(entry).or(own).unwrap_or(if defined.word(0) == "vrrp_track_process" { 1 } else { 0 });
    let at = defined.get("weight").map_or(&entry.origin, |line| &line.origin);
    Script {
        interval,
        fall: defined.get("fall").and_then(|line| line.word(1).parse().ok()).unwrap_or(1),
        timeout,
        // keepalived takes no other ones.
        weight: weight.clamp(-253, 253),
        origin: if number(entry).is_some() { entry.origin.clone() } else { at.clone() },
    }
}

impl Router {
    /// The machine that it stands on, when something tells.
    pub(super) fn machine(&self) -> Option<(&str, Source)> {
        let folder = self.folder.as_deref().map(|folder| (folder, Source::inferred(self.origin.clone())));
        let address = self
            .source_address
            .as_ref()
            .map(|(address, origin)| (address.as_str(), Source::declared(origin.clone())));
        folder.or(address)
    }

    /// The address that it sends from lies on its machine.
    pub(super) fn place(&self, fragment: &mut Fragment) {
        if let (Some(folder), Some((address, origin))) = (&self.folder, &self.source_address) {
            let source = Source::derived(origin.clone());
            fragment.place(&PlaceId::new(folder), PlaceKind::Node, &Source::inferred(self.origin.clone()));
            let place = fragment.place(&PlaceId::new(address), PlaceKind::Node, &source);
            place.within.insert(PlaceId::new(folder), source);
        }
    }

    /// Its priority while all that it tracks is well.
    fn well(&self) -> i32 {
        i32::from(self.priority.0) + self.scripts.iter().map(|script| script.weight.max(0)).sum::<i32>()
    }

    /// Its priority once a script fails.
    fn ill(&self, script: &Script) -> i32 {
        self.well() - script.weight.abs()
    }
}

/// How the address moves, and the line by which a dead program behind it is noticed, or where that line is missing.
pub(super) fn mechanism(group: &[Router]) -> (MechanismKind, Result<Source, Source>) {
    let mut ranked: Vec<&Router> = group.iter().collect();
    ranked.sort_by_key(|router| (std::cmp::Reverse(router.well()), &router.file));
    let master = ranked.first().copied();
    let standby = ranked.get(1).copied();
    let slowest = group.iter().max_by_key(|router| router.advert.value);
    let advert = slowest.map(|router| router.advert.clone()).unwrap_or(Timer {
        value: Duration::from_secs(1),
        says: "default advert_int 1".to_owned(),
        source: Source::derived(Origin::default()),
    });
    let missed = slowest.map_or((3, advert.source.clone()), |router| router.missed.clone());
    let version = slowest.map_or(2, |router| router.version);
    // Of a standby whose file is not here the lowest priority is supposed: it waits longest.
    let here = master.map(|router| router.origin.clone()).unwrap_or_default();
    let priority = standby.map_or((1, Source::derived(here.clone())), |router| router.priority.clone());
    let unit = if version == 3 { advert.value } else { Duration::from_secs(1) };
    let skew = Timer {
        value: unit.mul_f64((256.0 - f64::from(priority.0)) / 256.0),
        says: match standby {
            Some(_) => format!(
                "priority {}: (256 − {}) / 256 of {}",
                priority.0,
                priority.0,
                if version == 3 { "advert_int" } else { "a second" }
            ),
            None => "the standby's priority is not in these files, 1 is supposed".to_owned(),
        },
        source: priority.1.clone(),
    };
    let moves = |script: &&Script| match (master, standby) {
        _ if script.weight == 0 => true,
        (Some(master), Some(standby)) => master.ill(script) < standby.well(),
        _ => true,
    };
    let tracked = master.map_or(&[][..], |router| &router.scripts);
    let works = tracked
        .iter()
        .filter(moves)
        .min_by_key(|script| script.interval.value * script.fall + script.timeout.value);
    let probe = match (works, tracked.first()) {
        (Some(script), _) => Ok(Source::declared(script.origin.clone())),
        // The script that is there does not lower the priority far enough.
        (None, Some(script)) => Err(Source::derived(script.origin.clone())),
        (None, None) => Err(Source::declared(here)),
    };
    let kind = MechanismKind::Vrrp {
        advert,
        missed,
        skew,
        priority,
        script: works.map(|script| (script.interval.clone(), script.fall, script.timeout.clone())),
        resigns: works.is_some_and(|script| script.weight == 0),
        preempt_delay: ranked.iter().find_map(|router| router.preempt_delay.clone()),
    };
    (kind, probe)
}
