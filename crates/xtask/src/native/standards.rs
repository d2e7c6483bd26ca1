//! The headers under every standard, with and without exceptions, by each compiler that is there.

use std::path::Path;

use super::programs;
use crate::run;

/// What includes all of the headers and uses most of them.
const SOURCES: [&str; 3] = [
    "tests/cpp/test_result.cpp",
    "tests/cpp/test_operation.cpp",
    "bindings/examples/chat_stream.cpp",
];
const STANDARDS: [&str; 3] = ["-std=c++17", "-std=c++20", "-std=c++23"];
const MODES: [&[&str]; 2] = [&[], &["-fno-exceptions", "-fno-rtti"]];
/// clang has no -std=c++23 before its version 17.
const COMPILERS: [&str; 2] = ["g++", "clang++"];

/// Compiles in all ways; gives their number.
pub(super) fn test() -> Result<u64, String> {
    let mut ways = 0;
    let empty = run::target_dir().join("native/empty.cpp");
    std::fs::write(&empty, "").map_err(|error| format!("{}: {error}", empty.display()))?;
    for compiler in COMPILERS.iter().filter(|name| run::exists(name, &["--version"])) {
        for standard in STANDARDS {
            let known = ["-fsyntax-only", standard, &empty.to_string_lossy()];
            if !run::exists(compiler, &known) {
                run::say(&format!("not checked: {compiler} does not know {standard}"));
                continue;
            }
            for mode in MODES {
                let mut command = run::command(compiler);
                command.args([
                    standard,
                    "-fsyntax-only",
                    "-Wall",
                    "-Wextra",
                    "-Wpedantic",
                    "-Werror",
                ]);
                command.args(["-Iinclude", "-Ibindings/cpp", "-Itests/c"]).args(mode);
                command.args(SOURCES.map(Path::new));
                programs::quietly(&mut command)
                    .map_err(|error| format!("{standard} {}: {error}", mode.join(" ")))?;
                ways += 1;
            }
        }
    }
    Ok(ways)
}
