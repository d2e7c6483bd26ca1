//! The commands of the READMEs and of docs/start, tried as written beside or in a fresh clone, and their
//! programs, as far as compilers can tell. (Those in Rust are documentation tests, in `pages.rs`; those of docs in Python are tests of Python.)

use std::path::Path;
use std::{fs, io};

use crate::site::fences::{self, Fence};
use crate::{prerequisites, run};

/// Of the commands only blocks with this info string are run: the others take too long, or are for a real key.
const MARK: &str = "sh ci";

/// The info string of what the commands of the block before print.
const OUTPUT: &str = "text";

/// The pages with commands, which are run from the root of the repository.
const README: &str = "README.md";
const WITH_LIBCURL: &str = "bindings/README.md";
/// The folder with pages whose commands are run from the folder that the clone is in, by itself each.
const START: &str = "docs/start";

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
    let root = run::root();
    compile(README, &read(&root.join(README))?, &CHECKS)?;
    run_page(README, &clone, &clone)?;
    for path in fences::markdown(&root.join(START))? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // What one page leaves is not there for the next one.
        let place = folder.path().join("start").join(&name);
        fs::create_dir_all(&place)
            .and_then(|()| symlink(&clone, &place.join("resayil")))
            .map_err(|error| format!("{}: {error}", place.display()))?;
        run_page(&format!("{START}/{name}"), &place, &clone)?;
    }
    match prerequisites::libcurl() {
        Ok(()) => run_page(WITH_LIBCURL, &clone, &clone),
        Err(error) => {
            run::say(&format!("not tried: {WITH_LIBCURL}: {error}"));
            Ok(())
        }
    }
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// Runs the commands of a page in a folder, and compares what they print.
fn run_page(path: &str, folder: &Path, clone: &Path) -> Result<(), String> {
    let text = read(&run::root().join(path))?;
    let fences = fences::all(&text);
    if !fences.iter().any(|fence| fence.info == MARK) {
        return Err(format!("{path} has no block that begins with ```{MARK}"));
    }
    let outputs = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
    let file = outputs.path().join("commands.sh");
    fs::write(&file, script(path, &fences, folder, outputs.path(), clone))
        .map_err(|error| format!("no script: {error}"))?;
    let mut bash = run::command("bash");
    run::as_from_a_shell(&mut bash);
    run::run(
        bash.arg(&file)
            .current_dir(folder)
            .env("CARGO_TARGET_DIR", clone.join("target"))
            // As the workspace has it, so that what is built for one page is there for the next.
            .env("CARGO_PROFILE_DEV_DEBUG", "line-tables-only"),
    )
    .map_err(|_| format!("a command of {path} failed; it is named above"))?;
    for (at, fence) in fences.iter().enumerate() {
        let Some(wanted) = output(&fences, at) else { continue };
        let printed = read(&outputs.path().join(fence.line.to_string()))?;
        if printed.trim_end() != wanted.text().trim_end() {
            return Err(format!(
                "{path}, line {}: the commands print\n{printed}instead of\n{}",
                wanted.line,
                wanted.text()
            ));
        }
    }
    Ok(())
}

/// The block that says what the commands of this one print, if it is one of commands.
fn output<'a, 'b>(fences: &'b [Fence<'a>], at: usize) -> Option<&'b Fence<'a>> {
    let next = fences.get(at + 1)?;
    (fences[at].info == MARK && next.info == OUTPUT).then_some(next)
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
        let blocks = fences::all(text);
        let mut blocks = blocks.iter().filter(|fence| fence.info == info).peekable();
        if blocks.peek().is_none() {
            return Err(format!("{path} has no block that begins with ```{info}"));
        }
        for block in blocks {
            // The name tells where the block is, in what the compiler says.
            let file = folder.path().join(format!("line_{}.{ending}", block.line));
            fs::write(&file, block.text())
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

/// One script for all blocks: what one exports, the next one sees.
fn script(path: &str, fences: &[Fence<'_>], folder: &Path, outputs: &Path, clone: &Path) -> String {
    // What a block leaves in the background ends with the script. A new project has the versions of
    // dependencies that this one is tested with.
    let mut script = format!(
        "set -Eeuo pipefail\n\
        trap 'jobs -p | xargs -r kill 2>/dev/null' EXIT\n\
        trap 'echo \"failed: $BASH_COMMAND\" >&2' ERR\n\
        cargo() {{\n\
        if [ -f Cargo.toml ] && [ ! -f Cargo.lock ]; then cp '{}/Cargo.lock' .; fi\n\
        command cargo \"$@\"\n\
        }}\n",
        clone.display()
    );
    for (at, block) in fences.iter().enumerate() {
        let text = block.text();
        if let Some(title) = block.title() {
            let file = folder.join(title);
            script += &format!("cat > '{}' <<'END-OF-FILE'\n{text}END-OF-FILE\n", file.display());
        }
        if block.info != MARK {
            continue;
        }
        script += &format!("cat <<'END-OF-BLOCK'\n\n-- {path}, line {}\n", block.line);
        script += &format!("{text}--\nEND-OF-BLOCK\n");
        script += &match output(fences, at) {
            None => text,
            Some(_) => {
                let kept = outputs.join(block.line.to_string());
                format!("{{\n{text}}} > '{0}'\ncat '{0}'\n", kept.display())
            }
        };
    }
    script
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_commands_print_is_the_block_behind_them() {
        let page =
            "```sh ci\nls\n```\nshows\n```text\na\n```\n```text\nb\n```\n```sh ci\nrm a\n```\n";
        let fences = fences::all(page);
        assert_eq!(output(&fences, 0).map(Fence::text).as_deref(), Some("a\n"));
        assert!((1..4).all(|at| output(&fences, at).is_none()));
        let script = script("P", &fences, Path::new("/f"), Path::new("/o"), Path::new("/c"));
        assert!(script.contains("{\nls\n} > '/o/2'\n"), "{script}");
        assert!(script.ends_with("END-OF-BLOCK\nrm a\n"), "{script}");
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
