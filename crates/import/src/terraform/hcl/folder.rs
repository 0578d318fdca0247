//! What the files of one folder declare together: a module, before anybody calls it.

use std::collections::BTreeMap;

use dinghai_estate::{Origin, Unseen};

use super::term::{Block, Body, Term};
use super::{json, text};
use crate::SourceFile;
use crate::value::Key;

/// A value with the file it stands in.
pub(crate) type Given = (String, Key, Term);

/// A folder's declarations.
#[derive(Debug, Default)]
pub(crate) struct Folder {
    /// Its path; empty for the folder that everything is in.
    pub(crate) path: String,
    pub(crate) variables: BTreeMap<String, Block>,
    pub(crate) locals: BTreeMap<String, Given>,
    pub(crate) outputs: BTreeMap<String, Block>,
    /// By address without module: `aws_instance.web`, `data.aws_ami.linux`.
    pub(crate) resources: BTreeMap<String, Block>,
    pub(crate) calls: BTreeMap<String, Block>,
    /// By `aws`, or `aws.west` for an alias.
    pub(crate) providers: BTreeMap<String, Block>,
    /// From `terraform.tfvars` and `*.auto.tfvars`, the last one wins.
    pub(crate) given: BTreeMap<String, Given>,
    /// Files of values that Terraform reads only when told to.
    pub(crate) optional: Vec<String>,
    pub(crate) unseen: Vec<Unseen>,
}

/// The folder of a path, and the name in it.
pub(crate) fn parted(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// Whether it is a file that declares things.
pub(crate) fn is_code(path: &str) -> bool {
    path.ends_with(".tf") || path.ends_with(".tf.json") || path.ends_with(".tofu")
}

/// Whether it is a file with values of variables.
pub(crate) fn is_values(path: &str) -> bool {
    path.ends_with(".tfvars") || path.ends_with(".tfvars.json")
}

fn is_read_unasked(name: &str) -> bool {
    matches!(name, "terraform.tfvars" | "terraform.tfvars.json")
        || name.ends_with(".auto.tfvars")
        || name.ends_with(".auto.tfvars.json")
}

impl Folder {
    /// What these files, all of one folder, declare.
    pub(crate) fn of(path: &str, files: &[&SourceFile]) -> Self {
        let mut folder = Self { path: path.to_owned(), ..Self::default() };
        let mut files = files.to_vec();
        // `terraform.tfvars` comes before the automatic ones, overrides after what they override.
        files.sort_by_key(|file| {
            let name = parted(&file.path).1;
            (is_override(name), !name.starts_with("terraform.tfvars"), &file.path)
        });
        for file in files {
            let name = parted(&file.path).1;
            if is_code(name) {
                let body = folder.read(file);
                folder.take(&file.path, body, is_override(name));
            } else if is_values(name) && is_read_unasked(name) {
                let body = folder.read(file);
                for (key, term) in body.attributes {
                    folder.given.insert(key.text.clone(), (file.path.clone(), key, term));
                }
            } else if is_values(name) {
                folder.optional.push(name.to_owned());
            }
        }
        folder
    }

    fn read(&mut self, file: &SourceFile) -> Body {
        let parsed = match file.path.ends_with(".json") {
            true => json::parse(&file.path, &file.text),
            false => text::parse(&file.path, &file.text),
        };
        for (origin, what) in parsed.broken {
            self.unseen.push(Unseen { origin, what });
        }
        parsed.body
    }

    fn take(&mut self, path: &str, body: Body, overrides: bool) {
        for block in body.blocks {
            let labels: Vec<&str> = block.labels.iter().map(String::as_str).collect();
            match (block.kind.as_str(), labels.as_slice()) {
                ("locals", _) => {
                    for (key, term) in block.body.attributes {
                        self.locals.insert(key.text.clone(), (path.to_owned(), key, term));
                    }
                }
                ("variable", [name]) => put(&mut self.variables, (*name).to_owned(), block, overrides),
                ("output", [name]) => put(&mut self.outputs, (*name).to_owned(), block, overrides),
                ("module", [name]) => put(&mut self.calls, (*name).to_owned(), block, overrides),
                ("resource", [kind, name]) => {
                    put(&mut self.resources, format!("{kind}.{name}"), block, overrides);
                }
                ("data", [kind, name]) => {
                    put(&mut self.resources, format!("data.{kind}.{name}"), block, overrides);
                }
                ("provider", [name]) => {
                    let alias = block.body.attribute("alias").and_then(Term::text);
                    let name = alias.map_or_else(|| (*name).to_owned(), |alias| format!("{name}.{alias}"));
                    put(&mut self.providers, name, block, overrides);
                }
                // They say nothing about what exists.
                ("terraform" | "moved" | "removed" | "import" | "check" | "ephemeral", _) => {}
                _ => {
                    let origin =
                        Origin { file: path.to_owned(), line: block.at.line, column: block.at.column };
                    let what = format!("a block `{}` like this is not known here", block.kind);
                    self.unseen.push(Unseen { origin, what });
                }
            }
        }
    }
}

fn is_override(name: &str) -> bool {
    let stem = name.trim_end_matches(".json").trim_end_matches(".tf").trim_end_matches(".tofu");
    stem == "override" || stem.ends_with("_override")
}

/// Puts a declaration in; one of an override file changes single arguments, and replaces all nested blocks of a kind.
fn put(all: &mut BTreeMap<String, Block>, name: String, block: Block, overrides: bool) {
    let known = all.get_mut(&name).filter(|_| overrides);
    let Some(known) = known else {
        all.entry(name).or_insert(block);
        return;
    };
    for (key, term) in block.body.attributes {
        known.body.attributes.retain(|(known, _)| known.text != key.text);
        known.body.attributes.push((key, term));
    }
    for nested in &block.body.blocks {
        known.body.blocks.retain(|known| known.kind != nested.kind);
    }
    known.body.blocks.extend(block.body.blocks);
}
