//! The crates as packages: each has what it needs, and is built from that alone.

use std::path::{Path, PathBuf};

use super::{gather, read};
use crate::run;
use crate::site::links;

/// The folders of the crates that are published, each after those that it needs.
pub(super) const PUBLISHED: [&str; 7] =
    ["core", "retry", "sandbox", "client", "tower", "reqwest", "cli"];
/// Those that are not.
const UNPUBLISHED: [&str; 3] = ["capi", "py", "xtask"];

/// What every package has.
const NEEDED: [&str; 4] = ["Cargo.toml", "LICENSE-APACHE", "LICENSE-MIT", "README.md"];
/// What the manifest of each says, beside what it inherits.
const TOLD: [&str; 4] = ["description = ", "readme = ", "documentation = ", "license.workspace"];

/// Says what a package lacks, and which of its sources include files that are not in it.
pub(super) fn check() -> Result<(), String> {
    let mut wrong = Vec::new();
    for name in PUBLISHED {
        let folder = Path::new("crates").join(name);
        let manifest = read(folder.join("Cargo.toml"))?;
        for told in TOLD.iter().filter(|told| !manifest.contains(*told)) {
            wrong.push(format!("crates/{name}/Cargo.toml does not say `{}`", told.trim_end()));
        }
        let files = listed(name)?;
        for needed in NEEDED.iter().filter(|needed| !files.iter().any(|file| file == *needed)) {
            wrong.push(format!("the package of crates/{name} has no {needed}"));
        }
        for file in files.iter().filter(|file| file.ends_with(".rs")) {
            let place = folder.join(file);
            for included in included(&read(&place)?) {
                let target = links::normal(&place.parent().unwrap_or(&folder).join(&included));
                let within =
                    target.strip_prefix(&folder).map(|it| it.to_string_lossy().into_owned());
                if !within.is_ok_and(|within| files.contains(&within.replace('\\', "/"))) {
                    wrong.push(format!(
                        "{} includes {included}, which is not in the package",
                        place.display()
                    ));
                }
            }
        }
    }
    for name in UNPUBLISHED {
        if !read(Path::new("crates").join(name).join("Cargo.toml"))?.contains("publish = false") {
            wrong.push(format!("crates/{name} is not to be published, and does not say so"));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

/// The files of a package, as cargo would take them.
fn listed(name: &str) -> Result<Vec<String>, String> {
    let manifest = format!("crates/{name}/Cargo.toml");
    let list = ["package", "--list", "--allow-dirty", "--quiet", "--manifest-path"];
    let files = run::output(run::cargo().args(list).arg(manifest))?;
    Ok(files.lines().map(|line| line.replace('\\', "/")).collect())
}

/// The files that a source includes, as it names them.
fn included(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in source.lines().filter(|line| !line.trim_start().starts_with("//")) {
        for begin in ["include_str!(\"", "include_bytes!(\"", "include!(\"", "#[path = \""] {
            if let Some((_, rest)) = line.split_once(begin) {
                found.extend(rest.split('"').next().map(str::to_owned));
            }
        }
    }
    found
}

/// Packages all, builds each from its package alone, and gathers them.
pub(super) fn build(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let mut package = run::cargo();
    package.args(["package", "--quiet", "--locked", "--allow-dirty"]);
    for name in PUBLISHED {
        let manifest = read(Path::new("crates").join(name).join("Cargo.toml"))?;
        let line = manifest.lines().find_map(|line| line.strip_prefix("name = "));
        let full = line.ok_or_else(|| format!("crates/{name} has no name"))?;
        package.arg("--package").arg(full.trim_matches('"'));
    }
    let made = run::target_dir().join("package");
    // What an earlier version left would be gathered, too.
    let _ = std::fs::remove_dir_all(&made);
    run::run(&mut package)?;
    let files = gather(&made, folder)?;
    Ok(files.into_iter().filter(|file| file.extension().is_some_and(|it| it == "crate")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_have_what_they_need() {
        assert_eq!(check(), Ok(()));
    }

    #[test]
    fn included_files_are_found() {
        let source =
            "#[doc = include_str!(\"../README.md\")]\n// include_str!(\"a\")\n#[path = \"b.rs\"]\n";
        assert_eq!(included(source), ["../README.md", "b.rs"]);
    }
}
