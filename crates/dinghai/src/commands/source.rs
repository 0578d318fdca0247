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

    /// The estate; when it cannot be used, nothing, and what is wrong with it is told on standard error.
    pub(crate) fn load(&self) -> anyhow::Result<Option<Estate>> {
        let decoded = read(&self.path);
        eprint!("{}", problems_page(&decoded)?);
        Ok(decoded.estate)
    }
}
