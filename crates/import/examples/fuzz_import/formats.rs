//! Which files of the corpus are for which parser.

use dinghai_import::SourceFile;

/// Whether the file is for the parser of that format; every file is when none is named.
pub(crate) fn is_for(format: Option<&str>, file: &SourceFile) -> bool {
    let name = file.path.rsplit('/').next().unwrap_or_default();
    match format {
        None => true,
        Some("terraform") => ends(name, &[".tf", ".tfvars"]),
        Some("terraform-json") => ends(name, &[".json", ".tfstate"]),
        Some("kubernetes") => ends(name, &[".yaml"]) && !OTHERS.contains(&name),
        Some("kustomize") => name == "kustomization.yaml",
        Some("helm") => ["Chart.yaml", "values.yaml"].contains(&name),
        Some("compose") => name == "compose.yaml",
        Some("haproxy") => name == "haproxy.cfg",
        Some("nginx") => name == "nginx.conf",
        Some("keepalived") => name == "keepalived.conf",
        Some("patroni") => ["patroni.yml", "etcd.conf.yml"].contains(&name),
        Some(_) => false,
    }
}

/// YAML with a name of its own that is no manifest.
const OTHERS: &[&str] = &["kustomization.yaml", "Chart.yaml", "values.yaml", "compose.yaml", "dinghai.yaml"];

fn ends(name: &str, endings: &[&str]) -> bool {
    endings.iter().any(|ending| name.ends_with(ending))
}
