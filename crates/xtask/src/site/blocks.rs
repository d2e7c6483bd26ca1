//! Whether each block of the pages below `docs/` is one that the check carries out or compares.

use std::path::{Path, PathBuf};
use std::{fs, iter};

use super::fences::{self, Fence};
use super::pages;
use crate::run;

/// Pages with commands that cannot be run everywhere: they need a fleet, a release build, a program of the reader's.
const COMMANDS: [&str; 4] = ["fleet.md", "observability.md", "simulation.md", "guides/testing.md"];

/// Checks each block of each page, and compiles those in C and C++.
pub(super) fn check() -> Result<(), String> {
    let docs = run::root().join("docs");
    let tested = read(&run::root().join("crates/xtask/src/pages.rs"))?;
    let mut wrong = Vec::new();
    for page in pages::files(&docs)?
        .into_iter()
        .filter(|page| page.extension().is_some_and(|it| it == "md"))
    {
        let name = page.strip_prefix(&docs).unwrap_or(&page).to_string_lossy().replace('\\', "/");
        let text = read(&page)?;
        for fence in fences::all(&text) {
            if let Err(error) = block(&name, &fence, &tested) {
                wrong.push(format!("docs/{name}, line {}: {error}", fence.line));
            }
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

fn block(page: &str, fence: &Fence<'_>, tested: &str) -> Result<(), String> {
    match fence.language() {
        "text" | "json" | "toml" => Ok(()),
        // Carried out by tests/python/test_docs.py, whatever the page.
        "python" => Ok(()),
        "sh" if fence.info == "sh ci" && page.starts_with("start/") => Ok(()),
        "sh" if COMMANDS.contains(&page) => Ok(()),
        "sh" => Err("nobody runs these commands".to_owned()),
        "rust" => match fence.from {
            Some(file) => excerpt(fence, file),
            None if fence.title().is_some() && page.starts_with("start/") => Ok(()),
            None if fence.info.contains("ignore") => Err("nobody compiles this".to_owned()),
            None if tested.contains(&format!("\"{page}\"")) => Ok(()),
            None => Err("the page is not in crates/xtask/src/pages.rs".to_owned()),
        },
        "c" => compile(fence, "c", &["cc", "-std=c99"]),
        "cpp" => compile(fence, "cpp", &["c++", "-std=c++17", "-Ibindings/cpp"]),
        _ => Err(format!("nobody knows what a block of `{}` is", fence.info)),
    }
}

/// The lines of a file, which is tested by itself, without their indentation.
fn excerpt(fence: &Fence<'_>, file: &str) -> Result<(), String> {
    let whole = read(&run::root().join(file))?;
    let trimmed =
        |text: &str| -> String { text.lines().flat_map(|line| [line.trim(), "\n"]).collect() };
    if trimmed(&whole).contains(&trimmed(&fence.text())) {
        return Ok(());
    }
    Err(format!("{file} has no such lines"))
}

fn compile(fence: &Fence<'_>, ending: &str, compiler: &[&str]) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
    let file: PathBuf = folder.path().join(format!("block.{ending}"));
    fs::write(&file, fence.text()).map_err(|error| format!("{}: {error}", file.display()))?;
    let options = ["-Wall", "-Wextra", "-Werror", "-Iinclude", "-fsyntax-only"];
    let arguments = compiler[1..].iter().chain(&options);
    let mut command = run::command(compiler[0]);
    for argument in arguments.copied().map(Path::new).chain(iter::once(file.as_path())) {
        command.arg(argument);
    }
    run::run(&mut command).map_err(|_| "it does not compile, as is told above".to_owned())
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_that_nobody_tries_is_told() {
        let verdict = |page: &str, text: &str| block(page, &fences::all(text)[0], "\"a.md\"");
        assert!(verdict("start/c.md", "```sh ci\nls\n```\n").is_ok());
        assert!(verdict("a.md", "```rust\nlet a = 1;\n```\n").is_ok());
        for (page, text) in [
            ("a.md", "```sh ci\nls\n```\n"),
            ("a.md", "```\nls\n```\n"),
            ("a.md", "```rust,ignore\nlet a = 1;\n```\n"),
            ("b.md", "```rust\nlet a = 1;\n```\n"),
            ("a.md", "```c\nint a = resayil;\n```\n"),
            ("a.md", "<!-- from crates/xtask/src/pages.rs -->\n```rust,ignore\nlet a = 1;\n```\n"),
        ] {
            assert!(verdict(page, text).is_err(), "{text}");
        }
        let same =
            "<!-- from crates/xtask/src/pages.rs -->\n```rust,ignore\nmacro_rules! pages {\n```\n";
        assert_eq!(verdict("a.md", same), Ok(()));
    }
}
