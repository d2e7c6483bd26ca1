//! CONTRIBUTING's example of a new provider, carried out in a copy of the core: what it says to add is
//! added where it says, and only its own case may change.

use std::fs;
use std::path::{Path, PathBuf};

use crate::run;

const PAGE: &str = "CONTRIBUTING.md";
/// The heading of the example.
const HEADING: &str = "## Add a provider's dialect";
/// What the copy needs of the repository.
const COPIED: [&str; 4] =
    ["crates/core/src", "crates/core/tests/vectors.rs", "tests/vectors", "Cargo.lock"];

/// A block of the page and its language.
#[derive(Debug, PartialEq)]
struct Block {
    language: String,
    text: String,
}

/// Adds the example to a copy, step by step, and runs the vectors before and after.
pub(crate) fn run() -> Result<(), String> {
    let page = read(&run::root().join(PAGE))?;
    let blocks = blocks(&page);
    let case = only(&blocks, "json")?;
    let edits: Vec<&str> =
        blocks.iter().filter(|it| it.language == "rust").map(|it| it.text.as_str()).collect();
    if edits.len() < 4 {
        return Err(format!("{PAGE}: the example has {} blocks of Rust, of 4", edits.len()));
    }
    let copy = run::target_dir().join("walkthrough");
    make_copy(&copy)?;
    let vectors = copy.join("tests/vectors/errors.jsonl");
    let before = read(&vectors)?;
    write(&vectors, &format!("{before}{case}\n"))?;
    run::say("the case alone: it has to be missed");
    let id = id(case)?;
    match test(&copy) {
        Err(report) if report.contains(&id) => {}
        Err(report) => return Err(format!("another fault than that of {id}:\n{report}")),
        Ok(_) => return Err(format!("{PAGE}: {id} is understood already, so it shows nothing")),
    }
    for edit in edits {
        apply(&copy.join("crates/core/src"), edit)?;
    }
    run::say("the case with what the page adds: it has to be understood");
    test(&copy).map_err(|report| format!("{PAGE}: what it adds does not do\n{report}"))?;
    let after = read(&vectors)?;
    match after.strip_prefix(&before) {
        Some(added) if added.lines().count() == 1 => Ok(()),
        _ => Err(format!("{PAGE}: what it adds changes other records, too")),
    }
}

/// The name of a case.
fn id(case: &str) -> Result<String, String> {
    let case: serde_json::Value = serde_json::from_str(case)
        .map_err(|error| format!("{PAGE}: the case is no JSON: {error}"))?;
    Ok(case["id"].as_str().unwrap_or_default().to_owned())
}

/// Copies what the tests of vectors need, with the least of dependencies.
fn make_copy(copy: &Path) -> Result<(), String> {
    for name in COPIED {
        copy_all(&run::root().join(name), &copy.join(name))?;
    }
    let workspace = read(&run::root().join("Cargo.toml"))?;
    write(&copy.join("Cargo.toml"), &only_core(&workspace))?;
    let manifest = read(&run::root().join("crates/core/Cargo.toml"))?;
    write(&copy.join("crates/core/Cargo.toml"), &without_benches(&manifest))
}

/// Copies a file, or a folder with all that is in it. What is as it was keeps its time, so that cargo
/// builds no more than needed.
fn copy_all(from: &Path, to: &Path) -> Result<(), String> {
    let told = |error: std::io::Error| format!("{}: {error}", from.display());
    if from.is_dir() {
        // What a run before has left, and is there no more.
        for entry in to.read_dir().into_iter().flatten().flatten() {
            if !from.join(entry.file_name()).exists() {
                let path = entry.path();
                if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
                    .map_err(told)?;
            }
        }
        for entry in from.read_dir().map_err(told)? {
            let name = entry.map_err(told)?.file_name();
            copy_all(&from.join(&name), &to.join(&name))?;
        }
        return Ok(());
    }
    let bytes = fs::read(from).map_err(told)?;
    if fs::read(to).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    to.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(to, bytes)).map_err(told)
}

