//! `dinghai init`: a first `dinghai.yaml` for files that are there already.

mod draft;

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};

use super::gather::{Gained, Gathered};
use super::output::{print, say};
use draft::draft;

/// Write a first `dinghai.yaml` from the files in a folder
///
/// It names the core candidates with the line that makes each one, and what no file says. The facts stay in the files: the
/// estate imports them.
#[derive(clap::Args)]
pub(crate) struct InitArgs {
    /// The folder with Terraform, Kubernetes, Compose, HAProxy, nginx, keepalived or Patroni files
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// Take all files for one estate, where they would be several
    #[arg(long)]
    together: bool,
    /// The estate's name; that of the folder unless given
    #[arg(long)]
    name: Option<String>,
    /// Print it and write nothing
    #[arg(long)]
    print: bool,
}

pub(crate) fn run(args: &InitArgs) -> anyhow::Result<ExitCode> {
    let folder = &args.folder;
    if !folder.is_dir() {
        bail!("`{}` is not a folder; name the one that holds the files", folder.display());
    }
    let target = folder.join("dinghai.yaml");
    if target.exists() && !args.print {
        bail!("`{}` is there already; `--print` shows what would be written", target.display());
    }
    let name = args.name.clone().unwrap_or_else(|| folder_name(folder));
    let gathered = Gathered::without_estates(folder, args.together.then_some(name.as_str()))?;
    let [only] = gathered.estates.as_slice() else { bail!("{}", not_one(folder, &gathered.estates)) };
    let made_by = format!("Written by `dinghai init {}`.", folder.display());
    let text = draft(&only.report.inventory, &name, &[".".to_owned()], &made_by);
    if args.print {
        print(format_args!("{text}"));
        return Ok(ExitCode::SUCCESS);
    }
    // Never over a file that somebody has written meanwhile.
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&target)
        .with_context(|| format!("cannot write `{}`", target.display()))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    let core = only.report.core.len();
    let services = if core == 1 { "1 core candidate".to_owned() } else { format!("{core} core candidates") };
    say!(
        "wrote {} with {services}; read its comments, then run `dinghai check {}`",
        target.display(),
        folder.display()
    );
    Ok(ExitCode::SUCCESS)
}

/// Why the folder is not one estate, and what to do.
fn not_one(folder: &Path, estates: &[Gained]) -> String {
    let shown = folder.display();
    if estates.is_empty() {
        return format!(
            "nothing in `{shown}` is read here; name a folder with Terraform, Kubernetes, Compose, HAProxy, nginx, \
             keepalived or Patroni files"
        );
    }
    let roots: Vec<String> =
        estates.iter().map(|gained| format!("`{}`", gained.report.inventory.name)).collect();
    format!(
        "`{shown}` holds {} estates: {}; name one of their folders, or say `--together` when they are one",
        estates.len(),
        roots.join(", ")
    )
}

fn folder_name(folder: &Path) -> String {
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    absolute.file_name().map_or_else(|| "estate".to_owned(), |name| name.to_string_lossy().into_owned())
}
