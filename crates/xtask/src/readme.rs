//! The README's commands, tried as written in a fresh clone.

use std::path::Path;
use std::{fs, io};

use crate::run;

/// Only blocks with this info string are run: the others take too long, or are for a real key.
const MARK: &str = "sh ci";

/// A marked block and the number of its first line.
#[derive(Debug, PartialEq)]
struct Block<'a> {
    line: usize,
    text: Vec<&'a str>,
}

/// Clones the repository and runs the marked blocks in one shell, as a reader would type them.
pub(crate) fn run() -> Result<(), String> {
    let path = "README.md";
    let text =
        fs::read_to_string(run::root().join(path)).map_err(|error| format!("{path}: {error}"))?;
    let blocks = blocks(&text);
    if blocks.is_empty() {
        return Err(format!("{path} has no block that begins with ```{MARK}"));
    }
    let changed = run::output(run::command("git").args(["status", "--porcelain"]))?;
    if !changed.is_empty() {
        run::say("note: only what is committed is tried");
    }
    let folder = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
    let clone = folder.path().join("resayil");
    run::run(run::command("git").args(["clone", "--quiet"]).arg(run::root()).arg(&clone))?;
    keep_builds(&clone.join("target"))?;
    let file = folder.path().join("commands.sh");
    fs::write(&file, script(path, &blocks)).map_err(|error| format!("no script: {error}"))?;
    run::run(
        run::command("bash")
            .arg(&file)
            .current_dir(&clone)
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

#[cfg(unix)]
fn symlink(from: &Path, to: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(from, to)
}

#[cfg(not(unix))]
fn symlink(_: &Path, _: &Path) -> io::Result<()> {
    Ok(()) // The clone is built from the beginning.
}

fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut open: Option<Block<'_>> = None;
    for (at, line) in text.lines().enumerate() {
        match &mut open {
            Some(_) if line.trim_end() == "```" => blocks.extend(open.take()),
            Some(block) => block.text.push(line),
            None if line.strip_prefix("```").is_some_and(|info| info.trim() == MARK) => {
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
        let found = blocks(text);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0], Block { line: 3, text: vec!["cargo demo", "", "ls"] });
        assert_eq!(found[1].line, 11);
    }
}
