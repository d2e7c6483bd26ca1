//! The C library and the command as archives for this machine's platform.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{native, run};

/// What goes with each.
const PAPERS: [&str; 3] = ["LICENSE-APACHE", "LICENSE-MIT", "CHANGELOG.md"];

/// Builds both, and packs them.
pub(super) fn build(folder: &Path, version: &str) -> Result<Vec<PathBuf>, String> {
    let platform = platform()?;
    let stage = run::target_dir().join("release-stage");
    let _ = fs::remove_dir_all(&stage);

    let library = format!("libresayil-{version}-{platform}");
    native::install(&stage.join(&library))?;
    copy("bindings/README.md", &stage.join(&library).join("README.md"))?;

    let command = format!("resayil-{version}-{platform}");
    let build = ["build", "--quiet", "--locked", "--release", "--package", "resayil-cli"];
    run::run(run::cargo().args(build))?;
    let program = format!("resayil{}", std::env::consts::EXE_SUFFIX);
    let place = stage.join(&command);
    fs::create_dir_all(&place).map_err(|error| format!("{}: {error}", place.display()))?;
    copy(run::target_dir().join("release").join(&program), &place.join(&program))?;
    copy("crates/cli/README.md", &place.join("README.md"))?;

    let mut files = Vec::new();
    for name in [library, command] {
        for paper in PAPERS {
            copy(paper, &stage.join(&name).join(paper))?;
        }
        let file = folder.join(format!("{name}.tar.gz"));
        run::run(run::command("tar").arg("-czf").arg(&file).arg("-C").arg(&stage).arg(&name))?;
        files.push(file);
    }
    Ok(files)
}

/// The platform as rustc names it.
fn platform() -> Result<String, String> {
    let told = run::output(run::command("rustc").arg("-vV"))?;
    let host = told.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "rustc names no host".to_owned())
}

fn copy(from: impl AsRef<Path>, to: &Path) -> Result<(), String> {
    let from = run::root().join(from);
    fs::copy(&from, to).map(|_| ()).map_err(|error| format!("{}: {error}", from.display()))
}

/// The check sums of all files, as `sha256sum --check` reads them.
pub(super) fn sums(folder: &Path, files: &[PathBuf]) -> Result<PathBuf, String> {
    let names = files.iter().filter_map(|file| file.file_name());
    let text = run::output(run::command("sha256sum").args(names).current_dir(folder))?;
    let file = folder.join("SHA256SUMS");
    fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(file)
}
