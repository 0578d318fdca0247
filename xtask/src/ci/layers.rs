//! Holds the real dependency graph against `layers.toml`.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};
use cargo_metadata::{DependencyKind, Metadata, PackageId};
use serde::Deserialize;

use crate::tool;

/// `layers.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Layers {
    /// Dependencies that a pure crate must not have, however deep.
    impure: BTreeSet<String>,
    /// Dependencies that a pure crate must not name itself.
    random: BTreeSet<String>,
    crates: BTreeMap<String, Layer>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Layer {
    /// What it may depend on, besides everything below that.
    may: BTreeSet<String>,
    #[serde(default)]
    pure: bool,
}

/// Normal and build dependencies by name; ours without the `dinghai-` in front.
struct Graph {
    ours: BTreeSet<String>,
    edges: BTreeMap<String, BTreeSet<String>>,
}

pub(super) fn check(metadata: &Metadata) -> Result<()> {
    let file = tool::root().join("layers.toml");
    let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let layers: Layers =
        toml::from_str(&text).with_context(|| format!("{} is not well formed", file.display()))?;
    let graph = Graph::of(metadata)?;
    let problems = layers.problems(&graph);
    if !problems.is_empty() {
        bail!("{}", problems.join("\n"));
    }
    println!("{} crates depend only on what `layers.toml` admits", graph.ours.len());
    Ok(())
}

impl Graph {
    fn of(metadata: &Metadata) -> Result<Self> {
        let ours: BTreeSet<&PackageId> = metadata.workspace_members.iter().collect();
        let names: BTreeMap<&PackageId, String> = metadata
            .packages
            .iter()
            .map(|package| {
                let name = package.name.to_string();
                let short = name.strip_prefix("dinghai-").filter(|_| ours.contains(&package.id));
                (&package.id, short.map_or_else(|| name.clone(), str::to_owned))
            })
            .collect();
        let name = |id: &PackageId| names.get(id).cloned().unwrap_or_else(|| id.repr.clone());
        let resolve = metadata.resolve.as_ref().context("cargo told no resolved graph")?;
        let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for node in &resolve.nodes {
            let real = node.deps.iter().filter(|dependency| {
                dependency.dep_kinds.iter().any(|kind| kind.kind != DependencyKind::Development)
            });
            edges.entry(name(&node.id)).or_default().extend(real.map(|dependency| name(&dependency.pkg)));
        }
        Ok(Self { ours: ours.into_iter().map(name).collect(), edges })
    }

    fn direct(&self, name: &str) -> impl Iterator<Item = &String> {
        self.edges.get(name).into_iter().flatten()
    }

    /// A shortest way from `from` to anything in `to`.
    fn way(&self, from: &str, to: &BTreeSet<String>) -> Option<Vec<String>> {
        let mut seen = BTreeSet::from([from.to_owned()]);
        let mut ways = std::collections::VecDeque::from([vec![from.to_owned()]]);
        while let Some(way) = ways.pop_front() {
            let here = way.last()?;
            if to.contains(here) {
                return Some(way);
            }
            for next in self.direct(here) {
                if seen.insert(next.clone()) {
                    ways.push_back(way.iter().chain([next]).cloned().collect());
                }
            }
        }
        None
    }
}

impl Layers {
    fn problems(&self, graph: &Graph) -> Vec<String> {
        let mut problems = Vec::new();
        for name in self.crates.keys().filter(|name| !graph.ours.contains(*name)) {
            problems
                .push(format!("`{name}` stands in `layers.toml` but not in the workspace; strike it out"));
        }
        for name in &graph.ours {
            let Some(layer) = self.crates.get(name) else {
                problems.push(format!("`{name}` is not in `layers.toml`; give it its place there"));
                continue;
            };
            let admitted = self.below(layer);
            for dependency in graph.direct(name).filter(|dependency| graph.ours.contains(*dependency)) {
                if !admitted.contains(dependency.as_str()) {
                    problems.push(format!(
                        "`{name}` depends on `{dependency}`, which `layers.toml` does not admit"
                    ));
                }
            }
            if layer.pure {
                problems.extend(self.impurities(graph, name));
            }
        }
        problems
    }

