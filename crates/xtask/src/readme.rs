//! The commands of the READMEs, tried as written in a fresh clone, and their programs, as far as
//! compilers can tell. (The one in Rust is a documentation test of the client.)

use std::path::Path;
use std::{fs, io};

use crate::{prerequisites, run};

/// Of the commands only blocks with this info string are run: the others take too long, or are for a real key.
const MARK: &str = "sh ci";

/// A block and the number of its first line.
#[derive(Debug, PartialEq)]
struct Block<'a> {
    line: usize,
    text: Vec<&'a str>,
}

/// The pages with commands, which are run from the root of the repository.
const README: &str = "README.md";
const WITH_LIBCURL: &str = "bindings/README.md";

/// Clones the repository and runs the marked blocks, as a reader would type them; those of a page in
/// one shell.
pub(crate) fn run() -> Result<(), String> {
    let changed = run::output(run::command("git").args(["status", "--porcelain"]))?;
    if !changed.is_empty() {
        run::say("note: only what is committed is tried");
    }
    let folder = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
    let clone = folder.path().join("resayil");
    run::run(run::command("git").args(["clone", "--quiet"]).arg(run::root()).arg(&clone))?;
    keep_builds(&clone.join("target"))?;
    run_page(README, folder.path(), &clone)?;
    match prerequisites::libcurl() {
        Ok(()) => run_page(WITH_LIBCURL, folder.path(), &clone),
        Err(error) => {
            run::say(&format!("not tried: {WITH_LIBCURL}: {error}"));
            Ok(())
        }
    }
}

fn run_page(path: &str, folder: &Path, clone: &Path) -> Result<(), String> {
    let text =
        fs::read_to_string(run::root().join(path)).map_err(|error| format!("{path}: {error}"))?;
    if path == README {
        compile(path, &text, &CHECKS)?;
    }
    let blocks = blocks(&text, MARK);
    if blocks.is_empty() {
        return Err(format!("{path} has no block that begins with ```{MARK}"));
    }
    let file = folder.join("commands.sh");
    fs::write(&file, script(path, &blocks)).map_err(|error| format!("no script: {error}"))?;
    run::run(
        run::command("bash")
            .arg(&file)
            .current_dir(clone)
            .env_remove("CARGO_TARGET_DIR")
            .env_remove("CARGO_MANIFEST_DIR"),
    )
    .map_err(|_| format!("a command of {path} failed; it is named above"))
}

/// Lets what cargo builds for the clone last from one run to the next; all else in its target folder
/// begins empty. The folder is not our own: cargo would take the clone's programs for ours.
fn keep_builds(target: &Path) -> Result<(), String> {
    for profile in ["debug", "release"] {
        let kept = run::target_dir().join("readme").join(profile);
        fs::create_dir_all(&kept)
            .and_then(|()| fs::create_dir_all(target))
            .and_then(|()| symlink(&kept, &target.join(profile)))
            .map_err(|error| format!("{}: {error}", kept.display()))?;
    }
    Ok(())
}

/// A check of the blocks in one language: the info string, the ending of a file, the command.
type Check = (&'static str, &'static str, &'static [&'static str]);

const CHECKS: [Check; 2] = [
    ("c", "c", &["cc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-Iinclude", "-fsyntax-only"]),
    ("python", "py", &["python3", "-m", "py_compile"]),
];

/// Compiles the blocks in these languages, without running them.
fn compile(path: &str, text: &str, checks: &[Check]) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
    for &(info, ending, check) in checks {
        let blocks = blocks(text, info);
        if blocks.is_empty() {
            return Err(format!("{path} has no block that begins with ```{info}"));
        }
        for block in blocks {
            // The name tells where the block is, in what the compiler says.
            let file = folder.path().join(format!("line_{}.{ending}", block.line));
            fs::write(&file, block.text.join("\n") + "\n")
                .map_err(|error| format!("{}: {error}", file.display()))?;
            run::run(run::command(check[0]).args(&check[1..]).arg(&file)).map_err(|_| {
                format!("{path}, line {}: this is no {info}, as is told above", block.line)
            })?;
        }
    }
    Ok(())
}

#[cfg(unix)]
fn symlink(from: &Path, to: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(from, to)
}

#[cfg(not(unix))]
fn symlink(_: &Path, _: &Path) -> io::Result<()> {
    Ok(()) // The clone is built from the beginning.
}

/// The blocks with this info string.
fn blocks<'a>(text: &'a str, mark: &str) -> Vec<Block<'a>> {
    let mut blocks = Vec::new();
    let mut open: Option<Block<'_>> = None;
    for (at, line) in text.lines().enumerate() {
        match &mut open {
            Some(_) if line.trim_end() == "```" => blocks.extend(open.take()),
            Some(block) => block.text.push(line),
            None if line.strip_prefix("```").is_some_and(|info| info.trim() == mark) => {
                open = Some(Block { line: at + 2, text: Vec::new() });
            }
            None => {}
        }
    }
    blocks
}

/// One script for all blocks: what one exports, the next one sees.
fn script(path: &str, blocks: &[Block<'_>]) -> String {
    // What a block leaves in the background ends with the script.
    let mut script = "set -Eeuo pipefail\n\
        trap 'jobs -p | xargs -r kill 2>/dev/null' EXIT\n\
        trap 'echo \"failed: $BASH_COMMAND\" >&2' ERR\n"
        .to_owned();
    for block in blocks {
        let text = block.text.join("\n");
        script += &format!("cat <<'END-OF-BLOCK'\n\n-- {path}, line {}\n", block.line);
        script += &format!("{text}\n--\nEND-OF-BLOCK\n{text}\n");
    }
    script
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marked_blocks_are_found() {
        let text = "a\n```sh ci\ncargo demo\n\nls\n```\n```sh\nrm -r x\n```\n```sh ci\necho\n```\n";
        let found = blocks(text, MARK);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0], Block { line: 3, text: vec!["cargo demo", "", "ls"] });
        assert_eq!(found[1].line, 11);
    }

    #[test]
    fn a_program_that_does_not_compile_is_named_by_its_line() {
        // In C alone: the tests in Rust need no Python.
        let compile = |text: &str| compile("R", text, &CHECKS[..1]);
        let good = "```c\n#include <resayil.h>\nint a;\n```\n";
        assert_eq!(compile(good), Ok(()));
        let wrong = format!("{good}\n```c\nint b = resayil;\n```\n");
        assert!(compile(&wrong).unwrap_err().starts_with("R, line 7: "));
        assert!(compile("```sh\nls\n```\n").unwrap_err().contains("no block"));
    }
}