/// The manifest of the workspace with the core as its only member.
fn only_core(manifest: &str) -> String {
    let mut lines = Vec::new();
    let mut in_list = false;
    for line in manifest.lines() {
        in_list |= line.starts_with("default-members");
        if line.starts_with("members") {
            lines.push(r#"members = ["crates/core"]"#);
        } else if !in_list {
            lines.push(line);
        }
        in_list &= !line.ends_with(']');
    }
    lines.join("\n") + "\n"
}

/// The manifest of the core without its benchmarks, and without what only they and other tests need.
fn without_benches(manifest: &str) -> String {
    let mut section = "";
    let kept = manifest.lines().filter(|line| {
        if line.starts_with('[') {
            section = line;
        }
        let needed =
            section != "[dev-dependencies]" || line.starts_with("serde_json") || *line == section;
        needed && section != "[[bench]]"
    });
    kept.collect::<Vec<_>>().join("\n") + "\n"
}

/// Runs the vectors, and writes the records where they hold; gives what was printed.
fn test(copy: &Path) -> Result<String, String> {
    let mut command = run::cargo();
    command
        .args(["test", "--quiet", "-p", "resayil-core", "--test", "vectors"])
        .current_dir(copy)
        .env("CARGO_TARGET_DIR", copy.join("target"))
        .env("RESAYIL_BLESS", "1")
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .env_remove("CARGO_MANIFEST_DIR");
    let output = command.output().map_err(|error| format!("cargo does not start: {error}"))?;
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    if output.status.success() { Ok(text) } else { Err(text) }
}

/// Adds a block of Rust to the one file where it belongs.
fn apply(folder: &Path, edit: &str) -> Result<(), String> {
    let mut found = Vec::new();
    for file in sources(folder)? {
        let text = read(&file)?;
        if let Some(changed) = changed(&text, edit) {
            found.push((file, changed));
        }
    }
    match &found[..] {
        [(file, changed)] => write(file, changed),
        _ => Err(format!("{PAGE}: {} files have a place for `{edit}`", found.len())),
    }
}

/// The text of a file with the block added, if there is one place for it.
fn changed(text: &str, edit: &str) -> Option<String> {
    // A row of the table of providers goes to its end.
    if edit.starts_with("///") {
        let table = text.find("\nproviders! {\n")?;
        let end = table + text[table..].find("\n}\n")?;
        return Some(format!("{}\n{edit}{}", &text[..end], &text[end..]));
    }
    // A row of the table of codes, which is sorted.
    if edit.starts_with('(') {
        let table = text.find("\nconst CODES")?;
        let rows = table + text[table..].find("= &[\n")? + "= &[\n".len();
        let end = rows + text[rows..].find("\n];")? + 1;
        let later = |line: &&str| line.trim_start() > edit;
        let place = text[rows..end].lines().find(later);
        let at = place.map_or(end, |line| line.as_ptr() as usize - text.as_ptr() as usize);
        return Some(format!("{}    {edit}\n{}", &text[..at], &text[at..]));
    }
    // One more alternative of an arm that is there.
    let (known, last) = edit.split_once(" => ").and_then(|(arm, _)| arm.rsplit_once(" | "))?;
    let old = format!("{known}{}", &edit[known.len() + " | ".len() + last.len()..]);
    let mut places = text.match_indices(&old);
    let (at, _) = places.next()?;
    let is_only = places.next().is_none();
    is_only.then(|| format!("{}{edit}{}", &text[..at], &text[at + old.len()..]))
}

/// All files of Rust below a folder.
fn sources(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = folder.read_dir().map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut files = Vec::new();
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(sources(&path)?);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
    Ok(files)
}

/// The fenced blocks of the example, without the indentation of the list that they stand in.
fn blocks(page: &str) -> Vec<Block> {
    let section =
        page.split("\n## ").find(|it| HEADING.ends_with(it.lines().next().unwrap_or_default()));
    let mut blocks: Vec<Block> = Vec::new();
    let mut open: Option<(usize, Block)> = None;
    for line in section.unwrap_or_default().lines() {
        let indent = line.len() - line.trim_start().len();
        match (&mut open, line.trim().strip_prefix("```")) {
            (Some(_), Some(_)) => blocks.extend(open.take().map(|(_, block)| block)),
            (None, Some(language)) => {
                open = Some((indent, Block { language: language.to_owned(), text: String::new() }));
            }
            (Some((indent, block)), None) => {
                if !block.text.is_empty() {
                    block.text.push('\n');
                }
                block.text += line.get(*indent..).unwrap_or_default();
            }
            (None, None) => {}
        }
    }
    blocks
}

fn only<'b>(blocks: &'b [Block], language: &str) -> Result<&'b str, String> {
    let mut found = blocks.iter().filter(|block| block.language == language);
    match (found.next(), found.next()) {
        (Some(block), None) => Ok(&block.text),
        _ => Err(format!("{PAGE}: the example has no block of {language}, or several")),
    }
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_block_has_its_place() {
        let codes = "\nconst CODES: &[X] = &[\n    (\"a\", 1),\n    (\"c\", 3),\n];\n";
        let with_b =
            "\nconst CODES: &[X] = &[\n    (\"a\", 1),\n    (\"b\", 2),\n    (\"c\", 3),\n];\n";
        assert_eq!(changed(codes, "(\"b\", 2),").as_deref(), Some(with_b));
        assert!(changed(codes, "(\"z\", 2),").unwrap().ends_with("    (\"z\", 2),\n];\n"));
        let arm = "match x {\n    | b\"w\" => f(),\n}";
        assert_eq!(
            changed(arm, "b\"w\" | b\"v\" => f(),").as_deref(),
            Some("match x {\n    | b\"w\" | b\"v\" => f(),\n}")
        );
        assert_eq!(changed(arm, "b\"u\" | b\"v\" => f(),"), None);
        let rows = "\nproviders! {\n    A = \"a\" {}\n}\nfn f() {}\n";
        let added = changed(rows, "/// B.\nB = \"b\" {}").unwrap();
        assert_eq!(added, "\nproviders! {\n    A = \"a\" {}\n/// B.\nB = \"b\" {}\n}\nfn f() {}\n");
    }

    #[test]
    fn the_page_has_the_blocks() {
        let blocks = blocks(&read(&run::root().join(PAGE)).unwrap());
        assert!(only(&blocks, "json").unwrap().contains("error-acme-1"));
        assert_eq!(blocks.iter().filter(|block| block.language == "rust").count(), 4);
        assert!(blocks.iter().all(|block| !block.text.starts_with(' ')));
    }

    #[test]
    fn manifests_lose_what_is_not_needed() {
        let core = without_benches(
            "[dependencies]\na = 1\n[dev-dependencies]\nx = 1\nserde_json = 1\n[[bench]]\nname = 1\n[lints]\n",
        );
        assert_eq!(core, "[dependencies]\na = 1\n[dev-dependencies]\nserde_json = 1\n[lints]\n");
        let all =
            "[workspace]\nmembers = [\"crates/*\"]\ndefault-members = [\n    \"a\",\n]\n[x]\n";
        assert_eq!(only_core(all), "[workspace]\nmembers = [\"crates/core\"]\n[x]\n");
    }
}