    fn impurities(&self, graph: &Graph, name: &str) -> Vec<String> {
        let world = graph
            .way(name, &self.impure)
            .map(|way| format!("`{name}` is pure but reaches the world: {}", way.join(" → ")));
        let chance = graph
            .direct(name)
            .find(|dependency| self.random.contains(*dependency))
            .map(|random| format!("`{name}` is pure but draws random numbers from `{random}`"));
        world.into_iter().chain(chance).collect()
    }

    /// Everything that a layer may depend on.
    fn below<'a>(&'a self, layer: &'a Layer) -> BTreeSet<&'a str> {
        let mut below = BTreeSet::new();
        let mut left: Vec<&str> = layer.may.iter().map(String::as_str).collect();
        while let Some(name) = left.pop() {
            if below.insert(name) {
                left.extend(
                    self.crates.get(name).into_iter().flat_map(|layer| &layer.may).map(String::as_str),
                );
            }
        }
        below
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYERS: &str = r#"
        impure = ["tokio"]
        random = ["rand"]
        [crates]
        clock  = { may = [], pure = true }
        estate = { may = ["clock"], pure = true }
        record = { may = ["estate"], pure = true }
        ledger = { may = ["record"] }
    "#;

    fn problems(edges: &[(&str, &[&str])]) -> Vec<String> {
        let layers: Layers = toml::from_str(LAYERS).unwrap();
        let edges: BTreeMap<String, BTreeSet<String>> = edges
            .iter()
            .map(|(from, to)| ((*from).to_owned(), to.iter().map(|to| (*to).to_owned()).collect()))
            .collect();
        let ours = edges
            .keys()
            .filter(|name| !["tokio", "bridge", "rand"].contains(&name.as_str()))
            .cloned()
            .collect();
        layers.problems(&Graph { ours, edges })
    }

    #[test]
    fn an_edge_to_anything_below_is_admitted() {
        let edges: [(&str, &[&str]); 4] = [
            ("clock", &[]),
            ("estate", &["clock"]),
            ("record", &["clock", "estate"]),
            ("ledger", &["clock", "record", "tokio"]),
        ];
        assert_eq!(problems(&edges), Vec::<String>::new());
    }

    #[test]
    fn an_edge_upwards_is_refused() {
        let edges: [(&str, &[&str]); 4] =
            [("clock", &[]), ("estate", &["record"]), ("record", &[]), ("ledger", &[])];
        assert_eq!(problems(&edges), ["`estate` depends on `record`, which `layers.toml` does not admit"]);
    }

    #[test]
    fn a_pure_crate_that_reaches_the_world_through_another_is_refused_with_the_way() {
        let edges: [(&str, &[&str]); 5] = [
            ("clock", &["bridge"]),
            ("bridge", &["tokio"]),
            ("estate", &[]),
            ("record", &[]),
            ("ledger", &["tokio"]),
        ];
        assert_eq!(problems(&edges), ["`clock` is pure but reaches the world: clock → bridge → tokio"]);
    }

    #[test]
    fn a_pure_crate_that_draws_random_numbers_itself_is_refused() {
        let edges: [(&str, &[&str]); 5] = [
            ("clock", &["rand"]),
            ("estate", &["bridge"]),
            ("bridge", &["rand"]),
            ("record", &[]),
            ("ledger", &["rand"]),
        ];
        assert_eq!(problems(&edges), ["`clock` is pure but draws random numbers from `rand`"]);
    }

    #[test]
    fn crate_and_table_must_name_the_same_crates() {
        let edges: [(&str, &[&str]); 4] = [("clock", &[]), ("estate", &[]), ("record", &[]), ("stray", &[])];
        assert_eq!(
            problems(&edges),
            [
                "`ledger` stands in `layers.toml` but not in the workspace; strike it out",
                "`stray` is not in `layers.toml`; give it its place there",
            ]
        );
    }
}
