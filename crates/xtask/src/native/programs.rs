//! Compiling, linking and running test programs.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use resayil_sandbox::Sandbox;

use super::Libraries;
use crate::run;

/// What a test program is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    C,
    Cpp,
}

impl Language {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Language::C => "C",
            Language::Cpp => "C++",
        }
    }

    pub(crate) fn extension(self) -> &'static str {
        match self {
            Language::C => "c",
            Language::Cpp => "cpp",
        }
    }

    /// Where its programs are, from the root of the repository.
    pub(crate) fn folder(self) -> &'static Path {
        Path::new(match self {
            Language::C => "tests/c",
            Language::Cpp => "tests/cpp",
        })
    }

    /// Its compiler, told the standard; `CC` and `CXX` name others.
    pub(crate) fn compiler(self) -> Command {
        let (variable, default, standard) = match self {
            Language::C => ("CC", "cc", "-std=c99"),
            Language::Cpp => ("CXX", "c++", "-std=c++17"),
        };
        let mut compiler = run::command(env::var_os(variable).unwrap_or_else(|| default.into()));
        compiler.arg(standard);
        compiler
    }

    /// Its test programs: `test_*`, by name.
    pub(crate) fn tests(self) -> Result<Vec<PathBuf>, String> {
        let folder = self.folder();
        let entries = fs::read_dir(run::root().join(folder))
            .map_err(|error| format!("{}: {error}", folder.display()))?;
        let mut tests: Vec<_> = entries
            .filter_map(Result::ok)
            .map(|entry| folder.join(entry.file_name()))
            .filter(|path| {
                let stem = path.file_stem().unwrap_or_default().to_string_lossy();
                let extension = path.extension().unwrap_or_default().to_string_lossy();
                stem.starts_with("test_") && extension == self.extension()
            })
            .collect();
        tests.sort();
        if tests.is_empty() {
            return Err(format!("no test in {}", folder.display()));
        }
        Ok(tests)
    }
}

/// How a program is linked with the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Linkage {
    Static,
    Shared,
}

/// Compiles one source file, without tolerating a warning.
pub(crate) fn compile(language: Language, source: &Path) -> Result<PathBuf, String> {
    compile_with(language, source, &run::target_dir().join("native"), &[])
}

/// Compiles one source file below a folder, with more that the compiler is told.
pub(crate) fn compile_with(
    language: Language,
    source: &Path,
    folder: &Path,
    others: &[&str],
) -> Result<PathBuf, String> {
    let folder = folder.join(language.extension());
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let object = folder.join(source.file_stem().unwrap_or_default()).with_extension("o");
    let mut compiler = language.compiler();
    compiler
        .args(["-g", "-Wall", "-Wextra", "-Wpedantic", "-Werror"])
        .args(["-Iinclude", "-Ibindings/cpp", "-Itests/c"])
        .args(others)
        .arg("-c")
        .arg(source)
        .arg("-o")
        .arg(&object);
    quietly(&mut compiler)?;
    Ok(object)
}

/// Links a program.
pub(crate) fn link(
    language: Language,
    object: &Path,
    linkage: Linkage,
    libraries: &Libraries,
) -> Result<PathBuf, String> {
    link_with(language, object, linkage, libraries, &[])
}

/// Links a program that needs other libraries, too.
pub(crate) fn link_with(
    language: Language,
    object: &Path,
    linkage: Linkage,
    libraries: &Libraries,
    others: &[&str],
) -> Result<PathBuf, String> {
    let mut linker = language.compiler();
    let program = match linkage {
        Linkage::Static => object.with_extension("static"),
        Linkage::Shared => object.with_extension("shared"),
    };
    linker.arg(object).arg("-o").arg(&program);
    match linkage {
        Linkage::Static => linker.arg(&libraries.archive),
        Linkage::Shared => {
            let mut path = std::ffi::OsString::from("-Wl,-rpath,");
            path.push(&libraries.folder);
            linker.arg("-L").arg(&libraries.folder).arg("-lresayil").arg(path)
        }
    };
    // What the static library needs; harmless with the shared one.
    quietly(linker.args(others).args(["-pthread", "-ldl", "-lm"]))?;
    Ok(program)
}

/// Runs a program that has to succeed, against a sandbox of its own, and gives what it prints.
pub(crate) fn output(program: &Path, arguments: &[&str]) -> Result<String, String> {
    let sandbox = sandbox()?;
    let mut command = run::command(program);
    run::output(against(command.args(arguments), &sandbox))
}

/// An API for the tests of the client, with room for all their requests.
fn sandbox() -> Result<Sandbox, String> {
    Sandbox::builder().limit(1000).start().map_err(|error| format!("no sandbox: {error}"))
}

/// Tells a program where the sandbox is, and where the sandbox's control plane is.
pub(crate) fn against<'a>(command: &'a mut Command, sandbox: &Sandbox) -> &'a mut Command {
    command
        .env("RESAYIL_BASE_URL", sandbox.base_url())
        .env("RESAYIL_API_KEY", sandbox.api_key())
        .env("RESAYIL_SANDBOX", sandbox.origin())
}

/// The number of tests in a test program's output: `8 tests, 137 checks`.
pub(crate) fn tests_in(output: &str) -> Result<u64, String> {
    let number = output.lines().last().and_then(|line| line.split_once(" tests, "));
    number
        .and_then(|(number, _)| number.parse().ok())
        .filter(|number| *number > 0)
        .ok_or_else(|| format!("its last line does not count tests: {output}"))
}

/// Runs a program under valgrind, if there is one: a leak or a bad access is a failure.
pub(crate) fn check_memory(program: &Path, arguments: &[&str]) -> Result<(), String> {
    if !run::exists("valgrind", &["--version"]) {
        return Ok(());
    }
    let mut valgrind = run::command("valgrind");
    valgrind.args(["--quiet", "--error-exitcode=1", "--leak-check=full"]);
    let sandbox = sandbox()?;
    quietly(against(valgrind.arg(program).args(arguments), &sandbox))
}

/// Runs a command and shows its output only if it fails.
pub(crate) fn quietly(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("cannot start {program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{program} failed ({})\n{}", output.status, said.trim_end()))
}
