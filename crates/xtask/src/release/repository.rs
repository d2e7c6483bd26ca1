//! The repository's address: there is none yet, and none is invented.

use super::{read, save};

/// The line of the workspace behind which it is written; every crate inherits it.
const IN_CARGO: &str = "license = \"MIT OR Apache-2.0\"\n";
const IN_PYTHON: &str = "[project.optional-dependencies]\n";

/// Writes the address where crates and the Python package name it. Once written it is not written again.
pub(super) fn write(url: &str) -> Result<(), String> {
    if !url.starts_with("https://") || url.ends_with('/') || url.contains(char::is_whitespace) {
        return Err(format!("`{url}` is no address such as https://example.com/owner/name"));
    }
    let manifest = read("Cargo.toml")?;
    save("Cargo.toml", &in_workspace(&manifest, url)?)?;
    for name in super::packages::PUBLISHED {
        let path = format!("crates/{name}/Cargo.toml");
        let text = read(&path)?;
        if !text.contains("repository.workspace") {
            let line = "license.workspace = true\n";
            save(&path, &text.replacen(line, &format!("{line}repository.workspace = true\n"), 1))?;
        }
    }
    save("pyproject.toml", &in_python(&read("pyproject.toml")?, url)?)
}

fn in_workspace(manifest: &str, url: &str) -> Result<String, String> {
    if manifest.contains("\nrepository = ") {
        return Ok(manifest.to_owned());
    }
    let line = format!("{IN_CARGO}repository = \"{url}\"\n");
    let text = manifest.replacen(IN_CARGO, &line, 1);
    if text == manifest { Err("Cargo.toml has no place for it".to_owned()) } else { Ok(text) }
}

fn in_python(project: &str, url: &str) -> Result<String, String> {
    if project.contains("[project.urls]") {
        return Ok(project.to_owned());
    }
    let urls = format!(
        "[project.urls]\nRepository = \"{url}\"\nIssues = \"{url}/issues\"\n\
         Changelog = \"{url}/blob/HEAD/CHANGELOG.md\"\n\n{IN_PYTHON}"
    );
    let text = project.replacen(IN_PYTHON, &urls, 1);
    if text == project { Err("pyproject.toml has no place for it".to_owned()) } else { Ok(text) }
}

/// What is not written yet.
pub(super) fn missing(url: Option<&str>) -> Result<Vec<String>, String> {
    let mut missing = Vec::new();
    if !read("Cargo.toml")?.contains("\nrepository = ") {
        missing.push(match url {
            None => "the repository's address: `cargo xtask release --repository URL` writes it into Cargo.toml and pyproject.toml".to_owned(),
            Some(url) => format!("the repository's address {url} in Cargo.toml and pyproject.toml: run without --dry-run"),
        });
    }
    Ok(missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_written_once() {
        let url = "https://example.com/a/b";
        let manifest = format!("[workspace.package]\n{IN_CARGO}x = 1\n");
        let once = in_workspace(&manifest, url).unwrap();
        assert!(once.contains("\nrepository = \"https://example.com/a/b\"\nx = 1\n"));
        assert_eq!(in_workspace(&once, url).unwrap(), once);
        let once = in_python(IN_PYTHON, url).unwrap();
        assert!(once.starts_with("[project.urls]\nRepository = \"https://example.com/a/b\"\n"));
        assert_eq!(in_python(&once, url).unwrap(), once);
        assert!(in_workspace("", url).is_err());
        assert!(write("example.com/a b").is_err());
    }
}
