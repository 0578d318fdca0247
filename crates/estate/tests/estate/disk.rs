//! Files of a folder beside the tests.

use std::path::PathBuf;

use dinghai_estate::Files;

pub(crate) struct Disk(PathBuf);

impl Disk {
    pub(crate) fn folder(name: &str) -> Self {
        Self(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests").join(name))
    }

    /// Names of its files with this ending, sorted.
    pub(crate) fn names(&self, ending: &str) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(&self.0)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.ends_with(&format!(".{ending}")))
            .collect();
        names.sort();
        assert!(!names.is_empty());
        names
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.read(name).unwrap_or_else(|why| panic!("{name}: {why}"))
    }
}

impl Files for Disk {
    fn read(&self, path: &str) -> Result<String, String> {
        std::fs::read_to_string(self.0.join(path)).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
            _ => error.to_string(),
        })
    }
}
