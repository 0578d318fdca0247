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

    /// The estate; when it cannot be used, nothing, and what is wrong with it is told on standard error.
    pub(crate) fn load(&self) -> anyhow::Result<Option<Estate>> {
        let decoded = read(&self.path);
        eprint!("{}", problems_page(&decoded)?);
        Ok(decoded.estate)
    }
}
