//! `cargo xtask release`: everything of a release that this machine can build and check, and what is missing for it.
//!
//! It publishes nothing: that is done by `.github/workflows/release.yml`, from a tag, by trusted publishing.

mod archives;
mod changelog;
mod packages;
mod repository;
mod versions;
mod workflows;

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::{docs, header, python, run};

#[derive(Args)]
pub(crate) struct Options {
    /// Change no file of the repository: build, check, and say what is missing
    #[arg(long)]
    dry_run: bool,
    /// The repository's address, to be written where the packages name it
    #[arg(long, value_name = "URL", required_unless_present = "dry_run")]
    repository: Option<String>,
    /// Leave out what takes minutes: the crates, the wheel, the library and the command are not built
    #[arg(long)]
    checks_only: bool,
}

/// Builds and checks all of it; fails at what is wrong, and lists what is missing.
pub(crate) fn run(options: &Options) -> Result<(), String> {
    if let (false, Some(url)) = (options.dry_run, &options.repository) {
        repository::write(url)?;
    }
    let version = env!("CARGO_PKG_VERSION");
    run::say(&format!("resayil {version}"));
    versions::check(version)?;
    header::generate(true)?;
    header::symbols(true)?;
    docs::generate(true)?;
    packages::check()?;
    workflows::check()?;
    let mut missing = repository::missing(options.repository.as_deref())?;
    missing.extend(changelog::missing(version)?);
    if !options.checks_only {
        let files = build(version)?;
        run::say("\nBuilt:");
        for file in &files {
            let size = fs::metadata(file).map_or(0, |it| it.len());
            run::say(&format!("  {} ({} KiB)", file.display(), size / 1024));
        }
    }
    missing.extend(ELSEWHERE.map(str::to_owned));
    run::say("\nMissing before it can be published:");
    for what in missing {
        run::say(&format!("  - {what}"));
    }
    Ok(())
}

/// What no single machine can do.
const ELSEWHERE: [&str; 4] = [
    "wheels, binaries and libraries for the other platforms: .github/workflows/release.yml makes them",
    "the bill of materials (SBOM): the same",
    "trusted publishers for the crates at crates.io, whose first version has to be published by hand, and at PyPI",
    "a tag `v<version>` on the commit",
];

fn build(version: &str) -> Result<Vec<PathBuf>, String> {
    let folder = run::target_dir().join("release-files");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut files = packages::build(&folder)?;
    python::wheel()?;
    files.extend(gather(&run::target_dir().join("wheels"), &folder)?);
    files.extend(archives::build(&folder, version)?);
    if run::exists("sha256sum", &["--version"]) {
        files.push(archives::sums(&folder, &files)?);
    }
    Ok(files)
}

/// Copies the files of a folder into another one.
fn gather(from: &Path, to: &Path) -> Result<Vec<PathBuf>, String> {
    let failed = |error| format!("{}: {error}", from.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(from).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let place = to.join(path.file_name().unwrap_or_default());
        if path.is_file() {
            fs::copy(&path, &place).map_err(|error| format!("{}: {error}", place.display()))?;
            files.push(place);
        }
    }
    files.sort();
    Ok(files)
}

fn read(path: impl AsRef<Path>) -> Result<String, String> {
    let path = run::root().join(path);
    fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))
}

fn save(path: impl AsRef<Path>, text: &str) -> Result<(), String> {
    let path = run::root().join(path);
    fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))
}
