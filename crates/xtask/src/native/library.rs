//! Building the C library with cargo.

use std::env::consts::DLL_EXTENSION;
use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::run;

/// What cargo built, laid out as an installation would be.
pub(crate) struct Libraries {
    /// The folder that has the shared library, by the name that the linker looks for and by the one
    /// that programs look for.
    pub(crate) folder: PathBuf,
    /// The shared library.
    pub(crate) shared: PathBuf,
    /// The static library.
    pub(crate) archive: PathBuf,
}

/// Builds the shared and the static library, for tests.
pub(crate) fn build() -> Result<Libraries, String> {
    build_as("dev", None)
}

/// Builds both with a feature of the C library, beside those without.
pub(crate) fn build_with(feature: &str) -> Result<Libraries, String> {
    build_as("dev", Some(feature))
}

/// Builds both optimised, for users.
pub(crate) fn build_release() -> Result<Libraries, String> {
    build_as("release", None)
}

fn build_as(profile: &str, feature: Option<&str>) -> Result<Libraries, String> {
    let mut cargo = run::cargo();
    cargo.args(["build", "--quiet", "--package", "resayil-capi", "--message-format=json"]);
    cargo.args(feature.map(|feature| ["--features", feature]).iter().flatten());
    let messages = run::output(cargo.args(["--profile", profile]))?;
    let files: Vec<PathBuf> = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| {
            let types = message["target"]["crate_types"].as_array();
            message["reason"] == "compiler-artifact"
                && types.is_some_and(|types| types.iter().any(|it| it == "staticlib"))
        })
        .flat_map(|message| message["filenames"].as_array().cloned().unwrap_or_default())
        .filter_map(|name| name.as_str().map(PathBuf::from))
        .collect();
    let find = |extension: &str| {
        let found = files.iter().find(|file| file.extension().is_some_and(|it| it == extension));
        found.cloned().ok_or_else(|| format!("cargo made no .{extension} of the C library"))
    };
    let (shared, archive) = (find(DLL_EXTENSION)?, find("a")?);
    let folder = run::target_dir().join("native").join(feature.unwrap_or(profile));
    lay_out(&folder, &shared).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(Libraries { folder, shared, archive })
}

/// Puts the shared library under both of its names.
fn lay_out(folder: &Path, shared: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let name = format!("libresayil.{DLL_EXTENSION}");
    // The SONAME, which crates/capi/build.rs sets.
    for name in [name.clone(), format!("{name}.0")] {
        let path = folder.join(name);
        let _ = fs::remove_file(&path);
        fs::copy(shared, path)?;
    }
    Ok(())
}
