//! Installing the C library, and testing what was installed.

use std::env::consts::DLL_EXTENSION;
use std::path::{Path, PathBuf};
use std::{fs, io};

use super::Libraries;
use super::programs::{self, Language};
use crate::counts::Counts;
use crate::{python, run};

/// Puts headers, libraries and the files by which other build systems find them below `prefix`.
pub(crate) fn install(prefix: &Path, libraries: &Libraries) -> Result<(), String> {
    copy_all(prefix, libraries).map_err(|error| format!("{}: {error}", prefix.display()))
}

fn copy_all(prefix: &Path, libraries: &Libraries) -> io::Result<()> {
    let root = run::root();
    let include = prefix.join("include");
    let library = prefix.join("lib");
    let (cmake, pkgconfig) = (library.join("cmake/resayil"), library.join("pkgconfig"));
    for folder in [&include.join("resayil"), &cmake, &pkgconfig] {
        fs::create_dir_all(folder)?;
    }
    fs::copy(root.join("include/resayil.h"), include.join("resayil.h"))?;
    let cpp = root.join("bindings/cpp");
    fs::copy(cpp.join("resayil.hpp"), include.join("resayil.hpp"))?;
    for entry in fs::read_dir(cpp.join("resayil"))? {
        let entry = entry?;
        fs::copy(entry.path(), include.join("resayil").join(entry.file_name()))?;
    }
    fs::copy(&libraries.archive, library.join("libresayil.a"))?;
    // Programs look for the SONAME, which crates/capi/build.rs sets; the linker for the bare name.
    let name = format!("libresayil.{DLL_EXTENSION}");
    let soname = format!("{name}.0");
    fs::copy(&libraries.shared, library.join(&soname))?;
    let link = library.join(&name);
    let _ = fs::remove_file(&link);
    #[cfg(unix)]
    std::os::unix::fs::symlink(&soname, &link)?;
    #[cfg(not(unix))]
    fs::copy(&libraries.shared, &link)?;

    let templates = root.join("bindings/cmake");
    fs::copy(templates.join("resayil-config.cmake"), cmake.join("resayil-config.cmake"))?;
    let fill =
        |from: &str, to: &Path| fs::write(to, filled(&fs::read_to_string(templates.join(from))?));
    fill("resayil-config-version.cmake.in", &cmake.join("resayil-config-version.cmake"))?;
    fill("resayil.pc.in", &pkgconfig.join("resayil.pc"))
}

/// The text with the version in the places of `@VERSION@`, `@MAJOR@` and `@MINOR@`.
fn filled(text: &str) -> String {
    text.replace("@VERSION@", env!("CARGO_PKG_VERSION"))
        .replace("@MAJOR@", env!("CARGO_PKG_VERSION_MAJOR"))
        .replace("@MINOR@", env!("CARGO_PKG_VERSION_MINOR"))
}

/// The CMake that is fetched where the machine has none.
const CMAKE: &str = "4.1.2";

/// Installs below `target/`, and builds and runs programs with what pkg-config and CMake make of it.
/// One of them that is not to be had is skipped.
pub(crate) fn test(libraries: &Libraries) -> Result<Counts, String> {
    let prefix = run::target_dir().join("native").join("prefix");
    let _ = fs::remove_dir_all(&prefix);
    install(&prefix, libraries)?;
    let mut counts = Counts::default();
    if run::exists("pkg-config", &["--version"]) {
        counts.passed += pkg_config(&prefix).map_err(|error| format!("pkg-config: {error}"))?;
    } else {
        counts.skipped += 1;
    }
    let found = run::exists("cmake", &["--version"]).then(|| Ok(PathBuf::from("cmake")));
    match found.unwrap_or_else(|| python::program("cmake", CMAKE)) {
        Ok(program) => {
            let passed = cmake(&program, &prefix);
            counts.passed += passed.map_err(|error| format!("cmake: {error}"))?;
        }
        Err(error) => {
            run::say(&format!("without CMake: {error}"));
            counts.skipped += 1;
        }
    }
    Ok(counts)
}

fn pkg_config(prefix: &Path) -> Result<u64, String> {
    let mut pkg_config = run::command("pkg-config");
    pkg_config.args(["--cflags", "--libs", "resayil"]);
    pkg_config.env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig"));
    let flags = run::output(&mut pkg_config)?;
    let program = prefix.join("with-pkg-config");
    let mut compiler = Language::C.compiler();
    compiler.arg("tests/c/test_kinds.c").args(flags.split_whitespace()).arg("-o").arg(&program);
    compiler.arg(format!("-Wl,-rpath,{}", prefix.join("lib").display()));
    programs::quietly(&mut compiler)?;
    programs::tests_in(&programs::output(&program, &[])?).map(|_| 1)
}

fn cmake(program: &Path, prefix: &Path) -> Result<u64, String> {
    let build = prefix.join("with-cmake");
    let mut configure = run::command(program);
    configure.args(["-S", "tests/cmake", "-B"]).arg(&build);
    configure.arg(format!("-DCMAKE_PREFIX_PATH={}", prefix.display()));
    programs::quietly(&mut configure)?;
    programs::quietly(run::command(program).arg("--build").arg(&build))?;
    for name in ["shared", "static", "cpp"] {
        programs::tests_in(&programs::output(&build.join(name), &[])?)?;
    }
    Ok(3)
}
