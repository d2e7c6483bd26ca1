//! The pages as MkDocs wants them: what Markdown of the repository has that it has not, is put right.

use std::fs;
use std::path::{Path, PathBuf};

use super::{links, write};
use crate::run;

/// Copies `docs/` and puts its pages right.
pub(super) fn prepare(to: &Path, repository: Option<&str>) -> Result<(), String> {
    let docs = run::root().join("docs");
    copy(&docs, to)?;
    fs::remove_file(to.join("mkdocs.yml")).map_err(|error| format!("mkdocs.yml: {error}"))?;
    write(&to.join("reference/command.md"), &command()?)?;
    for page in files(to)?.iter().filter(|path| path.extension().is_some_and(|it| it == "md")) {
        let text =
            fs::read_to_string(page).map_err(|error| format!("{}: {error}", page.display()))?;
        let within = page.strip_prefix(to).unwrap_or(page);
        write(page, &put_right(&text, within, repository))?;
    }
    Ok(())
}

/// Fences with one word, and no link out of `docs/` but to the repository, if it has an address.
fn put_right(text: &str, page: &Path, repository: Option<&str>) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        match line.strip_prefix("```") {
            Some(info) if !info.is_empty() => {
                let language = info.split([' ', ',']).next().unwrap_or_default();
                let title =
                    info.find("title=").map_or(String::new(), |at| format!(" {}", &info[at..]));
                out += &format!("```{language}{title}\n");
            }
            _ => out += &format!("{line}\n"),
        }
    }
    let folder = page.parent().unwrap_or(Path::new(""));
    links::replace(&out, |label, target| {
        let path = target.split('#').next().unwrap_or_default();
        if path.is_empty() || path.contains(':') {
            return None;
        }
        let from_root = links::normal(&Path::new("docs").join(folder).join(path));
        if from_root.starts_with("docs") {
            return None;
        }
        Some(match repository {
            Some(url) => format!("[{label}]({url}/blob/HEAD/{})", from_root.display()),
            None => label.to_owned(),
        })
    })
}

/// The page of the command: what it says of itself.
fn command() -> Result<String, String> {
    run::run(run::cargo().args(["build", "--quiet", "--package", "resayil-cli"]))?;
    let program = run::target_dir().join(format!("debug/resayil{}", std::env::consts::EXE_SUFFIX));
    let help = |arguments: &[&str]| {
        run::output(run::command(&program).args(arguments).arg("--help").env("NO_COLOR", "1"))
    };
    let all = help(&[])?;
    let mut page = format!("# The command\n\n```text\n{all}```\n");
    let commands = all.lines().skip_while(|line| *line != "Commands:").skip(1);
    for line in commands.take_while(|line| line.starts_with("  ")) {
        let Some(name) = line.split_whitespace().next().filter(|name| *name != "help") else {
            continue;
        };
        page += &format!("\n## {name}\n\n```text\n{}```\n", help(&[name])?);
    }
    Ok(page)
}

/// Copies a folder with all that is in it.
pub(super) fn copy(from: &Path, to: &Path) -> Result<(), String> {
    for path in files(from)? {
        let place = to.join(path.strip_prefix(from).unwrap_or(&path));
        let parent = place.parent().unwrap_or(to);
        fs::create_dir_all(parent)
            .and_then(|()| fs::copy(&path, &place))
            .map_err(|error| format!("{}: {error}", place.display()))?;
    }
    Ok(())
}

/// All files below a folder.
pub(super) fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let failed = |error| format!("{}: {error}", folder.display());
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_put_right() {
        let text =
            "```sh ci\nls\n```\n```rust title=\"a.rs\"\n```\n[a](../../README.md#x) [b](../b.md)\n";
        let plain = "```sh\nls\n```\n```rust title=\"a.rs\"\n```\na [b](../b.md)\n";
        assert_eq!(put_right(text, Path::new("start/c.md"), None), plain);
        let linked = put_right(text, Path::new("start/c.md"), Some("https://example.com/r"));
        assert!(linked.contains("[a](https://example.com/r/blob/HEAD/README.md) [b]"), "{linked}");
    }
}
