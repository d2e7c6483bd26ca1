//! One version everywhere.

use super::read;

/// Says where another version than this one stands.
pub(super) fn check(version: &str) -> Result<(), String> {
    let mut wrong = Vec::new();
    let manifest = read("Cargo.toml")?;
    for line in manifest.lines().filter(|line| line.starts_with("resayil")) {
        if !line.contains(&format!("version = \"{version}\"")) {
            wrong.push(format!("Cargo.toml: {line}"));
        }
    }
    for name in ["capi", "py"] {
        let path = format!("crates/{name}/Cargo.toml");
        for line in read(&path)?.lines().filter(|line| line.contains("path = \"../")) {
            if !line.contains(&format!("version = \"{version}\"")) {
                wrong.push(format!("{path}: {line}"));
            }
        }
    }
    let parts: Vec<&str> = version.split('.').collect();
    let header = read("include/resayil.h")?;
    for (name, part) in ["MAJOR", "MINOR", "PATCH"].iter().zip(&parts) {
        if !header.contains(&format!("#define RESAYIL_VERSION_{name} {part}\n")) {
            wrong.push(format!("include/resayil.h: RESAYIL_VERSION_{name} is not {part}"));
        }
    }
    if !read("pyproject.toml")?.contains("dynamic = [\"version\"]") {
        wrong.push("pyproject.toml: the version has to be the workspace's".to_owned());
    }
    if wrong.is_empty() {
        return Ok(());
    }
    Err(format!("the version {version} does not stand everywhere:\n{}", wrong.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_one() {
        assert_eq!(check(env!("CARGO_PKG_VERSION")), Ok(()));
        assert!(check("9.9.9").unwrap_err().contains("RESAYIL_VERSION_MAJOR"));
    }
}
