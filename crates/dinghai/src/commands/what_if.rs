//! `dinghai what-if`: what happens when these are lost together.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use dinghai_estate::Inventory;
use dinghai_risk::{Aftermath, Fate, Loss, WhatIf, core_services, named, what_if};

use super::check::exit;
use super::gather::Gathered;
use super::output::say;

/// Say what becomes of every service when places, instances or services are lost together
///
/// Ends with 0 when every core service goes on, 1 when it is unknown of one, 2 when one stops, 3 when the question cannot be asked.
#[derive(clap::Args)]
pub(crate) struct WhatIfArgs {
    /// A folder or file, as for `check`
    #[arg(default_value = ".")]
    path: PathBuf,
    /// What is lost: the name of a place, an instance or a service; may be given several times
    #[arg(long, required = true, value_name = "NAME")]
    lose: Vec<String>,
    /// Only this estate, where the path holds several
    #[arg(long, value_name = "NAME")]
    estate: Option<String>,
    /// Show services that lose nothing as well
    #[arg(long)]
    all: bool,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// Names that are offered when one is not known.
const OFFERED: usize = 12;

pub(crate) fn run(args: &WhatIfArgs) -> anyhow::Result<ExitCode> {
    Ok(exit::or_unusable(answer(args)))
}

fn answer(args: &WhatIfArgs) -> anyhow::Result<ExitCode> {
    let gathered = Gathered::of(&args.path)?;
    if gathered.unusable() {
        bail!("an estate's file has mistakes; `dinghai check {}` shows them", args.path.display());
    }
    let inventories: Vec<&Inventory> = gathered
        .estates
        .iter()
        .map(|gained| &gained.report.inventory)
        .filter(|inventory| args.estate.as_ref().is_none_or(|name| inventory.name == *name))
        .collect();
    if inventories.is_empty() {
        match &args.estate {
            Some(name) if !gathered.estates.is_empty() => {
                bail!("`{}` holds no estate called `{name}`", args.path.display())
            }
            _ => bail!("{}", gathered.nothing(&args.path)),
        }
    }
    let mut asked = Vec::new();
    for inventory in &inventories {
        let lost: Vec<Option<Loss>> = args.lose.iter().map(|name| named(inventory, name)).collect();
        if let Some(lost) = lost.into_iter().collect::<Option<Vec<Loss>>>() {
            asked.push((*inventory, what_if(inventory, &core_services(inventory), &lost)));
        }
    }
    if asked.is_empty() {
        bail!("{}", nothing_called_that(&args.lose, &inventories));
    }
    if args.json {
        let all: Vec<serde_json::Value> = asked
            .iter()
            .map(|(inventory, after)| serde_json::json!({ "estate": inventory.name, "what_if": after }))
            .collect();
        say!("{}", serde_json::to_string_pretty(&all)?);
    } else {
        for (inventory, after) in &asked {
            say!("{}", page(inventory, after, args.all));
        }
    }
    let worst = asked
        .iter()
        .flat_map(|(_, after)| &after.services)
        .filter(|after| after.core)
        .map(|after| after.fate)
        .max();
    Ok(match worst {
        Some(Fate::Stops) => ExitCode::from(2),
        Some(Fate::Unknown) => ExitCode::from(1),
        _ => ExitCode::SUCCESS,
    })
}

fn nothing_called_that(lose: &[String], inventories: &[&Inventory]) -> String {
    let known: Vec<&str> = inventories
        .iter()
        .flat_map(|inventory| {
            let places = inventory.places.keys().map(|id| id.as_str());
            places.chain(inventory.services.keys().map(|id| id.as_str()))
        })
        .collect();
    let missing =
        lose.iter().find(|name| !inventories.iter().any(|inventory| named(inventory, name).is_some()));
    let Some(missing) = missing else {
        return "no single estate has all of these; ask about one estate at a time, with `--estate`"
            .to_owned();
    };
    let near = known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(missing, name), *name))
        .filter(|(steps, name)| *steps <= name.len().max(missing.len()).div_ceil(3))
        .min();
    let help = match near {
        Some((_, name)) => format!("did you mean `{name}`?"),
        None => {
            let offered: Vec<String> = known.iter().take(OFFERED).map(|name| format!("`{name}`")).collect();
            match known.len() > OFFERED {
                true => format!("there are {} and {} more", offered.join(", "), known.len() - OFFERED),
                false => format!("there are {}", offered.join(", ")),
            }
        }
    };
    format!("no place, instance or service is called `{missing}`; {help}")
}

fn page(inventory: &Inventory, after: &WhatIf, all: bool) -> String {
    let lost: Vec<String> = after.lost.iter().map(|loss| told(inventory, loss)).collect();
    let mut page = format!("{}: suppose {} lost\n", inventory.name, are(&lost));
    let shown = |after: &&Aftermath| all || after.core || after.fate != Fate::Untouched;
    let width =
        after.services.iter().filter(shown).map(|after| after.service.as_str().len()).max().unwrap_or(0);
    for service in after.services.iter().filter(shown) {
        let core = if service.core { "core" } else { "" };
        page.push_str(&format!(
            "  {:<10} {:<width$}  {core:<4}  {}\n",
            word(service.fate),
            service.service,
            why(service)
        ));
    }
    let untouched = after.services.iter().filter(|after| !shown(after)).count();
    if untouched > 0 {
        page.push_str(&format!("  {untouched} more lose nothing: `--all` shows them\n"));
    }
    page
}

fn told(inventory: &Inventory, loss: &Loss) -> String {
    match loss {
        Loss::Place(id) => {
            let kind = inventory.places.get(id).map_or("place", |place| place.kind.as_str());
            format!("{kind} {id}")
        }
        Loss::Instance(id) => format!("instance {id}"),
        Loss::Service(id) => format!("service {id}"),
    }
}

fn are(lost: &[String]) -> String {
    match lost {
        [one] => format!("{one} is"),
        _ => format!("{} are", lost.join(" and ")),
    }
}

fn word(fate: Fate) -> &'static str {
    match fate {
        Fate::Untouched => "● stands",
        Fate::Degraded => "▲ degraded",
        Fate::Weakened => "▲ weaker",
        Fate::Unknown => "? unknown",
        Fate::Stops => "✗ stops",
    }
}

fn why(after: &Aftermath) -> String {
    let left = || {
        let needs = if after.needed > 1 { format!(", it needs {}", after.needed) } else { String::new() };
        format!("{} of {} left{needs}", after.left, after.running)
    };
    let through = || {
        let names: Vec<&str> = after.through.iter().map(|id| id.as_str()).collect();
        format!("it needs {}", names.join(", which needs "))
    };
    match after.fate {
        Fate::Stops | Fate::Unknown if !after.through.is_empty() => through(),
        Fate::Unknown => {
            after.doubts.first().map_or_else(left, |doubt| format!("{} ({})", doubt.why, doubt.origin))
        }
        Fate::Degraded => {
            let names: Vec<&str> = after.fallbacks.iter().map(|id| id.as_str()).collect();
            format!("goes on without {}", names.join(", "))
        }
        Fate::Untouched => format!("{} running", after.running),
        Fate::Weakened | Fate::Stops => left(),
    }
}
