//! Helm charts: recognised, and left to Helm. A template is a program; what it would print is not guessed.

use crate::SourceFile;
use crate::fragment::Fragment;

/// What one chart is: one line that says how to have it looked at. `folder` is where its `Chart.yaml` stands.
pub(crate) fn chart(name: &str, folder: &str) -> Fragment {
    let mut fragment = Fragment::new(name, "helm");
    let file = if folder.is_empty() { "Chart.yaml".to_owned() } else { format!("{folder}/Chart.yaml") };
    fragment.unseen_file(&file, command(folder));
    fragment.count("Helm chart", dinghai_estate::Handling::Unknown);
    fragment
}

/// Whether a file is a template, and no YAML yet.
pub(super) fn is_template(file: &SourceFile) -> bool {
    file.text.contains("{{")
        && file.text.lines().any(|line| {
            let line = line.trim_start();
            line.starts_with("{{")
                || (line.contains("{{")
                    && line.contains("}}")
                    && [".Values", ".Release", "include ", ".Chart"].iter().any(|word| line.contains(word)))
        })
}

/// What to do about a template.
pub(super) fn advice(path: &str) -> String {
    let folder = path.rsplit_once("/templates/").map_or("", |(folder, _)| folder);
    command(folder)
}

fn command(folder: &str) -> String {
    let name = folder.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or("chart");
    let folder = if folder.is_empty() { "." } else { folder };
    format!(
        "a Helm chart has to be rendered first: run `helm template {name} {folder} > rendered.yaml && dinghai check rendered.yaml`"
    )
}
