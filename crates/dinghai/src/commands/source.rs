//! The estate that a command is about.

use std::path::{Path, PathBuf};

use dinghai_estate::Estate;

use super::check::{problems_page, read};

/// Which estate.
#[derive(Debug, clap::Args)]
pub(crate) struct Source {
    /// The estate's file, or the folder with its `dinghai.yaml`
    #[arg(default_value = ".")]
    path: PathBuf,
}

impl Source {
    /// As it was given.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The folder that it stands in.
    pub(crate) fn folder(&self) -> anyhow::Result<PathBuf> {
        let path = std::path::absolute(&self.path)?;
        let folder = if path.is_dir() { path.as_path() } else { path.parent().unwrap_or(Path::new("/")) };
        Ok(folder.to_owned())
    }

    /// The estate as far as it can be run; when it cannot be used, nothing. What is wrong with it, and what of it is not run, is
    /// told on standard error.
    pub(crate) fn load(&self) -> anyhow::Result<Option<Estate>> {
        let decoded = read(&self.path);
        eprint!("{}", problems_page(&decoded)?);
        let Some((estate, left_out)) = decoded.estate.map(Estate::runnable) else { return Ok(None) };
        if !left_out.is_empty() {
            let names: Vec<String> = left_out.iter().map(|id| format!("`{id}`")).collect();
            eprintln!(
                "not run: {}, whose instances stand only in imported files; declare `instances` to run them",
                names.join(", ")
            );
        }
        Ok(Some(estate))
    }
}
